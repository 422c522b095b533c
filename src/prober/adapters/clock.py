"""The machine's wall clock: the only place that asks it."""

from __future__ import annotations

import time


class SystemClock:
    """Tell the time of this machine."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000  # noqa: TID251 - this is the home of the ban
