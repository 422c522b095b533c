"""Ways to ask the target: at a steady pace, or many at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

HOLD_MS = 200
STARTS_PER_S = 200
STARTS = 1_000
FEW = 64
CHECKS = 1_280


async def paced(ask: Callable[[int], Awaitable[float]], starts_per_s: float = STARTS_PER_S) -> list[float]:
    """Start one at a time at a steady pace, after one to warm up; return what each gave."""
    seen: list[float] = []

    async def run(number: int) -> None:
        seen.append(await ask(number))

    await ask(0)
    async with anyio.create_task_group() as group:
        begin = time.monotonic()
        for number in range(STARTS):
            group.start_soon(run, number)
            await anyio.sleep(max(0, begin + (number + 1) / starts_per_s - time.monotonic()))
    return seen


async def all_at_once(ask: Callable[[int], Coroutine[Any, Any, None]], in_flight: int, checks: int) -> int:
    """Run waves of ``in_flight`` and return how many checks that were, ``checks`` or a few less."""
    waves = checks // in_flight
    for _ in range(waves):
        async with anyio.create_task_group() as group:
            for number in range(in_flight):
                group.start_soon(ask, number)
    return waves * in_flight
