"""``prober run``: one round, as cron calls it."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import Globals, globals_of, host_name, origin, refuses_private
from prober.cli.help import Command
from prober.cli.output import is_terminal
from prober.cli.values import Failing, FailOn, Ids, Json, Tag, chosen, duration_ms
from prober.errors import ProberError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prober.app.asked import Report
    from prober.core.model import Probe
    from prober.core.report import AlertTally
    from prober.core.settings import Config


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(run)


def run(
    context: typer.Context,
    ids: Ids = None,
    tag: Tag = None,
    due: Annotated[bool, typer.Option("--due", help="Only probes of whose interval 90 % have passed.")] = False,
    no_alert: Annotated[bool, typer.Option("--no-alert", help="Record everything, tell nobody.")] = False,
    deadline: Annotated[
        str | None,
        typer.Option("--deadline", metavar="TIME", help="How long rechecks may take; 4m, less for short intervals."),
    ] = None,
    fail_on: Failing = FailOn.NEVER,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over a store of other probes.")] = False,
    as_json: Json = False,
) -> None:
    """Check every probe once, keep the results, mail what is due.

    With "recheck" configured it stays until there is a verdict on what failed, within the deadline.

    Examples:
      prober run                      one round over all probes
      prober run api --no-alert       one probe, telling nobody
      */5 * * * * prober -q -c /etc/prober/probes.toml run      from cron
    """
    from prober.app.asked import Options, Report
    from prober.app.journal import Journal
    from prober.app.oneshot import Occupied, run_once
    from prober.app.place import Place
    from prober.core.schedule import run_deadline_ms

    settings = globals_of(context)
    config = settings.load(is_sending=True)
    named = chosen(config, ids, tag)
    probes = [probe for probe in named if probe.enabled]
    paused = [probe.id for probe in named if not probe.enabled]
    _say_beforehand(settings, has_channel=bool(config.channels), paused=paused)
    report = run_once(
        config,
        probes,
        path=settings.store_path(config),
        options=Options(
            deadline_ms=run_deadline_ms(probes) if deadline is None else duration_ms("--deadline", deadline),
            place=Place(host=host_name(), pid=os.getpid(), origin=origin()),
            covers_all=not ids and tag is None,
            is_alerting=not no_alert,
            journal=settings.journal(config) if settings.log_format else Journal(),
        ),
        only_due=due,
        adopt=adopt,
        refuse_private=refuses_private(),
        on_wait=_progress(settings),
    )
    if isinstance(report, Occupied):
        settings.say(report.message)
        report = Report()
        if not as_json:
            return
    code = exit_code(report, _judged(config, probes), fail_on)
    try:
        _print(settings, config, report, probes, paused if ids or not probes else [], as_json=as_json)
    except ProberError as error:
        settings.fail(error)
        code = code or error.exit_code
    raise typer.Exit(code)


def exit_code(report: Report, ids: Sequence[str], fail_on: FailOn) -> int:
    """Return the most important exit code that applies."""
    applies = (
        (128 + (report.stopped_by or 0), report.stopped_by is not None),
        (5, report.set_aside is not None or report.fault is not None or report.has_lost),
        (4, report.undelivered > 0),
        (6, report.is_offline),
        (1, fail_on.is_met(report.states[each].state for each in ids if each in report.states)),
    )
    return next((code for code, does in applies if does), 0)


def _judged(config: Config, probes: Sequence[Probe]) -> list[str]:
    """Return the ids of the probes whose state may make a run fail: one in maintenance is meant to be as it is."""
    from prober.adapters.clock import SystemClock
    from prober.core.windows import is_active

    now_ms = SystemClock().now_ms()
    return [probe.id for probe in probes if not is_active(config.maintenance, probe, now_ms)]


def _say_beforehand(settings: Globals, *, has_channel: bool, paused: Sequence[str]) -> None:
    if not has_channel:
        settings.warn("no alert channel is configured: nobody will be told. Add [alert.email] to the configuration.")
    if paused:
        settings.detail(f"paused (enabled = false): {', '.join(paused)}")


def _progress(settings: Globals) -> Callable[[Sequence[Probe], float], None]:
    def show(waiting: Sequence[Probe], seconds: float) -> None:
        if is_terminal(sys.stderr):
            names = ", ".join(probe.id for probe in waiting[:5])
            what = f"for a verdict on {names}: next check" if names else "to be sure who is watching: next look"
            settings.say(f"waiting {what} in {max(seconds, 0):.0f} s")

    return show


def _print(
    settings: Globals,
    config: Config,
    report: Report,
    probes: Sequence[Probe],
    paused: Sequence[str],
    *,
    as_json: bool,
) -> None:
    from prober.app.role import watcher_of
    from prober.core.report import AlertTally, Gated
    from prober.render import outcome, shapes

    for note in (*report.notes, *troubles(report)) if settings.log_format is None else ():
        settings.warn(note)
    if report.stopped_by is not None and not report.results:
        settings.warn("interrupted: nothing of this round was recorded. Run it again.")
        return
    for result in report.results:
        settings.detail(outcome.phases(result))
    tally = AlertTally(queued=report.queued, accepted=report.accepted, failed=report.undelivered)
    told = [(each.event, each.incident) for each in report.told]
    unverified = {probe.id for probe in probes if not probe.verify}
    if as_json:
        settings.show(shapes.run(report.results, told, tally, unverified=unverified, held=report.held))
    elif not settings.is_quiet or _is_notable(settings, config, report, tally):
        gated = Gated(held=report.held, released=report.released, watcher=watcher_of(config))
        look = partial(outcome.run, gated=gated, paint=settings.paint(), width=settings.width())
        settings.show(look(report.results, told, tally, unverified=unverified, paused=paused))


def _is_notable(settings: Globals, config: Config, report: Report, tally: AlertTally) -> bool:
    """Say whether there is anything that cron is to send: of what nobody is told now, it does not tell either."""
    from prober.adapters.clock import SystemClock
    from prober.app.role import silent_probes
    from prober.core.model import probe_of
    from prober.render import outcome

    silent: set[str | None] = set()
    if config.standby is not None or config.maintenance:
        with settings.reading(config, is_told=False) as stores:
            silent |= silent_probes(stores[0], config, now_ms=SystemClock().now_ms()) if stores else set()
    results = [each for each in report.results if each.probe_id not in silent]
    told = [(each.event, each.incident) for each in report.told if probe_of(each.event) not in silent]
    return outcome.is_notable(results, told, tally)


def troubles(report: Report, *, is_public: bool = False) -> Iterator[str]:
    """Yield what people should know of a run, as a log tells it; in public no address and no word of a server."""
    if report.set_aside is not None:
        yield f"the store could not be read: it was set aside as {report.set_aside}, and history starts anew."
    if report.fault is not None:
        kept = "is in it as soon as a run can write to it again"
        lost = "is forgotten, as no file could be written anywhere: what was mailed is mailed again by the next run"
        yield (
            f"the store could not be written: {report.fault}.\n"
            f"Checks and alerts went on without it. What was done {lost if report.has_lost else kept}."
        )
    for alert in report.closed:
        about = ", ".join(filter(None, (alert.kind, alert.probe_id)))
        why = f"{'its recipient' if is_public else alert.recipient} is no longer configured"
        yield f"alert {alert.number} ({about}) was closed without being sent: {why}"
    if is_public and report.refusals:
        count = len(report.refusals)
        yield f"no mail server accepted {count} of the mails, which stay queued; prober test-alert says why"
    for refusal in () if is_public else report.refusals:
        yield f"an alert was not accepted and stays queued: {refusal}"
    if report.heartbeat_error is not None:
        yield f"the heartbeat was not answered: {report.heartbeat_error}"
