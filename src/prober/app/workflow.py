"""What the workflow of a repository has to know, and the workflow put in its place."""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prober.adapters.config.variables import placeholders
from prober.app.placing import Placing, prepare
from prober.core.cadence import planned_slot_ms
from prober.core.durations import UNITS_MS
from prober.errors import UsageError
from prober.render.workflow import Source, Wishes, workflow

if TYPE_CHECKING:
    from collections.abc import Iterable

PLACE: Final = ".github/workflows/ping.yml"
STATE_KEY: Final = "PROBER_STATE_KEY"
SHORTEST_MS: Final = UNITS_MS["m"]
LONGEST_MS: Final = 5 * UNITS_MS["h"] + 50 * UNITS_MS["m"]

_OWN_FILES: Final = ("requirements/runtime.txt", "requirements/build.txt", "src/prober/__init__.py")
_OF_THE_RUNNER: Final = re.compile(r"(?:GITHUB|RUNNER|ACTIONS|PROBER)_.*|CI|HOME|PATH|USER|SHELL|LANG|TMPDIR")
_SOURCE: Final = re.compile(r"([A-Za-z0-9-]+/[\w.-]+)@([0-9a-f]{40})", re.ASCII)
_ON_GITHUB: Final = re.compile(
    r"(?:(?:https|ssh)://(?:[^/@]*@)?|git@)github\.com[:/]([A-Za-z0-9-]+/[\w.-]+?)(?:\.git)?/?", re.ASCII
)
_PLAIN_PATH: Final = re.compile(r"[\w.][\w./+-]*", re.ASCII)
_BRANCH: Final = re.compile(r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)))[A-Za-z0-9_][\w./-]*(?<![./])", re.ASCII)
_CRON: Final = re.compile(r"[\w*/,-]+(?: [\w*/,-]+){4}", re.ASCII)


def repository_of(config: Path) -> Path:
    """Return the root of the git repository that holds the configuration. Raises UsageError where there is none."""
    path = _real(config)
    root = next((each for each in path.parents if (each / ".git").exists()), None)
    if root is None:
        raise UsageError(
            f"{path} is in no git repository, and a workflow belongs to one. Run this in the repository that has your "
            "probes.toml, or is to have it."
        )
    return root


def _real(config: Path) -> Path:
    """Return where a configuration lies, without the ``..`` and links that may lead there."""
    return Path(os.path.realpath(config.parent), config.name)


def workflow_text(config: Path, wishes: Wishes, *, secrets: Iterable[str], source: Source | None) -> str:
    """Return the workflow for the repository of a configuration; without a source it has prober's from itself.

    Raises UsageError for a name that cannot stand there.
    """
    root = repository_of(config)
    name = _real(config).relative_to(root).as_posix()
    if not _PLAIN_PATH.fullmatch(name):
        raise UsageError(f'"{name}" cannot stand in a workflow. Use a path of letters, digits and ._-+/')
    return workflow(wishes, config=name, secrets=secrets, source=source)


def secrets_of(text: str) -> list[str]:
    """Return what the workflow hands on: every variable that a configuration names, if only in a comment, and our key.

    What is in a comment today may be in force tomorrow. What the runner sets by itself is left alone.
    """
    named = {name for name, _ in placeholders(text)}
    return sorted({name for name in named if not _OF_THE_RUNNER.fullmatch(name)} | {STATE_KEY})


def source_of(root: Path, given: str | None) -> Source | None:
    """Return where the workflow gets prober: from what is given, from the repository itself (None), as it came here.

    Raises UsageError when nothing says it.
    """
    if given is not None:
        return _read_source(given)
    if all((root / name).is_file() for name in _OWN_FILES):
        return None
    source = _origin_of_installation()
    if source is None:
        raise UsageError(
            "this prober was not installed from a commit on GitHub, so the workflow cannot know where to get it. "
            "Say so: prober setup actions --source OWNER/REPO@COMMIT, with all 40 digits of the commit."
        )
    return source


def _read_source(text: str) -> Source:
    found = _SOURCE.fullmatch(text)
    if found is None:
        raise UsageError(
            f'--source: "{text}" is not OWNER/REPO@COMMIT. Tags and branches can be moved, so it takes all 40 digits '
            "of a commit: git rev-parse HEAD"
        )
    return Source(repository=found[1], commit=found[2])


def _origin_of_installation() -> Source | None:
    """Return what pip recorded of an installation from git (PEP 610), if that is on GitHub."""
    try:
        record = json.loads(distribution("prober").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    place = _ON_GITHUB.fullmatch(record.get("url", ""))
    commit = record.get("vcs_info", {}).get("commit_id", "")
    return Source(repository=place[1], commit=commit) if place and re.fullmatch("[0-9a-f]{40}", commit) else None


def read_wishes(*, cron: str, branch: str, deadline_ms: int) -> Wishes:
    """Return what was asked for. Raises UsageError for what GitHub or git would refuse."""
    if not _CRON.fullmatch(cron) or planned_slot_ms(cron, 0) is None:
        raise UsageError(f'--cron: "{cron}" is not a cron expression of five fields. Write "3-58/5 * * * *".')
    if not _BRANCH.fullmatch(branch):
        raise UsageError(f'--branch: "{branch}" cannot be a branch here. Use letters, digits and ._-/')
    if not SHORTEST_MS <= deadline_ms <= LONGEST_MS:
        raise UsageError("--deadline: a job of GitHub lasts 6 hours at most, and saves at its end. Write 1m to 5h50m.")
    return Wishes(cron=cron, branch=branch, deadline_ms=deadline_ms)


def prepare_workflow(root: Path, text: str, *, may_replace: bool) -> Placing:
    """Return the workflow of a repository, ready to be put. Raises UsageError."""
    path = root / PLACE
    return prepare(
        {path: text},
        folders={path.parent: 0o755},
        may_replace=may_replace,
        advice="Write it as somebody who may",
    )
