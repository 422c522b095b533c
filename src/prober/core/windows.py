"""Maintenance windows: when somebody meant a probe to be away.

A window is a length of elapsed time that begins at one instant, or again and again as a cron expression says on the
clock of a place. A cron expression is a calendar: it is read without any clock changes, and every local time that it
names is then found on the real clock, as Debian's cron does:

* Where the clock skips a time, a window of a certain hour and minute begins as the clock jumps; of one that comes every
  so often (a minute or hour that begins with ``*``), that time does not come.
* Where the clock repeats a time, the former begins the first time, and the latter both times.

What a probe's windows cover is a set of instants, and every answer here is about that set: windows that overlap or
touch are one. Starts are worked out once per cron expression and stretch of 10 days, whatever the number of probes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Final

from prober.core.uptime import clipped, union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from prober.core.model import Probe
    from prober.core.settings import Maintenance
    from prober.core.uptime import Span

LONGEST_MS: Final = 90 * 86_400_000
"""How long one window may last."""

HORIZON_MS: Final = 100 * 86_400_000
"""How far `last_end_ms` and `around` look."""

_FIVE_YEARS_MS: Final = 1826 * 86_400_000
_BLOCK_MS: Final = 10 * 86_400_000
_FIELDS: Final = 5
_NEVER: Final = "it never comes"
_BAD_DAY: Final = "bad day of month"
_RANGES: Final = {
    "bad minute": "0 to 59",
    "bad hour": "0 to 23",
    _BAD_DAY: "1 to 31, or L,",
    "bad month": "1 to 12, or JAN to DEC,",
    "bad day of week": "0 to 7, or SUN to SAT,",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MOST_OFFSET: Final = timedelta(days=2)
"""More than a clock ever differs from UTC, or jumps."""


def spans(windows: Sequence[Maintenance], probe: Probe, from_ms: int, to_ms: int) -> list[Span]:
    """Return what of ``[from_ms, to_ms)`` is maintenance of a probe, as `union` returns it.

    Cheap for up to some years.
    """
    if from_ms >= to_ms:
        return []
    return union(chain.from_iterable(_covered(each, from_ms, to_ms) for each in windows if concerns(each, probe)))


def concerns(window: Maintenance, probe: Probe) -> bool:
    """Say whether a window is for a probe: for all, or for it by its id or by a tag."""
    is_for_all = not window.probe_ids and not window.tags
    return is_for_all or probe.id in window.probe_ids or not set(window.tags).isdisjoint(probe.tags)


def active(windows: Sequence[Maintenance], probe: Probe, at_ms: int) -> Maintenance | None:
    """Return the first of the windows that a probe is in at a time."""
    return next((each for each in windows if concerns(each, probe) and any(_covered(each, at_ms, at_ms + 1))), None)


def is_active(windows: Sequence[Maintenance], probe: Probe, at_ms: int) -> bool:
    """Say whether a probe is in maintenance at a time."""
    return active(windows, probe, at_ms) is not None


def around(windows: Sequence[Maintenance], probe: Probe, at_ms: int) -> tuple[int | None, int | None] | None:
    """Return when the maintenance that a probe is in began, and when it ends; None when it is in none.

    None of both is what lies further away than the horizon.
    """
    for reach_ms in _reaches():
        first_ms, last_ms = at_ms - reach_ms, at_ms + reach_ms
        found = (span for span in spans(windows, probe, first_ms, last_ms) if span[0] <= at_ms < span[1])
        begun_ms, ended_ms = next(found, (at_ms, at_ms))
        if begun_ms == ended_ms:
            return None
        if first_ms < begun_ms and ended_ms < last_ms:
            return begun_ms, ended_ms
    return begun_ms if first_ms < begun_ms else None, ended_ms if ended_ms < last_ms else None


def last_end_ms(windows: Sequence[Maintenance], probe: Probe, before_ms: int) -> int | None:
    """Return when a probe's maintenance last ended, at or before a time; None when not within the horizon."""
    for back_ms in _reaches() if windows else ():
        for _, ended_ms in reversed(spans(windows, probe, before_ms - back_ms, before_ms + 1)):
            if ended_ms <= before_ms:
                return ended_ms
    return None


def next_span(window: Maintenance, after_ms: int) -> Span | None:
    """Return which of a window's times is under way or comes next; None when none does in five years."""
    blocks = _blocks(after_ms - window.duration_ms, after_ms + _FIVE_YEARS_MS)
    ends = ((start, start + window.duration_ms) for block in blocks for start in _starts(window, block))
    return next((span for span in ends if span[1] > after_ms), None)


