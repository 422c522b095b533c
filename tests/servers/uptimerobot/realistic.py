"""An account as people have it: monitors of all types, with what has piled up over the years."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from tests.servers.uptimerobot.account import Account, Contact, Monitor, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SITES = ("shop", "api", "www", "docs", "auth", "cdn", "status", "billing")


def realistic_account(now_ms: Callable[[], int], *, size: int = 60) -> Account:
    """Return an account of that many monitors, whose names and URLs are all different."""
    now_s = now_ms() // 1000
    contacts = [
        Contact(id=101, type=2, value="ops@acme.example", name="Ops"),
        Contact(id=102, type=1, value="+15550100", name="On call"),
        Contact(id=103, type=11, value="https://hooks.slack.example/T0/B0/secret-hook", name="#alerts"),
        Contact(id=104, type=5, value="https://acme.example/hook?token=secret-token", name="Webhook", status=1),
        Contact(id=105, type=2, value="new@acme.example", name="Not confirmed", status=0),
    ]
    windows = [
        Window(id=201, name="Nightly backup", type=2, start="02:30", duration_min=45),
        Window(id=202, name="Patch day", type=3, start="22:00", duration_min=120, days=[2, 4]),
        Window(id=203, name="Month's end", type=4, start="23:00", duration_min=90, days=[1, -1]),
        Window(id=204, name="Move", type=1, start="08:00", duration_min=240, date="2026-12-01", starts_s=1_796_112_000),
        Window(id=205, name="Old", type=2, start="05:00", duration_min=30, is_active=False),
    ]
    monitors = [
        Monitor(id=700_000_001 + number, ssl_expires_s=now_s + 61 * 86_400, **keys)
        for number, keys in enumerate(islice(_kinds(), size))
    ]
    return Account(now_ms=now_ms, monitors=monitors, contacts=contacts, windows=windows)


def _kinds() -> Iterator[dict[str, Any]]:
    for number, (site, shape) in enumerate(zip(cycle(_SITES), cycle(_SHAPES), strict=False), 1):
        keys = dict(shape)
        host = f"{site}{number}.acme.example"
        yield {
            "contacts": [(101, 0, 0)],
            "tags": [site],
            **keys,
            "name": f"{keys['name']} {number}",
            "url": keys["url"].format(host=host),
        }


_ASSERTIONS = {
    "logic": "AND",
    "checks": [
        {"property": "$.status", "comparison": "equals", "target": "ok"},
        {"property": "$.queue.length", "comparison": "less_than", "target": "100"},
        {"property": "$.error", "comparison": "is_null", "target": None},
    ],
}

_SHAPES: tuple[dict[str, Any], ...] = (
    {"name": "Front page", "url": "https://{host}/", "slow_ms": {"na": 1500, "eu": 2000}, "windows": [201]},
    {"name": 'R&D "lab"', "url": "https://{host}/search?q=a&lang=de", "method": "GET", "success_codes": ["200"]},
    {
        "name": "Keyword there",
        "url": "https://{host}/health",
        "type": "KEYWORD",
        "method": "GET",
        "keyword": "all systems <go>",
        "ignores_case": True,
    },
    {
        "name": "Keyword not there",
        "url": "https://{host}/",
        "type": "KEYWORD",
        "keyword": "fatal",
        "alerts_if_exists": True,
    },
    {"name": "Ping", "url": "{host}", "type": "PING"},
    {"name": "Mail server", "url": "{host}", "type": "PORT", "sub_type": 4, "port": 25},
    {"name": "Database", "url": "{host}", "type": "PORT", "sub_type": 99, "port": 5432},
    {"name": "Backup job", "url": "https://heartbeat.example/m{host}", "type": "HEARTBEAT", "interval_s": 86_400},
    {"name": "Name server", "url": "{host}", "type": "DNS", "config": {"dnsRecords": {"A": ["192.0.2.1"]}}},
    {
        "name": "JSON API",
        "url": "https://{host}/v1/state",
        "type": "API",
        "method": "GET",
        "config": {"apiAssertions": _ASSERTIONS},
        "windows": [202, 203],
    },
    {"name": "Game server", "url": "{host}", "type": "UDP", "port": 27_015},
    {
        "name": "Behind a login",
        "url": "https://{host}/admin",
        "auth": "HTTP_BASIC",
        "username": "monitor",
        "password": "secret-password",
        "method": "GET",
    },
    {
        "name": "With a token",
        "url": "https://{host}/private?key=secret-in-url",
        "headers": {"X-Api-Key": "secret-header", "Accept": "application/json"},
        "auth": "BEARER",
        "password": "secret-bearer",
        "method": "GET",
    },
    {
        "name": "Posts a form",
        "url": "https://{host}/login",
        "method": "POST",
        "body_type": "KEY_VALUE",
        "body": {"user": "monitor", "pass": "secret-form"},
        "success_codes": ["200", "302"],
        "custom_statuses": "302:1",
        "follows_redirects": False,
    },
    {
        "name": "Posts JSON",
        "url": "https://{host}/graphql",
        "method": "POST",
        "body_type": "RAW_JSON",
        "body": {"query": "{ ping }"},
        "contacts": [(101, 5, 30), (103, 0, 0)],
    },
    {"name": "Paused", "url": "http://{host}/old", "status": 0, "sample_age_s": None},
    {"name": "New", "url": "http://{host}/new", "status": 1, "sample_age_s": None, "interval_s": 60, "timeout_s": 60},
    {
        "name": "Told about",
        "url": "https://{host}/pay",
        "custom_fields": {"runbook": "https://wiki.acme.example/pay", "severity": "P0"},
        "contacts": [(102, 0, 0), (104, 0, 0), (105, 0, 0)],
        "windows": [204, 205],
    },
)
