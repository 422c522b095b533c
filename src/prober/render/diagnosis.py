"""What `prober doctor` prints: a line for each thing looked at, and under it what to do."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from prober.core.diagnosis import Finding, Judgement, count, worst
from prober.core.text import clean
from prober.render.columns import Colour, Paint, plain
from prober.render.when import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SIGNS: Final[dict[Judgement, tuple[str, Colour]]] = {
    "ok": ("+ ok", "green"),
    "note": ("! note", "yellow"),
    "wrong": ("x wrong", "red"),
}
_WIDTH: Final = 80
_SIGN_CELLS: Final = 9
_AREA_CELLS: Final = 15
_INDENT: Final = 2 + _SIGN_CELLS + _AREA_CELLS
_ARROW: Final = "-> "


def diagnosis(findings: Sequence[Finding], *, paint: Paint = plain) -> str:
    """Return the findings in their order, 80 columns wide, and what they come to."""
    lines = [line for each in findings for line in _lines(each, paint)]
    return "".join(f"{line}\n" for line in (*lines, "", f"  {_summary(findings)}"))


def shape(findings: Sequence[Finding], *, now_ms: int) -> str:
    """Return what ``doctor --json`` prints."""
    shown = {
        "schema": 1,
        "generated_at": rfc3339(now_ms),
        "state": worst(findings),
        "findings": [
            {
                "area": each.area,
                "state": each.state,
                "message": clean(each.message),
                "advice": each.advice and clean(each.advice),
            }
            for each in findings
        ],
    }
    return json.dumps(shown, indent=2) + "\n"


def _lines(finding: Finding, paint: Paint) -> Iterator[str]:
    sign, colour = _SIGNS[finding.state]
    head = f"  {paint(f'{sign:<{_SIGN_CELLS}}', colour)}{finding.area:<{_AREA_CELLS}}"
    first, *rest = _wrapped(finding.message, _INDENT)
    yield head + first
    yield from (" " * _INDENT + line for line in rest)
    if finding.advice:
        lines = _wrapped(finding.advice, _INDENT + len(_ARROW))
        for number, line in enumerate(lines):
            yield " " * _INDENT + (_ARROW if number == 0 else " " * len(_ARROW)) + line


def _wrapped(text: str, indent: int) -> list[str]:
    """Break a text between words; a long path stays whole, so that it can be copied."""
    return wrap(clean(text), _WIDTH - indent, break_long_words=False, break_on_hyphens=False) or [""]


def _summary(findings: Sequence[Finding]) -> str:
    wrongs, notes = count(findings, "wrong"), count(findings, "note")
    noted = f"{notes} note{'s' if notes > 1 else ''}"
    if wrongs:
        verb = "things are" if wrongs > 1 else "thing is"
        return f"{wrongs} {verb} wrong" + (f", {noted}" if notes else "")
    return f"nothing is wrong, {noted}" if notes else "all is well"
