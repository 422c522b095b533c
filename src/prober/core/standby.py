"""Lead or stand by: whether somebody else is watching, so that we keep quiet, or not, so that we speak.

They are watching when their newest sample is fresh, not when their API answers. One look proves little, so a role
changes after several that agree: two that see nothing fresh, three that see nothing at all, three that see all well
again. What a look cannot tell (we are offline; they asked us to wait) neither counts nor resets. Only a key that they
refuse is believed at once: nobody can tell then whether they watch, and the safe side is to speak.

The same is decided for each probe by itself, as one monitor may be paused, missing or stuck while the others work. A
probe that has no monitor is never on standby. One that they see as down is being watched, however old its sample: they
take none of what is down, so what proves that they are at work are the others.

While we stand by, everything is checked and kept; only who is told is held back (`prober.core.gate`). Until the first
look has come to something we stand by, for no longer than it takes to be sure.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from prober.core.sight import Disagreed, KeyRejected, Limited, Rejected, RoleChanged, Seen, Unreachable, Verdict
from prober.core.watching import FRESH_INTERVALS, FRESH_MS, Answered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prober.core.model import Event, Probe
    from prober.core.sight import Role, Sight

STALE_LOOKS: Final = 2
SILENT_LOOKS: Final = 3
FRESH_LOOKS: Final = 3
PATIENCE_MS: Final = 900_000
CONTRADICTED_MS: Final = 600_000
KEY_TOLD_EVERY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStanding:
    """What we remember of one probe. ``is_linked`` is whether they have, or had, a monitor for it.

    ``fresh`` and ``blind`` count looks in a row that saw it watched, or not. ``contradicted_since_ms`` is since when
    they say up while we say down, ``told_of_ms`` the start of the incident about which that was told.
    """

    is_ours: bool = False
    is_linked: bool = True
    fresh: int = 0
    blind: int = 0
    contradicted_since_ms: int | None = None
    told_of_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that we remember between two looks.

    ``why`` is what the role was taken for, None before the first look that came to something; ``seen`` is what the last
    look says. ``fresh``, ``stale`` and ``silent`` count looks in a row: that saw fresh samples, only old ones, nothing
    fresh for whatever reason. ``alive_ms`` is their newest sign of life, ``answered_ms`` the last look that they
    answered, ``wait_until_ms`` when they allow the next one. A probe that is not in ``probes`` was in no look yet.
    """

    role: Role = "standby"
    why: Verdict | None = None
    since_ms: int | None = None
    seen: Verdict | None = None
    fresh: int = 0
    stale: int = 0
    silent: int = 0
    looked_ms: int | None = None
    answered_ms: int | None = None
    alive_ms: int | None = None
    limited_since_ms: int | None = None
    wait_until_ms: int | None = None
    key_told_ms: int | None = None
    probes: Mapping[str, ProbeStanding] = field(default_factory=dict)


def is_held(standing: Standing, probe_id: str) -> bool:
    """Say whether alerts about a probe are held back, as somebody else is watching it."""
    return role_of(standing, probe_id) == "standby"


def role_of(standing: Standing, probe_id: str) -> Role:
    """Return our role for one probe."""
    is_ours = standing.probes.get(probe_id, ProbeStanding()).is_ours
    return "standing-in" if is_ours or standing.role == "standing-in" else "standby"


def is_pending(standing: Standing) -> bool:
    """Say whether the next looks may change a role, ours or that of a probe."""
    if standing.seen is Verdict.OFFLINE:
        return False
    if standing.why is None or (standing.silent if standing.role == "standby" else standing.fresh):
        return True
    return any(each.fresh if each.is_ours else each.blind for each in standing.probes.values())


def next_look_ms(standing: Standing, every_ms: int, now_ms: int) -> int:
    """Return when to look again; a last look in the future says nothing, for the clock was wrong then, or is now."""
    if standing.looked_ms is None or standing.looked_ms > now_ms:
        return now_ms
    return max(standing.looked_ms + every_ms, standing.wait_until_ms or 0)


