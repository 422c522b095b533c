"""When the next check of a probe starts, and how long the worst outage stays untold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.core.rules import is_pending

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prober.core.model import Probe, ProbeState

PACE_MS = 5
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


def run_deadline_ms(probes: Iterable[Probe]) -> int:
    """Return how long a one-shot run may stay: 4 minutes, or 80 % of the shortest interval where that is less."""
    return min([MAX_DEADLINE_MS, *(int(DEADLINE_SHARE * probe.interval_ms) for probe in probes)])


def worst_alert_ms(probe: Probe) -> int:
    """Return the longest time from the start of an outage to its alert."""
    failures = probe.policy.failures
    if probe.recheck_ms is None:
        return failures * probe.interval_ms + probe.timeout_ms
    return probe.interval_ms + (failures - 1) * max(probe.recheck_ms, probe.timeout_ms) + probe.timeout_ms
