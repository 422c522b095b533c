"""What is known of this location, on a branch of its own: one parentless commit, exchanged for the next.

Exchanging is compare-and-swap: a push names the commit that it replaces. When somebody else was faster, what they
pushed is fetched and merged by key, the states are judged anew from all results, and the push is tried again, after a
pause that differs from theirs. What the branch holds and cannot be read is kept beside it under a name of its own.
"""

from __future__ import annotations

import random
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from prober.adapters.git import GitError, Rejected, Snapshot
from prober.adapters.store import public, runs
from prober.adapters.store.db import CorruptStore, NewerStore, open_in_memory, open_reader, open_store
from prober.adapters.store.faults import ForeignStore
from prober.adapters.store.merge import merge
from prober.adapters.store.states import all_states
from prober.app.actions.rederive import rederive
from prober.app.announce import queue_store_alert
from prober.app.report import report_status
from prober.app.standin import live_part, plant
from prober.core import cadence
from prober.errors import StoreError
from prober.render import actions, shapes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prober.adapters.git import StateBranch
    from prober.adapters.store.db import Store
    from prober.app.place import Place
    from prober.app.ports import Clock
    from prober.core.model import ProbeState
    from prober.core.settings import Config

DATABASE = "prober.db"
STATUS = "status.json"
README = "README.md"
WEEK_MS = 7 * 86_400_000
PAUSE_S = (0.05, 0.4)
LONGEST_PAUSE_S = 8.0
FETCHES = 4


