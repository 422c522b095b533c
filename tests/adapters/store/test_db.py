"""Opening, creating, refusing, setting aside, and transactions."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from prober.adapters.store import probes, schema
from prober.adapters.store.db import (
    BusyStore,
    CorruptStore,
    ForeignStore,
    NewerStore,
    open_in_memory,
    open_reader,
    open_store,
    set_aside,
)
from prober.adapters.store.migrations import MIGRATIONS
from prober.adapters.store.migrations.m001_initial import APPLICATION_ID
from prober.adapters.store.results import append_results, last_results
from prober.errors import StoreError
from tests.adapters.store.builders import T0, know, probe, result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prober.adapters.store.db import Store

NOBODY = 65534


@contextmanager
def without_privileges(folder: Path) -> Iterator[None]:
    """Run as somebody whom permissions bind, also when the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o055 != 0o055 and "pytest" in str(parent):
            parent.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed(path: Path) -> Path:
    """The path of a store that nobody has open."""
    store = open_store(path, now_ms=0)
    know(store, "api")
    store.close()
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_files_of_a_new_store_are_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0o022)
    try:
        store = open_store(path, now_ms=0)
        know(store, "api")
    finally:
        os.umask(before)
    assert {each.name: mode(each) for each in path.parent.iterdir()} == {
        "prober.db": 0o600,
        "prober.db-wal": 0o600,
        "prober.db-shm": 0o600,
    }
    store.close()


def test_a_commit_is_durable_and_keys_are_checked(store: Store) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "application_id")
    assert [store.rows(f"PRAGMA {name}")[0][0] for name in pragmas] == ["wal", 2, 1, 5000, APPLICATION_ID]


def test_the_installation_is_random_and_stays(tmp_path: Path) -> None:
    first, second = (open_store(tmp_path / name, now_ms=0) for name in ("a.db", "b.db"))
    assert first.installation != second.installation
    again = open_store(tmp_path / "a.db", now_ms=9)
    assert again.installation == first.installation
    for store in (first, second, again):
        store.close()


