"""What people do about incidents: who was it, when, and what it changes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.store import states
from prober.app import people
from prober.app.people import Deed
from prober.core.alerts import AlertFacts
from prober.core.model import ClosedAs, State
from prober.errors import UsageError
from tests.app.world import CHIEF, HERE, OPS, World, channel, probe
from tests.fakes import MIN_MS, T0, jumping_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from prober.adapters.store.db import Store
    from prober.core.report import Story

pytestmark = pytest.mark.anyio
ANN = Deed(number=1, who="ann", at_ms=T0 + 60 * MIN_MS)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def do(world: World, act: Callable[[Store, Deed], str], deed: Deed = ANN) -> str:
    with closing(world.open()) as store:
        return act(store, deed)


def resolve(world: World, deed: Deed = ANN) -> int:
    with closing(world.open()) as store:
        now = replace(deed, at_ms=world.clock.now_ms())
        return people.resolve(store, now, config=world.config, place=HERE)


def story(world: World, number: int = 1) -> Story:
    with closing(world.open()) as store:
        return people.tell_story(store, number, config=world.config, now_ms=world.clock.now_ms())


def deeds(world: World) -> list[tuple[str, str, str | None]]:
    return [(note.who, note.action, note.text) for note in story(world).notes]


async def test_acknowledging_says_who_when_and_why(world: World) -> None:
    await world.runs("xxx")
    said = do(world, people.acknowledge, replace(ANN, text="on it"))
    assert said == "incident 1 (api) is acknowledged by ann: no more reminders"
    incident = story(world).incident
    assert (incident.acknowledged_at_ms, incident.acknowledged_by, incident.ended_at_ms) == (ANN.at_ms, "ann", None)
    assert deeds(world) == [("ann", "acknowledged", "on it")]


async def test_acknowledging_again_changes_nothing_and_says_who_was_first(world: World) -> None:
    await world.runs("xxx")
    do(world, people.acknowledge)
    bob = replace(ANN, who="bob", at_ms=ANN.at_ms + MIN_MS)
    first = "incident 1 is acknowledged already, by ann at 2026-09-21 15:13:20 UTC"
    assert do(world, people.acknowledge, bob) == first
    assert do(world, people.acknowledge, replace(bob, text="me too")) == first
    assert story(world).incident.acknowledged_by == "ann"
    assert deeds(world) == [("ann", "acknowledged", None), ("bob", "noted", "me too")]


@pytest.mark.parametrize("act", [people.acknowledge, "resolve"])
async def test_what_is_over_is_neither_acknowledged_nor_resolved(
    world: World, act: Callable[[Store, Deed], str] | str
) -> None:
    await world.runs("xxx..")
    said = r'incident 1 is over: recovered at 2026-.* UTC\.\nA word about it: prober incidents note 1 "\.\.\."'
    with pytest.raises(UsageError, match=said):
        resolve(world) if isinstance(act, str) else do(world, act)
    assert deeds(world) == []


async def test_a_note_is_welcome_before_and_after_the_end(world: World) -> None:
    await world.runs("xxx")
    assert do(world, people.note, replace(ANN, text="one")) == "noted about incident 1 (api)"
    await world.runs("..")
    do(world, people.note, replace(ANN, text="two"))
    assert deeds(world) == [("ann", "noted", "one"), ("ann", "noted", "two")]


@pytest.mark.parametrize("history", ["xxx", "xxx.."])
async def test_a_false_positive_is_marked_and_unmarked_open_or_over(world: World, history: str) -> None:
    await world.runs(history)
    before = story(world).incident
    assert do(world, people.mark_false_positive, replace(ANN, text="our router")) == (
        "incident 1 (api) is a false positive: it costs no uptime any more"
    )
    assert story(world).incident == replace(before, false_positive=True)
    assert do(world, people.unmark_false_positive) == "incident 1 (api) counts again"
    assert story(world).incident == before
    assert deeds(world) == [("ann", "false_positive", "our router"), ("ann", "not_false_positive", None)]


async def test_marking_again_changes_nothing_and_says_who_was_first(world: World) -> None:
    await world.runs("xxx")
    bob = replace(ANN, who="bob", text="hm")
    assert do(world, people.unmark_false_positive, bob) == "incident 1 is no false positive"
    do(world, people.mark_false_positive)
    first = "incident 1 is a false positive already, by ann at 2026-09-21 15:13:20 UTC"
    assert do(world, people.mark_false_positive, replace(bob, at_ms=bob.at_ms + MIN_MS)) == first
    assert deeds(world) == [("bob", "noted", "hm"), ("ann", "false_positive", None), ("bob", "noted", "hm")]


async def test_a_false_positive_costs_no_uptime_and_its_end_is_told(world: World) -> None:
    await world.runs("xxx")
    do(world, people.mark_false_positive)
    await world.runs("..")
    assert [row.kind for row in world.rows()] == ["down", "recovered"]
    assert AlertFacts.from_json(world.rows()[-1].facts).figures[0].uptime_percent == 100


async def test_resolving_ends_it_and_tells_those_who_were_told(world: World) -> None:
    world.configure(channels=(channel(OPS, CHIEF), channel("new@acme.example", id="prod", tags=("prod",))))
    await world.runs("xxx")
    assert resolve(world, replace(ANN, text="the check was wrong")) == 2
    incident = story(world).incident
    assert (incident.closed_as, incident.ended_at_ms) == (ClosedAs.RESOLVED, story(world).notes[0].at_ms)
    assert deeds(world) == [("ann", "resolved", "the check was wrong")]
    assert [(row.kind, row.recipient) for row in world.waiting()] == [("resolved", CHIEF), ("resolved", OPS)]
    facts = AlertFacts.from_json(world.waiting()[0].facts)
    assert (facts.resolved_by, facts.resolved_note) == ("ann", "the check was wrong")
    assert (facts.rule, facts.connectivity) == ("a person ended the incident (prober incidents resolve)", None)
    await world.run("x")
    assert world.mail.subjects()[2:] == ["[RESOLVED by ann] api: status 503 (inc 1)"] * 2


async def test_three_new_failures_open_the_next_after_a_resolved_one(world: World) -> None:
    await world.runs("xxxx")
    resolve(world)
    with closing(world.open()) as store:
        assert states.all_states(store, "here")["api"].state is State.UNKNOWN
    await world.runs("xx")
    assert len(world.incidents()) == 1
    await world.run("x")
    assert [each.closed_as for each in world.incidents()] == [ClosedAs.RESOLVED, None]


async def test_a_slow_incident_is_resolved_likewise(world: World) -> None:
    await world.runs("sss")
    resolve(world)
    await world.runs("ss")
    assert [(each.kind, each.closed_as) for each in world.incidents()] == [("slow", ClosedAs.RESOLVED)]
    assert world.mail.subjects()[1:] == ["[RESOLVED by ann] api: slow responses (inc 1)"]


async def test_what_nobody_was_told_of_is_resolved_in_silence(world: World) -> None:
    for sign in "xxx":
        await world.run(sign, is_alerting=False)
    assert resolve(world) == 0
    assert world.rows() == []
    assert world.count("events") == 2


async def test_an_alert_that_waits_and_the_resolution_become_one_mail(world: World) -> None:
    world.mail.script = "g"
    await world.runs("xxx")
    resolve(world)
    await anyio.sleep(60)
    await world.run(".")
    assert world.mail.subjects() == ["[RESOLVED by ann, alert delayed] api: status 503 (inc 1)"]


async def test_an_incident_of_another_location_is_resolved_there(world: World) -> None:
    world.configure(location="there")
    await world.runs("xxx")
    world.configure(location="here")
    await world.runs("xxx")
    assert resolve(world) == 1
    assert [(each.location, each.closed_as) for each in world.incidents()] == [
        ("there", ClosedAs.RESOLVED),
        ("here", None),
    ]
    assert AlertFacts.from_json(world.waiting()[0].facts).location == "there"


async def test_an_incident_of_a_probe_that_was_removed_or_forgotten_is_resolved_too(world: World) -> None:
    await world.runs("xxx")
    with closing(world.open()) as store:
        store.write("DELETE FROM states")
    world.configure(probe("other"))
    assert resolve(world) == 1
    assert world.incidents()[0].closed_as is ClosedAs.RESOLVED


@pytest.mark.parametrize(
    "act", [people.acknowledge, people.note, people.mark_false_positive, people.unmark_false_positive, "resolve"]
)
async def test_an_unknown_number_is_refused(world: World, act: Callable[[Store, Deed], str] | str) -> None:
    with pytest.raises(UsageError, match=r"there is no incident 1\. See: prober incidents list"):
        resolve(world) if isinstance(act, str) else do(world, act)


async def test_the_story_of_an_incident_is_all_that_was_told_and_done(world: World) -> None:
    await world.runs("xxx")
    do(world, people.acknowledge)
    await world.runs("..")
    told = story(world)
    assert [(each.kind, each.state) for each in told.alerts] == [("down", "sent"), ("recovered", "sent")]
    assert [note.action for note in told.notes] == ["acknowledged"]


async def test_whoever_takes_an_incident_is_told_of_the_reminder_that_is_given_up(world: World) -> None:
    await world.runs("xxx")
    with closing(world.open()) as store:
        store.write("UPDATE outbox SET kind = 'reminder', state = 'queued'")
    assert do(world, people.acknowledge).endswith(": no more reminders, 1 that waited given up")