def worst_silence_ms(probes: Iterable[Probe], every_ms: int) -> int:
    """Return the longest time from their last sign of life until we stand in, where their intervals are like ours.

    What they saw last is fresh for a while. After that two looks are enough while they answer, three at the most; the
    first of them may have to wait for a round of ours. Who asks us to wait gets up to 15 minutes more.
    """
    intervals_ms = [probe.interval_ms for probe in probes]
    fresh_ms = max(FRESH_INTERVALS * max(intervals_ms), FRESH_MS)
    return fresh_ms + max(min(intervals_ms), every_ms) + (SILENT_LOOKS - 1) * every_ms


def follow(
    standing: Standing,
    sight: Sight,
    *,
    probes: Sequence[Probe],
    down_since: Mapping[str, int],
    now_ms: int,
    is_online: bool = True,
    by_id: bool = False,
) -> tuple[Standing, tuple[Event, ...]]:
    """Return what we know after a look, and what is to be told of it.

    ``down_since`` holds the start of the open down incident of each probe that has one. ``is_online`` says whether our
    own network is fine; it matters where they did not answer. ``by_id`` is as in
    `prober.core.watching.match`.
    """
    looked = replace(standing, looked_ms=now_ms, wait_until_ms=None)
    match sight:
        case Seen(watches=watches):
            answer = Answered(watches, probes, now_ms=now_ms, by_id=by_id)
            return _after_answer(looked, answer, down_since)
        case Limited(wait_ms=wait_ms):
            since_ms = now_ms if looked.limited_since_ms is None else looked.limited_since_ms
            limited = replace(looked, seen=Verdict.LIMITED, limited_since_ms=since_ms, wait_until_ms=now_ms + wait_ms)
            return elapse(limited, now_ms)
        case Rejected():
            return _after_rejection(looked, now_ms)
        case Unreachable() if not is_online:
            return replace(looked, seen=Verdict.OFFLINE), ()
        case _:
            silent = replace(
                looked,
                seen=Verdict.UNREACHABLE,
                fresh=0,
                silent=looked.silent + 1,
                limited_since_ms=None,
                probes={probe_id: replace(each, fresh=0) for probe_id, each in looked.probes.items()},
            )
            return _stand_in(silent, Verdict.UNREACHABLE, now_ms) if silent.silent >= SILENT_LOOKS else (silent, ())


def elapse(standing: Standing, now_ms: int) -> tuple[Standing, tuple[Event, ...]]:
    """Return what time alone makes of it: who is only told to wait knows nothing any more after 15 minutes."""
    if standing.seen is not Verdict.LIMITED or standing.limited_since_ms is None:
        return standing, ()
    since_ms = min(standing.limited_since_ms, now_ms)
    waiting = replace(standing, limited_since_ms=since_ms)
    return (waiting, ()) if now_ms - since_ms < PATIENCE_MS else _stand_in(waiting, Verdict.LIMITED, now_ms)


def untold(after: Standing, before: Standing) -> Standing:
    """Return where we stand when nobody was told: what is told once a day, or once an incident, is still to be."""
    probes = {
        probe_id: replace(each, told_of_ms=before.probes.get(probe_id, ProbeStanding()).told_of_ms)
        for probe_id, each in after.probes.items()
    }
    return replace(after, key_told_ms=before.key_told_ms, probes=probes)


def _after_answer(
    before: Standing, answer: Answered, down_since: Mapping[str, int]
) -> tuple[Standing, tuple[Event, ...]]:
    now_ms = answer.now_ms
    known_ms = before.alive_ms if before.alive_ms is not None and before.alive_ms <= now_ms else 0
    alive_ms = max(answer.alive_ms() or 0, known_ms or 0) or None
    after = replace(before, answered_ms=now_ms, alive_ms=alive_ms, limited_since_ms=None)
    if answer.is_watching:
        fresh = min(before.fresh + 1, FRESH_LOOKS)
        after, events = _hand_back(replace(after, seen=Verdict.WATCHING, fresh=fresh, stale=0, silent=0), now_ms)
    else:
        after = replace(after, seen=Verdict.STALE, fresh=0, stale=before.stale + 1, silent=before.silent + 1)
        is_sure = after.stale >= STALE_LOOKS or after.silent >= SILENT_LOOKS
        after, events = _stand_in(after, Verdict.STALE, now_ms) if is_sure else (after, ())
    told: list[Event] = [*events]
    known: dict[str, ProbeStanding] = {}
    turned: defaultdict[Role, list[str]] = defaultdict(list)
    for probe in answer.probes:
        is_linked = probe.id in answer.matched or answer.is_named(probe)
        old = before.probes.get(probe.id, ProbeStanding(is_linked=is_linked, is_ours=not is_linked))
        says = answer.says(probe)
        new = _turned(replace(old, is_linked=old.is_linked or is_linked), is_watched=says is not None)
        if new.is_ours != old.is_ours:
            turned["standing-in" if new.is_ours else "standby"].append(probe.id)
        known[probe.id], contradictions = _contradicted(new, probe.id, says, down_since.get(probe.id), now_ms)
        told += contradictions
    if after.role == before.role == "standby":
        told += [_of_probes(role, probe_ids, now_ms) for role, probe_ids in turned.items()]
    still_ours = [probe_id for probe_id, each in known.items() if each.is_ours and each.is_linked]
    if events and after.role == "standby" and still_ours:
        told.append(_of_probes("standing-in", still_ours, now_ms))
    return replace(after, probes=known), tuple(told)


