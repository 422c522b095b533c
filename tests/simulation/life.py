"""One process of a prober made of the pure core alone: what it does, and what it knows until it is killed.

It does what `app/loop`, `app/round` and `app/service` do, and leaves to the core what they leave to it: `schedule` and
`timetable` say when, `connectivity` and `rules` what a check means, `gate` and `due` who is told, `delivery` how.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from typing import TYPE_CHECKING, Final

from prober.core import connectivity
from prober.core.model import Result, State
from prober.core.rules import is_pending
from prober.core.schedule import SERVICE_PACE_MS, first_start_ms, next_slot_ms, next_start_ms
from prober.core.timetable import Timetable
from tests.simulation import faults
from tests.simulation.delivery import deliver, hand_over
from tests.simulation.world import AWAY, FINE, MINUTE, SECOND, UNNAMED, WALLED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.core.model import Probe
    from tests.simulation.books import Books, Ended
    from tests.simulation.machine import Machine
    from tests.simulation.outbox import Outbox, Row
    from tests.simulation.world import Seen

NEVER: Final = 1 << 62
QUICK: Final = 100
SOON: Final = 100
LATER: Final = 5 * SECOND
ANSWER_SERVES: Final = 30 * SECOND
REMINDING_EVERY: Final = 5 * MINUTE
SILENT: Final = frozenset({AWAY, UNNAMED, WALLED})


class Life:
    """A prober from its start to its end. It begins with what is in the books, and nothing else."""

    # What negative controls do in another way.
    next_start_ms = staticmethod(next_start_ms)
    hand_over = staticmethod(hand_over)
    asks_connectivity = True

    def __init__(
        self,
        machine: Machine,
        books: Books,
        probes: Sequence[Probe],
        *,
        location: str,
        post: Callable[[Row], None],
    ) -> None:
        self.post = post
        self._machine, self._books, self._probes, self._location = machine, books, probes, location
        self._numbers = {probe.id: number for number, probe in enumerate(probes)}
        self._is_over = False
        self._timetable = Timetable()
        self._free_at = machine.now
        self._seen, self._seen_until = [FINE] * len(probes), [0] * len(probes)
        self._is_settled = [False] * len(probes)
        self._ended: list[Ended] = []
        self._results: list[Result] = []
        self._is_unsettled = False
        self._commit_at = NEVER
        self._heard_at_ms: int | None = None
        self._answer: tuple[int, bool] | None = None
        self._delivery = deliver(self)
        self._is_idle, self._is_woken = True, False
        self._turn = 0

    def begin(self) -> None:
        """Plan every probe, and go on with what the last process left."""
        machine = self._machine
        lag = machine.now % 997  # no two processes are late by the same
        machine.steady_ahead = machine.wall_ahead - lag
        for probe, state in zip(self._probes, self._books.store.states, strict=True):
            self._timetable.plan(probe.id, first_start_ms(probe, state, machine.now + machine.steady_ahead))
        self.outbox().release()
        self.wake()
        self._remind()

    def end(self) -> None:
        """Be no more: what was noted for later does nothing."""
        self._is_over = True
        self._turn = -1
        self._timetable = Timetable()
        self._commit_at = NEVER

    def resume(self) -> None:
        """Go on after a time in which nothing ran."""
        self._free_at = self._machine.now

    def outbox(self) -> Outbox:
        return self._books.store.outbox

    def now_ms(self) -> int:
        return self._machine.now + self._machine.wall_ahead

    def mood(self) -> str:
        return self._machine.mood()

    def pass_by(self, moment: str) -> None:
        self._machine.pass_by(moment)

    def check_until_interrupted(self) -> None:
        """Start checks and record what they saw, until something else is to happen."""
        machine, timetable, states = self._machine, self._timetable, self._books.store.states
        agenda, location = machine.agenda, self._location
        ahead, wall_ahead, plan_next = machine.steady_ahead, machine.wall_ahead, self.next_start_ms
        while True:
            start_ms = timetable.next_ms()
            at = NEVER if start_ms is None else start_ms - ahead
            at = max(at, self._free_at)
            if at >= self._commit_at and self._commit_at <= agenda[0][0]:
                self._commit()
                continue
            if at >= agenda[0][0]:
                return
            machine.now, self._free_at = at, at + SERVICE_PACE_MS
            probe_id = timetable.take_due(at + ahead) or ""
            number = self._numbers[probe_id]
            if at >= self._seen_until[number]:
                self._look(number)
            probe, seen = self._probes[number], self._seen[number]
            result = Result(
                probe_id=probe_id,
                location=location,
                at_ms=at + wall_ahead,
                outcome=seen.outcome,
                reason=seen.reason,
                latency_us=seen.latency_us,
                path_failure=seen.path_failure,
                response_began=not seen.path_failure,
            )
            if seen is not FINE or not self._is_settled[number]:
                machine.note(at + seen.takes, partial(self._end_check, number, at, probe, seen, result))
                continue
            self._heard_at_ms = result.at_ms
            started_ms = at + ahead
            next_ms = plan_next(probe, states[number], started_ms=started_ms, ended_ms=started_ms + QUICK)
            timetable.plan(probe_id, next_ms)
            self._ended.append((number, at, seen, True))
            self._results.append(result)
            if self._commit_at == NEVER:
                self._commit_at = at + LATER

    def _look(self, number: int) -> None:
        view = self._machine.sight.views[number]
        now = bisect_right(view.starts, self._machine.now) - 1
        self._seen[number] = view.seen[now]
        self._seen_until[number] = view.starts[now + 1] if now + 1 < len(view.starts) else NEVER

    def _end_check(self, number: int, at: int, probe: Probe, seen: Seen, result: Result) -> None:
        """Take a check that may change what we believe."""
        if self._is_over:
            return
        if probe is not self._probes[number]:
            self._timetable.plan(probe.id, next_slot_ms(probe, self._steady_ms()))
            return
        if result.response_began:
            self._heard_at_ms = max(result.at_ms, self._heard_before() or 0)
        if connectivity.is_suspect(result):
            self._is_reachable()
        self._ended.append((number, at, seen, False))
        self._results.append(result)
        self._is_unsettled = True
        self._commit_at = min(self._commit_at, self._machine.now + SOON)

    def _commit(self) -> None:
        """Record what ended until now, in one piece."""
        machine = self._machine
        machine.now = max(machine.now, self._commit_at)
        ended, results, is_unsettled = self._ended, self._results, self._is_unsettled
        self._ended, self._results, self._is_unsettled, self._commit_at = [], [], False, NEVER
        is_reachable = heard_at_ms = None
        if is_unsettled:
            heard_at_ms = self._heard_before()
            is_reachable = self._is_reachable() if any(map(connectivity.is_suspect, results)) else None
            self.pass_by(faults.UNRECORDED)
        judged = connectivity.judge(results, is_reachable=is_reachable, heard_at_ms=heard_at_ms)
        is_queued = self._books.record(ended, judged, is_reachable=is_reachable, at=machine.now, now_ms=self.now_ms())
        if is_unsettled:
            self._plan_after(ended)
        if is_queued:
            self.pass_by(faults.RECORDED)
            self.wake()

    def _plan_after(self, ended: Sequence[Ended]) -> None:
        for number, at, _, is_planned in ended:
            if is_planned:
                continue
            probe, state = self._probes[number], self._books.store.states[number]
            self._is_settled[number] = state.state is State.UP and not is_pending(state)
            started_ms = at + self._machine.steady_ahead
            next_ms = self.next_start_ms(probe, state, started_ms=started_ms, ended_ms=self._steady_ms())
            self._timetable.plan(probe.id, next_ms)

    def _steady_ms(self) -> int:
        return self._machine.now + self._machine.steady_ahead

    def _heard_before(self) -> int | None:
        heard = self._heard_at_ms
        return heard if heard is not None and heard <= self.now_ms() else None

    def _is_reachable(self) -> bool | None:
        if not self.asks_connectivity:
            return None
        now = self._machine.now
        if self._answer is None or now - self._answer[0] > ANSWER_SERVES:
            self._answer = now, self._machine.way() not in SILENT
        return self._answer[1]

    def wake(self) -> None:
        """Let delivery look at the outbox, as soon as it is idle."""
        self._is_woken = True
        if self._is_idle:
            self._go_on(self._turn)

    def _go_on(self, turn: int) -> None:
        """Go on with the delivery, unless that was done already."""
        if turn != self._turn:
            return
        self._turn += 1
        self._is_woken = False
        pause = next(self._delivery)
        while pause.is_idle and self._is_woken:
            self._is_woken = False
            pause = next(self._delivery)
        self._is_idle = pause.is_idle
        self._machine.note(self._machine.now + pause.ms, partial(self._go_on, self._turn))

    def _remind(self) -> None:
        if self._is_over:
            return
        if self._books.remind(self._machine.now, self.now_ms()):
            self.wake()
        self._machine.note(self._machine.now + REMINDING_EVERY, self._remind)
