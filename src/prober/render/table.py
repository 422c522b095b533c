"""What ``prober status`` prints: a line per probe, then whatever is open.

The bars at the end of a line are the last 90 days, five to a bar, each showing its worst day.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from prober.core.model import Kind
from prober.core.text import clean
from prober.core.uptime import floored
from prober.render.columns import Colour, Column, Paint, cells_of, fold, lay_out, plain
from prober.render.role import MARK, footnote, headline, held
from prober.render.when import clock, day_and_clock, milliseconds, moment, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prober.core.report import Day, PlannedNow, ProbeStatus, ShownState, StatusReport, WindowFigures

SIGNS: Final[dict[ShownState, str]] = {
    "up": "+",
    "slow": "!",
    "down": "x",
    "unknown": "?",
    "maintenance": "~",
    "paused": "-",
}
COLOURS: Final[dict[ShownState, Colour]] = {
    "up": "green",
    "slow": "yellow",
    "down": "red",
    "unknown": "dim",
    "maintenance": "dim",
    "paused": "dim",
}
_COVERED_PERCENT: Final = 99
_BARS: Final = 18
_SPOILT_DAY: Final = "▅"
_LEVELS: Final = ((100, "▇"), (99.9, "▆"), (99, "▄"), (95, "▃"), (90, "▂"), (0, "▁"))
_TITLE_CELLS: Final = 49
_MOST_IDS: Final = 5


def status(report: StatusReport, *, paint: Paint = plain, width: int | None = None) -> str:
    """Return the report as a table, in at most ``width`` columns where one is given."""
    if report.last_round_at_ms is None and all(probe.last is None for probe in report.probes):
        return "no checks yet\n"
    notes = chain.from_iterable(fold(note, width, hang=" " * 8) for note in (*_span(report), *_notes(report, paint)))
    lines = chain(_header(report, paint, width), _probes(report, paint, width), notes)
    return "".join(f"{line}\n" for line in lines)


def _header(report: StatusReport, paint: Paint, width: int | None) -> Iterator[str]:
    title = clean(report.title)
    last_ms = report.last_round_at_ms
    said = "no round yet"
    if last_ms is not None:
        said = f"last round {clock(last_ms)} ({words(report.generated_at_ms - last_ms)} ago)"
    room = _TITLE_CELLS if width is None else min(_TITLE_CELLS, width - 2 - cells_of(said))
    yield f"  {title}{' ' * max(room - cells_of(title), 2)}{said}"
    if report.role != "active":
        line = headline(report.role, report.watcher, report.role_since_ms, report.generated_at_ms)
        yield f"  {paint(line, 'yellow' if report.role == 'standing-in' else 'dim')}"
    yield ""


def _probes(report: StatusReport, paint: Paint, width: int | None) -> Iterator[str]:
    probes = report.probes
    if not probes:
        yield "  no probes"
        return
    names = Column(title="PROBE", cells=[clean(probe.id) for probe in probes], least=10, gap=2)
    states = Column(
        title="STATE",
        cells=[f"{SIGNS[probe.state]} {probe.state}{f' {MARK}' if probe.role else ''}" for probe in probes],
        least=6,
        colours=[COLOURS[probe.state] for probe in probes],
    )
    windows = _windows(probes)
    columns = [names, states, *windows, *_percentiles(probes), *_history(probes)]
    yield from lay_out(columns, paint=paint, width=width)
    indent = sum(each.gap + each.width for each in (names, states, *windows)) + 4
    for note in _footnote(probes):
        room = indent if width is None else max(min(indent, width - cells_of(note)), 2)
        yield from fold(" " * room + note, width, hang=" " * 4)
    if any(probe.role for probe in probes):
        yield from fold(f"  {footnote(report.watcher)}", width, hang=" " * 4)


def _windows(probes: Sequence[ProbeStatus]) -> list[Column]:
    return [
        Column(
            title=re.sub(r"^(\d+)([hd])$", r"\1 \2", first.name),
            cells=[_uptime(probe.windows[i]) for probe in probes],
            least=6,
            gap=4 if i else 3,
        )
        for i, first in enumerate(probes[0].windows)
    ]


def _uptime(window: WindowFigures) -> str:
    percent = window.uptime.uptime_percent
    if percent is None:
        return "no data"
    return f"{floored(percent)} *" if _is_patchy(window) else floored(percent)


def _is_patchy(window: WindowFigures) -> bool:
    return (window.uptime.coverage_percent or 0) < _COVERED_PERCENT


def _percentiles(probes: Sequence[ProbeStatus]) -> list[Column]:
    figures: dict[str, Callable[[WindowFigures], float | None]] = {
        "p50": lambda window: window.p50_us,
        "p95": lambda window: window.p95_us,
        "p99": lambda window: window.p99_us,
    }
    return [
        Column(
            title=title,
            cells=[_latency(figure(probe.windows[0]) if probe.windows else None) for probe in probes],
            least=5,
            gap=2,
            is_right=True,
        )
        for title, figure in figures.items()
    ]


def _latency(latency_us: float | None) -> str:
    return "-" if latency_us is None else milliseconds(latency_us)


def _history(probes: Sequence[ProbeStatus]) -> list[Column]:
    days = max(len(probe.days) for probe in probes)
    return [Column(title=f"{days} DAYS", cells=[bars(probe.days) for probe in probes])] if days else []


def bars(days: Sequence[Day]) -> str:
    """Return days, oldest first, as at most 18 bars: each shows the worst of its days, a dot is "no data"."""
    per_bar = -(-len(days) // _BARS) or 1
    first = len(days) % per_bar
    groups = [days[:first]] if first else []
    groups += [days[i : i + per_bar] for i in range(first, len(days), per_bar)]
    return "".join(min(map(_bar, group), key=_height) for group in groups)


def _bar(day: Day) -> str:
    if day.uptime_percent is None:
        return "·"
    level = next(sign for least, sign in _LEVELS if day.uptime_percent >= least)
    return min(level, _SPOILT_DAY) if day.had_incident else level


def _height(bar: str) -> str:
    """Order bars by what to show of several: a day without data only where there is nothing else."""
    return "█" if bar == "·" else bar


def _footnote(probes: Sequence[ProbeStatus]) -> Iterator[str]:
    windows = chain.from_iterable(probe.windows for probe in probes)
    coverages = [
        window.uptime.coverage_percent or 0
        for window in windows
        if window.uptime.uptime_percent is not None and _is_patchy(window)
    ]
    if coverages:
        least, most = floored(min(coverages), 1), floored(max(coverages), 1)
        yield f"* measured {least if least == most else f'{least} to {most}'} % of the time"


def _maintenance(report: StatusReport) -> Iterator[str]:
    """Yield what is in maintenance, those together that are so for the same reason until the same time."""
    together: dict[PlannedNow, list[str]] = {}
    for probe in report.probes:
        if probe.maintenance is not None:
            together.setdefault(replace(probe.maintenance, since_ms=None), []).append(probe.id)
    for planned, ids in together.items():
        until = "" if planned.until_ms is None else f" until {moment(planned.until_ms, report.generated_at_ms)}"
        why = "" if planned.reason is None else f", {clean(planned.reason)}"
        more = f" and {len(ids) - _MOST_IDS:,} more" if len(ids) > _MOST_IDS else ""
        yield f"  note  {clean(', '.join(ids[:_MOST_IDS]))}{more}: in maintenance{until}{why}"


def _span(report: StatusReport) -> Iterator[str]:
    if report.span is not None:
        yield f"  range {day_and_clock(report.span.from_ms)} to {day_and_clock(report.span.to_ms)}"


def _notes(report: StatusReport, paint: Paint) -> Iterator[str]:
    for probe in report.probes:
        if not probe.verify:
            yield f"  note  {clean(probe.id)}: its certificate is not verified (verify = false)"
    yield from _maintenance(report)
    for probe in report.probes:
        for incident in probe.open_incidents:
            colour: Colour = "red" if incident.kind is Kind.DOWN else "yellow"
            lasted = words(report.generated_at_ms - incident.started_at_ms)
            taken = f", acknowledged by {clean(incident.acknowledged_by)}" if incident.acknowledged_by else ""
            number = incident.number
            why = f", held: {held(report.held[number], report.watcher)}" if number in report.held else ""
            yield f"  open  #{number} {clean(probe.id)} {paint(incident.kind, colour)} for {lasted}{taken}{why}"
    if report.undelivered_alerts:
        yield f"  mail  {report.undelivered_alerts} not delivered yet, see: prober alerts list"
    for notice in report.notices:
        yield f"  note  {clean(notice.text)} (since {day_and_clock(notice.since_ms)})"
