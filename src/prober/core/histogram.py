"""Percentiles of latencies: exact from all values, or from histograms that can be merged.

A histogram counts in buckets of which each is 5 % wider than the one before, and answers with the value that is no more
than 2.5 % away from anything in the bucket. Merging two is adding their counts, so hours make days and days make months
without further error.

The counts stand side by side in one big integer, 32 bits each, so that merging is one addition. Packed, a histogram of
few values is the list of their buckets, one of many values the counts of a stretch of buckets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import accumulate
from math import ceil, log
from struct import unpack
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GROWTH: Final = 1.05
_LOG_GROWTH: Final = log(_GROWTH)
_LANE_BYTES: Final = 4
_LANE_BITS: Final = 8 * _LANE_BYTES
_HEAD_BYTES: Final = 3
_LISTED: Final = 0
_LIST_STEP: Final = 64
_BYTE: Final = 256


def percentile(ordered: Sequence[int], q: int) -> int | None:
    """Return the nearest-rank percentile (``q`` from 1 to 100) of values in ascending order, None of none."""
    return ordered[_rank(len(ordered), q) - 1] if ordered else None


class Histogram:
    """How many values, whole and not negative, fell into which bucket."""

    __slots__ = ("_lanes",)

    def __init__(self, values: Iterable[int] = ()) -> None:
        """Count values."""
        found = Counter(map(_bucket, values))
        self._lanes = sum(n << _LANE_BITS * bucket for bucket, n in found.items())

    @classmethod
    def unpacked(cls, packed: Iterable[bytes]) -> Histogram:
        """Return all in one that `pack` returned."""
        alike: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for each in packed:
            alike[each[:_HEAD_BYTES]].append(each[_HEAD_BYTES:])
        return cls._of(sum(_lanes(head[0], bodies) << _LANE_BITS * _first(head) for head, bodies in alike.items()))

    @classmethod
    def _of(cls, lanes: int) -> Histogram:
        made = cls.__new__(cls)
        made._lanes = lanes  # noqa: SLF001  its own
        return made

    def __eq__(self, other: object) -> bool:
        """Say whether two have counted the same."""
        return isinstance(other, Histogram) and self._lanes == other._lanes

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Histogram) -> Histogram:
        """Return both together."""
        return self._of(self._lanes + other._lanes)

    def __sub__(self, part: Histogram) -> Histogram:
        """Return what is left without a part."""
        return self._of(self._lanes - part._lanes)

    def percentiles(self, *qs: int) -> list[float | None]:
        """Return nearest-rank percentiles within 2.5 %, None of none."""
        reached = list(accumulate(_counts(self._lanes)))
        if not reached:
            return [None for _ in qs]
        return [_middle(bisect_left(reached, _rank(reached[-1], q))) for q in qs]

    def pack(self) -> bytes | None:
        """Return it in as few bytes as it needs, None for an empty one."""
        counts = _counts(self._lanes)
        if not counts:
            return None
        first = next(bucket for bucket, n in enumerate(counts) if n)
        from_here = first - first % _LIST_STEP
        if len(counts) - from_here <= _BYTE and sum(counts) < len(counts) - first:
            # Lists that begin alike are merged at once.
            width, first = _LISTED, from_here
            content = bytes(away for away, n in enumerate(counts[first:]) for _ in range(n))
        else:
            width = 1 if max(counts) < _BYTE else _LANE_BYTES
            content = b"".join(n.to_bytes(width, "little") for n in counts[first:])
        return width.to_bytes(1, "little") + first.to_bytes(2, "little") + content


def _rank(n: int, q: int) -> int:
    return -(-n * q // 100)


def _bucket(value: int) -> int:
    return ceil(log(value) / _LOG_GROWTH) + 1 if value else 0


def _middle(bucket: int) -> float:
    """Return the value that is as far, in proportion, from the bucket's lower as from its upper bound."""
    return 2 * _GROWTH ** (bucket - 1) / (1 + _GROWTH) if bucket else 0


def _counts(lanes: int) -> Sequence[int]:
    size = -(-lanes.bit_length() // _LANE_BITS)
    return unpack(f"<{size}I", lanes.to_bytes(size * _LANE_BYTES, "little"))


def _first(head: bytes) -> int:
    return head[1] | head[2] << 8


def _lanes(width: int, bodies: Sequence[bytes]) -> int:
    """Return the sum of histograms with the same head."""
    if width == _LISTED:
        return sum(n << _LANE_BITS * away for away, n in Counter(b"".join(bodies)).items())
    if width == 1:
        # Nothing widens each byte to four as quickly.
        bodies = [body.decode("latin-1").encode("utf-32-le") for body in bodies]
    return sum(int.from_bytes(body, "little") for body in bodies)
