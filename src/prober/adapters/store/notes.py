"""Notes: what people did about incidents."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from prober.core.people import Action, Note

if TYPE_CHECKING:
    import sqlite3

    from prober.adapters.store.db import Store
    from prober.core.model import Incident

_FIND = "SELECT at_ms, who, action, text FROM notes WHERE incident = :incident"


def add_note(store: Store, incident: Incident, note: Note) -> None:
    """Record what a person did; the same twice is one note."""
    told = (incident.uid, note.at_ms, note.who, note.action, note.text)
    store.write(
        """INSERT INTO notes (uid, incident, at_ms, who, action, text)
        VALUES (:uid, :incident, :at_ms, :who, :action, :text) ON CONFLICT (uid) DO NOTHING""",
        {
            "uid": hashlib.sha256(repr(told).encode()).hexdigest()[:32],
            "incident": incident.number,
            "at_ms": note.at_ms,
            "who": note.who,
            "action": note.action,
            "text": note.text,
        },
    )


def all_notes(store: Store, incident: int) -> list[Note]:
    """Return what people did about an incident, oldest first."""
    return [_note(row) for row in store.rows(f"{_FIND} ORDER BY at_ms, id", {"incident": incident})]


def last_note(store: Store, incident: int, action: Action) -> Note:
    """Return the newest note of an action that was taken."""
    (row,) = store.rows(
        f"{_FIND} AND action = :action ORDER BY id DESC LIMIT 1", {"incident": incident, "action": action}
    )
    return _note(row)


def _note(row: sqlite3.Row) -> Note:
    return Note(at_ms=row["at_ms"], who=row["who"], action=Action(row["action"]), text=row["text"])