def test_opening_an_existing_store_does_not_load_sqlite_utils(closed: Path) -> None:
    program = f"""
import sys, pathlib
from prober.adapters.store.db import open_store
open_store(pathlib.Path({str(closed)!r}), now_ms=0)
print("sqlite_utils" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"the folder {tmp_path / 'no'} does not exist"):
        open_store(tmp_path / "no" / "prober.db", now_ms=0)


@pytest.mark.parametrize("open_it", [lambda path: open_store(path, now_ms=0), open_reader])
@pytest.mark.parametrize("damage", ["text", "cut", "torn"])
def test_what_is_damaged_or_no_database_is_corrupt(closed: Path, open_it: object, damage: str) -> None:
    assert callable(open_it)
    whole = closed.read_bytes()
    damaged = {"text": b"no database, but long enough " * 40, "cut": whole[:5000], "torn": whole[:100] + b"\xff" * 4000}
    closed.write_bytes(damaged[damage])
    with pytest.raises(CorruptStore, match=r"prober\.db: .*; the file is damaged or not a database"):
        open_it(closed)


def test_damage_found_later_is_corrupt_too(closed: Path) -> None:
    store = open_store(closed, now_ms=0)
    (page,) = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'results'")[0]
    (size,) = store.rows("PRAGMA page_size")[0]
    store.close()
    whole = closed.read_bytes()
    closed.write_bytes(whole[: (page - 1) * size] + b"\xff" * size + whole[page * size :])
    store = open_store(closed, now_ms=0)
    with pytest.raises(CorruptStore), store.transaction():
        append_results(store, [result()])
    store.close()


def test_a_corrupt_store_is_set_aside_with_its_log_and_never_over_anything(path: Path) -> None:
    for content in ("first", "second", "third"):
        path.write_text(content)
        path.with_name("prober.db-wal").write_text(f"{content} wal")
        set_aside(path, now_ms=T0)
    assert {each.name: each.read_text() for each in path.parent.iterdir()} == {
        "prober.db.corrupt-20260921T141320Z": "first",
        "prober.db.corrupt-20260921T141320Z-wal": "first wal",
        "prober.db.corrupt-20260921T141320Z-2": "second",
        "prober.db.corrupt-20260921T141320Z-2-wal": "second wal",
        "prober.db.corrupt-20260921T141320Z-3": "third",
        "prober.db.corrupt-20260921T141320Z-3-wal": "third wal",
    }


def test_setting_aside_through_a_link_moves_the_file_and_leaves_the_link_usable(tmp_path: Path) -> None:
    real, link = tmp_path / "real.db", tmp_path / "link.db"
    real.write_text("damaged")
    link.symlink_to(real)
    assert set_aside(link, now_ms=T0) == tmp_path / "real.db.corrupt-20260921T141320Z"
    open_store(link, now_ms=0).close()
    assert real.read_bytes().startswith(b"SQLite format 3")
    assert mode(real) == 0o600


@pytest.mark.parametrize("open_it", [lambda path: open_store(path, now_ms=0), open_reader])
def test_a_newer_store_is_refused_and_left_as_it_is(closed: Path, open_it: object) -> None:
    assert callable(open_it)
    with closing(sqlite3.connect(closed)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999_later', '')"
        )
    before = closed.read_bytes()
    with pytest.raises(NewerStore, match=r"made by a newer version of prober \(it has m999_later\)"):
        open_it(closed)
    assert closed.read_bytes() == before


def test_a_reader_of_an_older_store_says_what_to_do(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def m002_later(_: object) -> None:
        """Stand for a migration that is still to come."""

    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, m002_later))
    with pytest.raises(StoreError, match="made by an older version; `prober run` brings it up to date"):
        open_reader(closed)
    open_store(closed, now_ms=0).close()
    reader = open_reader(closed)
    assert reader is not None
    reader.close()


@pytest.mark.parametrize("open_it", [lambda path: open_store(path, now_ms=0), open_reader])
def test_the_database_of_another_program_is_refused(path: Path, open_it: object) -> None:
    assert callable(open_it)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a database of another program"):
        open_it(path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def m002_breaks(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE half (a INTEGER) STRICT")
        database.execute("CREATE TABLE half (a INTEGER) STRICT")

    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, m002_breaks))
    with pytest.raises(StoreError, match="half already exists"):
        open_store(path, now_ms=0)
    monkeypatch.undo()
    store = open_store(path, now_ms=0)
    assert store.find("SELECT 1 FROM sqlite_schema WHERE name = 'half'") is None
    store.close()


def test_an_old_sqlite_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(StoreError, match=r"is too old, 3\.37 is needed"):
        open_store(path, now_ms=0)


def test_there_is_nothing_to_read_before_the_first_run(path: Path) -> None:
    assert open_reader(path) is None
    path.touch()
    assert open_reader(path) is None


def test_a_reader_changes_nothing(closed: Path) -> None:
    reader = open_reader(closed)
    assert reader is not None
    assert probes.all_probe_ids(reader) == {"api"}
    with pytest.raises(StoreError, match="make the file and its folder writable"):
        know(reader, "web")
    reader.close()


def test_a_reader_needs_no_write_permission(closed: Path) -> None:
    closed.chmod(0o644)
    closed.parent.chmod(0o555)
    try:
        with without_privileges(closed.parent):
            reader = open_reader(closed)
            assert reader is not None
            assert probes.all_probe_ids(reader) == {"api"}
            reader.close()
    finally:
        closed.parent.chmod(0o755)


def test_a_reader_without_permission_never_reads_past_the_log(closed: Path) -> None:
    closed.chmod(0o644)
    closed.with_name("prober.db-wal").write_bytes(b"what only a writer may fold in")
    closed.parent.chmod(0o555)
    try:
        with without_privileges(closed.parent), pytest.raises(StoreError, match="may be read and written by this user"):
            open_reader(closed)
    finally:
        closed.parent.chmod(0o755)


def test_a_store_that_may_not_be_read_is_an_error(closed: Path) -> None:
    closed.chmod(0o000)
    with without_privileges(closed.parent), pytest.raises(StoreError, match="may be read"):
        open_reader(closed)


def test_a_store_that_may_not_be_written_is_noticed_when_it_is_opened(closed: Path) -> None:
    closed.chmod(0o444)
    closed.parent.chmod(0o777)
    with without_privileges(closed.parent), pytest.raises(StoreError, match="make the file and its folder writable"):
        open_store(closed, now_ms=0)


def test_a_store_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with (
            without_privileges(tmp_path),
            pytest.raises(StoreError, match=r"Permission denied; check that the folder exists and may be written"),
        ):
            open_store(tmp_path / "prober.db", now_ms=0)
    finally:
        tmp_path.chmod(0o755)


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fail_midway() -> None:
        probes.ensure_probes(store, [probe()])
        append_results(store, [result()])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), store.transaction():
        fail_midway()
    assert probes.all_probe_ids(store) == set()
    know(store, "later")
    assert probes.all_probe_ids(store) == {"later"}


def test_a_transaction_does_not_nest(store: Store) -> None:
    with store.transaction(), pytest.raises(RuntimeError, match="open already"), store.transaction():
        pytest.fail("nested")


def test_many_writes_need_a_transaction(store: Store) -> None:
    with pytest.raises(RuntimeError, match="need a transaction"):
        probes.ensure_probes(store, [probe()])


def test_a_reader_sees_one_moment_while_another_writes(store: Store, path: Path) -> None:
    reader = open_reader(path)
    assert reader is not None
    with reader.snapshot():
        assert probes.all_probe_ids(reader) == set()
        know(store, "api")
        assert probes.all_probe_ids(reader) == set()
    assert probes.all_probe_ids(reader) == {"api"}
    reader.close()


def test_a_second_writer_is_told_what_is_in_its_way(store: Store, path: Path) -> None:
    other = open_store(path, now_ms=0)
    other.connection.execute("PRAGMA busy_timeout = 0")
    with (
        store.transaction(),
        pytest.raises(StoreError, match="database is locked; another process is writing to it"),
        other.transaction(),
    ):
        pytest.fail("two writers")
    know(other, "api")
    other.close()


def test_what_is_no_key_of_ours_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"), store.transaction():
        append_results(store, [result()])


def test_lone_surrogates_do_not_stop_a_transaction(store: Store) -> None:
    hostile = "\ud800 and \x00"
    with store.transaction():
        probes.ensure_probes(store, [probe(name=hostile)])
        append_results(store, [result(outcome="failed", detail=hostile, excerpt=hostile, latency_us=None)])
    assert last_results(store, "api", "here", 1)[0].detail == "? and \x00"
    assert store.rows("SELECT name FROM probes WHERE name <> :other", {"other": hostile}) == []


def test_a_killed_process_leaves_every_transaction_whole_or_absent(path: Path) -> None:
    program = f"""
