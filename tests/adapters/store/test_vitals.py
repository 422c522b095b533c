"""The health of a store's file and of the disk under it, measured for real."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.store.db import open_store
from prober.adapters.store.vitals import find_file_system, look_at_disk, look_at_file
from prober.errors import StoreError
from tests.adapters.store.builders import know
from tests.adapters.store.test_db import without_privileges

if TYPE_CHECKING:
    from prober.adapters.store.db import Store


def fill(store: Store) -> None:
    know(store, *(f"probe-{number}" for number in range(2_000)))


def test_a_sound_store_is_measured_and_found_sound(path: Path, store: Store) -> None:
    fill(store)
    file = look_at_file(path, within_s=5)
    size = path.stat().st_size + path.with_name("prober.db-wal").stat().st_size
    assert (file.size_bytes, file.mode, file.is_writable) == (size, 0o600, True)
    assert (file.faults, file.is_checked, file.trouble) == (None, True, None)


def test_an_empty_file_is_sound(path: Path) -> None:
    path.touch()
    assert look_at_file(path, within_s=5).is_checked


def test_a_damaged_page_is_found(path: Path, store: Store) -> None:
    fill(store)
    store.close()
    (root,) = sqlite3.connect(path).execute("SELECT rootpage FROM sqlite_schema WHERE name = 'probes'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096 + 8)
        file.write(b"\xff" * 600)
    found = look_at_file(path, within_s=5)
    assert found.faults or "malformed" in (found.trouble or "")


def test_what_is_no_database_is_told_with_advice(path: Path) -> None:
    path.write_text("no database at all, but long enough to be looked at" * 100)
    found = look_at_file(path, within_s=5)
    assert found.trouble
    assert found.trouble.startswith(f"{path}: file is not a database; ")
    assert not found.is_checked


def test_a_check_that_takes_too_long_is_given_up(path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    monkeypatch.setattr("prober.adapters.store.vitals._QUICK_CHECK", endless)
    file = look_at_file(path, within_s=0.05)
    assert (file.is_checked, file.trouble) == (False, None)


def test_a_check_that_fails_by_itself_says_why(path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    monkeypatch.setattr("prober.adapters.store.vitals._QUICK_CHECK", "SELECT * FROM nowhere")
    assert (look_at_file(path, within_s=5).trouble or "").startswith(f"{path}: no such table: nowhere; ")


def test_others_may_not_write(path: Path) -> None:
    open_store(path, now_ms=0).close()
    path.chmod(0o644)
    with without_privileges(path.parent):
        file = look_at_file(path, within_s=5)
    assert (file.mode, file.is_writable) == (0o644, False)


def test_a_file_that_vanished_is_an_error(path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        look_at_file(path, within_s=5)


def test_the_disk_is_measured_and_left_as_it_was(tmp_path: Path) -> None:
    disk = look_at_disk(tmp_path)
    room = os.statvfs(tmp_path)
    assert disk.free_bytes == pytest.approx(room.f_bavail * room.f_frsize, rel=0.2)
    assert disk.sync_us is not None
    assert disk.trouble is None
    assert list(tmp_path.iterdir()) == []


def test_the_median_write_counts_and_not_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0, 900_000_000, 0, 2_000_000, 0, 1_000_000, 0, 3_000_000, 0, 2_000_000])
    monkeypatch.setattr("prober.adapters.store.vitals.time.monotonic_ns", lambda: next(times))
    assert look_at_disk(tmp_path).sync_us == 2_000


def test_a_folder_that_takes_no_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    disk = look_at_disk(tmp_path)
    assert (disk.sync_us, disk.trouble) == (None, "No space left on device")


def test_a_folder_that_may_not_be_written_says_why(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with without_privileges(tmp_path):
        assert look_at_disk(tmp_path).trouble == "Permission denied"
    tmp_path.chmod(0o755)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        look_at_disk(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/data/deep", "nfs4"),
        ("/srv/database", "ext4"),
        ("/srv/with space/x", "cifs"),
        ("/twice", "fuse.sshfs"),
        ("/", "ext4"),
    ],
)
def test_the_innermost_mount_names_the_file_system(tmp_path: Path, folder: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nhost:/d /srv/data nfs4 rw 0 0\n//host/s /srv/with\\040space cifs rw 0 0\n"
        "/dev/sdb /twice ext4 rw 0 0\nhost: /twice fuse.sshfs rw 0 0\n"
    )
    assert find_file_system(Path(folder), mounts) == kind


def test_a_system_that_lists_no_mounts_names_none(tmp_path: Path) -> None:
    assert find_file_system(tmp_path, tmp_path / "nowhere") is None
    (tmp_path / "empty").touch()
    assert find_file_system(tmp_path, tmp_path / "empty") is None


def test_the_file_system_of_a_real_folder_is_known(tmp_path: Path) -> None:
    assert find_file_system(tmp_path)


def test_looking_changes_no_byte(path: Path) -> None:
    open_store(path, now_ms=0).close()
    before = path.read_bytes()
    look_at_file(path, within_s=5)
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
