"""What a store holds, counted; and whether its file is whole."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from prober.adapters.store.faults import translated
from prober.adapters.store.integrity import find_fault
from prober.adapters.store.meta import created_at_ms
from prober.core.inventory import Inventory, Progress
from prober.core.rollup import HOUR_MS

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

_COUNTS = """
SELECT (SELECT count(*) FROM probes) AS probes, (SELECT count(*) FROM results) AS results,
  (SELECT count(*) FROM hours) + (SELECT count(*) FROM days) AS rollups,
  (SELECT count(*) FROM incidents) AS incidents,
  (SELECT count(*) FROM incidents WHERE ended_at_ms IS NULL) AS open_incidents,
  (SELECT count(*) FROM rounds) AS rounds, (SELECT min(first_at_ms) FROM series) AS first_check_ms,
  (SELECT min(at_ms) FROM results WHERE hour = (SELECT min(hour) FROM results)) AS oldest_result_ms,
  (SELECT max(at_ms) FROM results WHERE hour = (SELECT max(hour) FROM results)) AS newest_result_ms
"""


def take_inventory(store: Store) -> Inventory:
    """Return what a store holds, as of one moment."""
    with store.snapshot():
        (counts,) = store.rows(_COUNTS)
        pages = {name: store.rows(f"PRAGMA {name}")[0][0] for name in ("page_size", "page_count", "freelist_count")}
        return Inventory(
            size_bytes=pages["page_count"] * pages["page_size"],
            wal_bytes=_wal_bytes(store),
            free_bytes=pages["freelist_count"] * pages["page_size"],
            version=store.rows("SELECT max(name) FROM _sqlite_migrations")[0][0],
            installation=store.installation,
            created_at_ms=created_at_ms(store),
            locations=tuple(row[0] for row in store.rows("SELECT DISTINCT location FROM series ORDER BY location")),
            alerts=dict(map(tuple, store.rows("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state"))),
            **dict(counts),
        )


def look_at_progress(store: Store) -> Progress:
    """Return how far housekeeping is, at the cost of nothing."""
    (row,) = store.rows(
        "SELECT (SELECT min(rolled_to_hour) FROM series) AS rolled_to, (SELECT min(hour) FROM results) AS oldest"
    )
    return Progress(
        rolled_to_ms=(row["rolled_to"] or 0) * HOUR_MS,
        oldest_result_ms=None if row["oldest"] is None else row["oldest"] * HOUR_MS,
    )


def find_damage(store: Store) -> str | None:
    """Return what is wrong with the file, None when all of it is whole."""
    with translated(store.path):
        return find_fault(store.connection)


def reclaim(store: Store) -> None:
    """Give the space of deleted rows back to the disk; nobody else may use the store meanwhile."""
    with translated(store.path):
        store.connection.execute("VACUUM")
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _wal_bytes(store: Store) -> int:
    real = store.path.resolve()
    with suppress(OSError):
        return real.with_name(f"{real.name}-wal").stat().st_size
    return 0
