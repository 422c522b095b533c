"""The program, with an ear for SIGUSR1: it then writes down how many tasks it has.

With ``$SOAK_LEAKS`` each check leaves behind some memory, a descriptor, a thread and a task, for good.
"""

from __future__ import annotations

import asyncio  # noqa: TID251  the loop's own book of tasks
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import prober.app.serve
from prober.__main__ import main
from prober.adapters.http import HttpChecker

if TYPE_CHECKING:
    from prober.core.facts import Facts
    from prober.core.model import Probe

_leaked: list[object] = []


class Leaking(HttpChecker):
    """What a soak is to find."""

    async def check(self, probe: Probe) -> Facts:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        _leaked.extend((bytes(range(200)) * 1_000, os.dup(0), asyncio.ensure_future(asyncio.sleep(1e6))))
        return await super().check(probe)


def count_tasks(*_: object) -> None:
    with Path(os.environ["SOAK_TASKS"]).open("a") as counted:
        counted.write(f"{len(asyncio.all_tasks())}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, count_tasks)
    if os.environ.get("SOAK_LEAKS"):
        prober.app.serve.HttpChecker = Leaking  # type: ignore[attr-defined]
    main()
