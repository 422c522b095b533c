"""Reminders through the whole of a run: queued, mailed, never early, and gone when nobody needs them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.store import incidents, outbox
from prober.app.people import Deed, acknowledge, mark_false_positive, unmark_false_positive
from prober.app.remind import due_reminders
from prober.core.alerts import AlertFacts
from prober.core.model import Reminded
from tests.app.world import CHIEF, OPS, QUICK, World, channel, probe
from tests.fakes import header, jumping_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from prober.adapters.store.db import Store

pytestmark = pytest.mark.anyio
HOUR_S = 3600
HOUR_MS = 3_600_000


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture
def world(world: World) -> World:
    world.configure(probe(policy=QUICK), channels=(channel(remind_ms=HOUR_MS),))
    return world


async def later(world: World, *signs: str, hours: float = 0.5) -> None:
    """Run every half hour."""
    for sign in signs:
        await anyio.sleep(hours * HOUR_S)
        await world.run(sign)


def words(world: World, recipient: str | None = None) -> list[str]:
    return [subject.partition("]")[0] for subject in world.mail.subjects(recipient)]


def do(world: World, deed: Callable[[Store, Deed], str], number: int = 1) -> str:
    with closing(world.open()) as store:
        return deed(store, Deed(number=number, who="ann", at_ms=world.clock.now_ms()))


async def test_an_open_incident_is_told_again_each_time_that_remind_has_passed(world: World) -> None:
    await world.run("x")
    await later(world, *"xxxx")
    assert words(world) == ["[DOWN P1", "[STILL DOWN 1h00m", "[STILL DOWN 2h00m"]
    await later(world, *".x")
    assert words(world)[3:] == ["[UP after 2h30m", "[DOWN P1"]
    ids = [header(mail, "Message-ID") for _, mail in world.mail.accepted]
    assert len(set(ids)) == 5
    assert [header(mail, "In-Reply-To") for _, mail in world.mail.accepted] == ["", *ids[:1] * 3, ""]
    assert len({subject.partition("] ")[2] for subject in world.mail.subjects()[:4]}) == 1


async def test_a_reminder_is_an_event_of_the_round_and_says_how_things_are(world: World) -> None:
    await world.run("x")
    await later(world, *"..")
    await later(world, "x", hours=1)
    await anyio.sleep(HOUR_S)
    report = await world.run("x")
    assert [type(each.event) for each in report.told] == [Reminded]
    assert [each.incident for each in report.told] == [2]
    facts = AlertFacts.from_json(world.rows()[-1].facts)
    assert (facts.kind, facts.incident, facts.failed_checks, facts.remind_ms) == ("reminder", 2, 2, HOUR_MS)
    assert facts.rule == "an incident that is open and not acknowledged is told again (remind)"
    assert facts.connectivity is None


async def test_a_slow_incident_is_told_again_too(world: World) -> None:
    await world.run("s")
    await later(world, "s", hours=1)
    assert words(world) == ["[SLOW 1.5s > 1s", "[STILL SLOW 1h00m"]
    assert AlertFacts.from_json(world.rows()[-1].facts).percentiles[0].window == "24h"


async def test_without_remind_nobody_is_reminded(world: World) -> None:
    world.configure(channels=(channel(),))
    await world.run("x")
    await later(world, *"xxx", hours=24)
    assert words(world) == ["[DOWN P1"]


async def test_many_runs_within_the_time_remind_once(world: World) -> None:
    await world.run("x")
    await later(world, *"x" * 22, hours=1 / 12)
    assert words(world) == ["[DOWN P1", "[STILL DOWN 1h00m"]
    assert world.count("events") == 2


async def test_the_time_is_measured_from_when_the_last_alert_was_accepted(world: World) -> None:
    world.mail.script = "ggg"
    await world.run("x")
    await later(world, *"xxx")
    assert world.mail.accepted == world.mail.tried[3:4]
    assert words(world) == ["[DOWN P1"]
    await later(world, *"xx")
    assert words(world) == ["[DOWN P1", "[STILL DOWN 2h30m"]


async def test_a_reminder_that_waits_is_not_followed_by_another(world: World) -> None:
    await world.run("x")
    world.mail.script = "g" * 6
    await later(world, *"xxxxxx")
    assert [row.kind for row in world.waiting()] == ["reminder"]


async def test_a_reminder_that_waits_when_the_end_comes_is_told_by_it(world: World) -> None:
    await world.run("x")
    world.mail.script = "gg"
    await later(world, *"xx")
    await later(world, ".", hours=0.1)
    assert words(world) == ["[DOWN P1", "[UP after 1h06m"]
    assert [(row.kind, row.state) for row in world.rows()] == [
        ("down", "sent"),
        ("reminder", "merged"),
        ("recovered", "sent"),
    ]
    assert AlertFacts.from_json(world.rows()[-1].facts).is_merged is False


async def test_a_reminder_whose_fate_is_unknown_is_repeated_before_the_end_is_told(world: World) -> None:
    await world.run("x")
    world.mail.script = "l"
    await later(world, *"xx")
    await later(world, ".", hours=0.1)
    assert words(world) == ["[DOWN P1", "[STILL DOWN 1h00m", "[UP after 1h06m"]


async def test_who_first_hears_of_it_by_a_reminder_hears_of_the_end(world: World) -> None:
    await world.run("x")
    world.configure(channels=(channel(OPS, CHIEF, remind_ms=HOUR_MS),))
    await later(world, *"xx.")
    assert words(world, CHIEF) == ["[STILL DOWN 1h00m", "[UP after 1h30m"]
    assert words(world, OPS) == ["[DOWN P1", "[STILL DOWN 1h00m", "[UP after 1h30m"]


async def test_whose_first_news_waits_when_the_end_comes_gets_one_mail_for_both(world: World) -> None:
    await world.run("x")
    world.configure(channels=(channel(OPS, CHIEF, remind_ms=HOUR_MS),))
    world.mail.script = "gag"
    await later(world, *"xx")
    await later(world, ".", hours=0.1)
    assert words(world, OPS) + words(world, CHIEF) == [
        *("[DOWN P1", "[STILL DOWN 1h00m", "[UP after 1h06m"),
        "[UP after 1h06m, alert delayed",
    ]


async def test_a_run_that_is_to_tell_nobody_reminds_nobody_and_the_next_one_does(world: World) -> None:
    await world.run("x")
    await anyio.sleep(HOUR_S)
    quiet = await world.run("x", is_alerting=False)
    assert (quiet.told, quiet.queued) == ([], 0)
    await world.run("x")
    assert words(world) == ["[DOWN P1", "[STILL DOWN 1h00m"]


async def test_an_incident_that_was_never_announced_is_not_told_by_a_reminder(world: World) -> None:
    await world.run("x", is_alerting=False)
    await later(world, *"xxx", hours=2)
    assert world.rows() == []


async def test_of_a_probe_that_nobody_watches_nobody_is_reminded(world: World) -> None:
    await world.run("x")
    world.configure(probe(policy=QUICK, enabled=False), probe("other"))
    await later(world, *"..", hours=2)
    assert words(world) == ["[DOWN P1"]


@pytest.mark.parametrize("deed", [acknowledge, mark_false_positive])
async def test_acknowledging_or_a_false_positive_ends_the_reminders_and_not_the_incident(
    world: World, deed: Callable[[Store, Deed], str]
) -> None:
    await world.run("x")
    await later(world, *"xx")
    do(world, deed)
    await later(world, *"xxxx.")
    assert words(world) == ["[DOWN P1", "[STILL DOWN 1h00m", "[UP after 3h30m"]
    assert AlertFacts.from_json(world.rows()[-1].facts).acknowledged_by == ("ann" if deed is acknowledge else None)


async def test_a_reminder_that_waits_is_given_up_when_somebody_takes_the_incident(world: World) -> None:
    await world.run("x")
    world.mail.script = "g"
    await later(world, *"xx")
    do(world, acknowledge)
    await later(world, *"xx")
    assert (words(world), world.waiting()) == (["[DOWN P1"], [])


async def test_what_is_no_false_positive_after_all_is_told_again(world: World) -> None:
    await world.run("x")
    do(world, mark_false_positive)
    await later(world, *"xxx")
    do(world, unmark_false_positive)
    await world.run("x")
    assert words(world) == ["[DOWN P1", "[STILL DOWN 1h30m"]


async def test_many_reminders_for_one_recipient_are_one_mail(world: World) -> None:
    world.configure(*(probe(name, policy=QUICK) for name in ("api", "db", "shop", "web")))
    await world.run("x")
    await later(world, *"xx")
    assert words(world) == ["[DOWN 4", "[STILL DOWN 4"]
    assert header(world.mail.accepted[1][1], "Importance") == "high"
    assert header(world.mail.accepted[1][1], "X-Prober-Incident") == "1, 2, 3, 4"
    await later(world, *"xxxx")
    assert words(world)[2:] == ["[STILL DOWN 4"] * 2


async def test_each_channel_has_its_own_time(world: World) -> None:
    world.configure(channels=(channel(OPS, remind_ms=HOUR_MS), channel(CHIEF, id="chief", remind_ms=3 * HOUR_MS)))
    await world.run("x")
    await later(world, *"xxx", hours=1)
    assert words(world, OPS)[1:] == ["[STILL DOWN 1h00m", "[STILL DOWN 2h00m", "[STILL DOWN 3h00m"]
    assert words(world, CHIEF)[1:] == ["[STILL DOWN 3h00m"]
    assert world.count("events") == 4


async def test_who_was_taken_out_of_the_configuration_with_a_reminder_waiting_is_reminded_when_put_back(
    world: World,
) -> None:
    await world.run("x")
    world.mail.script = "g"
    await later(world, "x", hours=1)
    assert [row.kind for row in world.waiting()] == ["reminder"]
    world.configure(channels=(channel(CHIEF, remind_ms=HOUR_MS),))
    await later(world, "x", hours=0.1)
    world.configure(channels=(channel(OPS, remind_ms=HOUR_MS),))
    await later(world, *"xxx", hours=1)
    assert [word.rpartition(" ")[0] for word in words(world, OPS)] == ["[DOWN", *["[STILL DOWN"] * 3]


async def test_what_is_due_is_found_and_nothing_changes_by_looking(world: World) -> None:
    await world.run("x")
    await anyio.sleep(HOUR_S)
    with closing(world.open()) as store:
        for _ in range(2):
            assert len(due_reminders(store, world.config, world.clock.now_ms())) == 1
        assert due_reminders(store, world.config, world.clock.now_ms() - 1000) == []
        assert outbox.all_waiting(store) == []
        assert len(incidents.open_incidents(store, "here")) == 1