class State:
    """The state on its branch, and the store of this run that it becomes.

    ``fault`` says why what happened may not outlast this run, None that it does. ``notes`` are what people should know,
    ``hints`` what they could do better.
    ``aside`` is the branch that what could not be read was kept under. ``queued`` counts alerts that merging caused.
    """

    def __init__(
        self,
        branch: StateBranch,
        *,
        name: str,
        config: Config,
        key: bytes,
        folder: Path,
        run: str,
        place: Place,
        clock: Clock,
    ) -> None:
        self._branch = branch
        self._name = name
        self._config = config
        self._key = key
        self._folder = folder
        self._run = run
        self._place = place
        self._clock = clock
        self._one_at_a_time = anyio.Lock()
        self._random = random.Random()  # noqa: S311  pauses need not be secret
        self._is_known = False
        self._commit: str | None = None
        self._base: Mapping[str, ProbeState] = {}
        self._saved: int | None = None
        self.path = folder / DATABASE
        self.is_read_only = False
        self.fault: str | None = None
        self.aside: str | None = None
        self.queued = 0
        self.notes: list[str] = []
        self.hints: list[str] = []

    async def load(self) -> None:
        """Fetch what the branch holds and make the store of it; go on without it, and say so, where that fails."""
        try:
            snapshot = await self._fetch_patiently()
            store = await self._open(snapshot, self.path) or open_store(self.path, now_ms=self._clock.now_ms())
        except NewerStore as error:
            self._leave_alone(error)
            with suppress(StoreError):
                self._go_on_from(snapshot.files[DATABASE])
        except (GitError, StoreError) as error:
            self.fault = f"the state could not be fetched: {error}"
        else:
            with closing(store):
                self._base = all_states(store, self._config.location)
            self._commit, self._is_known = snapshot.commit, True

    async def save(self, store: Store, *, within_s: float) -> None:
        """Put the store on the branch, merged with what others pushed meanwhile. ``fault`` says if that failed."""
        with anyio.move_on_after(within_s) as scope:
            async with self._one_at_a_time:
                if self.is_read_only or self._saved == store.connection.total_changes:
                    return
                await self._exchange(store)
        if scope.cancelled_caught:
            self.fault = self.fault or f"the state could not be saved within {within_s:.0f} s"

    async def _fetch_patiently(self) -> Snapshot:
        for tries in range(FETCHES - 1):
            try:
                return await self._branch.fetch()
            except GitError:
                await anyio.sleep(self._random.uniform(*PAUSE_S) * 4**tries)
        return await self._branch.fetch()

    async def _exchange(self, store: Store) -> None:
        """Push until that is done; who gives up cancels this."""
        failures = 0
        while True:
            try:
                if not self._is_known:
                    await self._take_in(store)
                await self._push(store)
            except Rejected:
                self._is_known = False
            except NewerStore as error:
                self._leave_alone(error)
                return
            except (GitError, StoreError, ValueError, LookupError) as error:
                failures += 1
                self.fault = f"the state could not be saved: {error}"
            else:
                self.fault = None
                return
            await anyio.sleep(min(self._random.uniform(*PAUSE_S) * 2**failures, LONGEST_PAUSE_S))

    async def _push(self, store: Store) -> None:
        """Push what is so now; what the store learns meanwhile is for the next time."""
        base, changes = all_states(store, self._config.location), store.connection.total_changes
        files, now_ms = self._files(store), self._clock.now_ms()
        subject = f"State after run {self._run}"
        self._commit = await self._branch.push(files, expected=self._commit, at_ms=now_ms, subject=subject)
        self._base, self._saved = base, changes

    async def _take_in(self, store: Store) -> None:
        """Merge what the branch holds by now, and judge all results since we last agreed with it."""
        snapshot, aside = await self._branch.fetch(), self.aside
        theirs = await self._open(snapshot, self._folder / "theirs.db")
        now_ms = self._clock.now_ms()
        if theirs is not None:
            with closing(theirs):
                merge(store, theirs)
            self.queued += rederive(store, config=self._config, base=self._base, place=self._place, now_ms=now_ms)
        elif self.aside is not None and self.aside != aside:
            self.queued += queue_store_alert(store, self._config, self._place, self.aside, now_ms)
        self._commit, self._is_known = snapshot.commit, True

    def _leave_alone(self, error: NewerStore) -> None:
        self.is_read_only = True
        self.fault = f"the state on the branch is left alone: {error}"

    async def _open(self, snapshot: Snapshot, path: Path) -> Store | None:
        """Return the store that a snapshot holds, None when there is none or it cannot be read: that is kept aside."""
        if snapshot.commit is None:
            return None
        try:
            return self._made(snapshot.files.get(DATABASE, b""), path)
        except NewerStore:
            raise
        except (CorruptStore, ForeignStore) as error:
            aside = f"{self._name}-corrupt-{self._run}"
            await self._branch.keep_aside(snapshot.commit, aside)
            self.aside = aside
            self.notes.append(f"the state on the branch could not be read ({error}); it is kept as {self.aside}")
            return None

    def _go_on_from(self, content: bytes) -> None:
        """Begin with what lives in a state of a newer version, as far as that can be read: who was told, above all."""
        newer = self._folder / "newer.db"
        newer.write_bytes(content)
        reader = open_reader(newer, of_any_version=True)
        if reader is None:
            return
        with closing(reader):
            living = live_part(reader)
        if living is not None:
            with closing(open_store(self.path, now_ms=self._clock.now_ms())) as store:
                plant(store, living)
                known = self._config
                public.address(store, key=self._key, channels=known.channels, probes=known.probes)

    def _made(self, content: bytes, path: Path) -> Store:
        path.unlink(missing_ok=True)
        known = self._config
        now_ms = self._clock.now_ms()
        return public.load(path, content, key=self._key, channels=known.channels, probes=known.probes, now_ms=now_ms)

    def _files(self, store: Store) -> dict[str, bytes]:
        """Return what everybody may read: figures and our own words, in the same bytes for the same state."""
        now_ms = self._clock.now_ms()
        content = public.export(store, key=self._key)
        with closing(open_in_memory(now_ms=now_ms)) as shown:
            shown.connection.deserialize(content)
            # A name may be made of a variable, which is nobody else's business; the id is in the repository.
            probes = [replace(probe, name=probe.id) for probe in self._config.probes]
            report = report_status(shown, _without_reasons(self._config), probes, now_ms=now_ms)
            known = runs.all_runs(shown, self._config.location, now_ms - 2 * WEEK_MS)
        looked = cadence.measure([each.started_at_ms for each in known], since_ms=now_ms - WEEK_MS, now_ms=now_ms)
        return {
            DATABASE: content,
            STATUS: f"{shapes.status(report)}\n".encode(),
            README: actions.branch_readme(report, looked, branch=self._name).encode(),
        }


def _without_reasons(config: Config) -> Config:
    """Return a configuration in whose maintenance windows nothing stands that people wrote."""
    return replace(config, maintenance=tuple(replace(each, reason=None) for each in config.maintenance))


def state_key(environ: Mapping[str, str], config: Config) -> bytes | None:
    """Return the secret under which addresses are hashed, None where there is none."""
    passwords = (channel.password for channel in config.channels)
    found = next(filter(None, (environ.get("PROBER_STATE_KEY"), *passwords)), None)
    return None if found is None else found.encode()
