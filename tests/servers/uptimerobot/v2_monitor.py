"""One monitor as v2 writes it: what it always says, and a part for each switch that is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.servers.uptimerobot.account import Account, Monitor, Window

Form: TypeAlias = Mapping[str, str]

TYPES = {"HTTP": 1, "KEYWORD": 2, "PING": 3, "PORT": 4, "HEARTBEAT": 5, "API": 7, "DNS": 8, "UDP": 9}
METHODS = {"HEAD": 1, "GET": 2, "POST": 3, "PUT": 4, "PATCH": 5, "DELETE": 6, "OPTIONS": 7}
_DAY_S = 86_400


def asks(form: Form, name: str) -> bool:
    return form.get(name) in {"1", "true"}


def is_among(number: int, listed: str | None) -> bool:
    return not listed or str(number) in listed.split("-")


def type_of(monitor: Monitor) -> int:
    return TYPES[monitor.type] if monitor.type_number is None else monitor.type_number


def monitor_as_asked(account: Account, monitor: Monitor, form: Form) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": monitor.id,
        "friendly_name": monitor.name,
        "url": monitor.url,
        "type": type_of(monitor),
        "sub_type": monitor.sub_type,
        "keyword_type": (1 if monitor.alerts_if_exists else 2) if monitor.keyword else None,
        "keyword_case_type": int(monitor.ignores_case) if monitor.keyword else None,
        "keyword_value": monitor.keyword,
        "http_username": monitor.username,
        "http_password": monitor.password,
        "http_auth_type": {"HTTP_BASIC": 1, "DIGEST": 2}.get(monitor.auth),
        "port": monitor.port,
        "interval": monitor.interval_s,
        "timeout": monitor.timeout_s,
        "status": monitor.status,
        "create_datetime": monitor.created_s,
    }
    for name, part in _PARTS.items():
        if form.get(name, "0") not in {"", "0"}:
            said |= part(account, monitor, form)
    return said


def _logs(account: Account, monitor: Monitor, form: Form) -> dict[str, Any]:
    now_s = account.now_s
    from_s, to_s = int(form.get("logs_start_date") or 0), int(form.get("logs_end_date") or now_s)
    found = [
        {
            "id": monitor.id * 1000 + number,
            "type": log.type,
            "datetime": log.at_s,
            "duration": log.lasted_s(now_s),
            "reason": {"code": log.code, "detail": log.detail},
        }
        for number, log in enumerate(monitor.logs)
        if from_s <= log.at_s <= to_s and is_among(log.type, form.get("log_types"))
    ]
    newest_first = sorted(found, key=lambda log: -int(str(log["datetime"])))
    return {"logs": newest_first[: int(form.get("logs_limit") or len(found))]}


def _response_times(account: Account, monitor: Monitor, form: Form) -> dict[str, Any]:
    now_s = account.now_s
    limit = int(form.get("response_times_limit") or 0)
    from_s = int(form.get("response_times_start_date") or (0 if limit else now_s - _DAY_S))
    to_s = int(form.get("response_times_end_date") or now_s + _DAY_S)
    found = list(monitor.all_samples(now_s, from_s=from_s, to_s=to_s))
    if (minutes := int(form.get("response_times_average") or 0)) > 0:
        found = _averaged(found, minutes * 60)
    found = found[: limit or len(found)]
    mean = sum(value for _, value in found) / len(found) if found else 0
    return {
        "response_times": [{"datetime": at_s, "value": value} for at_s, value in found],
        "average_response_time": f"{mean:.3f}",
    }


def _averaged(samples: Sequence[tuple[int, int]], every_s: int) -> list[tuple[int, int]]:
    buckets: dict[int, list[int]] = {}
    for at_s, value in samples:
        buckets.setdefault(at_s // every_s * every_s, []).append(value)
    return [(at_s, round(sum(values) / len(values))) for at_s, values in buckets.items()]


def _uptime_ratios(account: Account, monitor: Monitor, form: Form) -> dict[str, Any]:
    now_s = account.now_s
    spans = [(now_s - int(days) * _DAY_S, now_s) for days in form["custom_uptime_ratios"].split("-")]
    said = {"custom_uptime_ratio": "-".join(f"{monitor.uptime_percent(*span, now_s):.3f}" for span in spans)}
    if asks(form, "custom_down_durations"):
        said["custom_down_durations"] = "-".join(str(monitor.downtime_s(*span, now_s)) for span in spans)
    return said


def _uptime_ranges(account: Account, monitor: Monitor, form: Form) -> dict[str, Any]:
    spans = [each.split("_") for each in form["custom_uptime_ranges"].split("-")]
    shares = (monitor.uptime_percent(int(start), int(end), account.now_s) for start, end in spans)
    return {"custom_uptime_ranges": "-".join(f"{share:.3f}" for share in shares)}


def _all_time(account: Account, monitor: Monitor, _: Form) -> dict[str, Any]:
    return {"all_time_uptime_ratio": f"{monitor.uptime_percent(monitor.created_s, account.now_s, account.now_s):.3f}"}


def _contacts(account: Account, monitor: Monitor, _: Form) -> dict[str, Any]:
    known = {each.id: each for each in account.contacts}
    return {
        "alert_contacts": [
            {
                "id": str(contact_id),
                "type": known[contact_id].type,
                "value": known[contact_id].value,
                "threshold": threshold,
                "recurrence": recurrence,
            }
            for contact_id, threshold, recurrence in monitor.contacts
        ]
    }


def _windows(account: Account, monitor: Monitor, _: Form) -> dict[str, Any]:
    return {"mwindows": [window_shape(each) for each in account.windows if each.id in monitor.windows]}


def _ssl(_: Account, monitor: Monitor, __: Form) -> dict[str, Any]:
    if monitor.ssl_expires_s is None:
        return {}
    ignores = int(not monitor.checks_ssl)
    expires = {"brand": "R11", "product": None, "expires": monitor.ssl_expires_s, "ignore_errors": ignores}
    return {"ssl": expires}


def _request_details(_: Account, monitor: Monitor, __: Form) -> dict[str, Any]:
    return {
        "http_method": METHODS.get(monitor.method),
        "post_type": {"KEY_VALUE": 1, "RAW_JSON": 2, None: None}[monitor.body_type],
        "post_value": monitor.body,
        "post_content_type": {"KEY_VALUE": 0, "RAW_JSON": 1, None: None}[monitor.body_type],
    }


def _headers(_: Account, monitor: Monitor, __: Form) -> dict[str, Any]:
    return {"custom_http_headers": monitor.headers or []}


def _statuses(_: Account, monitor: Monitor, __: Form) -> dict[str, Any]:
    return {"custom_http_statuses": monitor.custom_statuses}


_PARTS: dict[str, Callable[[Account, Monitor, Form], dict[str, Any]]] = {
    "logs": _logs,
    "response_times": _response_times,
    "custom_uptime_ratios": _uptime_ratios,
    "custom_uptime_ranges": _uptime_ranges,
    "all_time_uptime_ratio": _all_time,
    "alert_contacts": _contacts,
    "mwindows": _windows,
    "ssl": _ssl,
    "http_request_details": _request_details,
    "custom_http_headers": _headers,
    "custom_http_statuses": _statuses,
}


def window_shape(window: Window) -> dict[str, Any]:
    return {
        "id": window.id,
        "type": window.type,
        "friendly_name": window.name,
        "value": "-".join(map(str, window.days)),
        "start_time": window.start if window.starts_s is None else window.starts_s,
        "duration": window.duration_min,
        "status": int(window.is_active),
    }
