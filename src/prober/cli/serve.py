"""``prober serve``: the service."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer

from prober.cli.context import globals_of, host_name, origin, refuses_private
from prober.cli.help import Command


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(serve)


def serve(
    context: typer.Context,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over a store of other probes.")] = False,
) -> None:
    """Watch for as long as it runs: check, remember, mail.

    SIGHUP reads the configuration anew, SIGTERM and Ctrl-C end it within 10 s.

    Examples:
      prober serve                                here, until Ctrl-C
      prober --log-format json serve              one JSON object per line on stderr
      prober setup systemd --write                as a service of this machine
    """
    from prober.app.place import Place
    from prober.app.serve import serve as serve_until_told

    given = globals_of(context)
    settings = replace(given, log_format=given.log_format or "text")
    config = settings.load()
    if not config.channels:
        settings.warn("no alert channel is configured: nobody will be told. Add [alert.email] to the configuration.")
    done = serve_until_told(
        config,
        path=settings.store_path(config),
        load=settings.load,
        place=Place(host=host_name(), pid=os.getpid(), origin=origin()),
        journal=settings.journal(config),
        adopt=adopt,
        refuse_private=refuses_private(),
    )
    if done is not None:
        settings.say(done.message)
