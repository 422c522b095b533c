"""One round's transaction: results, states, incidents, events and the alerts they cause, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from prober.adapters.store import probes, results, rounds, standings, states
from prober.adapters.store.rounds import RoundRow
from prober.app.announce import Announcer, Told
from prober.app.facts import Scene
from prober.app.maintenance import record_maintenance
from prober.app.remind import due_reminders
from prober.app.role import where_we_stand
from prober.app.standby import release_held
from prober.core import certificate, connectivity, gate, rules, standby
from prober.core.masking import Masker
from prober.core.model import Event, ProbeState
from prober.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from prober.adapters.store.db import Store
    from prober.app.place import Place
    from prober.app.round import Round
    from prober.core.model import Probe, Result
    from prober.core.settings import Config
    from prober.core.standby import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a round came to: the states after it, its events in order, and how many alerts it queued.

    ``states`` are those of the probes that the round was about, ``released`` (probe, incident) of what was held until
    now.
    """

    states: Mapping[str, ProbeState]
    told: tuple[Told, ...]
    queued: int
    released: tuple[tuple[str, int], ...] = ()


def refuse_foreign(store: Store, config: Config) -> None:
    """Raise ConfigError when the store holds probes, but none that this configuration knows."""
    known = probes.all_probe_ids(store)
    if known and not known & {probe.id for probe in config.probes}:
        raise ConfigError(
            f"{store.path} holds the history of other probes ({', '.join(sorted(known)[:5])}), and of none in "
            f"{config.path}.\nName another store, or take this one over with --adopt."
        )


def record(
    seen: Round,
    *,
    store: Store,
    config: Config,
    place: Place,
    covers_all: bool,
    is_alerting: bool,
    goes_on: bool = False,
) -> Recorded:
    """Apply the rules to a round's results and commit everything they cause.

    ``covers_all`` says that the round was about every configured probe: what is open for others is closed as removed.
    ``goes_on`` says that it continues the round before it, as a service's commits do.
    """
    mask = Masker(config.secrets).mask
    configured = {probe.id: probe for probe in config.probes}
    seen = replace(seen, results=_still_asked(seen.results, configured))
    with store.transaction():
        before = _states_before(store, config, seen, covers_all=covers_all)
        standing, turned = _follow_time(store, config, seen.ended_at_ms)
        after, caused = _judge(seen, before, configured, config, standing)
        caused += turned
        if covers_all:
            caused += _remove_absent(before, after, configured, seen.ended_at_ms)
        if seen.results or seen.jumped_ms:
            caused += _follow_blackout(store, config, seen)
        if seen.results:
            keep_round = rounds.continue_round if goes_on else rounds.record_round
            keep_round(store, _row(seen, config.location, place))
        about = configured.values() if covers_all else [configured[result.probe_id] for result in seen.results]
        probes.ensure_probes(store, [replace(probe, url=mask(probe.url)) for probe in about])
        results.append_results(store, seen.results)
        states.save_states(store, config.location, after)
        record_maintenance(store, config, before, after, mask)
        announcer = Announcer(
            Scene(
                store=store,
                config=config,
                now_ms=seen.ended_at_ms,
                origin=place.origin,
                is_reachable=seen.is_reachable,
                mask=mask,
                standing=standing,
            ),
            is_alerting=is_alerting,
        )
        told = [each for event in caused if (each := announcer.tell(event)) is not None]
        if is_alerting:
            told += filter(None, map(announcer.tell, due_reminders(store, config, seen.ended_at_ms)))
            release_held(store, config, announcer)
    return Recorded(
        states={**before, **after}, told=tuple(told), queued=announcer.queued, released=tuple(announcer.released)
    )


def _still_asked(results: Iterable[Result], configured: Mapping[str, Probe]) -> tuple[Result, ...]:
    """Return the results of what is still configured: a reload may come between a check and its commit."""
    return tuple(
        each for each in results if (probe := configured.get(each.probe_id)) and each.identity in {None, probe.identity}
    )


def _states_before(store: Store, config: Config, seen: Round, *, covers_all: bool) -> dict[str, ProbeState]:
    if covers_all:
        return states.all_states(store, config.location)
    return states.find_states(store, config.location, {result.probe_id for result in seen.results})


def _follow_time(store: Store, config: Config, now_ms: int) -> tuple[Standing | None, Sequence[Event]]:
    """Return where we stand now, and what time alone made of that."""
    known = where_we_stand(store, config)
    if known is None:
        return None, ()
    after, events = standby.elapse(known, now_ms)
    if after != known:
        standings.save_standing(store, config.location, after)
    return after, events


def _judge(
    seen: Round,
    before: Mapping[str, ProbeState],
    configured: Mapping[str, Probe],
    config: Config,
    standing: Standing | None,
) -> tuple[dict[str, ProbeState], list[Event]]:
    after: dict[str, ProbeState] = {}
    caused: list[Event] = []
    for result in sorted(seen.results, key=attrgetter("at_ms")):
        probe = configured[result.probe_id]
        state = rules.configure(before.get(probe.id, ProbeState()), probe.identity)
        state, ruled = rules.apply(state, result, policy=probe.policy)
        warned_state, warned = certificate.warn(state, result, warn_ms=probe.expect.certificate_ms)
        is_held = any(gate.is_held(each, probe=probe, standing=standing, windows=config.maintenance) for each in warned)
        after[probe.id] = state if is_held else warned_state
        caused += (*ruled, *(() if is_held else warned))
    return after, caused


def _remove_absent(
    before: Mapping[str, ProbeState], after: dict[str, ProbeState], configured: Collection[str], now_ms: int
) -> list[Event]:
    caused: list[Event] = []
    for probe_id in sorted(before.keys() - set(configured)):
        after[probe_id], closed = rules.remove(probe_id, before[probe_id], now_ms)
        caused += closed
    return caused


def _follow_blackout(store: Store, config: Config, seen: Round) -> tuple[Event, ...]:
    blackout, events = connectivity.follow(
        rounds.find_blackout(store, config.location),
        seen.results,
        is_reachable=seen.is_reachable,
        now_ms=seen.ended_at_ms,
        jumped_ms=seen.jumped_ms,
    )
    rounds.save_blackout(store, config.location, blackout, now_ms=seen.ended_at_ms)
    return events


def _row(seen: Round, location: str, place: Place) -> RoundRow:
    return RoundRow(
        location=location,
        started_at_ms=seen.started_at_ms,
        ended_at_ms=seen.ended_at_ms,
        checks=len(seen.results),
        is_offline=seen.is_offline,
        host=place.host,
        pid=place.pid,
    )
