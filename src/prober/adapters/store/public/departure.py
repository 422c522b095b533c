"""From the store to a file that everybody may read, in the same bytes for the same state.

The file is made anew: the tables by their migrations, the rows in the order of their keys. So nothing of the store's
own history (free pages, schema counters, deleted text) gets into it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from prober.adapters.store import schema
from prober.adapters.store.faults import translated
from prober.core import publicity
from prober.core.alerts import AlertKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prober.adapters.store.db import Store

Row: TypeAlias = dict[str, Any]

_Change: TypeAlias = "Callable[[_Publisher, Iterable[Row]], Iterable[Row]]"

PUBLISHED: Final = "published_installation"
KEY_CHECK: Final = "key_check"

_NAMES: Final = """
SELECT id FROM probes UNION SELECT location FROM series UNION SELECT location FROM states
UNION SELECT location FROM events UNION SELECT location FROM rounds UNION SELECT location FROM runs
"""
_USED: Final = "SELECT name, seq FROM sqlite_sequence WHERE seq > 0 ORDER BY name"
_STATUSES: Final = """
SELECT d.hour, d.series, d.after_ms, r.code / 100 AS status
FROM result_details d JOIN results r USING (hour, series, after_ms)
"""


def export(store: Store, *, key: bytes) -> bytes:
    """Return the file of a SQLite database with what of the store may be public; ``key`` stands for what may not.

    What the store knew when this began is in it, and nothing is written to the store.
    """
    publisher = _Publisher(store, publicity.strengthened(key))
    with translated(store.path), closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.execute("PRAGMA page_size = 4096")
        made.execute("BEGIN")
        schema.migrate(made, now_ms=0)
        made.execute("UPDATE _sqlite_migrations SET applied_at = ''")
        made.execute("DELETE FROM meta")
        with store.snapshot():
            for table in _AS_THEY_ARE:
                _copy(store, made, table)
            for table, change in _CHANGED.items():
                _fill(made, table, change(publisher, _rows(store, table)))
            # The numbers of what is gone are not given again.
            made.execute("DELETE FROM sqlite_sequence")
            _fill(made, "sqlite_sequence", map(dict, store.rows(_USED)))
        made.execute("COMMIT")
        made.execute("VACUUM")
        return made.serialize()


@dataclass(frozen=True, slots=True)
class _Publisher:
    """How each table is made public; the methods take and return rows in the order of their keys."""

    store: Store
    key: bytes

    def meta(self, rows: Iterable[Row]) -> Iterator[Row]:
        known = {row["name"]: row["value"] for row in rows}
        secret = known["installation"]
        told = known.get(PUBLISHED) or publicity.digest(self.key, PUBLISHED, secret).removeprefix("hmac:")
        yield {"name": "created_at_ms", "value": known["created_at_ms"]}
        yield {"name": "installation", "value": told}
        yield {"name": KEY_CHECK, "value": key_check(self.key, told)}

    def probes(self, rows: Iterable[Row]) -> Iterator[Row]:
        return ({**row, "name": row["id"], "url": ""} for row in rows)

    def details(self, rows: Iterable[Row]) -> Iterator[Row]:
        statuses = {tuple(each)[:3]: each["status"] for each in self.store.rows(_STATUSES)}
        for row in rows:
            reason = publicity.public_reason(row["reason"])
            status = statuses[row["hour"], row["series"], row["after_ms"]]
            yield {**row, "reason": reason, "detail": publicity.public_detail(reason, status), "excerpt": None}

    def states(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            identity = identity_digest(self.key, row["probe"], row["identity"])
            yield {**row, "identity": identity, "certificate": publicity.public_hex(row["certificate"])}

    def incidents(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            reason = publicity.public_reason(row["reason"])
            detail = publicity.public_detail(reason, publicity.status_in(row["detail"]))
            yield {**row, "uid": publicity.public_id(self.key, row["uid"]), "reason": reason, "detail": detail}

    def notes(self, rows: Iterable[Row]) -> Iterator[Row]:
        seen: set[str] = set()
        for row in rows:
            uid = row["uid"] if publicity.is_digest(row["uid"]) else publicity.digest(self.key, "note", row["uid"])
            if uid not in seen:
                seen.add(uid)
                yield {**row, "uid": uid, "who": publicity.SOMEBODY, "text": None}

    def events(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            kind, uid = publicity.public_word(row["kind"]), publicity.public_id(self.key, row["uid"])
            yield {**row, "kind": kind, "uid": uid, "facts": "{}"}

    def outbox(self, rows: Iterable[Row]) -> Iterator[Row]:
        names = {name for (name,) in self.store.rows(_NAMES)}
        for row in rows:
            told = {**row, **_at_rest(row), "kind": AlertKind(row["kind"]), "frozen": None, "last_error": None}
            told["lease_owner"] = None
            told["recipient"] = publicity.recipient_digest(self.key, row["channel"], row["recipient"])
            told["facts"] = publicity.public_facts(row["facts"], names)
            told["message_id"] = publicity.public_message_id(self.key, row["message_id"])
            yield told

    def maintenance(self, rows: Iterable[Row]) -> Iterator[Row]:
        return ({**row, "reason": None} for row in rows)

    def rounds(self, rows: Iterable[Row]) -> Iterator[Row]:
        known: dict[tuple[str, int, int], Row] = {}
        for row in rows:
            same = known.setdefault((row["location"], row["started_at_ms"], row["pid"]), {**row, "host": ""})
            if row["checks"] > same["checks"]:
                same |= {name: row[name] for name in ("ended_at_ms", "checks", "is_offline")}
        yield from known.values()

    def runs(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield {
                **row,
                "run": publicity.public_run(self.key, row["run"]),
                "trigger": publicity.public_word(row["trigger"]),
            }

    def standings(self, rows: Iterable[Row]) -> Iterator[Row]:
        names = {name for (name,) in self.store.rows(_NAMES)}
        return ({**row, "standing": publicity.public_standing(row["standing"], names)} for row in rows)


_AS_THEY_ARE: Final = ("series", "intervals", "results", "hours", "days", "blackouts")
_CHANGED: Final[Mapping[str, _Change]] = {
    "meta": _Publisher.meta,
    "probes": _Publisher.probes,
    "result_details": _Publisher.details,
    "states": _Publisher.states,
    "incidents": _Publisher.incidents,
    "notes": _Publisher.notes,
    "events": _Publisher.events,
    "outbox": _Publisher.outbox,
    "maintenance": _Publisher.maintenance,
    "rounds": _Publisher.rounds,
    "runs": _Publisher.runs,
    "standings": _Publisher.standings,
}


PUBLISHED_TABLES: Final = frozenset((*_AS_THEY_ARE, *_CHANGED))


def key_check(key: bytes, installation: str) -> str:
    """Return what tells whether a file was made under the same key."""
    return publicity.digest(key, KEY_CHECK, installation)


def identity_digest(key: bytes, probe_id: str, identity: str) -> str:
    """Return what stands for the identity of a probe, which a hash of its url is part of."""
    return identity if publicity.is_digest(identity) else publicity.digest(key, "identity", probe_id, identity)


def _at_rest(row: Row) -> Row:
    """Return the columns of an alert that nobody is sending: what is being sent has a fate that nobody knows yet."""
    if row["state"] != "sending":
        return {}
    next_ms = max(row["next_attempt_at_ms"], row["lease_until_ms"])
    return {"state": "queued", "fate": "unknown", "next_attempt_at_ms": next_ms, "lease_until_ms": None}


def _copy(store: Store, made: sqlite3.Connection, table: str) -> None:
    columns, query = _select(store, table)
    values = ", ".join("?" * len(columns))
    rows = store.connection.execute(query)
    made.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})", map(tuple, rows))  # noqa: S608


def _rows(store: Store, table: str) -> Iterator[Row]:
    return map(dict, store.rows(_select(store, table)[1]))


def _select(store: Store, table: str) -> tuple[list[str], str]:
    """Return the columns of a table, without those that are computed from others, and a query in order of its key."""
    known = store.rows(f"SELECT name, pk FROM pragma_table_info('{table}')")  # noqa: S608
    columns = [row["name"] for row in known]
    key = [row["name"] for row in sorted(known, key=lambda row: row["pk"]) if row["pk"]]
    return columns, f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(key)}"  # noqa: S608


def _fill(made: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    for row in rows:
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        made.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})", row)  # noqa: S608
