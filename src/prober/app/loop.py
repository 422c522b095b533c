"""Check every probe in its own slot for as long as the service lives, and commit what was seen.

Every check is a task of its own, so none waits for a neighbour that hangs. What ended is committed together: within a
tenth of a second when it may change what we believe of a probe, within a few seconds when it is one more good answer of
a probe that is up. What is lost of those by a kill are checks that were never made, as far as the rules are concerned.

Plans are made on a steady scale: the wall clock as it was when the loop began, and monotonic time since. A wall clock
that jumps moves no check.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from prober.core.model import Outcome, ProbeState, State
from prober.core.rules import is_pending
from prober.core.schedule import SERVICE_PACE_MS, first_start_ms, next_slot_ms, next_start_ms
from prober.core.timetable import Timetable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from anyio.abc import TaskGroup

    from prober.app.ports import Clock
    from prober.app.round import Round, Rounds
    from prober.core.model import Probe, Result

SOON_S = 0.1
LATER_S = 5.0
IDLE_S = 20.0
MOST_AT_ONCE = 1_000
TRIES = 2  # a check that was slow while we lagged is repeated
SPARE_S = 10.0
NEVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A check that ended and is not committed yet; its times are on the steady scale."""

    probe: Probe
    result: Result
    started_ms: int
    ended_ms: int
    is_planned: bool


