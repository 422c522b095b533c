"""Uptime, honestly: what was observed, and how much of that was spoilt.

A result observes the time from its check to the next check at its location, at most 1.5 of its intervals; `unknown`
observes nothing. Observed time is the union over all locations, downtime is observed time inside `down` incidents, and
uptime is the rest of the observed time in percent. All periods are half-open ``[from, to)`` in UTC milliseconds, so
that windows that touch add up exactly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from prober.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BUDGET_MS = 30 * 86_400_000
_AT = attrgetter("at_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What uptime needs of one result."""

    at_ms: int
    outcome: Outcome
    interval_ms: int
    latency_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of time, half-open. One that ends before it begins is empty."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many checks of a window came to what."""

    ok: int = 0
    slow: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All checks of the window."""
        return self.ok + self.slow + self.failed + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """The figures of one window: raw, never rounded. None is "no data"."""

    window_ms: int = 0
    observed_ms: int = 0
    downtime_ms: int = 0
    checks: Counts = Counts()

    @property
    def uptime_percent(self) -> float | None:
        """Share of the observed time outside down incidents."""
        if not self.observed_ms:
            return None
        return 100 * (self.observed_ms - self.downtime_ms) / self.observed_ms

    @property
    def coverage_percent(self) -> float | None:
        """Share of the window that was observed at all."""
        return 100 * self.observed_ms / self.window_ms if self.window_ms else None


def measure(
    observations: Mapping[str, Sequence[Observation]],
    down: Iterable[Period],
    *,
    window: Period,
    now_ms: int,
    first_check_ms: int | None,
) -> Uptime:
    """Return the figures of a window, which begins no earlier than the probe's first check and ends no later than now.

    ``observations`` holds, per location, results in order of time; those before the window count where they observe
    into it. ``down`` are the down incidents that are no false positives, open ones as ending now; they may overlap.
    """
    if first_check_ms is None:
        return Uptime()
    begin_ms = max(window.from_ms, first_check_ms)
    window = Period(from_ms=begin_ms, to_ms=max(begin_ms, min(window.to_ms, now_ms)))
    seen = _union(chain.from_iterable(_spans(each, window) for each in observations.values()))
    spoilt = _union((period.from_ms, period.to_ms) for period in down)
    return Uptime(
        window_ms=window.to_ms - window.from_ms,
        observed_ms=sum(end - start for start, end in seen),
        downtime_ms=_overlap_ms(seen, spoilt),
        checks=_counts(observations.values(), window),
    )


def budget_used_percent(downtime_ms: int, *, target_percent: float) -> float | None:
    """Return the share of 30 days' budget that a downtime used up, None when the target leaves no budget."""
    budget_ms = _BUDGET_MS * (100 - target_percent) / 100
    return 100 * downtime_ms / budget_ms if budget_ms > 0 else None


def floored(percent: float, digits: int = 3) -> str:
    """Return a percentage for people, never rounded up: 99.9996 is ``99.999``, and only 100 itself is ``100``."""
    if percent in {0, 100}:
        return f"{percent:.0f}"
    return str(Decimal(repr(percent)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR))


def _spans(observations: Sequence[Observation], window: Period) -> Iterator[tuple[int, int]]:
    """Yield what was observed inside the window, in order of time."""
    start = max(bisect_left(observations, window.from_ms, key=_AT) - 1, 0)
    stop = bisect_left(observations, window.to_ms, lo=start, key=_AT)
    for i in range(start, stop):
        result = observations[i]
        if result.outcome is Outcome.UNKNOWN:
            continue
        end = min(result.at_ms + result.interval_ms * 3 // 2, window.to_ms)
        if i + 1 < len(observations):
            end = min(end, observations[i + 1].at_ms)
        yield max(result.at_ms, window.from_ms), end


def _union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans as the fewest that cover the same time, in order."""
    merged: list[tuple[int, int]] = []
    begun, ended = 0, 0
    for start, end in sorted(spans):
        if start > ended:
            merged.append((begun, ended))
            begun = start
        ended = max(ended, end)
    merged.append((begun, ended))
    return [(start, end) for start, end in merged if start < end]


def _overlap_ms(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> int:
    """Return how long both hold, each being what `_union` returns."""
    total_ms, i = 0, 0
    for start, end in one:
        while i < len(other) and other[i][1] <= start:
            i += 1
        j = i
        while j < len(other) and other[j][0] < end:
            total_ms += min(end, other[j][1]) - max(start, other[j][0])
            j += 1
    return total_ms


def _counts(observations: Iterable[Sequence[Observation]], window: Period) -> Counts:
    counted: Counter[Outcome] = Counter()
    for results in observations:
        start = bisect_left(results, window.from_ms, key=_AT)
        stop = bisect_left(results, window.to_ms, lo=start, key=_AT)
        counted.update(map(attrgetter("outcome"), results[start:stop]))
    return Counts(**{outcome.value: n for outcome, n in counted.items()})
