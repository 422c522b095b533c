"""Leaves to values: everything is known to be sound here."""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from prober.adapters.config.keys import ALERT_KEYS, MAINTENANCE_KEYS, PROBE_KEYS, TOP_KEYS, default_values
from prober.adapters.config.maintenance import start_ms
from prober.core.expect import Expect
from prober.core.model import Policy, Probe, Severity
from prober.core.settings import UPTIMEROBOT, Config, EmailChannel, Maintenance, Standby

if TYPE_CHECKING:
    from pathlib import Path

    from prober.adapters.config.tables import Leaves

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}

_TOP_DEFAULTS: Final = default_values(TOP_KEYS)
_PROBE_DEFAULTS: Final = default_values(PROBE_KEYS)
_ALERT_DEFAULTS: Final = default_values(ALERT_KEYS)


class _Values:
    """The values of a table by name, defaults included."""

    def __init__(self, leaves: Leaves, defaults: dict[str, Any]) -> None:
        self._leaves = leaves
        self._defaults = defaults

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever the kind of the key reads
        leaf = self._leaves.get((name, ""))
        return self._defaults[name] if leaf is None else leaf.value

    def named(self, name: str) -> list[tuple[str, Any]]:
        """Return the names, as the file has them, and the values of a key that is a table."""
        return [(str(leaf.path[-1]), leaf.value) for (key, _), leaf in self._leaves.items() if key == name]


def built_config(
    path: Path,
    top: Leaves,
    probes: dict[str, Leaves],
    channels: dict[str, Leaves],
    maintenance: list[Leaves],
    *,
    location: str,
    secrets: tuple[str, ...],
) -> Config:
    """Return the configuration that sound leaves describe."""
    values = _Values(top, _TOP_DEFAULTS)
    return Config(
        path=str(path),
        title=values["title"],
        location=values["location"] or location,
        probes=tuple(_probe(name, leaves, path.parent) for name, leaves in probes.items()),
        channels=tuple(_channel(name, leaves) for name, leaves in channels.items()),
        maintenance=tuple(map(_maintenance, maintenance)),
        connectivity_urls=values["connectivity.urls"] or (),
        standby=_standby(values),
        heartbeat_url=values["heartbeat.url"],
        store_path=_absolute(path.parent, values["store.path"]),
        keep_ms=values["store.keep"],
        secrets=secrets,
    )


def _standby(values: _Values) -> Standby | None:
    if values["standby.behind"] is None:
        return None
    return Standby(
        behind=values["standby.behind"],
        url=values["standby.url"] or UPTIMEROBOT,
        api_key=values["standby.api_key"],
        every_ms=values["standby.every"],
    )


def _absolute(folder: Path, file: str | None) -> str | None:
    return None if file is None else str(folder / file)


def _probe(name: str, leaves: Leaves, folder: Path) -> Probe:
    values = _Values(leaves, _PROBE_DEFAULTS)
    expect = _expect(values)
    given_timeout = leaves.get(("timeout", ""))
    timeout_ms = values["timeout"] if given_timeout else min(values["timeout"], values["interval"] * 4 // 5)
    username, password = values["auth.username"], values["auth.password"]
    return Probe(
        id=name,
        name=values["name"] or name,
        url=values["url"],
        identity=identity(values["url"], values["method"], expect),
        method=values["method"],
        headers=tuple((header, value.strip()) for header, value in values.named("headers")),
        auth=None if username is None else (username, password),
        body=values["body"],
        enabled=values["enabled"],
        redirects=values["redirects"],
        verify=values["verify"],
        ca=_absolute(folder, values["ca"]),
        allow_private=values["allow_private"],
        expect=expect,
        policy=Policy(
            failures=values["failures"],
            recoveries=values["recoveries"],
            slow_ms=values["slow"],
            slow_checks=values["slow_checks"],
        ),
        interval_ms=values["interval"],
        timeout_ms=timeout_ms,
        recheck_ms=None if values["recheck"] is None else min(values["recheck"], values["interval"]),
        target_percent=values["target"],
        tags=values["tags"],
        severity=Severity(values["severity"]),
        runbook=values["runbook"],
        dashboard=values["dashboard"],
        uptimerobot_id=values["uptimerobot_id"],
    )


def _expect(values: _Values) -> Expect:
    is_certificate_judged = values["verify"] and values["url"].lower().startswith("https:")
    return Expect(
        status=values["expect.status"],
        contains=values["expect.body.contains"],
        not_contains=values["expect.body.not_contains"],
        matches=values["expect.body.matches"],
        headers=tuple((header.lower(), pattern) for header, pattern in values.named("expect.header")),
        certificate_ms=values["expect.certificate"] if is_certificate_judged else None,
        json=tuple(chain.from_iterable(rules for _, rules in values.named("expect.json"))),
    )


def _channel(name: str, leaves: Leaves) -> EmailChannel:
    values = _Values(leaves, _ALERT_DEFAULTS)
    return EmailChannel(
        id=name,
        to=values["to"],
        sender=values["from"],
        server=values["server"],
        port=values["port"] or PORTS[values["security"]],
        security=values["security"],
        username=values["username"],
        password=values["password"],
        remind_ms=values["remind"],
        tags=values["tags"],
    )


def _maintenance(leaves: Leaves) -> Maintenance:
    values = _Values(leaves, default_values(MAINTENANCE_KEYS))
    start, timezone = values["start"], values["timezone"]
    return Maintenance(
        duration_ms=values["duration"],
        cron=values["cron"],
        start_ms=None if start is None else start_ms(start, timezone),
        timezone=timezone,
        probe_ids=values["probes"] or (),
        tags=values["tags"] or (),
        reason=values["reason"],
    )


def identity(url: str, method: str, expect: Expect) -> str:
    """Return a short fingerprint of what is asked and what is expected: 16 hexadecimal digits."""
    rules = [(rule.path, rule.operator, rule.operand) for rule in expect.json]
    body = (expect.contains, expect.not_contains, expect.matches)
    asked = json.dumps((url, method, expect.status, body, expect.headers, expect.certificate_ms, rules))
    return hashlib.sha256(asked.encode()).hexdigest()[:16]
