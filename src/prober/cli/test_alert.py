"""``prober test-alert``: prove that mail arrives, before it matters."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from prober.cli.context import globals_of, origin
from prober.cli.help import Command
from prober.cli.values import refuse_unknown
from prober.errors import ConfigError


class Sample(StrEnum):
    """Which alert to send: the test mail, or a sample of a real one."""

    TEST = "test"
    DOWN = "down"
    RECOVERED = "recovered"
    SLOW = "slow"
    ALL = "all"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test-alert", cls=Command)(rehearse)


def rehearse(
    context: typer.Context,
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="CHANNEL", help="As in [alert.<id>]; all without any.")
    ] = None,
    kind: Annotated[Sample, typer.Option("--kind", help="What to send; samples are marked as such.")] = Sample.TEST,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the mail, send nothing.")] = False,
) -> None:
    """Send a marked test mail to every recipient.

    Prints what the mail server answered; exits with 4 unless it took every mail.

    Examples:
      prober test-alert
      prober test-alert email --kind down --dry-run
    """
    from prober.app.rehearse import kinds_of, print_rehearsal, send_rehearsal

    settings = globals_of(context)
    config = settings.load()
    if not config.channels:
        raise ConfigError(f"{config.path} has no alert channel. Add [alert.email].")
    refuse_unknown("channel", channels or (), {channel.id for channel in config.channels}, config)
    wanted = [channel for channel in config.channels if not channels or channel.id in channels]
    if dry_run:
        settings.show(print_rehearsal(config, wanted, kinds_of(kind), origin()))
        return
    rehearsal = send_rehearsal(config, wanted, kinds_of(kind), origin())
    settings.show(rehearsal.text)
    raise typer.Exit(0 if rehearsal.is_accepted else 4)
