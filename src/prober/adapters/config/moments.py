"""Kinds of values that say when: cron expressions, time zones, dates with a time of day."""

from __future__ import annotations

from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from prober.adapters.config.kinds import Invalid, Kind, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_A_MOMENT: Mapping[str, object] = {"not": {"type": ["boolean", "number", "array", "object"]}}
"""A TOML date is no type of JSON: editors make a text of it, Python does not."""


def cron() -> Kind:
    """Return the kind of cron expressions with five fields that come at all."""
    fields = {"type": "string", "pattern": r"^\s*(?:\S+\s+){4}\S+\s*$|\$[{$]"}
    return Kind(read=text(check=_check_cron).read, schema=fields)


def timezone() -> Kind:
    """Return the kind of IANA names of time zones."""
    return text(check=_check_timezone)


def moment() -> Kind:
    """Return the kind of dates with a time of day, with an offset from UTC or without one."""

    def read(value: object) -> datetime:
        if isinstance(value, datetime):
            return value
        if isinstance(value, date):
            raise Invalid("{value} has no time of day", hint=f"write {value}T00:00:00Z")
        is_quoted = isinstance(value, str) and value[:1].isdigit()
        hint = "write it without quotes" if is_quoted else None
        raise Invalid("{value} is not a date and a time", hint=hint, advice="such as 2026-12-01T04:00:00Z")

    return Kind(read=read, schema=_NOT_A_MOMENT)


def _check_cron(value: str) -> None:
    from prober.core.windows import cron_problem  # noqa: PLC0415 - costs start-up time, only windows need it

    if problem := cron_problem(value):
        raise Invalid(f"{{value}} is not a cron expression: {problem}")


def _check_timezone(value: str) -> None:
    import zoneinfo  # noqa: PLC0415 - costs start-up time, only windows need it

    try:
        zoneinfo.ZoneInfo(value)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        names = {name.lower(): name for name in zoneinfo.available_timezones()}
        near = get_close_matches(value.lower().replace(" ", "_"), names, n=1)
        hint = f'write "{names[near[0]]}"' if near else None
        advice = None if near else 'names are such as "UTC" or "Europe/Berlin"'
        raise Invalid("{value} is not a time zone", hint=hint, advice=advice) from None
