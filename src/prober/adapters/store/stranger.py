"""Files of somebody else in the place of a store: nothing of theirs may be moved, whoever mistyped its name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prober.adapters.store.faults import ForeignStore

if TYPE_CHECKING:
    from pathlib import Path

STORE_NAME: Final = "prober.db"
_HEADER: Final = b"SQLite format 3\0"
_COMPANIONS: Final = ("-wal", "-shm", ".lock")


def refuse_stranger(path: Path) -> None:
    """Raise ForeignStore for a file that is no database, and that nothing beside it says ever was our store.

    To be asked before the lock is made, as that is what says so of a store whose first page is damaged.
    """
    begins = b""
    with suppress(OSError):
        real = path.resolve()
        companions = [real.with_name(real.name + each) for each in _COMPANIONS]
        if STORE_NAME not in {path.name, real.name} and not any(each.exists() for each in companions):
            with real.open("rb") as file:
                begins = file.read(len(_HEADER))
    if begins and begins != _HEADER:
        raise ForeignStore(
            f"{path}: no database, and nothing says that it ever was a store of prober; name another file with --db, "
            "or move this one away"
        )
