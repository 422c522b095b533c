"""Notices: what is wrong with prober itself right now, for whoever asks for the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.report import Notice

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

CONFIGURATION: Final = "configuration"
HISTORY: Final = "history"


def put_notice(store: Store, name: str, text: str | None, *, now_ms: int) -> None:
    """Say what is wrong, or with None that it no longer is. One that is there already keeps its beginning."""
    if text is None:
        drop_notice(store, name)
        return
    store.write(
        """INSERT INTO notices (name, since_ms, text) VALUES (:name, :now, :text)
        ON CONFLICT (name) DO UPDATE SET text = excluded.text""",
        {"name": name, "now": now_ms, "text": text},
    )


def drop_notice(store: Store, name: str) -> None:
    """Say that something is no longer wrong."""
    store.write("DELETE FROM notices WHERE name = :name", {"name": name})


def drop_before(store: Store, name: str, since_ms: int) -> None:
    """Say no longer what has been said since before a time."""
    store.write("DELETE FROM notices WHERE name = :name AND since_ms < :since", {"name": name, "since": since_ms})


def all_notices(store: Store) -> tuple[Notice, ...]:
    """Return everything that is wrong, oldest first."""
    rows = store.rows("SELECT name, since_ms, text FROM notices ORDER BY since_ms, name")
    return tuple(Notice(name=row["name"], since_ms=row["since_ms"], text=row["text"]) for row in rows)
