"""The end of a job from outside: GitHub sends SIGINT, 7.5 seconds later SIGTERM, and then the machine is gone."""

from __future__ import annotations

import signal
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import anyio

from prober.app.asked import Stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Interruption(Stop):
    """The first signal that came, and what is left to do before its time is over."""

    def __init__(self) -> None:
        super().__init__()
        self._at = float("inf")
        self._scopes: dict[anyio.CancelScope, float] = {}

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Listen to signals as long as the block lasts, and let none of them end the process by itself."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen, signals)
                yield
                tasks.cancel_scope.cancel()

    @contextmanager
    def bounding(self, seconds: float) -> Iterator[anyio.CancelScope]:
        """Give a block so many seconds from the signal, also from one that has come already."""
        with anyio.CancelScope(deadline=self._at + seconds) as scope:
            self._scopes[scope] = seconds
            yield scope
        del self._scopes[scope]

    async def _listen(self, signals: AsyncIterator[signal.Signals]) -> None:
        async for number in signals:
            if self.number is None:
                self.number, self._at = number, anyio.current_time()
                self.asked.set()
                for scope, seconds in self._scopes.items():
                    scope.deadline = self._at + seconds
