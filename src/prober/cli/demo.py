"""``prober demo``: the ten-second proof."""

from __future__ import annotations

import sys
from functools import partial

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(demo)


def demo(context: typer.Context) -> None:
    """See a real outage caught, mailed and resolved, in ten seconds.

    It all happens on this machine. Needs neither network nor configuration, and leaves nothing behind.

    Examples:
      prober demo
    """
    import anyio

    from prober.app.demo import perform

    program = [sys.executable, "-P", "-m", "prober"]
    settings = globals_of(context)
    story = partial(perform, lambda line: settings.show(f"{line}\n"), program=program, paint=settings.paint())
    if stopped_by := anyio.run(story):
        raise typer.Exit(128 + stopped_by)
