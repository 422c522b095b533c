"""A run from start to end: lock, store, round with rechecks, delivery; what `prober run` does."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.http import HttpChecker
from prober.adapters.lock import Held, acquire
from prober.adapters.mail import SmtpMailer
from prober.adapters.store.db import CorruptStore, open_reader, open_store, set_aside
from prober.adapters.store.rounds import last_round
from prober.adapters.store.states import all_states
from prober.app.announce import queue_store_alert
from prober.app.record import refuse_foreign
from prober.app.run import Options, Report, Run
from prober.core.schedule import is_due
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.core.model import Probe
    from prober.core.settings import Config

STALE_INTERVALS = 3
STALE_MS = 600_000


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
    """Run once over the probes and return what was done.

    Raises ConfigError for a store of other probes, and StoreError when it cannot be used, or when another process
    holds it and has done nothing for long. A corrupt store is set aside, and the report says so.
    """
    clock = SystemClock()
    lock = acquire(path, command="run", now_ms=clock.now_ms())
    if isinstance(lock, Held):
        return _occupied(lock, path, config, clock.now_ms())

    def work(aside: Path | None) -> Report:
        with closing(open_store(path, now_ms=clock.now_ms())) as store:
            if not adopt:
                refuse_foreign(store, config)
            told = 0
            if aside is not None and options.is_alerting:
                told = queue_store_alert(store, config, options.place, aside.name, clock.now_ms())
            due = _due(store, config, probes, clock.now_ms()) if only_due else probes
            report = anyio.run(_run, config, store, clock, options, refuse_private, on_wait, due)
        report.queued += told
        report.set_aside = None if aside is None else str(aside)
        return report

    with lock:
        try:
            return work(None)
        except CorruptStore:  # found on opening, or not before a damaged page was needed
            return work(set_aside(path, now_ms=clock.now_ms()))


async def _run(
    config: Config,
    store: Store,
    clock: SystemClock,
    options: Options,
    refuse_private: bool,
    on_wait: Callable[[Sequence[Probe], float], None],
    probes: Sequence[Probe],
) -> Report:
    async with HttpChecker(now_ms=clock.now_ms, refuse_private=refuse_private) as checker:
        run = Run(
            config=config,
            store=store,
            clock=clock,
            checker=checker,
            open_session=partial(SmtpMailer, secrets=config.secrets),
            options=options,
            on_wait=on_wait,
        )
        return await run.run(probes)


def _due(store: Store, config: Config, probes: Sequence[Probe], now_ms: int) -> list[Probe]:
    known = all_states(store, config.location)
    last = {probe_id: state.last_at_ms for probe_id, state in known.items()}
    return [probe for probe in probes if is_due(probe, last.get(probe.id), now_ms)]


def _occupied(holder: Held, path: Path, config: Config, now_ms: int) -> Occupied:
    """Say that another process is at work; raise StoreError when its last sign of life is too old to trust it."""
    patience_ms = max(STALE_MS, STALE_INTERVALS * min(probe.interval_ms for probe in config.probes))
    seen_ms = max(holder.since_ms or holder.touched_ms, _last_round_ms(path))
    who = f"process {holder.pid} on {holder.host}" if holder.pid else "another process"
    if now_ms - seen_ms < patience_ms:
        what = "the service is running" if holder.command == "serve" else "a round is already running"
        return Occupied(message=f"{what} ({who}): nothing was checked")
    raise StoreError(
        f"{path} is held by {who}, which has finished no round for {(now_ms - seen_ms) // 60_000} min.\n"
        "End that process; its lock goes with it."
    )


def _last_round_ms(path: Path) -> int:
    reader = open_reader(path)
    if reader is None:
        return 0
    with closing(reader):
        last = last_round(reader)
        return last.ended_at_ms if last else 0
