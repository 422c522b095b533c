"""What the rules remember of each probe between any two checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prober.adapters.store.db import clean
from prober.core.model import ProbeState, Streak

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping

    from prober.adapters.store.db import Store


_FIND = """
SELECT probe, identity, down_since_ms, slow_since_ms, failing_count, failing_started_at_ms,
  good_count, good_started_at_ms, slow_count, slow_started_at_ms, fast_count, fast_started_at_ms,
  was_good, since_ms, last_at_ms, certificate, certificate_stage_ms
FROM states
"""


def all_states(store: Store, location: str) -> dict[str, ProbeState]:
    """Return the state of each probe at a location."""
    rows = store.rows(f"{_FIND} WHERE location = :location", {"location": location})
    return {row["probe"]: _state(row) for row in rows}


def has_checked(store: Store, location: str) -> bool:
    """Say whether anything was ever checked from a location."""
    return store.find("SELECT 1 FROM states WHERE location = :location LIMIT 1", {"location": location}) is not None


def find_states(store: Store, location: str, probe_ids: Collection[str]) -> dict[str, ProbeState]:
    """Return the states of those probes that have one."""
    rows = store.rows(
        f"{_FIND} WHERE location = :location AND probe IN (SELECT value FROM json_each(:probes))",  # noqa: S608  _FIND is ours
        {"location": location, "probes": json.dumps(list(probe_ids))},
    )
    return {row["probe"]: _state(row) for row in rows}


def last_checks(store: Store, probe_ids: Collection[str]) -> dict[str, int]:
    """Return when each probe was last checked, from anywhere."""
    rows = store.rows(
        """SELECT probe, max(last_at_ms) FROM states
        WHERE probe IN (SELECT value FROM json_each(:probes)) AND last_at_ms IS NOT NULL GROUP BY probe""",
        {"probes": json.dumps(list(probe_ids))},
    )
    return dict(map(tuple, rows))


def save_states(store: Store, location: str, states: Mapping[str, ProbeState]) -> None:
    """Replace the states of the given probes, in the caller's transaction; others stay as they are."""
    store.write_many(
        """INSERT OR REPLACE INTO states (probe, location, identity, down_since_ms, slow_since_ms,
          failing_count, failing_started_at_ms, good_count, good_started_at_ms, slow_count, slow_started_at_ms,
          fast_count, fast_started_at_ms, was_good, since_ms, last_at_ms, certificate, certificate_stage_ms)
        VALUES (:probe, :location, :identity, :down_since_ms, :slow_since_ms,
          :failing_count, :failing_started_at_ms, :good_count, :good_started_at_ms, :slow_count, :slow_started_at_ms,
          :fast_count, :fast_started_at_ms, :was_good, :since_ms, :last_at_ms, :certificate, :certificate_stage_ms)""",
        (clean({"probe": probe_id, "location": location} | _columns(state)) for probe_id, state in states.items()),
    )


def _columns(state: ProbeState) -> dict[str, str | int | None]:
    return {
        "identity": state.identity,
        "down_since_ms": state.down_since_ms,
        "slow_since_ms": state.slow_since_ms,
        "failing_count": state.failing.count,
        "failing_started_at_ms": state.failing.started_at_ms,
        "good_count": state.good.count,
        "good_started_at_ms": state.good.started_at_ms,
        "slow_count": state.slow.count,
        "slow_started_at_ms": state.slow.started_at_ms,
        "fast_count": state.fast.count,
        "fast_started_at_ms": state.fast.started_at_ms,
        "was_good": state.was_good,
        "since_ms": state.since_ms,
        "last_at_ms": state.last_at_ms,
        "certificate": state.certificate,
        "certificate_stage_ms": state.certificate_stage_ms,
    }


def _state(row: sqlite3.Row) -> ProbeState:
    return ProbeState(
        identity=row["identity"],
        down_since_ms=row["down_since_ms"],
        slow_since_ms=row["slow_since_ms"],
        failing=_streak(row, "failing"),
        good=_streak(row, "good"),
        slow=_streak(row, "slow"),
        fast=_streak(row, "fast"),
        was_good=bool(row["was_good"]),
        since_ms=row["since_ms"],
        last_at_ms=row["last_at_ms"],
        certificate=row["certificate"],
        certificate_stage_ms=row["certificate_stage_ms"],
    )


def _streak(row: sqlite3.Row, name: str) -> Streak:
    return Streak(count=row[f"{name}_count"], started_at_ms=row[f"{name}_started_at_ms"])
