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


def m007_standby(db: Database) -> None:
    """Make room for looks, and for the mark of what is held."""
    db.execute(_STANDINGS)
    db.execute(_LOOKS)
    db.execute(
        "ALTER TABLE incidents ADD COLUMN is_held INTEGER NOT NULL DEFAULT 0 CHECK (is_held IN (0, 1))"
    )  # to be told, but not yet
