"""Copies: whole, private, and without a trace beside the original."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prober.adapters.store import migrations, schema
from prober.adapters.store.backup import back_up, is_in_use, private_copy
from prober.adapters.store.db import Store, open_store
from prober.adapters.store.faults import CorruptStore, ForeignStore, NewerStore
from prober.errors import StoreError
from tests.adapters.store.life import Life, content
from tests.adapters.store.test_db import without_privileges

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Store]:
    """A store in use, with much that only its -wal file holds."""
    (tmp_path / "live").mkdir()
    with closing(open_store(tmp_path / "live" / "prober.db", now_ms=0)) as store:
        Life(store).play("xx..")
        yield store


@pytest.fixture
def path(live: Store) -> Path:
    """The path of a store that nobody has open."""
    live.close()
    return live.path


def traces(path: Path) -> list[tuple[str, int, int]]:
    return sorted((each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in path.parent.iterdir())


# To keep.


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_a_backup_of_a_store_in_use_is_one_whole_private_file(live: Store, tmp_path: Path, umask: int) -> None:
    target = tmp_path / "backup.db"
    before = os.umask(umask)
    try:
        size = back_up(live.path, target)
    finally:
        os.umask(before)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["backup.db", "live"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert size == target.stat().st_size
    with closing(open_store(target, now_ms=0)) as copy:
        assert content(copy) == content(live)
        assert copy.installation == live.installation


def test_a_backup_can_be_read_where_nothing_can_be_written(live: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(live.path, folder / "backup.db")
    folder.chmod(0o555)
    (folder / "backup.db").chmod(0o444)
    with (
        without_privileges(folder),
        closing(sqlite3.connect(f"{(folder / 'backup.db').as_uri()}?mode=ro", uri=True)) as copy,
    ):
        assert copy.execute("SELECT count(*) FROM results").fetchone() == (4,)


def test_a_backup_takes_the_place_of_a_file_at_once(live: Store, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    target.write_text("what was there")
    before = target.stat().st_ino
    back_up(live.path, target)
    assert target.stat().st_ino != before


def test_writing_goes_on_during_a_backup(live: Store, tmp_path: Path) -> None:
    live.wait_at_most(0)
    with live.transaction():
        live.write("INSERT INTO probes (id, name, url) VALUES ('late', 'late', 'https://x')")
        back_up(live.path, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
        assert copy.execute("SELECT id FROM probes").fetchall() == [("api",)]


def test_a_store_of_another_version_can_be_backed_up(path: Path, tmp_path: Path) -> None:
    with closing(open_store(path, now_ms=0)) as store:
        store.write(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999_later', 'now')"
        )
    assert back_up(path, tmp_path / "backup.db") > 0


def damage(path: Path) -> None:
    with closing(sqlite3.connect(path)) as store:
        ((page,),) = store.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").fetchall()
    whole = path.read_bytes()
    path.write_bytes(whole[: (page - 1) * 4096] + b"\xff" * 4096 + whole[page * 4096 :])


def test_a_damaged_store_makes_no_backup_and_spoils_none(path: Path, tmp_path: Path) -> None:
    damage(path)
    (tmp_path / "backup.db").write_text("the last good one")
    with pytest.raises(CorruptStore, match=r"prober\.db: damaged \(.*\); no backup was made"):
        back_up(path, tmp_path / "backup.db")
    assert (tmp_path / "backup.db").read_text() == "the last good one"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["backup.db", "live"]


def test_a_backup_that_cannot_be_written_says_where(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/backup\.db: No such file or directory; check that the folder"):
        back_up(path, tmp_path / "nowhere" / "backup.db")
    with pytest.raises(StoreError, match="there is no store yet"):
        back_up(tmp_path / "none.db", tmp_path / "backup.db")


def test_a_database_in_use_is_told_from_one_that_is_not(live: Store, tmp_path: Path) -> None:
    assert is_in_use(live.path)
    live.close()
    assert not is_in_use(live.path)
    assert not is_in_use(tmp_path / "none.db")


# To look into.


def test_a_copy_of_a_closed_store_leaves_no_trace_beside_it(path: Path) -> None:
    before = traces(path)
    with private_copy(path, now_ms=0) as copy:
        assert copy.rows("SELECT count(*) FROM results")[0][0] == 4
        (file,) = copy.rows("PRAGMA database_list")
        folder = Path(file["file"]).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        copy.write("DELETE FROM results")
    assert traces(path) == before
    assert not folder.exists()


def test_a_copy_of_a_store_in_use_is_of_one_moment_and_changes_nothing(live: Store) -> None:
    live.connection.execute("BEGIN IMMEDIATE")
    live.write("DELETE FROM results")
    before = traces(live.path)
    with private_copy(live.path, now_ms=0) as copy:
        assert copy.rows("SELECT count(*) FROM results")[0][0] == 4
    assert [each[:2] for each in traces(live.path)] == [each[:2] for each in before]
    live.connection.execute("ROLLBACK")


def test_a_copy_has_what_a_killed_process_left_in_the_log(live: Store, tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    for name in ("prober.db", "prober.db-wal"):
        shutil.copy(live.path.with_name(name), left / name)
    before = traces(left / "prober.db")
    with private_copy(left / "prober.db", now_ms=0) as copy:
        assert content(copy) == content(live)
    assert traces(left / "prober.db") == before


def test_a_store_that_can_only_be_read_can_be_copied(path: Path) -> None:
    path.chmod(0o444)
    path.parent.chmod(0o555)
    with without_privileges(path.parent), private_copy(path, now_ms=0) as copy:
        assert copy.rows("SELECT count(*) FROM results")[0][0] == 4


def test_a_store_that_is_opened_while_it_is_copied_is_copied_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Store] = []

    def copyfile(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:5000])
        if not opened:
            opened.append(open_store(path, now_ms=0))
            Life(opened[0], location="there").play(".")

    monkeypatch.setattr("prober.adapters.store.backup.shutil.copyfile", copyfile)
    with private_copy(path, now_ms=0) as copy:
        assert content(copy) == content(opened[0])
    opened[0].close()


def test_an_older_store_is_brought_up_to_date_in_the_copy_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.db"
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", migrations.MIGRATIONS[:1])
        open_store(path, now_ms=0).close()
    before = path.read_bytes()
    with private_copy(path, now_ms=0) as copy:
        assert copy.rows("SELECT count(*) FROM notes")[0][0] == 0
        assert copy.path == path
    assert path.read_bytes() == before


def not_ours(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE birds (name TEXT)")


def newer(path: Path) -> None:
    with closing(open_store(path, now_ms=0)) as store:
        store.write(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999_later', 'now')"
        )


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda path: path.write_text("no database " * 400), CorruptStore, "damaged, or not a database"),
        (lambda path: path.write_bytes(b""), StoreError, "is empty; name a store of prober"),
        (not_ours, ForeignStore, "a database of another program"),
        (newer, NewerStore, "made by a newer version of prober; install that version"),
        (lambda path: path.mkdir(), StoreError, "Is a directory"),
    ],
)
def test_what_is_no_store_of_ours_is_refused_by_its_own_name(
    tmp_path: Path, make: object, kind: type[StoreError], said: str
) -> None:
    path = tmp_path / "other.db"
    assert callable(make)
    make(path)
    before = traces(path)
    with pytest.raises(kind, match=f"^{path}: {said}"), private_copy(path, now_ms=0):
        raise AssertionError
    assert traces(path) == before
