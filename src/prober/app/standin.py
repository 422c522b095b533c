"""What stands in for a store that cannot be written: a file elsewhere, or memory where no file can be written.

It is a store of the same schema, seeded with the live part of the other as far as that can be read: states, open
incidents, who was told, and all that waits. A file is used by one process at a time, and stays until it is merged.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.adapters.lock import Held, Lock, acquire
from prober.adapters.store import incidents, outbox
from prober.adapters.store.db import CorruptStore, Store, open_in_memory, open_reader, open_store, set_aside
from prober.adapters.store.meta import created_at_ms, is_blank, is_whole, put_created_at
from prober.adapters.store.notices import HISTORY, put_notice
from prober.adapters.store.rounds import first_round_ms
from prober.adapters.store.stranger import refuse_stranger
from prober.app.elsewhere import places_in_use, remove, usable_places
from prober.errors import StoreError
from prober.render.when import day_and_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from prober.app.journal import Journal

WAIT_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """No lock could be made anywhere, so another process may run beside us. ``why`` is a sentence."""

    why: str

    def release(self) -> None:
        """Do nothing, as there is nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def lock_store(
    path: Path, *, command: str, now_ms: int, environ: Mapping[str, str] = os.environ
) -> Lock | Held | Unlocked:
    """Take the lock of a store; where it cannot be made, one elsewhere, which this user's processes share as well.

    Raises ForeignStore, before anything is touched, for a file that never was a store.
    """
    refuse_stranger(path)
    try:
        return acquire(path, command=command, now_ms=now_ms)
    except StoreError as error:
        why = str(error)
    for place in usable_places(path, environ):
        with suppress(StoreError):
            return acquire(place, command=command, now_ms=now_ms)
    return Unlocked(why=why)


class StandIns:
    """All that may stand in for one store. ``file`` is the one in use, None when there is none or it is in memory."""

    def __init__(self, path: Path, environ: Mapping[str, str], journal: Journal) -> None:
        self._path = path
        self._environ = environ
        self._journal = journal
        self._tried: set[Path] = set()
        self._lock: Lock | None = None
        self.file: Path | None = None
        self.is_in_memory = False
        self.has_lost = False
        self.notes: list[str] = []
        self._told: set[str] = set()

    def open(self, failed: Store | None, now_ms: int) -> Store:
        """Open the best place not tried yet, the last used one first. ``failed`` is what was written to until now."""
        self._leave()
        for file in (*places_in_use(self._path, self._environ), *usable_places(self._path, self._environ)):
            if file not in self._tried:
                self._tried.add(file)
                with suppress(StoreError):
                    return self._open_file(file, failed, now_ms)
                self._leave()
        self.is_in_memory = True
        store = open_in_memory(now_ms=now_ms)
        self._seed(store, failed)
        return store

    def finish(self, now_ms: int, *, is_damaged: bool) -> None:
        """Remove the file in use, as all of it is in the store, or set it aside; and be ready to begin anew."""
        if self.file is not None and is_damaged:
            self.put_aside(self.file, now_ms)
        elif self.file is not None:
            remove(self.file)
        self.is_in_memory = False
        self._leave()
        self._tried.clear()
        self._told.clear()

    def close(self) -> None:
        """Leave the file in use to the next process."""
        self._leave()

    def bring_home(self, store: Store, now_ms: int) -> None:
        """Merge what earlier processes left behind, oldest first, and say so.

        What is in use or cannot be read waits for a later process.
        """
        is_new = is_blank(store)
        for file in reversed(places_in_use(self._path, self._environ)):
            if file != self.file:
                with ExitStack() as stack:
                    try:
                        other = stack.enter_context(_lent(file, now_ms))
                    except CorruptStore:
                        self.put_aside(file, now_ms)
                        continue
                    except StoreError as error:
                        said = f"what an earlier run did without the store is not in it yet: {error}"
                        self._tell(said, self._journal.standin_left)
                        continue
                    learn(store, other)
                    gone = note_what_is_gone(store, other, now_ms) if is_new else None
                    since_ms = created_at_ms(other)
                self.say_home("an earlier run could not write the store", since_ms, gone, now_ms)

    def say_home(self, why: str, since_ms: int, gone: str | None, now_ms: int) -> None:
        """Say what is in the store again; ``gone`` is what is missing in one that was begun anew."""
        self.notes.append(gone or f"{why}; what was done since {day_and_clock(since_ms)} is in it now")
        if gone is None:
            self._journal.store_healed(lost_for_ms=now_ms - since_ms)
        else:
            self._journal.store_begun_anew(gone)

    def put_aside(self, file: Path, now_ms: int) -> None:
        """Set a damaged file aside."""
        self.has_lost = True
        try:
            became = f"and was set aside as {set_aside(file, now_ms=now_ms)}"
        except StoreError as error:
            became = f"nor be set aside: {error}"
        self._tell(f"what was done without the store could not be read, {became}", self._journal.standin_set_aside)

    def _tell(self, said: str, tell: Callable[[str], None]) -> None:
        """Tell the log, and who asks for notes; what every attempt to return comes to only once."""
        if said not in self._told:
            self._told.add(said)
            self.notes.append(said)
            tell(said)

    def _leave(self) -> None:
        if self._lock is not None:
            self._lock.release()
        self._lock, self.file = None, None

    def _open_file(self, file: Path, failed: Store | None, now_ms: int) -> Store:
        self._lock = _lock(file, now_ms)
        try:
            store = open_store(file, now_ms=now_ms, wait_s=WAIT_S)
        except CorruptStore:
            self.put_aside(file, now_ms)
            store = open_store(file, now_ms=now_ms, wait_s=WAIT_S)
        try:
            if is_blank(store):
                self._seed(store, failed)
        except StoreError:
            store.close()
            raise
        self.file = file
        return store

    def _seed(self, store: Store, failed: Store | None) -> None:
        since_ms = created_at_ms(store)
        for source in self._sources(failed):
            if (living := live_part(source)) is not None:
                plant(store, living)
                break
        put_created_at(store, since_ms)

    def _sources(self, failed: Store | None) -> Iterator[Store]:
        if failed is not None:
            yield failed
        with suppress(StoreError):
            reader = open_reader(self._path, of_any_version=True, wait_s=WAIT_S)
            if reader is not None:
                with closing(reader):
                    yield reader


