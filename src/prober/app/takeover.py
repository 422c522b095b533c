"""From one process to the next: what a new one takes over, and what the next will find.

It begins where the last one stopped: with its states, and with its outbox for those who are still configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.adapters.store import outbox
from prober.adapters.store.meta import created_at_ms
from prober.adapters.store.notices import CONFIGURATION, drop_notice
from prober.adapters.store.rounds import last_round
from prober.adapters.store.states import all_states
from prober.app.waiting import count_alerts
from prober.errors import StoreError
from prober.render.when import day_and_clock

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.adapters.store.outbox import OutboxRow
    from prober.app.books import Books
    from prober.app.journal import Journal
    from prober.core.model import ProbeState
    from prober.core.settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritance:
    """What the last process left. ``closed`` alerts are given up now; ``past_ms`` is when its last round ended."""

    states: dict[str, ProbeState]
    closed: list[OutboxRow]
    past_ms: int


def take_over(store: Store, config: Config) -> Inheritance:
    """Take over what a process left that is dead by now; only the holder of the lock may."""
    with store.transaction():
        outbox.release_leases(store)
        drop_notice(store, CONFIGURATION)
        last = last_round(store)
        return Inheritance(
            states=all_states(store, config.location),
            closed=close_unconfigured(store, config),
            past_ms=last.ended_at_ms if last else 0,
        )


def close_unconfigured(store: Store, config: Config) -> list[OutboxRow]:
    """Close what waits for somebody who is no longer configured, and return it."""
    configured = {(channel.id, recipient) for channel in config.channels for recipient in channel.to}
    return outbox.close_unconfigured(store, configured)


async def hand_over(books: Books, journal: Journal) -> None:
    """Tell that a service ends; raise StoreError when the next process finds nothing of what it did last."""
    if books.standins.is_in_memory:
        await books.heal(patience_s=books.patience_s)
    waiting = await books.write(outbox.all_waiting)
    if not books.standins.is_in_memory:
        journal.stopped(undelivered=count_alerts(waiting))
        return
    since_ms = created_at_ms(books.store)
    kept = count_alerts(row for row in waiting if row.queued_at_ms < since_ms)
    lost = count_alerts(waiting) - kept
    journal.stopped(undelivered=kept)
    unheard = f", with {lost} alert{'' if lost == 1 else 's'} that nobody got" if lost else ""
    raise StoreError(
        f"what happened since {day_and_clock(since_ms)} is lost, as no file could be written anywhere{unheard}; "
        f"what was mailed may be mailed again. The store: {books.fault}"
    )
