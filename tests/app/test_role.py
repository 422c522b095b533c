"""Where we stand, as the store tells it: our role, the looks, and what is held."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.adapters.store import standings
from prober.adapters.store.standings import LookRow
from prober.app.people import tell_story
from prober.app.report import report_status
from prober.app.role import report_role, what_holds, where_we_stand
from prober.core.roles import Glance
from prober.core.settings import Maintenance, Standby
from prober.core.sight import Verdict
from prober.core.standby import ProbeStanding, Standing
from tests.app.world import QUICK, World, probe
from tests.fakes import MIN_MS, T0, jumping_time

if TYPE_CHECKING:
    from prober.core.gate import HeldBy
    from prober.core.report import StatusReport
    from prober.core.roles import RoleReport

pytestmark = pytest.mark.anyio

NOW = T0 + 10_000
BEHIND = Standby(behind="uptimerobot", url="http://127.0.0.1:1/v2/", api_key="key")
BY = Standing(
    seen=Verdict.WATCHING,
    why=Verdict.WATCHING,
    since_ms=T0,
    looked_ms=T0,
    probes={"api": ProbeStanding(fresh=1), "web": ProbeStanding(is_ours=True, is_linked=False)},
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture
def world(world: World) -> World:
    world.configure(probe("api", policy=QUICK), probe("web", policy=QUICK), standby=BEHIND)
    return world


def stand(world: World, standing: Standing, *looks: LookRow, location: str = "here") -> None:
    with closing(world.open()) as store, store.transaction():
        standings.save_standing(store, location, standing)
        for each in looks:
            standings.save_look(store, each)


def roles(world: World, limit: int = 20) -> RoleReport:
    with closing(world.open()) as store:
        return report_role([store], world.config, now_ms=NOW, limit=limit)


def status(world: World) -> StatusReport:
    with closing(world.open()) as store:
        return report_status(store, world.config, world.config.probes, now_ms=NOW)


def look(at_ms: int, location: str = "here") -> LookRow:
    return LookRow(
        location=location, at_ms=at_ms, seen=Verdict.STALE, role="standby", monitors=3, newest_at_ms=T0 - 5, why="w"
    )


def test_behind_nobody_we_are_active_and_nothing_is_read(world: World) -> None:
    world.configure(standby=None)
    stand(world, BY, look(T0))
    shown = roles(world)
    assert (shown.role, shown.behind, shown.standing, shown.probes, shown.looks) == ("active", None, None, (), ())
    assert (status(world).role, status(world).watcher) == ("active", None)


@pytest.mark.parametrize("has_store", [True, False])
def test_before_the_first_look_we_stand_by(world: World, *, has_store: bool) -> None:
    shown = roles(world) if has_store else report_role([], world.config, now_ms=NOW, limit=9)
    assert (shown.role, shown.standing, shown.next_look_ms, shown.looks) == ("standby", Standing(), None, ())
    assert [each.care for each in shown.probes] == ["unseen", "unseen"]
    seen = status(world) if has_store else report_status(None, world.config, world.config.probes, now_ms=NOW)
    assert (seen.role, seen.watcher) == ("standby", "UptimeRobot")


def test_the_role_of_each_probe_and_the_last_looks_are_told(world: World) -> None:
    stand(world, BY, *(look(T0 + number) for number in range(4)))
    shown = roles(world, limit=2)
    assert (shown.behind, shown.standing, shown.next_look_ms) == ("uptimerobot", BY, T0 + MIN_MS)
    assert [(each.id, each.role, each.care) for each in shown.probes] == [
        ("api", "standby", "watched"),
        ("web", "standing-in", "unwatched"),
    ]
    assert [each.at_ms for each in shown.looks] == [T0 + 3, T0 + 2]
    assert shown.looks[0] == Glance(
        at_ms=T0 + 3, seen=Verdict.STALE, role="standby", monitors=3, newest_at_ms=T0 - 5, why="w"
    )


def test_a_status_has_our_role_and_that_of_probes_where_it_differs(world: World) -> None:
    paused = probe("old", enabled=False)
    world.configure(*world.config.probes, paused)
    stand(world, replace(BY, probes={**BY.probes, "old": ProbeStanding(is_ours=True)}))
    shown = status(world)
    assert (shown.role, shown.role_since_ms, shown.watcher) == ("standby", T0, "UptimeRobot")
    assert [each.role for each in shown.probes] == [None, "standing-in", None]
    stand(world, replace(BY, role="standing-in"))
    assert (status(world).role, {each.role for each in status(world).probes}) == ("standing-in", {None})


async def test_where_nobody_checks_the_last_location_that_did_is_shown(world: World) -> None:
    world.configure(location="runner-1")
    await world.run(".")
    stand(world, replace(BY, role="standing-in"), look(T0, "runner-1"), location="runner-1")
    world.configure(location="laptop")
    shown = roles(world)
    assert (shown.location, shown.role, len(shown.looks)) == ("runner-1", "standing-in", 1)
    assert status(world).role == "standing-in"


WORK = Maintenance(start_ms=T0 - MIN_MS, duration_ms=MIN_MS * 60)


@pytest.mark.parametrize(
    ("after", "windows", "expected"),
    [
        (BY, (), "standby"),
        (BY, (WORK,), "standby"),
        (replace(BY, role="standing-in"), (WORK,), "maintenance"),
        (replace(BY, role="standing-in"), (), None),
    ],
)
async def test_what_is_held_says_by_what(
    world: World, after: Standing, windows: tuple[Maintenance, ...], expected: HeldBy | None
) -> None:
    stand(world, BY)
    report = await world.run({"api": "x"})
    assert [(each.incident, each.held_by) for each in report.told] == [(1, "standby")]
    assert report.held == {1: "standby"}
    stand(world, after)
    world.configure(maintenance=windows)
    with closing(world.open()) as store:
        assert what_holds(store, world.config, world.incidents(), now_ms=NOW) == {1: expected}
        story = tell_story(store, 1, config=world.config, now_ms=NOW)
    assert (story.held_by, story.watcher) == (expected, "UptimeRobot")
    assert status(world).held == {1: expected}


async def test_what_is_told_is_not_held(world: World) -> None:
    stand(world, BY)
    report = await world.run({"web": "x"})
    assert [(each.incident, each.held_by) for each in report.told] == [(1, None)]
    assert (report.held, status(world).held) == ({}, {})


async def test_without_alerting_nothing_is_said_to_be_held(world: World) -> None:
    stand(world, BY)
    report = await world.run({"api": "x"}, is_alerting=False)
    assert [each.held_by for each in report.told] == [None]


def test_an_unknown_location_stands_by(world: World) -> None:
    with closing(world.open()) as store:
        assert where_we_stand(store, world.config) == Standing()
