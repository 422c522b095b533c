"""A monitor as a probe table, or why it cannot be one."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from prober.core.durations import UNITS_MS, format_duration
from prober.core.importing.expectation import put_expectations
from prober.core.importing.request import METHODS, put_request, request_url
from prober.core.importing.spelling import readable
from prober.core.model import Policy

if TYPE_CHECKING:
    from collections.abc import Collection

    from prober.core.importing.account import Monitor
    from prober.core.importing.draft import Draft, Judge, Keys
    from prober.core.importing.secrets import Secret

_HTTP: Final = {"http", "keyword", "api"}
_WHYS: Final = {
    "heartbeat": "prober asks by itself, it does not wait to be told",
    "ping": "prober asks with HTTP only",
    "port": "prober asks with HTTP only",
    "dns": "prober asks with HTTP only",
    "udp": "prober asks with HTTP only",
}
_ACRONYMS: Final = {"dns", "udp"}
_INTERVALS_S: Final = (1, 86_400)
_INTERVAL_S: Final = 300
_TIMEOUT_S: Final = 30
_MOST_FAILURES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A probe table under its id. ``notes`` are what did not carry over, or only changed, in sentences."""

    id: str
    monitor: Monitor
    keys: Keys
    notes: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that has no place in our file, and why; ``name`` is for people."""

    name: str
    why: str


def why_not(monitor: Monitor, judge: Judge) -> str | None:
    """Say why a monitor cannot be a probe; None: it can."""
    if monitor.kind not in _HTTP:
        why = _WHYS.get(monitor.kind, "prober does not know this type")
        return f"{monitor.kind.upper() if monitor.kind in _ACRONYMS else monitor.kind}: {why}"
    if monitor.auth == "digest":
        return "it logs in with HTTP digest, which prober does not speak"
    if monitor.method is not None and monitor.method not in METHODS:
        return f"it asks with {monitor.method}, which prober does not"
    _, why = request_url(monitor.url, judge)
    return f"its URL cannot be asked: {why}" if why else None


def carried(monitor: Monitor, draft: Draft, emails: Collection[str]) -> Carried:
    """Return a monitor, for which nothing speaks against it, as a probe. ``emails`` are the contacts that get mail."""
    url, _ = request_url(monitor.url, draft.judge)
    _put_names(draft, monitor)
    _put_times(draft, monitor)
    _put_patience(draft, monitor, emails)
    put_request(draft, monitor, url)
    put_expectations(draft, monitor, is_https=url.lower().startswith("https:"))
    draft.notes.extend(f"{each} was not carried over" for each in monitor.rest)
    return Carried(
        id=draft.id, monitor=monitor, keys=draft.keys, notes=tuple(draft.notes), secrets=tuple(draft.secrets)
    )


def _put_names(draft: Draft, monitor: Monitor) -> None:
    name = readable(monitor.name)
    if name not in {"", draft.id}:
        draft.put("name", value=name)
    draft.put("uptimerobot_id", value=monitor.id)
    tags = list(dict.fromkeys(filter(None, map(readable, monitor.tags))))
    if tags:
        draft.put("tags", value=tags)
    if monitor.is_paused:
        draft.put("enabled", value=False)
    unknown = []
    for name, text in monitor.custom:
        key, value = name.strip().lower(), text.strip()
        value = value.upper() if key == "severity" else value
        if key not in {"severity", "runbook", "dashboard"}:
            unknown.append(name)
        elif why := draft.judge(key, value) or ("it looks like a secret" if draft.vault.guards(value) else None):
            draft.notes.append(f"the custom field {name} was not carried over: {why}")
        else:
            draft.put(key, value=value)
    if unknown:
        draft.notes.append(f"custom fields without a place here: {', '.join(unknown)}")


def _put_times(draft: Draft, monitor: Monitor) -> None:
    """Set interval and timeout, within our limits; and what is slow, if they say so."""
    least, most = _INTERVALS_S
    asked_s = monitor.interval_s or _INTERVAL_S
    interval_s = min(max(asked_s, least), most)
    if interval_s != asked_s:
        draft.notes.append(f"its interval of {asked_s} s became {format_duration(interval_s * UNITS_MS['s'])}")
    interval_ms = interval_s * UNITS_MS["s"]
    asked_timeout_s = max(monitor.timeout_s or 0, 0)
    timeout_ms = (asked_timeout_s or _TIMEOUT_S) * UNITS_MS["s"]
    if timeout_ms >= interval_ms:
        longest_ms = interval_ms * 4 // 5
        if asked_timeout_s:
            lengths = f"{format_duration(timeout_ms)} became {format_duration(longest_ms)}"
            draft.notes.append(f"its timeout of {lengths}: it must be below the interval")
        timeout_ms = longest_ms
    draft.put("interval", value=format_duration(interval_ms))
    draft.put("timeout", value=format_duration(timeout_ms))
    if monitor.slow_ms:
        draft.put("slow", value=format_duration(monitor.slow_ms))


def _put_patience(draft: Draft, monitor: Monitor, emails: Collection[str]) -> None:
    """Let as many checks fail as fit into the wait before their first mail, spaced as theirs are."""
    after_min = min((each.after_min for each in monitor.assignments if each.contact in emails), default=0)
    interval_s = monitor.interval_s or _INTERVAL_S
    failures = min(ceil(after_min * 60 / interval_s) + 1, _MOST_FAILURES)
    if failures > Policy().failures:
        draft.put("failures", value=failures)
        draft.keys["recheck",] = draft.keys["interval",]
