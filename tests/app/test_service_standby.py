"""The service behind another monitor: it looks beside its rounds, for ever, and neither waits for the other."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from signal import SIGHUP, SIGTERM
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.app.looks import BEHIND, Looks
from tests.app.test_service import MIN_S, Scene
from tests.app.world import QUICK, World, config, probe
from tests.fakes import MIN_MS, T0, jumping_time

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture
def world(tmp_path: Path) -> World:
    quick = probe(policy=QUICK, interval_ms=5 * MIN_MS)
    return World(tmp_path / "prober.db", config(quick, replace(quick, id="alone", url="https://x/"), standby=BEHIND))


def scene_of(world: World, history: str | dict[str, str], looks: str, *, minutes: float) -> tuple[Scene, Looks]:
    histories = {"api": history} if isinstance(history, str) else history
    scene = Scene(world, histories, signals=[(minutes * MIN_S, SIGTERM)])
    looking = Looks(scene.clock, looks)
    world.look = looking
    return scene, looking


async def test_it_looks_once_a_minute_whatever_its_rounds_do(world: World) -> None:
    scene, looks = scene_of(world, "", "F", minutes=30)
    await scene.serve()
    assert [round((later - earlier) / 1000) for earlier, later in pairwise(looks.at_ms)] == [60] * (
        len(looks.at_ms) - 1
    )
    assert len(looks.at_ms) in {30, 31}
    assert world.mail.subjects() == []


async def test_an_outage_is_held_told_when_they_fall_silent_and_ended_when_they_are_back(world: World) -> None:
    scene, _ = scene_of(world, "xxxx...", "F" * 12 + "SSSS" + "F" * 99, minutes=60)
    await scene.serve()
    assert [each.split(" for")[0].split(":")[0] for each in world.mail.subjects()] == [
        "[PROBER] UptimeRobot silent",
        "[DOWN P1] api",
        "[PROBER] UptimeRobot is back",
        "[UP after 20m] api",
    ]


async def test_a_look_that_hangs_delays_neither_a_check_nor_an_alert_nor_the_watchdog(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prober.app.standby.LOOK_WITHIN_S", 99 * MIN_S)
    scene, looks = scene_of(world, {"alone": "." * 6 + "x" * 99}, "Fh", minutes=60)
    await scene.serve()
    assert (len(looks.at_ms), world.mail.subjects()) == (2, ["[DOWN P1] alone: status 503 (inc 1)"])
    (incident,) = world.incidents()
    assert world.mail.tried_at_s[0] - (incident.confirmed_at_ms - T0) / 1000 < 5
    fed = [at_s for at_s, word in scene.systemd.said if word.startswith("WATCHDOG")]
    assert max(later - earlier for earlier, later in pairwise(fed)) <= 21
    assert scene.checker.count("api") == 12


async def test_a_service_that_is_told_to_stop_waits_for_no_look(world: World) -> None:
    scene, _ = scene_of(world, "", "h", minutes=10)
    await scene.serve()
    assert scene.ended_s < 10 * MIN_S + 1


async def test_what_is_held_is_told_when_standby_leaves_the_configuration(world: World) -> None:
    scene, looks = scene_of(world, "x" * 99, "F", minutes=60)
    scene.signals.insert(0, (8 * MIN_S, SIGHUP))
    scene.reloads.append(replace(world.config, standby=None))
    await scene.serve()
    assert [each.split()[0] for each in world.mail.subjects()] == ["[DOWN"]
    assert len(looks.at_ms) in {8, 9}


async def test_standby_that_joins_the_configuration_holds_what_comes(world: World) -> None:
    scene, looks = scene_of(world, "." + "x" * 99, "F", minutes=15)
    behind, world.config = world.config, replace(world.config, standby=None)
    scene.signals.insert(0, (5 * MIN_S, SIGHUP))
    scene.reloads.append(behind)
    await scene.serve()
    assert (world.mail.subjects(), len(world.incidents())) == ([], 1)
    assert len(looks.at_ms) in {10, 11}


async def test_a_service_that_is_started_anew_stands_where_it_stood(world: World) -> None:
    scene, _ = scene_of(world, "", "FSS", minutes=5)
    await scene.serve()
    assert len(world.mail.subjects()) == 1
    again = Scene(world, {"api": "x" * 9}, signals=[(anyio.current_time() + 10 * MIN_S, SIGTERM)], clock=scene.clock)
    world.look = Looks(scene.clock, "S")
    await again.serve()
    assert [each.split()[0] for each in world.mail.subjects()] == ["[PROBER]", "[DOWN"]
