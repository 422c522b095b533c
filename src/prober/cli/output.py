"""Where words go: results to stdout, everything else to stderr.

Whoever reads may leave early (``prober run | head -1``) or may not be there at all (``2>&-``). That ends no work: a run
finishes, and its exit code is true.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from prober.errors import ProberError

if TYPE_CHECKING:
    from typing import TextIO

    from prober.render.columns import Colour


def prepare() -> None:
    """Let what a terminal's encoding cannot show become a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def show(text: str, *, is_coloured: bool) -> None:
    """Print a result as it is. Raises ProberError when it cannot be written, unless nobody reads it any more."""
    try:
        typer.echo(text, nl=False, color=is_coloured)
    except BrokenPipeError:
        _abandon(sys.stdout)
    except OSError as error:
        _abandon(sys.stdout)
        raise ProberError(
            f"the output could not be written ({error.strerror}). Send it somewhere that has room."
        ) from error


def tell(text: str) -> None:
    """Print a line beside the results."""
    try:
        typer.echo(text, err=True)
    except OSError:
        _abandon(sys.stderr)


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether a person is at the other end."""
    return stream is not None and stream.isatty()


def coloured(word: str, colour: Colour) -> str:
    """Colour a word for a terminal."""
    if colour in {"bold", "dim"}:
        return typer.style(word, bold=colour == "bold" or None, dim=colour == "dim" or None)
    return typer.style(word, fg=colour)


def _abandon(stream: TextIO) -> None:
    """Lead a stream that nobody reads into nowhere, so that its end is quiet too."""
    with suppress(OSError), open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), stream.fileno())
