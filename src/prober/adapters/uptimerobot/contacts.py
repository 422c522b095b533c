"""Whom an account tells, and when it is to be left alone, as version 2 of the API lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prober.adapters.uptimerobot import laundry
from prober.adapters.uptimerobot.monitors import text
from prober.core.importing.account import LAST_DAY, Contact, Recurrence, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_KINDS: Final = {
    1: "SMS",
    2: "e-mail",
    3: "Twitter",
    5: "webhook",
    6: "Pushbullet",
    7: "Zapier",
    9: "Pushover",
    11: "Slack",
}
_ACTIVE: Final = 2
_RECURRENCES: Final[dict[int | None, Recurrence]] = {1: "once", 2: "daily", 3: "weekly", 4: "monthly"}
_HOURS: Final = 24
_MINUTES: Final = 60


def contacts_of(raw: Sequence[Mapping[str, Any]]) -> Iterator[Contact]:
    """Yield each contact once; one that only a monitor names tells less."""
    seen: set[int] = set()
    for each in raw:
        number, kind, status = (laundry.whole(each.get(name)) for name in ("id", "type", "status"))
        if number is None or number in seen:
            continue
        seen.add(number)
        yield Contact(
            id=str(number),
            kind=_KINDS.get(kind or 0, f"contact of type {kind}"),
            value=text(each.get("value")).strip(),
            name=text(each.get("friendly_name")),
            is_active=status in {None, _ACTIVE},
        )


def window_of(raw: Mapping[str, Any]) -> Window:
    """Return a window as it says itself."""
    start = raw.get("start_time")
    recurrence = _RECURRENCES.get(laundry.whole(raw.get("type")))
    return Window(
        id=str(laundry.whole(raw.get("id"))),
        recurrence=recurrence,
        name=text(raw.get("friendly_name")),
        start_ms=laundry.moment_ms(start) if recurrence == "once" else None,
        minute=_minute(start),
        days=tuple(_days(raw.get("value"))),
        duration_min=laundry.whole(raw.get("duration")) or 0,
        is_active=laundry.whole(raw.get("status")) in {None, 1},
    )


def _minute(value: object) -> int | None:
    """Return the minute of the day that ``HH:MM`` names, with seconds or without."""
    parts = [laundry.whole(part) for part in text(value).split(":")[:2]]
    if len(parts) != 2 or None in parts:  # noqa: PLR2004 - hours and minutes
        return None
    hour, minute = (part or 0 for part in parts)
    return hour * 60 + minute if 0 <= hour < _HOURS and 0 <= minute < _MINUTES else None


def _days(value: object) -> Iterator[int]:
    """Yield the days in ``1-15--1``: a hyphen between them, and one before the last day of a month."""
    for part in f"-{value}".replace("--1", "-L").removeprefix("-").split("-"):
        if part == "L":
            yield LAST_DAY
        elif (day := laundry.whole(part)) is not None:
            yield day
