"""What `prober status` shows, gathered from the store."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prober.adapters.store import incidents, notices, outbox, results, rounds, states
from prober.adapters.store.db import open_reader
from prober.adapters.store.meta import created_at_ms
from prober.app.elsewhere import places_in_use
from prober.app.history import WINDOWS, Histories
from prober.app.maintenance import all_maintenance, planned_now
from prober.app.role import location_shown, watcher_of, what_holds, where_we_stand
from prober.app.waiting import count_alerts
from prober.core.diagnosis.service import patience_ms
from prober.core.model import ProbeState
from prober.core.report import Notice, ProbeStatus, StatusReport, WindowFigures
from prober.core.standby import role_of
from prober.core.uptime import Period, Uptime
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.adapters.store.rounds import RoundRow
    from prober.core.model import Incident, Probe, Result
    from prober.core.report import PlannedNow, ShownState
    from prober.core.settings import Config
    from prober.core.sight import Role
    from prober.core.standby import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """What is true of all probes at one location."""

    location: str
    states: Mapping[str, ProbeState]
    last: Mapping[str, Result]
    open_incidents: Sequence[Incident]
    standing: Standing | None


def report_status(
    store: Store | None,
    config: Config,
    probes: Sequence[Probe],
    *,
    now_ms: int,
    span: Period | None = None,
    is_brief: bool = False,
    past: Store | None = None,
) -> StatusReport:
    """Return how the probes are and were; before the first run, that nothing is known.

    ``past`` is where the figures come from, if not from the store that knows how things are. ``span`` replaces the
    usual windows by one of its own, named ``range``. A brief report has response times of the first window alone,
    which are all that a table shows, and is made in half the time.
    """
    windows = {name: Period(from_ms=now_ms - length_ms, to_ms=now_ms) for name, length_ms in WINDOWS.items()}
    if span is not None:
        windows = {"range": span}
    timed = tuple(windows)[: 1 if is_brief else None]
    if store is None:
        shown = tuple(_unseen(probe, windows, planned_now(config, probe, now_ms)) for probe in probes)
        empty = StatusReport(title=config.title, location=config.location, generated_at_ms=now_ms, probes=shown)
        return replace(empty, watcher=watcher_of(config), role="active" if config.standby is None else "standby")
    with store.snapshot():
        last_round = rounds.last_round(store)
        now = _look(store, config)
        return StatusReport(
            title=config.title,
            location=config.location,
            generated_at_ms=now_ms,
            role=now.standing.role if now.standing else "active",
            role_since_ms=now.standing.since_ms if now.standing else None,
            watcher=watcher_of(config),
            held=what_holds(store, config, now.open_incidents, now_ms=now_ms),
            last_round_at_ms=last_round.ended_at_ms if last_round else None,
            undelivered_alerts=count_alerts(outbox.all_waiting(store)),
            notices=(*notices.all_notices(store), *_of_silence(last_round, config, now_ms)),
            span=span,
            probes=tuple(_statuses(past or store, config, probes, now, windows, now_ms, timed)),
        )


def _of_silence(last_round: RoundRow | None, config: Config, now_ms: int) -> Iterator[Notice]:
    """Yield a notice when nothing has been checked for long: what a table shows may not be so any more."""
    patience = patience_ms(probe.interval_ms for probe in config.probes)
    if last_round is not None and now_ms - last_round.ended_at_ms > patience:
        said = "nothing checks any more. See: prober doctor"
        yield Notice(name="silence", since_ms=last_round.ended_at_ms, text=said)


def tell_of_stand_ins(path: Path) -> tuple[Notice, ...]:
    """Return what people should know while something stands in for the store."""
    return tuple(_of_stand_in(file, path) for file in places_in_use(path))


def _of_stand_in(file: Path, path: Path) -> Notice:
    trouble = "the store cannot be written" if os.path.lexists(path) else f"the store is gone from {path}"
    since_ms = file.stat().st_mtime_ns // 1_000_000
    with suppress(StoreError):
        reader = open_reader(file)
        if reader is not None:
            with closing(reader):
                since_ms = created_at_ms(reader)
    return Notice(
        name="store",
        since_ms=since_ms,
        text=f"{trouble}; {file} stands in for it. See: prober doctor",
    )


def _look(store: Store, config: Config) -> _Now:
    location = location_shown(store, config)
    return _Now(
        location=location,
        states=states.all_states(store, location),
        last=results.all_last_results(store, location),
        open_incidents=incidents.open_incidents(store, location),
        standing=where_we_stand(store, replace(config, location=location)),
    )


def _statuses(
    store: Store,
    config: Config,
    probes: Sequence[Probe],
    now: _Now,
    windows: Mapping[str, Period],
    now_ms: int,
    timed: Collection[str],
) -> Iterator[ProbeStatus]:
    since_ms = min(now_ms - WINDOWS["90d"], *(window.from_ms for window in windows.values()))
    ids = [probe.id for probe in probes]
    maintenance = all_maintenance(store, config, ids, since_ms=since_ms, now_ms=now_ms)
    histories = Histories(store, ids, maintenance, since_ms=since_ms, now_ms=now_ms)
    measured = histories.windows(windows, now.location, timed=timed)
    for probe in probes:
        state = now.states.get(probe.id, ProbeState())
        planned = planned_now(config, probe, now_ms)
        yield ProbeStatus(
            id=probe.id,
            name=probe.name,
            state=_shown_state(probe, planned, state),
            since_ms=planned.since_ms if planned else state.since_ms,
            last=now.last.get(probe.id),
            open_incidents=tuple(each for each in now.open_incidents if each.probe_id == probe.id),
            target_percent=probe.target_percent,
            windows=measured[probe.id],
            days=histories.of(probe.id).days(),
            role=_own_role(probe, now.standing),
            verify=probe.verify,
            maintenance=planned,
        )


def _own_role(probe: Probe, standing: Standing | None) -> Role | None:
    """Return our role for a probe, None where it is that of all."""
    if standing is None or not probe.enabled or (role := role_of(standing, probe.id)) == standing.role:
        return None
    return role


def _shown_state(probe: Probe, planned: PlannedNow | None, state: ProbeState) -> ShownState:
    if not probe.enabled:
        return "paused"
    return "maintenance" if planned else state.state.value


def _unseen(probe: Probe, windows: Mapping[str, Period], planned: PlannedNow | None) -> ProbeStatus:
    return ProbeStatus(
        id=probe.id,
        name=probe.name,
        state=_shown_state(probe, planned, ProbeState()),
        since_ms=planned.since_ms if planned else None,
        target_percent=probe.target_percent,
        windows=tuple(WindowFigures(name=name, uptime=Uptime()) for name in windows),
        verify=probe.verify,
        maintenance=planned,
    )
