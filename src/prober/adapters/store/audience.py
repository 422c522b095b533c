"""What people heard of an incident, by themselves or in a batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prober.core.alerts import AlertKind
from prober.core.due import Heard
from prober.core.report import AlertOfIncident

if TYPE_CHECKING:
    from collections.abc import Collection

    from prober.adapters.store.db import Store


def heard(store: Store, incidents: Collection[int]) -> dict[int, dict[tuple[str, str], Heard]]:
    """Return what each (channel, recipient) heard of each incident; what was closed unsent counts as a number only.

    That another monitor disagrees says nothing of the incident itself.
    """
    rows = store.rows(
        """WITH alerts AS (
          SELECT o.id, o.incident, o.channel, o.recipient, o.kind = 'reminder' AS is_reminder,
            coalesce(c.state, o.state) IN ('queued', 'sending') AS is_waiting,
            coalesce(c.state, o.state) = 'closed' AS is_closed,
            coalesce(c.sent_at_ms, o.sent_at_ms, o.queued_at_ms) AS at_ms
          FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier
          WHERE o.incident IN (SELECT value FROM json_each(:incidents)) AND o.kind <> 'disagreement')
        SELECT incident, channel, recipient, sum(is_reminder) AS reminders, sum(is_waiting) AS waiting,
          max(iif(is_waiting OR is_closed, NULL, id)) AS newest,
          at_ms  -- of the newest: SQLite takes it from the row of max()
        FROM alerts GROUP BY incident, channel, recipient""",
        {"incidents": json.dumps(list(incidents))},
    )
    found: dict[int, dict[tuple[str, str], Heard]] = {number: {} for number in incidents}
    for row in rows:
        found[row["incident"]][row["channel"], row["recipient"]] = Heard(
            last_at_ms=None if row["newest"] is None else row["at_ms"],
            is_waiting=row["waiting"] > 0,
            reminders=row["reminders"],
        )
    return found


def all_alerts(store: Store, incident: int) -> list[AlertOfIncident]:
    """Return what became of each alert about an incident, oldest first."""
    rows = store.rows(
        """SELECT o.kind, o.channel, o.recipient, o.queued_at_ms, coalesce(c.sent_at_ms, o.sent_at_ms) AS sent_at_ms,
          CASE WHEN o.state = 'merged' THEN 'merged'
            WHEN coalesce(c.state, o.state) IN ('queued', 'sending') THEN 'waiting'
            ELSE coalesce(c.state, o.state) END AS state
        FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier WHERE o.incident = :incident ORDER BY o.id""",
        {"incident": incident},
    )
    return [AlertOfIncident(**{**dict(row), "kind": AlertKind(row["kind"])}) for row in rows]


def drop_reminders(store: Store, incident: int) -> int:
    """Give up the reminders of an incident that nobody has tried to send, or that were surely refused."""
    return store.write(
        """UPDATE outbox SET state = 'dropped', frozen = NULL
        WHERE incident = :incident AND kind = 'reminder' AND state = 'queued' AND fate <> 'unknown'""",
        {"incident": incident},
    )