def live_part(source: Store) -> Store | None:
    """Return, in memory, what lives in a store; None where it cannot all be read, or damage made nonsense of it."""
    from prober.adapters.store.merge import seed  # noqa: PLC0415  rarely needed

    store = open_in_memory(now_ms=0)
    try:
        seed(store, source)
        outbox.all_waiting(store)
        incidents.all_incidents(store)
    except (StoreError, ValueError, TypeError, LookupError):
        store.close()
        return None
    return store


def plant(store: Store, living: Store) -> None:
    """Let an empty store go on with a live part."""
    from prober.adapters.store.merge import seed  # noqa: PLC0415  rarely needed

    with closing(living):
        seed(store, living)


def learn(store: Store, other: Store) -> None:
    """Merge what another store knows into one, and make sure that nothing is left to be merged."""
    from prober.adapters.store.merge import Merged, merge  # noqa: PLC0415  rarely needed

    merge(store, other)
    if merge(store, other) != Merged():
        raise StoreError(f"{store.path}: what was done without it could not be taken in whole; please report it")


def note_what_is_gone(store: Store, other: Store, now_ms: int) -> str | None:
    """Say in a store that was begun anew what is missing in it, and return that; None when nothing is.

    What stood in has the installation of the store that it was seeded from, and a round from before its own time.
    """
    first_ms, since_ms = first_round_ms(other), created_at_ms(other)
    if other.installation == store.installation or first_ms is None or first_ms >= since_ms:
        return None
    said = (
        f"a new store was begun at {store.path}, as the old one was gone: of the time before {day_and_clock(since_ms)} "
        "it has only what was open or waited. Bring the rest back: prober db merge OLD.db"
    )
    put_notice(store, HISTORY, said, now_ms=now_ms)
    return said


@contextmanager
def _lent(file: Path, now_ms: int) -> Iterator[Store]:
    """Lend a file that was left behind, for the caller alone, and remove it unless the block raises.

    Raises CorruptStore when it is damaged, and StoreError when it is in use or cannot be read.
    """
    lock = _lock(file, now_ms)
    try:
        with closing(open_store(file, now_ms=now_ms, wait_s=WAIT_S)) as store:
            if not is_whole(store):
                raise CorruptStore(f"{file}: damaged")
            yield store
        remove(file)
    finally:
        if lock is not None:
            lock.release()


def _lock(file: Path, now_ms: int) -> Lock | None:
    """Take the lock of a file elsewhere; None when this process has it already, in place of the store's own."""
    lock = acquire(file, command="stand in", now_ms=now_ms)
    if not isinstance(lock, Held):
        return lock
    if lock.pid != os.getpid():
        raise StoreError(f"{file}: in use by another process; nothing to do, it is merged later")
    return None


def close_quietly(store: Store | None) -> None:
    """Close a store of which all that it was to keep is committed."""
    with suppress(StoreError):
        if store is not None:
            store.close()
