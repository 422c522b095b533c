"""Results: appended once, never changed, read back as values."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from prober.adapters.store.db import clean
from prober.adapters.store.series import all_hours_back, number_all
from prober.core.facts import Phases
from prober.core.model import Kind, Outcome, Reason, Result
from prober.core.rollup import HOUR_MS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from prober.adapters.store.db import Store

OUTCOMES: Final = (Outcome.OK, Outcome.SLOW, Outcome.FAILED, Outcome.UNKNOWN)
_CLOCKS: tuple[Literal["kernel", "portable"], ...] = ("kernel", "portable")
_NEVER_MS = 2**62
_ROW = ("hour", "series", "after_ms", "code", "latency_us")
_PHASES = tuple(field.name for field in fields(Phases))
_FAMILIES: tuple[Literal["ipv4", "ipv6"] | None, ...] = ("ipv4", "ipv6", None)

_FIND = """
SELECT r.series, s.probe, s.location, r.at_ms, r.code, r.latency_us, d.reason, d.detail, d.excerpt,
  d.dns_us, d.connect_us, d.tls_us, d.wait_us, d.body_us, d.lag_us,
  (SELECT interval_ms FROM intervals i WHERE i.series = r.series AND i.from_ms <= r.at_ms
   ORDER BY i.from_ms DESC LIMIT 1) AS interval_ms
