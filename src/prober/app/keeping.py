"""Keeping house: old results become rollups, and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.adapters.store.notices import HISTORY, drop_before
from prober.adapters.store.pruning import believed_ms, prune_results, prune_rounds
from prober.adapters.store.rollups import roll_up_some
from prober.core.rollup import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

_GRACE_MS: Final = 300_000  # most results are stored by then; what comes later makes its hour be rolled up anew
_TOLD_MS: Final = 7 * DAY_MS


def keep_house(store: Store, *, keep_ms: int, now_ms: int, is_sure: bool = False) -> bool:
    """Roll up or prune one batch, in a transaction of its own; return whether there may be more to do.

    Single results are kept for ``keep_ms``, whole hours at a time, and so are rounds. One batch is about 5,000 results.
    ``is_sure`` says that a person vouches for the clock.
    """
    with store.transaction():
        drop_before(store, HISTORY, now_ms - _TOLD_MS)
        from_ms = (now_ms if is_sure else believed_ms(store, now_ms)) - keep_ms
        return (
            roll_up_some(store, to_hour=(now_ms - _GRACE_MS) // HOUR_MS)
            or prune_results(store, before_hour=from_ms // HOUR_MS)
            or prune_rounds(store, before_ms=from_ms)
        )
