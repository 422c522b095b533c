"""The ledger of runs that something else starts: when each was planned, and when it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_RUNS = """
CREATE TABLE runs (
  location TEXT NOT NULL,
  run TEXT NOT NULL,              -- what the starter calls it: '<run id>.<attempt>'
  trigger TEXT NOT NULL,          -- what started it: 'schedule', 'workflow_dispatch', ...
  planned_at_ms INTEGER,          -- the time of the schedule that it belongs to; NULL without a schedule
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,            -- NULL while it lasts, and when it was ended from outside
  PRIMARY KEY (location, run)
) STRICT, WITHOUT ROWID
"""

_VIEW = """
CREATE VIEW v_runs AS
SELECT location, run, trigger, strftime('%Y-%m-%dT%H:%M:%fZ', planned_at_ms / 1000.0, 'unixepoch') AS planned_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', started_at_ms / 1000.0, 'unixepoch') AS started_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', ended_at_ms / 1000.0, 'unixepoch') AS ended_at,
  (started_at_ms - planned_at_ms) / 1000.0 AS late_s, (ended_at_ms - started_at_ms) / 1000.0 AS duration_s
FROM runs
"""


def m005_runs(db: Database) -> None:
    """Make room for runs."""
    db.execute(_RUNS)
    db.execute(_VIEW)
