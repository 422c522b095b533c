from __future__ import annotations

from typing import Any

import pytest

from prober.adapters.uptimerobot.monitors import merged
from prober.core.importing.account import Assertion, Assignment, Body, Keyword, Monitor

V2: dict[str, Any] = {"id": "7", "type": "1"}
V3: dict[str, Any] = {"id": 7, "type": "HTTP"}


def from_v2(**fields: Any) -> Monitor:
    found = merged({**V2, **fields}, {}, {})
    assert found is not None
    return found


def from_v3(groups: dict[int, str] | None = None, **fields: Any) -> Monitor:
    found = merged({}, {**V3, **fields}, groups or {})
    assert found is not None
    return found


OLD = [
    *("friendly_name", "url", "interval", "timeout", "keyword_type", "keyword_value", "http_auth_type", "ssl"),
    *("status", "custom_http_headers", "custom_http_statuses", "post_value", "alert_contacts", "mwindows"),
]
NEW = [
    *("friendlyName", "url", "config", "regionalData", "tags", "groupId", "customFields", "customHttpHeaders"),
    *("successHttpResponseCodes", "followRedirections", "postValueData", "assignedAlertContacts", "status"),
    *("keywordType", "keywordValue", "authType", "maintenanceWindows", "sslExpirationReminder", "httpMethodType"),
]


@pytest.mark.parametrize("nothing", ["", None, [], {}])
def test_what_is_empty_says_nothing(nothing: object) -> None:
    assert merged({**V2, **dict.fromkeys(OLD, nothing)}, {}, {}) == merged(V2, {}, {})
    assert merged({}, {**V3, **dict.fromkeys(NEW, nothing)}, {}) == merged({}, V3, {})


@pytest.mark.parametrize("odd", ["null", "[]", -0.5, 1e300, True, "\ud800", [None, [], {"id": {}}], {"\ud800": [{}]}])
def test_whatever_stands_there_is_read(odd: object) -> None:
    found = merged({**V2, **dict.fromkeys(OLD, odd)}, {**V3, **dict.fromkeys(NEW, odd)}, {})
    assert found is not None
    repr(found).encode()


def test_what_says_not_which_one_it_is_is_none() -> None:
    assert merged({"type": 1}, {}, {}) is None
    assert merged({"id": 1}, {}, {}) is None


