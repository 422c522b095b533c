"""``prober status``: how everything is and was."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import Globals, globals_of
from prober.cli.help import Command
from prober.cli.output import is_terminal
from prober.cli.values import Failing, FailOn, Ids, Json, Tag, chosen, moment_ms
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.app.ports import Clock
    from prober.core.report import StatusReport
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
    is_watching: Annotated[bool, typer.Option("--watch", help="Keep the table up to date until q is pressed.")] = False,
    fail_on: Failing = FailOn.NEVER,
    as_json: Json = False,
) -> None:
    """Show states, uptime with its coverage, and what is open.

    Examples:
      prober status                          all probes
      prober status --watch                  a live table
      prober status api --since 2026-11-01   one probe, since a day
      prober status --fail-on down           for a script: exit 1 when one is down
    """
    from prober.adapters.clock import SystemClock
    from prober.app.report import report_status, tell_of_stand_ins
    from prober.render import shapes, table

    settings = globals_of(context)
    config = settings.load()
    probes = chosen(config, ids, tag)
    clock = SystemClock()

    path = settings.store_path(config)

    def read(stores: Sequence[Store], now_ms: int) -> StatusReport:
        span = _span(since, until, now_ms)
        now, past = (stores[0], stores[-1]) if stores else (None, None)
        report = report_status(now, config, probes, now_ms=now_ms, span=span, is_brief=not as_json, past=past)
        return replace(report, notices=(*report.notices, *tell_of_stand_ins(path)))

    if is_watching:
        _watch(settings, path, read, clock, is_alone=not as_json and fail_on is FailOn.NEVER)
        return
    with settings.reading(config, is_told=False) as stores:
        report = read(stores, clock.now_ms())
    if as_json:
        settings.show(shapes.status(report))
    else:
        settings.show(table.status(report, paint=settings.paint(), width=settings.width()))
    raise typer.Exit(int(fail_on.is_met(probe.state for probe in report.probes)))


def _watch(
    settings: Globals,
    path: Path,
    read: Callable[[Sequence[Store], int], StatusReport],
    clock: Clock,
    *,
    is_alone: bool,
) -> None:
    from prober.cli.watch import watch

    if not is_alone:
        raise UsageError("--watch goes on for as long as you look: leave out --json and --fail-on.")
    if not is_terminal(sys.stdout) or os.environ.get("TERM") == "dumb":
        raise UsageError("--watch needs a terminal. Elsewhere, call prober status again and again, with --json or not.")
    watch(path, read, clock=clock, paint=settings.paint())


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