def cron_problem(cron: str) -> str | None:
    """Return what is wrong with a cron expression: it cannot be read, or never comes."""
    if len(cron.split()) != _FIELDS:
        return "it has not five fields: minute, hour, day of the month, month, day of the week"
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - costs start-up time, only windows need it

    try:
        return None if next(CronSim(cron, _LOCAL_EPOCH), None) else _NEVER
    except CronSimError as error:
        problem = f"{error}".lower().replace("-", " ")
        day, month = cron.split()[2:4]
        is_short = problem == _BAD_DAY and month != "*" and cron_problem(f"0 0 {day} * *") is None
        return _NEVER if is_short else f"{problem}: {_RANGES[problem]} is meant"
    except ValueError:
        return "a number is too long"


def instant_ms(local: datetime, timezone: str) -> int:
    """Return when a local time, given without an offset, first comes; one that is skipped comes as the clock jumps."""
    return _instants(local, _zone(timezone), is_every=False)[0]


def _reaches() -> Iterator[int]:
    yield from (HORIZON_MS // 50, HORIZON_MS // 10, HORIZON_MS)


def _covered(window: Maintenance, from_ms: int, to_ms: int) -> Iterator[Span]:
    """Yield what one window covers of ``[from_ms, to_ms)``."""
    for block in _blocks(from_ms - window.duration_ms, to_ms):
        yield from clipped(_covered_from(window, block), from_ms, to_ms)


def _blocks(from_ms: int, to_ms: int) -> range:
    return range(from_ms // _BLOCK_MS, -(-to_ms // _BLOCK_MS))


@lru_cache(maxsize=4096)
def _covered_from(window: Maintenance, block: int) -> Sequence[Span]:
    """Return what the starts in one block cover."""
    return union((start, start + window.duration_ms) for start in _starts(window, block))


def _starts(window: Maintenance, block: int) -> list[int]:
    """Return the starts in one block, in order."""
    from_ms, to_ms = block * _BLOCK_MS, (block + 1) * _BLOCK_MS
    starts = set() if window.start_ms is None else {window.start_ms}
    if window.cron is not None:
        starts.update(_starts_around(window.cron, _zone(window.timezone), from_ms, to_ms))
    return sorted(start for start in starts if from_ms <= start < to_ms)


def _starts_around(cron: str, zone: ZoneInfo, from_ms: int, to_ms: int) -> Iterator[int]:
    """Yield the starts in ``[from_ms, to_ms)``, and some before and after."""
    from cronsim import CronSim  # noqa: PLC0415 - costs start-up time, only windows need it

    is_every = any(field.startswith("*") for field in cron.split()[:2])
    first = _LOCAL_EPOCH + from_ms * _MILLISECOND - _MOST_OFFSET
    last = _LOCAL_EPOCH + to_ms * _MILLISECOND + _MOST_OFFSET
    for local in takewhile(lambda local: local <= last, CronSim(cron, first)):
        yield from _instants(local, zone, is_every=is_every)


def _instants(local: datetime, zone: ZoneInfo, *, is_every: bool) -> tuple[int, ...]:
    """Return when a local time comes, where ``is_every`` is of a window that comes every so often."""
    before, after = _both_ms(local, zone)
    if after < before:
        return () if is_every else (_jump_ms(zone, after, before),)
    return (before, after) if is_every else (before,)


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - costs start-up time, only windows need it

    return ZoneInfo(name)


def _both_ms(local: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """Return a local time by the offset before and by the one after a change of the clock, if there is one near."""
    before, after = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return (before - _EPOCH) // _MILLISECOND, (after - _EPOCH) // _MILLISECOND


def _jump_ms(zone: ZoneInfo, from_ms: int, to_ms: int) -> int:
    """Return when the clock of a place jumps in ``(from_ms, to_ms]``."""
    offset = _offset(zone, from_ms)
    while to_ms - from_ms > 1:
        middle = (from_ms + to_ms) // 2
        from_ms, to_ms = (middle, to_ms) if _offset(zone, middle) == offset else (from_ms, middle)
    return to_ms


def _offset(zone: ZoneInfo, at_ms: int) -> timedelta | None:
    return (_EPOCH + at_ms * _MILLISECOND).astimezone(zone).utcoffset()
