"""Pruning: single results that are old enough go, a batch a transaction, and their rollups stay.

Where the store has to stay small, old rollups go too, and what was told of incidents that are over.

Whole hours go, and never before they were rolled up; `m002_keeping` tells what the marks of a series say. What came
later to an hour whose results are gone is added to its rollup, and goes with the next batch. All functions write within
the caller's transaction, and return whether there was anything to do.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from prober.adapters.store.observations import observations_of
from prober.adapters.store.results import OUTCOMES
from prober.adapters.store.rollups import add_rollups, nth_newest_hour
from prober.adapters.store.series import one_series, reopen
from prober.core.rollup import HOUR_MS, roll_up
from prober.core.uptime import Observation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.adapters.store.db import Store

BATCH: Final = 5_000
_WITNESSES: Final = 24
_IN_BATCH: Final = "(hour, series) <= (:hour, :series)"


def believed_ms(store: Store, now_ms: int) -> int:
    """Return what time it surely is: what is pruned is gone, and a clock that is years ahead is soon set right.

    It is at most a day later than the last 24 hours in which anything was checked.
    """
    witness = nth_newest_hour(store, _WITNESSES, before_hour=now_ms // HOUR_MS)
    return min(now_ms, (witness + 1 + _WITNESSES) * HOUR_MS)


def prune_results(store: Store, *, before_hour: int) -> bool:
    """Drop results that started before an hour and are rolled up, the oldest first."""
    last = store.find(
        """SELECT hour, series FROM (
          SELECT hour, series FROM results WHERE hour < min(:before, (SELECT min(rolled_to_hour) FROM series))
          ORDER BY hour, series, after_ms LIMIT :limit)
        ORDER BY hour DESC, series DESC LIMIT 1""",
        {"before": before_hour, "limit": BATCH},
    )
    if last is None:
        return False
    batch = {"hour": last["hour"], "series": last["series"]}
    late = store.rows(
        f"""SELECT DISTINCT r.series, r.hour FROM results r JOIN series s ON s.no = r.series
        WHERE {_IN_BATCH} AND r.hour < s.raw_from_hour ORDER BY r.series, r.hour""",  # noqa: S608  made of constants
        batch,
    )
    for no, hours in groupby(late, key=itemgetter("series")):
        _add_late(store, no, [row["hour"] for row in hours])
    _carry(store, batch)
    store.write(f"DELETE FROM results WHERE {_IN_BATCH}", batch)  # noqa: S608
    return True


def prune_rounds(store: Store, *, before_ms: int) -> bool:
    """Drop rounds that ended before a time, but never the newest, and runs that started before it."""
    dropped = store.write(
        """DELETE FROM rounds WHERE id IN (
          SELECT id FROM rounds
          WHERE ended_at_ms < :before AND id <> (SELECT id FROM rounds ORDER BY ended_at_ms DESC, id DESC LIMIT 1)
          ORDER BY ended_at_ms LIMIT :limit)""",
        {"before": before_ms, "limit": BATCH},
    )
    dropped += store.write("DELETE FROM runs WHERE started_at_ms < :before", {"before": before_ms})
    return dropped > 0


def prune_rollups(store: Store, *, before_day: int) -> None:
    """Drop the rollups of all days before another."""
    store.write("DELETE FROM hours WHERE hour < :day * 24", {"day": before_day})
    store.write("DELETE FROM days WHERE day < :day", {"day": before_day})


def prune_told(store: Store, *, before_ms: int) -> None:
    """Drop alerts and events of before a time, but nothing that waits, nor what was told of an incident that is open.

    What was told together, and of one incident, stays together.
    """
    store.write(
        """WITH RECURSIVE kept (id, incident, carrier) AS (
          SELECT o.id, o.incident, o.carrier FROM outbox o LEFT JOIN incidents i ON i.number = o.incident
          WHERE o.state IN ('queued', 'sending') OR (i.number IS NOT NULL AND i.ended_at_ms IS NULL)
            OR max(o.queued_at_ms, coalesce(o.sent_at_ms, 0), coalesce(i.ended_at_ms, 0)) >= :before
          UNION SELECT o.id, o.incident, o.carrier FROM kept k JOIN outbox o ON o.incident = k.incident
          UNION SELECT o.id, o.incident, o.carrier FROM kept k JOIN outbox o ON o.id = k.carrier
          UNION SELECT o.id, o.incident, o.carrier FROM kept k JOIN outbox o ON o.carrier = k.id)
        DELETE FROM outbox WHERE id NOT IN (SELECT id FROM kept)""",
        {"before": before_ms},
    )
    store.write(
        """DELETE FROM events WHERE at_ms < :before AND id NOT IN (SELECT event FROM outbox WHERE event IS NOT NULL)
          AND incident IN (SELECT number FROM incidents WHERE ended_at_ms < :before)""",
        {"before": before_ms},
    )


def _add_late(store: Store, no: int, hours: Sequence[int]) -> None:
    """Add what came late to the rollups of hours whose results are gone."""
    series = one_series(store, no)
    seen = observations_of(store, no, hours)
    rolled = roll_up(seen, from_ms=hours[0] * HOUR_MS, to_ms=series.raw_from_hour * HOUR_MS)
    add_rollups(store, series, rolled)
    if seen[-1].observes_to_ms > series.carried_to_ms:
        store.write(
            "UPDATE series SET carried_to_ms = :to_ms WHERE no = :no", {"no": no, "to_ms": seen[-1].observes_to_ms}
        )
        reopen(store, no, series.raw_from_hour)


def _carry(store: Store, batch: Mapping[str, int]) -> None:
    """Remember of each series until when the newest result of a batch observes."""
    newest = store.rows(
        f"""SELECT r.series, r.hour, r.at_ms, r.code % 10 AS outcome, (SELECT i.interval_ms FROM intervals i
          WHERE i.series = r.series AND i.from_ms <= r.at_ms ORDER BY i.from_ms DESC LIMIT 1) AS interval_ms
        FROM (SELECT series, max(hour) AS hour FROM results WHERE {_IN_BATCH} GROUP BY series) b
        JOIN results r ON r.hour = b.hour AND r.series = b.series
          AND r.after_ms = (SELECT max(after_ms) FROM results WHERE hour = b.hour AND series = b.series)""",  # noqa: S608
        batch,
    )
    marks = [
        {
            "no": row["series"],
            "from_hour": row["hour"] + 1,
            "carried_to_ms": Observation(
                at_ms=row["at_ms"], outcome=OUTCOMES[row["outcome"]], interval_ms=row["interval_ms"]
            ).observes_to_ms,
        }
        for row in newest
    ]
    store.write_many(
        """UPDATE series SET raw_from_hour = :from_hour, carried_to_ms = :carried_to_ms
        WHERE no = :no AND raw_from_hour < :from_hour""",
        marks,
    )
    store.write(
        """DELETE FROM intervals WHERE series IN (SELECT value FROM json_each(:series)) AND from_ms < (
          SELECT max(i.from_ms) FROM intervals i JOIN series s ON s.no = i.series
          WHERE i.series = intervals.series AND i.from_ms <= s.raw_from_hour * 3600000)""",
        {"series": json.dumps([mark["no"] for mark in marks])},
    )
