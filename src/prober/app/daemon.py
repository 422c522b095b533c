"""Work in a daemon thread: left behind when it takes too long, and never waited for when the process ends."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.from_thread
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], *, within_s: float) -> T:
    """Return what ``work`` returns, or raise what it raises; TimeoutError when that takes too long."""
    token = anyio.lowlevel.current_token()
    is_done = anyio.Event()
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            failure.append(error)
        # The loop that asked may be gone by now.
        with suppress(RuntimeError):
            anyio.from_thread.run_sync(is_done.set, token=token)

    threading.Thread(target=run, name="prober-judge", daemon=True).start()
    with anyio.fail_after(within_s):
        await is_done.wait()
    if failure:
        raise failure[0]
    return outcome[0]
