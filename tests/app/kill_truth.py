"""What is true of each target at any time, decided by a seed alone, and a server of its own that shows it."""

from __future__ import annotations

import mmap
import os
import random
import signal
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import anyio

from prober.adapters.clock import SystemClock
from tests.servers.raw import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.servers.raw import Peer

WELL: Final = "well"
SLOW: Final = "slow"
DOWN: Final = ("503", "reset", "hang")
TROUBLES: Final = (*DOWN, SLOW, SLOW)
SLOW_S: Final = 0.15
LONGEST_MS: Final = 15_000
BLIP_MS: Final = 1_500
NEVER_MS: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time in which a target is the same: ``[from_ms, to_ms)`` in epoch milliseconds."""

    from_ms: int
    to_ms: int
    mood: str


class Truth:
    """The moods of all targets, from ``begin_ms`` until it is over; from then on all are well.

    ``calm_s`` is the usual time between two troubles of a target. Processes that fork from this one share the end.
    """

    def __init__(self, seed: int, *, begin_ms: int, calm_s: float, troubles: Sequence[str] = TROUBLES) -> None:
        self._seed = seed
        self._troubles = troubles
        self._begin_ms = begin_ms
        self._calm_s = calm_s
        self._end = mmap.mmap(-1, 8)
        self._known: dict[str, tuple[random.Random, list[int], list[str]]] = {}
        self._set_end(NEVER_MS)

    def finish(self, at_ms: int) -> None:
        """Have all targets be well from now on."""
        self._set_end(at_ms)

    @property
    def end_ms(self) -> int:
        return int.from_bytes(self._end[:8])

    def mood(self, target: str, at_ms: int) -> str:
        """Return how a target is."""
        if at_ms >= self.end_ms:
            return WELL
        starts, moods = self._until(target, at_ms)
        return moods[max(bisect_right(starts, at_ms) - 1, 0)]

    def stretches(self, target: str) -> Iterator[Stretch]:
        """Return what was true of a target, when all is over."""
        starts, moods = self._until(target, self.end_ms)
        ends = [min(start, self.end_ms) for start in starts]
        for (from_ms, to_ms), mood in zip(pairwise(ends), moods, strict=False):
            if from_ms < to_ms:
                yield Stretch(from_ms=from_ms, to_ms=to_ms, mood=mood)
        yield Stretch(from_ms=self.end_ms, to_ms=NEVER_MS, mood=WELL)

    def _until(self, target: str, at_ms: int) -> tuple[list[int], list[str]]:
        """Return when each stretch of a target begins and its mood, up to one that begins after a time."""
        if target not in self._known:
            self._known[target] = (random.Random(f"{self._seed} {target}"), [self._begin_ms], [WELL])
        chance, starts, moods = self._known[target]
        while starts[-1] <= at_ms:
            is_well = moods[-1] == WELL
            lasts_s = chance.expovariate(1 / self._calm_s) if is_well else chance.uniform(*self._trouble_s(chance))
            starts.append(starts[-1] + 200 + round(1000 * lasts_s))
            moods.append(chance.choice(self._troubles) if is_well or chance.random() < 0.3 else WELL)
        return starts, moods

    @staticmethod
    def _trouble_s(chance: random.Random) -> tuple[float, float]:
        """Return the bounds of a trouble: most are meant to be noticed, some are over soon."""
        return (0, BLIP_MS / 1000) if chance.random() < 0.25 else (BLIP_MS / 1000, LONGEST_MS / 1000)

    def _set_end(self, at_ms: int) -> None:
        self._end[:8] = at_ms.to_bytes(8)


@contextmanager
def run_targets(truth: Truth) -> Iterator[int]:
    """Serve every target as ``/<target>`` and yield the port. Forks: call it before there are threads."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        anyio.run(_serve, truth, tell)
    try:
        yield int(os.read(told, 10))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


async def _serve(truth: Truth, tell: int) -> None:
    async with serving(partial(_show, truth)) as port:
        os.write(tell, str(port).encode())
        await anyio.sleep_forever()


async def _show(truth: Truth, peer: Peer) -> None:
    target = (await peer.request()).split()[1].decode().removeprefix("/")
    match truth.mood(target, SystemClock().now_ms()):
        case "reset":
            peer.reset()
        case "hang":
            await peer.receive()
        case "503":
            await peer.send(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\nout of order")
        case mood:
            await anyio.sleep(SLOW_S if mood == SLOW else 0)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
