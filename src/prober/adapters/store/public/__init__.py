"""What leaves the house and comes back: the store as everybody may read it.

`export` makes a file of what may be public, `load` the store of it that the next run works with, and `compact` keeps it
small. What is private stands there as a digest under a secret key, or not at all; docs/database.md lists it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.adapters.store.pruning import believed_ms, prune_results, prune_rollups, prune_rounds, prune_told
from prober.adapters.store.public.arrival import address, load
from prober.adapters.store.public.departure import export
from prober.adapters.store.rollups import roll_up_some
from prober.core.rollup import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

__all__ = ["address", "compact", "export", "load"]

KEEP_MS: Final = 14 * DAY_MS
KEEP_ROLLUPS_MS: Final = 400 * DAY_MS
_GRACE_MS: Final = 300_000


def compact(store: Store, *, now_ms: int) -> None:
    """Keep single results, rounds, runs and what was told of incidents that are over for 14 days, rollups for 400.

    Incidents stay for ever, and of one that is open who was told. In transactions of its own.
    """
    is_due = True
    while is_due:
        with store.transaction():
            sure_ms = believed_ms(store, now_ms)
            before_ms = sure_ms - KEEP_MS
            is_due = (
                roll_up_some(store, to_hour=(now_ms - _GRACE_MS) // HOUR_MS)
                or prune_results(store, before_hour=before_ms // HOUR_MS)
                or prune_rounds(store, before_ms=before_ms)
            )
    with store.transaction():
        prune_rollups(store, before_day=(sure_ms - KEEP_ROLLUPS_MS) // DAY_MS)
        prune_told(store, before_ms=before_ms)
