"""A run from start to end: lock, store, round with rechecks, delivery; what `prober run` does."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.http import Fetcher, HttpChecker
from prober.adapters.lock import Held
from prober.adapters.mail import SmtpMailer
from prober.adapters.store.db import open_reader
from prober.adapters.store.rounds import last_round
from prober.adapters.store.states import all_states
from prober.app.books import open_books
from prober.app.elsewhere import places_in_use
from prober.app.run import Run
from prober.app.standby import looking
from prober.app.standin import Unlocked, lock_store
from prober.core.diagnosis.service import patience_ms
from prober.core.schedule import is_due
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.app.asked import Options, Report
    from prober.app.books import Books
    from prober.core.model import Probe
    from prober.core.settings import Config

LOOP_DESCRIPTORS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """Another process is at work on the store, and does its job."""

    message: str


def run_once(
    config: Config,
    probes: Sequence[Probe],
    *,
    path: Path,
    options: Options,
    only_due: bool = False,
    adopt: bool = False,
    refuse_private: bool = False,
    on_wait: Callable[[Sequence[Probe], float], None] = lambda *_: None,
) -> Report | Occupied:
    """Run once over the probes and return what was done, also while the store cannot be written.

    Raises ConfigError for a store of other probes, and StoreError for a database of another program, or when another
    process holds the lock and has done nothing for long.
    """
    clock = SystemClock()
    lock = lock_store(path, command="run", now_ms=clock.now_ms())
    if isinstance(lock, Held):
        return occupied(lock, path, config, clock.now_ms())
    with (
        lock,
        closing(
            open_books(
                path,
                config=config,
                place=options.place,
                clock=clock,
                is_alerting=options.is_alerting,
                adopt=adopt,
                journal=options.journal,
            )
        ) as books,
    ):
        if isinstance(lock, Unlocked):
            options.journal.unlocked(lock.why)
            books.notes.append(f"another prober may run beside this one, as there is no lock: {lock.why}")
        _require_descriptors()
        return anyio.run(_run, config, books, clock, options, refuse_private, on_wait, probes, only_due)


def _require_descriptors() -> None:
    """Raise OSError where the event loop would have too few to begin with, which it does not survive in silence."""
    held: list[int] = []
    try:
        while len(held) < LOOP_DESCRIPTORS:
            held.append(os.open(os.devnull, os.O_RDONLY))
    finally:
        for each in held:
            os.close(each)


async def _run(
    config: Config,
    books: Books,
    clock: SystemClock,
    options: Options,
    refuse_private: bool,
    on_wait: Callable[[Sequence[Probe], float], None],
    probes: Sequence[Probe],
    only_due: bool,
) -> Report:
    if only_due:
        probes = await books.write(partial(_due, config=config, probes=probes, now_ms=clock.now_ms()))
    async with HttpChecker(now_ms=clock.now_ms, refuse_private=refuse_private) as checker, Fetcher() as fetch:
        run = Run(
            config=config,
            books=books,
            clock=clock,
            checker=checker,
            open_session=partial(SmtpMailer, secrets=config.secrets),
            options=options,
            look=looking(config, fetch),
            on_wait=on_wait,
        )
        return await run.run(probes)


def _due(store: Store, *, config: Config, probes: Sequence[Probe], now_ms: int) -> list[Probe]:
    known = all_states(store, config.location)
    last = {probe_id: state.last_at_ms for probe_id, state in known.items()}
    return [probe for probe in probes if is_due(probe, last.get(probe.id), now_ms)]


def occupied(holder: Held, path: Path, config: Config, now_ms: int) -> Occupied:
    """Say that another process is at work; raise StoreError when its last sign of life is too old to trust it."""
    seen_ms = max(holder.since_ms or holder.touched_ms, _last_round_ms(path))
    who = f"process {holder.pid} on {holder.host}" if holder.pid else "another process"
    if now_ms - seen_ms < patience_ms(probe.interval_ms for probe in config.probes):
        what = "the service is running" if holder.command == "serve" else "a round is already running"
        return Occupied(message=f"{what} ({who}): nothing was checked")
    raise StoreError(
        f"{path} is held by {who}, which has finished no round for {(now_ms - seen_ms) // 60_000} min.\n"
        "End that process; its lock goes with it."
    )


def _last_round_ms(path: Path) -> int:
    """Return when a round last ended, in the store or in what stands in for it; 0 when that cannot be read."""
    ended_ms = 0
    for file in (path, *places_in_use(path)):
        with suppress(StoreError):
            reader = open_reader(file)
            if reader is not None:
                with closing(reader):
                    last = last_round(reader)
                    ended_ms = max(ended_ms, last.ended_at_ms if last else 0)
    return ended_ms
