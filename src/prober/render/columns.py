"""Columns of text for a terminal: cells that line up, also where a character is two cells wide."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from prober.core.text import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Colour: TypeAlias = Literal["green", "yellow", "red", "dim", "bold"]
Paint: TypeAlias = "Callable[[str, Colour], str]"

_LEAST_SHRUNK: Final = 12
_INDENT: Final = " " * 4
_NOTHING: Final = ("", "-")
_PIECES: Final = re.compile(" *[^ ]+")
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


def plain(word: str, _colour: Colour) -> str:
    """Paint nothing."""
    return word


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: at least ``least`` cells wide, ``gap`` cells after the one before it.

    The entries of one that ``can_shrink`` are cut where a terminal is too narrow for them.
    """

    title: str
    cells: Sequence[str]
    least: int = 0
    gap: int = 3
    is_right: bool = False
    can_shrink: bool = False
    colours: Sequence[Colour | None] = ()

    @property
    def width(self) -> int:
        """Terminal cells that the widest entry takes."""
        return max(self.least, *map(cells_of, (self.title, *self.cells)))


def lay_out(
    columns: Sequence[Column], *, paint: Paint = plain, width: int | None = None, keeps_all: bool = False
) -> list[str]:
    """Return the titles and a line per row, without the columns on the right that do not fit into ``width``.

    With ``keeps_all`` what these say follows below its row, with their titles.
    """
    padded: list[list[str]] = []
    left = width
    for each in columns:
        column = each if left is None else _shrunk(each, left - each.gap)
        if left is not None:
            left -= column.gap + column.width
            if left < 0 and padded:
                break
        padded.append(_padded(column, column.width, paint))
    lines = ["".join(row).rstrip() for row in zip(*padded, strict=True)]
    if width is None or not keeps_all:
        return lines
    rest = columns[len(padded) :]
    return [*lines[:1], *chain.from_iterable((row, *_below(rest, no, width)) for no, row in enumerate(lines[1:]))]


def _below(columns: Sequence[Column], row: int, width: int) -> list[str]:
    """Return what columns say about a row in lines of its own; none where they say nothing."""
    named = [(column.title.lower(), column.cells[row].strip()) for column in columns]
    said = [f"{title}: {cell}" if title else cell for title, cell in named if cell not in _NOTHING]
    lines = _packed([f"{_INDENT}{each}" for each in said], width, hang=_INDENT)
    return list(chain.from_iterable(fold(line, width, hang=_INDENT * 2) for line in lines))


def fold(line: str, width: int | None, *, hang: str) -> list[str]:
    """Return a line broken at spaces where it is wider than ``width``, the later lines with ``hang`` before them.

    Colours take no room. A word that does not fit stays whole.
    """
    if width is None or _shown_cells(line) <= width:
        return [line]
    return _packed(_PIECES.findall(line), width, hang=hang)


def _packed(pieces: Iterable[str], width: int, *, hang: str) -> list[str]:
    """Return pieces, which begin with spaces, in as few lines as they fit into; a later line begins with ``hang``."""
    lines: list[str] = []
    for piece in pieces:
        if lines and _shown_cells(lines[-1] + piece) <= width:
            lines[-1] += piece
        else:
            lines.append(hang + piece.lstrip() if lines else piece)
    return lines


def _shown_cells(text: str) -> int:
    return cells_of(_COLOURS.sub("", text))


def _shrunk(column: Column, width: int) -> Column:
    if not column.can_shrink or not _LEAST_SHRUNK <= width < column.width:
        return column
    return replace(column, cells=[cut(cell, width) for cell in column.cells])


def cells_of(text: str) -> int:
    """Return how many terminal cells a cleaned text takes."""
    return sum(_cells(character) for character in text) if not text.isascii() else len(text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _padded(column: Column, width: int, paint: Paint) -> list[str]:
    def pad(text: str) -> str:
        missing = " " * (width - cells_of(text))
        return missing + text if column.is_right else text + missing

    gap = " " * column.gap
    colours = column.colours or [None] * len(column.cells)
    cells = (
        paint(pad(cell), colour) if colour else pad(cell) for cell, colour in zip(column.cells, colours, strict=True)
    )
    return [gap + pad(column.title), *(gap + cell for cell in cells)]
