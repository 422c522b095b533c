"""Bring two stores together: what either knows, the other learns, and being told again changes nothing.

Everything is merged by a key that is the same in every copy: a result by probe, location and time, an incident, an
event or a note by its uid, an alert by what it tells to whom. What two copies know of one thing is joined so that the
order does not matter: A into B and then B into A leaves both with the same content. Only names and urls of probes, the
numbers for people, notices and ``meta`` are each store's own.

What lives (states, maintenance, incidents, events, alerts) is one transaction. The past follows in batches that are
short enough to work beside a running service; each of them is consistent, and a merge that was interrupted is simply
repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.adapters.store.merge import alerts, incidents, places, results, rollups
from prober.adapters.store.merge.attach import attached
from prober.adapters.store.merge.seed import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from prober.adapters.store.db import Store

__all__ = ["Merged", "merge", "seed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """How much was new to a store.

    ``rollups`` are hours of which single results are gone, ``changed`` incidents and alerts that went on elsewhere.
    """

    probes: int = 0
    results: int = 0
    rollups: int = 0
    incidents: int = 0
    notes: int = 0
    events: int = 0
    alerts: int = 0
    rounds: int = 0
    runs: int = 0
    changed: int = 0


def merge(store: Store, other: Store, *, on_progress: Callable[[int, int], None] = lambda *_: None) -> Merged:
    """Take in all that another store of the same version knows; that one is at most rolled up.

    ``on_progress`` is told how many of how many results were looked at. Raises CorruptStore, before anything is
    changed, when the other one is damaged, and ValueError when it is the very same one.
    """
    rollups.roll_up_for(store, other)
    with attached(store, other):
        with store.transaction():
            store.write("PRAGMA defer_foreign_keys = ON")
            probes = places.take_in_probes(store)
            places.take_in_states(store)
            new_incidents, changed_incidents, notes = incidents.take_in(store)
            new_events = incidents.take_in_events(store)
            new_alerts, changed_alerts = alerts.take_in(store)
            places.agree_with_incidents(store)
            places.take_in_blackouts(store)
            places.take_in_standings(store)
            places.take_in_maintenance(store)
        new_rollups = rollups.take_in(store)
        with store.transaction():
            rounds = places.take_in_rounds(store)
            runs = places.take_in_runs(store)
        new_results = results.take_in(store, on_progress)
    return Merged(
        probes=probes,
        results=new_results,
        rollups=new_rollups,
        incidents=new_incidents,
        notes=notes,
        events=new_events,
        alerts=new_alerts,
        rounds=rounds,
        runs=runs,
        changed=changed_incidents + changed_alerts,
    )
