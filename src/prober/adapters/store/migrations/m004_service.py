"""What a running service has to say to whoever asks for the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_NOTICES = """
CREATE TABLE notices (
  name TEXT PRIMARY KEY,      -- what it is about, e.g. 'configuration'
  since_ms INTEGER NOT NULL,  -- when it began to be so
  text TEXT NOT NULL          -- what is wrong and what to do, for people
) STRICT, WITHOUT ROWID
"""


def m004_service(db: Database) -> None:
    """Make a place for notices."""
    db.execute(_NOTICES)
