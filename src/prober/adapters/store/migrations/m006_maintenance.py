"""Maintenance as it was: what the configuration says of it now may be something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_MAINTENANCE = """
CREATE TABLE maintenance (
  probe TEXT NOT NULL REFERENCES probes,
  from_ms INTEGER NOT NULL,       -- when it was in maintenance: from
  to_ms INTEGER NOT NULL,         -- until; of one that goes on, as far as it has been checked
  reason TEXT,                    -- why, as the configuration said; NULL where it said nothing
  PRIMARY KEY (probe, from_ms)
) STRICT, WITHOUT ROWID
"""

_VIEW = """
CREATE VIEW v_maintenance AS
SELECT probe, strftime('%Y-%m-%dT%H:%M:%fZ', from_ms / 1000.0, 'unixepoch') AS began_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', to_ms / 1000.0, 'unixepoch') AS ended_at,
  (to_ms - from_ms) / 1000.0 AS duration_s, reason
FROM maintenance
"""


def m006_maintenance(db: Database) -> None:
    """Make room for what was maintenance."""
    db.execute(_MAINTENANCE)
    db.execute(_VIEW)
