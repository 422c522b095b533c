"""``prober import``: bring over what another monitor watches."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import Globals, globals_of
from prober.cli.help import Command, Group
from prober.cli.progress import is_shown, progress
from prober.cli.values import Json, url_of
from prober.errors import UsageError

if TYPE_CHECKING:
    from prober.app.importing import Import, Source

app = typer.Typer(name="import", cls=Group, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def import_() -> None:
    """Bring over what another monitor watches.

    Examples:
      prober import uptimerobot
      prober import uptimerobot --dry-run
    """


@app.command("uptimerobot", cls=Command)
def import_uptimerobot(
    context: typer.Context,
    api_key_env: Annotated[
        str, typer.Option("--api-key-env", metavar="NAME", help="The variable that holds a read-only key.")
    ] = "UPTIMEROBOT_API_KEY",
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Base address of the API v2, if not UptimeRobot's.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The file to write or add to; -: print.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be written, and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Write a probes.toml from an account at UptimeRobot, or add to one what it does not have yet.

    Monitors become probes, alert contacts recipients, maintenance windows stay what they are. No secret is written:
    ${NAME} stands in its place, and the names are listed. What cannot come over is listed too, with the reason.

    Examples:
      prober import uptimerobot
      prober import uptimerobot --dry-run
      prober import uptimerobot -o /etc/prober/probes.toml
    """
    import anyio

    from prober.app.importing import Source, key_of

    settings = globals_of(context)
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", api_key_env):
        raise UsageError("--api-key-env takes the name of a variable that holds the key, such as UPTIMEROBOT_API_KEY.")
    if target == "-" and as_json:
        raise UsageError("-o - and --json both print to stdout. Leave out one of them.")
    key = key_of(api_key_env, os.environ)
    source = Source(key_name=api_key_env, key=key, **({"url": _base(url)} if url else {}))
    path = None if target == "-" else Path(target or settings.config or "probes.toml")
    ready = anyio.run(_read, settings, source, path)
    _finish(settings, ready, is_dry=dry_run, as_json=as_json)


def _base(url: str) -> str:
    """Return the address of an API that may be told a secret, with a slash at its end."""
    from prober.adapters.config.addresses import keeps_secrets

    base = url_of(url)
    if not keeps_secrets(base):
        raise UsageError("--url: this would send the key in clear text. Write https://...")
    if "?" in base:
        raise UsageError("--url is the address that the names of methods are put behind. Leave out what begins with ?")
    return f"{base.rstrip('/')}/"


async def _read(settings: Globals, source: Source, path: Path | None) -> Import:
    from prober.adapters.clock import SystemClock
    from prober.adapters.http import Fetcher
    from prober.app.importing import read_import

    with progress(settings) as show:
        async with Fetcher() as fetch:
            say_wait = show if is_shown(settings) else settings.say
            return await read_import(fetch, source, path, now_ms=SystemClock().now_ms(), say=show, say_wait=say_wait)


def _finish(settings: Globals, ready: Import, *, is_dry: bool, as_json: bool) -> None:
    """Write it, unless it is only to be shown, and say what it came to: beside the text, where that is the result."""
    from prober.app.importing import write_import
    from prober.render import import_report

    target = None if ready.path is None else str(ready.path)
    is_written = not is_dry and bool(ready.text)
    if is_written:
        write_import(ready, environ=os.environ)
    if as_json:
        text = ready.text if is_dry else None
        settings.show(import_report.shape(ready.plan, target=target if is_written else None, text=text))
        return
    said = import_report.report(ready.plan, target=target, is_written=is_written, paint=settings.paint())
    if is_dry or ready.path is None:
        settings.show(ready.text)
        settings.say(said.removesuffix("\n"))
    else:
        settings.show(said)
