"""Jobs that come and go around one branch: a real repository, a real store each, scripted targets and mail."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from prober.adapters.github import Job
from prober.app.actions.job import Around, Asked, Outcome
from prober.app.actions.run import run
from tests.app.world import HERE, config
from tests.fakes import FakeChecker, FakeClock, FakeMail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prober.app.standby import Look
    from prober.core.settings import Config

KEY = b"a secret of this repository"
BRANCH = "prober-state"
FIVE_MIN_MS = 300_000


def git(repository: Path, *arguments: str, content: bytes = b"") -> bytes:
    command = ["git", f"--git-dir={repository}", *arguments]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def make_remote(folder: Path) -> Path:
    remote = folder / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    return remote


@dataclass(slots=True)
class Jobs:
    """Everything that lasts between jobs is on the remote; ``number`` is that of the newest job."""

    folder: Path
    remote: Path = field(init=False)
    config: Config = field(default_factory=config)
    clock: FakeClock = field(default_factory=FakeClock)
    mail: FakeMail = field(default_factory=FakeMail)
    checker: FakeChecker = field(init=False)
    look: Look | None = None
    number: int = 0

    def __post_init__(self) -> None:
        self.remote = make_remote(self.folder)

    def job(self, **fields: Any) -> Job:
        usual: dict[str, Any] = {"repository": "acme/status", "run": f"{self.number}.1", "trigger": "schedule"}
        places = {"workspace": self.folder, "temporary": self.folder, "schedule": "3-58/5 * * * *"}
        return Job(**usual | places | fields)

    async def run(self, histories: str | Mapping[str, str] = "", *, key: bytes | None = KEY, **asked: Any) -> Outcome:
        """Run one job. A history alone is that of every probe."""
        self.number += 1
        scripts = {each.id: histories for each in self.config.probes} if isinstance(histories, str) else histories
        self.checker = FakeChecker(self.clock, scripts)
        around = Around(place=HERE, clock=self.clock, checker=self.checker, open_session=self.mail.open, look=self.look)
        usual: dict[str, Any] = {"remote": str(self.remote), "branch": BRANCH, "deadline_ms": 3_000_000}
        return await run(self.config, self.job(), Asked(**usual | asked), around, key=key)

    def configure(self, **fields: Any) -> None:
        self.config = replace(self.config, **fields)

    def file(self, name: str, branch: str = BRANCH) -> bytes:
        return git(self.remote, "cat-file", "blob", f"{branch}:{name}")

    def status(self) -> Any:
        return json.loads(self.file("status.json"))

    def commits(self) -> int:
        return int(git(self.remote, "rev-list", "--count", BRANCH))

    def branches(self) -> list[str]:
        return git(self.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads").decode().split()

    def put(self, content: bytes) -> None:
        """Let the branch hold another state."""
        blob = self._made("hash-object", "-w", "--stdin", content=content)
        tree = self._made("mktree", content=f"100644 blob {blob}\tprober.db\n".encode())
        commit = self._made("-c", "user.name=x", "-c", "user.email=x", "commit-tree", tree, "-m", "other")
        git(self.remote, "update-ref", f"refs/heads/{BRANCH}", commit)

    def _made(self, *arguments: str, content: bytes = b"") -> str:
        return git(self.remote, *arguments, content=content).decode().strip()
