"""``prober status``: how everything is and was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command
from prober.cli.values import Failing, FailOn, Ids, Json, Tag, chosen, moment_ms
from prober.errors import UsageError

if TYPE_CHECKING:
    from prober.core.uptime import Period

DAY_MS = 86_400_000


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(status)


def status(
    context: typer.Context,
    ids: Ids = None,
    tag: Tag = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="One window instead, from then: 2026-11-01, or 7d ago.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="The window's end, if not now; alone: the day before.")
    ] = None,
    fail_on: Failing = FailOn.NEVER,
    as_json: Json = False,
) -> None:
    """Show states, uptime with its coverage, and what is open.

    Examples:
      prober status                          all probes
      prober status api --since 2026-11-01   one probe, since a day
      prober status --fail-on down           for a script: exit 1 when something is down
    """
    from prober.adapters.clock import SystemClock
    from prober.app.report import report_status
    from prober.render import shapes, table

    settings = globals_of(context)
    config = settings.load()
    probes = chosen(config, ids, tag)
    now_ms = SystemClock().now_ms()
    span = _span(since, until, now_ms)
    with settings.reading(config) as store:
        report = report_status(store, config, probes, now_ms=now_ms, span=span)
    if as_json:
        settings.show(shapes.status(report))
    else:
        settings.show(table.status(report, paint=settings.paint(), width=settings.width()))
    raise typer.Exit(int(fail_on.is_met(probe.state for probe in report.probes)))


def _span(since: str | None, until: str | None, now_ms: int) -> Period | None:
    """Return the window asked for; one without a beginning is a day long."""
    from prober.core.uptime import Period

    if since is None and until is None:
        return None
    to_ms = now_ms if until is None else min(now_ms, moment_ms("--until", until, now_ms=now_ms))
    from_ms = to_ms - DAY_MS if since is None else moment_ms("--since", since, now_ms=now_ms)
    if from_ms >= to_ms:
        raise UsageError("--since must be before --until, and in the past. Give an earlier --since.")
    return Period(from_ms=from_ms, to_ms=to_ms)
