"""Whom we stand behind, look by look, and what is not told as long as they are watching."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_STANDINGS = """
CREATE TABLE standings (
  location TEXT PRIMARY KEY,
  looked_at_ms INTEGER NOT NULL,                         -- the last look
  standing TEXT NOT NULL CHECK (json_valid(standing))    -- our role, what it was taken for, and looks in a row
) STRICT, WITHOUT ROWID
"""

_LOOKS = """
CREATE TABLE looks (
  location TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  seen TEXT NOT NULL,     -- watching, stale, unreachable, offline, limited or rejected
  role TEXT NOT NULL,     -- ours after it
  monitors INTEGER,       -- how many they showed; NULL without an answer
  newest_at_ms INTEGER,   -- their newest sign of life until then
  why TEXT,               -- what was wrong, in our own words
  PRIMARY KEY (location, at_ms)
) STRICT, WITHOUT ROWID
"""


# As before, but for the mail by which another monitor is said to disagree: that tells nobody of the incident.
_INCIDENTS = """
CREATE VIEW v_incidents AS
SELECT i.number, i.probe, i.location, i.kind, i.severity,
  strftime('%Y-%m-%dT%H:%M:%fZ', i.started_at_ms / 1000.0, 'unixepoch') AS started_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', i.confirmed_at_ms / 1000.0, 'unixepoch') AS confirmed_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', i.ended_at_ms / 1000.0, 'unixepoch') AS ended_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', (SELECT min(o.queued_at_ms) FROM outbox o
    WHERE o.incident = i.number AND o.kind <> 'disagreement') / 1000.0, 'unixepoch') AS announced_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', i.acknowledged_at_ms / 1000.0, 'unixepoch') AS acknowledged_at,
  i.closed_as, i.false_positive, i.reason, i.detail, i.checks,
  (i.ended_at_ms - i.started_at_ms) / 1000.0 AS duration_s, i.uid
FROM incidents i
"""


def m007_standby(db: Database) -> None:
    """Make room for looks, and for the mark of what is held."""
    db.execute(_STANDINGS)
    db.execute(_LOOKS)
    db.execute(
        "ALTER TABLE incidents ADD COLUMN is_held INTEGER NOT NULL DEFAULT 0 CHECK (is_held IN (0, 1))"
    )  # to be told, but not yet
    db.execute("DROP VIEW v_incidents")
    db.execute(_INCIDENTS)
