"""Markdown around text that comes from outside.

Such text always stands in a code span: there nothing is a link, a mention, HTML or math. Two characters could end one
early, the backtick and, in a table, the bar; each becomes the character that looks most like it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from prober.core.text import clean, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LOOKALIKES: Final = str.maketrans("`|", "'¦")


def quoted(text: str, most: int = 200) -> str:
    """Return any text as a code span of at most ``most`` characters, and nothing but that."""
    return f"`{cut(clean(text).translate(_LOOKALIKES).strip(), most) or '-'}`"


def table(titles: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table of finished cells; a title that ends in ``:`` is of a column of figures."""
    aligned = ["---:" if title.endswith(":") else "---" for title in titles]
    plain = [title.removesuffix(":") for title in titles]
    yield from (f"| {' | '.join(row)} |" for row in chain([plain, aligned], rows))


def bullets(items: Sequence[str], most: int) -> Iterator[str]:
    """Yield finished items as a list; of more than ``most`` the last line says how many are left out."""
    yield from (f"- {item}" for item in items[:most])
    if len(items) > most:
        yield f"- and {len(items) - most} more"


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines below a heading, and nothing without lines."""
    body = list(lines)
    if body:
        yield from (f"### {title}", "", *body)


def page(*blocks: Iterable[str]) -> str:
    """Return blocks of lines as one text, with an empty line between; a block without lines is left out."""
    return "\n\n".join(text for block in blocks if (text := "\n".join(block))) + "\n"
