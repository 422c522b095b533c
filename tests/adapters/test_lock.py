"""One process per store."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from prober.adapters.lock import Held, Lock, acquire
from prober.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prober.db"


def take(path: Path) -> Lock | Held:
    return acquire(path, command="run", now_ms=5)


def test_the_holder_is_named(path: Path) -> None:
    lock = acquire(path, command="serve", now_ms=7)
    assert isinstance(lock, Lock)
    with lock:
        held = take(path)
    assert isinstance(held, Held)
    assert (held.pid, held.command, held.since_ms) == (os.getpid(), "serve", 7)
    assert held.host


def test_a_lock_given_back_is_free(path: Path) -> None:
    lock = take(path)
    assert isinstance(lock, Lock)
    lock.release()
    lock.release()
    again = take(path)
    assert isinstance(again, Lock)
    again.release()


def test_the_lock_file_is_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0o022)
    lock = take(path)
    os.umask(before)
    assert isinstance(lock, Lock)
    assert lock.path == path.with_name("prober.db.lock")
    assert stat.S_IMODE(lock.path.stat().st_mode) == 0o600
    lock.release()


def test_all_names_of_a_store_share_its_lock(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere.db"
    link.symlink_to(path)
    lock = take(link)
    assert isinstance(take(path), Held)
    assert isinstance(lock, Lock)
    lock.release()


@pytest.mark.parametrize("written", ["", "{", "[]", "7", '{"pid":1,"colour":"red"}', '{"pid":'])
def test_a_holder_that_has_not_said_who_it_is_still_holds(path: Path, written: str) -> None:
    lock = take(path)
    assert isinstance(lock, Lock)
    lock.path.write_text(written)
    held = take(path)
    assert held == Held(touched_ms=round(lock.path.stat().st_mtime_ns // 1_000_000))
    lock.release()


def test_a_killed_holder_holds_nothing(path: Path) -> None:
    program = f"""
import pathlib, time
from prober.adapters.lock import acquire
lock = acquire(pathlib.Path({str(path)!r}), command="serve", now_ms=7)
print("taken", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        held = take(path)
        process.send_signal(signal.SIGKILL)
    assert isinstance(held, Held)
    assert held.pid == process.pid
    lock = take(path)
    assert isinstance(lock, Lock)
    lock.release()


def test_a_lock_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"prober\.db\.lock: No such file or directory; check that the folder exists"):
        take(tmp_path / "no" / "prober.db")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_locks_first_the_owner_of_the_folder_can_lock_later(path: Path) -> None:
    os.chown(path.parent, 65534, -1)
    lock = take(path)
    assert isinstance(lock, Lock)
    with lock:
        assert lock.path.stat().st_uid == 65534


def test_a_lock_whose_holder_could_not_be_written_down_is_held_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", fail)
    monkeypatch.setattr(os, "ftruncate", fail)
    lock = take(path)
    assert isinstance(lock, Lock)
    assert isinstance(take(path), Held)
    lock.release()
    again = take(path)
    assert isinstance(again, Lock)
    again.release()
