"""What people are told: the facts of one alert, complete enough to be rendered years later.

The facts are gathered when the alert is queued and stored with it. A message is a pure function of these facts, the
recipient and the template, so a retry after a crash repeats the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from prober.core.model import Outcome, Reason, Severity
from prober.core.sight import Verdict


class AlertKind(StrEnum):
    """The kinds of alert. The values are stored and appear in ``X-Prober-Event``."""

    DOWN = "down"
    RECOVERED = "recovered"
    SLOW = "slow"
    SLOW_OVER = "slow_over"
    REMOVED = "removed"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    SEVERAL = "several"
    CERTIFICATE = "certificate_expiring"
    BLIND = "prober_blind"
    STANDING_IN = "standing_in"
    STANDING_BY = "standing_by"
    KEY = "key_rejected"
    DISAGREEMENT = "disagreement"
    STORE = "store_corrupt"
    TEST = "test"


TELLING_OF_OPEN: Final = frozenset({AlertKind.DOWN, AlertKind.SLOW, AlertKind.REMINDER})
"""The kinds that say that an incident is open; who got one of them is told of its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One recent check as an alert lists it."""

    at_ms: int
    outcome: Outcome
    reason: Reason | None = None
    detail: str | None = None
    latency_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Uptime over one window. ``None`` is "no data"."""

    window: str
    uptime_percent: float | None = None
    coverage_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Nearest-rank latencies over one window, in microseconds; ``None`` is "no data"."""

    window: str
    p50_us: int | None = None
    p95_us: int | None = None
    p99_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """Everything an alert says. What does not apply to its kind stays empty.

    ``url`` has neither credentials nor query. ``checks`` is how many in a row fired the rule, ``failed_checks`` how
    many failed during a whole incident. ``checks_before`` are the last checks, oldest first. ``is_merged`` marks a
    recovery whose own "down" was never sent. ``budget_used_percent`` is of 30 days. ``latency_before_us`` is the last
    good one before the trouble. ``latency_now_us`` is that of the check that fired. ``percentiles`` holds 24 h; for
    slow alerts also "today" and "7 days ago". ``remind_ms`` is how often the recipient is reminded while the incident
    is open. ``resolved_note`` is what the person said who resolved it. ``store_fault`` says why the mail may repeat.
    ``was_held`` says that it was held back until now. ``watcher`` is whom we stand behind, as people call it,
    ``watched_as`` what its looks say, and ``probes`` those that our role changed for, where it did not for all.
    ``members`` are the alerts that a batch stands for; ``batch`` is its number.
    """

    kind: AlertKind
    queued_at_ms: int
    location: str
    origin: str
    role: str = "active"
    probe_id: str | None = None
    probe_name: str | None = None
    url: str | None = None
    verify: bool = True
    severity: Severity | None = None
    incident: int | None = None
    started_at_ms: int | None = None
    confirmed_at_ms: int | None = None
    ended_at_ms: int | None = None
    reason: Reason | None = None
    detail: str | None = None
    checks: int = 0
    failed_checks: int = 0
    rule: str = ""
    checks_before: tuple[CheckLine, ...] = ()
    excerpt: str | None = None
    last_good_at_ms: int | None = None
    figures: tuple[Figures, ...] = ()
    percentiles: tuple[Percentiles, ...] = ()
    latency_before_us: int | None = None
    latency_now_us: int | None = None
    slow_ms: int | None = None
    target_percent: float | None = None
    budget_used_percent: float | None = None
    others_down: tuple[str, ...] = ()
    connectivity: str | None = None
    runbook: str | None = None
    dashboard: str | None = None
    certificate_not_after_ms: int | None = None
    remind_ms: int | None = None
    acknowledged_by: str | None = None
    acknowledged_at_ms: int | None = None
    resolved_by: str | None = None
    resolved_note: str | None = None
    is_merged: bool = False
    relay: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    store_fault: str | None = None
    was_held: bool = False
    watcher: str | None = None
    watched_as: Verdict | None = None
    probes: tuple[str, ...] = ()
    batch: int | None = None
    members: tuple[AlertFacts, ...] = ()

    def to_json(self) -> str:
        """Return the facts as one line of JSON, empty parts left out."""
        return json.dumps(_without_empty(asdict(self)), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> AlertFacts:
        """Read back what `to_json` wrote, or what a newer version did: fields that are not known here are left out."""
        return _from_fields(json.loads(text))


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in fields.items() if value is not None and value != ()}
    if "members" in kept:
        kept["members"] = [_without_empty(member) for member in kept["members"]]
    return kept


def _from_fields(fields: dict[str, Any]) -> AlertFacts:
    read = {name: value for name, value in fields.items() if name in AlertFacts.__dataclass_fields__}
    for name, kind in (("kind", AlertKind), ("severity", Severity), ("reason", Reason), ("watched_as", Verdict)):
        if read.get(name) is not None:
            read[name] = kind(read[name])
    if "checks_before" in read:
        read["checks_before"] = tuple(
            CheckLine(
                at_ms=line["at_ms"],
                outcome=Outcome(line["outcome"]),
                reason=None if line["reason"] is None else Reason(line["reason"]),
                detail=line["detail"],
                latency_us=line["latency_us"],
            )
            for line in read["checks_before"]
        )
    read["figures"] = tuple(Figures(**each) for each in read.get("figures", ()))
    read["percentiles"] = tuple(Percentiles(**each) for each in read.get("percentiles", ()))
    read["members"] = tuple(_from_fields(member) for member in read.get("members", ()))
    for name in ("others_down", "recipients", "probes"):
        read[name] = tuple(read.get(name, ()))
    return AlertFacts(**read)
