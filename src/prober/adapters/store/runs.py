"""Runs that something else starts: the ledger that says how often this place could look."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prober.adapters.store.db import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run: ``<run id>.<attempt>``, what started it, and the time of the schedule that it belongs to.

    ``ended_at_ms`` is None while it lasts, and for good when it was ended from outside.
    """

    location: str
    run: str
    trigger: str
    planned_at_ms: int | None = None
    started_at_ms: int
    ended_at_ms: int | None = None


def save_run(store: Store, row: RunRow) -> None:
    """Record a run; of one that is known, only when it ended."""
    store.write(
        """INSERT INTO runs (location, run, trigger, planned_at_ms, started_at_ms, ended_at_ms)
        VALUES (:location, :run, :trigger, :planned_at_ms, :started_at_ms, :ended_at_ms)
        ON CONFLICT (location, run) DO UPDATE SET ended_at_ms = coalesce(excluded.ended_at_ms, ended_at_ms)""",
        asdict(row),
    )


def all_runs(store: Store, location: str, since_ms: int) -> list[RunRow]:
    """Return the runs that started at a location from a time on, oldest first."""
    rows = store.rows(
        """SELECT location, run, trigger, planned_at_ms, started_at_ms, ended_at_ms FROM runs
        WHERE location = :location AND started_at_ms >= :since ORDER BY started_at_ms, run""",
        {"location": location, "since": since_ms},
    )
    return [RunRow(**row) for row in rows]
