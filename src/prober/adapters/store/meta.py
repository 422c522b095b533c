"""What a store says of itself: how old it is, whether anything is in it, and whether it is whole."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from prober.errors import StoreError

if TYPE_CHECKING:
    from prober.adapters.store.db import Store


def created_at_ms(store: Store) -> int:
    """Return when the store was made."""
    return int(store.rows("SELECT value FROM meta WHERE name = 'created_at_ms'")[0]["value"])


def put_created_at(store: Store, now_ms: int) -> None:
    """Say when the store was made."""
    store.write("UPDATE meta SET value = :now WHERE name = 'created_at_ms'", {"now": str(now_ms)})


def is_blank(store: Store) -> bool:
    """Say whether nothing was ever recorded here."""
    return store.find("SELECT 1 FROM probes UNION SELECT 1 FROM rounds LIMIT 1") is None


def is_whole(store: Store) -> bool:
    """Say whether SQLite finds the file undamaged; it looks at every page."""
    with suppress(StoreError):
        return bool(store.rows("PRAGMA quick_check(1)")[0][0] == "ok")
    return False
