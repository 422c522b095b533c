"""The service: the loop, delivery beside it, and whatever keeps them alive through years.

Only committed work counts as progress. Every commit tells systemd that we live, as long as no check is overdue; nothing
else does, so a loop that hangs, or one that runs in circles, is ended and started again by its watchdog.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio

from prober.adapters.store.notices import CONFIGURATION, put_notice
from prober.adapters.store.states import all_states
from prober.app.deliver import Delivery
from prober.app.failure import first_of_ours
from prober.app.loop import IDLE_S, Loop
from prober.app.record import Recorded, record
from prober.app.reload import first_line, refuse_change
from prober.app.round import Round, Rounds
from prober.app.standby import Lookout, record_look
from prober.app.takeover import Inheritance, close_unconfigured, hand_over, take_over
from prober.app.upkeep import Upkeep
from prober.core.masking import Masker
from prober.core.model import Outcome, State
from prober.errors import ConfigError
from prober.render.when import clock as time_of_day

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping

    from prober.adapters.store.db import Store
    from prober.adapters.store.outbox import OutboxRow
    from prober.app.books import Books
    from prober.app.standby import Look
    from prober.app.surroundings import Surroundings
    from prober.core.model import ProbeState
    from prober.core.settings import Config

STOP_WITHIN_S = 7.0
HURRIED_S = 0.5
MOST_LATE_S = 60.0
JUMP_MS = 2_000


class Service:
    """Watch, tell and remember until told to stop."""

    def __init__(self, config: Config, books: Books, around: Surroundings) -> None:
        self._config = config
        self._books = books
        self._around = around
        self._clock = around.clock
        self._journal = around.journal
        self._systemd = around.systemd
        self._delivery = Delivery(
            books=books,
            channels=config.channels,
            clock=around.clock,
            open_session=around.mailer(config.secrets),
            owner=around.place.owner,
            location=config.location,
            journal=around.journal,
        )
        self._rounds = self._new_rounds(past_ms=0)
        self._loop = Loop(
            rounds=self._rounds,
            clock=around.clock,
            commit=self._commit,
            idle_s=min(IDLE_S, (around.systemd.watchdog_s or IDLE_S) / 3),
        )
        self._upkeep = Upkeep(
            config,
            books=books,
            clock=around.clock,
            checker=around.checker,
            journal=around.journal,
            on_healed=self._come_home,
        )
        self._watching = anyio.CancelScope()
        self._reloading = anyio.CancelScope()
        self._is_reload_due = anyio.Event()
        self._trouble: str | None = None
        self._last_ms: int | None = None
        self._is_stopping = False
        self._is_starving = False
        self._wall_ahead_ms = self._ahead_ms()

    async def run(self, signals: AsyncIterable[signal.Signals]) -> None:
        """Serve until SIGINT or SIGTERM; a second one ends everything at once. SIGHUP reads the configuration anew."""
        try:
            async with anyio.create_task_group() as everything:
                await self._begin()
                everything.start_soon(self._upkeep.run)
                everything.start_soon(self._stand_by)
                everything.start_soon(self._reload_when_due)
                everything.start_soon(self._obey, signals, everything.cancel_scope)
                async with anyio.create_task_group() as work:
                    work.start_soon(self._delivery.run)
                    self._systemd.ready(self._line())
                    self._journal.ready()
                    await self._loop.run()
                    self._delivery.finish()
                everything.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise first_of_ours(group) from group
        await hand_over(self._books, self._journal)

    async def _stand_by(self) -> None:
        """Look at whom we stand behind, whoever that is by now."""
        while True:
            look = self._around.look(self._config)
            with anyio.CancelScope() as self._watching:
                if look is None:
                    await anyio.sleep_forever()
                else:
                    await self._new_lookout(look).run()

    def _new_lookout(self, look: Look) -> Lookout:
        return Lookout(
            look,
            config=self._config,
            books=self._books,
            clock=self._clock,
            journal=self._journal,
            record=partial(record_look, config=self._config, place=self._around.place, is_alerting=True),
            is_online=self._rounds.is_online,
            on_looked=lambda _: self._delivery.wake(),
        )

    async def _begin(self) -> None:
        """Begin where the last process stopped, with what is configured now."""
        left: Inheritance = await self._books.write(partial(take_over, config=self._config))
        self._tell_closed(left.closed)
        self._rounds = self._new_rounds(past_ms=left.past_ms)
        self._loop.configure(self._rounds, self._config.probes, left.states)
        await self._keep(self._nothing(), covers_all=True)

    def _new_rounds(self, *, past_ms: int) -> Rounds:
        return Rounds(
            checker=self._around.checker,
            clock=self._clock,
            location=self._config.location,
            mask=Masker(self._config.secrets).mask,
            connectivity_urls=self._config.connectivity_urls,
            past_ms=past_ms,
        )

    def _tell_closed(self, rows: Iterable[OutboxRow]) -> None:
        for row in rows:
            self._journal.alert_closed(row)

    def _nothing(self) -> Round:
        now_ms = self._clock.now_ms()
        return Round(started_at_ms=now_ms, ended_at_ms=now_ms, results=(), is_reachable=None)

    async def _commit(self, seen: Round) -> Mapping[str, ProbeState]:
        recorded = await self._keep(seen, covers_all=False)
        self._feed()
        if seen.results:
            self._last_ms = seen.ended_at_ms
            self._systemd.status(self._line())
        if any(result.outcome is not Outcome.UNKNOWN for result in seen.results):
            self._upkeep.was_judged()
        return recorded.states

    def _feed(self) -> None:
        late_s = self._loop.late_s()
        if late_s < MOST_LATE_S:
            self._systemd.feed()
        elif not self._is_starving:
            self._journal.watchdog_starving(idle_ms=round(late_s * 1000))
        self._is_starving = late_s >= MOST_LATE_S

    async def _keep(self, seen: Round, *, covers_all: bool) -> Recorded:
        seen = replace(seen, jumped_ms=self._notice_jump())
        recorded = await self._books.write(partial(self._record, seen, covers_all=covers_all))
        self._journal.round_recorded(seen.results, recorded.told, recorded.queued)
        if recorded.queued:
            self._delivery.wake()
        return recorded

    def _record(self, seen: Round, store: Store, *, covers_all: bool) -> Recorded:
        return record(
            seen,
            store=store,
            config=self._config,
            place=self._around.place,
            covers_all=covers_all,
            is_alerting=True,
            goes_on=True,
        )

    def _line(self) -> str:
        """Return how we are, as ``systemctl status`` shows it."""
        tally = self._loop.tally
        counted = [f"{tally[state]} {state}" for state in (State.DOWN, State.SLOW) if tally[state]]
        trouble = [] if self._books.fault is None else [f"the store cannot be written: {self._books.fault}"]
        if self._books.standins.is_in_memory:
            trouble.append("what happens is kept in memory only")
        probes = f"{tally.total()} probe{'' if tally.total() == 1 else 's'}"
        line = f"last round {time_of_day(self._last_ms)}: {probes}" if self._last_ms else f"{probes}, none checked yet"
        return ", ".join([line, *counted, *trouble, *filter(None, [self._trouble])])

    def _ahead_ms(self) -> int:
        return self._clock.now_ms() - round(anyio.current_time() * 1000)

    def _notice_jump(self) -> int:
        """Return by how much somebody has set the wall clock forward since this was asked last."""
        before_ms, self._wall_ahead_ms = self._wall_ahead_ms, self._ahead_ms()
        jumped_ms = self._wall_ahead_ms - before_ms
        if abs(jumped_ms) <= JUMP_MS:
            return 0
        self._journal.clock_jumped(jumped_ms)
        self._delivery.wake()
        return jumped_ms

    async def _come_home(self) -> None:
        self._delivery.wake()
        await self._note(self._trouble)

    async def _obey(self, signals: AsyncIterable[signal.Signals], everything: anyio.CancelScope) -> None:
        async for number in signals:
            if number is signal.SIGHUP and self._is_stopping:
                continue
            if number is signal.SIGHUP:
                self._journal.signal_received(number.name, meaning="reading the configuration anew")
                self._is_reload_due.set()
            elif self._is_stopping:
                self._journal.signal_received(number.name, meaning="stopping at once")
                everything.cancel()
            else:
                self._is_stopping = True
                self._journal.signal_received(number.name, meaning="stopping")
                self._systemd.stopping()
                self._reloading.cancel()
                self._books.patience_s = HURRIED_S
                self._loop.finish()
                everything.deadline = anyio.current_time() + STOP_WITHIN_S

    async def _reload_when_due(self) -> None:
        """Reload beside everything else: a store that is busy must not keep a stop waiting."""
        while True:
            await self._is_reload_due.wait()
            self._is_reload_due = anyio.Event()
            with anyio.CancelScope() as self._reloading:
                if not self._is_stopping:
                    await self._reload()

    async def _reload(self) -> None:
        self._systemd.reloading()
        before = self._config
        try:
            after = self._around.load()
            await self._books.write(partial(refuse_change, before=before, after=after))
        except ConfigError as error:
            self._journal.reload_failed(error)
            await self._note(f"the old configuration is in force, the new one is not valid: {first_line(error)}")
        else:
            self._journal.hide([*after.secrets, after.heartbeat_url or ""])
            await self._take(after)
            self._journal.reloaded(before, after)
        self._systemd.ready(self._line())

    async def _take(self, after: Config) -> None:
        """Go on with another configuration; what is under way ends as it began."""
        self._config = self._books.config = after
        self._delivery.configure(after.channels, self._around.mailer(after.secrets))
        self._upkeep.configure(after)
        self._watching.cancel()
        self._rounds = self._new_rounds(past_ms=self._rounds.past_ms)
        states = await self._books.write(partial(all_states, location=after.location))
        self._loop.configure(self._rounds, after.probes, states)
        self._tell_closed(await self._books.write(partial(close_unconfigured, config=after)))
        await self._keep(self._nothing(), covers_all=True)
        await self._note(None)

    async def _note(self, text: str | None) -> None:
        self._trouble = text
        now_ms = self._clock.now_ms()
        await self._books.write(lambda store: put_notice(store, CONFIGURATION, text, now_ms=now_ms))
