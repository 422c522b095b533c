"""Problems of a configuration file as people read them: place, message, source line, caret, suggestion."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from prober.errors import ConfigError

_SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Where in the file a problem lies; line and column count from 1. ``line_text`` shows no secret."""

    line: int
    column: int
    width: int
    line_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with the file. ``suggestion`` stands behind the caret."""

    file: str
    message: str
    excerpt: Excerpt | None = None
    suggestion: str = ""

    def __str__(self) -> str:
        if self.excerpt is None:
            return f"{self.file}: error: {self.message}"
        excerpt = _cropped(self.excerpt)
        caret = " " * (excerpt.column - 1) + "^" * excerpt.width
        return "\n".join(
            (
                f"{self.file}:{self.excerpt.line}:{self.excerpt.column}: error: {self.message}",
                f"{excerpt.line:>5} | {excerpt.line_text}".rstrip(),
                f"      | {caret} {self.suggestion}".rstrip(),
            )
        )


class Lines:
    """A text that can say on which line an offset lies."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = list(accumulate((len(line) + 1 for line in self._lines), initial=0))

    def excerpt(self, start: int, end: int) -> Excerpt:
        """Return the line that holds an offset, and which part of it is meant."""
        line = min(bisect_right(self._starts, start), len(self._lines))
        column = start - self._starts[line - 1] + 1
        return Excerpt(line=line, column=column, width=max(1, end - start), line_text=self._lines[line - 1])


class InvalidConfig(ConfigError):  # noqa: N818 - reads as what it is where it is caught
    """The configuration cannot be used; the text says everything that is wrong with it, and what that means."""

    title = ""

    def __init__(self, problems: tuple[Problem, ...], *, consequence: str = "") -> None:
        count = f"{len(problems)} error{'s' if len(problems) > 1 else ''}"
        super().__init__("\n".join((*map(str, problems), f"{count}. {consequence}".rstrip())))
        self.problems = problems


def _cropped(excerpt: Excerpt) -> Excerpt:
    """Cut a long line around the column, and make it safe to print."""
    before = max(0, excerpt.column - 1 - _SHOWN_CHARS // 2) if len(excerpt.line_text) > _SHOWN_CHARS else 0
    shown = excerpt.line_text[before : before + _SHOWN_CHARS]
    column = min(excerpt.column - before, len(shown) + 1)
    return Excerpt(
        line=excerpt.line,
        column=column,
        width=max(1, min(excerpt.width, len(shown) - column + 1)),
        line_text=printable(shown),
    )


def printable(text: str) -> str:
    """Return text of the same length in which nothing moves a cursor or breaks a line."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
