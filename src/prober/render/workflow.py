"""The workflow with which GitHub Actions runs prober, for one repository. It says itself what it does, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from prober.core.durations import UNITS_MS, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER: Final = ".prober"
TO_SAVE_MIN: Final = 10

_SOURCE = """\
      - name: Check out prober
        uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          repository: {repository}
          ref: {commit}
          path: {folder}
          persist-credentials: false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where prober is taken from: ``owner/name`` on GitHub, and the whole id of a commit there."""

    repository: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a workflow is asked for. ``cron`` is in UTC, ``branch`` keeps the history."""

    cron: str
    branch: str
    deadline_ms: int


def workflow(wishes: Wishes, *, config: str, secrets: Iterable[str], source: Source | None) -> str:
    """Return the workflow of a repository, in which ``config`` lies.

    Without a source the repository itself is prober's. Everything must be plain: nothing is quoted here.
    """
    template = files("prober.render").joinpath("workflow", "ping.yml").read_text("utf-8")
    values = {
        "config": config,
        "named": "" if config == "probes.toml" else f"-c {config} ",
        "cron": wishes.cron,
        "branch": wishes.branch,
        "deadline": format_duration(wishes.deadline_ms),
        "timeout_min": str(-(-wishes.deadline_ms // UNITS_MS["m"]) + TO_SAVE_MIN),
        "folder": f"{FOLDER}/" if source else "",
        "source": _checkout_of(source) if source else "",
        "secrets": "\n".join(f"          {name}: ${{{{ secrets.{name} }}}}" for name in secrets),
    }
    return re.sub(r"@(\w+)@", lambda found: values[found[1]], template)


def _checkout_of(source: Source) -> str:
    return _SOURCE.format(repository=source.repository, commit=source.commit, folder=FOLDER)
