"""Our figures beside those of another monitor: which outages both saw, and which only one of them did."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.core.sight import Watch
    from prober.core.uptime import Period

WITHIN_INTERVALS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """When something was down; ``ended_at_ms`` None: it still is."""

    started_at_ms: int
    ended_at_ms: int | None = None

    def lasted_ms(self, now_ms: int) -> int:
        """Return how long it lasted, up to now if it still does."""
        return max(0, (now_ms if self.ended_at_ms is None else self.ended_at_ms) - self.started_at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Outages in order of time: those that both saw, (ours, theirs), and those of one side alone."""

    both: tuple[tuple[Outage, Outage], ...] = ()
    only_ours: tuple[Outage, ...] = ()
    only_theirs: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side measured over a window. None is "no data"."""

    uptime_percent: float | None = None
    downtime_ms: int = 0
    p50_us: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What another monitor's API tells of one monitor over a window."""

    watch: Watch
    uptime_percent: float | None = None
    outages: tuple[Outage, ...] = ()
    latencies_ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One probe on both sides; without a monitor, ``monitor`` and ``theirs`` are None. ``coverage_percent`` is ours."""

    probe_id: str
    monitor: str | None = None
    ours: Side
    theirs: Side | None = None
    coverage_percent: float | None = None
    outages: Pairing = Pairing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All probes on both sides over one window, which ends now."""

    window: Period
    probes: tuple[Compared, ...] = ()


def pair(ours: Sequence[Outage], theirs: Sequence[Outage], *, within_ms: int) -> Pairing:
    """Pair the outages that began within ``within_ms`` of each other, the nearest first, each at most once."""
    ours, theirs = sorted(ours, key=_order), sorted(theirs, key=_order)
    near = sorted(
        (abs(each.started_at_ms - theirs[j].started_at_ms), i + j, i, j)
        for i, each in enumerate(ours)
        for j in _near(theirs, each.started_at_ms, within_ms)
    )
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in near:
        if i not in found and j not in taken:
            found[i] = j
            taken.add(j)
    return Pairing(
        both=tuple((ours[i], theirs[found[i]]) for i in sorted(found)),
        only_ours=tuple(each for i, each in enumerate(ours) if i not in found),
        only_theirs=tuple(each for j, each in enumerate(theirs) if j not in taken),
    )


def begun_inside(pairing: Pairing, window: Period) -> Pairing:
    """Return what of a pairing began inside a window, on either side where both saw it."""

    def is_inside(outage: Outage) -> bool:
        return window.from_ms <= outage.started_at_ms < window.to_ms

    return Pairing(
        both=tuple(each for each in pairing.both if any(map(is_inside, each))),
        only_ours=tuple(filter(is_inside, pairing.only_ours)),
        only_theirs=tuple(filter(is_inside, pairing.only_theirs)),
    )


def _near(outages: Sequence[Outage], at_ms: int, within_ms: int) -> range:
    first = bisect_left(outages, at_ms - within_ms, key=_start)
    return range(first, bisect_right(outages, at_ms + within_ms, lo=first, key=_start))


def _start(outage: Outage) -> int:
    return outage.started_at_ms


def _order(outage: Outage) -> tuple[int, bool, int]:
    return outage.started_at_ms, outage.ended_at_ms is None, outage.ended_at_ms or 0
