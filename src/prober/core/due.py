"""What time alone causes: reminders of what is still open.

A recipient is reminded every ``remind`` of the channel, while the incident is open, announced, neither acknowledged nor
a false positive. The time is measured from the last alert of that incident that a server accepted for that recipient,
so a restart reminds nobody early; while one still waits, the next is not due. Who was added meanwhile joins the next
reminder of the others on the channel; where there are no others, the time is measured from the announcement.

The wall clock may have been wrong when an alert was accepted. A time that lies further in the future than ``remind``
says nothing, and is taken for long ago: better one reminder early than none for years.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.core import gate
from prober.core.model import Incident, Reminded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from prober.core.gate import Recipient
    from prober.core.settings import EmailChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one recipient heard of an incident.

    ``last_at_ms`` is when the newest alert was accepted (or queued, if a person gave it up), ``is_waiting`` that one is
    still to be delivered, ``reminders`` how many were queued so far, also in vain.
    """

    last_at_ms: int | None = None
    is_waiting: bool = False
    reminders: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether no alert ever got through, and none is on its way."""
        return self.last_at_ms is None and not self.is_waiting


def remind(
    incident: Incident,
    heard: Mapping[Recipient, Heard],
    *,
    channels: Sequence[EmailChannel],
    tags: Collection[str],
    now_ms: int,
) -> tuple[Reminded, ...]:
    """Return the reminders of an incident that are due: one event for each sequence, for all whose turn it is.

    ``heard`` holds everyone for whom an alert of the incident was ever queued, ``tags`` are those of its probe.
    """
    if not may_remind(incident):
        return ()
    turns: defaultdict[int, list[Recipient]] = defaultdict(list)
    for channel in channels:
        for recipient in _due_on(channel, incident, heard, tags, now_ms):
            turns[heard.get(recipient, Heard()).reminders + 1].append(recipient)
    return tuple(
        Reminded(
            probe_id=incident.probe_id,
            kind=incident.kind,
            at_ms=now_ms,
            started_at_ms=incident.started_at_ms,
            sequence=sequence,
            recipients=tuple(recipients),
        )
        for sequence, recipients in sorted(turns.items())
    )


def may_remind(incident: Incident) -> bool:
    """Say whether anybody is to be reminded of an incident at all."""
    is_over = incident.ended_at_ms is not None
    is_known = incident.acknowledged_at_ms is not None or incident.false_positive
    return incident.announced_at_ms is not None and not is_over and not is_known


def _due_on(
    channel: EmailChannel,
    incident: Incident,
    heard: Mapping[Recipient, Heard],
    tags: Collection[str],
    now_ms: int,
) -> Iterator[Recipient]:
    if channel.remind_ms is None or not gate.wants(channel, tags):
        return
    known = {recipient: heard.get(recipient, Heard()) for recipient in gate.of_channel(channel)}
    reached = [each for each in known.values() if not each.is_waiting and not each.is_nothing]
    times = [each.last_at_ms for each in reached] or [incident.announced_at_ms]
    is_joined = any(_has_passed(since_ms, channel.remind_ms, now_ms) for since_ms in times)
    for recipient, each in known.items():
        if is_joined if each.is_nothing else _is_due(each, channel.remind_ms, now_ms):
            yield recipient


def _is_due(known: Heard, wait_ms: int, now_ms: int) -> bool:
    return not known.is_waiting and _has_passed(known.last_at_ms, wait_ms, now_ms)


def _has_passed(since_ms: int | None, wait_ms: int, now_ms: int) -> bool:
    return since_ms is None or abs(now_ms - since_ms) >= wait_ms
