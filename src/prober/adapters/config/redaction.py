"""Secrets that somebody wrote into the file itself, hidden before a line of it is shown.

Each is overwritten character by character, so every column stays what it was.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.adapters.config.positions import Path, Place, Span

_SENSITIVE = r"(?:pass?w|pwd|secret|token|api[_-]?key|auth|cookie|credential)"
_SENSITIVE_KEY = re.compile(_SENSITIVE, re.IGNORECASE)
_SENSITIVE_REST = re.compile(rf"{_SENSITIVE}[\w-]*[\"']?[ \t]*=[ \t]*(.+)", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)([^\s/?#\"']+)@")
_PLAIN_VARIABLE = re.compile(r"[\"']?(?:[A-Za-z]+ )?\$\{[A-Za-z_][A-Za-z0-9_]*\}[\"']?")


def redact(text: str, places: dict[Path, Place]) -> str:
    """Return a valid text with the literal values of sensitive keys and the credentials in URLs overwritten."""
    return _overwritten(text, (*_literal_secrets(text, places), *(found.span(1) for found in _USERINFO.finditer(text))))


def redact_broken(text: str) -> str:
    """Return a text that does not parse with all that follows a sensitive key on its line overwritten."""
    spans = (found.span(1) for pattern in (_SENSITIVE_REST, _USERINFO) for found in pattern.finditer(text))
    return _overwritten(text, spans)


def _literal_secrets(text: str, places: dict[Path, Place]) -> Iterator[Span]:
    for path, place in places.items():
        value = text[slice(*place.value)]
        is_literal = place.value != place.key and not value.startswith("{") and not _PLAIN_VARIABLE.fullmatch(value)
        if is_literal and _is_sensitive(str(path[-1])):
            yield place.value


@cache
def _is_sensitive(key: str) -> bool:
    return bool(_SENSITIVE_KEY.search(key) or get_close_matches(key.lower(), ("password", "api_key"), cutoff=0.75))


def _overwritten(text: str, spans: Iterator[Span] | tuple[Span, ...]) -> str:
    chars = list(text)
    for start, end in spans:
        chars[start:end] = ("\n" if char == "\n" else "*" for char in text[start:end])
    return "".join(chars)
