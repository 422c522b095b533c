"""Rollups of hours whose single results are gone in one of the stores: of two for one hour, that of more checks.

Nobody knows which checks two rollups have both counted, so they are never added. Where the single results are still
there, these are merged, and their hours are rolled up anew. `m002_keeping` tells what the marks of a series say.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from prober.adapters.store.observations import hours_ahead, observations_of
from prober.adapters.store.rollups import roll_up_some, sum_up_days
from prober.adapters.store.series import REACH_HOURS, reopen

if TYPE_CHECKING:
    import sqlite3

    from prober.adapters.store.db import Store

BATCH: Final = 50_000

_TAKEN = "hour INTEGER, series INTEGER, theirs INTEGER, PRIMARY KEY (hour, series)"
_COLUMNS = "ok, slow, failed, unknown, observed, latencies, total_us, longest_us"

# Series of which the other store has more checks in hours of which it has no single results any more, and we have.
_KNOWN_BETTER = """
SELECT a.no, b.raw_from_hour AS to_hour, b.carried_to_ms
FROM temp.series_map m JOIN main.series a ON a.no = m.ours JOIN other.series b ON b.no = m.theirs
WHERE b.raw_from_hour > a.raw_from_hour AND EXISTS (
  SELECT 1 FROM other.hours h WHERE h.hour >= a.raw_from_hour AND h.hour < b.raw_from_hour AND h.series = b.no
    AND h.ok + h.slow + h.failed + h.unknown > (
      SELECT count(*) FROM main.results r WHERE r.hour = h.hour AND r.series = a.no))
"""

_TAKE = """
INSERT INTO temp.taken (hour, series, theirs)
SELECT h.hour, m.ours, m.theirs
FROM other.hours h JOIN temp.series_map m ON m.theirs = h.series
JOIN main.series a ON a.no = m.ours JOIN other.series b ON b.no = m.theirs
LEFT JOIN main.hours mine ON mine.hour = h.hour AND mine.series = m.ours
WHERE h.hour >= :from_hour AND h.hour < :to_hour AND h.hour < a.raw_from_hour AND h.hour < b.rolled_to_hour
  AND (mine.hour IS NULL OR h.ok + h.slow + h.failed + h.unknown > mine.ok + mine.slow + mine.failed + mine.unknown)
"""

# Days that are not the other store's alone, or that it has not summed up.
_MIXED = f"""
SELECT t.day, t.series FROM (SELECT DISTINCT hour / 24 AS day, series, theirs FROM temp.taken) t
JOIN other.series b ON b.no = t.theirs
WHERE b.rolled_to_hour < t.day * 24 + 24 OR EXISTS (
  SELECT 1 FROM json_each('{list(range(24))}') of_day
  JOIN main.hours h ON h.hour = t.day * 24 + of_day.value AND h.series = t.series)
ORDER BY t.day
"""  # noqa: S608  made of constants


def roll_up_for(store: Store, other: Store) -> None:
    """Roll the other store up as far as single results are gone here: rollups are compared with rollups."""
    gone = {(row["probe"], row["location"]): row["raw_from_hour"] for row in store.rows("SELECT * FROM main.series")}
    behind = [
        gone[probe, location]
        for probe, location, rolled_to_hour in other.rows("SELECT probe, location, rolled_to_hour FROM series")
        if rolled_to_hour < gone.get((probe, location), 0)
    ]
    _roll_up(other, max(behind, default=0))


def take_in(store: Store) -> int:
    """Take over the rollups that know more than ours, in batches of their own, and return of how many hours."""
    better = store.rows(_KNOWN_BETTER)
    _roll_up(store, max((row["to_hour"] for row in better), default=0))
    with store.transaction():
        for row in better:
            _forget_results(store, row)
    (span,) = store.rows(
        """SELECT min(hour) / 24 AS first, max(hour) / 24 + 1 AS end, (SELECT count(*) FROM other.series) AS series
        FROM other.hours"""
    )
    if span["first"] is None:
        return 0
    at_once = max(BATCH // (24 * span["series"]), 1)
    store.write(f"CREATE TEMP TABLE taken ({_TAKEN})")
    try:
        return sum(
            _take_in_days(store, day, min(day + at_once, span["end"]))
            for day in range(span["first"], span["end"], at_once)
        )
    finally:
        store.write("DROP TABLE temp.taken")


def _roll_up(store: Store, to_hour: int) -> None:
    is_due = to_hour > 0
    while is_due:
        with store.transaction():
            is_due = roll_up_some(store, to_hour=to_hour)


def _forget_results(store: Store, better: sqlite3.Row) -> None:
    """Believe in the rollups of a series up to an hour; its single results before that are counted in these, and go."""
    to_hour = better["to_hour"]
    place = {"no": better["no"], "to_hour": to_hour}
    recent = observations_of(store, better["no"], range(to_hour - REACH_HOURS, to_hour))
    carried_to_ms = max([better["carried_to_ms"], *(each.observes_to_ms for each in recent)])
    store.write(
        """DELETE FROM main.results WHERE (hour, series, after_ms) IN (
          SELECT r.hour, r.series, r.after_ms FROM json_each(:hours) h
          CROSS JOIN main.results r ON r.hour = h.value AND r.series = :no)""",
        {"no": better["no"], "hours": json.dumps(hours_ahead(store, 0, to_hour))},
    )
    store.write(
        """UPDATE main.series SET raw_from_hour = :to_hour, rolled_to_hour = max(rolled_to_hour, :to_hour),
          carried_to_ms = :carried_to_ms WHERE no = :no""",
        place | {"carried_to_ms": carried_to_ms},
    )
    reopen(store, better["no"], to_hour)


def _take_in_days(store: Store, from_day: int, to_day: int) -> int:
    with store.transaction():
        store.write("DELETE FROM temp.taken")
        count = store.write(_TAKE, {"from_hour": from_day * 24, "to_hour": to_day * 24})
        if not count:
            return 0
        mixed = store.rows(_MIXED)
        store.write(
            f"""INSERT OR REPLACE INTO main.hours (hour, series, {_COLUMNS})
            SELECT t.hour, t.series, {_COLUMNS}
            FROM temp.taken t JOIN other.hours h ON h.hour = t.hour AND h.series = t.theirs"""  # noqa: S608
        )
        store.write(
            f"""INSERT OR REPLACE INTO main.days (day, series, {_COLUMNS})
            SELECT t.day, t.series, {_COLUMNS}
            FROM (SELECT DISTINCT hour / 24 AS day, series, theirs FROM temp.taken) t
            JOIN other.days d ON d.day = t.day AND d.series = t.theirs"""  # noqa: S608
        )
        for day, rows in groupby(mixed, key=itemgetter("day")):
            sum_up_days(store, [row["series"] for row in rows], day * 24, day * 24 + 24)
        return count
