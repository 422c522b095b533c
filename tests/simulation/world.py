"""What is true: how each target does, and what the way to it is like, as spells drawn from a seed.

All times are true milliseconds since the simulation began; what clocks say is another matter. The targets are the same
for everybody who looks; the way to them, and with it the view, belongs to a location.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from prober.core.model import Outcome, Policy, Probe, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell(Generic[T]):
    """A time in which something is the case, ``[start, end)``."""

    start: int
    end: int
    what: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """How likely a kind of spell is beside the others, and how long it lasts: short ones as often as long ones."""

    weight: int
    shortest: int
    longest: int


def spells(random: Random, until: int, every: int, odds: Mapping[T, Odds]) -> Iterator[Spell[T]]:
    """Draw spells that do not overlap, with gaps of ``every`` in the mean, the last one over by ``until``."""
    weights = [each.weight for each in odds.values()]
    at = 0
    while True:
        at += 1 + round(random.expovariate(1 / every))
        (what,) = random.choices(list(odds), weights)
        shortest, longest = math.log(odds[what].shortest), math.log(odds[what].longest)
        end = at + round(math.exp(random.uniform(shortest, longest)))
        if end >= until:
            return
        yield Spell(start=at, end=end, what=what)
        at = end


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a check sees that starts now. ``sign`` is that of the tables of the rules, ``!`` a way that is broken."""

    sign: str
    outcome: Outcome
    reason: Reason | None = None
    latency_us: int | None = None
    takes: int = 100
    path_failure: bool = False


def _unreachable(reason: Reason, takes: int = 100) -> Seen:
    return Seen(sign="!", outcome=Outcome.FAILED, reason=reason, takes=takes, path_failure=True)


FINE: Final = Seen(sign=".", outcome=Outcome.OK, latency_us=100_000)
NEAR: Final = Seen(sign="o", outcome=Outcome.OK, latency_us=900_000)
SLOW: Final = Seen(sign="s", outcome=Outcome.SLOW, latency_us=1_500_000)
BROKEN: Final = Seen(sign="x", outcome=Outcome.FAILED, reason=Reason.STATUS)
REFUSED: Final = _unreachable(Reason.REFUSED)
UNREACHABLE: Final = _unreachable(Reason.UNREACHABLE)
HANGING: Final = _unreachable(Reason.TIMEOUT, takes=10 * SECOND)
NAMELESS: Final = _unreachable(Reason.DNS)

FLAPPING: Final = "flapping"
TROUBLES: Final[Mapping[Seen | str, Odds]] = {
    BROKEN: Odds(weight=4, shortest=20 * SECOND, longest=12 * HOUR),
    REFUSED: Odds(weight=3, shortest=20 * SECOND, longest=12 * HOUR),
    HANGING: Odds(weight=3, shortest=20 * SECOND, longest=12 * HOUR),
    SLOW: Odds(weight=3, shortest=5 * MINUTE, longest=6 * HOUR),
    NEAR: Odds(weight=1, shortest=5 * MINUTE, longest=6 * HOUR),
    FLAPPING: Odds(weight=2, shortest=20 * MINUTE, longest=6 * HOUR),
}
FLAPS: Final[Mapping[Seen, Odds]] = {
    BROKEN: Odds(weight=2, shortest=20 * SECOND, longest=30 * MINUTE),
    SLOW: Odds(weight=1, shortest=20 * SECOND, longest=30 * MINUTE),
}

