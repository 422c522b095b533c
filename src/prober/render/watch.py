"""What ``prober status --watch`` draws: the table of ``status``, made to fit into a window."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from prober.core.text import clean
from prober.render import table
from prober.render.columns import Paint, cells_of, plain
from prober.render.when import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prober.core.report import ProbeStatus, ShownState, StatusReport

_HINT: Final = "q quits"
_URGENCY: Final[tuple[ShownState, ...]] = ("down", "slow", "unknown", "up", "maintenance", "paused")
_PIECES: Final = re.compile(r"\x1b\[[0-9;]*m|.")


def frame(
    report: StatusReport, *, width: int, height: int, trouble: str | None = None, paint: Paint = plain
) -> list[str]:
    """Return ``height`` lines, none wider than ``width`` cells; ``trouble`` is why the report is not fresh.

    Where not all probes fit, those in trouble come first, and the others are counted.
    """
    foot = [*_warning(trouble, width, paint), _foot(report, width, paint)]
    above = max(height - len(foot), 0)
    body = _body(report, width, above - 1, paint)[:above]
    lines = [*body, *[""] * (above - len(body)), *foot]
    return [_cut(line, width) for line in lines[-height:]]


def _body(report: StatusReport, width: int, room: int, paint: Paint) -> list[str]:
    if len(report.probes) < room:
        whole = _table(report, report.probes, width, paint)
        if len(whole) <= room:
            return whole
    ranked = sorted(report.probes, key=lambda probe: _URGENCY.index(probe.state))
    fitting = bisect_right(
        range(1, min(len(ranked), room)), room - 1, key=lambda n: len(_table(report, ranked[:n], width, paint))
    )
    shown, left = ranked[: max(fitting, 1)], ranked[max(fitting, 1) :]
    said = [paint(f"  and {len(left):,} more: {_counted(left)}", "dim")] if left else []
    return [*_table(report, shown, width, paint), *said]


def _table(report: StatusReport, probes: Sequence[ProbeStatus], width: int, paint: Paint) -> list[str]:
    return table.status(replace(report, probes=tuple(probes)), paint=paint, width=width).splitlines()


def _warning(trouble: str | None, width: int, paint: Paint) -> list[str]:
    """Return what is wrong in as many lines as it needs, the first with a sign."""
    lines = wrap(clean(trouble or ""), max(width - 4, 1))
    return [f"  {' ' if number else paint('!', 'red')} {line}" for number, line in enumerate(lines)]


def _foot(report: StatusReport, width: int, paint: Paint) -> str:
    many = len(report.probes)
    counted = f"  {many:,} probe{'' if many == 1 else 's'}: {_counted(report.probes)}" if many else ""
    now = f"{clock(report.generated_at_ms)}   {_HINT}"
    gap = width - cells_of(counted) - len(now) - 2
    return paint(f"{counted}{' ' * max(gap, 3)}{now}", "dim")


def _counted(probes: Iterable[ProbeStatus]) -> str:
    counts = Counter(probe.state for probe in probes)
    return ", ".join(f"{counts[state]:,} {state}" for state in _URGENCY if counts[state])


def _cut(line: str, width: int) -> str:
    """Return the part of a line that fits, with all its colours: none may leak into what follows."""
    pieces = _PIECES.findall(line)
    ends = accumulate(0 if piece.startswith("\x1b") else cells_of(piece) for piece in pieces)
    return "".join(piece for piece, end in zip(pieces, ends, strict=True) if end <= width or piece.startswith("\x1b"))
