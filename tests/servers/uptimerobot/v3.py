"""What API v3 says: GET with a bearer's key, JSON, lists in ``data`` with a ``nextLink``."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.servers.uptimerobot.account import Account, Contact, Log, Monitor, Window

Query: TypeAlias = "Mapping[str, str]"
Said: TypeAlias = "tuple[int, dict[str, Any]]"

STATUSES = {0: "PAUSED", 1: "STARTED", 2: "UP", 8: "LOOKS_DOWN", 9: "DOWN"}
CONTACTS = {1: "Sms", 2: "Email", 3: "Twitter", 5: "Webhook", 6: "Pushbullet", 7: "Zapier", 9: "Pushover", 11: "Slack"}
WINDOWS = {1: "once", 2: "daily", 3: "weekly", 4: "monthly"}
_DOWN = 1
_LONGEST_S = 90 * 86_400


def answer(account: Account, path: str, query: Query, *, base: str) -> Said:
    """Return status and body for a path below the version, such as ``monitors/7``; ``base`` is the version's URL."""
    path = path.strip("/")
    if path == "user/me":
        return 200, _me(account)
    if path in _LISTS:
        return 200, _page(account, _LISTS[path](account, query), query, f"{base}/{path}")
    match path.split("/"):
        case ["monitors", number, *rest]:
            monitor = next((each for each in account.monitors if str(each.id) == number), None)
            return _not_found() if monitor is None else _about(account, monitor, rest, query)
    return _not_found()


