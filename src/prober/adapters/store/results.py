"""Results: appended once, never changed, read back as values."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Literal

from prober.adapters.store.db import clean
from prober.adapters.store.series import number_all
from prober.core.facts import Phases
from prober.core.model import Outcome, Reason, Result
from prober.core.uptime import Observation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from prober.adapters.store.db import Store

_OUTCOMES = (Outcome.OK, Outcome.SLOW, Outcome.FAILED, Outcome.UNKNOWN)
_OUTCOME_DIGITS = {outcome: digit for digit, outcome in enumerate(_OUTCOMES)}
_CLOCKS: tuple[Literal["kernel", "portable"], ...] = ("kernel", "portable")
_PHASES = tuple(field.name for field in fields(Phases))
_FAMILIES: tuple[Literal["ipv4", "ipv6"] | None, ...] = ("ipv4", "ipv6", None)

_FIND = """
SELECT s.probe, s.location, r.at_ms, r.code, r.latency_us, d.reason, d.detail, d.excerpt,
  d.dns_us, d.connect_us, d.tls_us, d.wait_us, d.body_us, d.lag_us,
  (SELECT interval_ms FROM intervals i WHERE i.series = r.series AND i.from_ms <= r.at_ms
   ORDER BY i.from_ms DESC LIMIT 1) AS interval_ms
FROM series s JOIN results r ON r.series = s.no LEFT JOIN result_details d USING (series, at_ms)
"""


def append_results(store: Store, results: Sequence[Result]) -> None:
    """Append results, in the caller's transaction; one whose probe, location and time are stored already is ignored.

    Those of one probe and location stand in order of time, each with a time of its own.
    What an ``ok`` result spent where, the certificate, and what only the round itself needs (``path_failure``,
    ``response_began``) are not kept.
    """
    numbered = [
        (
            result,
            {
                "series": series,
                "at_ms": result.at_ms,
                "code": _code(result),
                "latency_us": result.latency_us,
            },
        )
        for series, result in number_all(store, results)
    ]
    store.write_many(
        """INSERT INTO results (series, at_ms, code, latency_us) VALUES (:series, :at_ms, :code, :latency_us)
        ON CONFLICT (series, at_ms) DO NOTHING""",
        (row for _, row in numbered),
    )
    store.write_many(
        # Details only for the row that stands: the same check may be there already, with another outcome.
        """INSERT INTO result_details
          (series, at_ms, reason, detail, excerpt, dns_us, connect_us, tls_us, wait_us, body_us, lag_us)
        SELECT series, at_ms, :reason, :detail, :excerpt, :dns_us, :connect_us, :tls_us, :wait_us, :body_us, :lag_us
        FROM results WHERE series = :series AND at_ms = :at_ms AND code = :code
        ON CONFLICT (series, at_ms) DO NOTHING""",
        ({**row, **clean(_details(result))} for result, row in numbered if result.outcome is not Outcome.OK),
    )


def last_results(store: Store, probe_id: str, location: str, limit: int) -> list[Result]:
    """Return the newest results, newest first."""
    rows = store.rows(
        f"{_FIND} WHERE s.probe = :probe AND s.location = :location ORDER BY r.at_ms DESC LIMIT :limit",
        {"probe": probe_id, "location": location, "limit": limit},
    )
    return [_result(row) for row in rows]


def all_last_results(store: Store, location: str) -> dict[str, Result]:
    """Return the newest result of each probe."""
    newest = "r.at_ms = (SELECT max(at_ms) FROM results WHERE series = s.no)"
    rows = store.rows(f"{_FIND} WHERE s.location = :location AND {newest}", {"location": location})
    return {row["probe"]: _result(row) for row in rows}


def last_good(store: Store, probe_id: str, location: str, *, before_ms: int) -> Result | None:
    """Return the newest result before a time whose expectations all held."""
    row = store.find(
        f"""{_FIND} WHERE s.probe = :probe AND s.location = :location AND r.at_ms < :before AND r.code % 10 <= 1
        ORDER BY r.at_ms DESC LIMIT 1""",
        {"probe": probe_id, "location": location, "before": before_ms},
    )
    return _result(row) if row else None


def count_failed(store: Store, probe_id: str, location: str, from_ms: int, to_ms: int) -> int:
    """Return how many checks failed in ``[from_ms, to_ms)``."""
    rows = store.rows(
        """SELECT count(*) AS n FROM results r JOIN series s ON s.no = r.series
        WHERE s.probe = :probe AND s.location = :location
          AND r.at_ms >= :from_ms AND r.at_ms < :to_ms AND r.code % 10 = 2""",
        {"probe": probe_id, "location": location, "from_ms": from_ms, "to_ms": to_ms},
    )
    return int(rows[0]["n"])


def observations(store: Store, probe_id: str, *, since_ms: int) -> dict[str, list[Observation]]:
    """Return what each location saw from ``since_ms`` on, oldest first, and the last result before that."""
    series = store.rows("SELECT no, location FROM series WHERE probe = :probe", {"probe": probe_id})
    return {row["location"]: list(_observed(store, row["no"], since_ms)) for row in series}


def _observed(store: Store, series: int, since_ms: int) -> Iterator[Observation]:
    later = store.rows(
        "SELECT from_ms, interval_ms FROM intervals WHERE series = :series ORDER BY from_ms DESC", {"series": series}
    )
    rows = store.rows(
        """SELECT at_ms, code % 10, latency_us FROM results WHERE series = :series AND at_ms >= coalesce(
          (SELECT max(at_ms) FROM results WHERE series = :series AND at_ms < :since), :since)
        ORDER BY at_ms""",
        {"series": series, "since": since_ms},
    )
    interval_ms = 0
    for at_ms, outcome, latency_us in rows:
        while later and later[-1]["from_ms"] <= at_ms:
            interval_ms = later.pop()["interval_ms"]
        yield Observation(at_ms=at_ms, outcome=_OUTCOMES[outcome], interval_ms=interval_ms, latency_us=latency_us)


def _code(result: Result) -> int:
    way = _CLOCKS.index(result.clock) + 2 * _FAMILIES.index(result.family)
    return (result.status or 0) * 100 + way * 10 + _OUTCOME_DIGITS[result.outcome]


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
        outcome=_OUTCOMES[outcome],
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
