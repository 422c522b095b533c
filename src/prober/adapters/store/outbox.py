"""The outbox: every alert that people are to get, until a server took it.

A row is queued in the transaction that makes its event true, so neither exists without the other. What happens then:

    queued --claim--> sending --250--> sent
      ^                  |
      +--refused/unknown-+           queued --> batched | merged   told by another row's message, its ``carrier``
                                     queued --> closed             its recipient is no longer configured
                                     queued or sending --> dropped a person gave it up

A claim is one conditional UPDATE that also freezes the rendered bytes, so whoever repeats the attempt repeats the
message. ``fate`` is what is known of all attempts together: once one may have been accepted it stays ``unknown``, and
such a row is repeated as it is, never joined with others. How rows are joined stands in `carriers`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from prober.core.alerts import AlertKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from prober.adapters.store.db import Store

RowState: TypeAlias = Literal["queued", "sending", "sent", "batched", "merged", "closed", "dropped"]
Fate: TypeAlias = Literal["untried", "refused", "unknown"]

_FIND = """
SELECT id, event, incident, kind, channel, recipient, facts, queued_at_ms, message_id, state, fate, attempts,
  next_attempt_at_ms, lease_owner, lease_until_ms, frozen, first_tried_at_ms, sent_at_ms, last_error, is_permanent,
  carrier
FROM outbox
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """An alert to queue. ``event`` is None for a batch only; ``facts`` is what `AlertFacts.to_json` wrote."""

    event: int | None
    incident: int | None
    kind: AlertKind
    channel: str
    recipient: str
    facts: str
    queued_at_ms: int
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """An alert as the outbox holds it. ``carrier`` is the row whose message tells it instead."""

    id: int
    event: int | None
    incident: int | None
    kind: AlertKind
    channel: str
    recipient: str
    facts: str
    queued_at_ms: int
    message_id: str
    state: RowState
    fate: Fate
    attempts: int
    next_attempt_at_ms: int
    lease_owner: str | None
    lease_until_ms: int | None
    frozen: bytes | None
    first_tried_at_ms: int | None
    sent_at_ms: int | None
    last_error: str | None
    is_permanent: bool
    carrier: int | None


def queue(store: Store, rows: Iterable[Queued]) -> list[int]:
    """Queue alerts and return the numbers of the new rows; what a recipient has of an event already is left out."""
    return [number for row in rows if (number := _queue(store, row)) is not None]


def one_row(store: Store, row_id: int) -> OutboxRow:
    """Return a row that exists."""
    (row,) = store.rows(f"{_FIND} WHERE id = :id", {"id": row_id})
    return _row(row)


def find_id(store: Store, message_id: str) -> int | None:
    """Return the number that an alert has in this store."""
    row = store.find("SELECT id FROM outbox WHERE message_id = :message_id", {"message_id": message_id})
    return row["id"] if row else None


def all_waiting(store: Store) -> list[OutboxRow]:
    """Return what no server took yet, by channel and recipient, oldest first."""
    return [
        _row(row) for row in store.rows(f"{_FIND} WHERE state IN ('queued', 'sending') ORDER BY channel, recipient, id")
    ]


def all_closed(store: Store) -> list[OutboxRow]:
    """Return what was closed unsent, oldest first; not a batch that was undone, as its alerts go on by themselves."""
    return [
        _row(row)
        for row in store.rows(
            f"""{_FIND} AS o WHERE state = 'closed'
              AND (kind <> 'several' OR EXISTS (SELECT 1 FROM outbox m WHERE m.carrier = o.id)) ORDER BY id"""  # noqa: S608  _FIND is ours
        )
    ]


def told(store: Store, incident: int) -> set[tuple[str, str]]:
    """Return (channel, recipient) of all for whom it was queued that an incident is open, and not given up."""
    rows = store.rows(
        """SELECT o.channel, o.recipient FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier
        WHERE o.incident = :incident AND o.kind IN ('down', 'slow', 'reminder')
          AND coalesce(c.state, o.state) NOT IN ('closed', 'dropped')""",
        {"incident": incident},
    )
    return {(row["channel"], row["recipient"]) for row in rows}


def first_message_id(store: Store, incident: int, channel: str, recipient: str) -> str | None:
    """Return the Message-ID by which a recipient first hears of an incident, which may be that of a batch.

    It may be that of the alert now being sent, when that is the first.
    """
    row = store.find(
        """SELECT coalesce(c.message_id, o.message_id) AS message_id
        FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier
        WHERE o.incident = :incident AND o.channel = :channel AND o.recipient = :recipient
          AND coalesce(c.state, o.state) NOT IN ('closed', 'dropped') ORDER BY o.id LIMIT 1""",
        {"incident": incident, "channel": channel, "recipient": recipient},
    )
    return row["message_id"] if row else None


