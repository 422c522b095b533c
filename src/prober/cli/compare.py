"""``prober compare``: our figures beside UptimeRobot's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command
from prober.cli.output import is_terminal
from prober.cli.values import Ids, Json, chosen
from prober.errors import ConfigError, ProberError

if TYPE_CHECKING:
    from prober.cli.context import Globals
    from prober.core.compare import Comparison
    from prober.core.settings import Config

_KEY = "UPTIMEROBOT_API_KEY"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(compare)


def compare(
    context: typer.Context,
    ids: Ids = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=90, help="How far back to compare, up to 90 days.")
    ] = 30,
    as_json: Json = False,
) -> None:
    """Show our figures beside UptimeRobot's.

    Uptime, downtime, response times, and the outages that both saw or only one side did: those that began within two
    intervals of each other are one. A monitor is a probe's by uptimerobot_id, or else by its URL. The key is that of
    [standby], or $UPTIMEROBOT_API_KEY; a read-only one does.

    Examples:
      prober compare                the last 30 days of all probes
      prober compare api --days 7   one probe, a week
    """
    from prober.render import comparison as render

    settings = globals_of(context)
    found = _compared(settings, settings.load(), ids, days)
    settings.show(render.shape(found) if as_json else render.table(found, width=settings.width()))


def _compared(settings: Globals, config: Config, ids: list[str] | None, days: int) -> Comparison:
    import anyio

    from prober.adapters.clock import SystemClock
    from prober.adapters.http import Fetcher
    from prober.app.compare import compare
    from prober.app.patience import Patient

    url, api_key = _access(config)
    probes = chosen(config, ids)
    with settings.reading(config) as stores:
        if not stores:
            raise ProberError('there is nothing of ours to compare yet. Start with "prober run".')

        def tell(wait_ms: int) -> None:
            settings.say(f"UptimeRobot asks us to wait {wait_ms // 1000} s ...")

        async def ask() -> Comparison:
            async with Fetcher(timeout_ms=30_000) as fetch:
                return await compare(
                    stores[-1],
                    probes,
                    location=config.location,
                    days=days,
                    now_ms=SystemClock().now_ms(),
                    fetch=Patient(fetch, tell=tell),
                    url=url,
                    api_key=api_key,
                )

        if is_terminal(sys.stderr):
            settings.say("asking UptimeRobot ...")
        return anyio.run(ask)


def _access(config: Config) -> tuple[str, str]:
    """Return the address of the API, and the key."""
    from prober.core.settings import UPTIMEROBOT

    standby = config.standby
    if standby is not None and standby.behind == "uptimerobot" and standby.api_key:
        return standby.url, standby.api_key
    if api_key := os.environ.get(_KEY):
        return UPTIMEROBOT, api_key
    key = f"{_KEY} to a read-only key of the account"
    advice = f"Set {key}, or write [standby]: see docs/configuration.md."
    if standby is not None and standby.behind == "prober":
        advice = f"[standby] is behind another prober: set {key}."
    raise ConfigError(f"compare needs UptimeRobot, and there is no key of it. {advice}")
