"""Name lookup in daemon threads of our own.

``getaddrinfo`` cannot be interrupted, and a process waits at its exit for every thread of the default executors. Ours
are daemons: a lookup that hangs is left behind, holds up neither the round nor the exit, and since a thread is
started whenever none is idle, it does not hold up other names either. The time is taken in the thread, so that
waiting for one is our lag and not the target's.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

import anyio
import anyio.from_thread
import anyio.lowlevel

from prober.adapters.http.timing import monotonic_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Addresses of a name as literals, in the resolver's order, and how long it took to find them."""

    addresses: tuple[str, ...]
    took_ns: int


Lookup: TypeAlias = Callable[[str], Awaitable[Answer]]


class _Question:
    """A name on its way to a thread, and the answer on its way back."""

    __slots__ = ("answer", "error", "host", "is_done", "token")

    def __init__(self, host: str) -> None:
        self.host = host
        self.answer: Answer | None = None
        self.error: OSError | UnicodeError | None = None
        self.is_done = anyio.Event()
        self.token = anyio.lowlevel.current_token()


class ThreadedLookup:
    """Look names up in daemon threads, at most ``threads`` of them."""

    def __init__(self, *, threads: int = 512) -> None:
        self._most = threads
        self._count = 0
        self._idle = 0
        self._guard = threading.Lock()
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()

    async def __call__(self, host: str) -> Answer:
        """Find the addresses of ``host``. Raises `OSError` or `UnicodeError` when there are none."""
        question = _Question(host)
        self._reserve_thread()
        self._questions.put(question)
        await question.is_done.wait()
        if question.answer is None:
            raise question.error or OSError(f"no answer for {host}")
        return question.answer

    def close(self) -> None:
        """Let idle threads end; one that hangs ends with its lookup or with the process."""
        for _ in range(self._count):
            self._questions.put(None)

    def _reserve_thread(self) -> None:
        with self._guard:
            is_short = self._idle == 0 and self._count < self._most
            self._count += is_short
            self._idle -= not is_short
        if is_short:
            threading.Thread(target=self._serve, name="prober-lookup", daemon=True).start()

    def _serve(self) -> None:
        while (question := self._questions.get()) is not None:
            _answer(question)
            with self._guard:
                self._idle += 1
            _hand_back(question)


def _answer(question: _Question) -> None:
    began_ns = monotonic_ns()
    try:
        found = socket.getaddrinfo(question.host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        question.error = error
    else:
        took_ns = monotonic_ns() - began_ns
        addresses = dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)
        question.answer = Answer(addresses=tuple(addresses), took_ns=took_ns)


def _hand_back(question: _Question) -> None:
    # The loop that asked may be gone by now: a hung lookup outlives its check.
    with contextlib.suppress(RuntimeError):
        anyio.from_thread.run_sync(question.is_done.set, token=question.token)
