"""What people and machines are shown: gathered once, rendered as a table, as JSON or as a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from prober.core.alerts import AlertKind
    from prober.core.gate import HeldBy
    from prober.core.model import Incident, Result
    from prober.core.people import Note
    from prober.core.sight import Role
    from prober.core.uptime import Period, Uptime

AlertState: TypeAlias = Literal["waiting", "closed"]
AlertFate: TypeAlias = Literal["waiting", "sent", "merged", "closed", "dropped"]
ShownState: TypeAlias = Literal["unknown", "up", "slow", "down", "maintenance", "paused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFigures:
    """Uptime and nearest-rank latencies over one window, named ``24h``, ``7d`` ... None is "no data"."""

    name: str
    uptime: Uptime
    p50_us: float | None = None
    p95_us: float | None = None
    p99_us: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of a probe's history. None is "no data"."""

    uptime_percent: float | None = None
    had_incident: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNow:
    """The maintenance that a probe is in; None is a bound that is more than 100 days away."""

    since_ms: int | None
    until_ms: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStatus:
    """How one probe is and was.

    ``windows`` are the same for all probes of a report, in the order in which they are shown; ``days`` run from the
    oldest to today. ``role`` is set only where it differs from the report's. ``maintenance`` is set when that is the
    state.
    """

    id: str
    name: str
    state: ShownState
    since_ms: int | None = None
    last: Result | None = None
    open_incidents: tuple[Incident, ...] = ()
    target_percent: float | None = None
    windows: tuple[WindowFigures, ...] = ()
    days: tuple[Day, ...] = ()
    role: Role | None = None
    verify: bool = True
    maintenance: PlannedNow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that is wrong with prober itself since ``since_ms``; ``text`` says what, and what to do."""

    name: str
    since_ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """How all probes are and were, as of ``generated_at_ms``, and what is wrong with prober itself.

    ``span`` is the window of the probes' figures, where one was asked for. ``watcher`` is what people call whom we
    stand behind, ``role_since_ms`` since when we have our role. ``held`` has what keeps an open incident from being
    told, by its number; None is that it waits for a bad check.
    """

    title: str
    location: str
    generated_at_ms: int
    role: Role = "active"
    role_since_ms: int | None = None
    watcher: str | None = None
    held: Mapping[int, HeldBy | None] = field(default_factory=dict)
    last_round_at_ms: int | None = None
    undelivered_alerts: int = 0
    notices: tuple[Notice, ...] = ()
    span: Period | None = None
    probes: tuple[ProbeStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One check made for a person who watches.

    ``label`` is the url without scheme, credentials and query. ``id`` is the probe's, None for a bare url.
    ``worst_alert_ms`` is the longest time from the start of an outage to its alert, None when nobody would be told.
    """

    label: str
    result: Result
    id: str | None = None
    body_bytes: int = 0
    body_is_cut: bool = False
    content_type: str | None = None
    verify: bool = True
    worst_alert_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTally:
    """What became of the alerts of one command."""

    queued: int = 0
    accepted: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What kept incidents from being told as they opened, by their numbers, and whom we stand behind.

    ``released`` are (probe, incident) of what was held until now.
    """

    held: Mapping[int, HeldBy] = field(default_factory=dict)
    released: Collection[tuple[str, int]] = ()
    watcher: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAlert:
    """One alert that was not accepted, as a person sees it: it waits, or its recipient is no longer configured."""

    number: int
    kind: AlertKind
    probe_id: str | None
    incident: int | None
    channel: str
    recipient: str
    queued_at_ms: int
    state: AlertState = "waiting"
    attempts: int = 0
    next_attempt_at_ms: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertOfIncident:
    """What became of one alert for one recipient; ``merged`` ones are told by the mail about the end."""

    kind: AlertKind
    channel: str
    recipient: str
    queued_at_ms: int
    state: AlertFate
    sent_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is known of one incident: what people did about it, and what they were told, oldest first.

    ``in_maintenance`` says that it began in maintenance, which was for ``maintenance_reason``, if that is known.
    ``held_by`` is what keeps it from being told, for one that is held. ``watcher`` is whom we stand behind.
    """

    incident: Incident
    notes: tuple[Note, ...] = ()
    alerts: tuple[AlertOfIncident, ...] = ()
    in_maintenance: bool = False
    maintenance_reason: str | None = None
    held_by: HeldBy | None = None
    watcher: str | None = None
