"""Rollups: what came out of the checks of an hour or a day, small enough to stay for good.

What was observed is kept exactly, so that uptime is exact at any boundary whatsoever. Counts and histograms are exact
at the boundaries of hours: a check belongs to the hour in which it started. A day is the sum of its hours.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain, groupby
from struct import iter_unpack, pack
from typing import TYPE_CHECKING, Final

from prober.core.histogram import Histogram
from prober.core.uptime import Counts, Span, count, observed, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prober.core.uptime import Observation

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What checks came to, and how long the good ones took."""

    checks: Counts = field(default_factory=Counts)
    latencies: Histogram = field(default_factory=Histogram)

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(checks=self.checks + other.checks, latencies=self.latencies + other.latencies)

    def __sub__(self, part: Tally) -> Tally:
        """Return what is left without a part."""
        return Tally(checks=self.checks - part.checks, latencies=self.latencies - part.latencies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """What one location saw of a probe in an hour or a day: ``total_us`` and ``longest_us`` are of all latencies."""

    tally: Tally = field(default_factory=Tally)
    observed: tuple[Span, ...] = ()
    total_us: int = 0
    longest_us: int | None = None


def roll_up(
    observations: Sequence[Observation], *, from_ms: int, to_ms: int, carried_to_ms: int = 0
) -> dict[int, Rollup]:
    """Return a rollup for each hour since 1970 of ``[from_ms, to_ms)`` that was checked or observed.

    The bounds are those of hours; else as `prober.core.uptime.observed`.
    """
    seen: defaultdict[int, list[Span]] = defaultdict(list)
    for span in union(observed(observations, from_ms=from_ms, to_ms=to_ms, carried_to_ms=carried_to_ms)):
        for hour, part in _parts(span):
            seen[hour].append(part)
    inside = [each for each in observations if from_ms <= each.at_ms < to_ms]
    checked = {hour: list(them) for hour, them in groupby(inside, lambda each: each.at_ms // HOUR_MS)}
    return {hour: _rolled(checked.get(hour, []), seen.get(hour, [])) for hour in checked.keys() | seen.keys()}


def combine(rollups: Iterable[Rollup]) -> Rollup:
    """Return rollups as one: hours as their day, or two that know different checks of one hour."""
    each = list(rollups)
    return Rollup(
        tally=sum((one.tally for one in each), Tally()),
        observed=tuple(union(chain.from_iterable(one.observed for one in each))),
        total_us=sum(one.total_us for one in each),
        longest_us=max((one.longest_us for one in each if one.longest_us is not None), default=None),
    )


def tally(results: Sequence[Observation]) -> Tally:
    """Return the tally of single results."""
    latencies = [each.latency_us for each in results if each.latency_us is not None]
    return Tally(checks=count(each.outcome for each in results), latencies=Histogram(latencies))


def pack_spans(spans: Sequence[Span], *, from_ms: int, to_ms: int) -> bytes | None:
    """Return what was observed of a period in 8 bytes a span, None for all of it."""
    if list(spans) == [(from_ms, to_ms)]:
        return None
    return b"".join(pack("<II", start - from_ms, end - from_ms) for start, end in spans)


def unpack_spans(packed: bytes | None, *, from_ms: int, to_ms: int) -> list[Span]:
    """Return what `pack_spans` was given."""
    if packed is None:
        return [(from_ms, to_ms)]
    return [(from_ms + start, from_ms + end) for start, end in iter_unpack("<II", packed)]


def _parts(span: Span) -> Iterator[tuple[int, Span]]:
    """Yield a span cut at the hours."""
    start, end = span
    for hour in range(start // HOUR_MS, -(-end // HOUR_MS)):
        yield hour, (max(start, hour * HOUR_MS), min(end, (hour + 1) * HOUR_MS))


def _rolled(results: Sequence[Observation], spans: Sequence[Span]) -> Rollup:
    latencies = [each.latency_us for each in results if each.latency_us is not None]
    return Rollup(
        tally=tally(results),
        observed=tuple(spans),
        total_us=sum(latencies),
        longest_us=max(latencies, default=None),
    )
