"""How far long work is, on a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import typer

from prober.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prober.cli.context import Globals

LINE: Final = 70


def is_shown(settings: Globals) -> bool:
    """Say whether `progress` shows anything."""
    return output.is_terminal(sys.stderr) and not settings.is_quiet and settings.log_format is None


@contextmanager
def progress(settings: Globals) -> Iterator[Callable[[str], None]]:
    """Show how far it is on a terminal, in one line that is gone at the end."""
    has_line = is_shown(settings)

    def show(text: str) -> None:
        write(f"\r{text:<{LINE}}")

    def write(text: str) -> None:
        if has_line:
            with suppress(OSError):
                typer.echo(text, err=True, nl=False)

    try:
        yield show
    finally:
        write(f"\r{'':<{LINE}}\r")
