"""A life behind UptimeRobot, deed by deed, and what must be so after each of them, by rules of thumb.

``xs.`` are the checks of the three probes in one round (``.`` ok, ``s`` slow, ``x`` failed, ``?`` unknown). The third
has no monitor. Looks are those of `tests.app.looks`. ``+7`` lets minutes pass, ``a9`` begins maintenance of ``a`` for
as many, ``*9`` that of all. ``r`` resolves what is open, ``d`` delivers what waits. Each deed comes a minute after the
one before.

The rules of thumb know nothing of counters: who was seen by the last three looks is surely watched, who was not by as
many is surely not, and in between anything goes.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from prober.adapters.store import incidents, outbox
from prober.adapters.store.db import open_in_memory
from prober.app.people import Deed, resolve
from prober.app.record import record
from prober.app.round import Round
from prober.app.standby import record_look
from prober.core.gate import wants
from prober.core.model import Kind, Policy, Result
from prober.core.settings import Maintenance
from tests.app.looks import BEHIND, sight
from tests.app.world import CHIEF, HERE, OPS, channel, config, probe
from tests.core.histories import MEANING
from tests.fakes import MIN_MS, T0

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prober.adapters.store.db import Store
    from prober.core.model import Incident
    from prober.core.settings import Config

PROBES: Final = "abc"
BEGINNINGS: Final = {"down", "slow"}
ENDS: Final = {"recovered", "slow_over", "removed", "resolved"}
TELLING: Final = BEGINNINGS | {"reminder"}
ANSWERS: Final = "FSAMD"
WATCHED: Final = {"F": "ab", "D": "ab", "A": "b", "M": "a"}
BAD: Final = {"x": Kind.DOWN, "s": Kind.SLOW}
PATIENCE_MS: Final = 15 * MIN_MS
WHAT_IS: Final = config(
    *(probe(each, policy=Policy(failures=2, recoveries=1, slow_checks=2), tags=(each,)) for each in PROBES),
    channels=(channel(OPS, remind_ms=10 * MIN_MS), channel(CHIEF, id="chief", tags=("b", "c"))),
    standby=BEHIND,
)


def live(deeds: Iterable[str]) -> None:
    """Live through the deeds. Raises AssertionError where a rule is broken."""
    with closing(open_in_memory(now_ms=T0)) as store:
        life = Life(store=store)
        for deed in deeds:
            life.now_ms += MIN_MS
            life.do(deed)
            life.check_queue()


@dataclass(slots=True, kw_only=True)
class Life:
    """What was done, and what a person would remember of it. ``told`` is who heard of the beginning of an incident."""

    store: Store
    now_ms: int = T0
    known: Config = WHAT_IS
    looks: str = ""
    limited_ms: int | None = None
    last_bad_ms: dict[tuple[str, Kind], int] = field(default_factory=dict)
    told: dict[int, set[str]] = field(default_factory=dict)
    ended: dict[int, set[str]] = field(default_factory=dict)
    seen_row: int = 0

    def do(self, deed: str) -> None:
        """Do one thing."""
        match deed[0]:
            case "+":
                self.now_ms += int(deed[1:]) * MIN_MS
            case "r":
                self._resolve()
            case "d":
                self._deliver()
            case sign if sign in "FSAMDUOLK":
                self._look(sign)
            case sign if sign in "abc*" and deed[1:].isdigit():
                self._maintain(sign, int(deed[1:]))
            case _:
                self._round(deed)
                self.check_silence()

    def _round(self, signs: str) -> None:
        results = tuple(self._result(probe_id, sign) for probe_id, sign in zip(PROBES, signs, strict=True))
        seen = Round(started_at_ms=self.now_ms, ended_at_ms=self.now_ms + 1, results=results, is_reachable=None)
        record(seen, store=self.store, config=self.known, place=HERE, covers_all=True, is_alerting=True)
        for probe_id, sign in zip(PROBES, signs, strict=True):
            if sign in BAD:
                self.last_bad_ms[probe_id, BAD[sign]] = self.now_ms

    def _result(self, probe_id: str, sign: str) -> Result:
        outcome, reason, latency_us = MEANING[sign]
        return Result(
            probe_id=probe_id,
            location=self.known.location,
            at_ms=self.now_ms,
            outcome=outcome,
            reason=reason,
            latency_us=latency_us,
        )

    def _look(self, sign: str) -> None:
        record_look(
            self.store,
            sight(sign, self.now_ms, PROBES[:2]),
            config=self.known,
            place=HERE,
            now_ms=self.now_ms,
            is_online=sign != "O",
            is_alerting=True,
        )
        self.looks += sign
        if sign not in "LO":
            self.limited_ms = None
        elif sign == "L" and self.limited_ms is None:
            self.limited_ms = self.now_ms

    def _maintain(self, probe_id: str, minutes: int) -> None:
        about = () if probe_id == "*" else (probe_id,)
        window = Maintenance(start_ms=self.now_ms, duration_ms=minutes * MIN_MS, probe_ids=about)
        self.known = replace(self.known, maintenance=(*self.known.maintenance, window))

    def _resolve(self) -> None:
        for each in incidents.open_incidents(self.store, self.known.location):
            resolve(self.store, Deed(number=each.number, who="anna", at_ms=self.now_ms), config=self.known, place=HERE)

    def _deliver(self) -> None:
        for row in outbox.all_waiting(self.store):
            with self.store.transaction():
                outbox.claim(self.store, row.id, "web-1:7", self.now_ms, MIN_MS, b"a mail")
                outbox.mark_sent(self.store, row.id, self.now_ms)

    def check_queue(self) -> None:
        """Check all that was queued since the last time, and that every end was told to whom it concerns."""
        rows = self.store.rows(
            "SELECT id, kind, recipient, incident, facts, state FROM outbox WHERE id > :last ORDER BY id",
            {"last": self.seen_row},
        )
        for row in rows:
            self.seen_row = row["id"]
            if row["state"] != "dropped":
                self._check_row(row["kind"], row["incident"], row["recipient"], json.loads(row["facts"]))
        for each in incidents.all_incidents(self.store):
            if each.ended_at_ms is not None and each.closed_as != "superseded":
                assert self.ended.get(each.number, set()) == self.told.get(each.number, set()), "an end not told"

    def _check_row(self, kind: str, number: int | None, recipient: str, facts: dict[str, str]) -> None:
        if kind in TELLING:
            assert not self.is_surely_watched(facts["probe_id"]), f"{kind} told while somebody else is watching"
        if kind in TELLING | {"disagreement"}:
            assert not self.is_in_maintenance(facts["probe_id"]), f"{kind} told in maintenance"
        if number is None or kind == "disagreement":
            return
        told, ended = self.told.setdefault(number, set()), self.ended.setdefault(number, set())
        assert recipient not in (ended if kind in ENDS else told if kind in BEGINNINGS else ()), f"{kind} told twice"
        assert kind in BEGINNINGS or recipient in told, f"{kind} told before the beginning"
        (ended if kind in ENDS else told).add(recipient)

    def check_silence(self) -> None:
        """Check, after a round, that everyone knows what is open and nobody else watches."""
        self.check_queue()
        for each in incidents.open_incidents(self.store, self.known.location):
            if self.is_surely_ours(each.probe_id) and self._is_past_maintenance(each):
                assert self.told.get(each.number, set()) == self._concerned(each), f"{each.probe_id} is not told of"

    def _concerned(self, incident: Incident) -> set[str]:
        channels = [each for each in self.known.channels if wants(each, {incident.probe_id})]
        return {recipient for each in channels for recipient in each.to}

    def _is_past_maintenance(self, incident: Incident) -> bool:
        """Say whether a probe is in no maintenance, and something was wrong with it after the last one."""
        last_bad_ms = self.last_bad_ms[incident.probe_id, incident.kind]
        return not self.is_in_maintenance(incident.probe_id) and all(
            (each.start_ms or 0) + each.duration_ms <= last_bad_ms for each in self._windows(incident.probe_id)
        )

    def is_in_maintenance(self, probe_id: str) -> bool:
        return any(
            (each.start_ms or 0) <= self.now_ms < (each.start_ms or 0) + each.duration_ms
            for each in self._windows(probe_id)
        )

    def _windows(self, probe_id: str) -> list[Maintenance]:
        return [each for each in self.known.maintenance if not each.probe_ids or probe_id in each.probe_ids]

    def is_surely_watched(self, probe_id: str) -> bool:
        """Say whether each of the last three looks, or of all so far, has seen it watched."""
        last = self.looks.replace("O", "")[-3:]
        return bool(last) and all(probe_id in WATCHED.get(sign, "") for sign in last)

    def is_surely_ours(self, probe_id: str) -> bool:
        """Say whether enough looks have found that nobody else watches it."""
        said = self.looks.replace("O", "").replace("L", "")
        if probe_id == "c" and any(sign in ANSWERS for sign in said):
            return True
        has_no_monitor = len(said) > 1 and all(
            sign in ANSWERS and probe_id not in WATCHED.get(sign, "") for sign in said[-2:]
        )
        is_silent = len(said) > 2 and set(said[-3:]) <= set("SUK")
        return has_no_monitor or is_silent or said.endswith("K") or self._is_put_off()

    def _is_put_off(self) -> bool:
        """Say whether we were asked to wait for so long that nobody knows any more."""
        is_waiting = self.limited_ms is not None and self.looks[-1:] == "L"
        return is_waiting and self.now_ms - (self.limited_ms or 0) >= PATIENCE_MS
