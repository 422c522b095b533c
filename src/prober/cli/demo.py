"""``prober demo``: the ten-second proof."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

import typer

from prober.cli.context import Globals, globals_of
from prober.cli.help import Command

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM: Final = (sys.executable, "-P", "-m", "prober")


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

    settings = globals_of(context)
    if stopped_by := anyio.run(partial(perform, voice(settings), program=PROGRAM, paint=settings.paint())):
        raise typer.Exit(128 + stopped_by)


def voice(settings: Globals) -> Callable[[str], None]:
    """Return what tells a story on stdout, and have it fit there, with whatever the programs print that are started."""
    from prober.render.columns import fold

    width = settings.width()
    if width is not None:
        os.environ["COLUMNS"] = str(width)

    def say(text: str) -> None:
        folded = chain.from_iterable(fold(line, width, hang=_hang(line)) for line in text.splitlines())
        settings.show("".join(f"{line}\n" for line in folded))

    return say


def _hang(line: str) -> str:
    """Return what a line that goes on begins with: in a mail the sign of a quotation, then room up to the value."""
    found = re.match(r"(  \| )((?:.*\S {2,})?)", line)
    return found[1] + " " * len(found[2]) if found else ""
