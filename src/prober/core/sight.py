"""What a look at another monitor of our service came to: whoever we stand behind, UptimeRobot or another prober.

A look is judged in `prober.core.standby`; here is only what it saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

WatchState: TypeAlias = Literal["up", "down", "paused", "pending"]
"""What they say: ``down`` also when it only seems so, ``pending`` when they have not looked yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One thing that they watch. ``key`` is its id with them, as text; ``interval_ms`` None means as often as we do.

    ``newest_ms`` is the time of their newest sample, ``logged_ms`` that of their newest entry about it; None: neither.
    """

    key: str
    name: str
    state: WatchState
    url: str | None = None
    interval_ms: int | None = None
    newest_ms: int | None = None
    logged_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """They answered, and watch this."""

    watches: tuple[Watch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """They did not answer, or not with anything that can be read: ``why`` says which, in our own words."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """They asked us to come back after ``wait_ms``."""

    wait_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """They do not accept our key: ``why`` says how, in our own words."""

    why: str


Sight: TypeAlias = Seen | Unreachable | Limited | Rejected