# Away and unnamed: nothing answers anybody here. Partial: some targets do not. Walled: the connectivity urls do not.
AWAY, UNNAMED, PARTIAL, WALLED = "away", "unnamed", "partial", "walled"
WAYS: Final[Mapping[str, Odds]] = {
    AWAY: Odds(weight=4, shortest=5 * SECOND, longest=6 * HOUR),
    UNNAMED: Odds(weight=2, shortest=5 * SECOND, longest=HOUR),
    PARTIAL: Odds(weight=2, shortest=MINUTE, longest=2 * HOUR),
    WALLED: Odds(weight=1, shortest=MINUTE, longest=2 * HOUR),
}
OURS: Final[Mapping[str, Seen]] = {AWAY: UNREACHABLE, UNNAMED: NAMELESS}
PARTIAL_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Targets as a seed has them; all trouble is over by ``calm_from``.

    ``fury`` says how many times as much trouble there is as in an ordinary world, of any kind.
    """

    seed: str
    fury: int
    until: int
    calm_from: int
    probes: tuple[Probe, ...]
    troubles: tuple[tuple[Spell[Seen], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One target from one location: from ``starts[n]`` on a check sees ``seen[n]``; ``outages`` are none of ours."""

    starts: Sequence[int]
    seen: Sequence[Seen]
    outages: Sequence[Spell[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All targets from one location, and what the way to them is like."""

    ways: Sequence[Spell[str]]
    views: Sequence[View]


def make_world(seed: str, *, until: int, probes: int, fury: int = 1) -> World:
    """Draw a world that is calm on its last day."""
    calm_from = until - DAY
    return World(
        seed=seed,
        fury=fury,
        until=until,
        calm_from=calm_from,
        probes=tuple(_probe(number) for number in range(probes)),
        troubles=tuple(
            tuple(_troubles(Random(f"{seed} target {n}"), calm_from, 3 * DAY // fury)) for n in range(probes)
        ),
    )


def look(world: World, location: str) -> Sight:
    """Return what can be seen from a location."""
    random = Random(f"{world.seed} way of {location}")
    ways = list(spells(random, world.calm_from, 3 * DAY // world.fury, WAYS))
    ours = [Spell(start=way.start, end=way.end, what=OURS[way.what]) for way in ways if way.what in OURS]
    partial = [Spell(start=way.start, end=way.end, what=UNREACHABLE) for way in ways if way.what == PARTIAL]
    views = []
    for troubles in world.troubles:
        struck = [way for way in partial if random.random() < PARTIAL_SHARE]
        theirs = _laid_over(troubles, struck)
        views.append(_view(_laid_over(theirs, ours), _outages(theirs)))
    return Sight(ways=ways, views=views)


def what_at(spells: Sequence[Spell[T]], at: int) -> T | None:
    """Return what is the case at a time, None outside every spell."""
    number = bisect_right(spells, at, key=lambda spell: spell.start) - 1
    return spells[number].what if number >= 0 and at < spells[number].end else None


def _probe(number: int) -> Probe:
    """Return one probe; every other one has rechecks, and some are less patient than others."""
    return Probe(
        id=f"p{number}",
        name=f"p{number}",
        url=f"https://p{number}.example/",
        identity="1",
        recheck_ms=MINUTE if number % 2 else None,
        policy=Policy(failures=(3, 3, 2, 4)[number % 4], slow_checks=(3, 3, 2)[number % 3]),
        tags=("chief",) if number % 5 == 0 else (),
    )


def _troubles(random: Random, until: int, every: int) -> Iterator[Spell[Seen]]:
    for spell in spells(random, until, every, TROUBLES):
        if isinstance(spell.what, Seen):
            yield Spell(start=spell.start, end=spell.end, what=spell.what)
            continue
        for flap in spells(random, spell.end - spell.start, 5 * MINUTE, FLAPS):
            yield Spell(start=spell.start + flap.start, end=spell.start + flap.end, what=flap.what)


def _laid_over(below: Iterable[Spell[T]], above: Sequence[Spell[T]]) -> list[Spell[T]]:
    """Return all spells of ``above``, and of ``below`` what these leave uncovered, in order."""
    pieces = list(above)
    for spell in below:
        at = spell.start
        for cover in above[max(bisect_right(above, at, key=lambda each: each.start) - 1, 0) :]:
            if cover.start >= spell.end:
                break
            if at < cover.start:
                pieces.append(Spell(start=at, end=cover.start, what=spell.what))
            at = max(at, cover.end)
        if at < spell.end:
            pieces.append(Spell(start=at, end=spell.end, what=spell.what))
    return sorted(pieces, key=lambda each: each.start)


def _outages(pieces: Iterable[Spell[Seen]]) -> list[Spell[None]]:
    """Return the times in which a target fails without a break, whatever it says."""
    joined: list[Spell[None]] = []
    for piece in pieces:
        if piece.what.outcome is not Outcome.FAILED:
            continue
        is_next = bool(joined) and joined[-1].end == piece.start
        start = joined.pop().start if is_next else piece.start
        joined.append(Spell(start=start, end=piece.end, what=None))
    return joined


def _view(pieces: Sequence[Spell[Seen]], outages: Sequence[Spell[None]]) -> View:
    changes: list[tuple[int, Seen]] = [(0, FINE)]
    for piece in pieces:
        changes += (piece.start, piece.what), (piece.end, FINE)
    # Where one piece follows another at once, the good moment between them is none.
    kept = [first for first, second in pairwise(changes) if first[0] < second[0]] + changes[-1:]
    return View(starts=[at for at, _ in kept], seen=[seen for _, seen in kept], outages=outages)
