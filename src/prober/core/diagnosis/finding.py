"""One thing that was looked at, and what several come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from prober.core.durations import UNITS_MS, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Judgement: TypeAlias = Literal["ok", "note", "wrong"]
Area: TypeAlias = Literal[
    "configuration",
    "secrets",
    "store",
    "lock",
    "names",
    "connectivity",
    "clock",
    "mail",
    "rounds",
    "alerts",
    "service",
    "schedule",
    "fallback",
    "standby",
    "heartbeat",
]

_CODES: Final[Mapping[Area, int]] = {"configuration": 3, "secrets": 3, "store": 5, "lock": 5}
_OTHER_CODE: Final = 1
_GRAINS: Final = (("d", "h"), ("h", "m"), ("m", "s"), ("s", "s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``advice`` says what to do next; only what is ``ok`` has none."""

    area: Area
    state: Judgement
    message: str
    advice: str | None = None


def fine(area: Area, message: str) -> Finding:
    """Return what is as it should be."""
    return Finding(area=area, state="ok", message=message)


def note(area: Area, message: str, advice: str) -> Finding:
    """Return what works, and deserves a thought."""
    return Finding(area=area, state="note", message=message, advice=advice)


def wrong(area: Area, message: str, advice: str) -> Finding:
    """Return what keeps prober from its work, or soon will."""
    return Finding(area=area, state="wrong", message=message, advice=advice)


def count(findings: Iterable[Finding], state: Judgement) -> int:
    """Return how many findings are in a state."""
    return sum(each.state == state for each in findings)


def worst(findings: Iterable[Finding]) -> Judgement:
    """Return the most serious state of several findings."""
    states = {each.state for each in findings}
    return "wrong" if "wrong" in states else "note" if "note" in states else "ok"


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 when nothing is wrong, else 3 for the configuration, before 5 for the store, before 1."""
    codes = {_CODES.get(each.area, _OTHER_CODE) for each in findings if each.state == "wrong"}
    return next((code for code in (3, 5, 1) if code in codes), 0)


def rough(duration_ms: int) -> str:
    """Return a duration in its two largest units, floored: ``2h5m``."""
    for unit, grain in _GRAINS:
        if duration_ms >= UNITS_MS[unit]:
            return format_duration(duration_ms // UNITS_MS[grain] * UNITS_MS[grain])
    return "0s"
