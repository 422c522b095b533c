"""Series: what one probe shows from one location, and the interval in force at any time of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from prober.adapters.store.db import Store
    from prober.core.model import Result

Latest: TypeAlias = tuple[int, int, int]
"""The number of a series, and its newest interval with the time from which that is in force."""


def number_all(store: Store, results: Sequence[Result]) -> Iterator[tuple[int, Result]]:
    """Yield each result with the number of its series; new series and intervals are recorded on the way.

    The results of a series stand in order of time, each with a time of its own.
    """
    known = _all_latest(store, {result.probe_id for result in results})
    for result in results:
        key = (result.probe_id, result.location)
        series, interval_ms, from_ms = known.get(key, (0, 0, 0))
        if result.interval_ms != interval_ms or result.at_ms < from_ms:
            series, _, _ = known[key] = _extend(store, result)
        yield series, result


def _all_latest(store: Store, probe_ids: Collection[str]) -> dict[tuple[str, str], Latest]:
    rows = store.rows(
        """SELECT s.probe, s.location, s.no, i.interval_ms, i.from_ms
        FROM json_each(:probes) asked CROSS JOIN series s ON s.probe = asked.value JOIN intervals i ON i.series = s.no
        ORDER BY i.from_ms""",
        {"probes": json.dumps(list(probe_ids))},
    )
    return {(probe_id, location): (no, interval_ms, from_ms) for probe_id, location, no, interval_ms, from_ms in rows}


def _extend(store: Store, result: Result) -> Latest:
    """Make room for a result that is the first of its series, has another interval, or comes late."""
    series = store.insert(
        """INSERT INTO series (probe, location, first_at_ms) VALUES (:probe, :location, :at_ms)
        ON CONFLICT (probe, location) DO UPDATE SET first_at_ms = min(first_at_ms, excluded.first_at_ms)
        RETURNING no""",
        {"probe": result.probe_id, "location": result.location, "at_ms": result.at_ms},
    )
    if not store.find(
        "SELECT 1 FROM results WHERE series = :no AND at_ms = :at_ms", {"no": series, "at_ms": result.at_ms}
    ):
        _put_in_force(store, series, result)
    (latest,) = store.rows(
        "SELECT interval_ms, from_ms FROM intervals WHERE series = :series ORDER BY from_ms DESC LIMIT 1",
        {"series": series},
    )
    return series, latest["interval_ms"], latest["from_ms"]


def _put_in_force(store: Store, series: int, result: Result) -> None:
    """Record the interval of a result that is not stored yet, without changing that of any other."""
    place = {"series": series, "at_ms": result.at_ms}
    before = store.find(
        "SELECT interval_ms FROM intervals WHERE series = :series AND from_ms <= :at_ms ORDER BY from_ms DESC LIMIT 1",
        place,
    )
    if before and before["interval_ms"] == result.interval_ms:
        return
    after = store.find(
        "SELECT at_ms FROM results WHERE series = :series AND at_ms > :at_ms ORDER BY at_ms LIMIT 1", place
    )
    insert = "INSERT INTO intervals (series, from_ms, interval_ms) VALUES (:series, :from_ms, :interval_ms) ON CONFLICT"
    if before and after:
        resumed = {"series": series, "from_ms": after["at_ms"], "interval_ms": before["interval_ms"]}
        store.write(f"{insert} DO NOTHING", resumed)
    changed = {"series": series, "from_ms": result.at_ms, "interval_ms": result.interval_ms}
    store.write(f"{insert} (series, from_ms) DO UPDATE SET interval_ms = excluded.interval_ms", changed)
