"""One process per store: an advisory lock that the system takes back when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self


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
    real = path.resolve()
    lock_path = real.with_name(f"{real.name}.lock")
    try:
        return _lock(lock_path, os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600), command, now_ms)
    except OSError as error:
        advice = "check that the folder exists and may be written by this user"
        raise StoreError(f"{lock_path}: {error.strerror}; {advice}") from error


def _lock(path: Path, descriptor: int, command: str, now_ms: int) -> Lock | Held:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held = _holder(os.pread(descriptor, 4096, 0), os.fstat(descriptor).st_mtime_ns // 1_000_000)
        os.close(descriptor)
        return held
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since_ms": now_ms}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    return Lock(path, descriptor)


def _holder(written: bytes, touched_ms: int) -> Held:
    """Read what the holder wrote; it may not have come to it yet."""
    with suppress(ValueError, TypeError):
        return Held(**json.loads(written), touched_ms=touched_ms)
    return Held(touched_ms=touched_ms)
