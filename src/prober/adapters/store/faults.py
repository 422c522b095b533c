"""What can be wrong with a store, told apart by what can be done about it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class CorruptStore(StoreError):  # noqa: N818  a kind of StoreError, and reads as one
    """The file is damaged, or no database at all."""


class NewerStore(StoreError):  # noqa: N818
    """The store was made by a newer version and is left untouched."""


class ForeignStore(StoreError):  # noqa: N818
    """The file is a database of another program and is left untouched."""


class BusyStore(StoreError):  # noqa: N818
    """Another process has locked the store; it may pass."""


def moved(path: Path) -> StoreError:
    """Return the error of a store that is no longer where it was."""
    return StoreError(f"{path}: moved or deleted while in use; put it back, or restart prober")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system reports into a `StoreError` that says what to do."""
    try:
        yield
    except UnicodeDecodeError as error:  # of what SQLite quotes of a damaged schema
        raise CorruptStore(f"{path}: text that is none; {_SET_ASIDE}") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED or str(error).startswith(_NO_TEXT):
            raise CorruptStore(f"{path}: {error}; {_SET_ASIDE}") from error
        kind = BusyStore if code in _BUSY else StoreError
        raise kind(f"{path}: {error}; {_ADVICE.get(code, 'check the file and its folder')}") from error
    except OSError as error:
        advice = "check that the folder exists and may be written by this user"
        raise StoreError(f"{path}: {error.strerror or error}; {advice}") from error


_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SET_ASIDE = "the file is damaged or not a database; `prober run` sets it aside and starts a new one"
_NO_TEXT = "Could not decode to UTF-8"  # what Python says, without a code, of text that is none
_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process is writing to it: try again, or end that process",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: "check that the file and its folder exist and may be read and written by this user, "
    "and that this process may open more files",
    sqlite3.SQLITE_PERM: "make the file and its folder writable for this user",
    sqlite3.SQLITE_FULL: "free some space on the disk",
    sqlite3.SQLITE_IOERR: "check the disk and the space left on it; a store must not lie on a network file system",
    sqlite3.SQLITE_CONSTRAINT: "this is a fault of prober: please report it",
}
