"""What happened in an incident, in order."""

from __future__ import annotations

from dataclasses import replace

from prober.core.alerts import AlertKind
from prober.core.people import Action, Note
from prober.core.report import AlertOfIncident, Story
from prober.render.timeline import timeline
from tests.render.test_lists import NOW_MS, OPEN

MIN = 60_000
DOWN = AlertOfIncident(
    kind=AlertKind.DOWN,
    channel="email",
    recipient="ops@acme.example",
    queued_at_ms=NOW_MS,
    sent_at_ms=NOW_MS + MIN,
    state="sent",
)


def reminders(count: int) -> tuple[AlertOfIncident, ...]:
    return tuple(replace(DOWN, kind=AlertKind.REMINDER, sent_at_ms=NOW_MS + n * MIN) for n in range(1, count + 1))


def test_alerts_and_deeds_come_in_the_order_in_which_they_happened() -> None:
    alerts = (
        DOWN,
        replace(DOWN, recipient="a@acme.example", state="waiting", sent_at_ms=None),
        replace(DOWN, recipient="b@acme.example", state="dropped", sent_at_ms=None),
        replace(DOWN, recipient="c@acme.example", state="closed", sent_at_ms=None),
        replace(DOWN, recipient="d@acme.example", state="merged", sent_at_ms=NOW_MS + 9 * MIN),
    )
    notes = (
        Note(at_ms=NOW_MS + 2 * MIN, who="ann", action=Action.ACKNOWLEDGED, text="on it"),
        Note(at_ms=NOW_MS + 3 * MIN, who="bob\x1b[2J", action=Action.NOTED, text="a router\r\ndied"),
        Note(at_ms=NOW_MS + 4 * MIN, who="ann", action=Action.MARKED),
        Note(at_ms=NOW_MS + 5 * MIN, who="ann", action=Action.UNMARKED),
        Note(at_ms=NOW_MS + 6 * MIN, who="ann", action=Action.RESOLVED),
    )
    assert timeline(Story(incident=OPEN, notes=notes, alerts=alerts)) == [
        "2026-11-20 14:12:03 UTC  alert: down waiting for a@acme.example (email)",
        "2026-11-20 14:12:03 UTC  alert: down given up for b@acme.example (email)",
        "2026-11-20 14:12:03 UTC  alert: down closed unsent for c@acme.example (email)",
        "2026-11-20 14:13:03 UTC  alert: down sent to ops@acme.example (email)",
        "2026-11-20 14:14:03 UTC  acknowledged by ann: on it",
        "2026-11-20 14:15:03 UTC  noted by bob: a router died",
        "2026-11-20 14:16:03 UTC  marked as a false positive by ann",
        "2026-11-20 14:17:03 UTC  unmarked as a false positive by ann",
        "2026-11-20 14:18:03 UTC  resolved by ann",
        "2026-11-20 14:21:03 UTC  alert: down told with the end to d@acme.example (email)",
    ]


def test_a_reminder_is_given_up_when_somebody_takes_the_incident() -> None:
    dropped = replace(DOWN, kind=AlertKind.REMINDER, state="dropped", sent_at_ms=None)
    taken = Note(at_ms=NOW_MS + 2 * MIN, who="ann", action=Action.ACKNOWLEDGED)
    assert timeline(Story(incident=OPEN, notes=(taken,), alerts=(dropped,))) == [
        "2026-11-20 14:14:03 UTC  alert: reminder given up for ops@acme.example (email)",
        "2026-11-20 14:14:03 UTC  acknowledged by ann",
    ]
    assert timeline(Story(incident=OPEN, alerts=(dropped,)))[0].startswith("2026-11-20 14:12:03")


def test_of_many_reminders_the_newest_are_shown() -> None:
    lines = timeline(Story(incident=OPEN, alerts=(DOWN, *reminders(13))))
    assert [line.split()[4] for line in lines[:-1]] == ["down", *["reminder"] * 10]
    assert lines[1].startswith("2026-11-20 14:16:03")
    assert lines[-1] == "and 3 earlier reminders: --json has them"


def test_few_reminders_are_all_shown() -> None:
    assert len(timeline(Story(incident=OPEN, alerts=reminders(10)))) == 10
