"""Values that several commands read from their arguments."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from prober.core.durations import nearest_duration, parse_duration
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from prober.core.model import Probe
    from prober.core.settings import Config

_SHOWN_NAMES: Final = 20
LARGEST: Final = 2**63 - 1

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Probes, as in [probe.<id>]; all without any.")]
Tag = Annotated[str | None, typer.Option("--tag", metavar="T", help="Only probes with this tag.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def number_of(what: str, *, listed_by: str) -> Any:  # noqa: ANN401 - what typer gives
    """Return the argument N: the number of a thing (``an incident``) that stands in the list that a command prints."""

    def read(text: str) -> int:
        if re.fullmatch("[0-9]{1,19}", text) and 1 <= int(text) <= LARGEST:
            return int(text)
        raise UsageError(f'"{text}" is not the number of {what}. Take one from the column # of: {listed_by}')

    return typer.Argument(metavar="N", parser=read, help=f"A number from: {listed_by}")


def read_number(text: str, option: str) -> int:
    """Return the number, from 1 on, that an option is given."""
    if re.fullmatch("[0-9]{1,19}", text) and 1 <= int(text) <= LARGEST:
        return int(text)
    raise UsageError(f'{option}: "{text}" is not a number from 1 on. Write one, such as 20.')


class FailOn(StrEnum):
    """Which state of a probe makes the exit code 1."""

    NEVER = "never"
    DOWN = "down"
    SLOW = "slow"

    def is_met(self, states: Iterable[str]) -> bool:
        """Say whether one of the states is that bad; down is worse than slow."""
        bad = {FailOn.NEVER: set(), FailOn.DOWN: {"down"}, FailOn.SLOW: {"down", "slow"}}[self]
        return not bad.isdisjoint(states)


Failing = Annotated[FailOn, typer.Option("--fail-on", help="Exit 1 when a probe is in this state, or worse.")]


def chosen(config: Config, ids: Sequence[str] | None, tag: str | None = None) -> list[Probe]:
    """Return the probes that a command line names: all of them, those with the ids, or those with the tag."""
    refuse_unknown("probe", ids or (), {probe.id for probe in config.probes}, config)
    probes = [probe for probe in config.probes if not ids or probe.id in ids]
    if tag is None:
        return probes
    refuse_unknown("tag", [tag], {each for probe in config.probes for each in probe.tags}, config)
    tagged = [probe for probe in probes if tag in probe.tags]
    if not tagged:
        raise UsageError(f'none of these probes has the tag "{tag}". Leave out the ids, or the tag.')
    return tagged


def refuse_unknown(what: str, wanted: Iterable[str], known: Collection[str], config: Config) -> None:
    """Raise UsageError for a name that the configuration does not know, with the nearest one that it does."""
    for name in wanted:
        if name not in known:
            raise UsageError(f'no {what} "{name}" in {config.path}. {_advice(name, sorted(known))}')


def _advice(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    if near := get_close_matches(name, known, n=1):
        return f'Did you mean "{near[0]}"?'
    if not known:
        return "There are none."
    more = f" and {len(known) - _SHOWN_NAMES} more" if len(known) > _SHOWN_NAMES else ""
    return f"There are: {', '.join(known[:_SHOWN_NAMES])}{more}."


def url_of(text: str) -> str:
    """Return a URL that can be requested."""
    from prober.adapters.config.addresses import read_url
    from prober.adapters.config.kinds import Invalid

    try:
        return read_url(text)
    except Invalid as error:
        message = error.text(text, is_expanded=False, is_secret=False)
        raise UsageError(f"{message}. A URL is such as https://acme.example/health.") from error


def mail_address_of(text: str) -> str:
    """Return a mail address."""
    from prober.adapters.config.addresses import read_mail_address
    from prober.adapters.config.kinds import Invalid

    try:
        return read_mail_address(text)
    except Invalid as error:
        raise UsageError(f"{error.text(text, is_expanded=False, is_secret=False)}.") from error


def duration_ms(option: str, text: str, *, such_as: str = "4m") -> int:
    """Return a duration in milliseconds; ``such_as`` is one that makes sense there."""
    try:
        return parse_duration(text)
    except ValueError as error:
        nearest = nearest_duration(text)
        advice = f'"{nearest}"' if nearest else f'a number with d, h, m, s or ms, such as "{such_as}"'
        raise UsageError(f'{option}: "{text}" is {error}. Write {advice}.') from error


def moment_ms(option: str, text: str, *, now_ms: int) -> int:
    """Return a point in time: ``2026-11-20``, ``2026-11-20T14:00:00Z``, or ``7d`` for seven days ago."""
    try:
        return now_ms - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f'{option}: "{text}" is neither a time (2026-11-20T14:00:00Z), a day (2026-11-20) nor a duration ago (7d).'
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
