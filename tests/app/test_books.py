"""The ladder: the store, a file elsewhere, memory; and back again with nothing lost and nothing told twice."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.lock import Held, Lock
from prober.adapters.store import probes
from prober.adapters.store.db import CorruptStore, ForeignStore, Store
from prober.adapters.store.merge import Merged
from prober.adapters.store.notices import HISTORY, all_notices, put_notice
from prober.adapters.store.rounds import RoundRow, record_round
from prober.app import elsewhere
from prober.app.books import PATIENCE_S
from prober.app.keeping import keep_house
from prober.app.merging import merge_file
from prober.app.standin import Unlocked, lock_store
from prober.core.rollup import DAY_MS
from prober.errors import ConfigError, StoreError
from tests.app.world import QUICK, Lines, World, probe
from tests.fakes import T0, jumping_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the waiting that is SQLite's and real, and leave nothing in folders that all tests share."""
    monkeypatch.setattr(elsewhere, "_SHARED", ())
    monkeypatch.setattr("prober.app.books.OPEN_WITHIN_S", 0.01)
    monkeypatch.setattr("prober.app.books.WAIT_S", 0.001)
    monkeypatch.setattr("prober.app.standin.WAIT_S", 0.001)


@pytest.fixture
def world(world: World) -> World:
    world.configure(probe(policy=QUICK))
    with closing(world.open()):
        return world


def note(at_ms: int) -> Callable[[Store], None]:
    """Return work that records a round."""
    row = RoundRow(
        location="here", started_at_ms=at_ms, ended_at_ms=at_ms + 1, checks=1, is_offline=False, host="h", pid=1
    )
    return lambda store: record_round(store, row)


def rounds(store: Store) -> list[int]:
    return [row["started_at_ms"] for row in store.rows("SELECT started_at_ms FROM rounds ORDER BY 1")]


def standin_of(world: World) -> Path | None:
    found = elsewhere.places_in_use(world.path, {"XDG_RUNTIME_DIR": str(world.path.parent)})
    return found[0] if found else None


