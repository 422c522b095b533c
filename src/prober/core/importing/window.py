"""Maintenance windows of an account, as tables of ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from prober.core.durations import UNITS_MS, format_duration
from prober.core.importing.account import LAST_DAY
from prober.core.importing.spelling import literal, readable
from prober.core.windows import LONGEST_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.core.importing.account import Window
    from prober.core.importing.draft import Keys

_DAYS_OF_WEEK: Final = range(1, 8)
_DAYS_OF_MONTH: Final = range(1, 32)
_MOST_HOURS: Final = 14
ZONES_BY_OFFSET: Final = {
    -570: "Pacific/Marquesas",
    -210: "America/St_Johns",
    -150: "America/St_Johns",
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    525: "Australia/Eucla",
    570: "Australia/Darwin",
    630: "Australia/Adelaide",
    765: "Pacific/Chatham",
    825: "Pacific/Chatham",
}
"""Where most people live whose clock is, in some month, so many minutes ahead of UTC: those that are no whole hours."""

_FOR_NONE: Final = "it is for no monitor that was carried over"
_LATEST_MS: Final = 253_370_764_800_000


def zone_of(text: str | None) -> tuple[str, str | None]:
    """Return the time zone that an account's windows are in, and what is doubtful about it.

    They tell its name, or how many minutes (few: hours) it is ahead of UTC, or nothing.
    """
    if text is None or not text.strip():
        return "UTC", "UptimeRobot does not tell in which time zone its windows are: UTC is a guess"
    name = text.strip()
    if re.fullmatch(r"[+-]?[0-9]{1,4}(?:\.0*)?", name):
        ahead = int(float(name))
        hours, minutes = (ahead, 0) if abs(ahead) <= _MOST_HOURS else divmod(ahead, 60)
        if ahead == 0:
            return "UTC", None
        if not minutes and abs(hours) <= _MOST_HOURS:
            sign = "-" if hours > 0 else "+"  # Etc/GMT-2 is two hours ahead of UTC
            return f"Etc/GMT{sign}{abs(hours)}", "the time zone is an offset without summer time: name the real one"
        if zone := ZONES_BY_OFFSET.get(ahead):
            alone = f"UptimeRobot tells the offset of the time zone alone, and {zone} has it"
            return zone, f"{alone}: name the real one, which may have another summer time, or none"
    elif _is_zone(name):
        return name, None
    return "UTC", f'"{readable(name)}" is not a time zone that prober knows: UTC is a guess'


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, or the name of a folder
        return False
    return True


def stands(window: Window, tables: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a window is one of a file's, by its name or by when it is."""
    ours = {path[0]: value for path, value in window_keys(window, (), "").items()}
    names = (("reason",), ("cron", "start", "duration"))
    return any(_said(ours, keys) == _said(table, keys) and any(_said(ours, keys)) for table in tables for keys in names)


def _said(table: Mapping[str, Any], keys: Sequence[str]) -> list[Any]:
    return [table.get(key) for key in keys]


def why_no_window(window: Window, now_ms: int, *, is_carried: bool, has_standing: bool) -> str | None:
    """Say why a window has no place in our file; None: it has. Monitors of it are carried over, or stand there."""
    if not window.is_active:
        return "it is paused"
    if not is_carried:
        return "its monitors stand there already, it does not" if has_standing else _FOR_NONE
    if not 0 < window.duration_min * UNITS_MS["m"] <= LONGEST_MS:
        return "it lasts for no time at all, or for more than 90 days"
    if _start_ms(window) is None and _cron(window) is None:
        return "it does not tell when it comes"
    end_ms = (_start_ms(window) or now_ms) + window.duration_min * UNITS_MS["m"]
    return "it is over" if end_ms <= now_ms else None


def window_keys(window: Window, ids: Sequence[str], zone: str) -> Keys:
    """Return the table of a window that has a place in our file."""
    keys: Keys = {("probes",): list(ids)}
    start_ms = _start_ms(window)
    if start_ms is None:
        keys["cron",] = _cron(window)
        keys["timezone",] = zone
    else:
        keys["start",] = datetime.fromtimestamp(start_ms // 1000, UTC)
    keys["duration",] = format_duration(window.duration_min * UNITS_MS["m"])
    if name := readable(window.name):
        keys["reason",] = literal(name)
    return keys


def _start_ms(window: Window) -> int | None:
    is_sound = window.recurrence == "once" and window.start_ms is not None and 0 < window.start_ms < _LATEST_MS
    return window.start_ms if is_sound else None


def _cron(window: Window) -> str | None:
    """Return when a window comes again, as cron says it; None when it does not tell."""
    if window.minute is None:
        return None
    at = f"{window.minute % 60} {window.minute // 60}"
    match window.recurrence:
        case "daily":
            return f"{at} * * *"
        case "weekly":
            days = [day % 7 for day in window.days if day in _DAYS_OF_WEEK]  # Sunday is 7 there, and 0 here
            return f"{at} * * {_listed(days)}" if days else None
        case "monthly":
            days = [day for day in window.days if day in _DAYS_OF_MONTH]
            last = ["L"] if LAST_DAY in window.days else []
            return f"{at} {','.join([_listed(days), *last]).strip(',')} * *" if days or last else None
        case _:
            return None


def _listed(days: Sequence[int]) -> str:
    return ",".join(map(str, sorted(set(days))))
