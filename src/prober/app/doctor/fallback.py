"""The fallback on GitHub Actions, as far as it can be seen from here: its workflow, and the state on its branch."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prober.adapters.clock import SystemClock
from prober.adapters.git import GitError, StateBranch, find_remote
from prober.adapters.store.db import open_reader
from prober.adapters.store.runs import all_runs
from prober.app.actions.state import DATABASE, STATUS, WEEK_MS
from prober.app.workflow import PLACE, repository_of
from prober.core.cadence import measure
from prober.core.diagnosis.fallback import (
    Workflow,
    judge_cadence,
    judge_last_run,
    judge_variables,
    no_branch,
    read_workflow,
    unknown_branch,
)
from prober.errors import StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.adapters.config.outline import Outline
    from prober.core.diagnosis import Finding

REMOTE: Final = "origin"
FETCH_S: Final = 10.0


async def look_at_fallback(config_path: Path | None, outline: Outline | None) -> list[Finding]:
    """Look at the workflow in the repository of the configuration, and at what its runs left; nothing without one."""
    if config_path is None or (found := _find_workflow(config_path)) is None:
        return []
    root, workflow = found
    wanted = [name for name, origin in outline.variables.items() if origin != "default"] if outline else []
    return [judge_variables(workflow, wanted), *await _look_at_branch(root, workflow)]


def _find_workflow(config_path: Path) -> tuple[Path, Workflow] | None:
    """Return the repository and the workflow that watches for this configuration; None where there is none."""
    try:
        root = repository_of(config_path)
        text = (root / PLACE).read_text("utf-8", "replace")
    except (UsageError, OSError):
        return None
    workflow = read_workflow(PLACE, text)
    if workflow is None or (root / workflow.config).resolve() != config_path.resolve():
        return None
    return root, workflow


async def _look_at_branch(root: Path, workflow: Workflow) -> list[Finding]:
    folder = Path(tempfile.mkdtemp(prefix="prober-"))
    try:
        branch = StateBranch(
            remote=find_remote(root, REMOTE),
            branch=workflow.branch,
            folder=folder / "git",
            token=os.environ.get("GITHUB_TOKEN") or None,
            timeout_s=FETCH_S,
        )
        snapshot = await branch.fetch()
        if snapshot.commit is None:
            return [no_branch(workflow.branch, REMOTE)]
        return _judge_runs(_starts_ms(snapshot.files, folder / DATABASE), workflow.cron)
    except (GitError, UsageError) as error:
        advice = "where the repository is private, put a token that can read it into $GITHUB_TOKEN"
        return [unknown_branch(workflow.branch, str(error), advice)]
    except StoreError as error:
        return [unknown_branch(workflow.branch, str(error), f"the next run keeps it aside and starts anew: {PLACE}")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _starts_ms(files: Mapping[str, bytes], path: Path) -> list[int]:
    """Return when the runs of somewhat more than the last week started."""
    path.touch(mode=0o600)
    path.write_bytes(files.get(DATABASE, b""))
    reader = open_reader(path, of_any_version=True)
    if reader is None:
        return []
    with closing(reader):
        runs = all_runs(reader, _location(files.get(STATUS, b"")), SystemClock().now_ms() - 2 * WEEK_MS)
    return [run.started_at_ms for run in runs]


def _location(status: bytes) -> str:
    try:
        shape = json.loads(status)
    except ValueError:
        shape = None
    return str(shape.get("location")) if isinstance(shape, dict) else "github-actions"


def _judge_runs(starts_ms: Sequence[int], cron: str | None) -> list[Finding]:
    now_ms = SystemClock().now_ms()
    last = judge_last_run(max(starts_ms, default=None), cron, now_ms=now_ms)
    if not starts_ms:
        return [last]
    return [last, judge_cadence(measure(starts_ms, since_ms=now_ms - WEEK_MS, now_ms=now_ms), cron, now_ms=now_ms)]
