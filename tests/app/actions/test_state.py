"""Many processes save at once, and none of them loses what another has seen."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.git import Rejected, StateBranch
from prober.adapters.store.db import open_in_memory
from prober.adapters.store.integrity import find_fault
from tests.app.actions.world import BRANCH, git, make_remote

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES, TIMES = 6, 10


def save_at_once(folder: Path) -> tuple[Path, list[str]]:
    """Let all processes save as often as each is to, and return the remote and what each printed."""
    remote = make_remote(folder)
    processes = []
    for number in range(PROCESSES):
        own = folder / str(number)
        own.mkdir()
        program = [sys.executable, "-m", "tests.app.actions.saver", str(remote), str(own), str(number), str(TIMES)]
        processes.append(subprocess.Popen(program, stdout=subprocess.PIPE, text=True))
    return remote, [process.communicate()[0].strip() for process in processes]


@pytest.mark.timeout(300)
def test_six_processes_that_save_ten_times_at_once_keep_every_check_in_one_commit(tmp_path: Path) -> None:
    remote, failures = save_at_once(tmp_path)
    assert failures == ["0"] * PROCESSES
    assert int(git(remote, "rev-list", "--count", BRANCH)) == 1
    with closing(open_in_memory(now_ms=0)) as store:
        store.connection.deserialize(git(remote, "cat-file", "blob", f"{BRANCH}:prober.db"))
        assert find_fault(store.connection) is None
        assert store.rows("SELECT count(*) FROM results")[0][0] == PROCESSES * TIMES


@pytest.mark.anyio
async def test_a_push_that_does_not_name_what_it_replaces_would_lose_what_others_saw(tmp_path: Path) -> None:
    """The control: the server itself refuses what would overwrite a state that the pusher has not seen."""
    remote = make_remote(tmp_path)
    one, other = (StateBranch(remote=str(remote), branch=BRANCH, folder=tmp_path / each) for each in ("a", "b"))
    await one.push({"prober.db": b"one"}, expected=None, at_ms=0, subject="one")
    with pytest.raises(Rejected):
        await other.push({"prober.db": b"other"}, expected=None, at_ms=0, subject="other")
    assert git(remote, "cat-file", "blob", f"{BRANCH}:prober.db") == b"one"
