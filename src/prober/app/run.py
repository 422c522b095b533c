"""One-shot run: a round, its rechecks while a verdict is near, and delivery beside them."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from prober.adapters.store import outbox
from prober.adapters.store.states import all_states
from prober.app.deliver import Delivery, OpenSession
from prober.app.record import Recorded, record
from prober.app.round import Round, Rounds
from prober.app.waiting import count_alerts, shown_alerts
from prober.core.masking import Masker
from prober.core.model import Probe, ProbeState, Reason, Result
from prober.core.schedule import PACE_MS, is_waiting_for_verdict, spacing_ms
from prober.errors import ProberError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prober.adapters.store.db import Store
    from prober.app.announce import Told
    from prober.app.place import Place
    from prober.app.ports import Checker, Clock
    from prober.core.report import WaitingAlert
    from prober.core.settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one run differs from another. ``covers_all`` says that it is about every configured probe."""

    deadline_ms: int
    place: Place
    covers_all: bool = True
    is_alerting: bool = True


@dataclass(slots=True, kw_only=True)
class Report:
    """What a run did. ``undelivered`` alerts wait in the outbox; ``refusals`` says why, per mail.

    ``closed`` alerts were given up, as their recipients are no longer configured.
    ``stopped_by`` is the signal that ended the run early; ``set_aside`` is where a corrupt store was moved.
    """

    results: list[Result] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    states: Mapping[str, ProbeState] = field(default_factory=dict)
    queued: int = 0
    accepted: int = 0
    undelivered: int = 0
    refusals: Sequence[str] = ()
    closed: Sequence[WaitingAlert] = ()
    is_offline: bool = False
    stopped_by: signal.Signals | None = None
    set_aside: str | None = None


class Run:
    """Check the given probes until nothing is pending or the deadline is near."""

    def __init__(
        self,
        *,
        config: Config,
        store: Store,
        clock: Clock,
        checker: Checker,
        open_session: OpenSession,
        options: Options,
        on_wait: Callable[[Sequence[Probe], float], None] = lambda *_: None,
    ) -> None:
        self._config = config
        self._store = store
        self._options = options
        self._on_wait = on_wait
        self._rounds = Rounds(
            checker=checker,
            clock=clock,
            location=config.location,
            mask=Masker(config.secrets).mask,
            connectivity_urls=config.connectivity_urls,
        )
        self._delivery = Delivery(
            store=store,
            channels=config.channels if options.is_alerting else (),
            clock=clock,
            open_session=open_session,
            owner=options.place.owner,
            location=config.location,
        )
        self._next_start: dict[str, float] = {}
        self.report = Report()

    async def run(self, probes: Sequence[Probe]) -> Report:
        """Run to the end, or until SIGINT or SIGTERM, and return what was done; what is recorded stays recorded.

        Raises StoreError when the store fails us.
        """
        self._take_over()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._stop_on_signal, tasks.cancel_scope)
                await self._work(probes)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise first_of_ours(group) from group
        self.report.accepted = self._delivery.accepted
        if self._options.is_alerting:
            waiting = outbox.all_waiting(self._store)
            self.report.undelivered = count_alerts(waiting)
            self.report.refusals = tuple(f"{row.recipient}: {row.last_error}" for row in waiting if row.last_error)
        return self.report

    def _take_over(self) -> None:
        """Begin where the last process stopped: with its states, and an outbox for those who are still configured."""
        self.report.states = all_states(self._store, self._config.location)
        configured = {(channel.id, recipient) for channel in self._config.channels for recipient in channel.to}
        with self._store.transaction():
            outbox.release_leases(self._store)
            self.report.closed = shown_alerts(outbox.close_unconfigured(self._store, configured))

    async def _work(self, probes: Sequence[Probe]) -> None:
        async with anyio.create_task_group() as work:
            work.start_soon(self._delivery.run)
            await self._check_until_settled(probes)
            self._delivery.finish()

    async def _stop_on_signal(self, scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                self.report.stopped_by = number
                scope.cancel()
                return

    async def _check_until_settled(self, probes: Sequence[Probe]) -> None:
        deadline = anyio.current_time() + self._options.deadline_ms / 1000
        await self._pass(probes, deadline, covers_all=self._options.covers_all)
        while due := await self._wait_for_next(probes, deadline):
            await self._pass(due, deadline, covers_all=False)

    async def _pass(self, due: Sequence[Probe], deadline: float, *, covers_all: bool) -> None:
        begin = anyio.current_time()
        seen = await self._rounds.run(due, may_repeat=lambda probe: _fits(probe, anyio.current_time(), deadline))
        recorded = record(
            seen,
            store=self._store,
            config=self._config,
            covers_all=covers_all,
            is_alerting=self._options.is_alerting,
            place=self._options.place,
        )
        self._delivery.wake()
        self._note(seen, recorded)
        self._plan_next(due, seen, recorded, begin)

    def _note(self, seen: Round, recorded: Recorded) -> None:
        self.report.results += seen.results
        self.report.told += recorded.told
        self.report.queued += recorded.queued
        self.report.states = recorded.states
        self.report.is_offline = {result.reason for result in self.report.results} == {Reason.OFFLINE}

    def _plan_next(self, due: Sequence[Probe], seen: Round, recorded: Recorded, begin: float) -> None:
        ended = anyio.current_time()
        for probe, result in zip(due, seen.results, strict=True):
            started = min(begin + max(result.at_ms - seen.started_at_ms, 0) / 1000, ended)
            spacing = spacing_ms(probe, recorded.states.get(probe.id, ProbeState())) / 1000
            self._next_start[probe.id] = max(started + spacing, ended)

    async def _wait_for_next(self, probes: Sequence[Probe], deadline: float) -> list[Probe]:
        states = self.report.states
        near = [
            probe
            for probe in probes
            if is_waiting_for_verdict(probe, states.get(probe.id, ProbeState()))
            and _fits(probe, self._next_start[probe.id], deadline)
        ]
        if not near:
            return []
        wake = min(self._next_start[probe.id] for probe in probes if _fits(probe, self._next_start[probe.id], deadline))
        self._on_wait(near, wake - anyio.current_time())
        await anyio.sleep_until(wake)
        together = wake + len(probes) * PACE_MS / 1000
        return [
            probe
            for probe in probes
            if self._next_start[probe.id] <= together and _fits(probe, self._next_start[probe.id], deadline)
        ]


def _fits(probe: Probe, start: float, deadline: float) -> bool:
    return start + probe.timeout_ms / 1000 <= deadline


def first_of_ours(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error that says what to do, so that people see it and not the group that carried it."""
    ours = group.subgroup(ProberError)
    found: BaseException = group if ours is None else ours.exceptions[0]
    while ours is not None and isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
