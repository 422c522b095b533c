"""Begin where the last process stopped: with its states, and with its outbox for those who are still configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.adapters.store import outbox
from prober.adapters.store.rounds import last_round
from prober.adapters.store.states import all_states

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.adapters.store.outbox import OutboxRow
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
