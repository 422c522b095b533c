"""The service while its store fails: alerts go out all the same, and nothing is lost once the store is well again."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing, contextmanager, suppress
from signal import SIGTERM
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.store import db
from prober.app.books import Books
from prober.app.elsewhere import usable_places
from prober.errors import StoreError
from tests.app.test_books import locked
from tests.app.test_faults import blank_page, cut, scramble_page, scramble_some
from tests.app.test_service import Scene, rows
from tests.app.world import QUICK, World, probe
from tests.fakes import jumping_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.anyio
MIN_S = 60
MOST_PAGES = 2**31
FAILS_AT_S, WELL_AT_S, ENDS_AT_S = 11 * MIN_S, 31 * MIN_S, 61 * MIN_S
HISTORY = "..xx.x......"  # one check in five minutes: the store fails for four of them, from the third on
TOLD = ["[DOWN", "[UP", "[DOWN", "[UP"]


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


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "store" / "prober.db")
    world.path.parent.mkdir()
    world.configure(probe(policy=QUICK))
    return world


@contextmanager
def gone(folder: Path) -> Iterator[None]:
    aside = folder.with_name("elsewhere")
    folder.rename(aside)
    yield
    aside.rename(folder)


@contextmanager
def without_folder(path: Path) -> Iterator[None]:
    with gone(path.parent):
        yield


@contextmanager
def newer(path: Path) -> Iterator[None]:
    """Let a store lie there that a newer version made, and be untouched when it is moved away again."""
    with gone(path.parent):
        path.parent.mkdir()
        with closing(db.open_store(path, now_ms=0)) as store:
            store.write("UPDATE _sqlite_migrations SET name = 'm999_future' WHERE name = 'm001_initial'")
        before = path.read_bytes()
        yield
        assert path.read_bytes() == before
        for each in path.parent.iterdir():
            each.unlink()
        path.parent.rmdir()


class Disk:
    """The disk under one file: while it is full, nobody gets a further page, whenever they opened the file."""

    def __init__(self, file: Path, connect: Callable[..., sqlite3.Connection]) -> None:
        self._file, self._connect = file, connect
        self._connections: list[sqlite3.Connection] = []
        self._pages = MOST_PAGES

    def connect(self, path: Path, query: str, wait_s: float) -> sqlite3.Connection:
        connection = self._connect(path, query, wait_s)
        if path == self._file:
            self._connections.append(connection)
            connection.execute(f"PRAGMA max_page_count = {self._pages}")
        return connection

    @contextmanager
    def full(self, _: Path) -> Iterator[None]:
        self._limit(1)
        yield
        self._limit(MOST_PAGES)

    def _limit(self, pages: int) -> None:
        self._pages = pages
        for each in self._connections:
            with suppress(sqlite3.ProgrammingError):  # closed
                each.execute(f"PRAGMA max_page_count = {pages}")


FAULTS: list[Callable[[Path], AbstractContextManager[object]]] = [locked, without_folder, newer]


async def serve_through(world: World, fault: AbstractContextManager[object]) -> Scene:
    scene = Scene(world, {"api": HISTORY}, signals=[(ENDS_AT_S, SIGTERM)])

    async def spoil() -> None:
        await anyio.sleep_until(FAILS_AT_S)
        with fault:
            await anyio.sleep_until(WELL_AT_S)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(spoil)
        await scene.serve()
    return scene


def told(world: World) -> list[str]:
    return [subject.split()[0] for subject in world.mail.subjects()]


def assert_nothing_was_lost(world: World, scene: Scene) -> None:
    assert [line for line in scene.lines if "the store failed us" in line]
    assert [line for line in scene.lines if "the store is back" in line]
    assert told(world) == TOLD
    assert len(rows(world)) == scene.checker.count("api") == 12
    assert [each.closed_as for each in world.incidents()] == ["recovered", "recovered"]
    assert world.waiting() == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_store_that_fails_while_serving_and_comes_back_costs_no_alert_and_no_result(
    world: World, fault: Callable[[Path], AbstractContextManager[object]]
) -> None:
    assert_nothing_was_lost(world, await serve_through(world, fault(world.path)))


async def test_a_disk_that_is_full_while_serving_costs_no_alert_and_no_result(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(world.path, db._connect)
    monkeypatch.setattr(db, "_connect", disk.connect)
    assert_nothing_was_lost(world, await serve_through(world, disk.full(world.path)))


def noise(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(path.stat().st_size))


def emptied(path: Path) -> None:
    os.truncate(path, 0)


@contextmanager
def spoilt(path: Path, spoil: Callable[[Path], None]) -> Iterator[None]:
    spoil(path)
    yield


@pytest.mark.parametrize("spoil", [noise, emptied])
@pytest.mark.parametrize("is_folded", [True, False], ids=["all in the file", "some in the log"])
async def test_a_store_that_is_spoilt_while_serving_is_set_aside_and_costs_no_alert(
    world: World, spoil: Callable[[Path], None], is_folded: bool
) -> None:
    def at_once(path: Path) -> None:
        if is_folded:
            with closing(sqlite3.connect(path)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        spoil(path)

    scene = await serve_through(world, spoilt(world.path, at_once))
    assert [each for each in told(world) if each in TOLD] == TOLD
    assert scene.checker.count("api") == 12
    assert len(rows(world)) >= 10
    assert {each.closed_as for each in world.incidents()} == {"recovered"}
    assert world.waiting() == []


@pytest.mark.parametrize("harm", [cut, scramble_page, scramble_some, blank_page])
@pytest.mark.parametrize("number", [0, 1, 2, 3, 5, 8, 13, 21, 34])
async def test_wherever_a_store_is_damaged_a_service_starts_on_it_and_tells_an_outage_once(
    world: World, harm: Callable[[bytes, int], bytes], number: int
) -> None:
    world.configure(probe(policy=QUICK), probe("web", policy=QUICK))
    await world.run({"api": ".", "web": "x"})
    world.path.write_bytes(harm(world.path.read_bytes(), number))
    world.mail.accepted.clear()
    scene = Scene(world, {"api": "xxx", "web": "xxx"}, signals=[(anyio.current_time() + 11 * MIN_S, SIGTERM)])
    await scene.serve()
    assert len([subject for subject in world.mail.subjects() if "api" in subject]) == 1
    assert scene.checker.count("api") == 2


async def test_a_damaged_stand_in_that_a_service_sets_aside_is_in_its_log(world: World) -> None:
    file = next(usable_places(world.path))
    damaged = random.Random(1).randbytes(8192)
    file.write_bytes(damaged)
    scene = Scene(world, signals=[(6 * MIN_S, SIGTERM)])
    await scene.serve()
    (aside,) = file.parent.glob(f"{file.name}.corrupt-*")
    assert aside.read_bytes() == damaged
    assert len([line for line in scene.lines if "error" in line and f"set aside as {aside}" in line]) == 1


async def test_a_service_whose_store_comes_and_goes_gathers_no_notes(world: World) -> None:
    scene = Scene(world, signals=[(ENDS_AT_S, SIGTERM)])

    async def spoil() -> None:
        for at_s in range(11 * MIN_S, 60 * MIN_S, 5 * MIN_S):
            await anyio.sleep_until(at_s)
            with without_folder(world.path):
                await anyio.sleep_until(at_s + 4 * MIN_S)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(spoil)
        await scene.serve()
    assert len([line for line in scene.lines if "the store is back" in line]) == 10
    assert scene.books.notes == []


@pytest.fixture
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no folder in which a file could stand in."""
    for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)


