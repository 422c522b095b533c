"""The live part of a store: all that the rules and the outbox need to go on elsewhere, and nothing of the past.

Numbers, uids and Message-IDs stay the same, and the numbers of new incidents and alerts go on where the source's end.
So a mail that is sent from here names what the source will know under the same name, once this is merged into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

    from prober.adapters.store.db import Store

_LIVE = """
WITH RECURSIVE live (id, incident, carrier) AS (
  SELECT id, incident, carrier FROM outbox WHERE state IN ('queued', 'sending')
  UNION SELECT o.id, o.incident, o.carrier
    FROM incidents i CROSS JOIN outbox o ON o.incident = i.number WHERE i.ended_at_ms IS NULL
  UNION SELECT o.id, o.incident, o.carrier FROM live l CROSS JOIN outbox o ON o.incident = l.incident
  UNION SELECT o.id, o.incident, o.carrier FROM live l CROSS JOIN outbox o ON o.id = l.carrier
  UNION SELECT o.id, o.incident, o.carrier FROM live l CROSS JOIN outbox o ON o.carrier = l.id
),
touched (number) AS (
  SELECT number FROM incidents WHERE ended_at_ms IS NULL
  UNION SELECT incident FROM live WHERE incident IS NOT NULL
  -- The alerts of an incident that another one took over belong to that; their events do not.
  UNION SELECT e.incident FROM live l JOIN outbox o ON o.id = l.id JOIN events e ON e.id = o.event
    WHERE e.incident IS NOT NULL
)
"""

_LAST_CHECKS = """WHERE (hour, series, after_ms) IN (
  SELECT t.last_at_ms / 3600000, s.no, t.last_at_ms % 3600000 FROM states t JOIN series s USING (probe, location))"""

PARTS: Final = {
    "meta": "",
    "probes": "",
    "series": "",
    "states": "",
    "incidents": "WHERE number IN (SELECT number FROM touched)",
    # What has no incident is told once for all, such as that a certificate ends: that it was has to be known.
    "notes": "WHERE incident IN (SELECT number FROM touched)",
    "events": "WHERE incident IS NULL OR incident IN (SELECT number FROM touched)",
    "outbox": "WHERE id IN (SELECT id FROM live)",
    "blackouts": "WHERE ended_at_ms IS NULL",
    "standings": "",
    # The last look, for the same reason as the last check.
    "looks": "WHERE (location, at_ms) IN (SELECT location, looked_at_ms FROM standings)",
    # The one that ended last, and the one that goes on: the same, unless the clock was put back.
    "rounds": """WHERE id IN (SELECT max(id) FROM rounds
      UNION SELECT id FROM (SELECT id FROM rounds ORDER BY ended_at_ms DESC, id DESC LIMIT 1))""",
    # The last check of each probe: by it, merging knows whose state is the later one, whatever the clock says.
    "intervals": "",
    "results": _LAST_CHECKS,
    "result_details": _LAST_CHECKS,
}


def seed(standin: Store, source: Store) -> None:
    """Make an empty store go on where the source is: its installation, probes, states, open incidents and alerts.

    Everything that waits in the outbox comes along, and all alerts about what is open, as they tell who was told.
    Nothing is written unless all of it could be read.
    """
    with source.snapshot():
        parts = {table: _read(source, table, which) for table, which in PARTS.items()}
        counters = source.rows("SELECT name, seq FROM sqlite_sequence")
    with standin.transaction():
        standin.write("PRAGMA defer_foreign_keys = ON")
        for table, rows in parts.items():
            _fill(standin, table, rows)
        standin.write("DELETE FROM sqlite_sequence")
        standin.write_many("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)", map(dict, counters))


def _read(store: Store, table: str, which: str) -> list[sqlite3.Row]:
    # pragma_table_info leaves out the columns that are computed from others.
    columns = ", ".join(row["name"] for row in store.rows(f"SELECT name FROM pragma_table_info('{table}')"))  # noqa: S608
    return store.rows(f"{_LIVE} SELECT {columns} FROM {table} {which}")  # noqa: S608  made of constants


def _fill(store: Store, table: str, rows: list[sqlite3.Row]) -> None:
    if rows:
        names = rows[0].keys()
        columns, values = ", ".join(names), ", ".join(f":{name}" for name in names)
        store.write_many(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({values})", map(dict, rows))  # noqa: S608
