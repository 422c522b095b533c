"""What is promised, held against what is true and what happened. Nothing here asks the rules what they think.

Each promise is a function that names everything that breaks it. Delays are bounded by what the world did to us: a
deadline moves by the length of all that hinders us before it, and by what it takes to come back from that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertKind
from prober.core.model import ClosedAs, Kind, Opened, Reminded
from prober.core.schedule import worst_alert_ms
from tests.simulation import faults
from tests.simulation.books import CHANNELS
from tests.simulation.case import ANSWER_SERVES, LONGEST_SEND, SLACK, deadline, during, longer
from tests.simulation.world import MINUTE, OURS, PARTIAL, SECOND, Spell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prober.core.gate import Recipient
    from tests.simulation.case import Case
    from tests.simulation.journal import Happened, Mail

BLIND_AFTER: Final = 10 * MINUTE
BLIND_NOTICED_EVERY: Final = 5 * MINUTE
REMINDING_EVERY: Final = 5 * MINUTE
TOGETHER_AFTER: Final = MINUTE
REMIND_MS: Final = {channel.id: channel.remind_ms or 0 for channel in CHANNELS}
OPENING: Final = frozenset({AlertKind.DOWN, AlertKind.SLOW})
ENDING: Final = frozenset({AlertKind.RECOVERED, AlertKind.SLOW_OVER, AlertKind.RESOLVED, AlertKind.REMOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """When a promise was broken, about which probe, and how."""

    at: int
    why: str
    number: int | None = None
    promise: str = ""


def every_long_outage_belongs_to_an_incident_in_time(case: Case) -> Iterator[Broken]:
    """An outage that lasts longer than the worst time to its alert is found by then."""
    unread = list(_unread(case))
    for number, view in enumerate(case.sight.views):
        hindrances = case.hinders_checking(number)
        spans = [(each.at, case.ended_at(each)) for each in case.opened(number, Kind.DOWN)]
        for outage in view.outages:
            worst = worst_alert_ms(case.probe_at(number, outage.start)) + SLACK
            owed = deadline(outage.start, worst, [*hindrances, *longer(unread, worst)])
            is_found = any(opened <= owed and outage.start + SLACK < ended for opened, ended in spans)
            if owed <= outage.end and not is_found:
                yield Broken(at=owed, number=number, why=f"down from {outage.start} to {outage.end}, and no incident")


def every_event_is_mailed_in_time(case: Case) -> Iterator[Broken]:
    """What was recorded is mailed to everyone it is for: soon, or soon after what hindered it."""
    hindrances = [*case.hinders_mail(), *longer(_unread(case), LONGEST_SEND)]
    mailed: dict[tuple[str, Recipient], int] = {}
    for mail in case.journal.mails:
        for item in mail.items:
            mailed.setdefault((item.event, mail.recipient), mail.at)
    for each in case.journal.events:
        if case.is_lost(each.at) or case.is_given_up(each):
            continue
        owed = deadline(each.at, TOGETHER_AFTER + LONGEST_SEND + SLACK, hindrances)
        for recipient in each.recipients:
            at = mailed.get((each.item.event, recipient))
            if at is None or at > owed:
                yield _about(each, owed, f"{each.item.kind} for {recipient}: mailed {'never' if at is None else at}")


def no_incident_opens_without_confirmed_trouble(case: Case) -> Iterator[Broken]:
    """An incident rests on enough checks in a row that saw the target itself in trouble, not our own network."""
    for each in case.journal.events:
        if not isinstance(each.event, Opened) or each.number is None:
            continue
        policy = case.probe_at(each.number, each.at).policy
        signs, needed = ("x!", policy.failures) if each.event.kind is Kind.DOWN else ("s", policy.slow_checks)
        found = case.last_in_a_row(each.number, each.at, signs)
        if len(found) < needed:
            yield _about(each, each.at, f"{len(found)} real checks in a row of {needed}")


def the_beginning_is_told_before_the_end(case: Case) -> Iterator[Broken]:
    """Nobody hears of an end, or is reminded, who did not hear of the beginning; nothing begins after its end."""
    begun: set[tuple[str | None, Recipient]] = set()
    ended: set[tuple[str | None, Recipient]] = set()
    for mail in case.journal.first_mails():
        for item in sorted(mail.items, key=lambda item: item.kind not in OPENING):
            about = item.incident, mail.recipient
            if item.kind in OPENING:
                begun.add(about)
                if about in ended and not case.journal.lost:
                    yield Broken(at=mail.at, why=f"{item} after its end")
            elif item.incident is not None and about not in begun:
                yield Broken(at=mail.at, why=f"{item} without a beginning")
            if item.kind in ENDING:
                ended.add(about)


def every_end_is_told_to_those_who_know_of_the_beginning(case: Case) -> Iterator[Broken]:
    """Every incident ends before the world does; who heard of it hears of that, unless another one took over."""
    told: dict[str | None, set[Recipient]] = defaultdict(set)
    ends: dict[str | None, set[Recipient]] = defaultdict(set)
    for mail in case.journal.mails:
        for item in mail.items:
            if item.kind in OPENING | ENDING:
                (told if item.kind in OPENING else ends)[item.incident].add(mail.recipient)
    for each in case.journal.events:
        if not isinstance(each.event, Opened) or case.is_lost(each.at):
            continue
        closed_as = [closed.closed_as for _, closed in case.ends(each)][-1:]
        unaware = told[each.item.incident] - ends[each.item.incident]
        if not closed_as or (unaware and closed_as != [ClosedAs.SUPERSEDED]):
            yield _about(each, each.at, f"end unknown to {sorted(unaware)}" if closed_as else "no end")


def an_event_has_one_message_for_each_recipient(case: Case) -> Iterator[Broken]:
    """One Message-ID for an event and a recipient, one content for a Message-ID, repeated where its fate was open."""
    ids: dict[tuple[str, Recipient], str] = {}
    first: dict[str, Mail] = {}
    for mail in case.journal.mails:
        before = first.setdefault(mail.message_id, mail)
        if (before.recipient, before.items) != (mail.recipient, mail.items):
            yield Broken(at=mail.at, why=f"{mail.message_id} says two things")
        if before is not mail and not case.may_repeat(before.at, mail.at):
            yield Broken(at=mail.at, why=f"{mail.message_id} repeated for no reason")
        for item in mail.items:
            known = ids.setdefault((item.event, mail.recipient), mail.message_id)
            if known != mail.message_id and not during(case.journal.lost, first[known].at, mail.at):
                yield Broken(at=mail.at, why=f"{item.event} told to {mail.recipient} in two messages")


def a_slot_has_one_check(case: Case) -> Iterator[Broken]:
    """No check comes sooner than planned, but once after we were kept from checking."""
    kept = sorted([0, *(stop.end for stop in case.journal.stops)])
    for number, probe in enumerate(case.world.probes):
        looks = {look.at for look in case.journal.looks[number]}
        for before, after in pairwise(case.journal.starts[number]):
            if after - before >= probe.interval_ms - SECOND:
                continue
            may_be_sooner = probe.recheck_ms is not None and before in looks
            if not may_be_sooner and after - kept[bisect_right(kept, after) - 1] > probe.interval_ms:
                yield Broken(at=after, number=number, why=f"checked at {before} and again at {after}")


def a_probe_is_checked_in_every_interval(case: Case) -> Iterator[Broken]:
    """Nothing keeps a probe from being checked but what keeps us from working, and then one interval is enough."""
    for number, probe in enumerate(case.world.probes):
        within = probe.interval_ms + probe.timeout_ms
        changes = (Spell(start=each.at, end=each.at, what="") for each in case.journal.changes if each.number == number)
        stops = list(longer((*case.journal.stops, *case.journal.lost, *changes), within))
        for before, after in pairwise([0, *case.journal.starts[number], case.world.until]):
            if after - before > within and after > deadline(before, within + SLACK, stops):
                yield Broken(at=after, number=number, why=f"not checked from {before} to {after}")


def what_stays_open_is_told_again(case: Case) -> Iterator[Broken]:
    """Who asked for reminders gets them, as long as an incident is open and known to nobody."""
    heard, hindrances = case.mails_about(case.journal.mails), case.hinders_mail()
    for each in case.journal.events:
        if not isinstance(each.event, Opened) or case.is_lost(each.at):
            continue
        known_at = case.known_at(each)
        for recipient in each.recipients:
            wait = REMIND_MS[recipient[0]] + REMINDING_EVERY + TOGETHER_AFTER + LONGEST_SEND + SLACK
            times = [mail.at for mail in heard.get((each.item.incident, recipient), ())]
            for at, next_at in pairwise([*times, known_at]):
                if next_at > (owed := deadline(at, wait, hindrances)) and known_at > owed:
                    yield _about(each, owed, f"{recipient} was not reminded since {at}")


def nobody_is_reminded_too_much(case: Case) -> Iterator[Broken]:
    """No reminder is about what somebody knows, or comes sooner than asked for after the last mail."""
    for each in case.journal.events:
        acts = (act for act in case.journal.acts if act.incident == each.item.incident and act.at < each.at)
        if isinstance(each.event, Reminded) and any(acts):
            yield _about(each, each.at, "reminded of what is known")
    for (incident, recipient), mails in case.mails_about(case.journal.first_mails()).items():
        for before, after in pairwise(mails):
            kinds = {item.kind for item in after.items if item.incident == incident}
            is_soon = kinds == {AlertKind.REMINDER} and after.at - before.at < REMIND_MS[recipient[0]] - SLACK
            if is_soon and not case.jumped(before.at, after.at) and not case.may_repeat(before.at, after.at):
                yield Broken(at=after.at, why=f"{incident}: {recipient} was reminded too soon")


def a_blackout_is_told_once(case: Case) -> Iterator[Broken]:
    """When our own network is away for ten minutes, one alert says so; while it is not, none does."""
    told = [each.at for each in case.journal.events if each.item.kind is AlertKind.BLIND]
    silence = [way for way in longer(case.sight.ways, MINUTE) if way.what != PARTIAL]
    yield from (Broken(at=at, why="blind for nothing") for at in told if not during(silence, at, at))
    forgotten = [*case.journal.lost, *_unread(case)]
    set_at = [Spell(start=at, end=at, what=each.what) for each in case.faults.jumps for at in (each.start, each.end)]
    hindrances = [
        *longer(case.journal.stops, BLIND_NOTICED_EVERY),
        *longer((*forgotten, *set_at), BLIND_AFTER + BLIND_NOTICED_EVERY),  # counted anew
    ]
    for number, way in enumerate(case.sight.ways):
        if way.what not in OURS or case.is_same_blackout(number):
            continue
        times = [at for at in told if way.start <= at <= way.end + MINUTE]
        owed = deadline(way.start, BLIND_AFTER + BLIND_NOTICED_EVERY + ANSWER_SERVES + SLACK, hindrances)
        is_repeated = len(times) > 1 and not during(forgotten, way.start, way.end)
        if is_repeated or min([*times, way.end]) > owed:
            yield Broken(at=way.end, why=f"blind from {way.start} to {way.end}, told at {times}")


def nothing_waits_when_all_is_well(case: Case) -> Iterator[Broken]:
    """The backlog is drained after the last trouble."""
    if case.journal.waiting:
        yield Broken(at=case.world.until, why=f"{case.journal.waiting} alerts wait")


PROMISES: Final[Mapping[str, Callable[[Case], Iterator[Broken]]]] = {
    "outage": every_long_outage_belongs_to_an_incident_in_time,
    "mail": every_event_is_mailed_in_time,
    "confirmed": no_incident_opens_without_confirmed_trouble,
    "order": the_beginning_is_told_before_the_end,
    "end": every_end_is_told_to_those_who_know_of_the_beginning,
    "message": an_event_has_one_message_for_each_recipient,
    "slot": a_slot_has_one_check,
    "gap": a_probe_is_checked_in_every_interval,
    "reminder": what_stays_open_is_told_again,
    "nagging": nobody_is_reminded_too_much,
    "blind": a_blackout_is_told_once,
    "backlog": nothing_waits_when_all_is_well,
}


def all_broken(case: Case) -> list[Broken]:
    """Return everything that breaks a promise, with the promise's name."""
    return [replace(each, promise=name) for name, promise in PROMISES.items() for each in promise(case)]


def _unread(case: Case) -> Iterator[Spell[str]]:
    """Yield from when a process that began without the store knew nothing of it, until that came home."""
    for stop in case.journal.stops:
        for store in during(case.faults.stores, stop.end, stop.end):
            if stop.what in faults.KILLS:
                yield Spell(start=stop.end, end=store.end, what=store.what)


def _about(each: Happened, at: int, why: str) -> Broken:
    return Broken(at=at, number=each.number, why=f"{each.item.incident or each.item.event}: {why}")
