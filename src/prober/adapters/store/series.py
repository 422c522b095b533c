"""Series: what one probe shows from one location, the interval in force at any time of it, and how far it is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from prober.core.rollup import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from prober.adapters.store.db import Store
    from prober.core.model import Result

REACH_HOURS: Final = 37  # a result observes for 1.5 days at most

_SERIES = """
SELECT no, probe AS probe_id, location, first_at_ms, rolled_to_hour, last_hour, raw_from_hour, carried_to_ms,
  coalesce((SELECT interval_ms FROM intervals WHERE series = no ORDER BY from_ms DESC LIMIT 1), 3600000) AS interval_ms
FROM series
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one probe shows from one location, with its newest interval and the marks of `m002_keeping`."""

    no: int
    probe_id: str
    location: str
    first_at_ms: int
    interval_ms: int
    rolled_to_hour: int
    last_hour: int
    raw_from_hour: int
    carried_to_ms: int


class _Latest(NamedTuple):
    """A series with its newest interval, from when that is in force, and the hour to which it is rolled up."""

    probe_id: str
    location: str
    no: int
    interval_ms: int
    from_ms: int
    rolled_to_hour: int


def number_all(store: Store, results: Sequence[Result]) -> Iterator[tuple[int, Result]]:
    """Yield each result with the number of its series; new series and intervals are recorded on the way.

    The results of a series stand in order of time, each with a time of its own. One that comes after its hour was
    rolled up makes that be done anew.
    """
    # A round comes in the order in which its series were made; looked up in that of a set, it takes a quarter longer.
    known = _all_latest(store, dict.fromkeys(result.probe_id for result in results))
    for result in results:
        key = (result.probe_id, result.location)
        latest = known.get(key)
        if latest is None or result.interval_ms != latest.interval_ms or result.at_ms < latest.from_ms:
            latest = known[key] = _extend(store, result)
        if result.at_ms < latest.rolled_to_hour * HOUR_MS:
            reopen(store, latest.no, result.at_ms // HOUR_MS)
            known[key] = latest._replace(rolled_to_hour=result.at_ms // HOUR_MS)
        yield latest.no, result


def all_series(store: Store, probe_ids: Collection[str]) -> list[Series]:
    """Return the series of probes."""
    rows = store.rows(
        f"{_SERIES} WHERE probe IN (SELECT value FROM json_each(:probes)) ORDER BY no",  # noqa: S608  made of constants
        {"probes": json.dumps(list(probe_ids))},
    )
    return [Series(**row) for row in rows]


def one_series(store: Store, no: int) -> Series:
    """Return a series by its number."""
    (row,) = store.rows(f"{_SERIES} WHERE no = :no", {"no": no})
    return Series(**row)


def due_series(store: Store, *, hour: int, limit: int) -> list[Series]:
    """Return series that are not rolled up to an hour yet, all up to the same hour, which is the first there is."""
    rows = store.rows(
        f"""{_SERIES} WHERE rolled_to_hour = (SELECT min(rolled_to_hour) FROM series) AND rolled_to_hour < :hour
        ORDER BY no LIMIT :limit""",  # noqa: S608
        {"hour": hour, "limit": limit},
    )
    return [Series(**row) for row in rows]


def reopen(store: Store, series: int, hour: int) -> None:
    """Let all from an hour on be rolled up anew, as far as its single results are still there.

    What is appended to hours that are rolled up needs this, before or after it, in the same transaction.
    """
    store.write(
        """UPDATE series SET rolled_to_hour = max(:hour, raw_from_hour)
        WHERE no = :series AND rolled_to_hour > max(:hour, raw_from_hour)""",
        {"series": series, "hour": hour},
    )
    store.write(
        """UPDATE series SET last_hour = coalesce((SELECT max(r.hour) FROM results r
          WHERE r.series = :series AND r.hour >= raw_from_hour AND r.hour IN (SELECT value FROM json_each(:hours))), 0)
        WHERE no = :series AND last_hour >= rolled_to_hour""",
        {"series": series, "hours": json.dumps(list(range(hour - REACH_HOURS, hour)))},
    )


def all_hours_back(store: Store, before_hour: int | None = None) -> Iterator[int]:
    """Yield the hours that hold results of any series, newest first."""
    while True:
        (row,) = store.rows(
            "SELECT max(hour) AS hour FROM results WHERE hour < coalesce(:before, 9e9)", {"before": before_hour}
        )
        if row["hour"] is None:
            return
        before_hour = row["hour"]
        yield row["hour"]


def _all_latest(store: Store, probe_ids: Collection[str]) -> dict[tuple[str, str], _Latest]:
    rows = store.rows(
        """SELECT s.probe, s.location, s.no, i.interval_ms, i.from_ms, s.rolled_to_hour
        FROM json_each(:probes) asked CROSS JOIN series s ON s.probe = asked.value JOIN intervals i ON i.series = s.no
        ORDER BY i.from_ms""",
        {"probes": json.dumps(list(probe_ids))},
    )
    return {latest[:2]: latest for latest in map(_Latest._make, rows)}


def _extend(store: Store, result: Result) -> _Latest:
    """Make room for a result that is the first of its series, has another interval, or comes late."""
    series = store.insert(
        """INSERT INTO series (probe, location, first_at_ms) VALUES (:probe, :location, :at_ms)
        ON CONFLICT (probe, location) DO UPDATE SET first_at_ms = min(first_at_ms, excluded.first_at_ms)
        RETURNING no""",
        {"probe": result.probe_id, "location": result.location, "at_ms": result.at_ms},
    )
    hour, after_ms = divmod(result.at_ms, HOUR_MS)
    if not store.find(
        "SELECT 1 FROM results WHERE hour = :hour AND series = :series AND after_ms = :after_ms",
        {"series": series, "hour": hour, "after_ms": after_ms},
    ):
        _put_in_force(store, series, result)
    (latest,) = store.rows(
        """SELECT s.probe, s.location, s.no, i.interval_ms, i.from_ms, s.rolled_to_hour
        FROM series s JOIN intervals i ON i.series = s.no WHERE s.no = :series ORDER BY i.from_ms DESC LIMIT 1""",
        {"series": series},
    )
    return _Latest(*latest)


def _put_in_force(store: Store, series: int, result: Result) -> None:
    """Record the interval of a result that is not stored yet, without changing that of any other."""
    place = {"series": series, "at_ms": result.at_ms}
    before = store.find(
        "SELECT interval_ms FROM intervals WHERE series = :series AND from_ms <= :at_ms ORDER BY from_ms DESC LIMIT 1",
        place,
    )
    if before and before["interval_ms"] == result.interval_ms:
        return
    insert = "INSERT INTO intervals (series, from_ms, interval_ms) VALUES (:series, :from_ms, :interval_ms)"
    if before and (next_ms := find_next_ms(store, series, result.at_ms)) is not None:
        # The check before the next one may be gone, and another interval in force since then.
        changed_since = "SELECT 1 FROM intervals WHERE series = :series AND from_ms > :at_ms AND from_ms <= :next_ms"
        if not store.find(changed_since, place | {"next_ms": next_ms}):
            resumed = {"series": series, "from_ms": next_ms, "interval_ms": before["interval_ms"]}
            store.write(insert, resumed)
    changed = {"series": series, "from_ms": result.at_ms, "interval_ms": result.interval_ms}
    store.write(f"{insert} ON CONFLICT (series, from_ms) DO UPDATE SET interval_ms = excluded.interval_ms", changed)


def find_next_ms(store: Store, series: int, at_ms: int) -> int | None:
    """Return when the series was checked next after a time."""
    place = {"series": series, "at_ms": at_ms, "hour": at_ms // HOUR_MS}
    while True:
        (ahead,) = store.rows("SELECT min(hour) AS hour FROM results WHERE hour >= :hour", place)
        if ahead["hour"] is None:
            return None
        place["hour"] = ahead["hour"]
        row = store.find(
            """SELECT at_ms FROM results WHERE hour = :hour AND series = :series AND at_ms > :at_ms
            ORDER BY after_ms LIMIT 1""",
            place,
        )
        if row:
            return int(row["at_ms"])
        place["hour"] += 1
