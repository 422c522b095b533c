"""``prober incidents``: what went wrong, when, and what people did about it."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of, host_name, origin
from prober.cli.help import Command, Group
from prober.cli.values import Ids, Json, Tag, chosen, moment_ms, number_of, read_number
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.app.people import Deed
    from prober.cli.context import Globals
    from prober.core.model import Incident
    from prober.core.report import Story
    from prober.core.settings import Config

app = typer.Typer(name="incidents", cls=Group, no_args_is_help=True, rich_markup_mode=None)
SHOWN = 50
NAME_CHARACTERS = 64
TEXT_CHARACTERS = 2000

Number = Annotated[int, number_of("an incident", listed_by="prober incidents list")]
Said = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What to remember about it.")]
By = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who you are; by default who you are logged in as.")
]


@app.callback()
def incidents() -> None:
    """List incidents, show one, and say what you do about it.

    Examples:
      prober incidents list
      prober incidents show 42
      prober incidents ack 42               no more reminders
      prober incidents false-positive 42    it was none: no uptime is lost
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
        str | None,
        typer.Option("--limit", metavar="N", help="At most so many; 50, with --json all."),
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
    from prober.app.maintenance import begun_in_maintenance
    from prober.app.reading import known_incidents
    from prober.app.role import watcher_of, what_holds
    from prober.render import lists, shapes

    settings = globals_of(context)
    config = settings.load()
    now_ms = SystemClock().now_ms()
    wanted = [probe.id for probe in chosen(config, ids, tag)] if ids or tag else None
    since_ms = None if since is None else moment_ms("--since", since, now_ms=now_ms)
    until_ms = None if until is None else moment_ms("--until", until, now_ms=now_ms)
    with settings.reading(config) as stores:
        found = known_incidents(stores, probe_ids=wanted, since_ms=since_ms, until_ms=until_ms, open_only=is_open)
        most = read_number(limit, "--limit") if limit is not None else len(found) if as_json else SHOWN
        found = _first(settings, found, most)
        planned = set[int]().union(*(begun_in_maintenance(each, config, found, now_ms=now_ms) for each in stores))
        held = what_holds(stores[0], config, found, now_ms=now_ms) if stores else {}
    if as_json:
        settings.show(shapes.incidents(found, in_maintenance=planned))
        return
    look = partial(lists.incidents, paint=settings.paint(), width=settings.width())
    settings.show(look(found, now_ms=now_ms, in_maintenance=planned, held=held, watcher=watcher_of(config)))


def _first(settings: Globals, found: list[Incident], most: int) -> list[Incident]:
    if len(found) > most:
        settings.say(f"note: shown: {most} of {len(found)} incidents. All of them: --limit {len(found)}")
    return found[:most]


@app.command("show", cls=Command)
def show_incident(context: typer.Context, number: Number, as_json: Json = False) -> None:
    """Show all that is known of one incident.

    Examples:
      prober incidents show 42
    """
    from prober.adapters.clock import SystemClock
    from prober.adapters.store.incidents import find_incident
    from prober.app.people import tell_story

    settings = globals_of(context)
    config = settings.load()
    now_ms = SystemClock().now_ms()
    with settings.reading(config) as stores:
        home = next((store for store in stores if find_incident(store, number)), None)
        if home is None:
            raise _unknown(number)
        story = tell_story(home, number, config=config, now_ms=now_ms)
    _show(settings, story, now_ms, as_json=as_json)


@app.command("ack", cls=Command)
def acknowledge(
    context: typer.Context, number: Number, text: Said = None, by: By = None, as_json: Json = False
) -> None:
    """Take an open incident: nobody is reminded of it any more.

    Its end is still told to everyone who was told of it.

    Examples:
      prober incidents ack 42
      prober incidents ack 42 --note "the disk is full, cleaning up" --by ann
    """
    from prober.app import people

    _do(context, number, text, by, lambda store, deed, _: people.acknowledge(store, deed), as_json=as_json)


