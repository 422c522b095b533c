"""End a job at every step of the protocol between it, its branch and the mail server, and see what people are told.

``python -m tests.app.actions.kill`` prints what came of it as JSON. Before each world an outage is on the branch that
nobody was told of yet. A job sees it, and is killed before or after one of its git commands, or before one of the lines
that it says to the mail server. Another job follows. People must have been told, always under the same Message-ID.
In a control the intent to tell is not saved, so what the next job repeats is another mail.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from aiosmtplib.protocol import SMTPProtocol

from prober.adapters.git import branch, process
from prober.adapters.mail import SmtpMailer
from prober.app.actions.job import Around, Asked
from prober.app.actions.run import _JobRun, run
from tests.app.actions.world import BRANCH, FIVE_MIN_MS, KEY, Jobs
from tests.app.crash import MEMORY, Steps, in_child
from tests.app.world import HERE, channel, probe
from tests.fakes import T0, FakeChecker, FakeClock, header
from tests.servers.sink import run_sink

if TYPE_CHECKING:
    from tests.servers.sink import Sink


@dataclass(slots=True, kw_only=True)
class Findings:
    """What came of all worlds. ``lost`` were never told, ``renamed`` under more than one Message-ID."""

    steps: int = 0
    kills: int = 0
    repeats: int = 0
    lost: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)


def live(jobs: Jobs, signs: str, at_ms: int, *, is_trusting: bool = False) -> None:
    """Be one job."""
    if is_trusting:
        setattr(_JobRun, "_secure", _trust)  # noqa: B010  mypy refuses the plain assignment
    jobs.number = at_ms // FIVE_MIN_MS
    clock = FakeClock(at_ms)
    checker = FakeChecker(clock, {each.id: signs for each in jobs.config.probes})
    around = Around(place=HERE, clock=clock, checker=checker, open_session=partial(SmtpMailer))
    asked = Asked(remote=str(jobs.remote), branch=BRANCH, deadline_ms=60_000)

    async def be() -> None:
        await run(jobs.config, jobs.job(), asked, around, key=KEY)

    anyio.run(be)


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


in_child_of_ours = partial(in_child, steps_of=JobSteps)


def judge(folder: Path, sink: Sink, *, stride: int, is_trusting: bool) -> Findings:
    """Kill a job at every so many of its steps, each time in a world of its own."""
    jobs = Jobs(folder)
    jobs.configure(
        probes=(probe(recheck_ms=10),),
        channels=(channel(port=sink.port, server="127.0.0.1", security="none"),),
    )
    live(jobs, ".", T0)
    before = folder / "before.git"
    shutil.copytree(jobs.remote, before)
    found = Findings()
    at_ms = T0 + FIVE_MIN_MS
    outage = partial(live, jobs, "xxx", at_ms, is_trusting=is_trusting)
    found.steps = in_child_of_ours(outage) or 0
    for step in range(1, found.steps + 1, stride):
        shutil.rmtree(jobs.remote)
        shutil.copytree(before, jobs.remote)
        sink.forget()
        found.kills += in_child_of_ours(outage, kill_at=step) is None
        in_child_of_ours(partial(live, jobs, "xxx", at_ms + FIVE_MIN_MS, is_trusting=is_trusting))
        told = [header(mail.content, "Message-ID") for mail in sink.all_taken()]
        found.repeats += max(len(told) - 1, 0)
        if not told:
            found.lost.append(f"step {step}")
        if len(set(told)) > 1:
            found.renamed.append(f"step {step}")
    return found


def main() -> None:
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name,
        run_sink(Path(name)) as sink,
    ):
        places = [Path(name) / each for each in ("ours", "control")]
        for each in places:
            each.mkdir()
        ours = judge(places[0], sink, stride=1, is_trusting=False)
        control = judge(places[1], sink, stride=5, is_trusting=True)
    answer = {
        which: {
            "steps": each.steps,
            "kills": each.kills,
            "repeats": each.repeats,
            "lost": each.lost,
            "renamed": each.renamed,
        }
        for which, each in (("ours", ours), ("control", control))
    }
    print(json.dumps(answer, indent=2))  # noqa: T201
    sys.exit(bool(ours.lost or ours.renamed or not control.renamed))


if __name__ == "__main__":
    main()
