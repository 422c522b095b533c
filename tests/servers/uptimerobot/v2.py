"""What API v2 says: POST of a form (or JSON) to a method's name, and an envelope with ``stat``.

The list of alert contacts has its paging beside it, the others have theirs in ``pagination``.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from tests.servers.uptimerobot.v2_monitor import asks, is_among, monitor_as_asked, type_of, window_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.servers.uptimerobot.account import Account, Contact
    from tests.servers.uptimerobot.v2_monitor import Form


_MOST = 50
_LONGEST_S = 7 * 86_400
_LAUNDERED = {"type", "sub_type", "keyword_type", "keyword_case_type", "port", "interval", "timeout", "status"}
_LAUNDERED |= {"id", "create_datetime", "datetime", "value", "duration", "threshold", "recurrence", "offset", "limit"}
_LAUNDERED |= {"total", "http_method", "http_auth_type", "post_type", "post_content_type", "expires", "start_time"}
_WITH_MARKUP = {"friendly_name", "url", "keyword_value"}


def failure(kind: str, message: str, **more: str) -> dict[str, Any]:
    return {"stat": "fail", "error": {"type": kind, **more, "message": message}}


def bad_key(passed: str | None) -> dict[str, Any]:
    if passed is None:
        return failure("missing_parameter", "api_key parameter is missing.", parameter_name="api_key")
    return failure("invalid_parameter", "api_key is invalid.", parameter_name="api_key", passed_value=passed)


def answer(account: Account, method: str, form: Form) -> dict[str, Any]:
    """Return what a method says, as it leaves the house."""
    if method not in _METHODS:
        return failure("not_found", "The requested method was not found.")
    key = form.get("api_key")
    own = next((each for each in account.monitors if each.key is not None and each.key == key), None)
    if key != account.key and (own is None or method != "getMonitors"):
        return bad_key(key)
    try:
        said = _METHODS[method](account, {**form, "monitors": str(own.id)} if own else form)
    except ValueError:
        return failure("invalid_parameter", "A parameter has a wrong format.")
    laundered = _laundered(said, account)
    assert isinstance(laundered, dict)
    return laundered


def get_monitors(account: Account, form: Form) -> dict[str, Any]:
    if (trouble := _range_trouble(form)) is not None:
        return trouble
    ids = set(form.get("monitors", "").split("-")) - {""}
    found = [
        each
        for each in account.monitors
        if (not ids or str(each.id) in ids)
        and is_among(type_of(each), form.get("types"))
        and is_among(each.status, form.get("statuses"))
        and form.get("search", "").lower() in f"{each.name} {each.url}".lower()
    ]
    page, paging = _page(account, found, form)
    said = {"stat": "ok", "pagination": paging, "monitors": [monitor_as_asked(account, each, form) for each in page]}
    return said | ({"timezone": str(account.utc_offset_min)} if asks(form, "timezone") else {})


def get_alert_contacts(account: Account, form: Form) -> dict[str, Any]:
    page, paging = _page(account, account.contacts, form)
    return {"stat": "ok", **paging, "alert_contacts": [_contact(each) for each in page]}


def get_mwindows(account: Account, form: Form) -> dict[str, Any]:
    page, paging = _page(account, account.windows, form)
    return {"stat": "ok", "pagination": paging, "mwindows": [window_shape(each) for each in page]}


def get_account_details(account: Account, _: Form) -> dict[str, Any]:
    states = [each.status for each in account.monitors]
    return {
        "stat": "ok",
        "account": {
            "email": account.email,
            "monitor_limit": 50,
            "monitor_interval": 5,
            "up_monitors": states.count(2),
            "down_monitors": states.count(8) + states.count(9),
            "paused_monitors": states.count(0),
        },
    }


_METHODS: dict[str, Callable[[Account, Form], dict[str, Any]]] = {
    "getMonitors": get_monitors,
    "getAlertContacts": get_alert_contacts,
    "getMWindows": get_mwindows,
    "getAccountDetails": get_account_details,
}


def _page(account: Account, found: Sequence[Any], form: Form) -> tuple[Sequence[Any], dict[str, int]]:
    offset = int(form.get("offset") or 0)
    limit = min(int(form.get("limit") or _MOST), _MOST, account.page_size)
    return found[offset : offset + limit], {"offset": offset, "limit": limit, "total": len(found)}


def _range_trouble(form: Form) -> dict[str, Any] | None:
    start, end = form.get("response_times_start_date"), form.get("response_times_end_date")
    if start and end and int(end) - int(start) > _LONGEST_S:
        name = "response_times_end_date"
        return failure("invalid_parameter", "The range can't be longer than 7 days.", parameter_name=name)
    return None


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": str(contact.id),
        "friendly_name": contact.name,
        "type": contact.type,
        "status": contact.status,
        "value": contact.value,
    }


def _laundered(value: Any, account: Account, name: str = "") -> Any:
    """Return a value in the clothes of the day."""
    if isinstance(value, dict):
        return {key: _laundered(each, account, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_laundered(each, account, name) for each in value]
    if value is None:
        return "" if account.missing == "empty" else None
    if isinstance(value, int) and name in _LAUNDERED and account.numbers == "strings":
        return str(value)
    if isinstance(value, str) and name in _WITH_MARKUP and account.is_escaped:
        return html.escape(value)
    return value
