"""One process per store: an advisory lock that the system takes back when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

LOCKS: Final = Path("/proc/locks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Somebody else has the lock: who, as far as they said. ``command`` is ``run`` or ``serve``.

    ``touched_ms`` is when anybody last wrote to the lock's file.
    """

    pid: int | None = None
    host: str | None = None
    command: str | None = None
    since_ms: int | None = None
    touched_ms: int = 0


class Lock:
    """A lock we hold, until `release` or the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the lock back. The file stays: deleting it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire(path: Path, *, command: str, now_ms: int) -> Lock | Held:
    """Take the lock of the store at ``path`` without waiting, or say who has it.

    The lock file stands beside the file that ``path`` leads to, so all names of one store share it.
    """
    lock_path = _lock_path(path)
    try:
        descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.geteuid() == 0:  # the service, which comes as another user, is to open it too
            os.fchown(descriptor, lock_path.parent.stat().st_uid, -1)
        return _lock(lock_path, descriptor, command, now_ms)
    except OSError as error:
        advice = "check that the folder exists and may be written by this user"
        raise StoreError(f"{lock_path}: {error.strerror}; {advice}") from error


def find_holder(path: Path, *, locks: Path = LOCKS) -> Held | None:
    """Return who has the lock of the store at ``path``, None when it is free. Nothing is locked, not for a moment.

    The kernel's list of locks decides. Where there is none, what the holder wrote does: nobody else gives it back.
    """
    lock_path = _lock_path(path)
    try:
        written, info = lock_path.read_bytes()[:4096], lock_path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{lock_path}: {error.strerror}; run this as the user who runs prober") from error
    held = _holder(written, info.st_mtime_ns // 1_000_000)
    try:
        lines = locks.read_text().splitlines()
    except OSError:
        return held if _may_live(held) else None
    place = f"{os.major(info.st_dev):02x}:{os.minor(info.st_dev):02x}:{info.st_ino}"
    return held if any(_is_lock_of(line.split(), place, held.pid) for line in lines) else None


def _may_live(held: Held) -> bool:
    if held.pid is None or held.host != socket.gethostname():
        return held.pid is not None
    try:
        with suppress(PermissionError):  # it is somebody else's, and so it lives
            os.kill(held.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_lock_of(fields: Sequence[str], place: str, pid: int | None) -> bool:
    """Say whether a line such as ``1: FLOCK ADVISORY WRITE 4711 fe:00:2146325 0 EOF`` is of the file at a place.

    Some file systems show another device here than to stat, where process and inode tell as well.
    """
    if fields[1:2] != ["FLOCK"]:
        return False
    *_, holder, file, _, _ = fields
    return file == place or (holder == str(pid) and file.rpartition(":")[2] == place.rpartition(":")[2])


def _lock_path(path: Path) -> Path:
    real = path.resolve()
    return real.with_name(f"{real.name}.lock")


def _lock(path: Path, descriptor: int, command: str, now_ms: int) -> Lock | Held:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held = _holder(os.pread(descriptor, 4096, 0), os.fstat(descriptor).st_mtime_ns // 1_000_000)
        os.close(descriptor)
        return held
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since_ms": now_ms}
    with suppress(OSError):  # on a full disk the lock is held all the same; only its words are missing
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    return Lock(path, descriptor)


def _holder(written: bytes, touched_ms: int) -> Held:
    """Read what the holder wrote; it may not have come to it yet."""
    with suppress(ValueError, TypeError):
        return Held(**json.loads(written), touched_ms=touched_ms)
    return Held(touched_ms=touched_ms)
