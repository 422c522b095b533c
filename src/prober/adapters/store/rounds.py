"""Rounds, and the blackouts in which they could reach nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from prober.core.connectivity import Blackout

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

SERVICE_ROUND_MS = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """A finished round: where and when, how many checks, and which process made it."""

    location: str
    started_at_ms: int
    ended_at_ms: int
    checks: int
    is_offline: bool
    host: str
    pid: int


def record_round(store: Store, row: RoundRow) -> None:
    """Record a finished round."""
    store.write(
        """INSERT INTO rounds (location, started_at_ms, ended_at_ms, checks, is_offline, host, pid)
        VALUES (:location, :started_at_ms, :ended_at_ms, :checks, :is_offline, :host, :pid)""",
        _columns(row),
    )


def continue_round(store: Store, row: RoundRow) -> None:
    """Count what a service has checked to the row that it began within the last five minutes, or begin one.

    A service commits every few seconds; a row for each would outweigh the results.
    """
    went_on = store.write(
        """UPDATE rounds SET ended_at_ms = :ended_at_ms, checks = checks + :checks,
          is_offline = is_offline AND :is_offline
        WHERE id = (SELECT max(id) FROM rounds) AND location = :location AND host = :host AND pid = :pid
          AND started_at_ms BETWEEN :started_at_ms - :span AND :started_at_ms""",
        {**_columns(row), "span": SERVICE_ROUND_MS},
    )
    if not went_on:
        record_round(store, row)


def first_round_ms(store: Store) -> int | None:
    """Return when the earliest round that is known began."""
    return cast("int | None", store.rows("SELECT min(started_at_ms) AS first FROM rounds")[0]["first"])


def last_round(store: Store) -> RoundRow | None:
    """Return the round that ended last, anywhere."""
    row = store.find(
        """SELECT location, started_at_ms, ended_at_ms, checks, is_offline, host, pid FROM rounds
        ORDER BY ended_at_ms DESC, id DESC LIMIT 1"""
    )
    if row is None:
        return None
    return RoundRow(
        location=row["location"],
        started_at_ms=row["started_at_ms"],
        ended_at_ms=row["ended_at_ms"],
        checks=row["checks"],
        is_offline=bool(row["is_offline"]),
        host=row["host"],
        pid=row["pid"],
    )


def find_blackout(store: Store, location: str) -> Blackout | None:
    """Return the blackout that lasts, if we are in one."""
    row = store.find(
        "SELECT since_ms, told_at_ms FROM blackouts WHERE location = :location AND ended_at_ms IS NULL",
        {"location": location},
    )
    return Blackout(since_ms=row["since_ms"], is_told=row["told_at_ms"] is not None) if row else None


def save_blackout(store: Store, location: str, blackout: Blackout | None, *, now_ms: int) -> None:
    """Record the blackout we are in; None ends the one that was open."""
    since_ms = blackout.since_ms if blackout else None
    store.write(
        """UPDATE blackouts SET ended_at_ms = :now
        WHERE location = :location AND ended_at_ms IS NULL AND since_ms IS NOT :since""",
        {"location": location, "since": since_ms, "now": now_ms},
    )
    if blackout is None:
        return
    store.write(
        """INSERT INTO blackouts (location, since_ms, told_at_ms) VALUES (:location, :since, :told)
        ON CONFLICT (location, since_ms) DO UPDATE SET
          told_at_ms = coalesce(told_at_ms, excluded.told_at_ms), ended_at_ms = NULL""",
        {"location": location, "since": since_ms, "told": now_ms if blackout.is_told else None},
    )


def _columns(row: RoundRow) -> dict[str, str | int]:
    return asdict(row)