def sent_times(store: Store, channel: str, recipient: str, since_ms: int) -> list[int]:
    """Return when a recipient's messages were accepted, from ``since_ms`` on, oldest first."""
    rows = store.rows(
        """SELECT sent_at_ms FROM outbox WHERE channel = :channel AND recipient = :recipient AND sent_at_ms >= :since
        ORDER BY sent_at_ms""",
        {"channel": channel, "recipient": recipient, "since": since_ms},
    )
    return [row["sent_at_ms"] for row in rows]


def claim(store: Store, row_id: int, owner: str, now_ms: int, lease_ms: int, frozen: bytes) -> bool:
    """Take a row for sending until the lease ends; say whether it was free.

    The first claim freezes the bytes; read them back with `one_row`, for a later one changes nothing in them. A lease
    that ran out leaves its attempt's fate unknown.
    """
    claimed = store.write(
        """UPDATE outbox SET fate = iif(state = 'sending', 'unknown', fate), state = 'sending', attempts = attempts + 1,
          lease_owner = :owner, lease_until_ms = :now + :lease, frozen = coalesce(frozen, :frozen),
          first_tried_at_ms = coalesce(first_tried_at_ms, :now)
        WHERE id = :id AND (state = 'queued' OR (state = 'sending' AND lease_until_ms <= :now))""",
        {"id": row_id, "owner": owner, "now": now_ms, "lease": lease_ms, "frozen": frozen},
    )
    return claimed == 1


def mark_sent(store: Store, row_id: int, now_ms: int) -> None:
    """Record that a server took the message, whatever was decided about the row meanwhile."""
    store.write(
        """UPDATE outbox SET state = 'sent', sent_at_ms = :now, frozen = NULL, last_error = NULL, is_permanent = 0,
          lease_owner = NULL, lease_until_ms = NULL
        WHERE id = :id""",
        {"id": row_id, "now": now_ms},
    )


def mark_refused(store: Store, row_id: int, next_attempt_at_ms: int, error: str, *, is_permanent: bool = False) -> None:
    """Record that the message was surely not accepted, and when to try again."""
    store.write(
        """UPDATE outbox SET state = 'queued', fate = iif(fate = 'unknown', fate, 'refused'), last_error = :error,
          is_permanent = :is_permanent, next_attempt_at_ms = :next, lease_owner = NULL, lease_until_ms = NULL
        WHERE id = :id AND state = 'sending'""",
        {"id": row_id, "next": next_attempt_at_ms, "error": error, "is_permanent": is_permanent},
    )


def mark_unknown(store: Store, row_id: int, next_attempt_at_ms: int, error: str) -> None:
    """Record that the message may have been accepted, and when to repeat it."""
    store.write(
        """UPDATE outbox SET state = 'queued', fate = 'unknown', last_error = :error,
          is_permanent = 0, next_attempt_at_ms = :next, lease_owner = NULL, lease_until_ms = NULL
        WHERE id = :id AND state = 'sending'""",
        {"id": row_id, "next": next_attempt_at_ms, "error": error},
    )


def release_leases(store: Store) -> int:
    """Put back what a dead process was sending; only the holder of the lock may. Return how many."""
    return store.write(
        """UPDATE outbox SET state = 'queued', fate = 'unknown', lease_owner = NULL, lease_until_ms = NULL
        WHERE state = 'sending'"""
    )


def close_unconfigured(store: Store, known: Collection[tuple[str, str]]) -> list[OutboxRow]:
    """Close what is queued for a (channel, recipient) that is no longer configured, and return it."""
    orphans = [row for row in all_waiting(store) if row.state == "queued" and (row.channel, row.recipient) not in known]
    store.write(
        """UPDATE outbox SET state = 'closed', frozen = NULL
        WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'queued'""",
        {"ids": json.dumps([row.id for row in orphans])},
    )
    return orphans


def drop(store: Store, row_id: int) -> bool:
    """Give an alert up; say whether it was still waiting."""
    dropped = store.write(
        """UPDATE outbox SET state = 'dropped', frozen = NULL, lease_owner = NULL, lease_until_ms = NULL
        WHERE id = :id AND state IN ('queued', 'sending')""",
        {"id": row_id},
    )
    return dropped == 1


def _queue(store: Store, row: Queued) -> int | None:
    inserted = store.find(
        """INSERT INTO outbox (event, incident, kind, channel, recipient, facts, queued_at_ms, message_id,
          next_attempt_at_ms)
        VALUES (:event, :incident, :kind, :channel, :recipient, :facts, :queued_at_ms, :message_id, :queued_at_ms)
        ON CONFLICT (event, channel, recipient) DO NOTHING RETURNING id""",
        {
            "event": row.event,
            "incident": row.incident,
            "kind": row.kind,
            "channel": row.channel,
            "recipient": row.recipient,
            "facts": row.facts,
            "queued_at_ms": row.queued_at_ms,
            "message_id": row.message_id,
        },
    )
    return inserted["id"] if inserted else None


def _row(row: sqlite3.Row) -> OutboxRow:
    fields = dict(row)
    fields["kind"] = AlertKind(fields["kind"])
    fields["is_permanent"] = bool(fields["is_permanent"])
    return OutboxRow(**fields)