@pytest.mark.parametrize(
    ("number", "kind"), [(1, "http"), ("2", "keyword"), (3, "ping"), (4, "port"), (5, "heartbeat"), (12, "type 12")]
)
def test_types_of_version_2_are_numbers(number: object, kind: str) -> None:
    assert from_v2(type=number).kind == kind


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"friendly_name": "R&amp;D", "url": "https://a/?x=1&amp;y=2"}, {"name": "R&D", "url": "https://a/?x=1&y=2"}),
        ({"url": "https://a/?a=1&copy=2"}, {"url": "https://a/?a=1&copy=2"}),
        ({"status": "0"}, {"is_paused": True}),
        ({"status": 2}, {"is_paused": False}),
        ({"interval": "300", "timeout": 30.0}, {"interval_s": 300, "timeout_s": 30}),
        ({"http_method": "2"}, {"method": "GET"}),
        ({"custom_http_statuses": "404:0_200:1"}, {"status_rules": ((404, False), (200, True))}),
        ({"custom_http_statuses": "odd"}, {"rest": ("its rules for status codes",)}),
        ({"http_username": "me", "http_password": "pw"}, {"auth": "basic", "username": "me", "password": "pw"}),
        ({"http_username": "me", "http_auth_type": 2}, {"auth": "digest"}),
        ({"custom_http_headers": {"X-A": "1"}}, {"headers": ("X-A",)}),
        ({"custom_http_headers": '{"X-A": "1"}'}, {"headers": ("X-A",)}),
        ({"ssl": {"ignore_errors": 1}}, {"ignores_certificate": True}),
        ({"mwindows": [{"id": 5}, {}, 3]}, {"windows": ("5",)}),
        (
            {"alert_contacts": [{"id": "9", "threshold": "5", "recurrence": -1}, {"threshold": 1}]},
            {"assignments": (Assignment(contact="9", after_min=5),)},
        ),
        (
            {"keyword_type": "1", "keyword_value": " &lt;go&gt; ", "keyword_case_type": "1"},
            {"keyword": Keyword(text="<go>", is_down_when_present=True, ignores_case=True)},
        ),
        ({"keyword_type": 2, "keyword_value": "ok"}, {"keyword": Keyword(text="ok", is_down_when_present=False)}),
        ({"post_type": 1, "post_value": {"a": "1"}}, {"body": Body(is_form=True, fields=("a",))}),
        (
            {"post_type": 1, "post_value": "a=1&b=", "post_content_type": 0},
            {"body": Body(is_form=True, fields=("a", "b"))},
        ),
        ({"post_type": 2, "post_value": {"a": "1"}}, {"body": Body(is_form=False)}),
        ({"post_type": 1, "post_value": "{}", "post_content_type": 2}, {"body": Body(is_form=False)}),
    ],
)
def test_version_2_tells(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = from_v2(**fields)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "KEYWORD"}, {"kind": "keyword"}),
        ({"friendlyName": "R&amp;D"}, {"name": "R&D"}),
        ({"status": "PAUSED"}, {"is_paused": True}),
        ({"status": "UP"}, {"is_paused": False}),
        ({"httpMethodType": "post"}, {"method": "POST"}),
        ({"followRedirections": False}, {"follows_redirects": False}),
        ({"followRedirections": 1}, {"follows_redirects": True}),
        ({"successHttpResponseCodes": ["2xx", 404, {}]}, {"success_codes": ("2xx", "404")}),
        ({"authType": "NONE", "httpUsername": "me"}, {"auth": "none"}),
        ({"authType": "BEARER", "httpPassword": "pw"}, {"auth": "bearer", "password": "pw"}),
        ({"authType": "NTLM"}, {"auth": "none", "rest": ("its way to log in (NTLM)",)}),
        ({"customHttpHeaders": {"X-A": "1"}}, {"headers": ("X-A",)}),
        ({"postValueType": "KEY_VALUE", "postValueData": {"a": "1"}}, {"body": Body(is_form=True, fields=("a",))}),
        ({"postValueType": "RAW_JSON", "postValueData": "{}"}, {"body": Body(is_form=False)}),
        ({"responseTimeThreshold": 0, "regionalData": {"THRESHOLD": {"na": 900, "eu": "1200"}}}, {"slow_ms": 1200}),
        ({"responseTimeThreshold": 0, "regionalData": '{"THRESHOLD": {"na": 900}}'}, {"slow_ms": 900}),
        ({"responseTimeThreshold": 700, "regionalData": "{"}, {"slow_ms": 700}),
        ({"regionalData": {"THRESHOLD": {"na": 0}}}, {"slow_ms": None}),
        ({"sslExpirationReminder": True}, {"certificate_days": 30}),
        ({"sslExpirationReminder": True, "config": {"sslExpirationPeriodDays": [7, 14, 0]}}, {"certificate_days": 14}),
        ({"sslExpirationReminder": False, "config": {"sslExpirationPeriodDays": [7]}}, {"certificate_days": None}),
        ({"config": {"sslExpirationPeriodDays": [9999]}}, {"certificate_days": 365}),
        ({"checkSSLErrors": False}, {"ignores_certificate": True}),
        ({"checkSSLErrors": True}, {"ignores_certificate": False}),
        ({"tags": [{"name": "prod"}, "web", 3], "groupId": 5}, {"tags": ("prod", "web", "Shops")}),
        ({"customFields": {"runbook": "https://a", "n": 5}}, {"custom": (("runbook", "https://a"), ("n", ""))}),
        ({"assignedAlertContacts": [{"alertContactId": 9}]}, {"assignments": (Assignment(contact="9"),)}),
        ({"maintenanceWindows": [{"id": 5}]}, {"windows": ("5",)}),
        (
            {"keywordType": "ALERT_EXISTS", "keywordValue": "&lt;", "keywordCaseType": 1},
            {"keyword": Keyword(text="&lt;", is_down_when_present=True, ignores_case=True)},
        ),
        (
            {"keywordType": "ALERT_NOT_EXISTS", "keywordValue": "ok", "keywordCaseType": "CaseInsensitive"},
            {"keyword": Keyword(text="ok", is_down_when_present=False, ignores_case=True)},
        ),
        (
            {
                "config": {
                    "apiAssertions": {
                        "logic": "or",
                        "checks": [{"property": " $.a ", "comparison": "EQUALS", "target": {"\ud800": ["\udfff", 1]}}],
                    }
                }
            },
            {
                "assertions": (Assertion(path="$.a", comparison="equals", target={"\ufffd": ["\ufffd", 1]}),),
                "needs_all": False,
            },
        ),
        (
            {
                "domainExpirationReminder": True,
                "config": {"ipVersion": "ipv6Only", "applicationErrorRetries": 0},
                "regionalData": {"MANUAL_SELECTED": True, "REGION": ["eu", "as"]},
            },
            {
                "rest": (
                    "its reminder of the end of the domain",
                    "its choice of ipv6Only",
                    "its number of retries (0)",
                    "its choice of regions (eu, as)",
                )
            },
        ),
    ],
)
def test_version_3_tells_more(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = from_v3({5: "Shops"}, **fields)
    assert {name: getattr(found, name) for name in expected} == expected


def test_version_3_wins_where_it_says_something() -> None:
    old = {
        **V2,
        "friendly_name": "old",
        "interval": 60,
        "custom_http_statuses": "404:1",
        "custom_http_headers": {"A": 1},
    }
    new = {**V3, "friendlyName": "new", "successHttpResponseCodes": ["200"], "timeout": None}
    found = merged(old, new, {})
    assert found == Monitor(id=7, kind="http", name="new", interval_s=60, success_codes=("200",), headers=("A",))


def test_deep_text_is_no_table() -> None:
    assert from_v3(regionalData="[" * 100_000).slow_ms is None
