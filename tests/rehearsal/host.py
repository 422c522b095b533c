"""A host that runs a workflow as GitHub does, on this machine: its ``run:`` steps in order, each in a bash of its own.

A bare repository on disk is the remote. Actions are stood in for: checkout clones, setup-python brings a ``pip``, which
looks at what it is to install, and then brings a ``prober``: this one. A key of the workflow that the host does not
know is refused, so that nothing is rehearsed that would run otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import yaml

from tests.rehearsal.expressions import filled, is_met
from tests.rehearsal.late import AHEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Outcome: TypeAlias = Literal["success", "failure", "cancelled", "skipped"]

ROOT: Final = Path(__file__).parent.parent.parent
BRANCH: Final = "prober-state"
CRON: Final = "3-58/5 * * * *"
SIGINT_S: Final = 7.5
SIGTERM_S: Final = 2.5
LONGEST_S: Final = 60.0
_KNOWN: Final = {
    "workflow": {"name", "on", "permissions", "concurrency", "jobs"},
    "job": {"name", "if", "runs-on", "timeout-minutes", "permissions", "environment", "steps"},
    "step": {"name", "id", "if", "uses", "with", "run", "env"},
}
_PIP: Final = """\
#!/bin/bash
for each; do
  [ "$before" = -r ] && { [ -e "$each" ] || { echo "no file $each" >&2; exit 1; }; }
  before=$each
