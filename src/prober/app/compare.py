"""Compare what the store holds with what UptimeRobot tells of the same window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from prober.adapters.store import rounds, states
from prober.adapters.uptimerobot import read_records
from prober.app.history import Histories
from prober.core.compare import WITHIN_INTERVALS, Compared, Comparison, Outage, Record, Side, begun_inside, pair
from prober.core.histogram import percentile
from prober.core.rollup import DAY_MS
from prober.core.sight import Limited, Rejected, Unreachable
from prober.core.uptime import Period, union
from prober.core.watching import match
from prober.errors import ConfigError, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.adapters.store.db import Store
    from prober.app.history import History
    from prober.app.ports import Fetch
    from prober.core.model import Probe
    from prober.core.report import WindowFigures

_RANGE: Final = "range"
_MEDIAN: Final = 50
_Ours: TypeAlias = "tuple[Period, dict[str, History], dict[str, WindowFigures]]"


async def compare(
    store: Store,
    probes: Sequence[Probe],
    *,
    location: str,
    days: int,
    now_ms: int,
    fetch: Fetch,
    url: str,
    api_key: str,
) -> Comparison:
    """Return both sides over the last ``days``, or since our first check if that was later.

    Raises ConfigError when the key is refused and NoAnswerError when UptimeRobot cannot be asked.
    """
    window, histories, figures = _ours(store, probes, location=location, days=days, now_ms=now_ms)
    records = await read_records(fetch, url=url, api_key=api_key, window=window)
    if isinstance(records, Rejected):
        raise ConfigError(f"UptimeRobot refuses the key ({records.why}). Give a read-only key of the account.")
    if isinstance(records, Limited):
        raise NoAnswerError(f"UptimeRobot has been asked too often. Try again in {records.wait_ms // 1000} s.")
    if isinstance(records, Unreachable):
        raise NoAnswerError(f"UptimeRobot cannot be asked: {records.why}. Try again later.")
    by_key = {record.watch.key: record for record in records}
    matched = match(probes, [record.watch for record in records])
    record_of = {probe_id: by_key[watch.key] for probe_id, watch in matched.items()}
    compared = (
        _compared(probe, histories[probe.id], figures[probe.id], record_of.get(probe.id), window) for probe in probes
    )
    return Comparison(window=window, probes=tuple(compared))


def _ours(store: Store, probes: Sequence[Probe], *, location: str, days: int, now_ms: int) -> _Ours:
    since_ms = now_ms - days * DAY_MS
    with store.snapshot():
        ids = [probe.id for probe in probes]
        read = Histories(store, ids, since_ms=since_ms, now_ms=now_ms)
        histories = {probe_id: read.of(probe_id) for probe_id in ids}
        begun = [each.first_check_ms for each in histories.values() if each.first_check_ms is not None]
        window = Period(from_ms=max(since_ms, min(begun, default=since_ms)), to_ms=now_ms)
        place = _place(store, location)
        return window, histories, {key: each[0] for key, each in read.windows({_RANGE: window}, place).items()}


def _place(store: Store, location: str) -> str:
    """Return the location whose latencies are shown: the last that checked when this one never did."""
    last = rounds.last_round(store)
    return location if last is None or states.all_states(store, location) else last.location


def _compared(
    probe: Probe, history: History, figures: WindowFigures, record: Record | None, window: Period
) -> Compared:
    ours = Side(
        uptime_percent=figures.uptime.uptime_percent, downtime_ms=figures.uptime.downtime_ms, p50_us=figures.p50_us
    )
    coverage = _coverage_percent(history, figures, window)
    if record is None:
        return Compared(probe_id=probe.id, ours=ours, coverage_percent=coverage)
    within_ms = WITHIN_INTERVALS * max(probe.interval_ms, record.watch.interval_ms or 0)
    outages = pair(_outages(history), record.outages, within_ms=within_ms)
    return Compared(
        probe_id=probe.id,
        monitor=record.watch.name or record.watch.key,
        ours=ours,
        theirs=_theirs(record, window),
        coverage_percent=coverage,
        outages=begun_inside(outages, window),
    )


def _outages(history: History) -> list[Outage]:
    return [
        Outage(started_at_ms=start, ended_at_ms=None if end >= history.now_ms else end) for start, end in history.down
    ]


def _theirs(record: Record, window: Period) -> Side:
    spans = ((each.started_at_ms, each.ended_at_ms or window.to_ms) for each in record.outages)
    inside = union((max(start, window.from_ms), min(end, window.to_ms)) for start, end in spans)
    median_ms = percentile(sorted(record.latencies_ms), _MEDIAN)
    return Side(
        uptime_percent=record.uptime_percent,
        downtime_ms=sum(end - start for start, end in inside),
        p50_us=None if median_ms is None else median_ms * 1000,
    )


def _coverage_percent(history: History, figures: WindowFigures, window: Period) -> float:
    """Return the share of the window that we observed; what was before a probe's first check counts as not observed."""
    first_ms = window.to_ms if history.first_check_ms is None else max(history.first_check_ms, window.from_ms)
    whole_ms = figures.uptime.window_ms + first_ms - window.from_ms
    return 100 * figures.uptime.observed_ms / whole_ms if whole_ms else 0.0
