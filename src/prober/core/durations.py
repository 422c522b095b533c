"""Durations as people write them: ``800ms``, ``30s``, ``5m``, ``1h30m``, ``14d``."""

from __future__ import annotations

import re
from typing import Final

UNITS_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
LONGEST_MS: Final = 36_500 * UNITS_MS["d"]
PATTERN: Final = r"(?=[0-9])([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m(?!s))?([0-9]{1,9}s)?([0-9]{1,9}ms)?"

_PART = re.compile(r"([0-9]+)(ms|[smhd])")
_LOOSE_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([a-z]*)[ ,]*")
_LOOSE_UNITS: Final = {
    **UNITS_MS,
    **dict.fromkeys(("msec", "msecs", "millis", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), UNITS_MS["s"]),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), UNITS_MS["m"]),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), UNITS_MS["h"]),
    **dict.fromkeys(("day", "days"), UNITS_MS["d"]),
    **dict.fromkeys(("w", "week", "weeks"), 7 * UNITS_MS["d"]),
}


def parse_duration(text: str) -> int:
    """Return the milliseconds that a duration says. Raises `ValueError` when it is none or over 100 years."""
    if re.fullmatch(PATTERN, text) is None:
        raise ValueError("not a duration")
    milliseconds = sum(int(count) * UNITS_MS[unit] for count, unit in _PART.findall(text))
    if milliseconds > LONGEST_MS:
        raise ValueError("longer than 100 years")
    return milliseconds


def format_duration(milliseconds: int) -> str:
    """Return a duration of 0 or more in the fewest parts: ``parse_duration`` reads it back."""
    parts = []
    for unit, size in UNITS_MS.items():
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def nearest_duration(text: str) -> str | None:
    """Return what a text that is no duration most likely means (``5min``: ``5m``), or None if that is unclear."""
    text = text.strip().lower()
    parts = list(_LOOSE_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text or any(part[2] not in _LOOSE_UNITS for part in parts):
        return None
    milliseconds = round(sum(float(part[1]) * _LOOSE_UNITS[part[2]] for part in parts))
    return format_duration(milliseconds) if 0 < milliseconds <= LONGEST_MS else None
