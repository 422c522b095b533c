"""Observations: single results as uptime and rollups want them, of many series at once."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from prober.adapters.store.results import OUTCOMES
from prober.core.uptime import Observation

_NO_END = 2**40

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from prober.adapters.store.db import Store
    from prober.adapters.store.series import Series


def hours_ahead(store: Store, from_hour: int, to_hour: int = _NO_END, limit: int = -1) -> list[int]:
    """Return the first hours of ``[from_hour, to_hour)`` that hold results of any series."""
    rows = store.rows(
        """WITH RECURSIVE ahead(hour) AS (
          SELECT min(hour) FROM results WHERE hour >= :from
          UNION ALL SELECT (SELECT min(hour) FROM results WHERE hour > ahead.hour) FROM ahead WHERE hour < :to
        ) SELECT hour FROM ahead WHERE hour < :to LIMIT :limit""",
        {"from": from_hour, "to": to_hour, "limit": limit},
    )
    return [hour for (hour,) in rows]


def observations(store: Store, series: Sequence[Series], hours: Sequence[int]) -> dict[int, list[Observation]]:
    """Return, by the number of a series, what its checks saw in hours, in order of time.

    The first is the newest before the series' ``rolled_to_hour``, if that is still there.
    """
    numbers = json.dumps([each.no for each in series])
    last = store.rows(
        """SELECT r.series, r.at_ms, r.code % 10, r.latency_us
        FROM json_each(:series) asked CROSS JOIN series s ON s.no = asked.value
        JOIN results r ON r.hour = s.last_hour AND r.series = s.no
        WHERE s.last_hour >= s.raw_from_hour AND s.last_hour < s.rolled_to_hour
          AND r.after_ms = (SELECT max(after_ms) FROM results WHERE hour = s.last_hour AND series = s.no)""",
        {"series": numbers},
    )
    return _observed(store, numbers, [*last, *_inside(store, numbers, hours)])


def observations_of(store: Store, no: int, hours: Sequence[int]) -> list[Observation]:
    """Return what the checks of one series saw in hours, in order of time."""
    numbers = json.dumps([no])
    return _observed(store, numbers, _inside(store, numbers, hours))[no]


def _inside(store: Store, numbers: str, hours: Sequence[int]) -> list[sqlite3.Row]:
    return store.rows(
        """SELECT r.series, r.at_ms, r.code % 10, r.latency_us FROM json_each(:hours) h CROSS JOIN json_each(:series) s
        CROSS JOIN results r ON r.hour = h.value AND r.series = s.value ORDER BY r.hour, r.after_ms""",
        {"hours": json.dumps(list(hours)), "series": numbers},
    )


def _observed(store: Store, numbers: str, rows: Iterable[sqlite3.Row]) -> defaultdict[int, list[Observation]]:
    intervals = _all_intervals(store, numbers)
    found: defaultdict[int, list[Observation]] = defaultdict(list)
    for no, at_ms, outcome, latency_us in rows:
        in_force = intervals[no]
        while len(in_force) > 1 and in_force[-2][0] <= at_ms:
            in_force.pop()
        found[no].append(
            Observation(at_ms=at_ms, outcome=OUTCOMES[outcome], interval_ms=in_force[-1][1], latency_us=latency_us)
        )
    return found


def _all_intervals(store: Store, numbers: str) -> defaultdict[int, list[tuple[int, int]]]:
    """Return the intervals of each series with the times from which they were in force, newest first."""
    rows = store.rows(
        """SELECT series, from_ms, interval_ms FROM intervals WHERE series IN (SELECT value FROM json_each(:series))
        ORDER BY series, from_ms DESC""",
        {"series": numbers},
    )
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for series, from_ms, interval_ms in rows:
        found[series].append((from_ms, interval_ms))
    return found
