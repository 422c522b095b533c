"""What happened in an incident, in order: what people were told, and what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertKind
from prober.core.people import Action
from prober.core.text import clean
from prober.render.when import day_and_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.core.people import Note
    from prober.core.report import AlertOfIncident, Story

_REMINDERS_SHOWN: Final = 10
_DONE: Final = {
    Action.ACKNOWLEDGED: "acknowledged",
    Action.NOTED: "noted",
    Action.MARKED: "marked as a false positive",
    Action.UNMARKED: "unmarked as a false positive",
    Action.RESOLVED: "resolved",
}
_STOPPING: Final = (Action.ACKNOWLEDGED, Action.MARKED)
_FATES: Final = {
    "waiting": "waiting for",
    "sent": "sent to",
    "merged": "told with the end to",
    "closed": "closed unsent for",
    "dropped": "given up for",
}


def timeline(story: Story) -> list[str]:
    """Return a line for everything that happened after the beginning; of many reminders only the newest."""
    alerts, hidden = _shown(story.alerts)
    happened = [*_alerts(alerts, story.notes), *_notes(story.notes)]
    lines = [f"{day_and_clock(at_ms)}  {what}" for at_ms, what in sorted(happened, key=lambda each: each[0])]
    return [*lines, f"and {hidden} earlier reminders: --json has them"] if hidden else lines


def _shown(alerts: tuple[AlertOfIncident, ...]) -> tuple[list[AlertOfIncident], int]:
    reminders = [each for each in alerts if each.kind is AlertKind.REMINDER]
    hidden = set(reminders[:-_REMINDERS_SHOWN])
    return [each for each in alerts if each not in hidden], len(hidden)


def _alerts(alerts: list[AlertOfIncident], notes: tuple[Note, ...]) -> Iterator[tuple[int, str]]:
    for each in alerts:
        at_ms = each.queued_at_ms if each.sent_at_ms is None else each.sent_at_ms
        if each.kind is AlertKind.REMINDER and each.state == "dropped":
            at_ms = min(
                (note.at_ms for note in notes if note.action in _STOPPING and note.at_ms >= at_ms), default=at_ms
            )
        yield at_ms, f"alert: {each.kind} {_FATES[each.state]} {clean(each.recipient)} ({clean(each.channel)})"


def _notes(notes: tuple[Note, ...]) -> Iterator[tuple[int, str]]:
    for each in notes:
        said = "" if each.text is None else f": {clean(each.text)}"
        yield each.at_ms, f"{_DONE[each.action]} by {clean(each.who)}{said}"
