"""The health of a store's file and of the disk under it. Nothing here changes either, or waits for a lock."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from prober.adapters.store.db import open_reader, translated
from prober.core.diagnosis.store import Disk, StoreFile
from prober.errors import StoreError

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

MOUNTS: Final = Path("/proc/self/mounts")
_QUICK_CHECK: Final = "PRAGMA quick_check(1)"
_WRITES: Final = 5
_PAGE: Final = b"\0" * 4096
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def look_at_disk(folder: Path) -> Disk:
    """Return how the disk of a folder that exists is. Raises StoreError when it cannot be asked."""
    with translated(folder):
        room = os.statvfs(folder)
    sync_us, trouble = None, None
    try:
        sync_us = _sync_us(folder)
    except OSError as error:
        trouble = error.strerror or str(error)
    return Disk(
        file_system=find_file_system(folder),
        free_bytes=room.f_bavail * room.f_frsize,
        sync_us=sync_us,
        trouble=trouble,
    )


def look_at_file(path: Path, *, within_s: float) -> StoreFile:
    """Return how the file of a store that exists is; a check that takes longer is given up."""
    real = path.resolve()
    with translated(path):
        info = real.stat()
    faults, is_checked, trouble = None, False, None
    try:
        if store := open_reader(path):
            with closing(store):
                faults = _find_faults(store, within_s)
        is_checked = True
    except TimeoutError:
        pass
    except StoreError as error:
        trouble = str(error)
    return StoreFile(
        size_bytes=info.st_size + _size(real.with_name(f"{real.name}-wal")),
        mode=stat.S_IMODE(info.st_mode),
        is_writable=_may_write(real) and _may_write(real.parent),
        faults=faults,
        is_checked=is_checked,
        trouble=trouble,
    )


def find_file_system(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the kind of file system that a folder is on, such as ``ext4``; None where the system does not say."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    fields = [line.split(" ") for line in lines]
    places = [(Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), each[1])), each[2]) for each in fields]
    real = folder.resolve()
    # Of several mounts at one place the last covers the others.
    around = [
        (len(place.parts), number, kind) for number, (place, kind) in enumerate(places) if real.is_relative_to(place)
    ]
    return max(around)[2] if around else None


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _sync_us(folder: Path) -> int:
    """Return the median time of small writes that reach the disk; the file has no name, and so cannot stay behind."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_WRITES):
            began_ns = time.monotonic_ns()
            os.write(file.fileno(), _PAGE)
            os.fsync(file.fileno())
            times.append(time.monotonic_ns() - began_ns)
    return round(median(times)) // 1000


def _find_faults(store: Store, within_s: float) -> str | None:
    """Return what SQLite's quick check complains of first, or None. Raises TimeoutError."""
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        store.connection.interrupt()

    timer = threading.Timer(within_s, give_up)
    timer.daemon = True
    timer.start()
    try:
        (row,) = store.rows(_QUICK_CHECK)
    except StoreError:
        if is_late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    said = str(row[0])
    return None if said == "ok" else said


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
