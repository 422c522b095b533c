"""How often a schedule that promises nothing really runs: the slots it was to fill, and the gaps it left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cronsim import CronSim, CronSimError

from prober.core.histogram import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS: Final = 5
_MS_PER_MIN: Final = 60_000
_MS_PER_DAY: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def planned_slot_ms(cron: str, started_at_ms: int) -> int | None:
    """Return the newest time of a cron expression, read in UTC, at or before a start; None where there is none.

    A scheduler does not say which slot a run was for: one that came later than the next slot is taken for that one.
    """
    if len(cron.split()) != _FIELDS:
        return None
    next_minute = _EPOCH + timedelta(minutes=started_at_ms // _MS_PER_MIN + 1)
    try:
        slot = next(CronSim(cron, next_minute, reverse=True), None)
    except (CronSimError, ValueError):
        return None
    return None if slot is None else (slot - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often runs started over ``days``; gaps are from start to start, None with fewer than two runs.

    ``per_day`` is None before a day is over. The longest gap may be the one that lasts until now.
    """

    runs: int = 0
    days: float = 0
    per_day: float | None = None
    median_gap_ms: int | None = None
    p90_gap_ms: int | None = None
    p99_gap_ms: int | None = None
    longest_gap_ms: int | None = None


def measure(starts_ms: Iterable[int], *, since_ms: int, now_ms: int) -> Cadence:
    """Return how often runs started since a time, or since the first one that is known, if that is later.

    ``starts_ms`` may begin before ``since_ms``: a gap counts when it ends in the window. Percentiles are nearest rank.
    """
    starts = sorted(at_ms for at_ms in starts_ms if at_ms <= now_ms)
    if not starts:
        return Cadence()
    from_ms = max(since_ms, starts[0])
    runs = sum(at_ms >= from_ms for at_ms in starts)
    days = (now_ms - from_ms) / _MS_PER_DAY
    gaps = sorted(later - earlier for earlier, later in pairwise(starts) if later >= from_ms)
    return Cadence(
        runs=runs,
        days=days,
        per_day=runs / days if days >= 1 else None,
        median_gap_ms=percentile(gaps, 50),
        p90_gap_ms=percentile(gaps, 90),
        p99_gap_ms=percentile(gaps, 99),
        longest_gap_ms=max(*gaps, now_ms - starts[-1]) if gaps else None,
    )