@contextmanager
def locked(path: Path, how: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """Hold the write lock, as another process does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"BEGIN {how}")
        yield connection


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Let another process keep the store for itself alone."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute(
            "INSERT INTO meta VALUES ('theirs', '')"
        )  # a -wal file that is not empty must not be left out
        yield


def failing(error: Exception, times: int = 1) -> tuple[Callable[[Store], Path], list[Path]]:
    """Return work that fails so many times, and where it was tried."""
    tried: list[Path] = []

    def work(store: Store) -> Path:
        tried.append(store.path)
        if len(tried) <= times:
            raise error
        return store.path

    return work, tried


async def test_while_all_is_well_the_store_is_used_and_nothing_else_is_made(world: World) -> None:
    with closing(world.books()) as books:
        await books.write(note(1))
        assert (books.store.path, books.fault, books.notes) == (world.path, None, [])
        assert await books.heal()
    assert not (world.path.parent / "prober").exists()


async def test_a_store_locked_for_a_second_is_waited_for(world: World) -> None:
    with closing(world.books()) as books, closing(sqlite3.connect(world.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(books.write, note(1))
            await anyio.sleep(1)
            other.execute("COMMIT")
        assert (books.fault, rounds(books.store), books.store.path) == (None, [1], world.path)


async def test_waiting_for_the_lock_keeps_nobody_else_waiting(world: World) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await anyio.sleep(0.05)
            beats += 1

    with closing(world.books()) as books, locked(world.path):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(beat)
            await books.write(note(1))
            tasks.cancel_scope.cancel()
    assert beats > 90


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
async def test_a_store_locked_for_long_is_stood_in_for_after_five_seconds(world: World, how: str) -> None:
    with closing(world.books()) as books:
        await books.write(note(1))
        with locked(world.path, how):
            began = anyio.current_time()
            await books.write(note(2))
            assert anyio.current_time() - began == pytest.approx(PATIENCE_S, abs=0.2)
            assert books.fault is not None
            assert "another process is writing to it" in books.fault
            assert rounds(books.store) == [1, 2]
            assert books.store.path == standin_of(world)
            began = anyio.current_time()
            await books.write(note(3))
            assert not await books.heal()
            assert anyio.current_time() == began
        assert await books.heal()
        assert rounds(books.store) == [1, 2, 3]
        assert books.store.path == world.path
        assert "what was done since 2026-09-21" in books.notes[-1]
    assert standin_of(world) is None


async def test_what_stands_in_goes_on_where_the_store_was(world: World) -> None:
    await world.run("x")
    with closing(world.books()) as books:
        installation = books.store.installation
        await books.write(failing(StoreError("full"))[0])
        assert books.store.installation == installation
        assert probes.all_probe_ids(books.store) == {"api"}
        (row,) = books.store.rows("SELECT state, message_id FROM outbox")
        assert (row["state"], row["message_id"]) == ("sent", world.rows()[0].message_id)
        (incident,) = books.store.rows("SELECT number FROM incidents WHERE ended_at_ms IS NULL")
        assert incident["number"] == 1


async def test_a_store_that_cannot_even_be_read_is_stood_in_for_by_an_empty_one(world: World) -> None:
    await world.run("x")
    with unreadable(world.path), closing(world.books()) as books:
        assert books.fault is not None
        assert "locked" in books.fault
        assert books.store.rows("SELECT * FROM states") == []
        await books.write(note(5))


async def test_the_next_process_goes_on_with_what_stood_in(world: World) -> None:
    with locked(world.path):
        for at_ms in (1, 2):
            with closing(world.books()) as books:
                await books.write(note(at_ms))
                assert rounds(books.store) == list(range(1, at_ms + 1))
    with closing(world.books()) as books:
        assert (books.fault, books.store.path, rounds(books.store)) == (None, world.path, [1, 2])
        assert "an earlier run could not write the store" in books.notes[0]
    assert standin_of(world) is None
    with closing(world.books()) as books:
        assert (books.notes, rounds(books.store)) == ([], [1, 2])


async def test_what_a_killed_process_left_behind_is_merged_once(world: World) -> None:
    with locked(world.path), closing(world.books()) as books:
        await books.write(note(1))
        kept = standin_of(world)
        assert kept is not None
        copies = {each: each.read_bytes() for each in kept.parent.glob(f"{kept.name}*")}
    for _ in range(2):
        for file, content in copies.items():
            file.write_bytes(content)
        with closing(world.books()) as books:
            assert rounds(books.store) == [1]
    assert standin_of(world) is None


async def test_a_file_that_another_process_uses_is_neither_used_nor_merged(world: World) -> None:
    with locked(world.path):
        with closing(world.books()) as books:
            await books.write(note(1))
        file = standin_of(world)
        assert file is not None
        (file.parent / f"{file.name}.lock").write_text('{"pid": 1, "host": "other"}')
        with (file.parent / f"{file.name}.lock").open("r+") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with closing(world.books()) as books:
                assert books.store.path != file
    assert file.exists()


async def test_where_no_file_can_be_written_memory_stands_in(world: World) -> None:
    with closing(world.books(environ={"HOME": str(world.path)})) as books, locked(world.path):
        await books.write(note(7))
        assert (str(books.store.path), rounds(books.store)) == (":memory:", [7])
        assert not await books.heal()
        error = StoreError("no memory either")
        with pytest.raises(StoreError, match="no memory either"):
            await books.write(failing(error, times=9)[0])
    with closing(world.books(environ={"HOME": str(world.path)})) as books:
        assert rounds(books.store) == []


async def test_memory_comes_home_as_well(world: World) -> None:
    with closing(world.books(environ={})) as books:
        with locked(world.path):
            await books.write(note(7))
        assert await books.heal()
        assert (books.store.path, rounds(books.store)) == (world.path, [7])


@pytest.mark.parametrize("places", [0, 1], ids=["from the store", "from a file"])
async def test_that_memory_stands_in_is_said_whichever_way_it_came_to_it(world: World, places: int) -> None:
    said = Lines()
    environ = {"XDG_RUNTIME_DIR": str(world.path.parent)} if places else {}
    with closing(world.books(environ=environ, journal=said.journal())) as books:
        await books.write(failing(StoreError("disk full"), times=places)[0])
        assert not any("kept in memory only" in line for line in said.lines)
        await books.write(failing(StoreError("no room either"))[0])
        await books.write(note(7))
        assert (str(books.store.path), rounds(books.store)) == (":memory:", [7])
    assert ["failed us" in line for line in said.lines] == [True, False]
    assert "kept in memory only, and lost when this process ends: no room either" in said.lines[1]


async def test_a_place_that_fails_is_left_for_the_next_with_all_that_was_in_it(world: World, tmp_path: Path) -> None:
    environ = {"RUNTIME_DIRECTORY": str(tmp_path / "one"), "XDG_RUNTIME_DIR": str(tmp_path / "two")}
    with closing(world.books(environ=environ)) as books:
        with locked(world.path):
            await books.write(note(1))
            assert books.store.path.parent == tmp_path / "one" / "prober"
            work, tried = failing(StoreError("disk full"))
            await books.write(work)
            assert tried[1].parent == tmp_path / "two" / "prober"
            await books.write(note(2))
        assert await books.heal()
        assert rounds(books.store) == [1, 2]
    assert elsewhere.places_in_use(world.path, environ) == []


@pytest.mark.parametrize("how", ["missing at the next start", "empty while we run"])
async def test_a_new_store_in_the_place_of_one_that_is_gone_never_passes_for_that(world: World, how: str) -> None:
    said = Lines()
    with closing(world.books()) as books:
        await books.write(note(T0 - 60_000))
    with closing(world.books(journal=said.journal())) as books:
        world.path.rename(world.path.with_name("gone.db"))
        await books.write(note(T0 + 60_000))
        if how == "empty while we run":
            world.path.touch()
            assert await books.heal()
        assert not any("is back" in line for line in said.lines)
    with closing(world.books(journal=said.journal())) as books:
        (anew,) = [line for line in said.lines if "a new store was begun" in line]
        assert not any("is back" in line for line in said.lines)
        assert f"a new store was begun at {world.path}" in anew
        assert "prober db merge" in anew
        assert rounds(books.store) == [T0 - 60_000, T0 + 60_000]
        (notice,) = all_notices(books.store)
        assert (notice.name, notice.text) == ("history", anew)
        if how == "missing at the next start":
            assert books.notes == [anew]
    merge_file(world.path, world.path.with_name("gone.db"), config=world.config, now_ms=T0, adopt=True)
    with closing(world.books()) as books:
        assert all_notices(books.store) == ()


async def test_the_very_first_store_is_no_new_one(world: World, tmp_path: Path) -> None:
    world.path = tmp_path / "folder" / "prober.db"
    said, environ = Lines(), {"XDG_RUNTIME_DIR": str(tmp_path)}
    with closing(world.books(environ=environ, journal=said.journal())) as books:
        await books.write(note(T0 + 1))
        world.path.parent.mkdir()
        assert await books.heal()
        assert all_notices(books.store) == ()
    assert any("is back" in line for line in said.lines)


async def test_that_history_is_gone_is_said_for_a_week(world: World) -> None:
    with closing(world.books()) as books:
        put_notice(books.store, HISTORY, "gone", now_ms=T0)
        put_notice(books.store, "configuration", "invalid", now_ms=T0)
        keep_house(books.store, keep_ms=DAY_MS, now_ms=T0 + 7 * DAY_MS)
        assert len(all_notices(books.store)) == 2
        keep_house(books.store, keep_ms=DAY_MS, now_ms=T0 + 7 * DAY_MS + 1)
        assert [each.name for each in all_notices(books.store)] == ["configuration"]


async def test_a_corrupt_store_is_set_aside_and_told_and_an_empty_one_goes_on(world: World) -> None:
    with closing(world.books()) as books:
        await books.write(note(1))
        books.store.close()
        broken = bytearray(world.path.read_bytes())
        broken[100:4096] = os.urandom(3996)
        world.path.write_bytes(broken)
    with closing(world.books()) as books:
        assert (books.fault, rounds(books.store), books.queued) == (None, [], 1)
        assert books.set_aside is not None
        assert books.set_aside.read_bytes() == bytes(broken)
        assert [row["kind"] for row in books.store.rows("SELECT kind FROM outbox")] == ["store_corrupt"]
        await books.write(note(2))
        assert books.queued == 1


async def test_damage_that_shows_as_nonsense_is_damage(world: World) -> None:
    await world.run("x")
    with closing(sqlite3.connect(world.path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE incidents SET severity = 'P7'")
        connection.commit()
    await world.run(".")
    assert [mail.split("]")[0] for mail in world.mail.subjects()] == ["[DOWN P1", "[PROBER"]


async def test_a_fault_of_ours_is_raised_and_moves_nothing(world: World) -> None:
    with closing(world.books()) as books:
        for error in (ValueError("a bug"), RuntimeError("another")):
            with pytest.raises(type(error)):
                await books.write(failing(error)[0])
        assert (books.fault, books.set_aside, books.store.path) == (None, None, world.path)


async def test_a_store_that_is_corrupt_again_at_once_is_stood_in_for(world: World) -> None:
    work, tried = failing(CorruptStore("damaged"), times=2)
    with closing(world.books()) as books:
        await books.write(work)
        assert tried == [world.path, world.path, standin_of(world)]
        assert books.fault is not None
    assert len(list(world.path.parent.glob("*.corrupt-*"))) == 1


async def test_a_damaged_file_that_stands_in_is_set_aside_never_deleted(world: World) -> None:
    with locked(world.path), closing(world.books()) as books:
        await books.write(note(1))
    file = standin_of(world)
    assert file is not None
    file.write_bytes(b"no database " * 1000)
    said = Lines()
    with closing(world.books(journal=said.journal())) as books:
        assert (books.fault, books.store.path) == (None, world.path)
        assert "could not be read, and was set aside as" in books.notes[0]
        assert said.lines == books.notes
    (aside,) = file.parent.glob("*.corrupt-*")
    assert aside.read_bytes().startswith(b"no database")
    assert str(aside) in said.lines[0]


async def test_a_damaged_file_that_cannot_be_set_aside_is_not_said_to_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(world.path), closing(world.books()) as books:
        await books.write(note(1))
    file = standin_of(world)
    assert file is not None
    file.write_bytes(b"no database " * 1000)

    def refuse(path: Path, *, now_ms: int) -> Path:
        raise StoreError(f"{path}: read-only at {now_ms}")

    monkeypatch.setattr("prober.app.standin.set_aside", refuse)
    said = Lines()
    with closing(world.books(journal=said.journal())):
        assert f"could not be read, nor be set aside: {file}: read-only" in said.lines[0]


async def test_a_damaged_file_is_no_reason_to_stay_away_from_home(world: World) -> None:
    with closing(world.books()) as books:
        with locked(world.path):
            await books.write(note(1))
            file = books.store.path
            books.store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            (page,) = books.store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'rounds'")[0]
            with file.open("r+b") as raw:
                raw.seek((page - 1) * 4096)
                raw.write(os.urandom(4096))
            books.store.rows("PRAGMA shrink_memory")
        assert await books.heal()
        assert (books.store.path, books.fault) == (world.path, None)
    assert len(list(file.parent.glob("*.corrupt-*"))) == 1


async def test_what_stands_in_and_turns_out_to_be_damaged_is_left_with_what_lives_in_it(world: World) -> None:
    await world.run("x")
    with closing(world.books()) as books, locked(world.path):
        await books.write(note(T0 + 1))
        first = books.store.path
        work, tried = failing(CorruptStore("damaged"))
        await books.write(work)
        assert (tried[0], tried[1] != first) == (first, True)
        assert [row["state"] for row in books.store.rows("SELECT state FROM outbox")] == ["sent"]
        assert T0 + 1 in rounds(books.store)
    assert not first.exists()
    assert list(first.parent.glob("*.corrupt-*")) != []


async def test_a_damaged_file_in_the_place_of_what_stands_in_is_set_aside(world: World) -> None:
    with locked(world.path):
        with closing(world.books()) as books:
            file = books.store.path
        file.write_bytes(b"no database " * 1000)
        with closing(world.books()) as books:
            assert books.store.path == file
            await books.write(note(1))
    with closing(world.books()) as books:
        assert rounds(books.store) == [1]


async def test_damage_inside_what_was_left_behind_is_found_before_it_is_merged(world: World) -> None:
    with locked(world.path), closing(world.books()) as books:
        await books.write(note(1))
        file = books.store.path
        (page,) = books.store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'rounds'")[0]
    with file.open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(os.urandom(4096))
    with closing(world.books()) as books:
        assert (books.standins.has_lost, rounds(books.store), books.fault) == (True, [], None)


async def test_what_another_process_still_uses_is_merged_by_a_later_one(world: World) -> None:
    with locked(world.path), closing(world.books()) as books:
        await books.write(note(1))
        file = books.store.path
    lock = file.with_name(f"{file.name}.lock")
    lock.write_text('{"pid": 1}')
    with lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        said = Lines()
        with closing(world.books(journal=said.journal())) as books:
            assert (books.fault, rounds(books.store)) == (None, [])
            assert "is not in it yet" in books.notes[0]
            assert said.lines == books.notes
    with closing(world.books()) as books:
        assert rounds(books.store) == [1]


async def test_nothing_is_removed_before_a_second_look_finds_nothing_new(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(world.books()) as books:
        with locked(world.path):
            await books.write(note(1))
        monkeypatch.setattr("prober.adapters.store.merge.merge", lambda *_: Merged(rounds=1))
        assert not await books.heal()
        assert "could not be taken in whole" in str(books.fault)
        monkeypatch.undo()
        assert standin_of(world) == books.store.path
        assert await books.heal()
        assert rounds(books.store) == [1]


async def test_attempts_to_return_take_little_of_the_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(world.books()) as books, locked(world.path):
        await books.write(note(1))
        books._rest_until = anyio.current_time() + 60
        opened: list[object] = []
        monkeypatch.setattr(type(books), "_open_itself", lambda *_: opened.append(1))
        assert not await books.heal()
        assert opened == []


async def test_closed_books_have_no_store(world: World) -> None:
    books = world.books()
    books.close()
    with pytest.raises(RuntimeError, match="closed"):
        _ = books.store


async def test_a_store_that_was_deleted_while_in_use_is_noticed_and_its_live_part_kept(world: World) -> None:
    await world.run("x")
    with closing(world.books()) as books:
        for each in world.path.parent.glob("prober.db*"):
            each.unlink()
        await books.write(note(T0 + 9))
        assert books.fault is not None
        assert "moved or deleted" in books.fault
        assert not await books.heal()
        assert not world.path.exists()
    with closing(world.books()) as books:
        assert books.store.path == world.path
        assert rounds(books.store)[-1] == T0 + 9
        assert [row["state"] for row in books.store.rows("SELECT state FROM outbox")] == ["sent"]


async def test_a_missing_folder_is_stood_in_for_until_it_is_there(world: World, tmp_path: Path) -> None:
    world.path = tmp_path / "no" / "prober.db"
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with closing(world.books(environ=environ)) as books:
        await books.write(note(1))
        assert "does not exist" in str(books.fault)
        assert not await books.heal()
        (tmp_path / "no").mkdir()
        assert await books.heal()
    with closing(world.books(environ=environ)) as books:
        assert rounds(books.store) == [1]


async def test_a_newer_store_is_not_touched_and_its_installation_stays_ours(world: World) -> None:
    with closing(world.open()) as store:
        installation = store.installation
        store.write("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999', '')")
    before = world.path.read_bytes()
    with closing(world.books()) as books:
        await books.write(note(1))
        assert "newer version" in str(books.fault)
        assert books.store.installation == installation
        assert not await books.heal()
    assert world.path.read_bytes() == before
    with closing(world.books()) as books:
        assert rounds(books.store) == [1]


async def test_an_empty_file_is_a_new_store(world: World) -> None:
    world.path.write_bytes(b"")
    with closing(world.books()) as books:
        await books.write(note(1))
        assert (books.fault, books.set_aside) == (None, None)


async def test_a_database_of_another_program_is_refused(world: World) -> None:
    world.path.unlink()
    with closing(sqlite3.connect(world.path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(ForeignStore):
        world.books()


async def test_a_store_of_other_probes_is_refused_also_when_it_cannot_be_written(world: World) -> None:
    await world.run("x")
    world.configure(probe("other"))
    with pytest.raises(ConfigError, match="--adopt"):
        world.books(adopt=False)
    with locked(world.path), pytest.raises(ConfigError, match="--adopt"):
        world.books(adopt=False)
    with locked(world.path), closing(world.books(adopt=True)) as books:
        assert books.fault is not None


async def test_a_store_that_turns_out_to_be_of_other_probes_is_not_merged_into(world: World) -> None:
    await world.run("x")
    world.configure(probe("other"))
    with unreadable(world.path):
        books = world.books(adopt=False)
        await books.write(note(1))
    with closing(books):
        assert not await books.heal()
        assert "--adopt" in str(books.fault)
        assert rounds(books.store) == [1]


async def test_what_is_told_of_the_fault_names_the_file_but_not_its_folder(world: World) -> None:
    with closing(world.books()) as books:
        await books.write(failing(StoreError(f"{world.path}: disk full; free some space"))[0])
        assert books.store.fault == (
            "the store cannot be written since 2026-09-21 14:13:20 UTC (prober.db: disk full; free some space)"
        )


async def test_since_when_is_known_to_the_next_process_as_well(world: World) -> None:
    with locked(world.path):
        with closing(world.books()) as books:
            first = books.store.fault
        await anyio.sleep(300)
        with closing(world.books()) as books:
            assert books.store.fault == first


def test_places_are_private_and_those_that_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    ours, linked, open_to_all, file = (tmp_path / name for name in ("ours", "linked", "open", "file"))
    for folder in (ours, linked, open_to_all, file):
        folder.mkdir()
    (tmp_path / "target").mkdir(mode=0o700)
    (linked / "prober").symlink_to(tmp_path / "target")
    (open_to_all / "prober").mkdir()
    (open_to_all / "prober").chmod(0o777)
    (file / "prober").write_text("")
    for folder, count in ((ours, 1), (linked, 0), (open_to_all, 0), (file, 0)):
        found = [
            each for each in elsewhere.usable_places(path, {"XDG_RUNTIME_DIR": str(folder)}) if tmp_path in each.parents
        ]
        assert len(found) == count
    assert stat.S_IMODE((ours / "prober").stat().st_mode) == 0o700
    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "prober").mkdir(mode=0o700)
    os.chown(tmp_path / "prober", 65534, 65534)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert [each for each in elsewhere.usable_places(tmp_path / "x.db", environ) if tmp_path in each.parents] == []
    assert elsewhere.places_in_use(tmp_path / "x.db", environ) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_is_at_home_in_the_folder_of_the_service_and_makes_it_for_that_user(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    os.chown(runtime, 65534, 65534)
    environ = {"RUNTIME_DIRECTORY": str(runtime)}
    place = next(iter(elsewhere.usable_places(tmp_path / "x.db", environ)))
    assert (place.parent, place.parent.stat().st_uid) == (runtime / "prober", 65534)
    place.write_bytes(b"")
    assert elsewhere.places_in_use(tmp_path / "x.db", environ) == [place]
    place.unlink()
    place.symlink_to(tmp_path / "target")
    assert list(elsewhere.usable_places(tmp_path / "x.db", environ)) == []
    assert elsewhere.places_in_use(tmp_path / "x.db", environ) == []


def test_all_names_of_a_store_share_one_place_and_two_stores_have_two(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    (tmp_path / "link.db").symlink_to(tmp_path / "prober.db")
    named = [
        next(iter(elsewhere.usable_places(tmp_path / name, environ))) for name in ("prober.db", "link.db", "other.db")
    ]
    assert named[0] == named[1] != named[2]


def test_the_order_of_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    environ = {"RUNTIME_DIRECTORY": "/r/a:/r/b", "XDG_RUNTIME_DIR": "/x", "HOME": "/h", "TMPDIR": "relative"}
    mine = f"prober-{os.geteuid()}"
    assert [str(each) for each in elsewhere._folders(environ)] == [
        "/r/a/prober", "/x/prober", "/h/.local/state/prober", f"/tmp/{mine}", f"/dev/shm/{mine}",
    ]  # fmt: skip
    assert [str(each) for each in elsewhere._folders({"XDG_STATE_HOME": "/s", "HOME": "/h", "TMPDIR": "/t"})] == [
        "/s/prober", f"/t/{mine}", f"/tmp/{mine}", f"/dev/shm/{mine}",
    ]  # fmt: skip


def test_a_lock_that_cannot_be_made_is_taken_elsewhere_or_not_at_all(tmp_path: Path) -> None:
    path, environ = tmp_path / "no" / "prober.db", {"XDG_RUNTIME_DIR": str(tmp_path)}
    lock = lock_store(path, command="run", now_ms=1, environ=environ)
    assert isinstance(lock, Lock)
    with lock:
        assert lock.path.parent == tmp_path / "prober"
        assert isinstance(lock_store(path, command="run", now_ms=2, environ=environ), Held)
    none = lock_store(path, command="run", now_ms=1, environ={})
    assert isinstance(none, Unlocked)
    with none:
        assert "does not exist" in none.why or "No such file" in none.why


async def test_a_process_that_has_its_lock_elsewhere_may_stand_in_there(world: World, tmp_path: Path) -> None:
    world.path = tmp_path / "no" / "prober.db"
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    lock = lock_store(world.path, command="run", now_ms=1, environ=environ)
    assert isinstance(lock, Lock)
    with lock, closing(world.books(environ=environ)) as books:
        assert books.store.path.parent == tmp_path / "prober"