async def serve_without_folder(world: World, *, until_s: float, stop_at_s: float, script: str) -> Scene:
    """Serve until a stop, with no folder for the store from ``FAILS_AT_S`` on; mail servers answer as scripted."""
    scene = Scene(world, {"api": HISTORY}, signals=[(stop_at_s, SIGTERM)])
    world.mail.script = script

    async def spoil() -> None:
        await anyio.sleep_until(FAILS_AT_S)
        with without_folder(world.path):
            await anyio.sleep_until(until_s)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(spoil)
        try:
            await scene.serve()
        except StoreError as error:
            scene.lines.append(f"failed: {error}")
    return scene


@pytest.mark.usefixtures("_nowhere")
@pytest.mark.parametrize(("script", "lost"), [("", ""), ("g" * 99, ", with 1 alert that nobody got")], ids=["", "mute"])
async def test_a_service_that_ends_with_what_it_knows_in_memory_only_fails_and_says_what_is_lost(
    world: World, script: str, lost: str
) -> None:
    scene = await serve_without_folder(world, until_s=ENDS_AT_S, stop_at_s=16 * MIN_S, script=script)
    assert [line for line in scene.lines if "error" in line and "kept in memory only" in line]
    assert any("what happens is kept in memory only" in word for _, word in scene.systemd.said)
    assert scene.lines[-2].endswith("stopped\n")
    assert scene.lines[-1].startswith("failed: what happened since 2026-09-21 14:2")
    assert f"is lost, as no file could be written anywhere{lost}" in scene.lines[-1]
    assert "put it back, or restart prober" in scene.lines[-1]
    assert told(world) == ([] if script else ["[DOWN"])
    assert world.count("incidents") == 0


@pytest.mark.usefixtures("_nowhere")
async def test_what_a_service_kept_in_memory_is_brought_home_at_its_very_end(world: World) -> None:
    scene = await serve_without_folder(world, until_s=16 * MIN_S + 1, stop_at_s=16 * MIN_S + 2, script="")
    assert scene.lines[-1].endswith("stopped\n")
    assert "the store is back" in scene.lines[-2]
    assert len(rows(world)) == scene.checker.count("api") == 3
    assert [each.ended_at_ms for each in world.incidents()] == [None]


async def test_without_what_stands_in_the_service_would_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(_: Books, error: Exception) -> None:
        raise error

    monkeypatch.setattr(Books, "_stand_in", give_up)
    with pytest.raises(ExceptionGroup) as raised:
        await serve_through(world, without_folder(world.path))
    assert raised.group_contains(StoreError)
