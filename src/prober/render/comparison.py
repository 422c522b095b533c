"""What ``prober compare`` prints: our figures and UptimeRobot's in one line per probe, then what only one side saw."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Final

from prober.core.text import clean
from prober.core.uptime import floored
from prober.render.columns import Column, fold, lay_out
from prober.render.when import day_and_clock, milliseconds, rfc3339, short, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prober.core.compare import Compared, Comparison, Outage, Side

_MOST_SHOWN: Final = 20


def table(comparison: Comparison, *, width: int | None = None) -> str:
    """Return the comparison for people, in at most ``width`` columns where one is given."""
    window = comparison.window
    head = [f"  {words(window.to_ms - window.from_ms)} until {day_and_clock(window.to_ms)}", ""]
    notes = chain.from_iterable(fold(note, width, hang=" " * 16) for note in _notes(comparison))
    return "".join(f"{line}\n" for line in chain(head, _probes(comparison.probes, width), notes))


def shape(comparison: Comparison) -> str:
    """Return what ``compare --json`` prints."""
    shown = {
        "schema": 1,
        "from": rfc3339(comparison.window.from_ms),
        "to": rfc3339(comparison.window.to_ms),
        "probes": [_shape(each) for each in comparison.probes],
    }
    return json.dumps(shown, indent=2, allow_nan=False) + "\n"


def _probes(probes: Sequence[Compared], width: int | None) -> list[str]:
    if not probes:
        return ["  no probes"]

    def both(title: str, show: Callable[[Side], str], *, gap: int = 3) -> list[Column]:
        ours = [show(each.ours) for each in probes]
        theirs = ["-" if each.theirs is None else show(each.theirs) for each in probes]
        return [
            Column(title=title, cells=ours, gap=gap, is_right=True),
            Column(title="THEIRS", cells=theirs, gap=2, is_right=True),
        ]

    def count(title: str, outages: Callable[[Compared], Sequence[object]], *, gap: int = 2) -> Column:
        cells = ["-" if each.theirs is None else str(len(outages(each))) for each in probes]
        return Column(title=title, cells=cells, gap=gap, is_right=True)

    columns = [
        Column(title="PROBE", cells=[clean(each.probe_id) for each in probes], least=10, gap=2),
        *both("UPTIME", _uptime),
        *both("DOWN", lambda side: short(side.downtime_ms)),
        count("BOTH", lambda each: each.outages.both, gap=3),
        count("ONLY OURS", lambda each: each.outages.only_ours),
        count("ONLY THEIRS", lambda each: each.outages.only_theirs),
        *both("P50", lambda side: "-" if side.p50_us is None else milliseconds(side.p50_us)),
        Column(title="COVERAGE", cells=[_percent(each.coverage_percent) for each in probes], is_right=True),
    ]
    return lay_out(columns, width=width, keeps_all=True)


def _uptime(side: Side) -> str:
    return "no data" if side.uptime_percent is None else floored(side.uptime_percent)


def _percent(percent: float | None) -> str:
    return "-" if percent is None else f"{floored(percent, 1)} %"


def _notes(comparison: Comparison) -> Iterator[str]:
    alone = [
        *((each.started_at_ms, "only ours  ", probe, each) for probe, each in _alone(comparison, ours=True)),
        *((each.started_at_ms, "only theirs", probe, each) for probe, each in _alone(comparison, ours=False)),
    ]
    alone.sort(key=lambda each: each[:3], reverse=True)
    unlinked = [clean(each.probe_id) for each in comparison.probes if each.theirs is None]
    if alone or unlinked:
        yield ""
    for started_at_ms, side, probe, outage in alone[:_MOST_SHOWN]:
        lasted = short(outage.lasted_ms(comparison.window.to_ms))
        still = ", still down" if outage.ended_at_ms is None else ""
        yield f"  {side}  {day_and_clock(started_at_ms)}  {clean(probe)} for {lasted}{still}"
    if len(alone) > _MOST_SHOWN:
        yield f"  and {len(alone) - _MOST_SHOWN} more that only one side saw: add --json"
    if unlinked:
        yield f"  no monitor   {', '.join(unlinked)}: neither uptimerobot_id nor the URL fits one"


def _alone(comparison: Comparison, *, ours: bool) -> Iterator[tuple[str, Outage]]:
    for probe in comparison.probes:
        for each in probe.outages.only_ours if ours else probe.outages.only_theirs:
            yield probe.probe_id, each


def _shape(each: Compared) -> dict[str, object]:
    return {
        "id": each.probe_id,
        "monitor": None if each.monitor is None else clean(each.monitor),
        "coverage_percent": each.coverage_percent,
        "ours": _side(each.ours),
        "theirs": None if each.theirs is None else _side(each.theirs),
        "incidents": {
            "both": [{"ours": _outage(one), "theirs": _outage(other)} for one, other in each.outages.both],
            "only_ours": [_outage(one) for one in each.outages.only_ours],
            "only_theirs": [_outage(one) for one in each.outages.only_theirs],
        },
    }


def _side(side: Side) -> dict[str, object]:
    return {
        "uptime_percent": side.uptime_percent,
        "downtime_s": side.downtime_ms / 1000,
        "latency_ms": {"p50": None if side.p50_us is None else side.p50_us / 1000},
    }


def _outage(outage: Outage) -> dict[str, object]:
    ended_ms = outage.ended_at_ms
    return {"started_at": rfc3339(outage.started_at_ms), "ended_at": None if ended_ms is None else rfc3339(ended_ms)}