def iso(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def epoch_s(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _not_found() -> Said:
    return 404, {"message": "Not found", "error": "Not Found", "statusCode": 404}


def _page(account: Account, found: Sequence[dict[str, Any]], query: Query, link: str) -> dict[str, Any]:
    limit = min(int(query.get("limit", 50)), 200, account.page_size)
    cursor = query.get("cursor")
    rest = [each for each in found if cursor is None or int(each["id"]) > int(cursor)]
    page = rest[:limit]
    onward = {**query, "cursor": str(page[-1]["id"])} if len(rest) > limit else None
    return {"data": page, "nextLink": f"{link}?{urlencode(onward)}" if onward else None}


def _is_wanted(monitor: Monitor, query: Query) -> bool:
    statuses = set(filter(None, query.get("status", "").split(",")))
    tags = set(filter(None, query.get("tags", "").split(",")))
    return (
        (not statuses or STATUSES.get(monitor.status) in statuses)
        and tags <= set(monitor.tags)
        and query.get("groupId", str(monitor.group_id)) == str(monitor.group_id)
        and query.get("name", "").lower() in monitor.name.lower()
        and query.get("url", "").lower() in monitor.url.lower()
    )


def _about(account: Account, monitor: Monitor, rest: Sequence[str], query: Query) -> Said:
    now_s = account.now_s
    from_s = epoch_s(query["from"]) if "from" in query else now_s - 86_400
    to_s = epoch_s(query["to"]) if "to" in query else now_s
    if to_s - from_s > _LONGEST_S:
        return 400, {"message": ["The range must be at most 90 days"], "error": "Bad Request", "statusCode": 400}
    match rest:
        case []:
            return 200, _monitor(account, monitor)
        case ["stats", "uptime"]:
            return 200, _uptime(monitor, from_s, to_s, now_s)
        case ["stats", "response-time"]:
            has_series = query.get("includeTimeSeries") == "true"
            return 200, _response_time(monitor, from_s, to_s, now_s, has_series=has_series)
    return _not_found()


def _uptime(monitor: Monitor, from_s: int, to_s: int, now_s: int) -> dict[str, Any]:
    incidents = [log for log in monitor.logs if log.type == _DOWN and from_s <= log.at_s < to_s]
    down_s = monitor.downtime_s(from_s, to_s, now_s)
    return {
        "uptime": round(monitor.uptime_percent(from_s, to_s, now_s), 3),
        "total_downtime_seconds": down_s,
        "incident_count": len(incidents),
        "mtbf": (to_s - from_s - down_s) // len(incidents) if incidents else None,
        "from": iso(from_s),
        "to": iso(to_s),
    }


def _response_time(monitor: Monitor, from_s: int, to_s: int, now_s: int, *, has_series: bool) -> dict[str, Any]:
    samples = list(monitor.all_samples(now_s, from_s=from_s, to_s=to_s))
    values = [value for _, value in samples]
    said: dict[str, Any] = {
        "summary": {"min": min(values), "max": max(values), "avg": sum(values) / len(values)} if values else None,
        "data_points": len(values),
        "from": iso(from_s),
        "to": iso(to_s),
    }
    if has_series:
        said["time_series"] = [{"timestamp": iso(at_s), "value": value} for at_s, value in reversed(samples)]
    return said


def _monitor(account: Account, monitor: Monitor) -> dict[str, Any]:
    escape = html.escape if account.is_escaped else str
    assigned = [
        dict(zip(("alertContactId", "threshold", "recurrence"), each, strict=True)) for each in monitor.contacts
    ]
    return {
        "id": monitor.id,
        "friendlyName": escape(monitor.name),
        "url": escape(monitor.url),
        "type": monitor.type,
        "interval": monitor.interval_s,
        "timeout": None if monitor.type == "HEARTBEAT" else monitor.timeout_s,
        "status": STATUSES.get(monitor.status, "NOT_STARTED"),
        "currentStateDuration": account.now_s - max((log.at_s for log in monitor.logs), default=monitor.created_s),
        "httpMethodType": monitor.method,
        "authType": monitor.auth,
        "httpUsername": monitor.username or None,
        "httpPassword": monitor.password or None,
        "customHttpHeaders": monitor.headers,
        "successHttpResponseCodes": monitor.success_codes,
        "followRedirections": monitor.follows_redirects,
        "checkSSLErrors": monitor.checks_ssl,
        "keywordType": ("ALERT_EXISTS" if monitor.alerts_if_exists else "ALERT_NOT_EXISTS")
        if monitor.keyword
        else None,
        "keywordValue": monitor.keyword or None,
        "keywordCaseType": int(monitor.ignores_case) if monitor.keyword else None,
        "postValueType": monitor.body_type,
        "postValueData": monitor.body,
        "port": monitor.port,
        "gracePeriod": monitor.grace_s,
        "responseTimeThreshold": 0,
        "regionalData": {"REGION": monitor.regions, "THRESHOLD": monitor.slow_ms, "MANUAL_SELECTED": False},
        "config": monitor.config,
        "maintenanceWindows": [_window(account, each) for each in account.windows if each.id in monitor.windows],
        "assignedAlertContacts": assigned,
        "tags": [{"id": number, "name": name} for number, name in enumerate(monitor.tags)],
        "groupId": monitor.group_id,
        "customFields": monitor.custom_fields,
        "lastIncident": next((_incident(account, monitor, each) for each in _newest_first(monitor)), None),
        "sslExpiryDateTime": iso(monitor.ssl_expires_s) if monitor.ssl_expires_s else None,
        "domainExpireDate": None,
        "createDateTime": iso(monitor.created_s),
    }


def _newest_first(monitor: Monitor) -> list[Log]:
    return sorted((log for log in monitor.logs if log.type == _DOWN), key=lambda log: -log.at_s)


def _incident(account: Account, monitor: Monitor, log: Log) -> dict[str, Any]:
    is_over = log.duration_s is not None
    return {
        "id": str(monitor.id * 1000 + monitor.logs.index(log)),
        "status": "Resolved" if is_over else "Ongoing",
        "type": "DOWNTIME",
        "cause": int(log.code) if log.code.isdigit() else None,
        "reason": log.detail,
        "monitor": {"id": monitor.id, "friendlyName": monitor.name},
        "startedAt": iso(log.at_s),
        "resolvedAt": iso(log.at_s + log.lasted_s(account.now_s)) if is_over else None,
        "duration": log.duration_s,
        "commentsCount": 0,
        "includeInReports": True,
    }


def _incidents(account: Account, query: Query) -> list[dict[str, Any]]:
    after_s = epoch_s(query["started_after"]) if "started_after" in query else 0
    before_s = epoch_s(query["started_before"]) if "started_before" in query else account.now_s
    found = [
        _incident(account, monitor, log)
        for monitor in account.monitors
        for log in _newest_first(monitor)
        if query.get("monitor_id", str(monitor.id)) == str(monitor.id) and after_s <= log.at_s <= before_s
    ]
    return sorted(found, key=lambda each: int(each["id"]))


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "friendlyName": contact.name,
        "type": CONTACTS.get(contact.type, "Integration"),
        "status": {0: "NotActivated", 1: "Paused", 2: "Active"}[contact.status],
        "value": contact.value,
        "enableNotificationsFor": "UpAndDown",
        "sslExpirationReminder": True,
    }


def _window(account: Account, window: Window) -> dict[str, Any]:
    return {
        "id": window.id,
        "name": window.name,
        "interval": WINDOWS[window.type],
        "date": window.date,
        "time": f"{window.start}:00",
        "duration": window.duration_min,
        "days": window.days,
        "autoAddMonitors": False,
        "monitorIds": [each.id for each in account.monitors if window.id in each.windows],
        "status": "active" if window.is_active else "paused",
    }


def _me(account: Account) -> dict[str, Any]:
    return {
        "email": account.email,
        "fullName": "Owner",
        "monitorsCount": len(account.monitors),
        "monitorLimit": 50,
        "smsCredits": 0,
        "activeSubscription": {"plan": account.plan, "status": "ACTIVE", "expirationDate": account.plan_ends},
    }


_LISTS: dict[str, Callable[[Account, Query], list[dict[str, Any]]]] = {
    "monitors": lambda account, query: [
        _monitor(account, each) for each in account.monitors if _is_wanted(each, query)
    ],
    "incidents": _incidents,
    "maintenance-windows": lambda account, _: [_window(account, each) for each in account.windows],
    "user/alert-contacts": lambda account, _: [_contact(each) for each in account.contacts],
}
