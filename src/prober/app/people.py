"""What people do about an incident: each a short transaction of its own, beside whatever else is at work.

Every deed is a note, with who and when. Doing one again changes nothing, and says who was first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prober.adapters.store import audience, incidents, notes, states
from prober.adapters.store.maintenance import find_reason
from prober.app.announce import Announcer
from prober.app.facts import Scene
from prober.app.maintenance import begun_in_maintenance
from prober.app.role import watcher_of, what_holds, where_we_stand
from prober.core import rules
from prober.core.masking import Masker
from prober.core.model import Kind, ProbeState
from prober.core.people import Action, Note
from prober.core.report import Story
from prober.errors import UsageError
from prober.render.when import day_and_clock

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.app.place import Place
    from prober.core.model import Incident
    from prober.core.settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who does something about which incident, when, and in which words."""

    number: int
    who: str
    at_ms: int
    text: str | None = None


def acknowledge(store: Store, deed: Deed) -> str:
    """Stop the reminders of an open incident, and say so. Raises UsageError for one that is over."""
    with store.transaction():
        incident = _open_incident(store, deed)
        if incident.acknowledged_at_ms is not None:
            _note_words(store, incident, deed)
            first = f"by {incident.acknowledged_by} at {day_and_clock(incident.acknowledged_at_ms)}"
            return f"incident {deed.number} is acknowledged already, {first}"
        notes.add_note(store, incident, _note(deed, Action.ACKNOWLEDGED))
        incidents.acknowledge(store, deed.number, deed.at_ms)
        dropped = audience.drop_reminders(store, deed.number)
    said = f"incident {deed.number} ({incident.probe_id}) is acknowledged by {deed.who}: no more reminders"
    return f"{said}, {dropped} that waited given up" if dropped else said


def note(store: Store, deed: Deed) -> str:
    """Keep words about an incident, open or over, and say so."""
    with store.transaction():
        incident = _incident(store, deed.number)
        _note_words(store, incident, deed)
    return f"noted about incident {deed.number} ({incident.probe_id})"


def mark_false_positive(store: Store, deed: Deed) -> str:
    """Take an incident out of the figures, stop its reminders, and say so."""
    with store.transaction():
        incident = _incident(store, deed.number)
        if incident.false_positive:
            _note_words(store, incident, deed)
            mark = notes.last_note(store, deed.number, Action.MARKED)
            first = f"by {mark.who} at {day_and_clock(mark.at_ms)}"
            return f"incident {deed.number} is a false positive already, {first}"
        notes.add_note(store, incident, _note(deed, Action.MARKED))
        incidents.mark_false_positive(store, deed.number, is_one=True)
        audience.drop_reminders(store, deed.number)
    return f"incident {deed.number} ({incident.probe_id}) is a false positive: it costs no uptime any more"


def unmark_false_positive(store: Store, deed: Deed) -> str:
    """Let an incident count again, and say so."""
    with store.transaction():
        incident = _incident(store, deed.number)
        if not incident.false_positive:
            _note_words(store, incident, deed)
            return f"incident {deed.number} is no false positive"
        notes.add_note(store, incident, _note(deed, Action.UNMARKED))
        incidents.mark_false_positive(store, deed.number, is_one=False)
    return f"incident {deed.number} ({incident.probe_id}) counts again"


def resolve(store: Store, deed: Deed, *, config: Config, place: Place) -> int:
    """End an open incident now, queue its end for those who were told of it, and return for how many.

    The probe's streaks end with it: as many new failed checks as ever open the next. Raises UsageError for one that is
    over.
    """
    with store.transaction():
        incident = _open_incident(store, deed)
        notes.add_note(store, incident, _note(deed, Action.RESOLVED))
        known = states.find_states(store, incident.location, [incident.probe_id])
        state = _with_start_of(incident, known.get(incident.probe_id, ProbeState()))
        after, events = rules.resolve(incident.probe_id, incident.kind, state, deed.at_ms)
        states.save_states(store, incident.location, {incident.probe_id: after})
        scene = Scene(
            store=store,
            config=replace(config, location=incident.location),
            now_ms=deed.at_ms,
            origin=place.origin,
            is_reachable=None,
            mask=Masker(config.secrets).mask,
            standing=where_we_stand(store, config),
        )
        announcer = Announcer(scene, is_alerting=True)
        for event in events:
            announcer.tell(event)
        return announcer.queued


def tell_story(store: Store, number: int, *, config: Config, now_ms: int) -> Story:
    """Return all that is known of an incident. Raises UsageError when there is none of that number."""
    incident = _incident(store, number)
    is_planned = bool(begun_in_maintenance(store, config, [incident], now_ms=now_ms))
    return Story(
        incident=incident,
        notes=tuple(notes.all_notes(store, number)),
        alerts=tuple(audience.all_alerts(store, number)),
        in_maintenance=is_planned,
        maintenance_reason=find_reason(store, incident.probe_id, incident.started_at_ms) if is_planned else None,
        held_by=what_holds(store, config, [incident], now_ms=now_ms).get(number),
        watcher=watcher_of(config),
    )


def _with_start_of(incident: Incident, state: ProbeState) -> ProbeState:
    """Return a state that knows of an incident, as it does unless somebody deleted it."""
    if incident.kind is Kind.DOWN:
        return replace(state, down_since_ms=incident.started_at_ms)
    return replace(state, slow_since_ms=incident.started_at_ms)


def _incident(store: Store, number: int) -> Incident:
    incident = incidents.find_incident(store, number)
    if incident is None:
        raise UsageError(f"there is no incident {number}. See: prober incidents list")
    return incident


def _open_incident(store: Store, deed: Deed) -> Incident:
    incident = _incident(store, deed.number)
    if incident.ended_at_ms is not None:
        raise UsageError(
            f"incident {deed.number} is over: {incident.closed_as} at {day_and_clock(incident.ended_at_ms)}.\n"
            f'A word about it: prober incidents note {deed.number} "..."'
        )
    return incident


def _note(deed: Deed, action: Action) -> Note:
    return Note(at_ms=deed.at_ms, who=deed.who, action=action, text=deed.text)


def _note_words(store: Store, incident: Incident, deed: Deed) -> None:
    if deed.text is not None:
        notes.add_note(store, incident, _note(deed, Action.NOTED))
