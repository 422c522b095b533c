"""Rollups: one row for each hour and each day of a series, kept for good.

`m002_keeping` tells what may be believed of them. All functions write within the caller's transaction.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from prober.adapters.store.observations import hours_ahead, observations
from prober.adapters.store.series import due_series
from prober.core.histogram import Histogram
from prober.core.rollup import DAY_MS, HOUR_MS, Rollup, Tally, combine, pack_spans, roll_up, unpack_spans
from prober.core.uptime import Counts

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from prober.adapters.store.db import Store
    from prober.adapters.store.series import Series
    from prober.core.uptime import Observation

Unit: TypeAlias = Literal["hour", "day"]

LENGTH_MS: Final[Mapping[Unit, int]] = {"hour": HOUR_MS, "day": DAY_MS}
BATCH: Final = 5_000
_HOURS: Final = "SELECT hour, series, ok, slow, failed, unknown, observed, latencies, total_us, longest_us FROM hours"


def roll_up_some(store: Store, *, to_hour: int) -> bool:
    """Roll up some of what ended before an hour; return whether there was anything to do."""
    candidates = due_series(store, hour=to_hour, limit=BATCH)
    if not candidates:
        return False
    series, hours_at_once = _bounded(candidates)
    # Nothing lies before the first check, and looking for it would mean to read the hours of all other series.
    first_hour = min(each.first_at_ms for each in series) // HOUR_MS
    from_hour = min(max(series[0].rolled_to_hour, first_hour), to_hour)
    hours = hours_ahead(store, from_hour, to_hour, hours_at_once)
    if len(hours) == hours_at_once:
        to_hour = hours[-1] + 1
    seen = observations(store, series, hours)
    rolled = {
        (hour, each.no): rollup
        for each in series
        for hour, rollup in roll_up(
            seen[each.no], from_ms=from_hour * HOUR_MS, to_ms=to_hour * HOUR_MS, carried_to_ms=each.carried_to_ms
        ).items()
    }
    _replace(store, "hour", [each.no for each in series], from_hour, to_hour, rolled)
    sum_up_days(store, [each.no for each in series], from_hour, to_hour)
    _mark(store, series, to_hour, seen)
    return True


def nth_newest_hour(store: Store, n: int, *, before_hour: int) -> int:
    """Return the n-th newest of the hours before another that hold checks and are rolled up; 0 when there is none."""
    row = store.find(
        """WITH RECURSIVE newest (hour) AS (
          SELECT max(hour) FROM hours WHERE hour < :before
          UNION ALL SELECT (SELECT max(hour) FROM hours WHERE hour < newest.hour) FROM newest
          WHERE hour IS NOT NULL LIMIT :n)
        SELECT hour FROM newest LIMIT 1 OFFSET :n - 1""",
        {"before": before_hour, "n": n},
    )
    return (row["hour"] or 0) if row else 0


def add_rollups(store: Store, series: Series, rolled: Mapping[int, Rollup]) -> None:
    """Add rollups of hours to those that stand there, and make their days anew."""
    rows = store.rows(
        f"{_HOURS} WHERE series = :series AND hour IN (SELECT value FROM json_each(:hours))",  # noqa: S608
        {"series": series.no, "hours": json.dumps(list(rolled))},
    )
    known = {row["hour"]: rollup_of("hour", row) for row in rows}
    together = {
        (hour, series.no): combine([known[hour], each]) if hour in known else each for hour, each in rolled.items()
    }
    save_rollups(store, "hour", together)
    day_after = (max(rolled) // 24 + 1) * 24
    sum_up_days(store, [series.no], min(rolled), min(day_after, series.rolled_to_hour))


def sum_up_days(store: Store, series: Sequence[int], from_hour: int, to_hour: int) -> None:
    """Make those days anew that begin before ``to_hour``, end by then, and end after ``from_hour``."""
    from_day, to_day = from_hour // 24, to_hour // 24
    rows = store.rows(
        f"""{_HOURS} WHERE hour >= :from AND hour < :to AND series IN (SELECT value FROM json_each(:series))
        ORDER BY hour / 24, series""",  # noqa: S608  made of constants
        {"from": from_day * 24, "to": to_day * 24, "series": json.dumps(list(series))},
    )
    days = groupby(rows, key=lambda row: (row["hour"] // 24, row["series"]))
    summed = {key: combine(rollup_of("hour", row) for row in hours) for key, hours in days}
    _replace(store, "day", series, from_day, to_day, summed)


def rollup_of(unit: Unit, row: sqlite3.Row) -> Rollup:
    """Return what a row of ``hours`` or ``days`` says."""
    from_ms = row[unit] * LENGTH_MS[unit]
    return Rollup(
        tally=Tally(
            checks=Counts(ok=row["ok"], slow=row["slow"], failed=row["failed"], unknown=row["unknown"]),
            latencies=Histogram.unpacked(filter(None, [row["latencies"]])),
        ),
        observed=tuple(unpack_spans(row["observed"], from_ms=from_ms, to_ms=from_ms + LENGTH_MS[unit])),
        total_us=row["total_us"],
        longest_us=row["longest_us"],
    )


def save_rollups(store: Store, unit: Unit, rollups: Mapping[tuple[int, int], Rollup]) -> None:
    """Put rollups in the place of those that stand there, by (hour or day, number of the series)."""
    store.write_many(
        f"""INSERT OR REPLACE INTO {unit}s
          ({unit}, series, ok, slow, failed, unknown, observed, latencies, total_us, longest_us)
        VALUES (:at, :series, :ok, :slow, :failed, :unknown, :observed, :latencies, :total_us, :longest_us)""",  # noqa: S608  made of constants
        (_row(unit, at, series, rollup) for (at, series), rollup in sorted(rollups.items(), key=itemgetter(0))),
    )


def _bounded(candidates: Sequence[Series]) -> tuple[Sequence[Series], int]:
    """Return so many series, and hours of them, that one step takes about as many results as a batch may hold."""
    expected, taken = 0, 0
    while taken < len(candidates) and (taken == 0 or expected < BATCH):
        expected += -(-HOUR_MS // candidates[taken].interval_ms)
        taken += 1
    return candidates[:taken], max(BATCH // expected, 1)


def _replace(
    store: Store, unit: Unit, series: Sequence[int], start: int, end: int, rollups: Mapping[tuple[int, int], Rollup]
) -> None:
    store.write(
        f"""DELETE FROM {unit}s WHERE {unit} >= :start AND {unit} < :end
        AND series IN (SELECT value FROM json_each(:series))""",  # noqa: S608
        {"start": start, "end": end, "series": json.dumps(list(series))},
    )
    save_rollups(store, unit, rollups)


def _row(unit: Unit, at: int, series: int, rollup: Rollup) -> dict[str, int | bytes | None]:
    from_ms = at * LENGTH_MS[unit]
    return {
        "at": at,
        "series": series,
        "ok": rollup.tally.checks.ok,
        "slow": rollup.tally.checks.slow,
        "failed": rollup.tally.checks.failed,
        "unknown": rollup.tally.checks.unknown,
        "observed": pack_spans(rollup.observed, from_ms=from_ms, to_ms=from_ms + LENGTH_MS[unit]),
        "latencies": rollup.tally.latencies.pack(),
        "total_us": rollup.total_us,
        "longest_us": rollup.longest_us,
    }


def _mark(store: Store, series: Iterable[Series], to_hour: int, seen: Mapping[int, Sequence[Observation]]) -> None:
    store.write_many(
        "UPDATE series SET rolled_to_hour = :to_hour, last_hour = :last_hour WHERE no = :no",
        [
            {
                "no": each.no,
                "to_hour": to_hour,
                "last_hour": seen[each.no][-1].at_ms // HOUR_MS if seen[each.no] else each.last_hour,
            }
            for each in series
        ],
    )
