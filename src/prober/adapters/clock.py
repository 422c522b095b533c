"""The machine's clocks: the only place that asks them."""

from __future__ import annotations

import time


class SystemClock:
    """Tell the time of this machine."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000  # noqa: TID251 - this is the home of the ban

    def monotonic_ns(self) -> int:
        """Return the system's monotonic time, for those who are told it."""
        return time.monotonic_ns()
