"""Who holds a lock, found without ever locking."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from prober.adapters.lock import Held, Lock, acquire, find_holder
from prober.errors import StoreError
from tests.adapters.store.test_db import without_privileges

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import pathlib, sys
from prober.adapters.lock import acquire
lock = acquire(pathlib.Path(sys.argv[1]), command="serve", now_ms=7)
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prober.db"


@pytest.fixture
def lock(path: Path) -> Lock:
    taken = acquire(path, command="serve", now_ms=7)
    assert isinstance(taken, Lock)
    return taken


def write(path: Path, **fields: object) -> None:
    path.with_name("prober.db.lock").write_text(json.dumps(fields))


def test_before_the_first_run_nobody_holds_it(path: Path) -> None:
    assert find_holder(path) is None
    assert list(path.parent.iterdir()) == []


def test_another_process_is_named_while_it_lives(path: Path) -> None:
    program = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        held = find_holder(path)
        process.kill()
    assert held is not None
    assert (held.pid, held.command, held.since_ms) == (process.pid, "serve", 7)
    assert find_holder(path) is None


def test_looking_does_not_lock(path: Path, lock: Lock) -> None:
    lock.release()
    assert find_holder(path) is None
    with lock.path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert find_holder(path) == Held(touched_ms=lock.path.stat().st_mtime_ns // 1_000_000)


def test_all_names_of_a_store_share_its_holder(path: Path, lock: Lock) -> None:
    link = path.with_name("elsewhere.db")
    link.symlink_to(path)
    assert find_holder(link) == find_holder(path)
    assert find_holder(path)
    lock.release()


@pytest.mark.parametrize(
    ("line", "is_held"),
    [
        ("1: FLOCK  ADVISORY  WRITE {pid} {major:02x}:{minor:02x}:{inode} 0 EOF", True),
        ("1: FLOCK  ADVISORY  WRITE 1 {major:02x}:{minor:02x}:{inode} 0 EOF", True),
        ("1: FLOCK  ADVISORY  WRITE {pid} ff:ff:{inode} 0 EOF", True),
        ("1: FLOCK  ADVISORY  WRITE 1 ff:ff:{inode} 0 EOF", False),
        ("1: FLOCK  ADVISORY  WRITE {pid} {major:02x}:{minor:02x}:1 0 EOF", False),
        ("1: -> FLOCK  ADVISORY  WRITE {pid} {major:02x}:{minor:02x}:{inode} 0 EOF", False),
        ("1: POSIX  ADVISORY  WRITE {pid} {major:02x}:{minor:02x}:{inode} 0 EOF", False),
        ("", False),
    ],
)
def test_the_list_of_the_kernel_decides(path: Path, line: str, is_held: bool) -> None:
    write(path, pid=4711)
    info = path.with_name("prober.db.lock").stat()
    locks = path.with_name("locks")
    major, minor = os.major(info.st_dev), os.minor(info.st_dev)
    locks.write_text(line.format(pid=4711, major=major, minor=minor, inode=info.st_ino) + "\n")
    assert (find_holder(path, locks=locks) is not None) == is_held


@pytest.mark.parametrize(
    ("fields", "is_held"),
    [
        ({}, False),
        ({"pid": os.getpid(), "host": socket.gethostname()}, True),
        ({"pid": 2**22 + 1, "host": socket.gethostname()}, False),
        ({"pid": 2**22 + 1, "host": "another"}, True),
    ],
)
def test_without_such_a_list_the_word_of_a_living_holder_counts(
    path: Path, fields: dict[str, object], is_held: bool
) -> None:
    write(path, **fields)
    assert (find_holder(path, locks=path.with_name("nowhere")) is not None) == is_held


def test_a_lock_that_may_not_be_read_is_an_error(path: Path, lock: Lock) -> None:
    lock.path.chmod(0o000)
    with without_privileges(path.parent), pytest.raises(StoreError, match="run this as the user who runs prober"):
        find_holder(path)
    lock.release()
