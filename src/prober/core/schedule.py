"""When the next check of a probe starts, and how long the worst outage stays untold.

The service gives every probe a fixed phase in its interval, made from its id: load is spread over time, and stays
spread over restarts. A slot is a time at which a probe's phase comes round. There are 60 phases, one every 5 s in five
minutes: checks that start close together cost about half of what checks cost that each wake the machine anew, and as
starts are paced they do not wait for each other. Slots that nobody could serve (suspended, overloaded, stopped) are
skipped: they become unobserved time, never a burst of checks.

A one-shot run may have thousands to start, a service those of one phase: it starts them closer together, as a machine
that does not fall asleep between two checks does each for a third less.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from prober.core.rules import is_pending

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prober.core.model import Probe, ProbeState

PACE_MS = 5
SERVICE_PACE_MS = 3
PHASES = 60
DUE_SHARE = 0.9
MAX_DEADLINE_MS = 240_000
DEADLINE_SHARE = 0.8


def is_due(probe: Probe, last_at_ms: int | None, now_ms: int) -> bool:
    """Say whether 90 % of the interval has passed since the last check; a last check in the future counts as none."""
    if last_at_ms is None or last_at_ms > now_ms:
        return True
    return now_ms - last_at_ms >= DUE_SHARE * probe.interval_ms


def is_waiting_for_verdict(probe: Probe, state: ProbeState) -> bool:
    """Say whether a one-shot run stays for this probe."""
    return probe.recheck_ms is not None and is_pending(state)


def spacing_ms(probe: Probe, state: ProbeState) -> int:
    """Return the planned time from the start of the last check to the next one."""
    if probe.recheck_ms is not None and is_pending(state):
        return probe.recheck_ms
    return probe.interval_ms


def next_slot_ms(probe: Probe, after_ms: int) -> int:
    """Return the first slot of a probe after a time, both on one steady scale of milliseconds."""
    phase_ms = _phase(probe.id) * probe.interval_ms // PHASES
    return after_ms + 1 + (phase_ms - after_ms - 1) % probe.interval_ms


def next_start_ms(probe: Probe, state: ProbeState, *, started_ms: int, ended_ms: int) -> int:
    """Return when the service checks a probe again: in its next slot, or as a recheck while a verdict is pending."""
    if probe.recheck_ms is not None and is_pending(state):
        return max(started_ms + probe.recheck_ms, ended_ms)
    return next_slot_ms(probe, ended_ms)


def first_start_ms(probe: Probe, state: ProbeState, now_ms: int) -> int:
    """Return when a service that starts now checks a probe first; a pending verdict goes on where it stopped.

    A last check in the future says nothing: the wall clock was wrong then, or is now.
    """
    last_ms = state.last_at_ms
    if last_ms is None or last_ms > now_ms:
        return next_slot_ms(probe, now_ms)
    return min(next_start_ms(probe, state, started_ms=last_ms, ended_ms=now_ms), next_slot_ms(probe, now_ms))


def run_deadline_ms(probes: Iterable[Probe]) -> int:
    """Return how long a one-shot run may stay: 4 minutes, or 80 % of the shortest interval where that is less."""
    return min([MAX_DEADLINE_MS, *(int(DEADLINE_SHARE * probe.interval_ms) for probe in probes)])


def verdict_ms(probe: Probe) -> int:
    """Return how long a run may have to stay until it knows what a probe is, one way or the other."""
    if probe.recheck_ms is None:
        return probe.timeout_ms
    most = max(probe.policy.failures, probe.policy.slow_checks) + probe.policy.recoveries
    return most * max(probe.recheck_ms, probe.timeout_ms) + probe.timeout_ms


def worst_alert_ms(probe: Probe) -> int:
    """Return the longest time from the start of an outage to its alert."""
    failures = probe.policy.failures
    if probe.recheck_ms is None:
        return failures * probe.interval_ms + probe.timeout_ms
    return probe.interval_ms + (failures - 1) * max(probe.recheck_ms, probe.timeout_ms) + probe.timeout_ms


@lru_cache(maxsize=4096)
def _phase(probe_id: str) -> int:
    return int.from_bytes(hashlib.sha256(probe_id.encode()).digest()[:8]) % PHASES
