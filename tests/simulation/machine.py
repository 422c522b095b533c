"""The machine that a prober lives on: its clocks, what is about to happen, and what the world is like from there.

Three clocks run here: true time, the steady clock that plans are made on, and the wall clock that is written down.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from tests.simulation.faults import T0
from tests.simulation.world import what_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.faults import Faults
    from tests.simulation.world import Sight, Spell


class KilledError(Exception):
    """The process is gone."""


class Machine:
    """A place in the world. ``now`` is the true time, the clocks are as much ahead of it as they say."""

    def __init__(self, sight: Sight, plan: Faults) -> None:
        self.sight = sight
        self.faults = plan
        self.now = 0
        self.wall_ahead = T0
        self.steady_ahead = T0
        self.armed: Spell[str] | None = None
        self.agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._noted = 0

    def note(self, at: int, act: Callable[[], None]) -> None:
        """Let something happen at a time; what is noted for one time happens in this order."""
        self._noted += 1
        heapq.heappush(self.agenda, (at, self._noted, act))

    def do_next(self) -> None:
        """Go on to what happens next, late if we were kept from it."""
        at, _, act = heapq.heappop(self.agenda)
        self.now = max(self.now, at)
        act()

    def way(self) -> str:
        """Return what the way to everybody is like; empty when nothing is wrong with it."""
        return what_at(self.sight.ways, self.now) or ""

    def mood(self) -> str:
        """Return what is wrong with the mail server; empty when nothing is."""
        return what_at(self.faults.moods, self.now) or ""

    def pass_by(self, moment: str) -> None:
        """Be killed here, if that was waited for."""
        if self.armed and self.armed.what == moment:
            raise KilledError
