"""What a prober remembers, and how: what `app/record` and `app/announce` do in one transaction, in small."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from prober.core import connectivity, due, gate, rules
from prober.core.alerts import AlertKind
from prober.core.model import Closed, ClosedAs, Incident, Kind, Opened, ProberBlind, ProbeState, Reminded, Severity
from prober.core.settings import EmailChannel
from tests.simulation.journal import Acted, Happened, Look
from tests.simulation.outbox import Item, Outbox
from tests.simulation.world import HOUR, Spell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.core.connectivity import Blackout
    from prober.core.model import Event, Probe, Result
    from tests.simulation.journal import Journal
    from tests.simulation.world import Seen

CHANNELS: Final = (
    EmailChannel(id="ops", to=("a@x", "b@x"), sender="p@x", server="x", port=25, remind_ms=4 * HOUR),
    EmailChannel(id="chief", to=("c@x",), sender="p@x", server="x", port=25, remind_ms=24 * HOUR, tags=("chief",)),
)
ACKNOWLEDGED, MARKED, RESOLVED = "acknowledged", "marked as false", "resolved"
UNWRITABLE: Final = "unwritable"


# A check that ended: of which probe, when it truly started, what it saw, and whether the next one is planned already.
Ended: TypeAlias = "tuple[int, int, Seen, bool]"


@dataclass(slots=True)
class Store:
    """What survives a kill. ``incidents`` are the open ones."""

    states: list[ProbeState]
    blackout: Blackout | None = None
    incidents: dict[tuple[int, Kind], Incident] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)

    def copy(self) -> Store:
        return Store(list(self.states), self.blackout, dict(self.incidents), self.outbox.copy())


class Books:
    """A store, and what is done to it in one piece. Every method says whether it queued an alert."""

    apply = staticmethod(rules.apply)

    def __init__(self, probes: list[Probe], journal: Journal) -> None:
        self.store = Store([ProbeState() for _ in probes])
        self._probes = probes
        self._numbers = {probe.id: number for number, probe in enumerate(probes)}
        self._journal = journal
        self._kept: tuple[int, Store] | None = None

    def record(
        self, ended: Sequence[Ended], judged: Sequence[Result], *, is_reachable: bool | None, at: int, now_ms: int
    ) -> bool:
        """Apply the rules to checks that ended together."""
        states, starts = self.store.states, self._journal.starts
        caused: list[Event] = []
        for (number, started_at, seen, is_planned), result in zip(ended, judged, strict=True):
            probe = self._probes[number]
            state = rules.configure(states[number], probe.identity)
            states[number], events = self.apply(state, result, policy=probe.policy)
            starts[number].append(started_at)
            if events:
                caused += events
            if not is_planned:
                sign = seen.sign if result.outcome is seen.outcome else "?"
                self._journal.looks[number].append(Look(at=started_at, sign=sign))
        self.store.blackout, blind = connectivity.follow(
            self.store.blackout, judged, is_reachable=is_reachable, now_ms=now_ms
        )
        caused += blind
        return bool(caused) and self._tell_all(caused, at, now_ms)

    def remind(self, at: int, now_ms: int) -> bool:
        """Queue the reminders that are due."""
        outbox = self.store.outbox
        reminders: list[Event] = []
        for (number, _), incident in self.store.incidents.items():
            announced = replace(incident, announced_at_ms=outbox.announced_at_ms(incident.uid))
            heard, tags = outbox.heard(incident.uid), self._probes[number].tags
            reminders += due.remind(announced, heard, channels=CHANNELS, tags=tags, now_ms=now_ms)
        return self._tell_all(reminders, at, now_ms)

    def act(self, uid: str, what: str, at: int, now_ms: int) -> bool:
        """Do what a person wants about an incident, if it is open still."""
        key = next((key for key, incident in self.store.incidents.items() if incident.uid == uid), None)
        if key is None:
            return False
        incident = self.store.incidents[key]
        self._journal.acts.append(Acted(at=at, incident=uid, what=what))
        if what == RESOLVED:
            number, kind = key
            self.store.states[number], events = rules.resolve(
                incident.probe_id, kind, self.store.states[number], now_ms
            )
            return self._tell_all(events, at, now_ms)
        known = replace(incident, acknowledged_at_ms=now_ms)
        self.store.incidents[key] = known if what == ACKNOWLEDGED else replace(incident, false_positive=True)
        self.store.outbox.drop_reminders(uid)
        return False

    def keep(self, at: int) -> None:
        """Go on in memory, as the store cannot be written."""
        self._kept = at, self.store.copy()

    def heal(self) -> None:
        """Write what was in memory."""
        self._kept = None

    def fall_back(self, at: int) -> None:
        """Go on with what is in the store, after a kill."""
        if self._kept is None:
            return
        since, self.store = self._kept
        self._journal.lost.append(Spell(start=since, end=at, what=UNWRITABLE))
        self.keep(at)

    @property
    def is_writable(self) -> bool:
        return self._kept is None

    def _tell_all(self, events: Sequence[Event], at: int, now_ms: int) -> bool:
        is_queued = False
        for event in events:
            number = uid = None
            if isinstance(event, Opened | Closed | Reminded):
                number = self._numbers[event.probe_id]
                uid = self._incident(event, number)
            item = Item(event=self._uid(event), kind=kind_of(event), incident=uid)
            recipients = gate.admit(
                event,
                channels=CHANNELS,
                tags=None if number is None else self._probes[number].tags,
                told=self.store.outbox.told(uid) if uid else (),
            )
            for recipient in recipients:
                self.store.outbox.queue(item, recipient, now_ms)
                is_queued = True
            self._journal.events.append(Happened(at=at, item=item, number=number, event=event, recipients=recipients))
        return is_queued

    def _incident(self, event: Opened | Closed | Reminded, number: int) -> str:
        """Return the uid of an event's incident, opened or closed as the event says."""
        uid = f"{self._journal.location} {event.probe_id} {event.kind} {event.started_at_ms}"
        if isinstance(event, Opened):
            self.store.incidents[number, event.kind] = Incident(
                number=len(self._journal.events),
                uid=uid,
                probe_id=event.probe_id,
                location=self._journal.location,
                kind=event.kind,
                severity=Severity.P1,
                started_at_ms=event.started_at_ms,
                confirmed_at_ms=event.at_ms,
                checks=event.checks,
            )
        elif isinstance(event, Closed):
            del self.store.incidents[number, event.kind]
        return uid

    def _uid(self, event: Event) -> str:
        match event:
            case Opened() | Closed():
                about = f"{event.probe_id} {event.started_at_ms} {event.at_ms}"
            case Reminded():
                about = f"{event.probe_id} {event.kind} {event.started_at_ms} {event.sequence}"
            case ProberBlind():
                about = str(event.since_ms)
            case _:
                raise AssertionError(event)
        return f"{self._journal.location} {kind_of(event)} {about}"


def kind_of(event: Event) -> AlertKind:
    """Return the kind of alert that tells of an event."""
    match event:
        case Opened():
            return AlertKind.DOWN if event.kind is Kind.DOWN else AlertKind.SLOW
        case Closed(closed_as=ClosedAs.RESOLVED):
            return AlertKind.RESOLVED
        case Closed():
            return AlertKind.RECOVERED if event.kind is Kind.DOWN else AlertKind.SLOW_OVER
        case Reminded():
            return AlertKind.REMINDER
        case _:
            return AlertKind.BLIND
