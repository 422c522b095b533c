"""``prober alerts``: what was not sent, and a person's way to give one up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command, Group
from prober.cli.values import Json, number_of
from prober.errors import UsageError

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

app = typer.Typer(name="alerts", cls=Group, no_args_is_help=True, rich_markup_mode=None)
Number = Annotated[int, number_of("an alert", listed_by="prober alerts list")]


@app.callback()
def alerts() -> None:
    """List queued alerts, or give one up.

    Examples:
      prober alerts list
      prober alerts drop 7
    """


@app.command("list", cls=Command)
def list_alerts(context: typer.Context, as_json: Json = False) -> None:
    """List the alerts that no mail server has accepted.

    What waits, with the last answer and the time of the next attempt, and what was closed: its recipient is no longer
    configured.

    Examples:
      prober alerts list
    """
    from prober.adapters.clock import SystemClock
    from prober.adapters.store.outbox import all_closed, all_waiting
    from prober.app.waiting import shown_alerts
    from prober.render import lists, shapes

    settings = globals_of(context)
    with settings.reading(settings.load()) as stores:
        waiting = all_waiting(stores[0]) if stores else []
        closed = {row.message_id: row for store in stores for row in all_closed(store)}
        found = shown_alerts([*waiting, *closed.values()])
    if as_json:
        settings.show(shapes.alerts(found))
    else:
        settings.show(lists.alerts(found, now_ms=SystemClock().now_ms(), width=settings.width()))


@app.command("drop", cls=Command)
def drop_alert(context: typer.Context, number: Number) -> None:
    """Give an alert up: it will not be sent.

    Examples:
      prober alerts drop 7
    """
    from prober.adapters.clock import SystemClock
    from prober.adapters.store.outbox import all_waiting, drop
    from prober.app.reading import change

    def give_up(store: Store) -> bool:
        with store.transaction():
            return drop(store, number)

    def knows(store: Store) -> bool:
        return number in {row.id for row in all_waiting(store)}

    settings = globals_of(context)
    config = settings.load()
    if not change(settings.store_path(config), knows, give_up, now_ms=SystemClock().now_ms()):
        raise UsageError(f"no alert {number} is waiting. See: prober alerts list")
    settings.say(f"alert {number} will not be sent.")
