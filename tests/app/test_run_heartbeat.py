from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.app.world import QUICK, World, config, probe
from tests.fakes import jumping_time

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "prober.db", config(probe(policy=QUICK), heartbeat_url="https://monitor.example/beat"))


async def test_a_run_sends_one_after_its_last_delivery(world: World) -> None:
    report = await world.run({"api": "x"})
    (_, checked_ms), (what, beaten_ms) = world.checker.started
    assert (what, report.accepted, report.heartbeat_error) == ("heartbeat", 1, None)
    assert beaten_ms - checked_ms >= 1000 * world.mail.takes_s


async def test_one_that_fails_is_reported_and_stored_nowhere(world: World) -> None:
    report = await world.run({"heartbeat": "x"})
    assert report.heartbeat_error == "status 503, expected 2xx"
    assert world.count("results") == 1


@pytest.mark.parametrize(("histories", "beats"), [("??", 0), ("?.", 1), ("?x", 1)])
async def test_there_is_none_when_nothing_was_judged(world: World, histories: str, beats: int) -> None:
    world.configure(probe("a"), probe("b"))
    await world.run(dict(zip("ab", histories, strict=True)))
    assert world.checker.count("heartbeat") == beats


async def test_there_is_none_when_nobody_is_to_be_told(world: World) -> None:
    await world.run(is_alerting=False)
    assert world.checker.count("heartbeat") == 0


async def test_there_is_none_from_a_run_without_checks(world: World) -> None:
    await world.run("", [])
    assert world.checker.count("heartbeat") == 0


async def test_there_is_none_when_we_are_offline(world: World) -> None:
    world.configure(connectivity_urls=("https://a.example",))
    report = await world.run({"api": "!", "connectivity-0": "!"})
    assert (report.is_offline, world.checker.count("heartbeat")) == (True, 0)


async def test_it_stays_away_while_mail_is_stuck_and_comes_back(world: World) -> None:
    beats = []
    for script in ("g" * 9, "g" * 9, "g" * 9, ""):
        world.mail.script = script
        await world.run({"api": "x"})
        beats.append(world.checker.count("heartbeat"))
        await anyio.sleep(400)
    assert beats == [1, 1, 0, 1]


async def test_without_a_url_there_is_none(world: World) -> None:
    world.configure(heartbeat_url=None)
    await world.run()
    assert world.checker.count("heartbeat") == 0
