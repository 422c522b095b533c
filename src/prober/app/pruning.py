"""Keep house at once, instead of now and then."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.adapters.lock import Held, Lock, acquire
from prober.adapters.store.db import open_store
from prober.adapters.store.inventory import look_at_progress, reclaim, take_inventory
from prober.app.keeping import keep_house
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prober.core.inventory import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many single results went, and how much smaller the file is."""

    results: int
    reclaimed_bytes: int


def prune(
    path: Path,
    *,
    keep_ms: int,
    now_ms: int,
    vacuum: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Pruned:
    """Roll up and drop what is older than ``keep_ms``, in short transactions; a service may run meanwhile.

    ``vacuum`` also gives the space back to the disk, for which nobody else may use the store: raises StoreError when
    somebody does.
    """
    lock = _lock(path, now_ms) if vacuum else nullcontext()
    with lock, closing(open_store(path, now_ms=now_ms)) as store:
        before = take_inventory(store)
        while keep_house(store, keep_ms=keep_ms, now_ms=now_ms, is_sure=True):
            on_progress(look_at_progress(store))
        if vacuum:
            reclaim(store)
        after = take_inventory(store)
    return Pruned(results=before.results - after.results, reclaimed_bytes=before.size_bytes - after.size_bytes)


def _lock(path: Path, now_ms: int) -> Lock:
    lock = acquire(path, command="db prune", now_ms=now_ms)
    if isinstance(lock, Held):
        who = f"process {lock.pid} on {lock.host}" if lock.pid else "another process"
        raise StoreError(f"{path} is in use by {who}. Stop it for as long as this takes, or leave out --vacuum.")
    return lock