def _turned(old: ProbeStanding, *, is_watched: bool) -> ProbeStanding:
    if is_watched:
        fresh = min(old.fresh + 1, FRESH_LOOKS)
        return replace(old, fresh=fresh, blind=0, is_ours=old.is_ours and fresh < FRESH_LOOKS)
    blind = min(old.blind + 1, STALE_LOOKS)
    return replace(old, fresh=0, blind=blind, is_ours=old.is_ours or blind >= STALE_LOOKS)


def _contradicted(
    known: ProbeStanding, probe_id: str, says: str | None, down_since_ms: int | None, now_ms: int
) -> tuple[ProbeStanding, tuple[Event, ...]]:
    if says != "up" or down_since_ms is None:
        return replace(known, contradicted_since_ms=None), ()
    since_ms = now_ms if known.contradicted_since_ms is None else min(known.contradicted_since_ms, now_ms)
    known = replace(known, contradicted_since_ms=since_ms)
    if now_ms - since_ms < CONTRADICTED_MS or known.told_of_ms == down_since_ms:
        return known, ()
    told = Disagreed(probe_id=probe_id, at_ms=now_ms, since_ms=since_ms, started_at_ms=down_since_ms)
    return replace(known, told_of_ms=down_since_ms), (told,)


def _hand_back(standing: Standing, now_ms: int) -> tuple[Standing, tuple[Event, ...]]:
    if standing.role == "standby":
        since_ms = now_ms if standing.why is None else standing.since_ms
        return replace(standing, why=Verdict.WATCHING, since_ms=since_ms), ()
    if standing.fresh < FRESH_LOOKS:
        return standing, ()
    back = replace(standing, role="standby", why=Verdict.WATCHING, since_ms=now_ms)
    if standing.why is Verdict.REJECTED and (standing.key_told_ms or 0) < (standing.since_ms or 0):
        return back, ()  # a key that is refused now and then is told once a day, and so is that it is accepted again
    return back, (RoleChanged(at_ms=now_ms, role="standby", why=Verdict.WATCHING, since_ms=standing.since_ms),)


def _stand_in(standing: Standing, why: Verdict, now_ms: int) -> tuple[Standing, tuple[Event, ...]]:
    if standing.role == "standing-in":
        return standing, ()
    changed = RoleChanged(at_ms=now_ms, role="standing-in", why=why, since_ms=standing.alive_ms)
    return replace(standing, role="standing-in", why=why, since_ms=now_ms, fresh=0), (changed,)


def _after_rejection(looked: Standing, now_ms: int) -> tuple[Standing, tuple[Event, ...]]:
    rejected = replace(looked, seen=Verdict.REJECTED, fresh=0, limited_since_ms=None)
    if rejected.role == "standby":
        rejected = replace(rejected, role="standing-in", why=Verdict.REJECTED, since_ms=now_ms)
    told_ms = rejected.key_told_ms
    if told_ms is not None and 0 <= now_ms - told_ms < KEY_TOLD_EVERY_MS:
        return rejected, ()
    return replace(rejected, key_told_ms=now_ms), (KeyRejected(at_ms=now_ms),)


def _of_probes(role: Role, probe_ids: Sequence[str], now_ms: int) -> RoleChanged:
    why = Verdict.STALE if role == "standing-in" else Verdict.WATCHING
    return RoleChanged(at_ms=now_ms, role=role, why=why, probe_ids=tuple(probe_ids))
