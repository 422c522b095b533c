"""Secrets out of text, in whatever form a server or a library may have put them.

A secret that went out in a request can come back with any of its characters escaped as in a URL or in JSON, each
library choosing others, with its letters in another case, or in base64, there at any of three alignments within
something longer. Instead of guessing what was escaped, the text is unescaped: every layer of it (as it is, without
the escapes of JSON or of URLs, without two of these) is searched for the secrets, and what is found is traced back to
where it stands in the text. What the finds cover is joined before it is replaced, so two secrets that overlap leave no
remainder of either.

The time is linear in the text and does not depend on the number of secrets: a find begins with one of the known heads,
all of one length, and is then looked up whole.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from functools import lru_cache
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "***"

_URL_ESCAPE: Final = re.compile(rb"%[0-9a-f]{2}")
_JSON_ESCAPE: Final = re.compile(rb'\\(?:ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|u[0-9a-f]{4}|["\\/bfnrt])')
_ESCAPES_DEEP: Final = 2
_BEGINS: Final = bytes(not 0x80 <= byte < 0xC0 for byte in range(256))  # noqa: PLR2004 - UTF-8's later bytes
_LOST_CHARS: Final = (0, 2, 3)
_HEAD_BYTES: Final = 6
_FEW_HEADS: Final = 64


class Masker:
    """Replace every known form of some secrets by ``***``."""

    __slots__ = ("_forms", "_head_bytes", "_lengths")

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = {_folded(form) for secret in set(secrets) if secret for form in _forms_of(secret)}
        self._head_bytes = min((_HEAD_BYTES, *map(len, self._forms)))
        self._lengths: dict[bytes, set[int]] = {}
        for form in self._forms:
            self._lengths.setdefault(form[: self._head_bytes], set()).add(len(form))

    def mask(self, text: str) -> str:
        """Return text in which no form of a secret is left."""
        if not self._forms:
            return text
        spans = sorted({span for layer in _layers(text) for span in self._find(layer)})
        if not spans:
            return text
        parts: list[str] = []
        done = 0
        for start, end in _joined(spans):
            parts += text[done:start], MASK
            done = end
        return "".join((*parts, text[done:]))

    def _find(self, layer: _Layer) -> Iterator[tuple[int, int]]:
        """Yield where in the original text the secrets stand that a layer shows, in whole characters of that."""
        text, origins = layer
        for start in self._starts(text):
            for length in self._lengths[text[start : start + self._head_bytes]]:
                end = start + length
                if end < len(origins) and text[start:end] in self._forms:
                    while origins[end] == origins[end - 1]:
                        end += 1
                    yield origins[start], origins[end]

    def _starts(self, text: bytes) -> Iterator[int]:
        if len(self._lengths) <= _FEW_HEADS:
            for head in self._lengths:
                yield from _occurrences(head, text)
        else:
            size = self._head_bytes
            yield from (start for start in range(len(text)) if text[start : start + size] in self._lengths)


class _Layer(NamedTuple):
    """A folded text in bytes, and for each of its offsets, its end included, the offset in the original text."""

    text: bytes
    origins: list[int]


def _layers(text: str) -> Iterator[_Layer]:
    raw = _encoded(text)
    origins = range(len(raw)) if text.isascii() else islice(accumulate(raw.translate(_BEGINS), initial=-1), 1, None)
    level = [_Layer(_folded(raw), [*origins, len(text)])]
    for _ in range(_ESCAPES_DEEP):
        yield from level
        level = [
            _unescaped(layer, escape)
            for layer in level
            for escape in (_JSON_ESCAPE, _URL_ESCAPE)
            if escape.search(layer.text)
        ]
    yield from level


def _unescaped(layer: _Layer, escape: re.Pattern[bytes]) -> _Layer:
    text = bytearray()
    origins: list[int] = []
    done = 0
    for found in escape.finditer(layer.text):
        start, end = found.span()
        meant = _meaning(found[0])
        text += layer.text[done:start] + meant
        origins += layer.origins[done:start]
        origins += [layer.origins[start]] * len(meant)
        done = end
    origins += layer.origins[done:]
    return _Layer(_folded(bytes(text + layer.text[done:])), origins)


@lru_cache(maxsize=2**12)
def _meaning(escape: bytes) -> bytes:
    if escape.startswith(b"%"):
        return bytes.fromhex(escape[1:].decode())
    return _encoded(json.loads(f'"{escape.decode()}"'))


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _folded(text: bytes) -> bytes:
    """Return text of the same length in which the case of ASCII letters is lost, and what ``+`` means in a form."""
    return text.lower().replace(b"+", b" ")


def _occurrences(part: bytes, text: bytes) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _joined(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = spans[0]
    for next_start, next_end in spans[1:]:
        if next_start < end:
            end = max(end, next_end)
        else:
            yield start, end
            start, end = next_start, next_end
    yield start, end


def _forms_of(secret: str) -> Iterator[bytes]:
    plain = _encoded(secret)
    yield plain
    yield _encoded(secret.lower())
    if max(secret) <= "\xff":
        yield secret.encode("latin-1")
    yield from (form for form in _base64_forms(plain) if len(form) >= len(secret))


def _base64_forms(secret: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of a secret after 0, 1 or 2 other bytes, at the end of a text and within one.

    Characters that also depend on neighbouring bytes are left out.
    """
    for before, lost in enumerate(_LOST_CHARS):
        whole_chars = (before + len(secret)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(bytes(before) + secret)[lost:]
            yield from (encoded, encoded.rstrip(b"="), encoded[: whole_chars - lost])