class Loop:
    """The schedule of the probes, their checks under way, and what ended.

    ``commit`` keeps a round and returns the states after it; it is also called with an empty one when nothing ended
    for a while, for what time alone causes.
    """

    def __init__(
        self,
        *,
        rounds: Rounds,
        clock: Clock,
        commit: Callable[[Round], Awaitable[Mapping[str, ProbeState]]],
        grace_s: float = 2.0,
        idle_s: float = IDLE_S,
    ) -> None:
        self._commit = commit
        self._clock = clock
        self._idle_s = idle_s
        self._grace_s = grace_s
        self._probes: dict[str, Probe] = {}
        self._timetable = Timetable()
        self._room = anyio.Semaphore(MOST_AT_ONCE, fast_acquire=True)
        self._under_way: dict[str, float] = {}
        self._ended: list[Ended] = []
        self._commit_at = NEVER
        self._planned_sooner = anyio.Event()
        self._has_ended = anyio.Event()
        self._commit_sooner = anyio.Event()
        self._starting = anyio.CancelScope()
        self._is_over = False
        self._first_ms = clock.now_ms() - anyio.current_time() * 1000
        self.configure(rounds, (), {})

    def configure(self, rounds: Rounds, probes: Sequence[Probe], states: Mapping[str, ProbeState]) -> None:
        """Go on with other probes; those that stay as they are keep their plans.

        What was asked of a probe that is gone, or asks something else now, is not kept.
        """
        before, self._probes = self._probes, {probe.id: probe for probe in probes if probe.enabled}
        self._rounds = rounds
        self._states = dict(states)
        self._tally = Counter(self._state(probe).state for probe in self._probes.values())
        self._ended = [each for each in self._ended if self._is_still_asked(each.probe)]
        for gone in before.keys() - self._probes.keys():
            self._timetable.forget(gone)
        for probe in self._probes.values():
            if before.get(probe.id) != probe and probe.id not in self._under_way:
                self._plan(probe, first_start_ms(probe, self._state(probe), self._now_ms()))
        shortest_s = min((probe.interval_ms for probe in self._probes.values()), default=0) / 1000
        self._patience_s = min(LATER_S, shortest_s / 2)

    @property
    def tally(self) -> Counter[State]:
        """How many of the watched probes are in each state."""
        return self._tally

    def finish(self) -> None:
        """Start no more checks; those under way get a moment to end."""
        self._starting.cancel()

    def late_s(self) -> float:
        """Return by how much the most overdue check is late, whether it should have started or ended."""
        next_ms = self._timetable.next_ms()
        start_s = 0.0 if next_ms is None else (self._now_ms() - next_ms) / 1000
        return max([0.0, start_s, *(anyio.current_time() - deadline for deadline in self._under_way.values())])

    async def run(self) -> None:
        """Check until `finish`, and return when all that ended is committed."""
        async with anyio.create_task_group() as committing:
            committing.start_soon(self._commit_ended)
            async with anyio.create_task_group() as checks:
                with self._starting:
                    await self._start_due(checks)
                with anyio.move_on_after(self._grace_s):
                    while self._under_way:
                        await self._has_ended.wait()
                        self._has_ended = anyio.Event()
                checks.cancel_scope.cancel()
            self._is_over = True
            self._commit_sooner.set()

    async def _start_due(self, checks: TaskGroup) -> None:
        while True:
            probe_id = self._timetable.take_due(self._now_ms())
            if probe_id is not None:
                probe = self._probes[probe_id]
                self._under_way[probe_id] = NEVER
                checks.start_soon(self._check, probe)
                await anyio.sleep(SERVICE_PACE_MS / 1000)
                continue
            next_ms = self._timetable.next_ms()
            with anyio.move_on_after(NEVER if next_ms is None else (next_ms - self._now_ms()) / 1000):
                await self._planned_sooner.wait()
            self._planned_sooner = anyio.Event()

    async def _check(self, probe: Probe) -> None:
        try:
            async with self._room:
                started_ms = self._now_ms()
                self._under_way[probe.id] = anyio.current_time() + SPARE_S + TRIES * probe.timeout_ms / 1000
                result = await self._rounds.check_settled(probe)
        finally:
            del self._under_way[probe.id]
            self._has_ended.set()
        if not self._is_still_asked(probe):
            if probe.id in self._probes:
                self._plan(self._probes[probe.id], next_slot_ms(self._probes[probe.id], self._now_ms()))
            return
        can_wait = result.outcome is Outcome.OK and _is_settled(self._state(probe))
        ended = Ended(probe=probe, result=result, started_ms=started_ms, ended_ms=self._now_ms(), is_planned=can_wait)
        if can_wait:
            self._plan_after(ended)
        self._ended.append(ended)
        commit_at = anyio.current_time() + (self._patience_s if can_wait else SOON_S)
        if commit_at < self._commit_at:
            self._commit_at = commit_at
            self._commit_sooner.set()

    async def _commit_ended(self) -> None:
        while True:
            idle_at = anyio.current_time() + self._idle_s
            while not self._is_over and anyio.current_time() < min(self._commit_at, idle_at):
                with anyio.move_on_after(min(self._commit_at, idle_at) - anyio.current_time()):
                    await self._commit_sooner.wait()
                self._commit_sooner = anyio.Event()
            if self._is_over and not self._ended:
                return
            await self._commit_once()

    async def _commit_once(self) -> None:
        self._commit_at = NEVER
        taken = self._next_round()
        started_at_ms = min((each.result.at_ms for each in taken), default=self._clock.now_ms())
        seen = await self._rounds.gather([each.result for each in taken], started_at_ms=started_at_ms)
        self._believe(await self._commit(seen))
        committed = set(map(id, taken))
        self._ended = [each for each in self._ended if id(each) not in committed]
        for each in taken:
            if not each.is_planned and self._is_still_asked(each.probe):
                self._plan_after(each)
        if self._ended:
            self._commit_at = min(self._commit_at, anyio.current_time())

    def _believe(self, after: Mapping[str, ProbeState]) -> None:
        for probe_id in after.keys() & self._probes.keys():
            self._tally[self._states.get(probe_id, ProbeState()).state] -= 1
            self._tally[after[probe_id].state] += 1
        self._states.update(after)

    def _next_round(self) -> list[Ended]:
        """Return what ended, up to the first probe's second check: a round has one result of each."""
        taken: dict[str, Ended] = {}
        for each in self._ended:
            if each.probe.id in taken:
                break
            taken[each.probe.id] = each
        return list(taken.values())

    def _plan_after(self, ended: Ended) -> None:
        probe = self._probes[ended.probe.id]
        state = self._state(probe)
        self._plan(probe, next_start_ms(probe, state, started_ms=ended.started_ms, ended_ms=ended.ended_ms))

    def _plan(self, probe: Probe, start_ms: int) -> None:
        next_ms = self._timetable.next_ms()
        self._timetable.plan(probe.id, start_ms)
        if next_ms is None or start_ms < next_ms:
            self._planned_sooner.set()

    def _is_still_asked(self, probe: Probe) -> bool:
        current = self._probes.get(probe.id)
        return current is not None and current.identity == probe.identity

    def _state(self, probe: Probe) -> ProbeState:
        return self._states.get(probe.id, ProbeState())

    def _now_ms(self) -> int:
        return round(self._first_ms + anyio.current_time() * 1000)


def _is_settled(state: ProbeState) -> bool:
    return state.state is State.UP and not is_pending(state)
