"""Opening the store, and the only door to SQLite: what fails behind it leaves as `StoreError`.

The file is in WAL mode with ``synchronous = FULL``, so a commit that returned survives a power cut, and readers never
wait for a round. `Store.transaction` takes the write lock at its start: a transaction that upgrades later would fail at
once, whatever the busy timeout. All functions of this package take the store first and write within the caller's
transaction, so that one round is one commit; outside of one, each is a commit of its own.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from prober.adapters.store import schema
from prober.adapters.store.faults import BusyStore, CorruptStore, ForeignStore, NewerStore, moved, translated
from prober.adapters.store.migrations.m001_initial import APPLICATION_ID
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "BusyStore",
    "CorruptStore",
    "ForeignStore",
    "NewerStore",
    "Store",
    "clean",
    "open_in_memory",
    "open_reader",
    "open_store",
    "set_aside",
    "translated",
]

_BUSY_TIMEOUT_S = 5.0
_OLDEST_SQLITE = (3, 37)

Values: TypeAlias = "Mapping[str, Any]"


class Store:
    """An open store. Its functions live in the modules beside this one.

    ``fault`` is set on one that only stands in for another: a sentence that says why, and since when.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self.fault: str | None = None
        self._file = _identity(path)
        connection.row_factory = sqlite3.Row

    @property
    def installation(self) -> str:
        """The random id made with this store."""
        return str(self.rows("SELECT value FROM meta WHERE name = 'installation'")[0]["value"])

    @property
    def version(self) -> int:
        """A number that changes when another connection commits to the file, and with nothing else."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def wait_at_most(self, seconds: float) -> None:
        """Set how long each statement waits for another process; the thread sleeps meanwhile."""
        self.rows(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def require_place(self) -> None:
        """Raise StoreError when the path leads elsewhere by now: SQLite writes happily to a file that was deleted."""
        if self._file != _identity(self.path):
            raise moved(self.path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything written inside, or nothing. Does not nest."""
        with self._between("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads inside see one and the same moment."""
        with self._between("BEGIN"):
            yield

    def rows(self, sql: str, values: Values | None = None) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with translated(self.path):
            return self.connection.execute(sql, clean(values or {})).fetchall()

    def find(self, sql: str, values: Values | None = None) -> sqlite3.Row | None:
        """Return the first row of a query."""
        return next(iter(self.rows(sql, values)), None)

    def write(self, sql: str, values: Values | None = None) -> int:
        """Return how many rows a statement changed."""
        with translated(self.path):
            return self.connection.execute(sql, clean(values or {})).rowcount

    def write_many(self, sql: str, rows: Iterable[Values | Sequence[int | None]]) -> None:
        """Run one statement for each of the rows, in the caller's transaction; what is free text in them is `clean`."""
        if not self.connection.in_transaction:
            raise RuntimeError("many writes need a transaction")
        with translated(self.path):
            self.connection.executemany(sql, rows)

    def insert(self, sql: str, values: Values) -> int:
        """Return the number that an ``INSERT ... RETURNING`` gives back."""
        return int(self.rows(sql, values)[0][0])

    def close(self) -> None:
        """Close the file; the last one to do so folds the ``-wal`` file into it."""
        with translated(self.path):
            self.connection.close()

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        if self.connection.in_transaction:
            raise RuntimeError("a transaction is open already")
        with translated(self.path):
            self.connection.execute(begin)
        try:
            yield
            with translated(self.path):
                self.connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.connection.rollback()
            raise


def open_store(path: Path, *, now_ms: int, wait_s: float = _BUSY_TIMEOUT_S) -> Store:
    """Open the store for writing; make it, readable by its owner alone, where there is none.

    ``wait_s`` is how long each statement waits while another process writes, now and later.
    """
    with translated(path):
        _create_privately(path.resolve())
        return _prepared(Store(_connect(path, "mode=rw", wait_s), path), now_ms)


def open_in_memory(*, now_ms: int) -> Store:
    """Open a new store that nothing but this process remembers."""
    path = Path(":memory:")
    with translated(path):
        return _prepared(Store(sqlite3.connect(path, isolation_level=None), path), now_ms)


def open_reader(path: Path, *, of_any_version: bool = False, wait_s: float = _BUSY_TIMEOUT_S) -> Store | None:
    """Open the store for reading only; None where there is none yet. Nothing is created or changed."""
    with translated(path):
        if not path.exists():
            return None
        store = _connect_reader(path, wait_s)
        try:
            applied = _judge(store, of_any_version=of_any_version)
        except BaseException:
            store.connection.close()
            raise
    if applied == schema.all_known() or (applied and of_any_version):
        return store
    store.close()
    if applied:
        raise StoreError(f"{path}: made by an older version; `prober run` brings it up to date")
    return None


def set_aside(path: Path, *, now_ms: int) -> Path:
    """Rename a corrupt store, with what belongs to it, to ``<db>.corrupt-<time>``; never over anything."""
    with translated(path):
        real = path.resolve()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_ms // 1000))
        aside = real.with_name(f"{real.name}.corrupt-{stamp}")
        copies = 1
        while aside.exists():
            copies += 1
            aside = real.with_name(f"{real.name}.corrupt-{stamp}-{copies}")
        # The -wal goes first: left alone beside a new store it would be replayed into it.
        for suffix in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                real.with_name(real.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def clean(values: Values) -> Values:
    """Replace what SQLite cannot take as text: one lone surrogate would end the whole round's transaction."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in values.items()
    }


def _create_privately(path: Path) -> None:
    """Make an empty file of mode 0600; SQLite gives the -wal and -shm files the mode and the owner of the database.

    What root makes belongs to the owner of the folder: the service, which comes as another user, is to open it too.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist; create it, or name another file with --db")
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            if os.geteuid() == 0:
                os.fchown(descriptor, path.parent.stat().st_uid, -1)
        finally:
            os.close(descriptor)


def _connect(path: Path, query: str, wait_s: float) -> sqlite3.Connection:
    if path.is_dir():
        raise StoreError(f"{path}: this is a folder; name a file, such as {path / 'prober.db'}")
    uri = f"{path.absolute().as_uri()}?{query}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=wait_s)


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        seen = path.stat()
        return seen.st_dev, seen.st_ino
    return None


def _prepared(store: Store, now_ms: int) -> Store:
    try:
        _prepare(store, now_ms)
    except BaseException:
        store.connection.close()
        raise
    return store


def _prepare(store: Store, now_ms: int) -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(
            f"{store.path}: SQLite {sqlite3.sqlite_version} is too old, 3.37 is needed; use a newer Python"
        )
    pending = schema.all_known() - _judge(store)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        store.connection.execute(f"PRAGMA {pragma}")
    with store.transaction():
        if pending:
            schema.migrate(store.connection, now_ms=now_ms)
        # Changes nothing, but fails on a file that cannot be written, which BEGIN IMMEDIATE lets pass.
        store.write("UPDATE meta SET value = value WHERE false")


def _judge(store: Store, *, of_any_version: bool = False) -> set[str]:
    """Return the migrations that the store has seen; refuse one that is not ours or is ahead of us."""
    applied = schema.all_applied(store.connection)
    (application,) = store.connection.execute("PRAGMA application_id").fetchone()
    (objects,) = store.connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if objects and application != APPLICATION_ID:
        if applied:
            raise CorruptStore(f"{store.path}: its header is damaged; `prober run` sets it aside and starts a new one")
        raise ForeignStore(f"{store.path}: a database of another program; name another file with --db")
    unknown = applied - schema.all_known()
    if unknown and not of_any_version:
        newest = max(unknown)
        raise NewerStore(f"{store.path}: made by a newer version of prober (it has {newest}); install that version")
    return applied


def _connect_reader(path: Path, wait_s: float) -> Store:
    """Connect read-only, also where the folder may not be written."""
    store = Store(_connect(path, "mode=ro", wait_s), path)
    try:
        store.connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        store.connection.close()
        wal = path.resolve().with_name(path.resolve().name + "-wal")
        is_written = wal.exists() and wal.stat().st_size
        if not isinstance(error, sqlite3.OperationalError) or not os.access(path, os.R_OK) or is_written:
            raise
        # Without a -wal nobody is writing, and the file alone is the whole store.
        store = Store(_connect(path, "mode=ro&immutable=1", wait_s), path)
    return store
