"""What the application asks of the world, where more than one answer exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prober.core.facts import Facts
    from prober.core.model import Probe


class Clock(Protocol):
    """Tell wall-clock time. Durations come from the event loop's monotonic clock instead."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""


class Checker(Protocol):
    """Execute checks."""

    async def check(self, probe: Probe) -> Facts:
        """Request a probe's url once, within its timeout, and return what was seen; never raise."""
