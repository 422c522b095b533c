"""The JSON that ``--json`` prints: one object with ``"schema": 1``, raw figures, RFC 3339 times; additions only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from prober.core.model import CertificateExpiring, Closed, ClosedAs, Kind, Opened, ProberBlind, Reminded, probe_of
from prober.core.sight import Disagreed, KeyRejected, RoleChanged
from prober.core.text import clean
from prober.render.when import rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from prober.core.model import Event, Incident, Result
    from prober.core.people import Note
    from prober.core.report import (
        AlertOfIncident,
        AlertTally,
        PlannedNow,
        ProbeStatus,
        StatusReport,
        Story,
        WaitingAlert,
        WindowFigures,
    )

Shape: TypeAlias = "dict[str, object]"


def status(report: StatusReport) -> str:
    """Return what ``status --json`` prints."""
    return _object(
        generated_at=rfc3339(report.generated_at_ms),
        role=report.role,
        location=clean(report.location),
        last_round_at=_time(report.last_round_at_ms),
        undelivered_alerts=report.undelivered_alerts,
        notices=[
            {"name": each.name, "since": rfc3339(each.since_ms), "text": clean(each.text)} for each in report.notices
        ],
        probes=[_probe(probe) for probe in report.probes],
    )


def run(
    results: Iterable[Result],
    events: Iterable[tuple[Event, int | None]],
    alerts: AlertTally,
    *,
    unverified: Collection[str] = (),
    held: Collection[int] = (),
) -> str:
    """Return what ``run --json`` prints. Each event comes with the number of its incident, if it has one.

    ``unverified`` are the ids of the probes whose certificates are not judged, ``held`` the numbers of the incidents
    that were not told as they opened.
    """
    told = ((event_word(event), event, incident) for event, incident in events)
    return _object(
        results=_results(results, unverified),
        events=[
            _event(word, event, incident, is_held=isinstance(event, Opened) and incident in held)
            for word, event, incident in told
            if word is not None
        ],
        alerts={"queued": alerts.queued, "accepted": alerts.accepted, "failed": alerts.failed},
    )


def check(results: Iterable[Result], *, unverified: Collection[str] = ()) -> str:
    """Return what ``check --json`` prints."""
    return _object(results=_results(results, unverified))


def incidents(listed: Iterable[Incident], *, in_maintenance: Collection[int] = ()) -> str:
    """Return what ``incidents list --json`` prints, newest first; those of these numbers began in maintenance."""
    newest_first = sorted(listed, key=lambda each: (each.started_at_ms, each.number), reverse=True)
    return _object(incidents=[_incident(each, in_maintenance=each.number in in_maintenance) for each in newest_first])


def incident(story: Story) -> str:
    """Return what ``incidents show --json`` prints."""
    return _object(
        incident=_incident(story.incident, in_maintenance=story.in_maintenance),
        notes=[_note(each) for each in story.notes],
        alerts=[_alert_of_incident(each) for each in story.alerts],
    )


def alerts(waiting: Iterable[WaitingAlert]) -> str:
    """Return what ``alerts list --json`` prints."""
    return _object(alerts=[_alert(each) for each in waiting])


def settings(shown: Iterable[tuple[str, str, str]]) -> str:
    """Return what ``config show --json`` prints of (key, value, origin)."""
    rows = (map(clean, row) for row in shown)
    return _object(settings=[{"key": key, "value": value, "origin": origin} for key, value, origin in rows])


def event_word(event: Event) -> str | None:
    """Return the word for an event, None for one that is told to nobody."""
    match event:
        case Opened(kind=kind):
            return "down_opened" if kind is Kind.DOWN else "slow_opened"
        case Closed(closed_as=ClosedAs.RECOVERED, kind=kind):
            return "down_recovered" if kind is Kind.DOWN else "slow_over"
        case Closed(closed_as=closed_as):
            return None if closed_as is ClosedAs.SUPERSEDED else closed_as.value
        case RoleChanged(role=role):
            return "standing_in" if role == "standing-in" else "standing_by"
        case _:
            return _WORDS[type(event)]


_WORDS: Final = {
    Reminded: "reminded",
    CertificateExpiring: "certificate_expiring",
    ProberBlind: "prober_blind",
    KeyRejected: "key_rejected",
    Disagreed: "disagreement",
}


def _object(**members: object) -> str:
    return json.dumps({"schema": 1, **members}, indent=2, allow_nan=False) + "\n"


def _probe(probe: ProbeStatus) -> Shape:
    role = {} if probe.role is None else {"role": probe.role}
    return {
        "id": probe.id,
        "name": clean(probe.name),
        "state": probe.state,
        "since": _time(probe.since_ms),
        "maintenance": None if probe.maintenance is None else _planned(probe.maintenance),
        **role,
        "verify": probe.verify,
        "last_check": None if probe.last is None else _check(probe.last),
        "open_incidents": [each.number for each in probe.open_incidents],
        "target_percent": probe.target_percent,
        "windows": {window.name: _window(window) for window in probe.windows},
    }


def _planned(planned: PlannedNow) -> Shape:
    return {"until": _time(planned.until_ms), "reason": _text(planned.reason)}


def _window(window: WindowFigures) -> Shape:
    uptime, counts = window.uptime, window.uptime.checks
    return {
        "uptime_percent": uptime.uptime_percent,
        "coverage_percent": uptime.coverage_percent,
        "downtime_s": _thousandth(uptime.downtime_ms),
        "checks": {
            "total": counts.total,
            "ok": counts.ok,
            "slow": counts.slow,
            "failed": counts.failed,
            "unknown": counts.unknown,
        },
        "latency_ms": {
            "p50": _thousandth(window.p50_us),
            "p95": _thousandth(window.p95_us),
            "p99": _thousandth(window.p99_us),
        },
    }


def _results(results: Iterable[Result], unverified: Collection[str]) -> list[Shape]:
    return [{"id": each.probe_id, **_check(each), "verify": each.probe_id not in unverified} for each in results]


def _check(result: Result) -> Shape:
    return {
        "at": rfc3339(result.at_ms),
        "outcome": result.outcome,
        "reason": result.reason,
        "detail": _text(result.detail),
        "status": result.status,
        "latency_ms": _thousandth(result.latency_us),
    }


def _event(word: str, event: Event, incident: int | None, *, is_held: bool) -> Shape:
    about = {"kind": word, "probe": probe_of(event), "incident": incident}
    return {**about, "at": rfc3339(event.at_ms), "held": is_held}


def _incident(shown: Incident, *, in_maintenance: bool) -> Shape:
    return {
        "number": shown.number,
        "probe": shown.probe_id,
        "kind": shown.kind,
        "severity": shown.severity,
        "started_at": rfc3339(shown.started_at_ms),
        "confirmed_at": rfc3339(shown.confirmed_at_ms),
        "ended_at": _time(shown.ended_at_ms),
        "announced_at": _time(shown.announced_at_ms),
        "acknowledged_at": _time(shown.acknowledged_at_ms),
        "acknowledged_by": _text(shown.acknowledged_by),
        "closed_as": shown.closed_as,
        "held": shown.is_held and shown.ended_at_ms is None,
        "false_positive": shown.false_positive,
        "in_maintenance": in_maintenance,
        "reason": shown.reason,
        "detail": _text(shown.detail),
        "checks": shown.checks,
    }


def _note(note: Note) -> Shape:
    return {"at": rfc3339(note.at_ms), "who": clean(note.who), "action": note.action, "text": _text(note.text)}


def _alert_of_incident(alert: AlertOfIncident) -> Shape:
    return {
        "kind": alert.kind,
        "channel": alert.channel,
        "recipient": clean(alert.recipient),
        "queued_at": rfc3339(alert.queued_at_ms),
        "sent_at": _time(alert.sent_at_ms),
        "state": alert.state,
    }


def _alert(waiting: WaitingAlert) -> Shape:
    return {
        "number": waiting.number,
        "kind": waiting.kind,
        "probe": waiting.probe_id,
        "incident": waiting.incident,
        "channel": waiting.channel,
        "recipient": clean(waiting.recipient),
        "state": waiting.state,
        "queued_at": rfc3339(waiting.queued_at_ms),
        "attempts": waiting.attempts,
        "next_attempt_at": _time(waiting.next_attempt_at_ms),
        "last_error": _text(waiting.last_error),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def _text(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _thousandth(amount: float | None) -> float | None:
    """Return us as ms, or ms as s."""
    return None if amount is None else amount / 1000
