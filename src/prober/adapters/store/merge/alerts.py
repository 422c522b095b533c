"""The outbox: nothing accepted is repeated, nothing that waits is lost, and what may have arrived keeps its bytes.

An alert is the same in two copies when it tells the same event to the same recipient, or has the same Message-ID. One
that the other store was just sending has a fate that nobody knows here; it is left alone until that lease is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.adapters.store.merge.attach import number_new
from prober.adapters.store.merge.copies import join_alerts

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.adapters.store.merge.copies import Row

_MAP = """
INSERT INTO temp.outbox_map (theirs, ours, is_new)
SELECT b.id, coalesce(same_event.id, same_id.id), coalesce(same_event.id, same_id.id) IS NULL
FROM other.outbox b LEFT JOIN other.events e ON e.id = b.event LEFT JOIN main.events f ON f.uid = e.uid
LEFT JOIN main.outbox same_event
  ON same_event.event = f.id AND same_event.channel = b.channel AND same_event.recipient = b.recipient
LEFT JOIN main.outbox same_id ON same_id.message_id = b.message_id
"""

_COLUMNS = """id, event, incident, kind, channel, recipient, facts, queued_at_ms, message_id, state, fate, attempts,
  next_attempt_at_ms, lease_owner, lease_until_ms, frozen, first_tried_at_ms, sent_at_ms, last_error, is_permanent,
  carrier"""

# What surely was not accepted is rendered anew where the numbers of incidents are others.
_THEIRS = """
SELECT m.ours AS id, f.id AS event, i.told AS incident, b.kind, b.channel, b.recipient, b.facts, b.queued_at_ms,
  b.message_id, iif(b.state = 'sending', 'queued', b.state) AS state,
  iif(b.state = 'sending', 'unknown', b.fate) AS fate, b.attempts,
  max(b.next_attempt_at_ms, coalesce(b.lease_until_ms, 0)) AS next_attempt_at_ms,
  NULL AS lease_owner, NULL AS lease_until_ms,
  iif(b.state <> 'sending' AND b.fate <> 'unknown' AND EXISTS (
    SELECT 1 FROM temp.incidents_map WHERE theirs <> told), NULL, b.frozen) AS frozen,
  b.first_tried_at_ms, b.sent_at_ms, b.last_error, b.is_permanent, c.ours AS carrier
FROM temp.outbox_map m JOIN other.outbox b ON b.id = m.theirs
LEFT JOIN temp.incidents_map i ON i.theirs = b.incident
LEFT JOIN other.events e ON e.id = b.event LEFT JOIN main.events f ON f.uid = e.uid
LEFT JOIN temp.outbox_map c ON c.theirs = b.carrier
"""

_DIFFERING = """
SELECT m.ours FROM temp.outbox_map m JOIN main.outbox a ON a.id = m.ours JOIN other.outbox b ON b.id = m.theirs
LEFT JOIN temp.outbox_map c ON c.theirs = b.carrier
WHERE NOT m.is_new AND (a.message_id, a.state, a.fate, a.attempts, a.next_attempt_at_ms, a.first_tried_at_ms,
    a.frozen, a.sent_at_ms, a.carrier)
  IS NOT (b.message_id, b.state, b.fate, b.attempts, b.next_attempt_at_ms, b.first_tried_at_ms,
    b.frozen, b.sent_at_ms, c.ours)
ORDER BY m.ours
"""

_CHANGE = """
UPDATE main.outbox SET message_id = :message_id, state = :state, fate = :fate, attempts = :attempts,
  next_attempt_at_ms = :next_attempt_at_ms, lease_owner = :lease_owner, lease_until_ms = :lease_until_ms,
  frozen = :frozen, first_tried_at_ms = :first_tried_at_ms, sent_at_ms = :sent_at_ms, last_error = :last_error,
  is_permanent = :is_permanent, carrier = :carrier
WHERE id = :id
"""

_NUMBER = """
UPDATE main.outbox SET facts = json_set(facts, '$.incident', i.told) FROM temp.incidents_map i
WHERE id IN (SELECT ours FROM temp.outbox_map WHERE is_new)
  AND i.theirs = json_extract(facts, '$.incident') AND i.theirs <> i.told
"""

_NUMBER_MEMBERS = """
UPDATE main.outbox SET facts = json_set(facts, '$.members', (
  SELECT json_group_array(json(iif(i.told IS NULL, member.value, json_set(member.value, '$.incident', i.told))))
  FROM json_each(facts, '$.members') member
  LEFT JOIN temp.incidents_map i ON i.theirs = json_extract(member.value, '$.incident')))
WHERE kind = 'several' AND id IN (SELECT ours FROM temp.outbox_map WHERE is_new)
  AND json_type(facts, '$.members') = 'array'
"""


def take_in(store: Store) -> tuple[int, int]:
    """Take in all alerts, after incidents and events; return how many are new, and how many went on elsewhere."""
    store.write(_MAP)
    number_new(store, "outbox")
    new = store.write(f"INSERT INTO main.outbox ({_COLUMNS}) {_THEIRS} WHERE m.is_new ORDER BY m.ours")
    store.write(_NUMBER)
    store.write(_NUMBER_MEMBERS)
    changed = _Join(store).join_all()
    # A batch whose alerts all went another way has nothing left to tell.
    store.write(
        """UPDATE main.outbox SET state = 'closed', frozen = NULL WHERE kind = 'several' AND state = 'queued'
          AND NOT EXISTS (SELECT 1 FROM main.outbox m WHERE m.carrier = outbox.id)"""
    )
    return new, changed


class _Join:
    """Join what both stores have, each alert after the one that tells it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._differing = {row["ours"] for row in store.rows(_DIFFERING)}
        self._changed = 0

    def join_all(self) -> int:
        """Return how many changed."""
        for row_id in sorted(self._differing):
            self._joined(row_id)
        return self._changed

    def _joined(self, row_id: int) -> Row:
        (mine,) = map(dict, self._store.rows(f"SELECT {_COLUMNS} FROM main.outbox WHERE id = :id", {"id": row_id}))  # noqa: S608
        if row_id not in self._differing:
            return mine
        self._differing.remove(row_id)
        (theirs,) = map(dict, self._store.rows(f"{_THEIRS} WHERE m.ours = :id", {"id": row_id}))
        joined = join_alerts(mine, theirs, self._carrier)
        if joined["carrier"] is not None:
            joined["carrier"] = self._carrier(joined)["id"]
        if joined != mine:
            self._changed += 1
            self._store.write(_CHANGE, joined)
        return joined

    def _carrier(self, row: Row) -> Row:
        while row["carrier"] is not None:
            row = self._joined(row["carrier"])
        return row
