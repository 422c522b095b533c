"""The job of GitHub Actions that we are in, as its environment tells it.

Names and meanings are those of GitHub's documentation of default environment variables and of ``github.event``.
Outside of a job everything has a value that works for whoever tries the command by hand.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVER = "https://github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. ``run`` is "<run id>.<attempt>"; ``schedule`` is the cron expression that started it, if one did.

    ``summary`` is the file that the step's summary is appended to. ``is_fork`` says whether the repository is a copy
    made with the fork button, ``is_hosted`` whether the machine is one of GitHub's.
    """

    repository: str | None
    run: str
    trigger: str
    workspace: Path
    temporary: Path
    schedule: str | None = None
    server: str = SERVER
    token: str | None = None
    summary: Path | None = None
    is_fork: bool = False
    is_hosted: bool = False


def read_job(environ: Mapping[str, str], *, run: str) -> Job:
    """Return the job; ``run`` names it where GitHub did not."""
    event = _event(environ.get("GITHUB_EVENT_PATH"))
    number, summary = environ.get("GITHUB_RUN_ID"), environ.get("GITHUB_STEP_SUMMARY")
    schedule = event.get("schedule")
    return Job(
        repository=environ.get("GITHUB_REPOSITORY") or None,
        run=f"{number}.{environ.get('GITHUB_RUN_ATTEMPT') or 1}" if number else run,
        trigger=environ.get("GITHUB_EVENT_NAME") or "by hand",
        workspace=Path(environ.get("GITHUB_WORKSPACE") or "."),
        temporary=Path(environ.get("RUNNER_TEMP") or tempfile.gettempdir()),
        schedule=schedule if isinstance(schedule, str) else None,
        server=environ.get("GITHUB_SERVER_URL") or SERVER,
        token=environ.get("GITHUB_TOKEN") or None,
        summary=Path(summary) if summary else None,
        is_fork=_is_fork(environ, event),
        is_hosted=environ.get("RUNNER_ENVIRONMENT") == "github-hosted",
    )


def _is_fork(environ: Mapping[str, str], event: Mapping[str, Any]) -> bool:
    """Believe the workflow, which has it from the same event, and the event where the workflow says nothing."""
    said = environ.get("PROBER_IS_FORK")
    if said:
        return said == "true"
    repository = event.get("repository")
    return isinstance(repository, dict) and repository.get("fork") is True


def _event(path: str | None) -> Mapping[str, Any]:
    """Return what started the job, as far as that can be read."""
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}
