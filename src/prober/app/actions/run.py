"""One run in a job: load, check, judge, save what is to be told, tell it, save that it was told."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.git import StateBranch, find_remote
from prober.adapters.http import Fetcher, HttpChecker
from prober.adapters.mail import SmtpMailer
from prober.adapters.store import outbox, public, runs
from prober.adapters.store.runs import RunRow
from prober.adapters.store.states import all_states
from prober.app.actions.drill import queue_drill
from prober.app.actions.interruption import Interruption
from prober.app.actions.job import Around, Outcome
from prober.app.actions.state import WEEK_MS, State, state_key
from prober.app.announce import queue_store_alert
from prober.app.asked import Options
from prober.app.books import open_books
from prober.app.failure import first_of_ours
from prober.app.report import report_status
from prober.app.run import Run
from prober.app.standby import looking
from prober.app.waiting import count_alerts
from prober.core import cadence
from prober.core.rules import is_pending
from prober.core.schedule import MAX_DEADLINE_MS, is_due, verdict_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.adapters.github import Job
    from prober.adapters.store.db import Store
    from prober.app.actions.job import Asked
    from prober.app.asked import Report
    from prober.app.books import Books
    from prober.app.place import Place
    from prober.core.model import Probe
    from prober.core.settings import Config

SAVE_EVERY_S = 60.0
SAVE_WITHIN_S = 120.0
INTENT_WITHIN_S = 20.0
GRACE_S = 5.5
NO_KEY = (
    "PROBER_STATE_KEY is not set, and no mail password either, so who was told of what is not remembered between runs: "
    "everybody is told of an end. Set the secret PROBER_STATE_KEY to any long random text."
)


def run_in_job(config: Config, job: Job, asked: Asked, *, place: Place, environ: Mapping[str, str]) -> Outcome:
    """Run once in a job, and leave nothing on its machine.

    Raises UsageError for a remote or branch that cannot be.
    """
    try:
        return anyio.run(_run, config, job, asked, place, environ)
    except BaseExceptionGroup as group:
        raise first_of_ours(group) from group


async def _run(config: Config, job: Job, asked: Asked, place: Place, environ: Mapping[str, str]) -> Outcome:
    clock = SystemClock()
    async with HttpChecker(now_ms=clock.now_ms, refuse_private=job.is_hosted) as checker, Fetcher() as fetch:
        open_session = partial(SmtpMailer, secrets=config.secrets)
        look = looking(config, fetch)
        around = Around(place=place, clock=clock, checker=checker, open_session=open_session, look=look)
        return await run(config, job, asked, around, key=state_key(environ, config))


async def run(config: Config, job: Job, asked: Asked, around: Around, *, key: bytes | None) -> Outcome:
    """Load the state, run, and save it; ``key`` is the secret under which addresses are hashed there."""
    remote = find_remote(job.workspace, asked.remote)
    folder = Path(tempfile.mkdtemp(prefix="prober-", dir=job.temporary if job.temporary.is_dir() else None))
    try:
        branch = StateBranch(
            remote=remote, branch=asked.branch, folder=folder / "git", token=job.token, server=job.server
        )
        state = State(
            branch,
            name=asked.branch,
            config=config,
            key=key or secrets.token_bytes(32),
            folder=folder,
            run=job.run,
            place=around.place,
            clock=around.clock,
        )
        if key is None and config.channels:
            state.hints.append(NO_KEY)
        interruption = Interruption()
        async with interruption.watched():
            with interruption.bounding(0):
                await state.load()
            with closing(
                open_books(
                    state.path,
                    config=config,
                    place=around.place,
                    clock=around.clock,
                    is_alerting=True,
                    adopt=True,  # the branch is this repository's, whatever its probes are called by now
                    journal=asked.journal,
                    environ={},
                )
            ) as books:
                return await _JobRun(
                    config, job, asked, around, state=state, books=books, interruption=interruption
                ).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _JobRun:
    """The parts of one run, and their order."""

    def __init__(
        self,
        config: Config,
        job: Job,
        asked: Asked,
        around: Around,
        *,
        state: State,
        books: Books,
        interruption: Interruption,
    ) -> None:
        self._config = config
        self._job = job
        self._asked = asked
        self._around = around
        self._place = around.place
        self._clock = around.clock
        self._state = state
        self._books = books
        self._interruption = interruption
        self._began_ms = around.clock.now_ms()
        self._began = anyio.current_time()
        self._run: Run | None = None

    async def run(self) -> Outcome:
        """Check until nothing is pending or the deadline is near, with the state saved beside that, and after it."""
        await self._books.write(self._begin)
        due, later = await self._books.write(self._due)
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._save_now_and_then)
            report = await self._check(due, later)
            beside.cancel_scope.cancel()
        await self._books.write(self._end)
        pending = {probe_id for probe_id, state in report.states.items() if is_pending(state)}
        told, undecided = self._state.queued, [probe for probe in due if probe.id in pending]
        await self._save_at_last(INTENT_WITHIN_S if undecided else SAVE_WITHIN_S)
        if self._state.fault is None:
            undecided = []  # the next run goes on from here
        if (undecided or self._state.queued > told) and self._interruption.number is None:
            # What cannot be kept has to be decided now, and what only two runs together could see is told by this one.
            report = report.followed_by(await self._check(undecided, {}, is_last=True))
            await self._save_at_last(SAVE_WITHIN_S)
        return await self._books.write(partial(self._sum_up, report=report))

    async def _check(self, due: Sequence[Probe], later: Mapping[str, float], *, is_last: bool = False) -> Report:
        """Check, judge and deliver; for the last time, in what is left of the time, and to look no more."""
        needed_ms = max([MAX_DEADLINE_MS, *map(verdict_ms, due)])
        most_ms = max(self._asked.deadline_ms - round((anyio.current_time() - self._began) * 1000), 0)
        options = Options(
            deadline_ms=min(most_ms, needed_ms),
            place=self._place,
            covers_all=bool(due or later),
            residence="never" if is_last or not (due or later) else self._asked.residence,
            residence_ms=most_ms,
            secure=self._secure,
            is_forgetful=lambda: self._state.fault is not None,
            stop=self._interruption,
            journal=self._asked.journal,
        )
        self._run = Run(
            config=self._config,
            books=self._books,
            clock=self._clock,
            checker=self._around.checker,
            open_session=self._around.open_session,
            options=options,
            look=None if is_last else self._around.look,
            on_wait=self._asked.on_wait,
        )
        return await self._run.run(due, later=later)

    async def _secure(self) -> None:
        """Save what is about to be told; where that fails it is told all the same, marked as what may be repeated."""
        await self._state.save(self._books.store, within_s=INTENT_WITHIN_S)
        if self._books.fault is None:
            fault = self._state.fault
            self._books.store.fault = None if fault is None else f"the state of this run cannot be kept ({fault})"

    async def _save_at_last(self, within_s: float) -> None:
        """Save what is so now; a signal leaves a few seconds for that, as the machine goes away soon after it."""
        with self._interruption.bounding(GRACE_S) as scope:
            await self._state.save(self._books.store, within_s=within_s)
        if scope.cancelled_caught:
            self._state.fault = "the state could not be saved before the job had to end"

    async def _save_now_and_then(self) -> None:
        while True:
            await anyio.sleep(SAVE_EVERY_S)
            known = self._state.queued
            await self._state.save(self._books.store, within_s=INTENT_WITHIN_S)
            if self._state.queued > known and self._run is not None:
                self._run.wake()

    def _begin(self, store: Store) -> None:
        if self._state.aside is not None:
            queue_store_alert(store, self._config, self._place, self._state.aside, self._began_ms)
        if self._asked.is_drill:
            queue_drill(store, self._config, self._place, self._began_ms)
        with store.transaction():
            runs.save_run(store, self._row())

    def _end(self, store: Store) -> None:
        with store.transaction():
            runs.save_run(store, self._row(ended_at_ms=self._clock.now_ms()))
        if self._interruption.number is None:
            public.compact(store, now_ms=self._clock.now_ms())

    def _row(self, *, ended_at_ms: int | None = None) -> RunRow:
        cron = self._job.schedule
        return RunRow(
            location=self._config.location,
            run=self._job.run,
            trigger=self._job.trigger,
            planned_at_ms=None if cron is None else cadence.planned_slot_ms(cron, self._began_ms),
            started_at_ms=self._began_ms,
            ended_at_ms=ended_at_ms,
        )

    def _due(self, store: Store) -> tuple[list[Probe], dict[str, float]]:
        """Return the probes that are due, and in how many seconds the others are."""
        now_ms = self._clock.now_ms()
        last = {probe_id: state.last_at_ms for probe_id, state in all_states(store, self._config.location).items()}
        enabled = [probe for probe in self._config.probes if probe.enabled]
        due = [probe for probe in enabled if is_due(probe, last.get(probe.id), now_ms)]
        waiting = {probe.id: probe for probe in enabled if probe not in due}
        return due, {
            probe_id: ((last[probe_id] or 0) + probe.interval_ms - now_ms) / 1000 for probe_id, probe in waiting.items()
        }

    def _sum_up(self, store: Store, *, report: Report) -> Outcome:
        now_ms = self._clock.now_ms()
        report.stopped_by = report.stopped_by or self._interruption.number
        report.undelivered = count_alerts(outbox.all_waiting(store))
        known = runs.all_runs(store, self._config.location, now_ms - 2 * WEEK_MS)
        return Outcome(
            report=report,
            status=report_status(store, self._config, self._config.probes, now_ms=now_ms),
            cadence=cadence.measure([each.started_at_ms for each in known], since_ms=now_ms - WEEK_MS, now_ms=now_ms),
            fault=self._state.fault,
            is_whole=self._state.aside is None,
            notes=tuple(self._state.notes),
            hints=tuple(self._state.hints),
        )
