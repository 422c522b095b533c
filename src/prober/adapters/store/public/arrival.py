"""From the file that everybody may read to a store to work with: what digests stand for is found again.

Whom an alert is for is looked up among the configured addresses. One that fits nobody is told to everybody: it may be
that the address is gone, but as well that the key is another one, and nobody may be forgotten for that. So is what was
told of an incident that is open, as who was told of its beginning is told of its end.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prober.adapters.store.db import open_store
from prober.adapters.store.faults import CorruptStore, ForeignStore, NewerStore, translated
from prober.adapters.store.integrity import find_fault
from prober.adapters.store.public.departure import KEY_CHECK, PUBLISHED, PUBLISHED_TABLES, identity_digest, key_check
from prober.core import publicity
from prober.core.delivery import message_id
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.core.model import Probe
    from prober.core.settings import EmailChannel

# What is still to be told, and what was told of an incident that is open. Who was told cannot be told apart from who is
# still to be: the former comes last, so that rather one is told twice than another one never.
_ALIVE: Final = """
SELECT o.id, o.event, o.kind, o.channel, o.recipient, o.queued_at_ms, o.facts, o.message_id, o.carrier, e.uid,
  coalesce(c.state, o.state) = 'queued' AS is_waiting
FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier LEFT JOIN events e ON e.id = o.event
LEFT JOIN incidents i ON i.number = o.incident
WHERE coalesce(c.state, o.state) = 'queued'
  OR (coalesce(c.state, o.state) = 'sent' AND i.number IS NOT NULL AND i.ended_at_ms IS NULL)
ORDER BY is_waiting DESC, o.id
"""

_SAME: Final = """
SELECT id FROM outbox WHERE channel = :channel AND recipient = :recipient AND event IS :event
  AND (event IS NOT NULL OR (kind, queued_at_ms, facts) = (:kind, :queued_at_ms, :facts))
"""

_COPY: Final = """
INSERT INTO outbox (event, incident, kind, channel, recipient, facts, queued_at_ms, message_id, state, fate,
  attempts, next_attempt_at_ms, first_tried_at_ms, sent_at_ms, is_permanent, carrier)
SELECT event, incident, kind, :channel, :recipient, facts, queued_at_ms, :message_id, state, fate,
  attempts, next_attempt_at_ms, first_tried_at_ms, sent_at_ms, is_permanent, :carrier
FROM outbox WHERE id = :id RETURNING id
"""


_OF_THE_MACHINE: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


def load(
    path: Path,
    content: bytes,
    *,
    key: bytes,
    channels: Sequence[EmailChannel],
    probes: Sequence[Probe] = (),
    now_ms: int,
) -> Store:
    """Make a store, readable by its owner alone, of what `export` made, and return it open.

    ``probes`` are those that are configured: only of these is it known whether they are still asked the same. Raises
    CorruptStore, NewerStore or ForeignStore for what cannot be read; then there is no file. A store that was never
    published is taken as it is.
    """
    if not content:
        raise CorruptStore("the published state is empty")
    with translated(path):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    try:
        return _opened(path, publicity.strengthened(key), channels, probes, now_ms)
    except BaseException as error:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                path.with_name(path.name + suffix).unlink()
        if isinstance(error, StoreError) and _is_of_content(error):
            raise CorruptStore("the published state is damaged, or not a database") from error
        raise


def _opened(path: Path, key: bytes, channels: Sequence[EmailChannel], probes: Sequence[Probe], now_ms: int) -> Store:
    try:
        store = open_store(path, now_ms=now_ms)
    except NewerStore as error:
        raise NewerStore("the published state was made by a newer version of prober; install that version") from error
    except ForeignStore as error:
        raise ForeignStore("the published state is a database of another program") from error
    try:
        _take_in(store, key, channels, probes)
    except BaseException:
        store.connection.close()
        raise
    return store


def _is_of_content(error: StoreError) -> bool:
    """Say whether what was published is to blame, and not this machine: a full disk makes no state a damaged one."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is not None and code & 0xFF not in _OF_THE_MACHINE


def address(store: Store, *, key: bytes, channels: Sequence[EmailChannel], probes: Sequence[Probe]) -> None:
    """Find again what digests stand for, in a store that was seeded from a published one."""
    _take_in(store, publicity.strengthened(key), channels, probes)


def _take_in(store: Store, key: bytes, channels: Sequence[EmailChannel], probes: Sequence[Probe]) -> None:
    with translated(store.path):
        fault = find_fault(store.connection)
    if fault is not None:
        raise CorruptStore(f"the published state is damaged: {fault}")
    with store.transaction():
        store.write("PRAGMA defer_foreign_keys = ON")
        _require_tables(store)
        meta = {row["name"]: row["value"] for row in store.rows("SELECT name, value FROM meta")}
        if "installation" not in meta:
            raise CorruptStore("the published state is damaged: it has no installation")
        is_same_key = meta.get(KEY_CHECK) in {None, key_check(key, meta["installation"])}
        if KEY_CHECK in meta:
            _install(store, key, meta["installation"])
        _recognise(store, key, probes, is_same_key=is_same_key)
        _Addressing(store, key, channels).address(is_same_key=is_same_key)


