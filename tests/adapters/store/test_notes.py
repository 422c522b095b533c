"""Notes are kept once each, in the order in which they were made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prober.adapters.store import incidents, notes
from prober.core.people import Action, Note
from tests.adapters.store.builders import T0, begin, know

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.core.model import Incident

TAKEN = Note(at_ms=T0, who="ann", action=Action.ACKNOWLEDGED, text="on it")


def known(store: Store) -> Incident:
    know(store, "api")
    incident = incidents.find_incident(store, begin(store))
    assert incident
    return incident


def test_notes_come_back_as_they_were_made_oldest_first(store: Store) -> None:
    incident = known(store)
    made = [TAKEN, *(Note(at_ms=T0 + n, who="bob", action=action) for n, action in enumerate(Action, start=1))]
    for note in made:
        notes.add_note(store, incident, note)
    assert notes.all_notes(store, incident.number) == made


def test_the_same_note_is_kept_once_and_any_other_by_itself(store: Store) -> None:
    incident = known(store)
    others = [replace(TAKEN, at_ms=T0 + 1), replace(TAKEN, who="bob"), replace(TAKEN, text=None)]
    for note in [TAKEN, TAKEN, *others]:
        notes.add_note(store, incident, note)
    assert len(notes.all_notes(store, incident.number)) == 4


def test_of_one_action_the_note_made_last_is_found_whatever_the_clock_said(store: Store) -> None:
    incident = known(store)
    for note in (TAKEN, replace(TAKEN, at_ms=T0 - 5, who="bob"), replace(TAKEN, action=Action.NOTED)):
        notes.add_note(store, incident, note)
    assert notes.last_note(store, incident.number, Action.ACKNOWLEDGED).who == "bob"


def test_who_acknowledged_first_is_known_of_an_incident(store: Store) -> None:
    incident = known(store)
    notes.add_note(store, incident, replace(TAKEN, at_ms=T0 + 9))
    notes.add_note(store, incident, replace(TAKEN, who="bob"))
    notes.add_note(store, incident, Note(at_ms=T0 - 9, who="eve", action=Action.NOTED))
    incidents.acknowledge(store, incident.number, T0)
    found = incidents.find_incident(store, incident.number)
    assert found
    assert (found.acknowledged_by, found.acknowledged_at_ms) == ("bob", T0)


def test_an_incident_is_marked_and_unmarked(store: Store) -> None:
    number = known(store).number
    for is_one in (True, False):
        incidents.mark_false_positive(store, number, is_one=is_one)
        assert [each.false_positive for each in incidents.all_incidents(store)] == [is_one]


def test_notes_are_made_to_be_read(store: Store) -> None:
    incident = known(store)
    notes.add_note(store, incident, TAKEN)
    (row,) = store.rows("SELECT * FROM v_notes")
    assert dict(row) == {
        "incident": incident.number,
        "at": "2026-09-21T14:13:20.000Z",
        "who": "ann",
        "action": "acknowledged",
        "text": "on it",
    }
