"""``prober actions``: watching from a scheduled job, with the state on a branch."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from prober.cli.context import Globals, globals_of, host_name, origin
from prober.cli.help import Command, Group
from prober.cli.run import exit_code, troubles
from prober.cli.values import FailOn, Json, duration_ms
from prober.errors import ConfigError, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.adapters.github import Job
    from prober.app.actions.job import Outcome
    from prober.app.asked import Residence
    from prober.core.settings import Config

app = typer.Typer(name="actions", cls=Group, no_args_is_help=True, rich_markup_mode=None)

STOPPED = 128
Remote = Annotated[
    str, typer.Option("--remote", metavar="NAME", help="Where the branch is: a remote, a url or a path.")
]
Branch = Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch that keeps the state.")]


@app.callback()
def actions() -> None:
    """Watch from GitHub Actions, with the state on a branch.

    Examples:
      prober actions run
      prober actions fetch -o fallback.db
    """


class Mode(StrEnum):
    """What a run is for."""

    AUTO = "auto"
    FORCE = "force"
    DRILL = "drill"


@app.command("run", cls=Command)
def run(
    context: typer.Context,
    mode: Annotated[
        Mode, typer.Option("--mode", help="force: check until the deadline. drill: send a test mail as well.")
    ] = Mode.AUTO,
    remote: Remote = "origin",
    branch: Branch = "prober-state",
    deadline: Annotated[
        str, typer.Option("--deadline", metavar="TIME", help="When checking ends; saving comes after it.")
    ] = "50m",
    as_json: Json = False,
) -> None:
    """Check what is due once, from a job, with the state on a branch.

    What fails is checked again within the run until there is a verdict. Intent and outcome of every mail are saved
    before and after it.

    Examples:
      prober actions run                  in a scheduled workflow
      prober actions run --mode drill     a test mail through the whole path
      prober actions run --mode force --remote /srv/state.git
    """
    from prober.adapters.clock import SystemClock
    from prober.adapters.github import read_job

    settings = globals_of(context)
    job = read_job(os.environ, run=f"by-hand-{SystemClock().now_ms()}")
    if settings.db is not None:
        raise UsageError("the state of prober actions lies on a branch. Leave out --db.")
    deadline_ms = duration_ms("--deadline", deadline)
    try:
        config = settings.load(is_sending=True)
    except ConfigError as error:
        _tell_of(settings, job, error)
        if not job.is_fork:
            raise
        settings.say(f"not configured: this is a fork, and nothing was checked.\n{error}")
        return
    outcome = _run(settings, config, job, mode, remote=remote, branch=branch, deadline_ms=deadline_ms)
    problems = [*outcome.notes, *outcome.report.notes, *troubles(outcome.report, is_public=True)]
    if outcome.fault is not None:
        problems.append(f"{outcome.fault}. What happened since the state was last saved is looked at anew.")
    _summarise(job, outcome, [*problems, *outcome.hints])
    _print(settings, config, outcome, problems, as_json=as_json)
    if outcome.report.stopped_by is not None and outcome.fault is None:
        settings.warn("interrupted: what was seen until then is saved on the branch.")
    code = exit_code(outcome.report, [probe.id for probe in config.probes], FailOn.NEVER)
    is_lasting = outcome.fault is None and outcome.is_whole
    raise typer.Exit(code if is_lasting or code > STOPPED else StoreError.exit_code)


@app.command("fetch", cls=Command)
def fetch(
    context: typer.Context,
    remote: Remote = "origin",
    branch: Branch = "prober-state",
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The store to write, replaced if it exists.")
    ] = Path("prober-state.db"),
    as_json: Json = False,
) -> None:
    """Bring the state of the branch here, for `prober db merge`.

    Examples:
      prober actions fetch && prober db merge prober-state.db
      prober actions fetch --remote https://github.com/acme/status -o fallback.db
    """
    import json

    from prober.adapters.clock import SystemClock
    from prober.adapters.github import read_job
    from prober.app.actions.fetch import fetch_state
    from prober.render.inventory import size

    settings = globals_of(context)
    config = settings.load()
    if output.is_dir():
        raise UsageError(f"{output} is a folder. Name a file in it.")
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}. Make it, or name another file.")
    job, now_ms = read_job(os.environ, run="fetch"), SystemClock().now_ms()
    size_bytes = fetch_state(config, job, remote=remote, branch=branch, file=output, now_ms=now_ms, environ=os.environ)
    if as_json:
        settings.show(json.dumps({"schema": 1, "file": str(output), "size_bytes": size_bytes}) + "\n")
    else:
        settings.say(f"{output}: {size(size_bytes)}. Take it in with: prober db merge {output}")


_RESIDENCE: Final[dict[Mode, Residence]] = {Mode.AUTO: "standing-in", Mode.FORCE: "always", Mode.DRILL: "never"}


def _run(
    settings: Globals, config: Config, job: Job, mode: Mode, *, remote: str, branch: str, deadline_ms: int
) -> Outcome:
    from prober.app.actions.job import Asked
    from prober.app.actions.run import run_in_job
    from prober.app.journal import Journal
    from prober.app.place import Place

    if not config.channels:
        settings.warn("no alert channel is configured: nobody will be told. Add [alert.email] to the configuration.")
    asked = Asked(
        remote=remote,
        branch=branch,
        deadline_ms=deadline_ms,
        residence=_RESIDENCE[mode],
        is_drill=mode is Mode.DRILL,
        journal=settings.journal(config) if settings.log_format else Journal(),
    )
    place = Place(host=host_name(), pid=os.getpid(), origin=origin())
    return run_in_job(config, job, asked, place=place, environ=os.environ)


def _tell_of(settings: Globals, job: Job, error: ConfigError) -> None:
    """Say on the page of the run why nothing was checked."""
    from prober.app.journal import problems_of
    from prober.render import actions

    problems = [line for line in str(error).splitlines() if line.strip()]
    _append(job, actions.refusal(problems, is_fork=job.is_fork))
    for line in () if job.is_fork else actions.complain(problems_of(error)):
        settings.show(f"{line}\n")


def _append(job: Job, text: str) -> None:
    if job.summary is not None:
        with suppress(OSError), job.summary.open("a", encoding="utf-8") as page:
            page.write(text)


def _summarise(job: Job, outcome: Outcome, problems: Sequence[str]) -> None:
    """Add to the page of the run, where there is one."""
    from prober.render import actions

    results = outcome.report.results
    _append(job, actions.step_summary(outcome.status, cadence=outcome.cadence, results=results, problems=problems))


def _print(settings: Globals, config: Config, outcome: Outcome, problems: Sequence[str], *, as_json: bool) -> None:
    """Print what happened, and what the runner is to show; no text of a server is a command to it."""
    from prober.core.report import AlertTally, Gated
    from prober.render import actions, shapes
    from prober.render import outcome as text
    from prober.render.columns import plain

    report = outcome.report
    for problem in problems:
        settings.warn(actions.defused(problem))
    tally = AlertTally(queued=report.queued, accepted=report.accepted, failed=report.undelivered)
    told = [(each.event, each.incident) for each in report.told]
    unverified = {probe.id for probe in config.probes if not probe.verify}
    if as_json:
        for hint in outcome.hints:
            settings.warn(hint)
        shown = shapes.run(report.results, told, tally, unverified=unverified, held=report.held)
        settings.show(shown.replace("#", "\\u0023"))  # the same JSON, in which no "##[" is a command
        return
    paused = [probe.id for probe in config.probes if not probe.enabled]
    gated = Gated(held=report.held, released=report.released, watcher=outcome.status.watcher)
    look = partial(text.run, gated=gated, paint=plain, width=settings.width())
    shown = look(report.results, told, tally, unverified=unverified, paused=paused)
    settings.show(actions.defused(shown))
    for line in actions.annotate(outcome.status, problems, outcome.hints):
        settings.show(f"{line}\n")
