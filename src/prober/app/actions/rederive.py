"""States after two runs checked at the same time: what the rules make of both runs' results, in their order.

Each run judged its own results only. Where both began from the same states, the rules go once more over all results
since, and what that changes about open incidents is told like any other event. Incidents that are open stay so until
the rules close them: whoever was told of one will hear of its end.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from prober.adapters.store import carriers, incidents, results, states
from prober.adapters.store.merge.places import agree_with_incidents
from prober.app.announce import Announcer
from prober.app.facts import Scene
from prober.app.role import where_we_stand
from prober.core import rules
from prober.core.masking import Masker
from prober.core.model import Closed, Kind, Opened, ProbeState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.adapters.store.db import Store
    from prober.app.place import Place
    from prober.core.model import Event, Probe, Result
    from prober.core.settings import Config

MOST_RESULTS = 1_000


def rederive(store: Store, *, config: Config, base: Mapping[str, ProbeState], place: Place, now_ms: int) -> int:
    """Judge all results since ``base`` anew, and return how many alerts that queued."""
    mask = Masker(config.secrets).mask
    scene = Scene(
        store=store,
        config=config,
        now_ms=now_ms,
        origin=place.origin,
        is_reachable=None,
        mask=mask,
        standing=where_we_stand(store, config),
    )
    announcer = Announcer(scene, is_alerting=True)
    with store.transaction():
        after: dict[str, ProbeState] = {}
        caused: list[Event] = []
        for probe in config.probes:
            before = base.get(probe.id, ProbeState())
            seen = _since(store, probe, config.location, before)
            if seen:
                after[probe.id], events = _replay(before, seen, probe)
                caused += events
        states.save_states(store, config.location, _with_certificates(store, config.location, after))
        carriers.join_repeats(store)
        for event in caused:
            if _is_news(store, event, after, config.location):
                announcer.tell(event)
        agree_with_incidents(store)
        carriers.join_repeats(store)
    return announcer.queued


def _since(store: Store, probe: Probe, location: str, before: ProbeState) -> list[Result]:
    """Return the results that came after the common states, oldest first."""
    newest = results.last_results(store, probe.id, location, MOST_RESULTS)
    return sorted(
        (each for each in newest if before.last_at_ms is None or each.at_ms > before.last_at_ms),
        key=attrgetter("at_ms"),
    )


def _replay(before: ProbeState, seen: Sequence[Result], probe: Probe) -> tuple[ProbeState, list[Event]]:
    state = rules.configure(before, probe.identity)
    caused: list[Event] = []
    for result in seen:
        state, events = rules.apply(state, result, policy=probe.policy)
        caused += events
    return state, caused


def _with_certificates(store: Store, location: str, after: Mapping[str, ProbeState]) -> Mapping[str, ProbeState]:
    """Keep which certificates were warned about: results do not tell that."""
    known = states.all_states(store, location)
    return {
        probe_id: replace(
            state,
            certificate=known.get(probe_id, state).certificate,
            certificate_stage_ms=known.get(probe_id, state).certificate_stage_ms,
        )
        for probe_id, state in after.items()
    }


def _is_news(store: Store, event: Event, after: Mapping[str, ProbeState], location: str) -> bool:
    """Say whether an event tells what is so now, and what neither run has recorded."""
    match event:
        case Opened(probe_id=probe_id, kind=kind, started_at_ms=started_at_ms):
            known = [each for each in incidents.all_incidents(store) if (each.probe_id, each.kind) == (probe_id, kind)]
            is_known = any(each.ended_at_ms is None or each.started_at_ms == started_at_ms for each in known)
            return not is_known and _open_since(after[probe_id], kind) == started_at_ms
        case Closed(probe_id=probe_id, kind=kind):
            is_open = incidents.find_open(store, probe_id, location, kind) is not None
            return is_open and _open_since(after[probe_id], kind) is None
    return False


def _open_since(state: ProbeState, kind: Kind) -> int | None:
    return state.down_since_ms if kind is Kind.DOWN else state.slow_since_ms
