"""Events: what the rules said, once and for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prober.adapters.store.db import Store


def is_recorded(store: Store, uid: str) -> bool:
    """Say whether an event is known already."""
    return store.find("SELECT 1 FROM events WHERE uid = :uid", {"uid": uid}) is not None


def find_opening(store: Store, incident: int) -> tuple[int, str] | None:
    """Return number and uid of the event by which an incident began."""
    row = store.find(
        """SELECT id, uid FROM events WHERE incident = :incident AND kind IN ('down_opened', 'slow_opened')
        ORDER BY id LIMIT 1""",
        {"incident": incident},
    )
    return (row["id"], row["uid"]) if row else None


def record_event(
    store: Store,
    *,
    uid: str,
    kind: str,
    probe_id: str | None,
    location: str,
    incident: int | None,
    at_ms: int,
    facts: str = "{}",
) -> int:
    """Record an event and return its number; one whose ``uid`` is known keeps its first. ``facts`` is JSON."""
    return store.insert(
        """INSERT INTO events (uid, kind, probe, location, incident, at_ms, facts)
        VALUES (:uid, :kind, :probe, :location, :incident, :at_ms, :facts)
        ON CONFLICT (uid) DO UPDATE SET uid = excluded.uid RETURNING id""",
        {
            "uid": uid,
            "kind": kind,
            "probe": probe_id,
            "location": location,
            "incident": incident,
            "at_ms": at_ms,
            "facts": facts,
        },
    )
