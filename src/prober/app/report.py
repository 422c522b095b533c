"""What `prober status` shows, gathered from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.adapters.store import incidents, outbox, results, rounds, states
from prober.app.history import WINDOWS, read_history
from prober.app.waiting import count_alerts
from prober.core.model import ProbeState
from prober.core.report import ProbeStatus, StatusReport, WindowFigures
from prober.core.uptime import Uptime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.adapters.store.db import Store
    from prober.core.model import Incident, Probe, Result
    from prober.core.settings import Config
    from prober.core.uptime import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """What is true of all probes at one location."""

    location: str
    states: Mapping[str, ProbeState]
    last: Mapping[str, Result]
    open_incidents: Sequence[Incident]


def report_status(
    store: Store | None, config: Config, probes: Sequence[Probe], *, now_ms: int, span: Period | None = None
) -> StatusReport:
    """Return how the probes are and were; before the first run, that nothing is known.

    ``span`` replaces the usual windows by one of its own, named ``range``.
    """
    windows = {name: (now_ms - length_ms, now_ms) for name, length_ms in WINDOWS.items()}
    if span is not None:
        windows = {"range": (span.from_ms, span.to_ms)}
    if store is None:
        shown = tuple(_unseen(probe, windows) for probe in probes)
        return StatusReport(title=config.title, location=config.location, generated_at_ms=now_ms, probes=shown)
    with store.snapshot():
        last_round = rounds.last_round(store)
        now = _look(store, config)
        return StatusReport(
            title=config.title,
            location=config.location,
            generated_at_ms=now_ms,
            last_round_at_ms=last_round.started_at_ms if last_round else None,
            undelivered_alerts=count_alerts(outbox.all_waiting(store)),
            probes=tuple(_status(store, probe, now, windows, now_ms) for probe in probes),
        )


def _look(store: Store, config: Config) -> _Now:
    """Look at the configured location, or at the last one that checked when this one never did."""
    location = config.location
    known = states.all_states(store, location)
    last_round = rounds.last_round(store)
    if not known and last_round is not None:
        location = last_round.location
        known = states.all_states(store, location)
    return _Now(
        location=location,
        states=known,
        last=results.all_last_results(store, location),
        open_incidents=incidents.open_incidents(store, location),
    )


def _status(store: Store, probe: Probe, now: _Now, windows: Mapping[str, tuple[int, int]], now_ms: int) -> ProbeStatus:
    state = now.states.get(probe.id, ProbeState())
    earliest_ms = min(from_ms for from_ms, _ in windows.values())
    history = read_history(store, probe.id, since_ms=min(earliest_ms, now_ms - WINDOWS["90d"]), now_ms=now_ms)
    return ProbeStatus(
        id=probe.id,
        name=probe.name,
        state=state.state.value if probe.enabled else "paused",
        since_ms=state.since_ms,
        last=now.last.get(probe.id),
        open_incidents=tuple(each for each in now.open_incidents if each.probe_id == probe.id),
        target_percent=probe.target_percent,
        windows=tuple(history.window(name, now.location, from_ms, to_ms) for name, (from_ms, to_ms) in windows.items()),
        days=history.days(),
        verify=probe.verify,
    )


def _unseen(probe: Probe, windows: Mapping[str, tuple[int, int]]) -> ProbeStatus:
    return ProbeStatus(
        id=probe.id,
        name=probe.name,
        state="unknown" if probe.enabled else "paused",
        target_percent=probe.target_percent,
        windows=tuple(WindowFigures(name=name, uptime=Uptime()) for name in windows),
        verify=probe.verify,
    )