@app.command("note", cls=Command)
def note(
    context: typer.Context,
    number: Number,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to remember about it.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Add words to an incident, open or over.

    Examples:
      prober incidents note 42 "the provider confirms: a router died"
    """
    from prober.app import people

    _do(context, number, text, by, lambda store, deed, _: people.note(store, deed), as_json=as_json)


@app.command("false-positive", cls=Command)
def false_positive(
    context: typer.Context,
    number: Number,
    undo: Annotated[bool, typer.Option("--undo", help="It was real after all.")] = False,
    text: Said = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say that an incident, open or over, was none: it costs no uptime, and nobody is reminded of it.

    The rules go on as they are: what is open ends when checks are good again, and its end is told.

    Examples:
      prober incidents false-positive 42
      prober incidents false-positive 42 --undo
    """
    from prober.app import people

    mark = people.unmark_false_positive if undo else people.mark_false_positive
    _do(context, number, text, by, lambda store, deed, _: mark(store, deed), as_json=as_json)


@app.command("resolve", cls=Command)
def resolve(context: typer.Context, number: Number, text: Said = None, by: By = None, as_json: Json = False) -> None:
    """End an open incident now, and tell those who were told of it.

    As many new failed checks as ever open the next one.

    Examples:
      prober incidents resolve 42
      prober incidents resolve 42 --note "the check was wrong, repaired"
    """
    from prober.app import people
    from prober.app.place import Place

    def end(store: Store, deed: Deed, config: Config) -> str:
        place = Place(host=host_name(), pid=os.getpid(), origin=origin())
        queued = people.resolve(store, deed, config=config, place=place)
        return f"incident {number} is resolved{_told_by(globals_of(context).store_path(config), queued)}"

    _do(context, number, text, by, end, as_json=as_json)


def _do(
    context: typer.Context,
    number: int,
    text: str | None,
    by: str | None,
    act: Callable[[Store, Deed, Config], str],
    *,
    as_json: bool,
) -> None:
    from prober.adapters.clock import SystemClock
    from prober.adapters.store.incidents import find_incident
    from prober.app.people import Deed, tell_story
    from prober.app.reading import change

    settings = globals_of(context)
    config = settings.load()
    now_ms = SystemClock().now_ms()
    said = None if text is None else _cleaned(text, config, TEXT_CHARACTERS)
    if said == "":
        raise UsageError("the note is empty. Write what is worth remembering.")
    deed = Deed(number=number, who=_who(by, config), at_ms=now_ms, text=said)

    def work(store: Store) -> tuple[str, Story]:
        return act(store, deed, config), tell_story(store, number, config=config, now_ms=now_ms)

    path = settings.store_path(config)
    done = change(path, lambda store: find_incident(store, number) is not None, work, now_ms=now_ms)
    if done is None:
        raise _unknown(number)
    told, story = done
    settings.say(told)
    if as_json:
        _show(settings, story, now_ms, as_json=True)


def _show(settings: Globals, story: Story, now_ms: int, *, as_json: bool) -> None:
    from prober.render import lists, shapes

    if as_json:
        settings.show(shapes.incident(story))
    else:
        settings.show(lists.incident(story, now_ms=now_ms, paint=settings.paint(), width=settings.width()))


def _who(by: str | None, config: Config) -> str:
    """Return who acts: as they say, as they were before sudo, or as the system knows them."""
    names = (_cleaned(name, config, NAME_CHARACTERS) for name in (by, os.environ.get("SUDO_USER"), _login()) if name)
    return next(filter(None, names), "somebody")


def _login() -> str | None:
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return None


def _cleaned(text: str, config: Config, characters: int) -> str:
    from prober.core.masking import Masker
    from prober.core.text import cut, scrub_start

    return cut(scrub_start(text, Masker(config.secrets).mask).strip(), characters)


def _told_by(path: Path, queued: int) -> str:
    """Say who sends what was queued."""
    from prober.adapters.lock import find_holder

    if not queued:
        return "; nobody is told, as nobody was told of it"
    holder = find_holder(path)
    sender = "the running service sends" if holder and holder.command == "serve" else "the next `prober run` sends"
    return f"; {sender} {queued} alert{'' if queued == 1 else 's'} about it"


def _unknown(number: int) -> UsageError:
    return UsageError(f"there is no incident {number}. See: prober incidents list")
