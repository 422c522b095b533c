"""``prober standby``: what we see of whom we stand behind, and why we are in our role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command
from prober.cli.values import Json, read_number

if TYPE_CHECKING:
    from prober.cli.context import Globals
    from prober.core.roles import RoleReport


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(standby)


def standby(
    context: typer.Context,
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="At most so many looks.")] = "20",
    as_json: Json = False,
) -> None:
    """Show who is watching, and why we are in our role.

    Look by look, for all probes together and for each. It shows what the rounds and the service have seen, and asks
    nobody itself; "prober doctor" does.

    Examples:
      prober standby
      prober standby --limit 200     more of the last day's looks
    """
    from prober.render import standby as render

    settings = globals_of(context)
    report = _report(settings, read_number(limit, "--limit"))
    shown = render.shape(report) if as_json else render.page(report, paint=settings.paint(), width=settings.width())
    settings.show(shown)


def _report(settings: Globals, limit: int) -> RoleReport:
    from prober.adapters.clock import SystemClock
    from prober.app.role import report_role

    config = settings.load()
    if config.standby is None:
        return report_role([], config, now_ms=SystemClock().now_ms(), limit=limit)
    with settings.reading(config) as stores:
        return report_role(stores, config, now_ms=SystemClock().now_ms(), limit=limit)
