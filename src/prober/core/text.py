"""Text that comes from outside, made harmless for a terminal, a mail, a page and the store.

Watched servers are broken or hostile by nature: what they send may move a cursor, reorder a line, break a header or
fail to encode. It is cleaned once, here. Secrets are masked before anything is cut short (half a secret is not
recognised) and again after cleaning (removing a hidden character can join the halves of one).

Of a long text only the beginning is looked at, twice: once with what follows and once without. What both ways of
looking show alike holds no half of a secret (nor of an escape sequence) that the end of the shorter look cut through.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_NEAR = 4_096
_FAR = 16_384
_MOST_BYTES = 4
_STRING_STARTS = r"(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])"
_STRING_STOPS = r"(?:\x07|\x1b\\|\x9c)"
_ESCAPES = re.compile(
    rf"{_STRING_STARTS}[^\x07\x1b\x90\x98\x9c-\x9f]*+{_STRING_STOPS}"
    r"|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|\x1b[ -/]*+[0-~]?"
)
_BREAKS = re.compile(r"[\t-\r\x85\u2028\u2029]+")
_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_CHARSETS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}


def clean(text: str) -> str:
    """Return text on one line without anything that acts: it encodes to UTF-8 and moves no cursor.

    Line breaks and tabs become a space; escape sequences, control, bidi and invisible characters go; lone surrogates
    become U+FFFD. Linear in the length of the text.
    """
    visible = _HIDDEN.sub("", _BREAKS.sub(" ", _ESCAPES.sub("", text)))
    return _SURROGATES.sub("\ufffd", visible)


def scrub(text: str, mask: Callable[[str], str]) -> str:
    """Return cleaned text in which no secret is left."""
    return mask(clean(mask(text)))


def scrub_start(text: str, mask: Callable[[str], str]) -> str:
    """Return the beginning of what `scrub` makes of a text: all of a short one, about 4,000 characters of a long one.

    No secret is left whose forms are at most 12,000 characters long.
    """
    near = scrub(text[:_NEAR], mask)
    if len(text) <= _NEAR:
        return near
    far = scrub(text[:_FAR], mask)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(near, far, strict=False)))


def cut(text: str, n: int) -> str:
    """Return text of at most ``n`` characters, marked with dots where something is missing."""
    return text if len(text) <= n else text[: max(n - 3, 0)] + "..."[:n]


def decode(body: bytes, charset: str | None = None) -> str:
    """Return a body as text by a charset that servers commonly name, else by UTF-8; what does not decode is replaced.

    Only names known here are looked up: Python would search modules for any name a server thinks of, and remember it.
    """
    return body.decode(_CHARSETS.get((charset or "utf-8").strip(" \"'").lower(), "utf-8-sig"), errors="replace")


def excerpt(body: bytes, charset: str | None = None, *, mask: Callable[[str], str], limit_bytes: int = 500) -> str:
    """Return the beginning of a body, masked and cleaned, in at most ``limit_bytes`` bytes of UTF-8."""
    start = scrub_start(decode(body[: _FAR * _MOST_BYTES], charset), mask).strip()
    return start.encode()[:limit_bytes].decode(errors="ignore")
