"""Figures of many series at once: what their checks came to, how long these took, and what they observed.

What began before ``rolled_to_hour`` is read from days and hours, and from single results only where a window begins or
ends inside an hour. Where these are gone, a check counts as of the beginning of its hour.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from prober.adapters.store.observations import hours_ahead, observations
from prober.adapters.store.rollups import LENGTH_MS, Unit
from prober.adapters.store.series import REACH_HOURS
from prober.core.histogram import Histogram
from prober.core.rollup import DAY_MS, HOUR_MS, Tally, tally, unpack_spans
from prober.core.uptime import Counts, Span, observed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from prober.adapters.store.db import Store
    from prober.adapters.store.series import Series
    from prober.core.uptime import Period

Tallies: TypeAlias = dict[int, Tally]
"""A tally for each number of a series."""

_ROLLUPS: Final = {
    "day": """FROM days u
      WHERE u.series IN (SELECT value FROM json_each(:series)) AND u.day >= :start AND u.day < :end""",
    "hour": """FROM json_each(:series) s CROSS JOIN json_each(:hours) h
      CROSS JOIN hours u ON u.hour = h.value AND u.series = s.value WHERE true""",
}
_NO_LATENCIES: Final = Histogram()
_EVER_MS: Final = 2**62
_MARKS = attrgetter("rolled_to_hour", "raw_from_hour")


def all_figures(store: Store, series: Iterable[Series], *, since_ms: int) -> list[Figures]:
    """Return the figures of series, those with the same marks together."""
    groups = groupby(sorted(series, key=_MARKS), key=_MARKS)
    return [Figures(store, list(group), since_ms=since_ms) for _, group in groups]


def all_down(store: Store, probe_ids: Collection[str], *, since_ms: int, now_ms: int) -> dict[str, list[Span]]:
    """Return, by the id of the probe, when it was down since a time; false positives do not count."""
    rows = store.rows(
        """SELECT probe, started_at_ms, coalesce(ended_at_ms, :now) FROM incidents
        WHERE probe IN (SELECT value FROM json_each(:probes)) AND kind = 'down' AND NOT false_positive
          AND (ended_at_ms IS NULL OR ended_at_ms > :since)""",
        {"probes": json.dumps(list(probe_ids)), "since": since_ms, "now": now_ms},
    )
    found: dict[str, list[Span]] = {probe_id: [] for probe_id in probe_ids}
    for probe_id, started_at_ms, ended_at_ms in rows:
        found[probe_id].append((started_at_ms, ended_at_ms))
    return found


class Figures:
    """What is known of series with the same marks, from ``since_ms`` on."""

    def __init__(self, store: Store, series: Sequence[Series], *, since_ms: int) -> None:
        """Read the single results that are not rolled up yet."""
        self.series = series
        self._store = store
        self._numbers = [each.no for each in series]
        self._rolled_to_hour, self._raw_from_hour = _MARKS(series[0])
        self._since_ms = since_ms
        recent_hour = max(self._rolled_to_hour, since_ms // HOUR_MS - REACH_HOURS)
        self._recent_ms = recent_hour * HOUR_MS
        self._recent = observations(store, series, hours_ahead(store, recent_hour))

    def observed(self) -> dict[int, list[Span]]:
        """Return what each series observed, by its number."""
        today = self._rolled_to_hour // 24
        days = self._spans("day", self._since_ms // DAY_MS, today)
        hours = self._spans("hour", max(today * 24, self._since_ms // HOUR_MS), self._rolled_to_hour)
        seen: dict[int, list[Span]] = {}
        for each in self.series:
            recent = observed(
                self._recent[each.no], from_ms=self._recent_ms, to_ms=_EVER_MS, carried_to_ms=each.carried_to_ms
            )
            seen[each.no] = [*days.get(each.no, []), *hours.get(each.no, []), *recent]
        return seen

    def tallies(self, times: Iterable[int], *, with_latencies: bool = True) -> dict[int, Tallies]:
        """Return for each time what all checks from then on came to; without their histograms it takes a third."""
        rolled = partial(self._rolled, with_latencies)
        found = {}
        today = reached = self._rolled_to_hour // 24
        after = _plus(self._recent_since(self._recent_ms), rolled("hour", today * 24, self._rolled_to_hour))
        for at_ms in sorted(times, reverse=True):
            if at_ms >= self._rolled_to_hour * HOUR_MS:
                found[at_ms] = self._recent_since(at_ms)
                continue
            day, hour = at_ms // DAY_MS, -(-at_ms // HOUR_MS)
            if day + 1 < reached:
                after = _plus(after, rolled("day", day + 1, reached))
                reached = day + 1
            next_day_hour = (day + 1) * 24
            if day < today and next_day_hour - hour < hour - day * 24:
                from_hour = _plus(after, rolled("hour", hour, next_day_hour))
            else:
                that_day = rolled("day", day, min(day + 1, today))
                from_hour = _minus(_plus(after, that_day), rolled("hour", day * 24, hour))
            found[at_ms] = _plus(from_hour, self._rest_of_hour(with_latencies, at_ms))
        return found

    def latencies(self, window: Period) -> dict[int, list[int]]:
        """Return all response times of a window in ascending order; nothing where single results are gone."""
        from_hour, from_after_ms = divmod(window.from_ms, HOUR_MS)
        to_hour, to_after_ms = divmod(window.to_ms, HOUR_MS)
        if from_hour < self._raw_from_hour:
            return {}
        rows = self._store.rows(
            """SELECT s.value, (
              SELECT json_group_array(r.latency_us) FROM json_each(:hours) h CROSS JOIN results r
                ON r.hour = h.value AND r.series = s.value
              WHERE r.latency_us IS NOT NULL
                AND (r.hour, r.after_ms) >= (:from_hour, :from_after_ms)
                AND (r.hour, r.after_ms) < (:to_hour, :to_after_ms))
            FROM json_each(:series) s""",
            {
                "series": json.dumps(self._numbers),
                "hours": json.dumps(list(range(from_hour, to_hour + 1))),
                "from_hour": from_hour,
                "from_after_ms": from_after_ms,
                "to_hour": to_hour,
                "to_after_ms": to_after_ms,
            },
        )
        return {no: sorted(json.loads(latencies)) for no, latencies in rows}

    def _rest_of_hour(self, with_latencies: bool, at_ms: int) -> Tallies:
        hour, after_ms = divmod(at_ms, HOUR_MS)
        if after_ms == 0 or hour < self._raw_from_hour:
            return {}
        rows = self._store.rows(
            """SELECT s.value, sum(r.code % 10 = 0), sum(r.code % 10 = 1), sum(r.code % 10 = 2), sum(r.code % 10 = 3),
              json_group_array(r.latency_us) FILTER (WHERE :with_latencies AND r.latency_us IS NOT NULL)
            FROM json_each(:series) s CROSS JOIN results r
              ON r.hour = :hour AND r.series = s.value AND r.after_ms >= :after_ms GROUP BY s.value""",
            {
                "series": json.dumps(self._numbers),
                "hour": hour,
                "after_ms": after_ms,
                "with_latencies": with_latencies,
            },
        )
        return {
            no: Tally(
                checks=Counts(ok=ok, slow=slow, failed=failed, unknown=unknown),
                latencies=Histogram(json.loads(latencies)) if with_latencies else _NO_LATENCIES,
            )
            for no, ok, slow, failed, unknown, latencies in rows
        }

    def _recent_since(self, at_ms: int) -> Tallies:
        return {no: tally([each for each in self._recent[no] if each.at_ms >= at_ms]) for no in self._numbers}

    def _rolled(self, with_latencies: bool, unit: Unit, start: int, end: int) -> Tallies:
        if start >= end:
            return {}
        packed: defaultdict[int, list[bytes]] = defaultdict(list)
        if with_latencies:
            for no, latencies in self._rollups(unit, start, end, "u.series, u.latencies", "AND u.latencies NOT NULL"):
                packed[no].append(latencies)
        sums = "u.series, sum(u.ok), sum(u.slow), sum(u.failed), sum(u.unknown)"
        return {
            no: Tally(
                checks=Counts(ok=ok, slow=slow, failed=failed, unknown=unknown),
                latencies=Histogram.unpacked(packed[no]) if no in packed else _NO_LATENCIES,
            )
            for no, ok, slow, failed, unknown in self._rollups(unit, start, end, sums, "GROUP BY u.series")
        }

    def _spans(self, unit: Unit, start: int, end: int) -> dict[int, list[Span]]:
        columns = f"""u.series, json_group_array(u.{unit}) FILTER (WHERE u.observed IS NULL),
          json_group_array(json_array(u.{unit}, hex(u.observed))) FILTER (WHERE u.observed IS NOT NULL)"""
        rows = self._rollups(unit, start, end, columns, "GROUP BY u.series")
        return {no: list(_spans_of(unit, json.loads(whole), json.loads(parts))) for no, whole, parts in rows}

    def _rollups(self, unit: Unit, start: int, end: int, columns: str, rest: str) -> list[sqlite3.Row]:
        return self._store.rows(
            f"SELECT {columns} {_ROLLUPS[unit]} {rest}",
            {
                "series": json.dumps(self._numbers),
                "start": start,
                "end": end,
                "hours": json.dumps(list(range(start, end)) if unit == "hour" else []),
            },
        )


def _spans_of(unit: Unit, whole: Sequence[int], parts: Sequence[tuple[int, str]]) -> Iterator[Span]:
    length_ms = LENGTH_MS[unit]
    # Whole ones in a row are one span, and mostly all there is.
    for _, numbers in groupby(enumerate(whole), key=lambda each: each[1] - each[0]):
        run = [number for _, number in numbers]
        yield run[0] * length_ms, (run[-1] + 1) * length_ms
    for number, packed in parts:
        begin_ms = number * length_ms
        yield from unpack_spans(bytes.fromhex(packed), from_ms=begin_ms, to_ms=begin_ms + length_ms)


def _plus(one: Tallies, other: Tallies) -> Tallies:
    return one | {no: one[no] + each if no in one else each for no, each in other.items()}


def _minus(one: Tallies, part: Tallies) -> Tallies:
    return one | {no: one[no] - each for no, each in part.items()}
