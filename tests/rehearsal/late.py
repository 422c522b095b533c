"""The program as a late schedule starts it: its clock is as far ahead as the rehearsal says."""

from __future__ import annotations

import os

from prober.__main__ import main
from prober.adapters.clock import SystemClock

AHEAD = "REHEARSAL_AHEAD_MS"


class LateClock(SystemClock):
    """Tell the true time, and how far the rehearsal is ahead of it."""

    def now_ms(self) -> int:
        return super().now_ms() + int(os.environ[AHEAD])


if __name__ == "__main__":
    import prober.adapters.clock

    prober.adapters.clock.SystemClock = LateClock  # type: ignore[misc]
    main()
