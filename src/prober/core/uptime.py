"""Uptime, honestly: what was observed, and how much of that was spoilt.

A result observes the time from its check to the next check at its location, at most 1.5 of its intervals; `unknown`
observes nothing. Observed time is the union over all locations, downtime is observed time inside `down` incidents, and
uptime is the rest of the observed time in percent. Maintenance is taken out of all of them and of the window. All
periods are half-open ``[from, to)`` in UTC milliseconds, so that windows that touch add up exactly.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from itertools import islice, zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from prober.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_BUDGET_MS = 30 * 86_400_000
_START = itemgetter(0)

Span: TypeAlias = tuple[int, int]
"""A stretch of time, half-open, in ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What uptime needs of one result."""

    at_ms: int
    outcome: Outcome
    interval_ms: int
    latency_us: int | None = None

    @property
    def observes_to_ms(self) -> int:
        """Until when it observes, unless another check comes before."""
        return self.at_ms if self.outcome is Outcome.UNKNOWN else self.at_ms + self.interval_ms * 3 // 2


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

    def __add__(self, other: Counts) -> Counts:
        """Return both together."""
        return Counts(
            ok=self.ok + other.ok,
            slow=self.slow + other.slow,
            failed=self.failed + other.failed,
            unknown=self.unknown + other.unknown,
        )

    def __sub__(self, part: Counts) -> Counts:
        """Return what is left without a part."""
        return Counts(
            ok=self.ok - part.ok,
            slow=self.slow - part.slow,
            failed=self.failed - part.failed,
            unknown=self.unknown - part.unknown,
        )


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


def observed(
    observations: Sequence[Observation], *, from_ms: int, to_ms: int, carried_to_ms: int = 0
) -> Iterator[Span]:
    """Yield what one location observed in ``[from_ms, to_ms)``, in order of time.

    ``observations`` are in order of time; those before ``from_ms`` count where they observe into it. What was checked
    before the first of them observes until ``carried_to_ms``, or until that first one.
    """
    first_ms = observations[0].at_ms if observations else to_ms
    if from_ms < (end := min(carried_to_ms, first_ms, to_ms)):
        yield from_ms, end
    for this, following in zip_longest(observations, islice(observations, 1, None)):
        end = min(this.observes_to_ms, to_ms if following is None else following.at_ms, to_ms)
        if (begin := max(this.at_ms, from_ms)) < end:
            yield begin, end


def union(spans: Iterable[Span]) -> list[Span]:
    """Return spans as the fewest that cover the same time, in order."""
    merged: list[Span] = []
    begun, ended = 0, 0
    for start, end in sorted(spans):
        if start > ended:
            merged.append((begun, ended))
            begun = start
        ended = max(ended, end)
    merged.append((begun, ended))
    return [(start, end) for start, end in merged if start < end]


def clipped(spans: Sequence[Span], from_ms: int, to_ms: int) -> list[Span]:
    """Return what of the spans, as `union` returns them, lies in ``[from_ms, to_ms)``."""
    first = max(bisect_left(spans, from_ms, key=_START) - 1, 0)
    found = spans[first : bisect_left(spans, to_ms, lo=first, key=_START)]
    return [(max(start, from_ms), min(end, to_ms)) for start, end in found if end > from_ms]


def without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return what is left of spans without others, each as `union` returns it."""
    if not others:
        return [*spans]
    left: list[Span] = []
    i = 0
    for start, end in spans:
        while i < len(others) and others[i][1] <= start:
            i += 1
        begun, j = start, i
        while j < len(others) and others[j][0] < end:
            left.append((begun, others[j][0]))
            begun = others[j][1]
            j += 1
        left.append((begun, end))
    return [(start, end) for start, end in left if start < end]


def length_ms(spans: Iterable[Span]) -> int:
    """Return how long spans that do not overlap are together."""
    return sum(end - start for start, end in spans)


def count(outcomes: Iterable[Outcome]) -> Counts:
    """Return how many there are of each."""
    counted = Counter(outcomes)
    return Counts(**{outcome.value: n for outcome, n in counted.items()})


def measure(
    seen: Sequence[Span],
    down: Sequence[Span],
    *,
    window: Period,
    now_ms: int,
    first_check_ms: int | None,
    maintenance: Sequence[Span] = (),
    checks: Counts = Counts(),
) -> Uptime:
    """Return the figures of a window, which begins no earlier than the probe's first check and ends no later than now.

    ``seen`` is what was observed from anywhere, ``down`` are the down incidents that are no false positives, open ones
    as ending now; these and ``maintenance`` each as `union` returns it. ``checks`` are those of the window.
    """
    if first_check_ms is None:
        return Uptime()
    begin_ms = max(window.from_ms, first_check_ms)
    end_ms = max(begin_ms, min(window.to_ms, now_ms))
    planned = clipped(maintenance, begin_ms, end_ms)
    inside = without(clipped(seen, begin_ms, end_ms), planned)
    return Uptime(
        window_ms=end_ms - begin_ms - length_ms(planned),
        observed_ms=length_ms(inside),
        downtime_ms=_overlap_ms(inside, down),
        checks=checks,
    )


def touched(spans: Iterable[Span], edges: Sequence[int]) -> set[int]:
    """Return into which of the periods between edges, each given and the next, any of the spans reaches."""
    found: set[int] = set()
    for start, end in spans:
        first, after = bisect_right(edges, start) - 1, bisect_left(edges, end)
        found.update(range(max(first, 0), min(after, len(edges) - 1)))
    return found


def budget_used_percent(downtime_ms: int, *, target_percent: float) -> float | None:
    """Return the share of 30 days' budget that a downtime used up, None when the target leaves no budget."""
    budget_ms = _BUDGET_MS * (100 - target_percent) / 100
    return 100 * downtime_ms / budget_ms if budget_ms > 0 else None


def floored(percent: float, digits: int = 3) -> str:
    """Return a percentage for people, never rounded up: 99.9996 is ``99.999``, and only 100 itself is ``100``."""
    if percent in {0, 100}:
        return f"{percent:.0f}"
    return str(Decimal(repr(percent)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR))


def _overlap_ms(one: Sequence[Span], other: Sequence[Span]) -> int:
    """Return how long both hold, each being what `union` returns."""
    total_ms, i = 0, 0
    for start, end in one:
        while i < len(other) and other[i][1] <= start:
            i += 1
        j = i
        while j < len(other) and other[j][0] < end:
            total_ms += min(end, other[j][1]) - max(start, other[j][0])
            j += 1
    return total_ms
