"""What a look at another monitor of our service came to: whoever we stand behind, UptimeRobot or another prober.

`prober.core.watching` judges one look and `prober.core.standby` many; here is what a look sees, and what is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

Role: TypeAlias = Literal["active", "standby", "standing-in"]
"""Whether we tell people: always, never while somebody else is watching, or as nobody else is."""

WATCHERS: Final = {"uptimerobot": "UptimeRobot", "prober": "the other prober"}
"""What people call whom we stand behind."""

WatchState: TypeAlias = Literal["up", "down", "paused", "pending", "standby"]
"""What they say: ``down`` also when it only seems so, ``pending`` when they have not looked yet.

``standby`` is what another prober looks at without telling, as it stands behind somebody itself.
"""


class Verdict(StrEnum):
    """What one look says of the other side as a whole."""

    WATCHING = "watching"
    STALE = "stale"
    UNREACHABLE = "unreachable"
    OFFLINE = "offline"
    LIMITED = "limited"
    REJECTED = "rejected"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged:
    """We stand in from now on, or stand by again; for some probes only where ``probe_ids`` names them.

    ``since_ms`` is when the other side last showed a sign of life or, when we stand by again, since when we stood in.
    """

    at_ms: int
    role: Role
    why: Verdict
    since_ms: int | None = None
    probe_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRejected:
    """The other side does not accept our key, so that nobody can say whether it watches; told once a day."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreed:
    """They have said since ``since_ms`` that a probe is up, while our incident of ``started_at_ms`` is open."""

    probe_id: str
    at_ms: int
    since_ms: int
    started_at_ms: int
