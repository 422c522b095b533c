"""Where we stand behind another monitor, and what is held back for it, as the store tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prober.adapters.store import rounds, standings
from prober.adapters.store.states import has_checked
from prober.core import gate
from prober.core.roles import Glance, RoleReport, probe_role
from prober.core.sight import WATCHERS
from prober.core.standby import Standing, next_look_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prober.adapters.store.db import Store
    from prober.adapters.store.standings import LookRow
    from prober.core.gate import HeldBy
    from prober.core.model import Incident
    from prober.core.settings import Config
    from prober.core.sight import Role


def where_we_stand(store: Store, config: Config) -> Standing | None:
    """Return where we stand, None when we stand behind nobody."""
    if config.standby is None:
        return None
    return standings.find_standing(store, config.location) or Standing()


def our_role(store: Store, config: Config) -> Role:
    """Return our role as a whole: ``active`` when we stand behind nobody."""
    standing = where_we_stand(store, config)
    return "active" if standing is None else standing.role


def watcher_of(config: Config) -> str | None:
    """Return what people call whom we stand behind."""
    return None if config.standby is None else WATCHERS[config.standby.behind]


def location_shown(store: Store, config: Config) -> str:
    """Return the configured location, or the last one that checked where this one never did."""
    last_round = None if has_checked(store, config.location) else rounds.last_round(store)
    return config.location if last_round is None else last_round.location


def report_role(stores: Sequence[Store], config: Config, *, now_ms: int, limit: int) -> RoleReport:
    """Return our role and why, as the first store knows it, with at most so many looks of all; nobody is asked."""
    if config.standby is None:
        return RoleReport(generated_at_ms=now_ms, location=config.location)
    location, standing = config.location, Standing()
    rows: dict[int, LookRow] = {}
    if stores:
        location = location_shown(stores[0], config)
        standing = standings.find_standing(stores[0], location) or standing
        rows = {row.at_ms: row for store in stores for row in standings.last_looks(store, location, limit)}
    has_looked = standing.looked_ms is not None
    return RoleReport(
        generated_at_ms=now_ms,
        location=location,
        behind=config.standby.behind,
        standing=standing,
        next_look_ms=next_look_ms(standing, config.standby.every_ms, now_ms) if has_looked else None,
        probes=tuple(probe_role(standing, probe) for probe in config.probes),
        looks=tuple(_glance(rows[at_ms]) for at_ms in sorted(rows, reverse=True)[:limit]),
    )


def silent_probes(store: Store, config: Config, *, now_ms: int) -> set[str]:
    """Return the ids of the probes of which nothing is told now."""
    standing = where_we_stand(store, config)
    return {
        probe.id
        for probe in config.probes
        if gate.is_silent(probe, standing=standing, windows=config.maintenance, now_ms=now_ms)
    }


def what_holds(store: Store, config: Config, incidents: Iterable[Incident], *, now_ms: int) -> dict[int, HeldBy | None]:
    """Return what keeps each of those incidents from being told that is held; None: it only waits for a bad check."""
    held = [each for each in incidents if each.is_held]
    standing = {place: where_we_stand(store, replace(config, location=place)) for place in {x.location for x in held}}
    probes = {probe.id: probe for probe in config.probes}
    return {
        each.number: gate.incident_held_by(
            each,
            probe=probes.get(each.probe_id),
            standing=standing[each.location],
            windows=config.maintenance,
            now_ms=now_ms,
        )
        for each in held
    }


def _glance(row: LookRow) -> Glance:
    return Glance(
        at_ms=row.at_ms,
        seen=row.seen,
        role=row.role,
        monitors=row.monitors,
        newest_at_ms=row.newest_at_ms,
        why=row.why,
    )
