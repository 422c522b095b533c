"""A monitor as both versions of the API tell it, in one shape. Version 3 wins where both say something.

Values of headers and of what is posted are not even looked at.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from prober.adapters.uptimerobot import laundry
from prober.core.importing.account import Assertion, Assignment, Auth, Body, Keyword, Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KINDS: Final = {1: "http", 2: "keyword", 3: "ping", 4: "port", 5: "heartbeat"}
_METHODS: Final = {1: "HEAD", 2: "GET", 3: "POST", 4: "PUT", 5: "PATCH", 6: "DELETE", 7: "OPTIONS"}
_AUTHS_V2: Final[dict[int | None, Auth]] = {1: "basic", 2: "digest"}
_AUTHS_V3: Final[dict[str, Auth]] = {"HTTP_BASIC": "basic", "DIGEST": "digest", "BEARER": "bearer"}
_PAUSED: Final = 0
_FORM: Final = 1
_IF_EXISTS: Final = 1
_REMINDER_DAYS: Final = 30
_MOST_DAYS: Final = 365
_SURROGATES = re.compile("[\ud800-\udfff]")

Fields = dict[str, Any]


def merged(v2: Mapping[str, Any], v3: Mapping[str, Any], groups: Mapping[int, str]) -> Monitor | None:
    """Return a monitor as both versions tell it, either of which may be empty; None if neither says which one it is."""
    fields = _from_v2(v2) | _from_v3(v3, groups)
    if fields.get("success_codes"):
        fields["status_rules"] = ()
    return Monitor(**fields) if fields.get("id") and fields.get("kind") else None


def text(value: object) -> str:
    """Return a text as a person wrote it, empty where there is none; half a character becomes a whole one."""
    return _SURROGATES.sub("\ufffd", laundry.unescaped(value)) if isinstance(value, str) else ""


def _raw(value: object) -> str:
    return _SURROGATES.sub("\ufffd", value) if isinstance(value, str) else ""


def _told(**fields: object) -> Fields:
    """Return the fields that were told."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _from_v2(raw: Mapping[str, Any]) -> Fields:
    number, kind, status = (laundry.whole(raw.get(name)) for name in ("id", "type", "status"))
    username, password = _raw(raw.get("http_username")), _raw(raw.get("http_password"))
    auth = _AUTHS_V2.get(laundry.whole(raw.get("http_auth_type")), "basic" if username or password else None)
    statuses = raw.get("custom_http_statuses")
    rules = tuple((int(code), is_up == "1") for code, is_up in re.findall(r"\b([0-9]{3}):([01])\b", _spaced(statuses)))
    return _told(
        id=number,
        kind=None if kind is None else _KINDS.get(kind, f"type {kind}"),
        name=text(raw.get("friendly_name")),
        url=text(raw.get("url")),
        is_paused=status == _PAUSED if status is not None else None,
        interval_s=laundry.whole(raw.get("interval")),
        timeout_s=laundry.whole(raw.get("timeout")),
        method=_METHODS.get(laundry.whole(raw.get("http_method")) or 0),
        status_rules=rules,
        keyword=_keyword_v2(raw),
        auth=auth,
        username=username,
        password=password,
        headers=tuple(_names(raw.get("custom_http_headers"))),
        body=_body_v2(raw),
        ignores_certificate=laundry.whole(_table(raw.get("ssl")).get("ignore_errors")) == 1,
        assignments=tuple(_assignments(raw.get("alert_contacts"), "id")),
        windows=tuple(_ids(raw.get("mwindows"))),
        rest=("its rules for status codes",) if statuses and not rules else (),
    )


def _spaced(statuses: object) -> str:
    return statuses.replace("_", " ") if isinstance(statuses, str) else ""


def _keyword_v2(raw: Mapping[str, Any]) -> Keyword | None:
    kind, found = laundry.whole(raw.get("keyword_type")), text(raw.get("keyword_value")).strip()
    if not found or kind is None:
        return None
    ignores_case = laundry.whole(raw.get("keyword_case_type")) == 1
    return Keyword(text=found, is_down_when_present=kind == _IF_EXISTS, ignores_case=ignores_case)


def _body_v2(raw: Mapping[str, Any]) -> Body | None:
    is_form = laundry.whole(raw.get("post_type")) == _FORM and laundry.whole(raw.get("post_content_type")) in {
        None,
        0,
        1,
    }
    return _body(raw.get("post_value"), is_form=is_form)


def _body(value: object, *, is_form: bool) -> Body | None:
    if not value:
        return None
    return Body(is_form=is_form, fields=tuple(_names(value)) if is_form else ())


