"""What lies outside of the whole prober, made up from a seed: clocks, targets and a mail server."""

from __future__ import annotations

import math
from bisect import bisect_right
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio

from prober.adapters.mail import Accepted, Handover, Refused, Unknown
from tests.fakes import ANSWERS
from tests.simulation.faults import ACCEPTED, CLAIMED, LOSING, RECORDED, REFUSING, REJECTING, UNRECORDED
from tests.simulation.life import SILENT
from tests.simulation.machine import Machine
from tests.simulation.world import SECOND

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prober.core.facts import Facts
    from prober.core.model import Probe
    from prober.core.settings import EmailChannel
    from tests.simulation.faults import Faults
    from tests.simulation.world import Seen, Sight, Spell

PATIENCE_S: Final = 60
QUICK_S: Final = 0.2


class LoopMachine(Machine):
    """A machine whose steady clock is that of the event loop.

    ``slept`` is what that missed while suspended, ``lag`` by how little the wall clock is wrong at the best of times.
    """

    def __init__(self, sight: Sight, plan: Faults) -> None:
        self._began = anyio.current_time()
        self.slept = 0
        self.lag = 0
        self.noted = anyio.Event()
        self.killed_by: Spell[str] | None = None
        self.killed = anyio.Event()
        super().__init__(sight, plan)

    @property
    def now(self) -> int:
        return round((anyio.current_time() - self._began) * SECOND) + self.slept

    @now.setter
    def now(self, _: int) -> None:
        """Leave it to the loop."""

    def now_ms(self) -> int:
        """Return what the wall clock says."""
        return self.now + self.wall_ahead - self.lag

    def note(self, at: int, act: Callable[[], None]) -> None:
        super().note(at, act)
        self.noted.set()

    async def live(self) -> None:
        """Let happen what is noted, each at its time, for ever."""
        while True:
            self.noted = anyio.Event()
            left = (self.agenda[0][0] - self.now) / SECOND if self.agenda else math.inf
            if left <= 0:
                self.do_next()
            else:
                with anyio.move_on_after(left):
                    await self.noted.wait()

    def kill(self, spell: Spell[str]) -> None:
        """End the process that runs here."""
        self.killed_by, self.armed = spell, None
        self.killed.set()

    async def reach(self, moment: str) -> None:
        """Be killed here, if that was waited for."""
        if self.armed and self.armed.what == moment:
            self.kill(self.armed)
            await anyio.sleep_forever()


@dataclass(slots=True, kw_only=True)
class Targets:
    """All that can be checked, as it can be seen from here. ``seen`` is when and what, by probe and stored time."""

    machine: LoopMachine
    numbers: dict[str, int]
    seen: dict[tuple[str, int], tuple[int, Seen]] = field(default_factory=dict)

    async def check(self, probe: Probe) -> Facts:
        at, started_at_ms = self.machine.now, self.machine.now_ms()
        if probe.id not in self.numbers:
            answer = ANSWERS["!" if self.machine.way() in SILENT else "."]
            await anyio.sleep(QUICK_S)
            return replace(answer, started_at_ms=started_at_ms)
        view = self.machine.sight.views[self.numbers[probe.id]]
        seen = view.seen[bisect_right(view.starts, at) - 1]
        self.seen[probe.id, started_at_ms] = at, seen
        await anyio.sleep(seen.takes / SECOND)
        if seen.reason is not None:
            await self.machine.reach(UNRECORDED)
        answer = ANSWERS[seen.sign]
        return replace(
            answer, started_at_ms=started_at_ms, failure=seen.reason if seen.path_failure else answer.failure
        )


@dataclass(slots=True, kw_only=True)
class MailServer:
    """A server in the mood that fate has it in; what it takes it gives to ``post``."""

    machine: LoopMachine
    post: Callable[[bytes], None]
    content_left: bool = True

    @asynccontextmanager
    async def open(self, _channel: EmailChannel) -> AsyncIterator[MailServer]:
        await self.machine.reach(RECORDED)
        yield self

    async def send(self, *, recipient: str, message: bytes) -> Handover:
        del recipient
        mood = self.machine.mood()
        if mood == LOSING:
            self.post(message)
        await self.machine.reach(CLAIMED)
        await anyio.sleep(QUICK_S if mood in {"", REFUSING, REJECTING} else PATIENCE_S)
        if mood in {REFUSING, REJECTING}:
            return Refused(reply=mood, is_permanent=mood == REJECTING)
        if mood:
            return Unknown(detail=mood)
        self.post(message)
        await self.machine.reach(ACCEPTED)
        return Accepted(reply="250 fine")
