"""End a job at every step of the protocol between it, its branch and the mail server, and see what people are told.

``python -m tests.app.actions.kill`` prints what came of it as JSON; ``--all`` takes every step, not some. A job has
something to tell to two people, and is killed before or after one of its git commands, or before one of the lines that
it says to the mail server. Another job follows. Both people must have been told, each always under the same Message-ID.

It is an outage, its end, or an outage while another job pushes first; or the job is told to end, as GitHub does it,
and has a few seconds. In a control the intent to tell is not saved, so what the next job repeats is another mail.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from aiosmtplib.protocol import SMTPProtocol

from prober.adapters.git import StateBranch, branch, process
from prober.adapters.mail import SmtpMailer
from prober.app.actions.job import Around, Asked
from prober.app.actions.run import _JobRun, run
from tests.app.actions.world import BRANCH, FIVE_MIN_MS, KEY, Jobs
from tests.app.crash import MEMORY, Steps, in_child
from tests.app.world import CHIEF, HERE, OPS, channel, probe
from tests.fakes import T0, FakeChecker, FakeClock, header
from tests.servers.sink import run_sink

if TYPE_CHECKING:
    from tests.servers.sink import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a job meets: what was checked before, and what it checks itself.

    ``is_late`` when another pushes first, ``is_asked`` when it is only asked to end.
    """

    before: str
    signs: str
    word: str
    stride: int
    is_late: bool = False
    is_asked: bool = False
    is_trusting: bool = False


CASES: Final = {
    "outage": Case(before=".", signs="xxx", word="[DOWN", stride=2),
    "end": Case(before="xxx", signs="..", word="[UP", stride=4),
    "rejected": Case(before=".", signs="xxx", word="[DOWN", stride=4, is_late=True),
    "asked": Case(before=".", signs="xxx", word="[DOWN", stride=4, is_asked=True),
    "control": Case(before=".", signs="xxx", word="[DOWN", stride=5, is_trusting=True),
}


@dataclass(slots=True, kw_only=True)
class Findings:
    """What came of all worlds. ``lost`` were never told, ``renamed`` under more than one Message-ID."""

    steps: int = 0
    tried: int = 0
    kills: int = 0
    repeats: int = 0
    slowest_s: float = 0
    lost: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)


def live(jobs: Jobs, signs: str, at_ms: int, *, case: Case | None = None, rival: Path | None = None) -> None:
    """Be one job; a ``rival`` replaces the branch before the first push."""
    if case is not None and case.is_trusting:
        setattr(_JobRun, "_secure", _trust)  # noqa: B010  mypy refuses the plain assignment
    if rival is not None:
        _let_push_first(jobs, rival)
    jobs.number = at_ms // FIVE_MIN_MS
    clock = FakeClock(at_ms)
    checker = FakeChecker(clock, {each.id: signs for each in jobs.config.probes})
    around = Around(place=HERE, clock=clock, checker=checker, open_session=partial(SmtpMailer))
    asked = Asked(remote=str(jobs.remote), branch=BRANCH, deadline_ms=60_000)

    async def be() -> None:
        await run(jobs.config, jobs.job(), asked, around, key=KEY)

    anyio.run(be)


def _let_push_first(jobs: Jobs, rival: Path) -> None:
    push, waiting = StateBranch.push, [rival]

    async def push_second(self: StateBranch, *arguments: Any, **named: Any) -> str:
        while waiting:
            pushed = f"+refs/heads/{BRANCH}:refs/heads/{BRANCH}"
            await anyio.run_process(["git", "-C", str(jobs.remote), "fetch", "-q", str(waiting.pop()), pushed])
        return await push(self, *arguments, **named)

    setattr(StateBranch, "push", push_second)  # noqa: B010


async def _trust(_: object) -> None:
    """Save nothing before a mail is sent: the mistake of the control."""


class JobSteps(Steps):
    """Step before and after each git command, and before each line to the mail server."""

    def install(self) -> None:
        run_git, write = process.run, SMTPProtocol.write

        async def stepping(*arguments: Any, **named: Any) -> Any:
            self.step()
            ended = await run_git(*arguments, **named)
            self.step()
            return ended

        def writing(*arguments: Any, **named: Any) -> Any:
            self.step()
            return write(*arguments, **named)

        setattr(branch, "run", stepping)  # noqa: B010
        setattr(SMTPProtocol, "write", writing)  # noqa: B010


class AskedSteps(JobSteps):
    """Ask the job to end at one of them."""

    number = signal.SIGINT


def judge(folder: Path, sink: Sink, case: Case, *, stride: int) -> Findings:
    """Kill a job at every so many of its steps, each time in a world of its own."""
    jobs = Jobs(folder)
    jobs.configure(
        probes=(probe(recheck_ms=10),),
        channels=(channel(OPS, CHIEF, port=sink.port, server="127.0.0.1", security="none"),),
    )
    live(jobs, case.before, T0)
    before, rival = folder / "before.git", folder / "rival.git"
    shutil.copytree(jobs.remote, before)
    if case.is_late:
        live(jobs, ".", T0 + FIVE_MIN_MS - 1_000)
        shutil.copytree(jobs.remote, rival)
    found = Findings()
    at_ms = T0 + FIVE_MIN_MS
    meet = partial(live, jobs, case.signs, at_ms, case=case, rival=rival if case.is_late else None)
    follow = partial(live, jobs, case.signs, at_ms + FIVE_MIN_MS, case=case)
    _restore(jobs, before)
    steps_of = AskedSteps if case.is_asked else JobSteps
    found.steps = in_child(meet, steps_of=steps_of) or 0
    for step in range(1, found.steps + 1, stride):
        _restore(jobs, before)
        sink.forget()
        found.tried += 1
        began = time.monotonic()
        found.kills += in_child(meet, kill_at=step, steps_of=steps_of) is None
        found.slowest_s = max(found.slowest_s, time.monotonic() - began)
        in_child(follow, steps_of=JobSteps)
        told = _told(sink, case.word)
        for recipient in (OPS, CHIEF):
            names = [name for to, name in told if to == recipient]
            found.repeats += max(len(names) - 1, 0)
            found.lost += [] if names else [f"step {step}: {recipient}"]
            found.renamed += [f"step {step}: {recipient}"] if len(set(names)) > 1 else []
    return found


def _restore(jobs: Jobs, before: Path) -> None:
    shutil.rmtree(jobs.remote)
    shutil.copytree(before, jobs.remote)


def _told(sink: Sink, word: str) -> list[tuple[str, str]]:
    """Return (recipient, Message-ID) of the mails whose subject begins with a word."""
    mails = [(mail.recipient, mail.content) for mail in sink.all_taken()]
    return [(to, header(each, "Message-ID")) for to, each in mails if header(each, "Subject").startswith(word)]


def main() -> None:
    takes_all = "--all" in sys.argv
    answer = {}
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name,
        run_sink(Path(name)) as sink,
    ):
        for which, case in CASES.items():
            place = Path(name) / which
            place.mkdir()
            answer[which] = asdict(judge(place, sink, case, stride=1 if takes_all else case.stride))
    print(json.dumps(answer, indent=2))  # noqa: T201
    control = answer.pop("control")
    sys.exit(any(each["lost"] or each["renamed"] for each in answer.values()) or not control["renamed"])


if __name__ == "__main__":
    main()
