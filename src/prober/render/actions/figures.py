"""What the summary of a run and the page of its branch both show: how the probes are, and how often we looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.uptime import floored
from prober.render.actions.markdown import quoted
from prober.render.when import milliseconds, moment, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.core.cadence import Cadence
    from prober.core.model import Result
    from prober.core.report import ProbeStatus, ShownState, StatusReport
    from prober.core.sight import Role

_WINDOWS: Final = {"24h": "24 h", "30d": "30 d"}
_MS_PER_DAY: Final = 86_400_000
_MOST_ROWS: Final = 500
_WORST_FIRST: Final[dict[ShownState, tuple[str, str]]] = {
    "down": ("🔴", "down"),
    "slow": ("🟡", "slow"),
    "unknown": ("⚪", "not judged yet"),
    "maintenance": ("🔵", "in maintenance"),
    "up": ("🟢", "up"),
    "paused": ("⏸️", "paused"),
}
_ORDER: Final = list(_WORST_FIRST)

ROLES: Final[dict[Role, str]] = {
    "active": "on watch",
    "standby": "on standby: somebody else is watching, so alerts are held",
    "standing-in": "standing in: nobody else is watching, so alerts are sent",
}
UPTIMES: Final = tuple(f"{figure} {window}:" for window in _WINDOWS.values() for figure in ("Uptime", "Coverage"))
"""The titles of what `uptimes` returns."""


def verdict(report: StatusReport) -> str:
    """Return how all is, as a sentence without its full stop: ``2 of 3 probes are down``."""
    watched = [probe for probe in _worst_first(report) if probe.state != "paused"]
    if not watched:
        return "No probe is watched"
    alike = [probe for probe in watched if probe.state == watched[0].state]
    word = _WORST_FIRST[watched[0].state][1]
    if len(alike) == 1:
        return f"{quoted(alike[0].id)} is {word}"
    share = "All" if alike == watched else f"{len(alike)} of"
    return f"{share} {len(watched)} probes are {word}"


def shown(report: StatusReport) -> Sequence[ProbeStatus]:
    """Return the probes that a table has room for, those in trouble first, else as they were."""
    return _worst_first(report)[:_MOST_ROWS]


def left_out(report: StatusReport) -> Iterator[str]:
    """Yield how many probes a table has no room for, if any."""
    if len(report.probes) > _MOST_ROWS:
        yield f"And {len(report.probes) - _MOST_ROWS:,} more, none of them worse than the last one above."


def state(probe: ProbeStatus, now_ms: int) -> str:
    """Return the state of a probe as a sign and a word; of maintenance also until when, and whether we stand in for it.

    That is told where it is so for it alone.
    """
    planned = probe.maintenance
    until = f" until {moment(planned.until_ms, now_ms)}" if planned and planned.until_ms is not None else ""
    role = ", standing in" if probe.role == "standing-in" else ""
    return f"{_WORST_FIRST[probe.state][0]} {probe.state}{until}{role}"


def uptimes(probe: ProbeStatus) -> Iterator[str]:
    """Yield uptime and coverage in each of the windows."""
    found = {window.name: window.uptime for window in probe.windows}
    for name in _WINDOWS:
        percent = found[name].uptime_percent if name in found else None
        coverage = found[name].coverage_percent if name in found else None
        yield "no data" if percent is None else f"{floored(percent)} %"
        yield "-" if coverage is None else f"{floored(coverage, 1)} %"


def checked_at(result: Result | None, now_ms: int) -> str:
    """Return when a check was, with its date when that is a day or more ago."""
    return "never" if result is None else moment(result.at_ms, now_ms)


def outcome(result: Result | None) -> str:
    """Return the outcome of a check in our own words: its response time, or its reason."""
    if result is None:
        return "-"
    if result.latency_us is not None:
        return f"{result.outcome}, {milliseconds(result.latency_us)} ms"
    return result.outcome if result.reason is None else f"{result.outcome}, {quoted(result.reason)}"


def observed(cadence: Cadence | None) -> Iterator[str]:
    """Yield how often runs really started, if one did."""
    if cadence is None or not cadence.runs:
        return
    rate = "" if cadence.per_day is None else f": {cadence.per_day:.0f} a day"
    runs = "1 run" if cadence.runs == 1 else f"{cadence.runs:,} runs"
    yield f"{runs} in {words(round(cadence.days * _MS_PER_DAY))}{rate}."
    gaps = {
        "median": cadence.median_gap_ms,
        "p90": cadence.p90_gap_ms,
        "p99": cadence.p99_gap_ms,
        "longest": cadence.longest_gap_ms,
    }
    told = [f"{name} {words(gap_ms)}" for name, gap_ms in gaps.items() if gap_ms is not None]
    if told:
        yield f"From the start of one to the start of the next: {', '.join(told)}."


def _worst_first(report: StatusReport) -> list[ProbeStatus]:
    return sorted(report.probes, key=lambda probe: _ORDER.index(probe.state))
