"""``prober incidents``: what went wrong, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command, Group
from prober.cli.values import LARGEST, Ids, Json, Number, Tag, chosen, moment_ms
from prober.errors import UsageError

app = typer.Typer(name="incidents", cls=Group, no_args_is_help=True, rich_markup_mode=None)
SHOWN = 50


@app.callback()
def incidents() -> None:
    """List incidents, or show one.

    Examples:
      prober incidents list
      prober incidents show 42
    """


@app.command("list", cls=Command)
def list_incidents(
    context: typer.Context,
    ids: Ids = None,
    tag: Tag = None,
    since: Annotated[str | None, typer.Option("--since", metavar="T", help="Only what lasted after this time.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Only what began before this time.")] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Only what is open.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, max=LARGEST, help="At most so many; 50, with --json all."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List incidents, newest first.

    Examples:
      prober incidents list                 the last 50
      prober incidents list api --since 30d
      prober incidents list --open
    """
    from prober.adapters.clock import SystemClock
    from prober.adapters.store.incidents import all_incidents
    from prober.render import lists, shapes

    settings = globals_of(context)
    config = settings.load()
    now_ms = SystemClock().now_ms()
    wanted = [probe.id for probe in chosen(config, ids, tag)] if ids or tag else None
    since_ms = None if since is None else moment_ms("--since", since, now_ms=now_ms)
    until_ms = None if until is None else moment_ms("--until", until, now_ms=now_ms)
    with settings.reading(config) as store:
        found = (
            []
            if store is None
            else all_incidents(store, probe_ids=wanted, since_ms=since_ms, until_ms=until_ms, open_only=is_open)
        )
    most = limit or (len(found) if as_json else SHOWN)
    if len(found) > most:
        settings.say(f"note: shown: {most} of {len(found)} incidents. All of them: --limit {len(found)}")
    found = found[:most]
    if as_json:
        settings.show(shapes.incidents(found))
    else:
        settings.show(lists.incidents(found, now_ms=now_ms, paint=settings.paint(), width=settings.width()))


@app.command("show", cls=Command)
def show_incident(context: typer.Context, number: Number, as_json: Json = False) -> None:
    """Show all that is known of one incident.

    Examples:
      prober incidents show 42
    """
    from prober.adapters.clock import SystemClock
    from prober.adapters.store.incidents import find_incident
    from prober.render import lists, shapes

    settings = globals_of(context)
    with settings.reading(settings.load()) as store:
        found = None if store is None else find_incident(store, number)
    if found is None:
        raise UsageError(f"there is no incident {number}. See: prober incidents list")
    if as_json:
        settings.show(shapes.incident(found))
    else:
        settings.show(lists.incident(found, now_ms=SystemClock().now_ms(), paint=settings.paint()))
