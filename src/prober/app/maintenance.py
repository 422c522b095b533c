"""Maintenance: what the configuration says of it now, and what the store remembers of what it said before.

What was maintenance is recorded check by check, from one check of a probe to the next. So a window counts from when it
stands in the configuration, and what it was good for stays when it is deleted. Only for the time since the last check
the configuration is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.adapters.store import maintenance, states
from prober.adapters.store.maintenance import MaintenanceRow
from prober.core import windows
from prober.core.report import PlannedNow
from prober.core.uptime import union

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from prober.adapters.store.db import Store
    from prober.core.model import Incident, Probe, ProbeState
    from prober.core.settings import Config
    from prober.core.uptime import Span


def record_maintenance(
    store: Store,
    config: Config,
    before: Mapping[str, ProbeState],
    after: Mapping[str, ProbeState],
    mask: Callable[[str], str],
) -> None:
    """Record what was maintenance between the states before and after a round, in the caller's transaction."""
    if config.maintenance:
        maintenance.append_maintenance(store, _passed(config, before, after, mask))


def all_maintenance(
    store: Store, config: Config, probe_ids: Collection[str], *, since_ms: int, now_ms: int
) -> dict[str, list[Span]]:
    """Return, by the id of the probe, what of the time since then was and is maintenance, as `union` returns it."""
    found = maintenance.all_maintenance(store, probe_ids, since_ms=since_ms)
    if config.maintenance:
        last = states.last_checks(store, probe_ids)
        for probe in config.probes:
            if probe.id in last:
                found[probe.id] += windows.spans(config.maintenance, probe, max(last[probe.id], since_ms), now_ms)
    return {probe_id: union(spans) for probe_id, spans in found.items()}


def planned_now(config: Config, probe: Probe, now_ms: int) -> PlannedNow | None:
    """Return the maintenance that a probe is in, if it is in any; one that is paused is in none."""
    active = windows.active(config.maintenance, probe, now_ms) if probe.enabled else None
    bounds = windows.around(config.maintenance, probe, now_ms) if active else None
    if active is None or bounds is None:
        return None
    return PlannedNow(since_ms=bounds[0], until_ms=bounds[1], reason=active.reason)


def begun_in_maintenance(store: Store, config: Config, incidents: Sequence[Incident], *, now_ms: int) -> set[int]:
    """Return the numbers of those incidents that began while their probe was in maintenance."""
    since_ms = min((each.started_at_ms for each in incidents), default=now_ms)
    probe_ids = {each.probe_id for each in incidents}
    found = all_maintenance(store, config, probe_ids, since_ms=since_ms, now_ms=now_ms)
    return {
        each.number
        for each in incidents
        if any(from_ms <= each.started_at_ms < to_ms for from_ms, to_ms in found.get(each.probe_id, ()))
    }


def _passed(
    config: Config,
    before: Mapping[str, ProbeState],
    after: Mapping[str, ProbeState],
    mask: Callable[[str], str],
) -> Iterator[MaintenanceRow]:
    for probe in config.probes:
        was, now = before.get(probe.id), after.get(probe.id)
        if was is None or was.last_at_ms is None or now is None or now.last_at_ms is None:
            continue
        for from_ms, to_ms in windows.spans(config.maintenance, probe, was.last_at_ms, now.last_at_ms):
            active = windows.active(config.maintenance, probe, from_ms)
            reason = active.reason if active else None
            yield MaintenanceRow(
                probe_id=probe.id, from_ms=from_ms, to_ms=to_ms, reason=None if reason is None else mask(reason)
            )