def _from_v3(raw: Mapping[str, Any], groups: Mapping[int, str]) -> Fields:
    if not raw:
        return {}
    config = _table(raw.get("config"))
    assertions = _table(config.get("apiAssertions"))
    codes = [each for each in _list(raw.get("successHttpResponseCodes")) if isinstance(each, str | int)]
    tags = [text(_table(each).get("name") if isinstance(each, dict) else each) for each in _list(raw.get("tags"))]
    group = groups.get(laundry.whole(raw.get("groupId")) or 0)
    auth = _raw(raw.get("authType"))
    return _told(
        id=laundry.whole(raw.get("id")),
        kind=_raw(raw.get("type")).lower(),
        name=text(raw.get("friendlyName")),
        url=text(raw.get("url")),
        is_paused=_raw(raw.get("status")).upper() == "PAUSED" if raw.get("status") else None,
        interval_s=laundry.whole(raw.get("interval")),
        timeout_s=laundry.whole(raw.get("timeout")),
        method=_raw(raw.get("httpMethodType")).upper(),
        follows_redirects=_truth(raw.get("followRedirections")),
        success_codes=tuple(_raw(str(each)) for each in codes) or None,
        keyword=_keyword_v3(raw),
        assertions=tuple(_assertions(assertions.get("checks"))),
        needs_all=_raw(assertions.get("logic")).upper() != "OR",
        auth=_AUTHS_V3.get(auth.upper(), "none" if auth else None),
        username=_raw(raw.get("httpUsername")),
        password=_raw(raw.get("httpPassword")),
        headers=tuple(_names(raw["customHttpHeaders"])) if raw.get("customHttpHeaders") else None,
        body=_body(raw.get("postValueData"), is_form=_raw(raw.get("postValueType")).upper() == "KEY_VALUE"),
        slow_ms=_slow_ms(raw),
        certificate_days=_certificate_days(raw, config),
        ignores_certificate=_ignores_certificate(raw),
        tags=tuple(filter(None, [*tags, group])),
        custom=tuple((text(name), text(value)) for name, value in _table(raw.get("customFields")).items()),
        assignments=tuple(_assignments(raw["assignedAlertContacts"], "alertContactId"))
        if raw.get("assignedAlertContacts")
        else None,
        windows=tuple(_ids(raw["maintenanceWindows"])) if raw.get("maintenanceWindows") else None,
        rest=tuple(_rest(raw, config, auth)),
    )


def _keyword_v3(raw: Mapping[str, Any]) -> Keyword | None:
    kind, found = _raw(raw.get("keywordType")).upper(), _raw(raw.get("keywordValue")).strip()
    if not found or not kind:
        return None
    case = raw.get("keywordCaseType")
    ignores_case = laundry.whole(case) == 1 or _raw(case).lower() == "caseinsensitive"
    return Keyword(text=found, is_down_when_present=kind == "ALERT_EXISTS", ignores_case=ignores_case)


def _assertions(checks: object) -> Iterator[Assertion]:
    for each in _list(checks):
        check = _table(each)
        yield Assertion(
            path=_raw(check.get("property")).strip(),
            comparison=_raw(check.get("comparison")).lower(),
            target=_whole_text(check.get("target")),
        )


def _whole_text(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    match value:
        case str():
            return _raw(value)
        case list():
            return [_whole_text(each) for each in value]
        case dict():
            return {_raw(name): _whole_text(each) for name, each in value.items()}
        case _:
            return value


def _slow_ms(raw: Mapping[str, Any]) -> int | None:
    """Return the largest of the regions' thresholds: the one on top always reads 0."""
    limits = _table(_table(raw.get("regionalData")).get("THRESHOLD")).values()
    found = [laundry.whole(each) or 0 for each in (*limits, raw.get("responseTimeThreshold"))]
    return max(found) if max(found) > 0 else None


def _certificate_days(raw: Mapping[str, Any], config: Mapping[str, Any]) -> int | None:
    days = [laundry.whole(each) or 0 for each in _list(config.get("sslExpirationPeriodDays"))]
    is_wanted = _truth(raw.get("sslExpirationReminder"))
    if is_wanted is False or (is_wanted is None and not days):
        return None
    longest = max(days, default=0)
    return min(longest, _MOST_DAYS) if longest > 0 else _REMINDER_DAYS


def _ignores_certificate(raw: Mapping[str, Any]) -> bool | None:
    checks = _truth(raw.get("checkSSLErrors"))
    return None if checks is None else not checks


def _rest(raw: Mapping[str, Any], config: Mapping[str, Any], auth: str) -> Iterator[str]:
    """Yield what is set and has no place in a probe."""
    if auth.upper() not in {"", "NONE", *_AUTHS_V3}:
        yield f"its way to log in ({auth})"
    if _truth(raw.get("domainExpirationReminder")):
        yield "its reminder of the end of the domain"
    if version := _raw(config.get("ipVersion")):
        yield f"its choice of {version}"
    retries = laundry.whole(config.get("applicationErrorRetries"))
    if retries is not None:
        yield f"its number of retries ({retries})"
    regional = _table(raw.get("regionalData"))
    if _truth(regional.get("MANUAL_SELECTED")):
        yield f"its choice of regions ({', '.join(map(_raw, _list(regional.get('REGION'))))})"


def _assignments(value: object, key: str) -> Iterator[Assignment]:
    for each in _list(value):
        entry = _table(each)
        again_min, after_min = (max(laundry.whole(entry.get(name)) or 0, 0) for name in ("recurrence", "threshold"))
        if (number := laundry.whole(entry.get(key))) is not None:
            yield Assignment(contact=str(number), after_min=after_min, again_min=again_min)


def _ids(value: object) -> Iterator[str]:
    for each in _list(value):
        if (number := laundry.whole(_table(each).get("id"))) is not None:
            yield str(number)


def _names(value: object) -> list[str]:
    """Return the names in a table, which may come as text: JSON, or as a form is sent."""
    if isinstance(value, str):
        table = _table(value)
        return list(map(_raw, table)) if table else [_raw(name) for name, _ in parse_qsl(value, keep_blank_values=True)]
    return [_raw(name) for name in _table(value)]


def _table(value: object) -> Mapping[str, Any]:
    """Return a table, also one that comes as text; empty for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    number = laundry.whole(value)
    return None if number is None else number != 0
