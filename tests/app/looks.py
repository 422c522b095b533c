"""Looks at another monitor, of one character each.

It finds ``F`` all fresh, ``S`` all stale, ``A`` the first probe's monitor paused, ``M`` the second one's missing,
``D`` the first one's down, ``U`` nobody, ``O`` nobody as we are offline, ``L`` that they want us to wait, ``K`` that
they refuse our key; ``h`` never comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio

from prober.core.settings import Standby
from prober.core.sight import Limited, Rejected, Seen, Unreachable, Watch
from tests.fakes import MIN_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.core.sight import Sight
    from tests.fakes import FakeClock

BEHIND: Final = Standby(behind="uptimerobot", url="https://api.example/v2/", api_key="a key")
DAY_MS: Final = 1440 * MIN_MS


def sight(sign: str, now_ms: int, ids: Sequence[str], *, wait_ms: int = MIN_MS) -> Sight:
    """Return what a look comes to that has monitors for these probes, and one of something else."""
    match sign:
        case "U" | "O":
            return Unreachable(why="no answer")
        case "L":
            return Limited(wait_ms=wait_ms)
        case "K":
            return Rejected(why="status 401")
    newest_ms = now_ms - (DAY_MS if sign == "S" else 0)
    watches = [
        Watch(key=each, name=each, state="up", url=f"https://{each}.example/health", newest_ms=newest_ms)
        for each in [*ids, "something-else"]
    ]
    if sign == "A":
        watches[0] = replace(watches[0], state="paused")
    if sign == "D":
        watches[0] = replace(watches[0], state="down", newest_ms=None)
    if sign == "M":
        del watches[1]
    return Seen(watches=tuple(watches))


@dataclass(slots=True)
class Looks:
    """Look as scripted, the last sign for ever. ``at_ms`` is when each look began."""

    clock: FakeClock
    script: str
    ids: Sequence[str] = ("api",)
    wait_ms: int = MIN_MS
    at_ms: list[int] = field(default_factory=list)

    async def __call__(self) -> Sight:
        sign, self.script = self.script[0], self.script[1:] or self.script[0]
        self.at_ms.append(self.clock.now_ms())
        if sign == "h":
            await anyio.sleep_forever()
        return sight(sign, self.clock.now_ms(), self.ids, wait_ms=self.wait_ms)
