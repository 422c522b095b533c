"""Figures over windows of the stored results: uptime, coverage and percentiles.

Everything is read for many probes at once. Uptime and coverage are exact at any boundary. Percentiles are exact up to a
day while the single results are there; else they come from histograms, whose error is at most 2.5 %.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

from prober.adapters.store.figures import all_down, all_figures
from prober.adapters.store.series import all_series
from prober.core.alerts import Figures, Percentiles
from prober.core.histogram import percentile
from prober.core.report import Day, WindowFigures
from prober.core.rollup import DAY_MS, Tally
from prober.core.uptime import Counts, Period, Span, Uptime, measure, touched, union, without

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from prober.adapters.store.db import Store

WINDOWS: Final = {"24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS, "90d": 90 * DAY_MS}
DAYS_SHOWN: Final = 90
_QS: Final = (50, 95, 99)
_GOOD_DAY: Final = Day(uptime_percent=100.0)
_UNSEEN_DAY: Final = Day()
_NOTHING: Final = Tally()
_NO_CHECKS: Final = Counts()

SpansOf: TypeAlias = "Mapping[str, Sequence[Span]]"
"""Spans as `union` returns them, by the id of a probe."""

_NEVER: Final[SpansOf] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """When one probe was watched, from anywhere, when it was down, and when that was meant, up to ``now_ms``."""

    seen: Sequence[Span] = ()
    down: Sequence[Span] = ()
    maintenance: Sequence[Span] = ()
    first_check_ms: int | None = None
    now_ms: int

    def uptime(self, window: Period, checks: Counts = _NO_CHECKS) -> Uptime:
        """Return the figures of a window, given its checks."""
        return measure(
            self.seen,
            self.down,
            window=window,
            now_ms=self.now_ms,
            first_check_ms=self.first_check_ms,
            maintenance=self.maintenance,
            checks=checks,
        )

    def days(self) -> tuple[Day, ...]:
        """Return the last 90 days of 24 hours, the one that ends now last."""
        edges = range(self.now_ms - DAYS_SHOWN * DAY_MS, self.now_ms + 1, DAY_MS)
        seen, down = (touched(without(each, self.maintenance), edges) for each in (self.seen, self.down))
        return tuple(
            self._bad_day(from_ms) if n in down else _GOOD_DAY if n in seen else _UNSEEN_DAY
            for n, from_ms in enumerate(edges[:-1])
        )

    def _bad_day(self, from_ms: int) -> Day:
        uptime = self.uptime(Period(from_ms=from_ms, to_ms=from_ms + DAY_MS))
        return Day(uptime_percent=uptime.uptime_percent, had_incident=True)


class Histories:
    """What the store knows of some probes since a time."""

    def __init__(
        self, store: Store, probe_ids: Collection[str], maintenance: SpansOf = _NEVER, *, since_ms: int, now_ms: int
    ) -> None:
        """Read when they were watched, and when they were down."""
        self._figures = all_figures(store, all_series(store, probe_ids), since_ms=since_ms)
        down = all_down(store, probe_ids, since_ms=since_ms, now_ms=now_ms)
        seen: defaultdict[str, list[Span]] = defaultdict(list)
        begun: defaultdict[str, list[int]] = defaultdict(list)
        for figures in self._figures:
            spans = figures.observed()
            for each in figures.series:
                seen[each.probe_id] += spans[each.no]
                begun[each.probe_id].append(each.first_at_ms)
        self._histories = {
            probe_id: History(
                seen=union(seen[probe_id]),
                down=union(down[probe_id]),
                maintenance=maintenance.get(probe_id, ()),
                first_check_ms=min(begun[probe_id], default=None),
                now_ms=now_ms,
            )
            for probe_id in probe_ids
        }

    def of(self, probe_id: str) -> History:
        """Return the history of one of the probes."""
        return self._histories[probe_id]

    def windows(
        self, windows: Mapping[str, Period], location: str, *, timed: Collection[str] | None = None
    ) -> dict[str, tuple[WindowFigures, ...]]:
        """Return, by the id of the probe, uptime from everywhere and the latencies seen from one location.

        ``timed`` are the names of the windows whose latencies are wanted; None is all of them.
        """
        timed = windows.keys() if timed is None else timed
        checks: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
        percentiles: defaultdict[tuple[str, str], list[float | None]] = defaultdict(lambda: [None for _ in _QS])
        times = {bound for window in windows.values() for bound in (window.from_ms, window.to_ms)}
        for figures in self._figures:
            exact = {
                name: figures.latencies(window)
                for name, window in windows.items()
                if name in timed and window.to_ms - window.from_ms <= DAY_MS
            }
            since = figures.tallies(times, with_latencies=any(not exact.get(name) for name in timed))
            for (name, window), each in product(windows.items(), figures.series):
                inside = since[window.from_ms].get(each.no, _NOTHING) - since[window.to_ms].get(each.no, _NOTHING)
                checks[each.probe_id, name] += inside.checks
                if each.location == location and name in timed:
                    percentiles[each.probe_id, name] = _percentiles(exact.get(name, {}).get(each.no), inside)
        return {
            probe_id: tuple(
                _window(name, history.uptime(window, checks[probe_id, name]), percentiles[probe_id, name])
                for name, window in windows.items()
            )
            for probe_id, history in self._histories.items()
        }


def figures(store: Store, probe_id: str, now_ms: int, maintenance: Sequence[Span] = ()) -> tuple[Figures, ...]:
    """Return uptime and coverage of the last 24 hours and 30 days, as an alert shows them."""
    since_ms = now_ms - WINDOWS["30d"]
    history = Histories(store, [probe_id], {probe_id: maintenance}, since_ms=since_ms, now_ms=now_ms).of(probe_id)
    measured = {name: history.uptime(Period(from_ms=now_ms - WINDOWS[name], to_ms=now_ms)) for name in ("24h", "30d")}
    return tuple(
        Figures(window=name, uptime_percent=each.uptime_percent, coverage_percent=each.coverage_percent)
        for name, each in measured.items()
    )


def percentiles_of_day(store: Store, probe_id: str, location: str, until_ms: int) -> Percentiles:
    """Return the percentiles of the 24 hours that end at a time."""
    day = Period(from_ms=until_ms - DAY_MS, to_ms=until_ms)
    histories = Histories(store, [probe_id], since_ms=day.from_ms, now_ms=until_ms)
    (window,) = histories.windows({"24h": day}, location)[probe_id]
    return Percentiles(
        window=window.name,
        p50_us=None if window.p50_us is None else round(window.p50_us),
        p95_us=None if window.p95_us is None else round(window.p95_us),
        p99_us=None if window.p99_us is None else round(window.p99_us),
    )


def _percentiles(exact: Sequence[int] | None, inside: Tally) -> list[float | None]:
    if exact is None:
        return inside.latencies.percentiles(*_QS)
    return [percentile(exact, q) for q in _QS]


def _window(name: str, uptime: Uptime, percentiles: Sequence[float | None]) -> WindowFigures:
    p50, p95, p99 = percentiles
    return WindowFigures(name=name, uptime=uptime, p50_us=p50, p95_us=p95, p99_us=p99)
