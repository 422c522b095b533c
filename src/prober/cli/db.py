"""``prober db``: what the store holds, copies of it, and what comes into it or goes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command, Group
from prober.cli.progress import progress
from prober.cli.values import Json, duration_ms
from prober.errors import StoreError, UsageError

app = typer.Typer(name="db", cls=Group, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def db() -> None:
    """Look at the store, copy it, prune it, or merge another.

    Examples:
      prober db info
      prober db backup prober-2026-11-20.db
      prober db merge fallback.db
    """


@app.command("info", cls=Command)
def show_info(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Read all of it, and say whether it is whole.")] = False,
    as_json: Json = False,
) -> None:
    """Show where the store is, and what it holds.

    Examples:
      prober db info
      prober db info --check     reads everything
    """
    from prober.adapters.store.db import open_reader
    from prober.adapters.store.inventory import find_damage, take_inventory
    from prober.render import inventory

    settings = globals_of(context)
    config = settings.load()
    path, why = settings.store_place(config.path, config.store_path)
    store = open_reader(path)
    if store is None:
        raise _no_store(path)
    with closing(store):
        held = take_inventory(store)
        damage = find_damage(store) if check else None
    integrity = (damage or "ok") if check else None
    show = inventory.shape if as_json else inventory.inventory
    settings.show(show(held, path=str(path), why=why, integrity=integrity))
    if damage is not None:
        raise StoreError(f"{path} is damaged. Bring back a backup, or let `prober run` set it aside when it must.")


@app.command("backup", cls=Command)
def back_up(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: Json = False,
) -> None:
    """Make a copy that only you can read.

    The service may run meanwhile. The copy is checked, and appears whole or not at all.

    Examples:
      prober db backup prober-2026-11-20.db
      prober -q db backup --force /var/backups/prober.db     from cron
    """
    from prober.adapters.store.backup import back_up, is_in_use
    from prober.render import inventory

    settings = globals_of(context)
    path = settings.store_path(settings.load())
    if not path.exists():
        raise _no_store(path)
    if file.exists() and file.samefile(path):
        raise UsageError(f"{file} is the store itself. Name another file.")
    if file.is_dir():
        raise UsageError(f"{file} is a folder. Name a file in it.")
    if file.exists() and not force:
        raise UsageError(f"{file} exists already. Name another file, or replace it with --force.")
    if is_in_use(file):
        raise UsageError(f"{file} is a database in use (there is a file {file}-wal). Name another file.")
    size_bytes = back_up(path, file)
    if as_json:
        settings.show(inventory.backup(str(file), size_bytes))
    else:
        settings.say(f"{file}: {inventory.size(size_bytes)}, whole")


@app.command("prune", cls=Command)
def prune_results(
    context: typer.Context,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="TIME", help="Keep single results so long; else [store] keep.")
    ] = None,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Make the file smaller, too; nothing else may use it meanwhile.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Roll up and drop old results now.

    Figures and incidents stay. A service does this all the time, and may run meanwhile. The space is used for new
    results.

    Examples:
      prober db prune
      prober db prune --keep 30d --vacuum
    """
    from dataclasses import asdict

    from prober.adapters.clock import SystemClock
    from prober.app.pruning import prune
    from prober.core.durations import UNITS_MS
    from prober.render import inventory

    settings = globals_of(context)
    config = settings.load()
    keep_ms = config.keep_ms if keep is None else duration_ms("--keep", keep, such_as="90d")
    if keep_ms < UNITS_MS["d"]:
        raise UsageError(f'--keep: "{keep}" is too short. Keep single results for a day at least: 1d.')
    path = settings.store_path(config)
    if not path.exists():
        raise _no_store(path)
    with progress(settings) as show:
        done = prune(
            path,
            keep_ms=keep_ms,
            now_ms=SystemClock().now_ms(),
            vacuum=vacuum,
            on_progress=lambda far: show(inventory.progress(far)),
        )
    write = inventory.pruned if as_json else inventory.pruned_words
    settings.show(write(**asdict(done)))


@app.command("merge", cls=Command)
def merge_other(
    context: typer.Context,
    other: Annotated[Path, typer.Argument(metavar="OTHER.db", help="The store to read from.")],
    adopt: Annotated[bool, typer.Option("--adopt", help="Take in a store of other probes, too.")] = False,
    as_json: Json = False,
) -> None:
    """Take in all that another store knows.

    Results, incidents, what people did about them, and alerts that still wait. The other file is only read. Doing it
    again adds nothing, and the service may run meanwhile.

    Examples:
      prober db merge fallback.db
    """
    from dataclasses import asdict

    from prober.adapters.clock import SystemClock
    from prober.app.merging import merge_file
    from prober.render import inventory

    settings = globals_of(context)
    config = settings.load()
    with progress(settings) as show:
        done = merge_file(
            settings.store_path(config),
            other,
            config=config,
            now_ms=SystemClock().now_ms(),
            adopt=adopt,
            on_progress=lambda done, total: show(f"{done:,} of {total:,} results"),
        )
    added = asdict(done)
    changed = added.pop("changed")
    settings.show(inventory.merged(added, changed) if as_json else inventory.merged_words(added, changed))


def _no_store(path: Path) -> StoreError:
    return StoreError(f'there is no store at {path} yet. "prober run" makes it.')
