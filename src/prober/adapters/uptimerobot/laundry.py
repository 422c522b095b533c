"""UptimeRobot's values as what they mean: it writes one and the same field in several ways.

A number may be a number, digits in a string, "" or null; names and URLs may be escaped as in HTML.
"""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import urlsplit

from prober.core.text import clean

_LARGEST: Final = 10**15
_END_OF_TIME_S: Final = 253_402_300_800  # the year 10000, which no calendar here knows
_DIGITS: Final = re.compile(r"-?[0-9]{1,15}(?:\.0*)?")
_DECIMAL: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_BARE_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#x[0-9a-f]{1,6});)", re.IGNORECASE)


def whole(value: object) -> int | None:
    """Return a whole number, None where there is none or one that nothing here can be as large as."""
    if isinstance(value, str):
        stripped = value.strip()
        return int(stripped.partition(".")[0]) if _DIGITS.fullmatch(stripped) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value) if abs(value) < _LARGEST else None


def decimal(value: object) -> float | None:
    """Return a number that is not negative, None where there is none."""
    if isinstance(value, str):
        stripped = value.strip()
        return float(stripped) if _DECIMAL.fullmatch(stripped) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST:
        return None
    return float(value)


def moment_ms(value: object) -> int | None:
    """Return epoch seconds as milliseconds; 0 says that there is none."""
    seconds = whole(value)
    return seconds * 1000 if seconds is not None and 0 < seconds < _END_OF_TIME_S else None


def text(value: object) -> str:
    """Return a name as a person wrote it, on one line; empty where there is none."""
    return clean(unescaped(value)).strip() if isinstance(value, str) else ""


def url(value: object) -> str | None:
    """Return an address as a person wrote it, None where there is none that could be one."""
    if not isinstance(value, str) or not value:
        return None
    plain = unescaped(value)
    return next((each for each in (plain, value) if _is_address(each)), None)


def unescaped(value: str) -> str:
    """Return text without the escapes of HTML, once, where all of it is escaped: ``R&D`` and ``?a=1&copy=2`` stay."""
    return value if _BARE_AMPERSAND.search(value) else html.unescape(value)


def _is_address(value: str) -> bool:
    try:
        urlsplit(value)
    except ValueError:
        return False
    return value == clean(value) and not re.search(r'[\s<>"]', value)
