"""Runs through faults of the store, in jumping time: damage at every place, and locks for longer than anybody waits."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.app import elsewhere
from prober.core.model import Policy
from tests.app.test_books import locked
from tests.app.world import QUICK, World, channel, probe
from tests.fakes import header, jumping_time
from tests.render.mails import parsed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio
PAGE = 4096
MIN = 60


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the waiting that is SQLite's and real, and leave nothing in folders that all tests share."""
    monkeypatch.setattr("prober.app.elsewhere._SHARED", ())
    monkeypatch.setattr("prober.app.books.OPEN_WITHIN_S", 0.01)
    monkeypatch.setattr("prober.app.books.WAIT_S", 0.001)
    monkeypatch.setattr("prober.app.standin.WAIT_S", 0.001)


def places_of(world: World) -> list[Path]:
    return elsewhere.places_in_use(world.path, {"XDG_RUNTIME_DIR": str(world.path.parent)})


def cut(content: bytes, number: int) -> bytes:
    return content[: number * PAGE + (number * 997) % PAGE]


def scramble_page(content: bytes, number: int) -> bytes:
    noise = random.Random(number).randbytes(PAGE)
    return content[: number * PAGE] + noise + content[(number + 1) * PAGE :]


def scramble_some(content: bytes, number: int) -> bytes:
    chance = random.Random(number)
    at = number * PAGE + chance.randrange(PAGE - 64)
    return content[:at] + chance.randbytes(64) + content[at + 64 :]


def blank_page(content: bytes, number: int) -> bytes:
    return content[: number * PAGE] + bytes(PAGE) + content[(number + 1) * PAGE :]


@pytest.mark.parametrize("harm", [cut, scramble_page, scramble_some, blank_page])
async def test_wherever_a_store_is_damaged_an_outage_is_told_and_the_damaged_file_kept(
    world: World, harm: Callable[[bytes, int], bytes]
) -> None:
    world.configure(probe(policy=QUICK), probe("web", policy=QUICK))
    await world.run({"api": ".", "web": "x"})
    whole = world.path.read_bytes()
    outcomes = set()
    for number in range(len(whole) // PAGE):
        for each in (*world.path.parent.glob("prober*"), *places_of(world)):
            if each.is_file():
                each.unlink()
        damaged = harm(whole, number)
        world.path.write_bytes(damaged)
        world.mail.accepted.clear()
        await anyio.sleep(5 * MIN)
        report = await world.run({"api": "x", "web": "x"})
        told = [subject for subject in world.mail.subjects() if "api" in subject]
        assert len(told) == 1, (number, world.mail.subjects())
        kept = [each.read_bytes() for each in world.path.parent.glob("prober.db.corrupt-*") if each.suffix != ".db-wal"]
        if report.set_aside is None:
            assert kept == []
        else:
            page = slice(number * PAGE, (number + 1) * PAGE)  # what was good may have grown meanwhile
            assert damaged in kept or damaged[page] in [each[page] for each in kept]
        outcomes.add((report.set_aside is not None, report.fault is not None))
    assert (True, False) in outcomes


async def test_an_open_incident_is_told_once_however_many_runs_go_without_the_store(world: World) -> None:
    world.configure(probe(policy=QUICK))
    await world.run(".")
    with locked(world.path):
        for _ in range(12):
            await anyio.sleep(5 * MIN)
            assert (await world.run("x")).fault is not None
    (down,) = world.mail.subjects()
    await world.run(".")
    assert [subject[:3] for subject in world.mail.subjects()] == [down[:3], "[UP"]
    assert places_of(world) == []
    assert world.count("results") == 14


async def test_a_single_run_without_the_store_finds_its_verdict_within_itself(world: World) -> None:
    await world.run(".")
    with locked(world.path):
        began = anyio.current_time()
        report = await world.run("xxxx")
        assert (len(report.results), len(world.mail.accepted)) == (3, 1)
        assert anyio.current_time() - began < 10
        again = await world.run("xxxx")
        assert (len(again.results), len(world.mail.accepted)) == (1, 1)
    assert world.waited[0][0] == ["api"]


async def test_without_a_store_a_run_still_ends_by_its_deadline(world: World) -> None:
    world.configure(probe(policy=Policy(failures=9)))
    await world.run(".")
    with locked(world.path):
        report = await world.run("x" * 20, deadline_ms=13_500)
    assert len(report.results) == 4


async def test_mails_sent_without_the_store_say_so_and_others_do_not(world: World) -> None:
    world.configure(probe(policy=QUICK))
    await world.run(".")
    with locked(world.path):
        await world.run("x")
    await world.run(".")
    down, up = (parsed(mail).text for _, mail in world.mail.accepted)
    said = (
        "This mail may repeat: the store cannot be written since 2026-09-21 14:13:20 UTC (prober.db: database is locked"
    )
    assert said in down.replace("\n", " ")
    assert "may repeat" not in up


async def test_a_mail_that_waited_in_the_store_goes_out_without_it_and_is_not_sent_again(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.script = "g"
    await world.run("x")
    await anyio.sleep(MIN)
    with locked(world.path):
        report = await world.run("x")
        assert (report.accepted, len(world.mail.accepted)) == (1, 1)
    await anyio.sleep(MIN)
    report = await world.run("x")
    assert (report.accepted, report.undelivered, report.fault) == (0, 0, None)
    assert [row.state for row in world.rows()] == ["sent"]


async def test_a_repeat_has_the_same_message_id_as_what_the_store_would_have_sent(world: World) -> None:
    world.configure(probe(policy=QUICK))
    await world.run("x")
    waiting = world.path.read_bytes()
    world.mail.script = "l"
    await anyio.sleep(MIN)
    await world.run(".")
    (_, first), (_, lost) = world.mail.tried
    assert waiting
    with locked(world.path):
        await anyio.sleep(5 * MIN)
        await world.run(".")
    (_, repeated) = world.mail.accepted[-1]
    assert header(repeated, "Message-ID") == header(lost, "Message-ID") != header(first, "Message-ID")
    assert repeated == lost


async def test_what_could_not_be_sent_without_the_store_is_sent_from_it_later(world: World) -> None:
    world.configure(probe(policy=QUICK))
    await world.run(".")
    world.mail.script = "gg"
    with locked(world.path):
        report = await world.run("x")
        assert (report.undelivered, report.fault is not None) == (1, True)
    await anyio.sleep(15 * MIN)
    await world.run("x")
    await anyio.sleep(15 * MIN)
    await world.run("x")
    assert [subject[:5] for subject in world.mail.subjects()] == ["[DOWN"]


async def test_nobody_is_told_where_nobody_is_to_be_told(world: World) -> None:
    world.configure(probe(policy=QUICK), channels=(channel(),))
    await world.run(".")
    with locked(world.path):
        report = await world.run("x", is_alerting=False)
    assert (report.fault is not None, world.mail.tried) == (True, [])