import pathlib
from prober.adapters.store.db import open_store
from prober.adapters.store.results import append_results
from tests.adapters.store.builders import T0, know, result
store = open_store(pathlib.Path({str(path)!r}), now_ms=0)
know(store, "api", "web")
for n in range(1_000_000):
    with store.transaction():
        append_results(store, [result(T0 + n)])
        print(n, flush=True)
        append_results(store, [result(T0 + n, probe_id="web")])
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(50):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        last = max(map(int, process.stdout.read().split()), default=49)
    store = open_store(path, now_ms=0)
    api, web = (store.rows("SELECT at_ms FROM results WHERE series = :no", {"no": no}) for no in (1, 2))
    assert [row["at_ms"] for row in api] == [row["at_ms"] for row in web]
    assert len(api) in {last, last + 1}
    assert store.rows("PRAGMA integrity_check")[0][0] == "ok"
    store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_store_that_root_makes_belongs_to_the_owner_of_its_folder(path: Path) -> None:
    os.chown(path.parent, 65534, -1)
    with closing(open_store(path, now_ms=T0)):
        assert {each.stat().st_uid for each in path.parent.iterdir()} == {65534}


def test_a_locked_store_is_busy_within_the_time_that_was_asked_for(closed: Path) -> None:
    with closing(sqlite3.connect(closed, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyStore, match="another process is writing to it"):
            open_store(closed, now_ms=0, wait_s=0.01)
        other.execute("ROLLBACK")
        with closing(open_store(closed, now_ms=0)) as store:
            store.wait_at_most(0.01)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(BusyStore), store.transaction():
                pass


def test_our_own_store_with_a_damaged_header_is_corrupt_and_not_of_another_program(closed: Path) -> None:
    whole = closed.read_bytes()
    closed.write_bytes(whole[:68] + b"\0\0\0\7" + whole[72:])
    with pytest.raises(CorruptStore, match="its header is damaged"):
        open_store(closed, now_ms=0)
    closed.unlink()
    with closing(sqlite3.connect(closed)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(ForeignStore, match="another program"):
        open_store(closed, now_ms=0)


def test_the_version_changes_with_what_others_commit_and_with_nothing_else(closed: Path) -> None:
    with closing(open_store(closed, now_ms=0)) as store, closing(open_store(closed, now_ms=0)) as other:
        before = store.version
        know(store, "mine")
        assert store.version == before
        know(other, "theirs")
        assert store.version != before


def test_a_store_knows_whether_its_path_still_leads_to_it(closed: Path) -> None:
    with closing(open_store(closed, now_ms=0)) as store:
        store.require_place()
        closed.rename(closed.with_name("moved.db"))
        with pytest.raises(StoreError, match="moved or deleted while in use"):
            store.require_place()
        open_store(closed, now_ms=0).close()
        with pytest.raises(StoreError, match="moved or deleted while in use"):
            store.require_place()


def test_a_store_in_memory_is_like_any_other_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(open_in_memory(now_ms=7)) as store:
        store.require_place()
        know(store, "api")
        assert probes.all_probe_ids(store) == {"api"}
    assert list(tmp_path.iterdir()) == []


def test_a_reader_of_any_version_reads_what_a_newer_one_made(closed: Path) -> None:
    with closing(sqlite3.connect(closed, isolation_level=None)) as other:
        other.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999', '')")
    with pytest.raises(NewerStore):
        open_reader(closed)
    store = open_reader(closed, of_any_version=True)
    assert store is not None
    with closing(store):
        assert probes.all_probe_ids(store) == {"api"}
