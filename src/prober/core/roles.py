"""Our role as people are shown it: why we are in it, what is about to change it, and how each probe fares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from prober.core.standby import FRESH_LOOKS, PATIENCE_MS, SILENT_LOOKS, STALE_LOOKS, role_of

if TYPE_CHECKING:
    from prober.core.model import Probe
    from prober.core.sight import Role, Verdict
    from prober.core.standby import ProbeStanding, Standing

Care: TypeAlias = Literal["watched", "blind", "unwatched", "silent", "unseen", "paused"]
"""What the other side does for a probe.

``blind`` is paused, gone or stale there, ``unwatched`` never was there, ``silent`` is watched by somebody who does not
watch at all now, ``unseen`` was in no look yet; ``paused`` is with us.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """So many looks in a row say that a role is to change to this one, which takes ``needed``."""

    role: Role
    looks: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRole:
    """Our role for one probe, why, and what is about to change it.

    ``contradicted_since_ms`` is since when they have said that it is up while we say that it is down.
    """

    id: str
    role: Role
    care: Care
    pending: Pending | None = None
    contradicted_since_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One look: what it saw, our role after it, and what was wrong; ``newest_at_ms`` is their newest sign of life."""

    at_ms: int
    seen: Verdict
    role: Role
    monitors: int | None = None
    newest_at_ms: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleReport:
    """Where we stand and why, as of ``generated_at_ms``; ``behind`` and ``standing`` are None where we always tell.

    ``next_look_ms`` is when the next look may come, None before the first. ``looks`` are the last ones, newest first.
    """

    generated_at_ms: int
    location: str
    behind: Literal["uptimerobot", "prober"] | None = None
    standing: Standing | None = None
    next_look_ms: int | None = None
    probes: tuple[ProbeRole, ...] = ()
    looks: tuple[Glance, ...] = ()

    @property
    def role(self) -> Role:
        """Our role as a whole."""
        return "active" if self.standing is None else self.standing.role


def pending(standing: Standing) -> Pending | None:
    """Return what is about to change our role, None when nothing is; of two ways to it, the one that is nearer."""
    if standing.role == "standing-in":
        return Pending(role="standby", looks=standing.fresh, needed=FRESH_LOOKS) if standing.fresh else None
    ways = [(standing.stale, STALE_LOOKS), (standing.silent, SILENT_LOOKS)]
    looks, needed = min(ways, key=lambda way: (way[1] - way[0], -way[0]))
    return Pending(role="standing-in", looks=looks, needed=needed) if looks else None


def patience_ends_ms(standing: Standing) -> int | None:
    """Return when we stand in for who only asks us to wait, None for anybody else."""
    if standing.role == "standing-in" or standing.limited_since_ms is None:
        return None
    return PATIENCE_MS + (standing.limited_since_ms if standing.answered_ms is None else standing.answered_ms)


def probe_role(standing: Standing, probe: Probe) -> ProbeRole:
    """Return our role for one probe, and why."""
    known, role = standing.probes.get(probe.id), role_of(standing, probe.id)
    if not probe.enabled or known is None:
        return ProbeRole(id=probe.id, role=role, care="unseen" if probe.enabled else "paused")
    care = _care(standing, known)
    return ProbeRole(
        id=probe.id,
        role=role,
        care=care,
        pending=None if care == "silent" else _pending_of(known),
        contradicted_since_ms=known.contradicted_since_ms if care == "watched" else None,
    )


def _care(standing: Standing, known: ProbeStanding) -> Care:
    if not known.is_linked:
        return "unwatched"
    if standing.role == "standing-in" and not standing.fresh:
        return "silent"
    return "blind" if known.is_ours else "watched"


def _pending_of(known: ProbeStanding) -> Pending | None:
    if known.is_ours:
        return Pending(role="standby", looks=known.fresh, needed=FRESH_LOOKS) if known.fresh else None
    return Pending(role="standing-in", looks=known.blind, needed=STALE_LOOKS) if known.blind else None
