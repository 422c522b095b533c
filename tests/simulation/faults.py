"""What goes wrong on our own side: the machine, its clock, its store, its mail server, and what people change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final

from tests.simulation.world import DAY, HOUR, MINUTE, SECOND, Odds, Spell, spells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.core.model import Probe
    from tests.simulation.world import World

# A prober that is killed comes back when the spell is over. All but the first wait for their moment.
KILLED: Final = "killed"
UNRECORDED: Final = "killed before a check is recorded"
RECORDED: Final = "killed after alerts are queued"
CLAIMED: Final = "killed while an alert is handed over"
ACCEPTED: Final = "killed between the server's 250 and the mark"
KILLS: Final = (KILLED, UNRECORDED, RECORDED, CLAIMED, ACCEPTED)

# Nothing runs; the steady clock stands still in the first, and goes on in the second.
SUSPENDED: Final = "suspended"
OVERLOADED: Final = "overloaded"
STOPS: Final[Mapping[str, Odds]] = {
    **{each: Odds(weight=3, shortest=SECOND, longest=6 * HOUR) for each in KILLS},
    SUSPENDED: Odds(weight=4, shortest=10 * SECOND, longest=10 * HOUR),
    OVERLOADED: Odds(weight=4, shortest=5 * SECOND, longest=HOUR),
}

REFUSING: Final = "refuses for now"
REJECTING: Final = "refuses for good"
HANGING: Final = "hangs"
LOSING: Final = "accepts and loses the reply"
MOODS: Final[Mapping[str, Odds]] = {
    REFUSING: Odds(weight=3, shortest=MINUTE, longest=10 * HOUR),
    REJECTING: Odds(weight=1, shortest=MINUTE, longest=10 * HOUR),
    HANGING: Odds(weight=2, shortest=MINUTE, longest=10 * HOUR),
    LOSING: Odds(weight=1, shortest=MINUTE, longest=3 * HOUR),
}

T0: Final = 1_790_000_000_000
HOUR_ON, HOUR_BACK, DAY_ON, DAY_BACK, IN_1970 = "+1h", "-1h", "+1d", "-1d", "1970"
JUMPS: Final[Mapping[str, Odds]] = {
    each: Odds(weight=1, shortest=30 * SECOND, longest=12 * HOUR)
    for each in (HOUR_ON, HOUR_BACK, DAY_ON, DAY_BACK, IN_1970)
}
ODD: Final = 4_321  # milliseconds: no clock is wrong by a whole number of intervals
SHIFTS: Final[Mapping[str, int]] = {
    HOUR_ON: HOUR + ODD,
    HOUR_BACK: -HOUR - ODD,
    DAY_ON: DAY + ODD,
    DAY_BACK: -DAY - ODD,
}

UNWRITABLE: Final = "unwritable"
IDENTITY, PATIENCE = "another identity", "another threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What happens to one prober, and when."""

    stops: Sequence[Spell[str]]
    moods: Sequence[Spell[str]]
    jumps: Sequence[Spell[str]]
    stores: Sequence[Spell[str]]
    changes: Sequence[Spell[str]]


def shift_of(jump: Spell[str]) -> int:
    """Return by how much the wall clock is wrong in a spell; time begins anew in 1970."""
    return SHIFTS.get(jump.what, jump.end % HOUR - T0 - jump.start)


def change(probe: Probe, what: str, at: int, random: Random) -> Probe:
    """Return a probe as somebody configures it anew."""
    if what == IDENTITY:
        return replace(probe, identity=f"changed at {at}")
    return replace(probe, policy=replace(probe.policy, failures=random.randint(2, 4)))


def make_faults(world: World, location: str) -> Faults:
    """Draw what happens to the prober at a location."""

    def drawn(name: str, every: int, odds: Mapping[str, Odds]) -> list[Spell[str]]:
        return list(spells(Random(f"{world.seed} {name} of {location}"), world.calm_from, every // world.fury, odds))

    at_once = Odds(weight=1, shortest=1, longest=1)
    return Faults(
        stops=drawn("stops", 2 * DAY, STOPS),
        moods=drawn("mail", 2 * DAY, MOODS),
        jumps=drawn("clock", 5 * DAY, JUMPS),
        stores=drawn("store", 4 * DAY, {UNWRITABLE: Odds(weight=1, shortest=MINUTE, longest=5 * HOUR)}),
        changes=drawn("changes", 2 * DAY, {IDENTITY: at_once, PATIENCE: at_once}),
    )