def _require_tables(store: Store) -> None:
    """Raise CorruptStore where a table is missing: what is merged with it later would fail at every save."""
    known = {row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if missing := PUBLISHED_TABLES - known:
        raise CorruptStore(f"the published state is damaged: it has no table {min(missing)}")


def _install(store: Store, key: bytes, published: str) -> None:
    """Give the store its secret again, under which Message-IDs are made."""
    secret = publicity.digest(key, "installation", published).removeprefix("hmac:")
    store.write("DELETE FROM meta WHERE name = :name", {"name": KEY_CHECK})
    store.write("UPDATE meta SET value = :secret WHERE name = 'installation'", {"secret": secret})
    store.write("INSERT INTO meta (name, value) VALUES (:name, :value)", {"name": PUBLISHED, "value": published})


def _recognise(store: Store, key: bytes, probes: Sequence[Probe], *, is_same_key: bool) -> None:
    """Put back the identities that are still so; under another key nobody knows, and the checks go on counting."""
    for probe in probes:
        store.write(
            "UPDATE states SET identity = :identity WHERE probe = :probe AND (identity = :digest OR :is_unknown)",
            {
                "probe": probe.id,
                "identity": probe.identity,
                "digest": identity_digest(key, probe.id, probe.identity),
                "is_unknown": not is_same_key,
            },
        )


class _Addressing:
    """Whom each alert is for."""

    def __init__(self, store: Store, key: bytes, channels: Sequence[EmailChannel]) -> None:
        self._store = store
        self._key = key
        self._installation = store.installation
        self._domains = {channel.id: channel.domain for channel in channels}
        self._everyone = [(channel.id, address) for channel in channels for address in channel.to]
        self._known = {
            (channel, publicity.recipient_digest(key, channel, address)): address for channel, address in self._everyone
        }

    def address(self, *, is_same_key: bool) -> None:
        """Find everybody again, and let what would be told to nobody be told to everybody."""
        for row in self._store.rows("SELECT id, channel, recipient, message_id FROM outbox ORDER BY id"):
            self._find_again(row)
        everyone = set(self._everyone)
        lost = {
            row["id"]: row for row in self._store.rows(_ALIVE) if (row["channel"], row["recipient"]) not in everyone
        }
        if not lost or not everyone:
            return
        for channel, recipient in self._everyone:
            placed: dict[int, int] = {}
            for row in lost.values():
                if row["channel"] == channel or row["channel"] not in self._domains:
                    self._place(row, channel, recipient, lost, placed)
        over = [number for number, row in lost.items() if row["is_waiting"] or not is_same_key]
        self._store.write(
            "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(:over))", {"over": json.dumps(over)}
        )
        # A batch whose alerts are all told to a recipient already has nothing left to tell.
        self._store.write(
            """UPDATE outbox SET state = 'closed' WHERE kind = 'several' AND state = 'queued'
              AND NOT EXISTS (SELECT 1 FROM outbox m WHERE m.carrier = outbox.id)"""
        )

    def _find_again(self, row: sqlite3.Row) -> None:
        channel, digest = row["channel"], publicity.recipient_digest(self._key, row["channel"], row["recipient"])
        name = row["message_id"]
        if channel in self._domains and not name.startswith("<"):
            name = f"<{name}@{self._domains[channel]}>"
        self._store.write(
            "UPDATE outbox SET recipient = :recipient, message_id = :message_id WHERE id = :id",
            {"id": row["id"], "recipient": self._known.get((channel, digest), digest), "message_id": name},
        )

    def _place(
        self,
        row: sqlite3.Row,
        channel: str,
        recipient: str,
        lost: Mapping[int, sqlite3.Row],
        placed: dict[int, int],
    ) -> int:
        """Tell one recipient too, by the same carrier; return the number of the alert that does."""
        if row["id"] in placed:
            return placed[row["id"]]
        carrier = row["carrier"]
        if carrier in lost:
            carrier = self._place(lost[carrier], channel, recipient, lost, placed)
        to = {"channel": channel, "recipient": recipient}
        same = self._store.find(_SAME, {**dict(row), **to})
        if same is None:
            name = f"{channel} {recipient}"
            told = message_id(self._installation, row["uid"] or row["message_id"], name, domain=self._domains[channel])
            number = self._store.insert(_COPY, {"id": row["id"], "carrier": carrier, "message_id": told} | to)
        else:
            number = int(same["id"])
        placed[row["id"]] = number
        return number
