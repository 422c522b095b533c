"""Read another store within this one's SQL, as the schema ``other``."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prober.adapters.store.faults import CorruptStore, translated
from prober.adapters.store.integrity import find_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.adapters.store.db import Store

# Which numbers of the other store are which of ours; ``told`` is the incident whose alerts also tell of this one.
_TABLES = {
    "incidents_map": "theirs INTEGER PRIMARY KEY, ours INTEGER, is_new INTEGER NOT NULL, told INTEGER",
    "outbox_map": "theirs INTEGER PRIMARY KEY, ours INTEGER, is_new INTEGER NOT NULL",
    "series_map": "theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL",
}


@contextmanager
def attached(store: Store, other: Store) -> Iterator[None]:
    """Attach the other store for reading, with empty tables to map its numbers.

    Raises CorruptStore when it is damaged, and ValueError when it is this very store.
    """
    file = _file_of(other)
    if store is other or (file and file == _file_of(store)):
        raise ValueError("a store cannot be merged into itself")
    store.write("ATTACH :file AS other", {"file": f"{Path(file).as_uri()}?mode=ro" if file else ":memory:"})
    try:
        if not file:
            store.connection.deserialize(other.connection.serialize(), name="other")
        _require_whole(store, other)
        for name, columns in _TABLES.items():
            store.write(f"CREATE TEMP TABLE {name} ({columns})")
        yield
    finally:
        for name in _TABLES:
            store.write(f"DROP TABLE IF EXISTS temp.{name}")
        store.write("DETACH other")


def number_new(store: Store, table: str) -> None:
    """Give the new rows of a map numbers that were never used here: their own if all of these are free."""
    store.write(
        f"""UPDATE temp.{table}_map SET ours = numbered.ours FROM (
          SELECT theirs, iif(min(theirs) OVER () > used, theirs, used + row_number() OVER (ORDER BY theirs)) AS ours
          FROM temp.{table}_map,
            (SELECT coalesce(max(seq), 0) AS used FROM main.sqlite_sequence WHERE name = '{table}')
          WHERE is_new) numbered
        WHERE numbered.theirs = {table}_map.theirs"""  # noqa: S608  made of constants
    )


def _file_of(store: Store) -> str:
    """Return the file of a store with all links followed, empty for one in memory."""
    return str(store.rows("PRAGMA database_list")[0]["file"])


def _require_whole(store: Store, other: Store) -> None:
    with translated(other.path):
        fault = find_fault(store.connection, "other")
    if fault is not None:
        raise CorruptStore(f"{other.path}: damaged ({fault}); nothing was merged")
