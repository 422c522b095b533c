"""Single results, in batches of whole hours, with the interval in force of each of them.

A result never changes: the same probe, location and time is the same check, and the one that is stored stands. The
intervals of both stores stay true of the results that they were recorded for: where they differ, the changes are
written anew for the stretch that a batch touches.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from prober.adapters.store.observations import hours_ahead
from prober.adapters.store.results import all_last_results
from prober.adapters.store.series import find_next_ms, reopen
from prober.core.rollup import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prober.adapters.store.db import Store

BATCH: Final = 50_000

_TABLES = {
    "fresh": """hour INTEGER, series INTEGER, after_ms INTEGER, rare_code INTEGER, latency_us INTEGER, theirs INTEGER,
      interval_ms INTEGER, PRIMARY KEY (hour, series, after_ms)""",
    "stretches": "series INTEGER PRIMARY KEY, from_ms INTEGER, to_ms INTEGER, next_ms INTEGER, before_ms INTEGER",
    "changes": "series INTEGER, from_ms INTEGER, interval_ms INTEGER, PRIMARY KEY (series, from_ms)",
}

_FRESH = """
INSERT INTO temp.fresh (hour, series, after_ms, rare_code, latency_us, theirs, interval_ms)
SELECT r.hour, m.ours, r.after_ms, r.rare_code, r.latency_us, r.series, coalesce(
  (SELECT i.interval_ms FROM other.intervals i WHERE i.series = r.series AND i.from_ms <= r.at_ms
   ORDER BY i.from_ms DESC LIMIT 1), 0)
FROM other.results r JOIN temp.series_map m ON m.theirs = r.series JOIN main.series s ON s.no = m.ours
WHERE r.hour BETWEEN :from_hour AND :to_hour AND r.hour >= s.raw_from_hour AND NOT EXISTS (
  SELECT 1 FROM main.results a WHERE a.hour = r.hour AND a.series = m.ours AND a.after_ms = r.after_ms)
"""

_IN_FORCE = """(SELECT i.interval_ms FROM main.intervals i
  WHERE i.series = {series} AND i.from_ms <= {at_ms} ORDER BY i.from_ms DESC LIMIT 1)"""

# Series to which a batch brings another interval than the one that would be in force.
_STRETCHES = f"""
INSERT INTO temp.stretches (series, from_ms, to_ms, before_ms)
SELECT series, from_ms, to_ms, {_IN_FORCE.format(series="series", at_ms="from_ms - 1")} FROM (
  SELECT series, min(hour * 3600000 + after_ms) AS from_ms, max(hour * 3600000 + after_ms) AS to_ms
  FROM temp.fresh f GROUP BY series
  HAVING max(interval_ms IS NOT {_IN_FORCE.format(series="f.series", at_ms="f.hour * 3600000 + f.after_ms")}))
RETURNING series, to_ms
"""  # noqa: S608  made of constants

_CHANGES = f"""
INSERT INTO temp.changes (series, from_ms, interval_ms)
WITH checks (series, at_ms, interval_ms) AS (
  SELECT f.series, f.hour * 3600000 + f.after_ms, f.interval_ms FROM temp.stretches w JOIN temp.fresh f USING (series)
  UNION ALL
  SELECT w.series, r.at_ms, {_IN_FORCE.format(series="w.series", at_ms="r.at_ms")}
  FROM temp.stretches w CROSS JOIN json_each(:hours) h CROSS JOIN main.results r
    ON r.hour = h.value AND r.series = w.series AND r.at_ms BETWEEN w.from_ms AND w.to_ms
  UNION ALL
  SELECT w.series, w.next_ms, {_IN_FORCE.format(series="w.series", at_ms="w.next_ms")}
  FROM temp.stretches w WHERE w.next_ms IS NOT NULL)
SELECT series, at_ms, interval_ms FROM (
  SELECT c.series, c.at_ms, c.interval_ms,
    lag(c.interval_ms, 1, w.before_ms) OVER (PARTITION BY c.series ORDER BY c.at_ms) AS earlier_ms
  FROM checks c JOIN temp.stretches w USING (series))
