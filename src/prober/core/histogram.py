"""Percentiles of latencies: exact from all values, or from histograms that can be merged.

A histogram counts in buckets of which each is 5 % wider than the one before, and answers with the value that is no more
than 2.5 % away from anything in the bucket. Merging two is adding their counts, so hours make days and days make months
without further error.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil, log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_GROWTH: Final = 1.05
_LOG_GROWTH: Final = log(_GROWTH)
_ZERO: Final = -1


def percentile(ordered: Sequence[int], q: int) -> int | None:
    """Return the nearest-rank percentile (``q`` from 1 to 100) of values in ascending order, None of none."""
    return ordered[_rank(len(ordered), q) - 1] if ordered else None


@dataclass(slots=True)
class Histogram:
    """How many values, whole and not negative, fell into which bucket."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, value: int) -> None:
        """Count one value."""
        self.counts[ceil(log(value) / _LOG_GROWTH) if value else _ZERO] += 1

    def merge(self, other: Histogram) -> None:
        """Count all that the other has counted."""
        self.counts.update(other.counts)

    def percentile(self, q: int) -> float | None:
        """Return the nearest-rank percentile within 2.5 %, None of none."""
        left = _rank(self.counts.total(), q)
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                return _middle(bucket)
        return None


def _rank(n: int, q: int) -> int:
    return -(-n * q // 100)


def _middle(bucket: int) -> float:
    """Return the value that is as far, in proportion, from the bucket's lower as from its upper bound."""
    return 0 if bucket == _ZERO else 2 * _GROWTH**bucket / (1 + _GROWTH)
