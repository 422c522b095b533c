"""Bring the state of a branch here, as a store of its own that `prober db merge` takes in."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from prober.adapters.git import StateBranch, find_remote
from prober.adapters.store import public
from prober.app.actions.state import DATABASE, state_key
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prober.adapters.github import Job
    from prober.core.settings import Config


def fetch_state(
    config: Config, job: Job, *, remote: str, branch: str, file: Path, now_ms: int, environ: Mapping[str, str]
) -> int:
    """Write the state of a branch to a file, in the place of one that is there; return its size in bytes.

    Raises UsageError when there is no such branch, GitError when it cannot be fetched, and StoreError when what it
    holds cannot be read.
    """
    url = find_remote(job.workspace, remote)
    folder = Path(tempfile.mkdtemp(prefix=".prober-", dir=file.parent))  # on the same disk, to appear whole
    try:
        states = StateBranch(remote=url, branch=branch, folder=folder / "git", token=job.token, server=job.server)
        snapshot = anyio.run(states.fetch)
        if snapshot.commit is None or DATABASE not in snapshot.files:
            raise UsageError(
                f"{remote} has no state on a branch {branch} yet. The first run of the workflow makes it; "
                "see which there are with: git ls-remote --heads " + remote
            )
        part = folder / DATABASE
        key = state_key(environ, config) or b""
        content, channels, probes = snapshot.files[DATABASE], config.channels, config.probes
        public.load(part, content, key=key, channels=channels, probes=probes, now_ms=now_ms).close()
        part.replace(file)
        return file.stat().st_size
    finally:
        shutil.rmtree(folder, ignore_errors=True)
