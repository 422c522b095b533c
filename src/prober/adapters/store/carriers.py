"""Alerts that are told by another one's message: many by a batch, what an incident's end made stale by that end.

Only what surely was not accepted yet is joined. A batch that holds the beginning of an incident whose end has come is
undone, as nobody got it: the two become one mail, and what is left waits for itself again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.adapters.store import outbox

if TYPE_CHECKING:
    from collections.abc import Collection

    from prober.adapters.store.db import Store


def batch(store: Store, row_ids: Collection[int], together: outbox.Queued) -> int:
    """Let one new row tell several, in a transaction of its own, and return its number.

    Raises ValueError when one of them is being sent, or may have been accepted: then nothing changes.
    """
    ids = json.dumps(list(row_ids))
    with store.transaction():
        (carrier,) = outbox.queue(store, [together])
        joined = store.write(
            """UPDATE outbox SET state = 'batched', carrier = :carrier, frozen = NULL
            WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'queued' AND fate <> 'unknown'""",
            {"carrier": carrier, "ids": ids},
        )
        if joined != len(row_ids):
            raise ValueError("only what surely waits can be told together")
        store.write(
            "UPDATE outbox SET carrier = :carrier WHERE carrier IN (SELECT value FROM json_each(:ids))",
            {"carrier": carrier, "ids": ids},
        )
    return carrier


_TOLD = "iif({row}.kind IN ('recovered', 'slow_over', 'removed', 'resolved'), 'end', {row}.kind)"
_REPEATS = f"""
SELECT o.id AS repeat, min(p.id) AS twin FROM outbox o JOIN outbox p
  ON p.incident = o.incident AND p.channel = o.channel AND p.recipient = o.recipient AND p.id <> o.id
  AND {_TOLD.format(row="p")} = {_TOLD.format(row="o")}
WHERE o.state = 'queued' AND o.fate = 'untried' AND {_TOLD.format(row="o")} IN ('down', 'slow', 'end')
  AND (p.state IN ('sent', 'sending') OR (p.state = 'queued' AND (p.fate <> 'untried' OR p.id < o.id)))
GROUP BY o.id ORDER BY o.id
"""  # noqa: S608  made of constants
_OVERTAKEN = f"""
SELECT o.id, min(p.id) FROM outbox o JOIN outbox p
  ON p.incident = o.incident AND p.channel = o.channel AND p.recipient = o.recipient
WHERE o.state = 'queued' AND o.fate = 'untried' AND o.kind IN ('down', 'slow', 'reminder')
  AND {_TOLD.format(row="p")} = 'end' AND p.state IN ('queued', 'sending', 'sent')
GROUP BY o.id ORDER BY o.id
"""  # noqa: S608  made of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """An alert that says what is no longer so: ``is_first`` when it was to be the first that a recipient hears."""

    id: int
    is_first: bool


def find_mergeable(store: Store, incident: int, channel: str, recipient: str) -> Stale | None:
    """Return the row that says that an incident is open if it waits, alone or in a batch, and surely never arrived."""
    row = store.find(
        """SELECT o.id, NOT EXISTS (
            SELECT 1 FROM outbox e LEFT JOIN outbox f ON f.id = e.carrier
            WHERE e.incident = o.incident AND e.channel = o.channel AND e.recipient = o.recipient
              AND e.kind <> 'disagreement'
              AND coalesce(f.sent_at_ms, e.sent_at_ms) IS NOT NULL) AS is_first
        FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier
        WHERE o.incident = :incident AND o.channel = :channel AND o.recipient = :recipient
          AND o.kind IN ('down', 'slow', 'reminder') AND o.state IN ('queued', 'batched')
          AND coalesce(c.state, o.state) = 'queued' AND coalesce(c.fate, o.fate) <> 'unknown'""",
        {"incident": incident, "channel": channel, "recipient": recipient},
    )
    return Stale(id=row["id"], is_first=bool(row["is_first"])) if row else None


def merge(store: Store, stale_id: int, recovery_id: int) -> bool:
    """Let the recovery tell what is stale as well; say whether that still surely waited."""
    _undo_batch_of(store, stale_id)
    merged = store.write(
        """UPDATE outbox SET state = 'merged', carrier = :recovery, frozen = NULL
        WHERE id = :stale AND state = 'queued' AND fate <> 'unknown'""",
        {"stale": stale_id, "recovery": recovery_id},
    )
    return merged == 1


def join_repeats(store: Store) -> int:
    """Let what tells the beginning or the end of an incident a second time be told by what told it, or will.

    Two runs that saw it at once each queued an alert; once merged, both are about one incident. A beginning that one
    run was still to tell goes with the end that the other has told, or will. Returns how many.
    """
    repeats = [*store.rows(_REPEATS), *store.rows(_OVERTAKEN)]
    for repeat, twin in repeats:
        ids = {"repeat": repeat, "twin": twin}
        store.write("UPDATE outbox SET carrier = :twin WHERE carrier = :repeat", ids)
        store.write("UPDATE outbox SET state = 'merged', frozen = NULL, carrier = :twin WHERE id = :repeat", ids)
    return len(repeats)


def _undo_batch_of(store: Store, row_id: int) -> None:
    """Let all that a batch was to tell wait for themselves again, as long as the batch would have waited."""
    carrier = store.find(
        """SELECT c.id, c.fate, c.next_attempt_at_ms AS at_ms FROM outbox o JOIN outbox c ON c.id = o.carrier
        WHERE o.id = :id AND o.state = 'batched' AND c.state = 'queued' AND c.fate <> 'unknown'""",
        {"id": row_id},
    )
    if carrier is None:
        return
    values = {"id": carrier["id"], "fate": carrier["fate"], "at_ms": carrier["at_ms"]}
    store.write(
        """UPDATE outbox SET carrier = (
          SELECT m.id FROM outbox m WHERE m.carrier = :id AND m.state = 'batched' AND m.incident = outbox.incident
            AND m.kind NOT IN ('down', 'slow', 'reminder'))
        WHERE carrier = :id AND state = 'merged'""",
        values,
    )
    store.write(
        """UPDATE outbox SET state = 'queued', carrier = NULL, fate = iif(:fate = 'untried', fate, :fate),
          next_attempt_at_ms = max(next_attempt_at_ms, :at_ms)
        WHERE carrier = :id AND state = 'batched'""",
        values,
    )
    store.write("UPDATE outbox SET state = 'closed', frozen = NULL WHERE id = :id", values)
