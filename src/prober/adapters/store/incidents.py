"""Incidents: periods of trouble, opened and closed by the rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prober.core.model import ClosedAs, Incident, Kind, Reason, Severity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from prober.adapters.store.db import Store
    from prober.core.model import Closed, Opened

_FIND = """
SELECT i.number, i.uid, i.probe, i.location, i.kind, i.severity, i.started_at_ms, i.confirmed_at_ms, i.ended_at_ms,
  i.closed_as, i.acknowledged_at_ms, i.is_held, i.false_positive, i.reason, i.detail, i.checks,
  (SELECT n.who FROM notes n WHERE n.incident = i.number AND n.action = 'acknowledged' ORDER BY n.at_ms, n.id LIMIT 1)
    AS acknowledged_by,
  (SELECT min(o.queued_at_ms) FROM outbox o WHERE o.incident = i.number AND o.kind <> 'disagreement')
    AS announced_at_ms
FROM incidents i
"""


def open_incident(store: Store, opened: Opened, *, uid: str, location: str, severity: Severity) -> int:
    """Record that an incident began and return its number; a probe has at most one open of a kind and location."""
    return store.insert(
        """INSERT INTO incidents
          (uid, probe, location, kind, severity, started_at_ms, confirmed_at_ms, reason, detail, checks)
        VALUES (:uid, :probe, :location, :kind, :severity, :started_at_ms, :confirmed_at_ms, :reason, :detail, :checks)
        RETURNING number""",
        {
            "uid": uid,
            "probe": opened.probe_id,
            "location": location,
            "kind": opened.kind,
            "severity": severity,
            "started_at_ms": opened.started_at_ms,
            "confirmed_at_ms": opened.at_ms,
            "reason": opened.reason,
            "detail": opened.detail,
            "checks": opened.checks,
        },
    )


def is_recorded(store: Store, uid: str) -> bool:
    """Say whether an incident is known already."""
    return store.find("SELECT 1 FROM incidents WHERE uid = :uid", {"uid": uid}) is not None


def close_incident(store: Store, closed: Closed, *, location: str) -> int | None:
    """Record that the open incident ended and return its number, or None when there is none."""
    row = store.find(
        """UPDATE incidents SET ended_at_ms = :ended_at_ms, closed_as = :closed_as
        WHERE probe = :probe AND location = :location AND kind = :kind AND ended_at_ms IS NULL RETURNING number""",
        {
            "probe": closed.probe_id,
            "location": location,
            "kind": closed.kind,
            "ended_at_ms": closed.ended_at_ms,
            "closed_as": closed.closed_as,
        },
    )
    return row["number"] if row else None


def acknowledge(store: Store, number: int, at_ms: int) -> None:
    """Record that a person has taken an incident."""
    store.write(
        "UPDATE incidents SET acknowledged_at_ms = :at_ms WHERE number = :number", {"number": number, "at_ms": at_ms}
    )


def mark_false_positive(store: Store, number: int, *, is_one: bool) -> None:
    """Record whether an incident counts in the figures."""
    store.write(
        "UPDATE incidents SET false_positive = :is_one WHERE number = :number", {"number": number, "is_one": is_one}
    )


def hold(store: Store, number: int, *, is_held: bool) -> None:
    """Record whether the beginning of an incident is still to be told."""
    store.write(
        "UPDATE incidents SET is_held = :is_held WHERE number = :number", {"number": number, "is_held": is_held}
    )


def find_incident(store: Store, number: int) -> Incident | None:
    """Return one incident by its number."""
    row = store.find(f"{_FIND} WHERE i.number = :number", {"number": number})
    return _incident(row) if row else None


def find_open(store: Store, probe_id: str, location: str, kind: Kind) -> int | None:
    """Return the number of the open incident of a kind, None when there is none."""
    row = store.find(
        """SELECT number FROM incidents
        WHERE probe = :probe AND location = :location AND kind = :kind AND ended_at_ms IS NULL""",
        {"probe": probe_id, "location": location, "kind": kind},
    )
    return row["number"] if row else None


def open_incidents(store: Store, location: str) -> list[Incident]:
    """Return what is open at a location, newest first."""
    newest_first = "ORDER BY i.started_at_ms DESC, i.number DESC"
    rows = store.rows(
        f"{_FIND} WHERE i.location = :location AND i.ended_at_ms IS NULL {newest_first}", {"location": location}
    )
    return [_incident(row) for row in rows]


def held_incidents(store: Store, location: str) -> list[Incident]:
    """Return what is open at a location and still to be told, oldest first."""
    rows = store.rows(
        f"{_FIND} WHERE i.location = :location AND i.ended_at_ms IS NULL AND i.is_held ORDER BY i.number",
        {"location": location},
    )
    return [_incident(row) for row in rows]


def all_incidents(
    store: Store,
    *,
    probe_ids: Collection[str] | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    open_only: bool = False,
    limit: int = -1,
) -> list[Incident]:
    """Return incidents, newest first: of the given probes, and those that touch ``[since_ms, until_ms)``."""
    rows = store.rows(
        f"""{_FIND} WHERE (:probes IS NULL OR i.probe IN (SELECT value FROM json_each(:probes)))
          AND (:since IS NULL OR i.ended_at_ms IS NULL OR i.ended_at_ms > :since)
          AND (:until IS NULL OR i.started_at_ms < :until)
          AND (NOT :open_only OR i.ended_at_ms IS NULL)
        ORDER BY i.started_at_ms DESC, i.number DESC LIMIT :limit""",  # noqa: S608  _FIND is ours
        {
            "probes": None if probe_ids is None else json.dumps(list(probe_ids)),
            "since": since_ms,
            "until": until_ms,
            "open_only": open_only,
            "limit": limit,
        },
    )
    return [_incident(row) for row in rows]


def _incident(row: sqlite3.Row) -> Incident:
    return Incident(
        number=row["number"],
        uid=row["uid"],
        probe_id=row["probe"],
        location=row["location"],
        kind=Kind(row["kind"]),
        severity=Severity(row["severity"]),
        started_at_ms=row["started_at_ms"],
        confirmed_at_ms=row["confirmed_at_ms"],
        ended_at_ms=row["ended_at_ms"],
        closed_as=ClosedAs(row["closed_as"]) if row["closed_as"] else None,
        announced_at_ms=row["announced_at_ms"],
        acknowledged_at_ms=row["acknowledged_at_ms"],
        acknowledged_by=row["acknowledged_by"],
        is_held=bool(row["is_held"]),
        false_positive=bool(row["false_positive"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        detail=row["detail"],
        checks=row["checks"],
    )
