"""What is to be judged: the truth, what was done to a prober, and what it did; and the questions that judging asks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertKind
from prober.core.model import Closed, Opened
from prober.core.schedule import worst_alert_ms
from tests.simulation import faults
from tests.simulation.world import HOUR, MINUTE, OURS, PARTIAL, SECOND, Spell, what_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prober.core.gate import Recipient
    from prober.core.model import Kind, Probe
    from tests.simulation.faults import Faults
    from tests.simulation.journal import Happened, Journal, Mail
    from tests.simulation.world import Sight, World

SLACK: Final = 5 * SECOND
ANSWER_SERVES: Final = 30 * SECOND
LONGEST_SEND: Final = MINUTE
LONGEST_BACKOFF: Final = round(1.2 * 10 * MINUTE)
LONGEST_PERMANENT: Final = round(1.2 * HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One prober at one location, from the beginning of the world to its end."""

    world: World
    sight: Sight
    faults: Faults
    journal: Journal

    def probe_at(self, number: int, at: int) -> Probe:
        """Return a probe as it was configured at a time."""
        known = [change.probe for change in self.journal.changes if change.number == number and change.at <= at]
        return known[-1] if known else self.world.probes[number]

    def opened(self, number: int, kind: Kind) -> list[Happened]:
        """Return the beginnings of a probe's incidents."""
        return [
            each
            for each in self.journal.events
            if each.number == number and isinstance(each.event, Opened) and each.event.kind is kind
        ]

    def ends(self, opened: Happened) -> list[tuple[int, Closed]]:
        """Return when and how an incident ended: once, unless the record of its beginning was lost and made again."""
        return [
            (each.at, each.event)
            for each in self.journal.events
            if each.item.incident == opened.item.incident and isinstance(each.event, Closed)
            if each.at >= opened.at and not self.is_lost(each.at)
        ]

    def ended_at(self, opened: Happened) -> int:
        """Return when an incident ended first, or the end of the world."""
        return min([at for at, _ in self.ends(opened)], default=self.world.until)

    def known_at(self, opened: Happened) -> int:
        """Return when an incident ended, or somebody did something about it, whichever came first."""
        acts = (act.at for act in self.journal.acts if act.incident == opened.item.incident)
        return min([self.ended_at(opened), *acts])

    def mails_about(self, mails: Iterable[Mail]) -> dict[tuple[str | None, Recipient], list[Mail]]:
        """Return those mails that everyone got about every incident."""
        found: defaultdict[tuple[str | None, Recipient], list[Mail]] = defaultdict(list)
        for mail in mails:
            for incident in dict.fromkeys(item.incident for item in mail.items):
                found[incident, mail.recipient].append(mail)
        return found

    def is_given_up(self, each: Happened) -> bool:
        """Say whether an alert is a reminder of something that somebody knows of since."""
        acts = (act for act in self.journal.acts if act.incident == each.item.incident and act.at >= each.at)
        return each.item.kind is AlertKind.REMINDER and any(acts)

    def is_lost(self, at: int) -> bool:
        """Say whether the record of a moment was lost with a store that could not be written."""
        return bool(during(self.journal.lost, at, at))

    def may_repeat(self, first: int, then: int) -> bool:
        """Say whether the fate of a mail may have been open between two times."""
        unsure = [mood for mood in self.faults.moods if mood.what in {faults.LOSING, faults.HANGING}]
        killed = [stop for stop in self.journal.stops if stop.what in faults.KILLS]
        return bool(during((*unsure, *killed, *self.journal.lost), first, then))

    def jumped(self, start: int, end: int) -> bool:
        """Say whether the wall clock jumped between two times."""
        return any(start <= at <= end for jump in self.faults.jumps for at in (jump.start, jump.end))

    def is_ours(self, at: int) -> bool:
        """Say whether our own network was away. An older answer serves for a moment, also when it just broke."""
        ways = self.sight.ways
        return all((what_at(ways, each) or "") in OURS for each in (at, at - ANSWER_SERVES))

    def is_same_blackout(self, number: int) -> bool:
        """Say whether nobody can know that the way ``number`` is another spell than the last one of ours."""
        ways = self.sight.ways[: number + 1]
        ours = [way for way in ways if way.what in OURS]
        if len(ours) < 2:
            return False
        gap = ours[-2].end, ours[-1].start
        return all(bisect_left(starts, gap[0]) == bisect_left(starts, gap[1]) for starts in self.journal.starts)

    def last_in_a_row(self, number: int, at: int, signs: str) -> list[int]:
        """Return when the last checks were made that say one thing without a break, and are not our own fault."""
        lost = [spell for spell in self.journal.lost if spell.end < at]
        looks, found = self.journal.looks[number], list[int]()
        for look in reversed(looks[: bisect_right(looks, at, key=lambda look: look.at)]):
            if look.sign == "?" or during(lost, look.at, look.at):
                continue
            is_unsure = not found or during(lost, look.at, found[0])
            is_broken = not is_unsure and self._was_well_between(number, look.at, found[0])
            if look.sign not in signs or self.is_ours(look.at) or is_broken:
                break
            found.insert(0, look.at)
        return found

    def hinders_checking(self, number: int) -> list[Spell[str]]:
        """Return all that keeps a probe from being judged, each with what it takes to come back from it."""
        probe, journal = self.world.probes[number], self.journal
        costs = probe.interval_ms + probe.timeout_ms
        silence = (way for way in self.sight.ways if way.what != PARTIAL)
        changes = (
            Spell(start=each.at, end=each.at + worst_alert_ms(each.probe), what="changed")
            for each in journal.changes
            if each.number == number
        )
        return [*longer((*journal.stops, *journal.lost), costs), *longer(silence, costs + ANSWER_SERVES), *changes]

    def hinders_mail(self) -> list[Spell[str]]:
        """Return all that keeps mail from being accepted, each with what it takes to come back from it."""
        again = {faults.REJECTING: LONGEST_PERMANENT} | dict.fromkeys(faults.KILLS, SLACK)
        spells = (
            spell
            for each in (*self.faults.moods, *self.journal.stops, *self.journal.lost)
            for spell in longer([each], again.get(each.what, LONGEST_BACKOFF) + LONGEST_SEND)
        )
        jumps = (
            Spell(start=at, end=at + LONGEST_PERMANENT, what=jump.what)
            for jump in self.faults.jumps
            for at in (jump.start, jump.end)
        )
        return [*spells, *jumps]

    def _was_well_between(self, number: int, start: int, end: int) -> bool:
        """Say whether there was a check between two times of which nothing more is to be said than that it was good."""
        starts, looks = self.journal.starts[number], self.journal.looks[number]
        checks = bisect_left(starts, end) - bisect_right(starts, start)
        told = bisect_left(looks, end, key=lambda look: look.at) - bisect_right(looks, start, key=lambda look: look.at)
        return checks != told


def deadline(start: int, within: int, hindrances: Iterable[Spell[str]]) -> int:
    """Return by when something is owed that takes so long where nothing hinders it."""
    at = start + within
    for each in sorted(hindrances, key=lambda each: each.start):
        if each.end >= start and each.start <= at:
            at += each.end - max(each.start, start)
    return at


def longer(spells: Iterable[Spell[str]], costs: int) -> Iterator[Spell[str]]:
    """Yield each spell with the time that it takes to come back from it."""
    for spell in spells:
        yield Spell(start=spell.start, end=spell.end + costs, what=spell.what)


def during(spells: Sequence[Spell[str]], start: int, end: int) -> list[Spell[str]]:
    """Return what touches a time."""
    return [spell for spell in spells if spell.start <= end and start <= spell.end]
