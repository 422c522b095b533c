"""From an event to what is remembered of it, and to whom it is told: always inside the caller's transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from prober.adapters.store import carriers, events, incidents, outbox, results
from prober.adapters.store.outbox import Queued
from prober.app.role import our_role
from prober.core import gate
from prober.core.alerts import TELLING_OF_OPEN, AlertFacts, AlertKind
from prober.core.delivery import message_id
from prober.core.model import (
    CertificateExpiring,
    Closed,
    Event,
    Kind,
    Opened,
    ProberBlind,
    Reminded,
    Severity,
    probe_of,
)
from prober.core.sight import Disagreed, KeyRejected, RoleChanged
from prober.render.shapes import event_word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.adapters.store.db import Store
    from prober.app.facts import Scene
    from prober.app.place import Place
    from prober.core.gate import HeldBy, Recipient
    from prober.core.model import Incident, Probe
    from prober.core.settings import Config, EmailChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event and the number of the incident it belongs to, where there is one, and what keeps it from being told."""

    event: Event
    incident: int | None
    held_by: HeldBy | None = None


class Announcer:
    """Remember events and queue their alerts; ``queued`` counts these.

    ``released`` are (probe, incident) of what was held and is told now.

    What is held back is remembered all the same: an incident by a mark, and a reminder as one that was given up, so
    that the next one comes when it would have.
    """

    def __init__(self, scene: Scene, *, is_alerting: bool) -> None:
        self._scene = scene
        self._store = scene.store
        self._location = scene.config.location
        self._is_alerting = is_alerting
        self.queued = 0
        self.released: list[tuple[str, int]] = []

    def tell(self, event: Event) -> Told | None:
        """Record one event with its incident, and queue an alert for everyone who is to know.

        None is an event that nobody is to know of: one that was told before, as a certificate that alternates with
        another is new to the rules each time, or a reminder that is held back.
        """
        if isinstance(event, CertificateExpiring) and events.is_recorded(self._store, self._uid(event)):
            return None
        number = self._incident_of(event)
        held_by = self._held_by(event)
        self._announce(event, number, is_held=held_by is not None)
        if held_by is not None and isinstance(event, Reminded):
            return None
        return Told(event=event, incident=number, held_by=held_by if self._is_alerting else None)

    def _incident_of(self, event: Event) -> int | None:
        match event:
            case Opened():
                return self._open(event)
            case Closed():
                return incidents.close_incident(self._store, event, location=self._location)
            case Reminded():
                return incidents.find_open(self._store, event.probe_id, self._location, event.kind)
            case Disagreed():
                return incidents.find_open(self._store, event.probe_id, self._location, Kind.DOWN)
            case CertificateExpiring() | ProberBlind() | RoleChanged() | KeyRejected():
                return None
        assert_never(event)

    def _open(self, event: Opened) -> int:
        probe = self._scene.probe(event.probe_id)
        severity = probe.severity if probe else Severity.P1
        return incidents.open_incident(
            self._store,
            event,
            uid=_fresh(
                _uid(self._location, event.probe_id, event.kind, event.started_at_ms),
                is_known=lambda uid: incidents.is_recorded(self._store, uid),
            ),
            location=self._location,
            severity=severity if event.kind is Kind.DOWN else severity.one_lower(),
        )

    def _announce(self, event: Event, number: int | None, *, is_held: bool) -> None:
        facts = self._scene.facts(event, number)
        uid = self._uid(event)
        if isinstance(event, Opened | Closed):
            uid = _fresh(uid, is_known=lambda uid: events.is_recorded(self._store, uid))
        event_id = events.record_event(
            self._store,
            uid=uid,
            kind=_word(event),
            probe_id=facts.probe_id,
            location=self._location,
            incident=number,
            at_ms=event.at_ms,
            facts=facts.to_json(),
        )
        if is_held and isinstance(event, Reminded):
            for row_id in self._queue(event_id, uid, facts, self._admitted(event, number, is_held=False)):
                outbox.drop(self._store, row_id)
            return
        if is_held and number is not None and self._is_alerting:
            incidents.hold(self._store, number, is_held=True)
        self.queued += len(self._queue(event_id, uid, facts, self._admitted(event, number, is_held=is_held)))

    def release(self, incident: Incident) -> None:
        """Tell that an incident began, to those who do not know it, unless it is still to be held."""
        opened = Opened(
            probe_id=incident.probe_id,
            kind=incident.kind,
            at_ms=incident.confirmed_at_ms,
            started_at_ms=incident.started_at_ms,
            reason=incident.reason,
            detail=incident.detail,
            checks=incident.checks,
        )
        found = events.find_opening(self._store, incident.number)
        if found is None or not self._is_released(incident):
            return
        known = outbox.told(self._store, incident.number)
        admitted = [each for each in self._admitted(opened, incident.number, is_held=False) if each not in known]
        incidents.hold(self._store, incident.number, is_held=False)
        facts = replace(self._scene.facts(opened, incident.number), was_held=True)
        self.queued += len(self._queue(*found, facts, admitted))
        self.released.append((incident.probe_id, incident.number))

    def _held_by(self, event: Event) -> HeldBy | None:
        config = self._scene.config
        return gate.held_by(event, probe=self._probe(event), standing=self._scene.standing, windows=config.maintenance)

    def _is_released(self, incident: Incident) -> bool:
        since_ms = gate.released_from_ms(
            incident,
            probe=self._scene.probe(incident.probe_id),
            standing=self._scene.standing,
            windows=self._scene.config.maintenance,
            now_ms=self._scene.now_ms,
        )
        if since_ms is None or since_ms == incident.confirmed_at_ms:
            return since_ms is not None
        return results.has_trouble(self._store, incident.probe_id, incident.location, incident.kind, since_ms)

    def _probe(self, event: Event) -> Probe | None:
        probe_id = probe_of(event)
        return None if probe_id is None else self._scene.probe(probe_id)

    def _admitted(self, event: Event, number: int | None, *, is_held: bool) -> Sequence[Recipient]:
        probe = self._probe(event)
        return gate.admit(
            event,
            channels=self._scene.config.channels,
            tags=None if probe is None else probe.tags,
            told=set() if number is None else outbox.told(self._store, number),
            is_alerting=self._is_alerting,
            is_held=is_held,
        )

    def _uid(self, event: Event) -> str:
        match event:
            case CertificateExpiring():
                return _uid(self._location, event.probe_id, _word(event), event.fingerprint, event.stage_ms)
            case ProberBlind():
                return _uid(self._location, _word(event), event.since_ms)
            case Reminded():
                parts = (event.probe_id, _word(event), event.kind, event.started_at_ms, event.sequence)
                return _uid(self._location, *parts)
            case Opened() | Closed():
                return _uid(self._location, event.probe_id, _word(event), event.started_at_ms, event.at_ms)
            case Disagreed():
                return _uid(self._location, event.probe_id, _word(event), event.started_at_ms)
            case RoleChanged() | KeyRejected():
                return _uid(self._location, _word(event), event.at_ms)
        assert_never(event)

    def _queue(self, event_id: int, uid: str, facts: AlertFacts, to: Sequence[Recipient]) -> list[int]:
        """Queue an alert for each of those who have none of this event, and return the numbers."""
        channels = {channel.id: channel for channel in self._scene.config.channels}
        queued = (self._queue_one(event_id, uid, facts, channels[channel], recipient) for channel, recipient in to)
        return [row_id for row_ids in queued for row_id in row_ids]

    def _queue_one(
        self, event_id: int, uid: str, facts: AlertFacts, channel: EmailChannel, recipient: str
    ) -> list[int]:
        stale = None
        if facts.incident is not None and facts.kind not in TELLING_OF_OPEN:
            stale = carriers.find_mergeable(self._store, facts.incident, channel.id, recipient)
        told = replace(
            facts,
            is_merged=stale is not None and stale.is_first,
            remind_ms=channel.remind_ms if facts.kind in TELLING_OF_OPEN else None,
        )
        queued = _queued(self._store, event_id, uid, told, channel, recipient)
        row_ids = outbox.queue(self._store, [queued])
        if stale is not None:
            for row_id in row_ids:
                carriers.merge(self._store, stale.id, row_id)
        return row_ids


def _fresh(uid: str, *, is_known: Callable[[str], bool]) -> str:
    """Return an id that is not taken: a wall clock that was set back repeats a time, and what happens then is new."""
    while is_known(uid):
        uid = _uid(uid)
    return uid


def _word(event: Event) -> str:
    return event_word(event) or "slow_superseded"


def queue_store_alert(store: Store, config: Config, place: Place, aside: str, now_ms: int) -> int:
    """Tell everyone that the store was corrupt and set aside, in a transaction of its own; return to how many."""
    facts = AlertFacts(
        kind=AlertKind.STORE,
        queued_at_ms=now_ms,
        location=config.location,
        origin=place.origin,
        role=our_role(store, config),
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
        channels = {channel.id: channel for channel in config.channels}
        alerts = [
            _queued(store, event_id, uid, facts, channels[channel_id], recipient)
            for channel_id, recipient in gate.everyone(config.channels)
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
