"""Instants and durations as people and machines read them: UTC unless their name says local, always floored."""

from __future__ import annotations

from datetime import UTC, datetime

_MS, _S_PER_MIN, _S_PER_H, _S_PER_D = 1000, 60, 3600, 86_400
_TENTHS_SHOWN = 100


def rfc3339(at_ms: int) -> str:
    """Return an instant for machines: ``2026-11-20T14:12:41Z``, with milliseconds when there are any."""
    digits = "milliseconds" if at_ms % _MS else "seconds"
    return _utc(at_ms).isoformat(timespec=digits).removesuffix("+00:00") + "Z"


def clock(at_ms: int) -> str:
    """Return the time of day: ``14:12:03 UTC``."""
    return _utc(at_ms).strftime("%H:%M:%S UTC")


def day_and_clock(at_ms: int) -> str:
    """Return the date and the time of day: ``2026-11-20 14:12:03 UTC``."""
    return _utc(at_ms).strftime("%Y-%m-%d %H:%M:%S UTC")


def local_day_and_clock(at_ms: int, timezone: str) -> str:
    """Return the date and the time of day in a time zone: ``2026-11-20 15:12:03``."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - costs start-up time, only windows need it

    return _utc(at_ms).astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M:%S")


def moment(at_ms: int, now_ms: int) -> str:
    """Return the time of day, with its date when that is a day or more away."""
    return (clock if abs(now_ms - at_ms) < _S_PER_D * _MS else day_and_clock)(at_ms)


def day(at_ms: int) -> str:
    """Return the date: ``2026-11-20``."""
    return _utc(at_ms).strftime("%Y-%m-%d")


def short(duration_ms: int) -> str:
    """Return a duration for tight places, such as a subject: ``38s``, ``12m``, ``1h05m``, ``3d04h``."""
    s = max(duration_ms, 0) // _MS
    if s < _S_PER_MIN:
        return f"{s}s"
    if s < _S_PER_H:
        return f"{s // _S_PER_MIN}m"
    if s < _S_PER_D:
        return f"{s // _S_PER_H}h{s % _S_PER_H // _S_PER_MIN:02}m"
    return f"{s // _S_PER_D}d{s % _S_PER_D // _S_PER_H:02}h"


def words(duration_ms: int) -> str:
    """Return a duration as prose, the two largest units: ``38 s``, ``52 min``, ``3 h 5 min``, ``2 d 4 h``."""
    s = max(duration_ms, 0) // _MS
    if s < _S_PER_MIN:
        return f"{s} s"
    if s < _S_PER_H:
        return f"{s // _S_PER_MIN} min"
    if s < _S_PER_D:
        return _two(s // _S_PER_H, "h", s % _S_PER_H // _S_PER_MIN, "min")
    return _two(s // _S_PER_D, "d", s % _S_PER_D // _S_PER_H, "h")


def milliseconds(latency_us: float) -> str:
    """Return a latency in ms: whole from 10 ms on, with a decimal below, where a tenth counts."""
    tenths = int(latency_us) // 100
    return f"{tenths // 10}" if tenths >= _TENTHS_SHOWN else f"{tenths / 10:g}"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // _MS, tz=UTC).replace(microsecond=at_ms % _MS * 1000)
