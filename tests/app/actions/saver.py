"""A process that checks and saves its state again and again, beside others that do the same.

``python -m tests.app.actions.saver REMOTE FOLDER NUMBER TIMES`` prints how often saving failed.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.git import StateBranch
from prober.adapters.store.db import open_store
from prober.app.actions.state import State
from prober.app.record import record
from prober.app.round import Round
from tests.app.actions.test_rederive import KNOWN, seen
from tests.app.actions.world import BRANCH, KEY
from tests.app.world import HERE

WITHIN_S = 240


async def save_often(remote: str, folder: Path, number: int, times: int) -> int:
    """Record one check of its own and save, so many times; return how many saves failed."""
    clock = SystemClock()
    branch = StateBranch(remote=remote, branch=BRANCH, folder=folder / "git")
    state = State(branch, name=BRANCH, config=KNOWN, key=KEY, folder=folder, run=str(number), place=HERE, clock=clock)
    await state.load()
    failures = 0
    with closing(open_store(state.path, now_ms=clock.now_ms())) as store:
        for turn in range(times):
            at_ms = clock.now_ms() // 1_000 * 1_000 + number * 100 + turn
            checked = Round(started_at_ms=at_ms, ended_at_ms=at_ms, results=(seen(".", at_ms),), is_reachable=None)
            record(checked, store=store, config=KNOWN, place=HERE, covers_all=True, is_alerting=True)
            await state.save(store, within_s=WITHIN_S)
            failures += state.fault is not None
    return failures


if __name__ == "__main__":
    asked_remote, asked_folder, asked_number, asked_times = sys.argv[1:]
    failed = anyio.run(save_often, asked_remote, Path(asked_folder), int(asked_number), int(asked_times))
    print(failed)  # noqa: T201
