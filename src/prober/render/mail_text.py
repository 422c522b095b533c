"""The text part of an alert: complete by itself, one fact a line, aligned for a fixed-width eye."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.render.letter import Check, Letter, Section
    from prober.render.rows import Row

_QUOTE_WIDTH = 76
_MEMBERS_SHOWN = 500


def text(letter: Letter) -> str:
    """Return the text part."""
    label_width = max((len(row.label) for section in letter.sections for row in _labelled(section)), default=0)
    blocks = ["\n".join(_lines(section, label_width)) for section in letter.sections]
    return "\n\n".join((letter.sentence, *blocks, "\n".join(("-- ", *letter.footer)))) + "\n"


def _labelled(section: Section) -> tuple[Row, ...]:
    return section.links + section.rows


def _lines(section: Section, label_width: int) -> Iterator[str]:
    if section.title:
        yield f"{section.title}:"
    yield from (f"{row.label:<{label_width}}  {row.value}" for row in _labelled(section))
    yield from _checks(section.checks)
    word_width = max((len(member.word) for member in section.members), default=0)
    yield from (f"{member.word:<{word_width}}  {member.sentence}" for member in section.members[:_MEMBERS_SHOWN])
    if len(section.members) > _MEMBERS_SHOWN:
        yield f"and {len(section.members) - _MEMBERS_SHOWN} more"
    yield from (f"| {line}" for line in textwrap.wrap(section.quote, _QUOTE_WIDTH))


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    latency_width = max((len(check.latency) for check in checks), default=0)
    for check in checks:
        yield f"{check.at}  {check.outcome:<7}  {check.latency:>{latency_width}}  {check.cause}".rstrip()