FROM series s JOIN results r ON r.series = s.no LEFT JOIN result_details d USING (hour, series, after_ms)
"""


def append_results(store: Store, results: Sequence[Result]) -> None:
    """Append results, in the caller's transaction; one whose probe, location and time are stored already is ignored.

    Those of one probe and location stand in order of time, each with a time of its own.
    What an ``ok`` result spent where, the certificate, and what only the round itself needs (``path_failure``,
    ``response_began``) are not kept.
    """
    numbered = [(result, _row(series, result)) for series, result in number_all(store, results)]
    store.write_many(
        # Values by position: a round of thousands is written a quarter faster than with names.
        """INSERT INTO results (hour, series, after_ms, rare_code, latency_us) VALUES (?, ?, ?, nullif(?, 20000), ?)
        ON CONFLICT (hour, series, after_ms) DO NOTHING""",
        (row for _, row in numbered),
    )
    store.write_many(
        # Details only for the row that stands: the same check may be there already, with another outcome.
        """INSERT INTO result_details
          (hour, series, after_ms, reason, detail, excerpt, dns_us, connect_us, tls_us, wait_us, body_us, lag_us)
        SELECT hour, series, after_ms,
          :reason, :detail, :excerpt, :dns_us, :connect_us, :tls_us, :wait_us, :body_us, :lag_us
        FROM results WHERE hour = :hour AND series = :series AND after_ms = :after_ms AND code = :code
        ON CONFLICT (hour, series, after_ms) DO NOTHING""",
        (
            {**dict(zip(_ROW, row, strict=True)), **clean(_details(result))}
            for result, row in numbered
            if result.outcome is not Outcome.OK
        ),
    )


def last_results(store: Store, probe_id: str, location: str, limit: int) -> list[Result]:
    """Return the newest results, newest first."""
    return list(islice(_newest_first(store, probe_id, location, limit=limit), limit))


def last_good(store: Store, probe_id: str, location: str, *, before_ms: int) -> Result | None:
    """Return the newest result before a time whose expectations all held."""
    good = _newest_first(store, probe_id, location, limit=1, where="AND r.code % 10 <= 1", before_ms=before_ms)
    return next(good, None)


def all_last_results(store: Store, location: str) -> dict[str, Result]:
    """Return the newest result of each probe."""
    series = store.rows(
        "SELECT no, rolled_to_hour, last_hour FROM series WHERE location = :location", {"location": location}
    )
    recent = {row["no"]: row["rolled_to_hour"] for row in series}
    older = {row["no"]: row["last_hour"] for row in series}
    found: dict[str, Result] = {}
    for hour in all_hours_back(store):
        sought = [no for no, from_hour in recent.items() if from_hour <= hour]
        if not sought:
            break
        for no, result in _last_of_hour(store, hour, sought):
            found[result.probe_id] = result
            del recent[no], older[no]
    for hour in set(older.values()):
        sought = [no for no, last_hour in older.items() if last_hour == hour]
        found.update((result.probe_id, result) for _, result in _last_of_hour(store, hour, sought))
    return found


def has_trouble(store: Store, probe_id: str, location: str, kind: Kind, from_ms: int) -> bool:
    """Say whether a check from a time on failed or, as the kind of incident has it, was slow."""
    row = store.find(
        """SELECT 1 FROM series s JOIN results r ON r.series = s.no
        WHERE s.probe = :probe AND s.location = :location AND r.hour >= :hour AND r.at_ms >= :from_ms
          AND r.code % 10 = :outcome LIMIT 1""",
        {
            "probe": probe_id,
            "location": location,
            "hour": from_ms // HOUR_MS,
            "from_ms": from_ms,
            "outcome": OUTCOMES.index(Outcome.FAILED if kind is Kind.DOWN else Outcome.SLOW),
        },
    )
    return row is not None


def count_failed(store: Store, probe_id: str, location: str, from_ms: int, to_ms: int) -> int:
    """Return how many checks failed in ``[from_ms, to_ms)``, or in its hours where single results are gone."""
    row = store.find(
        """SELECT (
          SELECT count(*) FROM json_each(:hours) asked JOIN results r ON r.hour = asked.value AND r.series = s.no
          WHERE r.hour >= s.raw_from_hour AND r.at_ms >= :from_ms AND r.at_ms < :to_ms AND r.code % 10 = 2
        ) + (
          SELECT coalesce(sum(h.failed), 0)
          FROM json_each(:hours) asked JOIN hours h ON h.hour = asked.value AND h.series = s.no
          WHERE h.hour < s.raw_from_hour
        ) AS failed
        FROM series s WHERE s.probe = :probe AND s.location = :location""",
        {
            "probe": probe_id,
            "location": location,
            "hours": json.dumps(list(range(from_ms // HOUR_MS, -(-to_ms // HOUR_MS)))),
            "from_ms": from_ms,
            "to_ms": to_ms,
        },
    )
    return row["failed"] if row else 0


def _newest_first(
    store: Store, probe_id: str, location: str, *, limit: int, where: str = "", before_ms: int = _NEVER_MS
) -> Iterator[Result]:
    """Yield results, newest first, of stretches of hours that double: what is asked for is mostly close by."""
    asked = {"probe": probe_id, "location": location, "before": before_ms, "limit": limit}
    bounds = store.find(
        """SELECT max(first_at_ms / 3600000, raw_from_hour) AS first_hour,
          min(coalesce((SELECT max(hour) FROM results), 0), :before / 3600000) AS hour
        FROM series WHERE probe = :probe AND location = :location""",
        asked,
    )
    if bounds is None:
        return
    hour, length = bounds["hour"], 1
    while hour >= bounds["first_hour"]:
        stretch = range(max(bounds["first_hour"], hour - length + 1), hour + 1)
        rows = store.rows(
            f"""{_FIND} WHERE s.probe = :probe AND s.location = :location AND r.at_ms < :before {where}
              AND r.hour IN (SELECT value FROM json_each(:hours))
            ORDER BY r.hour DESC, r.after_ms DESC LIMIT :limit""",  # noqa: S608  made of constants
            asked | {"hours": json.dumps(list(stretch))},
        )
        yield from map(_result, rows)
        hour, length = hour - length, length * 2


def _last_of_hour(store: Store, hour: int, series: Sequence[int]) -> Iterator[tuple[int, Result]]:
    """Yield the newest result of each series that has one in an hour."""
    rows = store.rows(
        f"""{_FIND} WHERE s.no IN (SELECT value FROM json_each(:series)) AND r.hour = :hour
          AND r.after_ms = (SELECT max(after_ms) FROM results WHERE hour = :hour AND series = s.no)""",  # noqa: S608
        {"hour": hour, "series": json.dumps(series)},
    )
    return ((row["series"], _result(row)) for row in rows)


def _row(series: int, result: Result) -> tuple[int | None, ...]:
    hour, after_ms = divmod(result.at_ms, HOUR_MS)
    return hour, series, after_ms, _code(result), result.latency_us


def _code(result: Result) -> int:
    way = _CLOCKS.index(result.clock) + 2 * _FAMILIES.index(result.family)
    return (result.status or 0) * 100 + way * 10 + OUTCOMES.index(result.outcome)


def _details(result: Result) -> Mapping[str, str | int | None]:
    spent = asdict(result.phases) if result.phases else dict.fromkeys(_PHASES)
    return {"reason": result.reason, "detail": result.detail, "excerpt": result.excerpt, **spent}


def _result(row: sqlite3.Row) -> Result:
    status, rest = divmod(row["code"], 100)
    way, outcome = divmod(rest, 10)
    family, clock = divmod(way, 2)
    return Result(
        probe_id=row["probe"],
        location=row["location"],
        at_ms=row["at_ms"],
        outcome=OUTCOMES[outcome],
        reason=Reason(row["reason"]) if row["reason"] else None,
        detail=row["detail"],
        status=status or None,
        latency_us=row["latency_us"],
        phases=None if row["lag_us"] is None else Phases(**{name: row[name] for name in _PHASES}),
        clock=_CLOCKS[clock],
        family=_FAMILIES[family],
        excerpt=row["excerpt"],
        interval_ms=row["interval_ms"],
    )
