"""What a store must hold after all the kills: what the rules make of its own results, and nothing that is not true."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from prober.adapters.store.db import open_reader
from prober.adapters.store.states import all_states
from prober.core import rules
from prober.core.model import Closed, Opened, Outcome, ProbeState, Reason, Result
from tests.app.crash_findings import all_broken, all_true
from tests.app.kill_truth import DOWN, SLOW, WELL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prober.core.model import Policy, Probe
    from prober.core.settings import Config
    from tests.app.crash_findings import Told
    from tests.app.kill_truth import Stretch, Truth

# Probe, kind, when it started and was confirmed, when it ended and as what.
Incident: TypeAlias = tuple[str, str, int, int, int | None, str | None]

SAID: Final = {"down": ("DOWN", "UP"), "slow": ("SLOW", "OK")}
SHOWN: Final = {
    **{mood: {Outcome.FAILED} for mood in DOWN},
    SLOW: {Outcome.SLOW},
    WELL: {Outcome.OK, Outcome.SLOW},  # we may starve on a machine that is busy
}
INCIDENTS: Final = """
SELECT number, probe, kind, started_at_ms, confirmed_at_ms, ended_at_ms, closed_as FROM incidents ORDER BY number"""
LATE_MS: Final = 1_000  # so much later than it should a request may arrive on a machine that is busy
TWICE: Final = "SELECT kind, incident FROM events GROUP BY kind, incident HAVING count(*) > 1"
RESULTS: Final = "SELECT at_ms, outcome, reason, detail, latency_ms FROM v_results WHERE probe = ? ORDER BY at_ms"


@dataclass(slots=True, kw_only=True)
class Sight:
    """How much of the truth was seen. ``starved`` are checks that timed out on a target that was well."""

    results: int = 0
    outages: int = 0
    noticed: int = 0
    starved: int = 0


def all_told(path: Path, config: Config) -> set[Told]:
    """Return what everyone must have been told of the incidents that the store holds."""
    told: set[Told] = set()
    for number, probe_id, kind, *_, closed_as in _rows(path, INCIDENTS):
        probe = next(each for each in config.probes if each.id == probe_id)
        concerned = [each for each in config.channels if not each.tags or set(each.tags) & set(probe.tags)]
        begins, ends = SAID[kind]
        words = (begins, ends) if closed_as == "recovered" else (begins,)
        told |= {(to, word, str(number)) for channel in concerned for to in channel.to for word in words}
    return told


def all_wrong(path: Path, config: Config, truth: Truth, sight: Sight) -> Iterator[str]:
    """Yield everything that is wrong in the store, and note how much was seen."""
    yield from all_broken(path)
    yield from (f"{kind} of incident {number} is there twice" for kind, number in _rows(path, TWICE))
    if all_told(path, config) != all_true(path):
        yield f"not what was to be told: {all_told(path, config) ^ all_true(path)}"
    known = {tuple(fields) for _, *fields in _rows(path, INCIDENTS)}
    ruled: set[Incident] = set()
    states = _states(path, config.location)
    for probe in config.probes:
        results = _results(path, probe.id)
        incidents, state = replay(results, probe.policy)
        ruled |= incidents
        if states.get(probe.id, ProbeState()) != state:
            yield f"{probe.id} is remembered as {states.get(probe.id)} and not as {state}"
        yield from _against(results, list(truth.stretches(probe.id)), probe.timeout_ms, sight)
        yield from _unnoticed(results, list(truth.stretches(probe.id)), probe, incidents, sight)
    yield from (f"{each} should be an incident" for each in ruled - known)
    yield from (f"{each} should be no incident" for each in known - ruled)


def replay(results: list[Result], policy: Policy) -> tuple[set[Incident], ProbeState]:
    """Apply the rules to all results of a probe, and return its incidents and what is to be remembered."""
    state, begun, incidents = ProbeState(), {}, set()
    for result in results:
        state, events = rules.apply(state, result, policy=policy)
        for event in events:
            if isinstance(event, Opened):
                begun[event.kind] = (event.started_at_ms, event.at_ms)
            elif isinstance(event, Closed):
                incidents.add((event.probe_id, event.kind, *begun.pop(event.kind), event.ended_at_ms, event.closed_as))
    open_ones = {(results[-1].probe_id, kind, *since, None, None) for kind, since in begun.items()}
    return incidents | open_ones, state


def _against(results: list[Result], stretches: list[Stretch], timeout_ms: int, sight: Sight) -> Iterator[str]:
    """Yield the results that are nothing of what the target showed while they may have looked."""
    sight.results += len(results)
    for result in results:
        until_ms = result.at_ms + timeout_ms + LATE_MS
        moods = {each.mood for each in stretches if _overlaps(each, result.at_ms, until_ms)}
        if result.outcome in {Outcome.UNKNOWN}.union(*(SHOWN[mood] for mood in moods)):
            continue
        if result.reason is Reason.TIMEOUT:
            sight.starved += 1
        else:
            yield f"{result.probe_id} at {result.at_ms} was {moods} and not {result.outcome}: {result.detail}"


def _unnoticed(
    results: list[Result], stretches: list[Stretch], probe: Probe, incidents: set[Incident], sight: Sight
) -> Iterator[str]:
    """Yield the outages that enough checks looked at and that are no incident."""
    for is_outage, run in groupby(stretches, key=lambda each: each.mood in DOWN):
        outage = list(run)
        from_ms, to_ms = outage[0].from_ms, outage[-1].to_ms
        checks = [each for each in results if from_ms <= each.at_ms and each.at_ms + probe.timeout_ms + LATE_MS < to_ms]
        judged = sum(each.outcome is not Outcome.UNKNOWN for each in checks)
        if is_outage:
            sight.outages += 1
        if is_outage and judged >= probe.policy.failures:
            sight.noticed += 1
            if not any(
                kind == "down" and begun < to_ms and (ended or to_ms) > from_ms
                for _, kind, begun, _, ended, _ in incidents
            ):
                yield f"{probe.id} was down from {from_ms} to {to_ms}, which is no incident"


def _overlaps(stretch: Stretch, from_ms: int, to_ms: int) -> bool:
    return stretch.from_ms <= to_ms and from_ms < stretch.to_ms


def _states(path: Path, location: str) -> dict[str, ProbeState]:
    store = open_reader(path)
    if store is None:
        return {}
    with closing(store):
        return {each: replace(state, identity="") for each, state in all_states(store, location).items()}


def _results(path: Path, probe_id: str) -> list[Result]:
    return [
        Result(
            probe_id=probe_id,
            location="",
            at_ms=at_ms,
            outcome=Outcome(outcome),
            reason=Reason(reason) if reason else None,
            detail=detail,
            latency_us=None if latency_ms is None else round(latency_ms * 1000),
        )
        for at_ms, outcome, reason, detail, latency_ms in _rows(path, RESULTS, probe_id)
    ]


def _rows(path: Path, query: str, *given: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query, given).fetchall()
