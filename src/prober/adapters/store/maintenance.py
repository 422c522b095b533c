"""Maintenance as it was, of each probe: spans that only ever grow, so that two copies of them are one by union."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from prober.adapters.store.db import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from prober.adapters.store.db import Store
    from prober.core.uptime import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceRow:
    """A stretch of time in which a probe was in maintenance, half-open, and why."""

    probe_id: str
    from_ms: int
    to_ms: int
    reason: str | None = None


def append_maintenance(store: Store, rows: Iterable[MaintenanceRow]) -> None:
    """Record stretches in the caller's transaction; one that goes on where a recorded one ends makes that longer."""
    for row in rows:
        values = clean(asdict(row))
        is_longer = store.write(
            """UPDATE maintenance SET to_ms = max(to_ms, :to_ms)
            WHERE probe = :probe_id AND reason IS :reason AND to_ms >= :from_ms
              AND from_ms = (SELECT max(from_ms) FROM maintenance WHERE probe = :probe_id AND from_ms <= :from_ms)""",
            values,
        )
        if not is_longer:
            store.write(
                """INSERT INTO maintenance (probe, from_ms, to_ms, reason)
                VALUES (:probe_id, :from_ms, :to_ms, :reason)
                ON CONFLICT (probe, from_ms) DO UPDATE SET to_ms = max(to_ms, excluded.to_ms)""",
                values,
            )


def all_maintenance(store: Store, probe_ids: Collection[str], *, since_ms: int) -> defaultdict[str, list[Span]]:
    """Return, by the id of the probe, what of the time since then was maintenance."""
    rows = store.rows(
        """SELECT probe, from_ms, to_ms FROM maintenance
        WHERE probe IN (SELECT value FROM json_each(:probes)) AND to_ms > :since""",
        {"probes": json.dumps(list(probe_ids)), "since": since_ms},
    )
    found: defaultdict[str, list[Span]] = defaultdict(list)
    for probe_id, from_ms, to_ms in rows:
        found[probe_id].append((from_ms, to_ms))
    return found


def find_reason(store: Store, probe_id: str, at_ms: int) -> str | None:
    """Return why a probe was in maintenance at a time, if that is recorded."""
    row = store.find(
        """SELECT reason FROM maintenance WHERE probe = :probe AND from_ms <= :at AND to_ms > :at
        ORDER BY reason IS NULL, from_ms DESC LIMIT 1""",
        {"probe": probe_id, "at": at_ms},
    )
    return row["reason"] if row else None
