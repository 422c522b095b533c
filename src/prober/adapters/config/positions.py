"""Where each key of a TOML file stands: tomllib does not say, and only problems and ``config show`` want to know.

The text is known to be valid here, so it is enough to walk over it: a statement is a header or ``key = value``, and a
value ends where its brackets and quotes end. A place is named by the keys and list indexes that lead to it in the
parsed data.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = "tuple[str | int, ...]"
Span: TypeAlias = "tuple[int, int]"

_KEY = re.compile(r"""[ \t]*([A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')[ \t]*(\.?)""")
_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
STRING = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^']|'(?!''))*'{3,5}|"(?:[^"\\]|\\.)*"|'[^']*\'''', re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}#\n]*[^,\]}#\n \t]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Offsets in the text of a key and of its value; a table has no value of its own, a list element no key."""

    key: Span
    value: Span


def locate(text: str) -> dict[Path, Place]:
    """Return the places of all keys and list elements of a valid TOML text with LF line ends."""
    walk = _Walk(text)
    walk.document()
    return walk.places


class _Walk:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[Path, Place] = {}
        self._list_lengths: dict[Path, int] = {}
        self._part: Span = (0, 0)

    def document(self) -> None:
        table: Path = ()
        offset = self._skip(_BLANK, 0)
        while offset < len(self.text):
            if self.text[offset] == "[":
                offset, table = self._header(offset)
            else:
                offset = self._pair(offset, table)
            offset = self._skip(_BLANK, offset)

    def _header(self, offset: int) -> tuple[int, Path]:
        is_list = self.text.startswith("[[", offset)
        offset, path = self._key(offset + 1 + is_list, ())
        if is_list:
            path = path[:-1] if isinstance(path[-1], int) else path
            index = self._list_lengths.get(path, 0)
            self._list_lengths[path] = index + 1
            self.places[(*path, index)] = Place(key=self._part, value=self._part)
            path = (*path, index)
        return offset + 1 + is_list, path

    def _pair(self, offset: int, table: Path) -> int:
        offset, path = self._key(offset, table)
        start = self._skip(_SPACE, offset + 1)
        end = self._value(start, path)
        self.places[path] = Place(key=self.places[path].key, value=(start, end))
        return end

    def _key(self, offset: int, path: Path) -> tuple[int, Path]:
        """Walk over a dotted key and return where it ends and the whole path; parts seen first are noted."""
        while (part := _KEY.match(self.text, offset)) is not None:
            name = part[1] if part[1][0] not in "\"'" else tomllib.loads(f"name = {part[1]}")["name"]
            path = (*path, name)
            if path in self._list_lengths:
                path = (*path, self._list_lengths[path] - 1)
            self._part = part.span(1)
            self.places.setdefault(path, Place(key=self._part, value=self._part))
            offset = part.end()
            if not part[2]:
                break
        return offset, path

    def _value(self, offset: int, path: Path) -> int:
        if self.text[offset] == "[":
            return self._array(offset + 1, path)
        if self.text[offset] == "{":
            return self._inline_table(offset + 1, path)
        token = STRING.match(self.text, offset) or _SCALAR.match(self.text, offset)
        return token.end() if token else offset

    def _array(self, offset: int, path: Path) -> int:
        index = 0
        offset = self._skip(_BLANK, offset)
        while self.text[offset] != "]":
            end = self._value(offset, (*path, index))
            self.places[(*path, index)] = Place(key=(offset, end), value=(offset, end))
            index += 1
            offset = self._next(end)
        return offset + 1

    def _inline_table(self, offset: int, path: Path) -> int:
        offset = self._skip(_BLANK, offset)
        while self.text[offset] != "}":
            offset = self._next(self._pair(offset, path))
        return offset + 1

    def _next(self, offset: int) -> int:
        offset = self._skip(_BLANK, offset)
        if self.text[offset] == ",":
            offset = self._skip(_BLANK, offset + 1)
        return offset

    def _skip(self, what: re.Pattern[str], offset: int) -> int:
        found = what.match(self.text, offset)
        return found.end() if found else offset
