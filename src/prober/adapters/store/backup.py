"""Whole copies of a store: to keep, and to look into without touching the original."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prober.adapters.store.db import Store, open_reader, open_store
from prober.adapters.store.faults import CorruptStore, ForeignStore, NewerStore, translated
from prober.adapters.store.integrity import find_fault
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BESIDE = ("-wal", "-shm", "-journal")


def back_up(source: Path, target: Path) -> int:
    """Copy a store, of whatever version and also one in use, to a file of its owner alone; return its size in bytes.

    The target appears whole or not at all, in the place of a file that is there. Raises StoreError when the store, and
    so the copy, is damaged.
    """
    reader = open_reader(source, of_any_version=True)
    if reader is None:
        raise StoreError(f"{source}: there is no store yet; `prober run` makes it")
    with closing(reader), translated(target):
        # Made 0600, whatever the umask; SQLite would make it readable for all.
        descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
        part = Path(name)
        try:
            with os.fdopen(descriptor, "rb") as file:
                _copy_pages(reader, part)
                os.fsync(file.fileno())
            size = part.stat().st_size
            part.replace(target)
        finally:
            for each in (part, *_beside(part)):
                each.unlink(missing_ok=True)
        _sync_folder(target.parent)
    return size


def is_in_use(path: Path) -> bool:
    """Say whether what was written to a database is not all in its own file: it is in use, or was not closed."""
    return any(each.exists() and each.stat().st_size for each in _beside(path) if not each.name.endswith("-shm"))


@contextmanager
def private_copy(path: Path, *, now_ms: int) -> Iterator[Store]:
    """Open a copy that is gone at the end, brought up to date; the original is left as it is, and may be in use.

    Raises StoreError when it is no store, damaged or of a newer version.
    """
    with (
        tempfile.TemporaryDirectory(prefix="prober-") as folder,
        closing(_open_copy(path, Path(folder) / "copy.db", now_ms)) as store,
    ):
        yield store


def _copy_pages(reader: Store, part: Path) -> None:
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        reader.connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, that can be read where nothing can be written
        fault = find_fault(copy)
    if fault is not None:
        raise CorruptStore(f"{reader.path}: damaged ({fault}); no backup was made")


def _copy_file(path: Path, copy: Path) -> None:
    """Copy the files of a database that nobody has open; ask SQLite for those of one in use.

    SQLite would leave files beside one that it only reads.
    """
    shared = path.with_name(f"{path.name}-shm")
    if not shared.exists():
        for suffix in ("", "-wal", "-journal"):
            if (file := path.with_name(path.name + suffix)).exists() or not suffix:
                shutil.copyfile(file, copy.with_name(copy.name + suffix))
    if shared.exists() and (reader := open_reader(path, of_any_version=True)):  # opened before, or meanwhile
        for each in (copy, *_beside(copy)):
            each.unlink(missing_ok=True)
        with closing(reader), closing(sqlite3.connect(copy, isolation_level=None)) as target:
            reader.connection.backup(target)


def _open_copy(path: Path, copy: Path, now_ms: int) -> Store:
    try:
        with translated(path):
            _copy_file(path.resolve(), copy)
        reader = open_reader(copy, of_any_version=True)
        if reader is None:
            raise StoreError(f"{path}: is empty; name a store of prober")
        reader.close()
        store = open_store(copy, now_ms=now_ms)
    except CorruptStore as error:
        raise CorruptStore(f"{path}: damaged, or not a database; name a store of prober") from error
    except NewerStore as error:
        raise NewerStore(f"{path}: made by a newer version of prober; install that version") from error
    except ForeignStore as error:
        raise ForeignStore(f"{path}: a database of another program; name a store of prober") from error
    store.path = path
    return store


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _BESIDE]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
