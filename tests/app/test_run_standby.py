"""A one-shot run behind another monitor: how often it looks, how long it stays for that, and what waits for nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.store import outbox
from prober.adapters.store.standings import find_standing
from prober.app.actions.drill import queue_drill
from prober.app.announce import queue_store_alert
from prober.app.standby import LOOK_WITHIN_S
from prober.app.waiting import read_facts
from tests.app.looks import BEHIND, Looks
from tests.app.world import HERE, QUICK, World, channel, config, probe
from tests.fakes import MIN_MS, header, jumping_time

if TYPE_CHECKING:
    from pathlib import Path

    from prober.core.standby import Standing


pytestmark = pytest.mark.anyio
HOUR_S = 3_600


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "prober.db", config(probe(policy=QUICK), probe("alone", policy=QUICK), standby=BEHIND))


def looking(world: World, script: str, *, wait_ms: int = MIN_MS) -> Looks:
    looks = Looks(world.clock, script, wait_ms=wait_ms)
    world.look = looks
    return looks


def standing(world: World, location: str = "here") -> Standing:
    with closing(world.open()) as store:
        found = find_standing(store, location)
    assert found is not None
    return found


def minutes(looks: Looks) -> list[float]:
    """Return when each look was, after the first."""
    return [(at_ms - looks.at_ms[0]) / MIN_MS for at_ms in looks.at_ms]


async def later(
    world: World, history: str | dict[str, str] = "", *, seconds: float = 300, script: str = ""
) -> list[str]:
    """Run once after some time, and return the subjects of the mails that it sent."""
    await anyio.sleep(seconds)
    if script:
        looking(world, script)
    before = len(world.mail.accepted)
    await world.run(history)
    return world.mail.subjects()[before:]


async def test_a_run_looks_once_where_all_is_well(world: World) -> None:
    looks = looking(world, "F")
    began = anyio.current_time()
    await world.run()
    assert (len(looks.at_ms), anyio.current_time() - began < 1) == (1, True)


async def test_looks_are_as_far_apart_as_configured_also_between_runs(world: World) -> None:
    looks = looking(world, "F")
    for _ in range(9):
        await world.run()
        await anyio.sleep(25)
    assert minutes(looks) == pytest.approx([0, 1.25, 2.5], abs=0.1)


@pytest.mark.parametrize(("script", "stays"), [("FSS", [0, 1]), ("FUUU", [0, 1, 2]), ("FAA", [0, 1]), ("FK", [0])])
async def test_a_run_stays_for_the_looks_that_it_takes_to_be_sure(
    world: World, script: str, stays: list[float]
) -> None:
    looks = looking(world, script)
    await world.run()
    looks.at_ms.clear()
    assert len(await later(world)) == 1
    assert minutes(looks) == pytest.approx(stays, abs=0.01)


async def test_a_run_goes_on_where_the_last_one_had_to_end(world: World) -> None:
    looking(world, "FS")
    await world.run()
    await anyio.sleep(60)
    await world.run(deadline_ms=30_000)
    assert (standing(world).stale, world.mail.subjects()) == (1, [])
    (told,) = await later(world)
    assert told.startswith("[PROBER] UptimeRobot silent")


async def test_a_run_that_stays_for_a_look_checks_nothing_meanwhile(world: World) -> None:
    looking(world, "FSS")
    await world.run()
    await later(world, "...")
    assert world.checker.count("api") == 1


async def test_what_falls_while_a_look_hangs_is_mailed_before_it_ends(world: World) -> None:
    await later(world, script="F")
    looking(world, "h")
    await anyio.sleep(60)
    began = anyio.current_time()
    await world.run({"alone": "x"}, deadline_ms=15_000)
    assert world.mail.subjects() == ["[DOWN P1] alone: status 503 (inc 1)"]
    assert world.mail.tried_at_s[0] - began < 0.2
    assert anyio.current_time() - began == pytest.approx(15, abs=0.1)


async def test_a_look_that_hangs_ends_by_its_deadline_and_three_of_them_are_one_too_many(world: World) -> None:
    await later(world, {"api": "x"}, script="F")
    looks = looking(world, "h")
    await anyio.sleep(60)
    began = anyio.current_time()
    await world.run({"api": "xx"})
    assert [each.split()[0] for each in world.mail.subjects()] == ["[PROBER]", "[DOWN"]
    assert len(looks.at_ms) == 3
    assert anyio.current_time() - began == pytest.approx(3 * LOOK_WITHIN_S + 2 * 60, abs=1)
    assert (standing(world).role, world.checker.count("api")) == ("standing-in", 1)


async def test_whether_our_own_network_is_fine_is_asked_where_nobody_answered(world: World) -> None:
    world.configure(probe(policy=QUICK), connectivity_urls=("https://one.example/",))
    await later(world, script="F")
    for _ in range(3):
        told = await later(world, {"api": "!", "connectivity-0": "!"}, seconds=60, script="U")
        assert not any("UptimeRobot" in each for each in told)
    assert (standing(world).silent, standing(world).role) == (0, "standby")
    told = await later(world, {"api": "!", "connectivity-0": "...."}, script="U")
    assert [each.split()[0] for each in told] == ["[PROBER]", "[DOWN"]


async def test_who_asks_us_to_come_back_later_is_not_asked_before(world: World) -> None:
    looks = looking(world, "FL", wait_ms=10 * MIN_MS)
    await later(world)
    for _ in range(12):
        await later(world, {"api": "x"}, seconds=60)
    assert minutes(looks) == pytest.approx([0, 1, 11], abs=0.05)
    told = [each for _ in range(5) for each in await later(world, {"api": "x"}, seconds=60)]
    assert [each.split()[0] for each in told] == ["[PROBER]", "[DOWN"]
    assert len(looks.at_ms) == 3


async def test_a_key_that_is_refused_is_told_once_a_day(world: World) -> None:
    told = [await later(world, seconds=HOUR_S, script="K") for _ in range(50)]
    times = [number for number, each in enumerate(told) if each]
    assert (times[0], [len(each) for each in told if each]) == (0, [1] * len(times))
    assert times[1:] in ([24, 48], [24, 49])


async def test_a_disagreement_is_told_once_and_the_incident_stays_held(world: World) -> None:
    told = [await later(world, {"api": "x"}, seconds=240, script="F") for _ in range(20)]
    assert [(number, each) for number, each in enumerate(told) if each] == [
        (4, ["[PROBER] UptimeRobot says up, we say down: api (inc 1)"])
    ]
    assert header(world.mail.accepted[0][1], "X-Prober-Severity") == "P3"
    (held,) = world.incidents()
    assert (held.is_held, held.announced_at_ms) == (True, None)


async def test_there_are_reminders_while_we_stand_in_and_none_while_we_stand_by(world: World) -> None:
    world.configure(channels=(channel(remind_ms=30 * MIN_MS),))
    await later(world, {"api": "x"}, script="FSS")
    told = [each.split()[0] for _ in range(13) for each in await later(world, {"api": "x"}, script="S")]
    assert told == ["[PROBER]", "[DOWN", "[STILL", "[STILL"]
    assert await later(world, {"api": "xxxx"}, script="FFF") == ["[PROBER] UptimeRobot is back: standing by"]
    assert [each for _ in range(12) for each in await later(world, {"api": "x"}, script="F")] == [
        "[PROBER] UptimeRobot says up, we say down: api (inc 1)"
    ]


async def test_a_wrong_clock_puts_off_no_look(world: World) -> None:
    looks = looking(world, "F")
    await world.run()
    world.clock.set_by_ms -= 10 * HOUR_S * 1000
    await world.run()
    assert len(looks.at_ms) == 2


async def test_a_run_of_one_probe_looks_for_all_of_them(world: World) -> None:
    looking(world, "F")
    await world.run("", [world.config.probes[1]])
    assert set(standing(world).probes) == {"api", "alone"}


async def test_another_place_has_a_role_of_its_own(world: World) -> None:
    looking(world, "FSS")
    await world.run()
    await later(world)
    assert standing(world).role == "standing-in"
    world.config = replace(world.config, location="there")
    looking(world, "F")
    await world.run()
    assert (standing(world, "there").role, standing(world).role) == ("standby", "standing-in")


async def test_a_takeover_with_many_outages_says_in_one_mail_that_we_stand_in(world: World) -> None:
    ids = [f"p{number}" for number in range(4)]
    world.configure(*(probe(each, policy=QUICK) for each in ids))
    world.look = Looks(world.clock, "F", ids=ids)
    await world.run("x")
    await anyio.sleep(300)
    world.look = Looks(world.clock, "S", ids=ids)
    report = await world.run("x")
    assert sorted(report.released) == [(each, number + 1) for number, each in enumerate(ids)]
    (batch,) = [mail for _, mail in world.mail.accepted if header(mail, "X-Prober-Event") == "several"]
    assert b"standing-in" in batch
    assert b"Role                           active" not in batch


async def test_what_was_held_until_it_was_over_stays_marked_as_never_told(world: World) -> None:
    looking(world, "F")
    await world.run({"api": "x"})
    assert await later(world, {"api": "."}) == []
    (incident,) = world.incidents()
    assert (incident.closed_as, incident.is_held, incident.announced_at_ms) == ("recovered", True, None)
    await later(world, script="S")
    assert not [each for each in world.mail.subjects() if each.startswith("[DOWN")]


@pytest.mark.parametrize(("script", "role"), [("F", "standby"), ("S", "standing-in")])
async def test_a_mail_about_ourselves_has_our_role_too(world: World, script: str, role: str) -> None:
    looking(world, script)
    await world.run()
    with closing(world.open()) as store:
        queue_store_alert(store, world.config, HERE, "prober.db.corrupt-1", world.clock.now_ms())
        queue_drill(store, world.config, HERE, world.clock.now_ms())
        told = [read_facts(row) for row in outbox.all_waiting(store)]
    assert [facts.role for facts in told if facts is not None and facts.kind in {"store_corrupt", "test"}] == [role] * 2
