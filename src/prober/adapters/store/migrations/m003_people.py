"""What people do about incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_TABLES = """
CREATE TABLE notes (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,  -- made of all the rest, the same in every copy
  incident INTEGER NOT NULL REFERENCES incidents,
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL
    CHECK (action IN ('acknowledged', 'noted', 'false_positive', 'not_false_positive', 'resolved')),
  text TEXT                  -- what they said about it
) STRICT;
CREATE INDEX notes_incident ON notes (incident);
CREATE VIEW v_notes AS
SELECT incident, strftime('%Y-%m-%dT%H:%M:%fZ', at_ms / 1000.0, 'unixepoch') AS at, who, action, text FROM notes;
"""


def m003_people(db: Database) -> None:
    """Make room for what people do about incidents."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)
