"""One-shot run: a round, its rechecks while a verdict is near, and delivery beside them."""

from __future__ import annotations

import signal
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio

from prober.adapters.store import outbox
from prober.app.asked import Report
from prober.app.books import PATIENCE_S
from prober.app.deliver import Delivery
from prober.app.failure import first_of_ours
from prober.app.heartbeat import Heartbeat, is_allowed
from prober.app.keeping import keep_house
from prober.app.record import Recorded, record
from prober.app.round import Round, Rounds
from prober.app.standby import Lookout, record_look
from prober.app.takeover import Inheritance, take_over
from prober.app.waiting import count_alerts, refusal, shown_alerts
from prober.core.masking import Masker
from prober.core.model import Outcome, Probe, ProbeState, Reason
from prober.core.rules import is_pending
from prober.core.schedule import PACE_MS, is_waiting_for_verdict, spacing_ms
from prober.core.sight import Verdict
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prober.app.asked import Options
    from prober.app.books import Books
    from prober.app.ports import Checker, Clock, OpenSession
    from prober.app.standby import Look, Looked
    from prober.core.settings import Config


AT_ONCE_MS = 1_000


class Run:
    """Check the given probes until nothing is pending or the deadline is near."""

    def __init__(
        self,
        *,
        config: Config,
        books: Books,
        clock: Clock,
        checker: Checker,
        open_session: OpenSession,
        options: Options,
        look: Look | None = None,
        on_wait: Callable[[Sequence[Probe], float], None] = lambda *_: None,
    ) -> None:
        self._journal = options.journal
        self._clock = clock
        self._checker = checker
        self._config = config
        self._books = books
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
            books=books,
            channels=config.channels if options.is_alerting else (),
            clock=clock,
            open_session=open_session,
            owner=options.place.owner,
            location=config.location,
            journal=self._journal,
        )
        self._delivery.secure = options.secure
        self._lookout = None if look is None else self._new_lookout(look, options)
        self._has_looked = anyio.Event()
        self._next_start: dict[str, float] = {}
        self._later: Mapping[str, float] = {}
        self.report = Report()

    async def run(self, probes: Sequence[Probe], *, later: Mapping[str, float] = MappingProxyType({})) -> Report:
        """Run to the end, or until SIGINT or SIGTERM, and return what was done; what is recorded stays recorded.

        ``later`` says of probes that are not due yet in how many seconds they are.
        """
        self._later = later
        await self._take_over()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._stop_on_signal, tasks.cancel_scope)
                await self._work(probes)
                await self._come_home()
                if self._options.residence == "never":
                    await self._beat()
                self._keep_house()
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise first_of_ours(group) from group
        await self._books.heal()
        await self._sum_up()
        return self.report

    def wake(self) -> None:
        """Say that alerts were queued by somebody else."""
        self._delivery.wake()

    async def _take_over(self) -> None:
        """Begin where the last process stopped: with its states, and an outbox for those who are still configured."""
        left: Inheritance = await self._books.write(partial(take_over, config=self._config))
        self.report.states = left.states
        self._rounds.past_ms = max(self._rounds.past_ms, left.past_ms)
        self.report.closed = (*self.report.closed, *shown_alerts(left.closed))
        for row in left.closed:
            self._journal.alert_closed(row)

    async def _come_home(self) -> None:
        """Take what was done without the store into it, and deliver what only the store knew of."""
        if self._books.fault is not None and await self._books.heal(patience_s=PATIENCE_S):
            await self._take_over()
            await self._delivery.run()

    def _keep_house(self) -> None:
        """Roll up and prune a little; whether that works says nothing about this run."""
        if self._books.fault is None:
            with suppress(StoreError):
                keep_house(self._books.store, keep_ms=self._config.keep_ms, now_ms=self._clock.now_ms())

    async def _sum_up(self) -> None:
        self.report.accepted = self._delivery.accepted
        self.report.fault = self._books.fault
        self.report.has_lost = self._books.standins.has_lost or self._books.standins.is_in_memory
        self.report.notes = tuple(self._books.notes)
        self.report.set_aside = None if self._books.set_aside is None else str(self._books.set_aside)
        if self._options.is_alerting:
            self.report.queued += self._books.queued
            waiting = await self._books.write(outbox.all_waiting)
            self.report.undelivered = count_alerts(waiting)
            self.report.refusals = tuple(refusal(row, tried=self._delivery.tried) for row in waiting if row.last_error)

    async def _work(self, probes: Sequence[Probe]) -> None:
        async with anyio.create_task_group() as work:
            work.start_soon(self._delivery.run)
            async with anyio.create_task_group() as eyes:
                if self._lookout is not None:
                    eyes.start_soon(self._lookout.run)
                await self._check_until_settled(probes)
                eyes.cancel_scope.cancel()
            self._delivery.finish()

    def _new_lookout(self, look: Look, options: Options) -> Lookout:
        return Lookout(
            look,
            config=self._config,
            books=self._books,
            clock=self._clock,
            journal=self._journal,
            record=partial(record_look, config=self._config, place=options.place, is_alerting=options.is_alerting),
            is_online=self._rounds.is_online,
            on_looked=self._take_note,
        )

    def _take_note(self, looked: Looked) -> None:
        self.report.told += looked.told
        self.report.released += looked.released
        self.report.queued += looked.queued
        self._delivery.wake()
        self._has_looked.set()

    async def _beat(self) -> None:
        """Send the heartbeat, unless nothing was judged or people do not get their alerts: then it must stay away."""
        url = self._config.heartbeat_url
        has_judged = any(result.outcome is not Outcome.UNKNOWN for result in self.report.results)
        if url is None or not has_judged or not self._options.is_alerting:
            return
        if is_allowed(self._books.store, self._clock.now_ms()):
            mask = Masker(self._config.secrets).mask
            heartbeat = Heartbeat(url, checker=self._checker, mask=mask, journal=self._journal)
            await heartbeat.beat()
            self.report.heartbeat_error = heartbeat.error

    async def _stop_on_signal(self, scope: anyio.CancelScope) -> None:
        if (stop := self._options.stop) is not None:
            await stop.asked.wait()
            self.report.stopped_by = stop.number
            scope.cancel()
            return
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                self.report.stopped_by = number
                scope.cancel()
                return

    async def _check_until_settled(self, probes: Sequence[Probe]) -> None:
        began = anyio.current_time()
        deadline = began + self._options.deadline_ms / 1000
        self._residence_ends = began + self._options.residence_ms / 1000
        self._next_start = {probe_id: began + seconds for probe_id, seconds in self._later.items()}
        await self._pass(probes, deadline, covers_all=self._options.covers_all)
        watched = [*probes, *(probe for probe in self._config.probes if probe.id in self._later)]
        while due := await self._wait_for_next(watched, deadline):
            await self._pass(due, deadline, covers_all=False)

    async def _pass(self, due: Sequence[Probe], deadline: float, *, covers_all: bool) -> None:
        begin = anyio.current_time()
        seen = await self._rounds.run(due, may_repeat=lambda probe: _fits(probe, anyio.current_time(), deadline))
        with anyio.CancelScope(shield=True):  # what was seen is kept, also when that takes a moment
            recorded = await self._books.write(
                lambda store: record(
                    seen,
                    store=store,
                    config=self._config,
                    covers_all=covers_all,
                    is_alerting=self._options.is_alerting,
                    place=self._options.place,
                )
            )
        self._journal.round_recorded(seen.results, recorded.told, recorded.queued)
        self._delivery.wake()
        self._note(seen, recorded)
        self._plan_next(due, seen, begin)
        if self._options.residence != "never":
            await self._beat()

    def _note(self, seen: Round, recorded: Recorded) -> None:
        self.report.results += seen.results
        self.report.told += recorded.told
        self.report.released += recorded.released
        self.report.queued += recorded.queued
        self.report.states.update(recorded.states)
        self.report.is_offline = {result.reason for result in self.report.results} == {Reason.OFFLINE}

    def _plan_next(self, due: Sequence[Probe], seen: Round, begin: float) -> None:
        ended = anyio.current_time()
        for probe, result in zip(due, seen.results, strict=True):
            started = min(begin + max(result.at_ms - seen.started_at_ms, 0) / 1000, ended)
            self._next_start[probe.id] = max(started + self._spacing_ms(probe) / 1000, ended)

    def _spacing_ms(self, probe: Probe) -> int:
        """Return when to look again; without a store this run may have to find the verdict by itself, so at once."""
        state = self._state(probe)
        return AT_ONCE_MS if self._forgets and is_pending(state) else spacing_ms(probe, state)

    def _is_near_verdict(self, probe: Probe) -> bool:
        state = self._state(probe)
        return is_waiting_for_verdict(probe, state) or (self._forgets and is_pending(state))

    @property
    def _forgets(self) -> bool:
        return self._books.fault is not None or self._options.is_forgetful()

    def _state(self, probe: Probe) -> ProbeState:
        return self.report.states.get(probe.id, ProbeState())

    async def _wait_for_next(self, probes: Sequence[Probe], deadline: float) -> list[Probe]:
        while True:
            stays = self._stays()
            until = max(deadline, self._residence_ends) if stays else deadline
            fitting = [probe for probe in probes if _fits(probe, self._next_start[probe.id], until)]
            near = [probe for probe in fitting if self._is_near_verdict(probe) and probe.id not in self._later]
            wanted = fitting if stays else near
            if not wanted and not self._may_turn(until):
                return []
            wake = min((self._next_start[probe.id] for probe in fitting if wanted), default=until)
            if near or not wanted:
                self._on_wait(
                    near, (wake - anyio.current_time()) if near else self._lookout.due_s() if self._lookout else 0.0
                )
            if not await self._has_turned_before(wake):
                together = wake + len(probes) * PACE_MS / 1000
                return [probe for probe in fitting if wanted and self._next_start[probe.id] <= together]

    def _stays(self) -> bool:
        """Say whether checks go on at their intervals: a key that is refused does not say that nobody watches."""
        if self._options.residence != "standing-in" or self._lookout is None:
            return self._options.residence == "always"
        standing = self._lookout.standing
        return standing.role == "standing-in" and standing.why is not Verdict.REJECTED

    def _may_turn(self, until: float) -> bool:
        return self._lookout is not None and self._lookout.may_change(until - anyio.current_time())

    async def _has_turned_before(self, wake: float) -> bool:
        """Wait, and say whether a look came to something meanwhile, after which it may be another wait."""
        with anyio.move_on_after(wake - anyio.current_time()):
            await self._has_looked.wait()
        has_turned, self._has_looked = self._has_looked.is_set(), anyio.Event()
        return has_turned


def _fits(probe: Probe, start: float, deadline: float) -> bool:
    return start + probe.timeout_ms / 1000 <= deadline
