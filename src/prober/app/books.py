"""What is written to: the store, or what stands in for it while it cannot be written.

A ladder whose rungs are all stores of one schema, so that nothing above decides anything twice:

1. the store itself. A busy one is tried again for 5 s. A corrupt one is set aside and told, and an empty one goes on.
2. a file elsewhere, seeded with what lives in the store as far as that can be read. The next process finds it and goes
   on where this one stopped, so what was told is not told again.
3. memory, where no file can be written. Nothing outlasts the process, whose exit code says so.

When the store can be written again, whatever stood in for it is merged into it by key, and removed once a second look
finds nothing new. Nothing is awaited while a rung is left or reached: other tasks see one store or the other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import anyio

from prober.adapters.store.db import BusyStore, CorruptStore, ForeignStore, Store, open_store, set_aside
from prober.adapters.store.faults import moved
from prober.adapters.store.meta import created_at_ms, is_blank, is_whole
from prober.app.announce import queue_store_alert
from prober.app.journal import Journal
from prober.app.record import refuse_foreign
from prober.app.standin import WAIT_S, StandIns, close_quietly, learn, live_part, note_what_is_gone, plant
from prober.errors import ConfigError, ProberError, StoreError
from prober.render.when import day_and_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from prober.app.place import Place
    from prober.app.ports import Clock
    from prober.core.settings import Config

T = TypeVar("T")

PATIENCE_S = 5.0
OPEN_WITHIN_S = 5.0
TRUSTED_AFTER_MS = 600_000
REST_SHARE = 20
PAUSE_S = 0.05


class Books:
    """The store, or what stands in for it while it cannot be written. `open_books` opens them.

    ``fault`` says why something stands in, None that nothing does. ``set_aside`` is where a corrupt store was moved,
    ``queued`` counts the alerts about that, ``notes`` are what people should know. Set ``config`` when it changes.
    """

    def __init__(
        self,
        path: Path,
        config: Config,
        *,
        place: Place,
        clock: Clock,
        journal: Journal,
        standins: StandIns,
        is_alerting: bool,
    ) -> None:
        self._path = path
        self.config = config
        self._place = place
        self._clock = clock
        self._is_alerting = is_alerting
        self._journal = journal
        self.standins = standins
        self._store: Store | None = None
        self._since_ms = 0
        self._untold: str | None = None
        self._set_aside_at_ms = 0
        self._rest_until = 0.0
        self._is_ours = False
        self._has_seen = False
        self.patience_s = PATIENCE_S
        self.fault: str | None = None
        self.set_aside: Path | None = None
        self.queued = 0
        self.notes = standins.notes

    @property
    def store(self) -> Store:
        """The store in use now. Do not keep it: after the next await it may be another one."""
        if self._store is None:
            raise RuntimeError("the books are closed")
        return self._store

    async def write(self, work: Callable[[Store], T]) -> T:
        """Run ``work``, which may be repeated, on the store or on what takes its place; StoreError if memory fails."""
        until = anyio.current_time() + self.patience_s
        while True:
            try:
                return self._do(work, is_patient=anyio.current_time() < until)
            except BusyStore:
                await anyio.sleep(PAUSE_S)

    async def heal(self, *, patience_s: float = 0.0) -> bool:
        """Return to the store if it can be written again, with all that happened meanwhile; say whether it is in use.

        ``patience_s`` is how long a busy one is waited for. Without it, attempts take at most a twentieth of the time.
        """
        began = anyio.current_time()
        while self.fault is not None and (patience_s or began >= self._rest_until):
            try:
                self._return()
            except BusyStore as error:
                self._stay(error)
                if anyio.current_time() >= began + patience_s:
                    break
                await anyio.sleep(PAUSE_S)
            except (StoreError, ConfigError) as error:
                self._stay(error)
                break
        self._rest_until = max(self._rest_until, began + REST_SHARE * (anyio.current_time() - began))
        return self.fault is None

    def close(self) -> None:
        """Close what is open; a file that stands in stays for the next process."""
        self._drop()
        self.standins.close()

    def open(self, *, adopt: bool) -> None:
        """Open the store, with what stood in for it before, or what stands in for it now."""
        self._is_ours = adopt
        try:
            self._store = self._open_itself(OPEN_WITHIN_S)
            self._has_seen = True
        except ForeignStore:
            raise
        except StoreError as error:
            self._stand_in(error)
        self._do(self._require_ours, is_patient=False)
        self._do(self._take_in_all, is_patient=False)
        self.store.wait_at_most(WAIT_S)

    def _do(self, work: Callable[[Store], T], *, is_patient: bool) -> T:
        while True:
            try:
                self.store.require_place()
                self._tell_of_aside()
                return work(self.store)
            except Exception as error:  # noqa: BLE001 - raised again unless it is the store's
                self._survive(error, is_patient=is_patient)

    def _survive(self, error: Exception, *, is_patient: bool) -> None:
        """Leave a store that failed; raise what was no fault of it, and what patience may overcome."""
        match error:
            case BusyStore() if is_patient:
                raise error
            case CorruptStore():
                self._replace(error)
            case StoreError():
                self._stand_in(error)
            case ValueError() | TypeError() | LookupError() | ArithmeticError() if not is_whole(self.store):
                self._replace(CorruptStore(f"{self.store.path}: damaged, which showed as a {type(error).__name__}"))
            case _:
                raise error

    def _require_ours(self, store: Store) -> None:
        if not self._is_ours:
            try:
                refuse_foreign(store, self.config)
            except ConfigError as error:
                raise ConfigError(str(error).replace(str(store.path), str(self._path))) from None
        self._is_ours = self.fault is None

    def _tell_of_aside(self) -> None:
        if self._untold is not None and self._is_alerting:
            now_ms = self._clock.now_ms()
            self.queued += queue_store_alert(self.store, self.config, self._place, self._untold, now_ms)
        self._untold = None

    def _replace(self, error: StoreError) -> None:
        """Set what is corrupt aside, and go on without its history, but with what still lived in it."""
        if self.fault is not None:
            file = self.standins.file
            self._stand_in(error)
            if file is not None:
                self.standins.put_aside(file, self._clock.now_ms())
            return
        living = live_part(self.store)
        self._drop()
        try:
            self._store = self._open_anew(WAIT_S)
            if living is not None:
                plant(self._store, living)
        except StoreError as worse:
            self._stand_in(worse)

    def _stand_in(self, error: StoreError) -> None:
        """Go one rung down; raise the error when there is none below."""
        if self.standins.is_in_memory:
            raise error
        failed, self._store = self._store, None
        now_ms = self._clock.now_ms()
        try:
            self._store = self.standins.open(failed, now_ms)
        finally:
            close_quietly(failed)
        if self.fault is None:
            self._since_ms = created_at_ms(self._store)
            self._journal.store_lost(error)
        if self.standins.is_in_memory:
            self._journal.kept_in_memory(error)
        self._stay(error)

    def _stay(self, error: ProberError) -> None:
        self.fault = str(error)
        short = self.fault.splitlines()[0].replace(f"{self._path.parent}/", "")
        self.store.fault = f"the store cannot be written since {day_and_clock(self._since_ms)} ({short})"

    def _return(self) -> None:
        """Bring everything home and go on there; raise, and stay, where that is not possible."""
        if self._has_seen and not self._path.exists():
            raise moved(self._path)
        itself = self._open_itself(WAIT_S)
        has_sense = is_whole(self.store)
        try:
            is_new = is_blank(itself)
            self._require_ours(itself)
            self._take_in_all(itself)
            if has_sense:
                learn(itself, self.store)
            gone = note_what_is_gone(itself, self.store, self._clock.now_ms()) if has_sense and is_new else None
        except BaseException as error:
            close_quietly(itself)
            if isinstance(error, CorruptStore):
                self._put_aside()
            raise
        self._drop()
        self._store = itself
        now_ms = self._clock.now_ms()
        self.standins.finish(now_ms, is_damaged=not has_sense)
        if has_sense:
            why = f"the store could not be written ({self.fault})"
            self.standins.say_home(why, self._since_ms, gone, now_ms)
        self.fault = None

    def _take_in_all(self, store: Store) -> None:
        """Merge what earlier processes left behind into the store itself."""
        if store.fault is None:
            self.standins.bring_home(store, self._clock.now_ms())

    def _open_itself(self, wait_s: float) -> Store:
        try:
            return open_store(self._path, now_ms=self._clock.now_ms(), wait_s=wait_s)
        except CorruptStore:
            return self._open_anew(wait_s)

    def _open_anew(self, wait_s: float) -> Store:
        self._put_aside()
        return open_store(self._path, now_ms=self._clock.now_ms(), wait_s=wait_s)

    def _put_aside(self) -> None:
        now_ms = self._clock.now_ms()
        if self.set_aside is not None and now_ms - self._set_aside_at_ms < TRUSTED_AFTER_MS:
            raise StoreError(f"{self._path}: damaged again, soon after it was made anew; check the disk")
        self.set_aside, self._set_aside_at_ms = set_aside(self._path, now_ms=now_ms), now_ms
        self._untold = self.set_aside.name
        self._journal.store_set_aside(self.set_aside)

    def _drop(self) -> None:
        store, self._store = self._store, None
        close_quietly(store)


def open_books(
    path: Path,
    *,
    config: Config,
    place: Place,
    clock: Clock,
    is_alerting: bool,
    adopt: bool = False,
    journal: Journal | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Books:
    """Open the store at ``path``, or what stands in for it; waits up to 5 s, blocking, for a busy one.

    ``is_alerting`` is whether a corrupt store is told. Raises ConfigError for a store of other probes, unless
    ``adopt``, and ForeignStore for a database of another program.
    """
    journal = journal or Journal()
    standins = StandIns(path, environ, journal)
    books = Books(path, config, place=place, clock=clock, journal=journal, standins=standins, is_alerting=is_alerting)
    try:
        books.open(adopt=adopt)
    except BaseException:
        books.close()
        raise
    return books
