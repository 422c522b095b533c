"""Figures over windows of the stored results: uptime, coverage and percentiles.

Observations are read once per probe and serve every window. Percentiles are exact up to a day; longer windows take
histograms, whose error is at most 2.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from prober.adapters.store import incidents, probes, results
from prober.core.alerts import Figures, Percentiles
from prober.core.histogram import Histogram, percentile
from prober.core.model import Kind
from prober.core.report import Day, WindowFigures
from prober.core.uptime import Observation, Period, Uptime, measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.adapters.store.db import Store

DAY_MS = 86_400_000
WINDOWS = {"24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS, "90d": 90 * DAY_MS}
DAYS_SHOWN = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the store knows of one probe from some time on, up to ``now_ms``."""

    observations: Mapping[str, Sequence[Observation]]
    down: Sequence[Period]
    first_check_ms: int | None
    now_ms: int

    def uptime(self, from_ms: int, to_ms: int) -> Uptime:
        """Return the figures of ``[from_ms, to_ms)``."""
        return measure(
            self.observations,
            self.down,
            window=Period(from_ms=from_ms, to_ms=to_ms),
            now_ms=self.now_ms,
            first_check_ms=self.first_check_ms,
        )

    def window(self, name: str, location: str, from_ms: int, to_ms: int) -> WindowFigures:
        """Return uptime from everywhere, and the latencies seen from one location."""
        p50, p95, p99 = self._percentiles(location, from_ms, to_ms)
        return WindowFigures(name=name, uptime=self.uptime(from_ms, to_ms), p50_us=p50, p95_us=p95, p99_us=p99)

    def days(self) -> tuple[Day, ...]:
        """Return the last 90 days of 24 hours, the one that ends now last."""
        begins = [self.now_ms - number * DAY_MS for number in range(DAYS_SHOWN, 0, -1)]
        return tuple(self._day(begin, begin + DAY_MS) for begin in begins)

    def _day(self, from_ms: int, to_ms: int) -> Day:
        spoilt = any(period.from_ms < to_ms and period.to_ms > from_ms for period in self.down)
        return Day(uptime_percent=self.uptime(from_ms, to_ms).uptime_percent, had_incident=spoilt)

    def _percentiles(self, location: str, from_ms: int, to_ms: int) -> list[float | None]:
        latencies = [
            each.latency_us
            for each in self.observations.get(location, ())
            if each.latency_us is not None and from_ms <= each.at_ms < to_ms
        ]
        if to_ms - from_ms <= DAY_MS:
            latencies.sort()
            return [percentile(latencies, q) for q in (50, 95, 99)]
        histogram = Histogram()
        for latency_us in latencies:
            histogram.add(latency_us)
        return [histogram.percentile(q) for q in (50, 95, 99)]


def read_history(store: Store, probe_id: str, *, since_ms: int, now_ms: int) -> History:
    """Return what is known of a probe since a time."""
    known = incidents.all_incidents(store, probe_ids=[probe_id], since_ms=since_ms)
    return History(
        observations=results.observations(store, probe_id, since_ms=since_ms),
        down=[
            Period(from_ms=each.started_at_ms, to_ms=now_ms if each.ended_at_ms is None else each.ended_at_ms)
            for each in sorted(known, key=attrgetter("started_at_ms"))
            if each.kind is Kind.DOWN and not each.false_positive
        ],
        first_check_ms=probes.find_first_check_ms(store, probe_id),
        now_ms=now_ms,
    )


def figures(store: Store, probe_id: str, now_ms: int) -> tuple[Figures, ...]:
    """Return uptime and coverage of the last 24 hours and 30 days, as an alert shows them."""
    history = read_history(store, probe_id, since_ms=now_ms - WINDOWS["30d"], now_ms=now_ms)
    measured = {name: history.uptime(now_ms - WINDOWS[name], now_ms) for name in ("24h", "30d")}
    return tuple(
        Figures(window=name, uptime_percent=each.uptime_percent, coverage_percent=each.coverage_percent)
        for name, each in measured.items()
    )


def percentiles_of_day(store: Store, probe_id: str, location: str, until_ms: int) -> Percentiles:
    """Return the exact percentiles of the 24 hours that end at a time."""
    history = read_history(store, probe_id, since_ms=until_ms - DAY_MS, now_ms=until_ms)
    window = history.window("24h", location, until_ms - DAY_MS, until_ms)
    return Percentiles(
        window="24h",
        p50_us=None if window.p50_us is None else round(window.p50_us),
        p95_us=None if window.p95_us is None else round(window.p95_us),
        p99_us=None if window.p99_us is None else round(window.p99_us),
    )
