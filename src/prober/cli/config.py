"""``prober config``: what is in force, and from where."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from prober.cli.context import globals_of, host_name
from prober.cli.help import Command, Group
from prober.cli.values import Json

app = typer.Typer(name="config", cls=Group, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def config() -> None:
    """Show the configuration, its schema, or where it is.

    Examples:
      prober config show api
      prober config path
    """


@app.command("show", cls=Command)
def show_config(
    context: typer.Context,
    probe: Annotated[str | None, typer.Argument(metavar="ID", help="One probe; everything without it.")] = None,
    as_json: Json = False,
) -> None:
    """Show every value in force and where it comes from.

    Secrets are masked. The lines are TOML.

    Examples:
      prober config show
      prober config show api
    """
    from prober.adapters.config import effective
    from prober.render import settings as rendered
    from prober.render import shapes

    settings = globals_of(context)
    effect = effective(settings.config_path(), environ=os.environ, host_name=host_name(), probe_id=probe)
    rows = [(row.key, row.value, row.origin) for row in effect]
    settings.show(shapes.settings(rows) if as_json else rendered.rows(rows))


@app.command("schema", cls=Command)
def print_schema(context: typer.Context) -> None:
    """Print the JSON Schema of probes.toml, for editors.

    Examples:
      prober config schema > probes.schema.json
    """
    from prober.adapters.config import schema

    globals_of(context).show(json.dumps(schema(), indent=2) + "\n")


@app.command("path", cls=Command)
def print_path(context: typer.Context) -> None:
    """Print which file is read.

    Examples:
      prober config path
    """
    settings = globals_of(context)
    settings.show(f"{settings.config_path()}\n")