WHERE interval_ms IS NOT earlier_ms
"""  # noqa: S608


def take_in(store: Store, on_progress: Callable[[int, int], None]) -> int:
    """Add the results that are not known, a transaction a batch, and return how many."""
    hours = [tuple(row) for row in store.rows("SELECT hour, count(*) FROM other.results GROUP BY hour ORDER BY hour")]
    total, done, new = sum(count for _, count in hours), 0, 0
    newest = _Newest(store)
    for name, columns in _TABLES.items():
        store.write(f"CREATE TEMP TABLE {name} ({columns})")
    try:
        for batch in _batches(hours):
            with store.transaction():
                new += _take_in_batch(store, [hour for hour, _ in batch], newest)
            done += sum(count for _, count in batch)
            on_progress(done, total)
    finally:
        for name in _TABLES:
            store.write(f"DROP TABLE temp.{name}")
    return new


def _batches(hours: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    batch: list[tuple[int, int]] = []
    held = 0
    for each in hours:
        if batch and held + each[1] > BATCH:
            yield batch
            batch, held = [], 0
        batch.append(each)
        held += each[1]
    if batch:
        yield batch


def _take_in_batch(store: Store, hours: list[int], newest: _Newest) -> int:
    store.write("DELETE FROM temp.fresh")
    new = store.write(_FRESH, {"from_hour": hours[0], "to_hour": hours[-1]})
    if not new:
        return 0
    _put_in_force(store, hours, newest)
    store.write(
        """INSERT INTO main.results (hour, series, after_ms, rare_code, latency_us)
        SELECT hour, series, after_ms, rare_code, latency_us FROM temp.fresh ORDER BY hour, series, after_ms"""
    )
    store.write(
        """INSERT INTO main.result_details (hour, series, after_ms, reason, detail, dns_us, connect_us, tls_us, wait_us,
          body_us, lag_us, excerpt)
        SELECT f.hour, f.series, f.after_ms, d.reason, d.detail, d.dns_us, d.connect_us, d.tls_us, d.wait_us,
          d.body_us, d.lag_us, d.excerpt
        FROM temp.fresh f JOIN other.result_details d
          ON d.hour = f.hour AND d.series = f.theirs AND d.after_ms = f.after_ms"""
    )
    late = """SELECT f.series, min(f.hour) AS hour FROM temp.fresh f JOIN main.series s ON s.no = f.series
        GROUP BY f.series HAVING min(f.hour) < s.rolled_to_hour"""
    for row in store.rows(late):
        reopen(store, row["series"], row["hour"])
    return new


def _put_in_force(store: Store, hours: list[int], newest: _Newest) -> None:
    """Record the intervals of the fresh results, without changing that of any other."""
    store.write("DELETE FROM temp.stretches")
    store.write("DELETE FROM temp.changes")
    for row in store.rows(_STRETCHES):
        next_ms = newest.find_next_ms(row["series"], row["to_ms"])
        values = {"series": row["series"], "next_ms": next_ms}
        store.write("UPDATE temp.stretches SET next_ms = :next_ms WHERE series = :series", values)
    store.write(_CHANGES, {"hours": json.dumps(hours_ahead(store, hours[0], hours[-1] + 1))})
    store.write(
        """DELETE FROM main.intervals WHERE (series, from_ms) IN (
          SELECT i.series, i.from_ms FROM temp.stretches w JOIN main.intervals i
            ON i.series = w.series AND i.from_ms BETWEEN w.from_ms AND coalesce(w.next_ms, w.to_ms))"""
    )
    store.write("INSERT INTO main.intervals (series, from_ms, interval_ms) SELECT * FROM temp.changes")


class _Newest:
    """What each series had last when the merge began, so that nobody looks for what comes after it in vain."""

    def __init__(self, store: Store) -> None:
        self._store = store
        numbers = {(row["probe"], row["location"]): row["no"] for row in store.rows("SELECT * FROM main.series")}
        found = [
            each
            for row in store.rows("SELECT DISTINCT location FROM other.series")
            for each in all_last_results(store, row["location"]).values()
        ]
        self._at_ms = {numbers[each.probe_id, each.location]: each.at_ms for each in found}
        (last,) = store.rows("SELECT coalesce(max(hour), 0) AS hour FROM main.results")
        self._looked_from_ms = last["hour"] * HOUR_MS

    def find_next_ms(self, series: int, at_ms: int) -> int | None:
        """Return when a series was checked next after a time, also by a process that checks just now."""
        if self._at_ms.get(series, at_ms) <= at_ms:
            at_ms = max(at_ms, self._looked_from_ms)
        return find_next_ms(self._store, series, at_ms)
