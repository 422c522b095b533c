"""The life of a store in one character a deed, and what it remembers without the numbers that are its own.

Checks are ``.`` ok, ``s`` slow, ``x`` failed, ``?`` unknown, each a minute after the one before; ``+`` makes the next
one five minutes long, ``<`` puts the clock back by an hour. Of the alerts that wait the least tried one is ``a``
accepted, ``g`` refused, ``u`` sent without an answer, ``c`` claimed by a process that dies, ``d`` dropped, or all are
told together: ``b``. People acknowledge ``k``, resolve ``r``, mark ``f`` and unmark ``F`` the incident that is open, or
the last one. ``z`` goes offline and ``Z`` comes back; the minute before an ``m`` was maintenance. Whom we stand behind
are watching at the look ``l``, and not at ``L``; from an ``h`` to the next one the beginnings of incidents are held.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from prober.adapters.store import (
    audience,
    carriers,
    events,
    incidents,
    notes,
    outbox,
    probes,
    rounds,
    standings,
    states,
)
from prober.adapters.store.maintenance import MaintenanceRow, append_maintenance
from prober.adapters.store.results import append_results
from prober.adapters.store.rounds import RoundRow
from prober.adapters.store.standings import LookRow
from prober.core import rules
from prober.core.alerts import AlertKind
from prober.core.connectivity import Blackout
from prober.core.model import Closed, ClosedAs, Kind, Opened, Policy, ProbeState, Severity
from prober.core.people import Action, Note
from prober.core.sight import Seen, Verdict, Watch
from prober.core.standby import Standing, follow
from tests.adapters.store import builders
from tests.core.histories import MEANING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.adapters.store.db import Store
    from prober.adapters.store.outbox import OutboxRow

POLICY: Final = Policy(failures=2, recoveries=2, slow_checks=2)
MIN_MS: Final = 60_000
RECIPIENTS: Final = ("ops@acme.example", "chief@acme.example")


@dataclass(slots=True)
class Life:
    """What a process does to a store. ``salt`` makes its checks fall at times of their own."""

    store: Store
    now_ms: int = builders.T0
    location: str = "here"
    salt: int = 0
    probe_id: str = "api"
    recipients: tuple[str, ...] = RECIPIENTS
    interval_ms: int = field(default=MIN_MS, init=False)
    is_holding: bool = field(default=False, init=False)

    def play(self, deeds: str) -> Life:
        for deed in deeds:
            if deed in MEANING:
                self._check(deed)
            elif deed == "b":
                self._batch()
            else:
                self.now_ms += 1000
                self._do(deed)
        return self

    def _do(self, deed: str) -> None:
        with self.store.transaction():
            match deed:
                case "+":
                    self.interval_ms = 5 * MIN_MS
                case "<":
                    self.now_ms -= 60 * MIN_MS
                case "z" | "Z":
                    lasts = Blackout(since_ms=self.now_ms, is_told=False) if deed == "z" else None
                    rounds.save_blackout(self.store, self.location, lasts, now_ms=self.now_ms)
                case "l" | "L" | "h" | "m":
                    self._keep_quiet(deed)
                case "k" | "r" | "f" | "F":
                    self._let_people(deed)
                case _:
                    self._deliver(deed)

    def _keep_quiet(self, deed: str) -> None:
        match deed:
            case "h":
                self.is_holding = not self.is_holding
                for each in incidents.held_incidents(self.store, self.location):
                    incidents.hold(self.store, each.number, is_held=self.is_holding)
            case "m":
                self._maintain()
            case _:
                self._look(is_fresh=deed == "l")

    def _look(self, *, is_fresh: bool) -> None:
        watch = Watch(key=self.probe_id, name="", state="up", newest_ms=self.now_ms if is_fresh else None)
        before = standings.find_standing(self.store, self.location) or Standing()
        probe, sight = builders.probe(self.probe_id), Seen(watches=(watch,))
        after, _ = follow(before, sight, probes=[probe], down_since={}, now_ms=self.now_ms + self.salt, by_id=True)
        standings.save_standing(self.store, self.location, after)
        row = LookRow(location=self.location, at_ms=self.now_ms + self.salt, seen=Verdict.STALE, role=after.role)
        standings.save_look(self.store, row)

    def _maintain(self) -> None:
        """The last minute was maintenance."""
        probes.ensure_probes(self.store, [builders.probe(self.probe_id)])
        last = MaintenanceRow(
            probe_id=self.probe_id, from_ms=self.now_ms - MIN_MS, to_ms=self.now_ms, reason=f"deploy {self.salt}"
        )
        append_maintenance(self.store, [last])

    def _check(self, sign: str) -> None:
        self.now_ms += self.interval_ms
        at_ms = self.now_ms + self.salt
        outcome, reason, latency_us = MEANING[sign]
        result = builders.result(
            at_ms,
            probe_id=self.probe_id,
            location=self.location,
            outcome=outcome,
            reason=reason,
            latency_us=latency_us,
            interval_ms=self.interval_ms,
        )
        with self.store.transaction():
            probes.ensure_probes(self.store, [builders.probe(self.probe_id)])
            before = states.all_states(self.store, self.location).get(self.probe_id, ProbeState())
            after, caused = rules.apply(before, result, policy=POLICY)
            append_results(self.store, [result])
            states.save_states(self.store, self.location, {self.probe_id: after})
            rounds.continue_round(self.store, self._round(at_ms))
            for event in caused:
                self._tell(event)
        self.interval_ms = MIN_MS

    def _round(self, at_ms: int) -> RoundRow:
        return RoundRow(
            location=self.location,
            started_at_ms=at_ms,
            ended_at_ms=at_ms + 1,
            checks=1,
            is_offline=False,
            host="web-1",
            pid=7 + self.salt,
        )

    def _tell(self, event: Any) -> None:
        key = f"{self.location} {self.probe_id} {event.kind} {event.started_at_ms}"
        if isinstance(event, Opened):
            number: int | None = incidents.open_incident(
                self.store, event, uid=key, location=self.location, severity=Severity.P1
            )
            kind, told = AlertKind(event.kind), {("ops", each) for each in self.recipients}
            if self.is_holding:
                assert number is not None
                incidents.hold(self.store, number, is_held=True)
                told = set()
        else:
            assert isinstance(event, Closed)
            number = incidents.close_incident(self.store, event, location=self.location)
            assert number is not None
            kind = AlertKind.RECOVERED if event.kind is Kind.DOWN else AlertKind.SLOW_OVER
            told = set() if event.closed_as is ClosedAs.SUPERSEDED else outbox.told(self.store, number)
        uid = f"{key} {kind} {event.at_ms}"
        event_id = events.record_event(
            self.store,
            uid=uid,
            kind=kind,
            probe_id=self.probe_id,
            location=self.location,
            incident=number,
            at_ms=event.at_ms,
            facts=json.dumps({"incident": number}),
        )
        for channel, recipient in sorted(told):
            stale = None
            if isinstance(event, Closed):
                assert number is not None
                stale = carriers.find_mergeable(self.store, number, channel, recipient)
            queued = replace(
                builders.alert(f"{uid} {recipient}".replace(" ", "."), event=event_id, incident=number, kind=kind),
                recipient=recipient,
                facts=json.dumps({"kind": kind, "incident": number}),
                queued_at_ms=event.at_ms,
            )
            for row_id in outbox.queue(self.store, [queued]):
                if stale is not None:
                    carriers.merge(self.store, stale.id, row_id)

    def _let_people(self, deed: str) -> None:
        listed = incidents.all_incidents(self.store)
        chosen = next((each for each in listed if each.ended_at_ms is None), listed[0] if listed else None)
        if chosen is None:
            return
        is_open = chosen.ended_at_ms is None
        match deed:
            case "k" if is_open and chosen.acknowledged_at_ms is None:
                incidents.acknowledge(self.store, chosen.number, self.now_ms)
                audience.drop_reminders(self.store, chosen.number)
                action = Action.ACKNOWLEDGED
            case "f" | "F":
                incidents.mark_false_positive(self.store, chosen.number, is_one=deed == "f")
                action = Action.MARKED if deed == "f" else Action.UNMARKED
            case "r" if is_open:
                before = states.all_states(self.store, chosen.location)[chosen.probe_id]
                after, caused = rules.resolve(chosen.probe_id, chosen.kind, before, self.now_ms)
                states.save_states(self.store, chosen.location, {chosen.probe_id: after})
                for event in caused:
                    self._tell(event)
                action = Action.RESOLVED
            case _:
                return
        notes.add_note(self.store, chosen, Note(at_ms=self.now_ms, who=f"anna{self.salt}", action=action, text=None))

    def _deliver(self, deed: str) -> None:
        for row in sorted(_queued(self.store), key=attrgetter("attempts"))[:1]:
            if deed == "d":
                outbox.drop(self.store, row.id)
                continue
            frozen = f"{row.message_id} tried at {self.now_ms + self.salt}".encode()
            assert outbox.claim(self.store, row.id, f"web-1:{self.salt}", self.now_ms, MIN_MS, frozen)
            if deed == "a":
                outbox.mark_sent(self.store, row.id, self.now_ms + self.salt)
            elif deed == "g":
                outbox.mark_refused(self.store, row.id, self.now_ms + 10_000 + self.salt, "450 come again")
            elif deed == "u":
                outbox.mark_unknown(self.store, row.id, self.now_ms + 10_000 + self.salt, "connection lost")

    def _batch(self) -> None:
        rows = [row for row in _queued(self.store) if row.fate != "unknown" and row.kind is not AlertKind.SEVERAL]
        for recipient in RECIPIENTS:
            own = [row for row in rows if row.recipient == recipient]
            if len(own) > 1:
                uid = ".".join(["several", *(row.message_id.strip("<>") for row in own)])
                together = replace(
                    builders.alert(uid, to=recipient),
                    facts=json.dumps({"kind": "several", "members": [{"incident": row.incident} for row in own]}),
                    queued_at_ms=own[0].queued_at_ms,
                )
                carriers.batch(self.store, [row.id for row in own], together)


def _queued(store: Store) -> list[OutboxRow]:
    return [row for row in outbox.all_waiting(store) if row.state == "queued"]


_CONTENT: Final = {
    "probes": "SELECT id FROM probes",
    "series": "SELECT probe, location, first_at_ms FROM series",
    "results": """SELECT s.probe, s.location, r.at_ms, r.code, r.latency_us, (SELECT i.interval_ms FROM intervals i
        WHERE i.series = r.series AND i.from_ms <= r.at_ms ORDER BY i.from_ms DESC LIMIT 1) AS interval_ms
        FROM results r JOIN series s ON s.no = r.series""",
    "result_details": """SELECT s.probe, s.location, d.* FROM result_details d JOIN series s ON s.no = d.series""",
    "states": "SELECT * FROM states",
    "incidents": "SELECT * FROM incidents",
    "notes": "SELECT n.*, i.uid AS about FROM notes n JOIN incidents i ON i.number = n.incident",
    "events": "SELECT e.*, i.uid AS about FROM events e LEFT JOIN incidents i ON i.number = e.incident",
    "outbox": """SELECT o.*, i.uid AS about, e.uid AS tells, c.message_id AS told_by FROM outbox o
        LEFT JOIN incidents i ON i.number = o.incident LEFT JOIN events e ON e.id = o.event
        LEFT JOIN outbox c ON c.id = o.carrier""",
    "rounds": "SELECT location, started_at_ms, ended_at_ms, checks, is_offline, host, pid FROM rounds",
    "blackouts": "SELECT * FROM blackouts",
    "standings": "SELECT * FROM standings",
    "looks": "SELECT * FROM looks",
}
_LOCAL: Final = {"id", "number", "series", "incident", "event", "carrier", "lease_owner", "lease_until_ms"}


def content(store: Store) -> dict[str, set[Any]]:
    """Return all that a store remembers, in no order and without the numbers that are its own."""
    known: dict[str, set[Any]] = {
        table: {tuple(sorted(_known(dict(row)).items())) for row in store.rows(query)}
        for table, query in _CONTENT.items()
    }
    return known | {"maintenance": set(_seconds_of_maintenance(store))}


def _seconds_of_maintenance(store: Store) -> Iterator[tuple[str, int]]:
    """Yield every second of it: two copies may have cut the same time in different places."""
    for probe_id, from_ms, to_ms in store.rows("SELECT probe, from_ms, to_ms FROM maintenance"):
        yield from ((probe_id, second) for second in range(from_ms // 1000, to_ms // 1000))


def _known(row: dict[str, Any]) -> dict[str, Any]:
    if row.get("state") == "sending":
        later_ms = max(row["next_attempt_at_ms"], row["lease_until_ms"])
        row |= {"state": "queued", "fate": "unknown", "next_attempt_at_ms": later_ms}
    if row.get("fate") in {"untried", "refused"}:
        row |= {"fate": "surely not accepted", "frozen": None, "next_attempt_at_ms": None}
    if "facts" in row:
        row["facts"] = _without_numbers(json.loads(row["facts"]))
    return {name: repr(value) for name, value in row.items() if name not in _LOCAL}


def _without_numbers(facts: dict[str, Any]) -> dict[str, Any]:
    members = [_without_numbers(each) for each in facts.get("members", ())]
    return {name: value for name, value in facts.items() if name != "incident"} | {"members": members}