done
[ -e "$0.broken" ] && { echo "ERROR: No matching distribution found" >&2; exit 1; }
[[ "$before" == ./* && -e "$before/pyproject.toml" ]] && cp "$0.program" "${0%/*}/prober"
exit 0
"""
_PROGRAM: Final = f"""\
#!/bin/bash
PYTHONPATH="{ROOT}" exec "{sys.executable}" -W error -m tests.rehearsal.late "$@"
"""


@dataclass(slots=True, kw_only=True)
class Step:
    """How one step went, and everything it printed. ``code`` is None for one that ran nothing.

    ``ending_s`` is how long a step that was cancelled took to end.
    """

    name: str
    outcome: Outcome
    code: int | None = None
    log: str = ""
    took_s: float = 0
    ending_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Job:
    """How a job went. ``workspace`` is what is left of its machine."""

    workspace: Path
    outcome: Outcome = "skipped"
    steps: list[Step] = field(default_factory=list)
    summary: str = ""

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    @property
    def annotations(self) -> list[str]:
        kinds = ("::error", "::warning", "::notice")
        return [line for line in self.log.splitlines() if line.lstrip().startswith(kinds)]


@dataclass(slots=True, kw_only=True)
class Asked:
    """What starts a job, how far the rehearsal is ahead of the true time, and what the repository keeps for the job."""

    ahead_ms: int = 0
    event: str = "schedule"
    inputs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    is_fork: bool = False
    is_install_broken: bool = False
    is_cancelled: Callable[[], bool] | None = None

    def contexts(self) -> dict[str, Any]:
        payload: dict[str, Any] = {"repository": {"fork": self.is_fork, "full_name": "acme/status"}}
        payload |= {"schedule": CRON} if self.event == "schedule" else {"inputs": self.inputs}
        return {
            "github": {"event": payload, "token": "ghs_rehearsal", "repository": "acme/status"},
            "secrets": {**self.secrets, "GITHUB_TOKEN": "ghs_rehearsal"},
            "vars": self.variables,
            "inputs": self.inputs,
            "steps": {},
        }


class Host:
    """A repository with a workflow, and the machines that its jobs run on."""

    def __init__(self, folder: Path, workflow: Path, files: Mapping[str, str]) -> None:
        self.folder = folder
        self.remote = folder / "remote.git"
        self._workflow = _read(workflow)
        self._jobs = 0
        seed = folder / "seed"
        for name, content in files.items():
            (seed / name).parent.mkdir(parents=True, exist_ok=True)
            (seed / name).write_text(content)
        shutil.copytree(ROOT / "requirements", seed / "requirements")
        shutil.copy(ROOT / "pyproject.toml", seed)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git("init", "--quiet", "--initial-branch=main", str(seed))
        self.git("-C", str(seed), "add", ".")
        self.git("-C", str(seed), "commit", "--quiet", "--message=All")
        self.git("-C", str(seed), "push", "--quiet", str(self.remote), "main")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@acme.example", "-c", "safe.directory=*")
        return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True).stdout

    def show(self, name: str, branch: str = BRANCH) -> bytes:
        """Return a file of a branch."""
        command = ["git", "-C", str(self.remote), "show", f"{branch}:{name}"]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def branches(self) -> dict[str, int]:
        """Return every branch with the number of its commits."""
        names = self.git("-C", str(self.remote), "for-each-ref", "--format=%(refname:short)").split()
        return {name: int(self.git("-C", str(self.remote), "rev-list", "--count", name)) for name in names}

    def run(self, asked: Asked) -> Job:
        """Run the only job of the workflow."""
        self._jobs += 1
        return _Machine(self, asked, self.folder / f"machine-{self._jobs}", self._jobs).run(self._workflow)


class _Machine:
    def __init__(self, host: Host, asked: Asked, folder: Path, number: int) -> None:
        self._host = host
        self._asked = asked
        self._folder = folder
        self._contexts = asked.contexts()
        self._environ = _environment(folder, asked, number)
        self._job = Job(workspace=folder / "workspace")
        self._status: Outcome = "success"
        for name in ("temp", "home", "tools"):
            (folder / name).mkdir(parents=True)
        (folder / "event.json").write_text(json.dumps(self._contexts["github"]["event"]))
        (folder / "summary").touch()

    def run(self, workflow: Mapping[str, Any]) -> Job:
        (job,) = workflow["jobs"].values()
        _refuse_unknown("job", job)
        if is_met(job.get("if", "true"), self._contexts, self._functions()):
            for step in job["steps"]:
                _refuse_unknown("step", step)
                self._job.steps.append(self._step(step))
            self._job.outcome = self._status
            self._job.summary = (self._folder / "summary").read_text()
        return self._job

    def _functions(self) -> dict[str, Callable[[], bool]]:
        status: dict[str, Outcome] = {"success": "success", "failure": "failure", "cancelled": "cancelled"}
        named = {name: (lambda wanted=wanted: self._status == wanted) for name, wanted in status.items()}
        return {**named, "always": lambda: True}

    def _step(self, step: Mapping[str, Any]) -> Step:
        if not is_met(step.get("if", "true"), self._contexts, self._functions()):
            done = Step(name=step["name"], outcome="skipped")
        elif "uses" in step:
            done = self._stand_in(step)
        else:
            done = self._script(step)
        if "id" in step:
            self._contexts["steps"][step["id"]] = {"outcome": done.outcome}
        if done.outcome in {"failure", "cancelled"}:
            self._status = done.outcome
        return done

    def _stand_in(self, step: Mapping[str, Any]) -> Step:
        """Do what an action does, as far as the steps after it can tell."""
        match step["uses"].partition("@")[0]:
            case "actions/checkout":
                depth = ("--depth=1", "--no-tags", "--single-branch", "--quiet")
                self._host.git("clone", *depth, f"file://{self._host.remote}", str(self._job.workspace))
            case "actions/setup-python":
                self._bring_pip()
            case action:
                raise ValueError(f"{action} is not known here")
        return Step(name=step["name"], outcome="success")

    def _bring_pip(self) -> None:
        pip = self._folder / "tools" / "pip"
        for path, content in ((pip, _PIP), (pip.with_name("pip.program"), _PROGRAM)):
            path.write_text(content)
            path.chmod(0o755)
        if self._asked.is_install_broken:
            pip.with_name("pip.broken").touch()

    def _script(self, step: Mapping[str, Any]) -> Step:
        script = self._folder / "temp" / f"step-{len(self._job.steps)}.sh"
        script.write_text(step["run"])
        given = {name: filled(text, self._contexts) for name, text in step.get("env", {}).items()}
        log = self._folder / f"log-{len(self._job.steps)}"
        began = time.monotonic()
        with log.open("w") as written:
            process = subprocess.Popen(
                ["bash", "-e", str(script)],
                cwd=self._job.workspace,
                env=self._environ | given,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ending_s = self._wait(process)
        how: Outcome = "failure" if process.returncode else "success"
        return Step(
            name=step["name"],
            outcome=how if ending_s is None else "cancelled",
            code=process.returncode,
            log=log.read_text("utf-8", "replace"),
            took_s=time.monotonic() - began,
            ending_s=ending_s,
        )

    def _wait(self, process: subprocess.Popen[bytes]) -> float | None:
        """Wait for the end of a step; return how long it took to end if it was cancelled meanwhile."""
        until = time.monotonic() + LONGEST_S
        while process.poll() is None and time.monotonic() < until:
            if self._asked.is_cancelled and self._asked.is_cancelled():
                cancelled_at = time.monotonic()
                _cancel(process)
                return time.monotonic() - cancelled_at
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise TimeoutError("the step did not end")
        return None


def _cancel(process: subprocess.Popen[bytes]) -> None:
    """End a step as GitHub does: its first process gets one signal after the other."""
    for number, patience_s in ((signal.SIGINT, SIGINT_S), (signal.SIGTERM, SIGTERM_S), (signal.SIGKILL, None)):
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
        return


def _environment(folder: Path, asked: Asked, number: int) -> dict[str, str]:
    measured = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    return {
        **measured,
        AHEAD: str(asked.ahead_ms),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": asked.event,
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_JOB": "ping",
        "GITHUB_REPOSITORY": "acme/status",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": str(7000 + number),
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_WORKFLOW": "ping",
        "GITHUB_WORKSPACE": str(folder / "workspace"),
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "PATH": f"{folder / 'tools'}:/usr/local/bin:/usr/bin:/bin",
        "RUNNER_ENVIRONMENT": "github-hosted",
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(folder / "temp"),
    }


def _read(path: Path) -> dict[str, Any]:
    """Return a workflow, every scalar in it as the text that it is."""
    workflow: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    _refuse_unknown("workflow", workflow)
    return workflow


def _refuse_unknown(kind: str, table: Mapping[str, Any]) -> None:
    if unknown := table.keys() - _KNOWN[kind]:
        raise ValueError(f"the host does not know these keys of a {kind}: {', '.join(sorted(unknown))}")
