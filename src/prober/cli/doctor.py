"""``prober doctor``: everything that prober needs, looked at once, with what to do about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from prober.cli.context import globals_of, refuses_private
from prober.cli.help import Command
from prober.cli.output import is_terminal
from prober.cli.values import Json
from prober.errors import ConfigError

if TYPE_CHECKING:
    from prober.app.doctor import Subject
    from prober.cli.context import Globals


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(doctor)


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Look at everything that prober needs, and say what to do.

    Configuration, secrets, store, name lookup, connectivity urls, clock, mail server, last round, what starts
    prober, the fallback on GitHub Actions, and whom it stands behind. Nothing is changed and nobody is told. It takes
    15 seconds at most.

    Examples:
      prober doctor
      sudo prober doctor     what the service of "prober setup systemd" uses
    """
    from prober.adapters.clock import SystemClock
    from prober.app.doctor import examine
    from prober.core.diagnosis import exit_code
    from prober.render import diagnosis

    settings = globals_of(context)
    subject = _subject(settings)
    if is_terminal(sys.stderr):
        settings.say("looking at everything, which takes 15 s at most ...")
    findings = examine(subject)
    if as_json:
        settings.show(diagnosis.shape(findings, now_ms=SystemClock().now_ms()))
    else:
        settings.show(diagnosis.diagnosis(findings, paint=settings.paint()))
    raise typer.Exit(exit_code(findings))


def _subject(settings: Globals) -> Subject:
    from prober.adapters.config.outline import find_outline
    from prober.app.doctor import Subject

    config = problem = path = outline = None
    try:
        path = settings.config_path()
        outline = find_outline(path, environ=os.environ)
        config = settings.load()
    except ConfigError as error:
        problem = error
    said = config or outline
    place, reason = settings.store_place(str(path) if path else None, said.store_path if said else None)
    is_known = path is not None or reason != "beside the configuration"
    return Subject(
        config=config,
        problem=problem,
        config_path=path,
        outline=outline,
        place=place if is_known else None,
        place_reason=reason,
        refuse_private=refuses_private(),
    )
