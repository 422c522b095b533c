"""From an event to what is remembered of it, and to whom it is told: always inside the round's transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from prober.adapters.store import carriers, events, incidents, outbox
from prober.adapters.store.outbox import Queued
from prober.core.alerts import AlertFacts, AlertKind
from prober.core.delivery import message_id
from prober.core.model import CertificateExpiring, Closed, ClosedAs, Event, Kind, Opened, ProberBlind, Severity
from prober.render.shapes import event_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.adapters.store.db import Store
    from prober.app.facts import Scene
    from prober.app.place import Place
    from prober.core.settings import Config, EmailChannel

Recipient: TypeAlias = "tuple[EmailChannel, str]"

OPENING: Final = frozenset({AlertKind.DOWN, AlertKind.SLOW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event and the number of the incident it belongs to, where there is one."""

    event: Event
    incident: int | None


class Announcer:
    """Remember events and queue their alerts; ``queued`` counts these."""

    def __init__(self, scene: Scene, *, is_alerting: bool) -> None:
        self._scene = scene
        self._store = scene.store
        self._location = scene.config.location
        self._is_alerting = is_alerting
        self.queued = 0

    def tell(self, event: Event) -> Told | None:
        """Record one event with its incident, and queue an alert for everyone who is to know.

        None is an event that was told before: a certificate that alternates with another is new to the rules each time.
        """
        number: int | None = None
        match event:
            case Opened():
                number = self._open(event)
                recipients = self._everyone(event.probe_id)
            case Closed():
                number = incidents.close_incident(self._store, event, location=self._location)
                recipients = self._everyone_told(event, number)
            case CertificateExpiring():
                if events.is_recorded(self._store, self._uid(event)):
                    return None
                recipients = self._everyone(event.probe_id)
            case ProberBlind():
                recipients = self._everyone(None)
            case _:
                assert_never(event)
        self._announce(event, number, recipients)
        return Told(event=event, incident=number)

    def _open(self, event: Opened) -> int:
        probe = self._scene.probe(event.probe_id)
        severity = probe.severity if probe else Severity.P1
        return incidents.open_incident(
            self._store,
            event,
            uid=_uid(self._location, event.probe_id, event.kind, event.started_at_ms),
            location=self._location,
            severity=severity if event.kind is Kind.DOWN else severity.one_lower(),
        )

    def _announce(self, event: Event, number: int | None, recipients: Sequence[Recipient]) -> None:
        facts = self._scene.facts(event, number)
        probe_id = None if isinstance(event, ProberBlind) else event.probe_id
        uid = self._uid(event)
        event_id = events.record_event(
            self._store,
            uid=uid,
            kind=_word(event),
            probe_id=probe_id,
            location=self._location,
            incident=number,
            at_ms=event.at_ms,
            facts=facts.to_json(),
        )
        # Who was told of a beginning is told of its end, also when a run is to tell nobody: a later one sends it.
        if self._is_alerting or isinstance(event, Closed):
            for channel, recipient in recipients:
                self._queue(event_id, uid, facts, channel, recipient)

    def _uid(self, event: Event) -> str:
        match event:
            case CertificateExpiring():
                return _uid(self._location, event.probe_id, _word(event), event.fingerprint, event.stage_ms)
            case ProberBlind():
                return _uid(self._location, _word(event), event.since_ms)
            case Opened() | Closed():
                return _uid(self._location, event.probe_id, _word(event), event.started_at_ms, event.at_ms)
        assert_never(event)

    def _queue(self, event_id: int, uid: str, facts: AlertFacts, channel: EmailChannel, recipient: str) -> None:
        opening = None
        if facts.incident is not None and facts.kind not in OPENING:
            opening = carriers.find_mergeable(self._store, facts.incident, channel.id, recipient)
        told = replace(facts, is_merged=opening is not None)
        queued = _queued(self._store, event_id, uid, told, channel, recipient)
        for row_id in outbox.queue(self._store, [queued]):
            self.queued += 1
            if opening is not None:
                carriers.merge(self._store, opening, row_id)

    def _everyone(self, probe_id: str | None) -> list[Recipient]:
        """Return every recipient who wants to hear of a probe; None is about ourselves, which concerns all."""
        probe = self._scene.probe(probe_id) if probe_id is not None else None
        return [
            (channel, recipient)
            for channel in self._scene.config.channels
            if not channel.tags or probe is None or set(channel.tags) & set(probe.tags)
            for recipient in channel.to
        ]

    def _everyone_told(self, event: Closed, number: int | None) -> list[Recipient]:
        """Return those who know of an incident; of one that another took over, nobody is told more."""
        if number is None or event.closed_as is ClosedAs.SUPERSEDED:
            return []
        told = outbox.told(self._store, number)
        return [
            (channel, recipient)
            for channel in self._scene.config.channels
            for recipient in channel.to
            if (channel.id, recipient) in told
        ]


def _word(event: Event) -> str:
    return event_word(event) or "slow_superseded"


def queue_store_alert(store: Store, config: Config, place: Place, aside: str, now_ms: int) -> int:
    """Tell everyone that the store was corrupt and set aside, in a transaction of its own; return to how many."""
    facts = AlertFacts(
        kind=AlertKind.STORE,
        queued_at_ms=now_ms,
        location=config.location,
        origin=place.origin,
        detail=f"the store could not be read and was set aside as {aside}",
    )
    uid = _uid(config.location, AlertKind.STORE, now_ms)
    with store.transaction():
        event_id = events.record_event(
            store,
            uid=uid,
            kind=AlertKind.STORE,
            probe_id=None,
            location=config.location,
            incident=None,
            at_ms=now_ms,
            facts=facts.to_json(),
        )
        alerts = [
            _queued(store, event_id, uid, facts, channel, recipient)
            for channel in config.channels
            for recipient in channel.to
        ]
        return len(outbox.queue(store, alerts))


def _queued(store: Store, event_id: int, uid: str, facts: AlertFacts, channel: EmailChannel, recipient: str) -> Queued:
    return Queued(
        event=event_id,
        incident=facts.incident,
        kind=facts.kind,
        channel=channel.id,
        recipient=recipient,
        facts=facts.to_json(),
        queued_at_ms=facts.queued_at_ms,
        message_id=message_id(store.installation, uid, f"{channel.id} {recipient}", domain=channel.domain),
    )


def _uid(*parts: object) -> str:
    """Return an id that every copy of the history derives alike."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]
