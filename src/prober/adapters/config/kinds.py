"""Kinds of values: how each is read, and how JSON Schema says the same.

A reader gets a value with its placeholders already replaced and returns what the program works with, or raises
`Invalid`. Its message must not contain the value, which may be a secret: ``{value}`` stands for the text of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from prober.core.durations import LONGEST_MS, PATTERN, format_duration, nearest_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[object], Any]
    Schema = Mapping[str, Any]

PLACEHOLDER = {"type": "string", "pattern": r"\$[{$]"}
_USERINFO = re.compile(r"(?<=//)[^/?#@]*(?:@[^/?#@]*)*@")
FRAMING_HEADERS = frozenset(("content-length", "transfer-encoding", "upgrade"))
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _in_any_case(name: str) -> str:
    return "".join(f"[{char.upper()}{char}]" if char.isalpha() else char for char in name)


HEADER_NAME = {"pattern": f"^{_TOKEN.pattern}$"}
REQUEST_HEADER_NAME = HEADER_NAME | {
    "not": {"pattern": f"^(?:{'|'.join(map(_in_any_case, sorted(FRAMING_HEADERS)))})$"}
}


class Invalid(ValueError):  # noqa: N818 - reads as what it is where it is caught
    """A value is not what its key asks for.

    ``hint`` may be made from the value, and so is only for values that hold no placeholder; ``advice`` is for all.
    """

    def __init__(self, message: str, *, hint: str | None = None, advice: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.advice = message, hint, advice

    def __str__(self) -> str:
        return self.text(None, is_expanded=True, is_secret=True)

    def text(self, raw: object, *, is_expanded: bool, is_secret: bool) -> str:
        """Return the message about a value as it stands in the file."""
        shown = "the value" if is_secret else show(raw)
        notes = [note for note in (None if is_expanded or is_secret else self.hint, self.advice) if note]
        return self.message.replace("{value}", shown) + (f" ({'; '.join(notes)})" if notes else "")


class Shape(Enum):
    """What a key holds: one value, a list of them, either, a table of names to values, or conditions on a JSON body."""

    ONE = auto()
    LIST = auto()
    ONE_OR_LIST = auto()
    MAP = auto()
    CONDITIONS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one value is read and described; a name of a `Shape.MAP` is read too."""

    read: Reader
    schema: Schema
    shape: Shape = Shape.ONE
    read_name: Callable[[str], str] = field(default=str)
    name_schema: Schema = field(default_factory=dict)


def show(raw: object) -> str:
    """Return a value of the file as a message names it, without credentials of a URL."""
    match raw:
        case str():
            text = _USERINFO.sub("***@", raw)
            return f'"{text}"' if len(text) <= 80 else f'"{text[:77]}..."'  # noqa: PLR2004
        case bool():
            return str(raw).lower()
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return str(raw) if not isinstance(raw, int) or abs(raw) < 10**20 else "the number"


def duration(*, least_ms: int = 1, most_ms: int = LONGEST_MS, can_be_off: bool = False) -> Kind:
    """Return the kind of durations between two bounds, in milliseconds; ``false`` is None if it can be off."""

    def read(value: object) -> int | None:
        if value is False and can_be_off:
            return None
        milliseconds = _milliseconds(value)
        if not least_ms <= milliseconds <= most_ms:
            is_short = milliseconds < least_ms
            limit = f"at least {format_duration(least_ms)}" if is_short else f"at most {format_duration(most_ms)}"
            raise Invalid(f"{{value}} is too {'short' if is_short else 'long'}", advice=limit)
        return milliseconds

    text = {"type": "string", "pattern": rf"^{PATTERN}$|\$[{{$]"}
    return Kind(read=read, schema={"anyOf": [text, {"const": False}]} if can_be_off else text)


def _milliseconds(value: object) -> int:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ValueError as error:
            nearest = nearest_duration(value)
            raise Invalid(f"{{value}} is {error}", hint=f'write "{nearest}"' if nearest else None) from None
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
        minutes = format_duration(value * 1000)
        either = f' or "{minutes}"' if minutes != f"{value}s" else ""
        raise Invalid("{value} is not a duration", hint=f'write "{value}s"{either}')
    raise Invalid("{value} is not a duration", advice='write it like "30s" or "5m"')


def whole(least: int, most: int) -> Kind:
    """Return the kind of whole numbers between two bounds."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid("{value} is not a whole number", hint=_unquoted(value))
        if not least <= value <= most:
            raise Invalid(f"{{value}} is not between {least} and {most}")
        return value

    return Kind(read=read, schema={"type": "integer", "minimum": least, "maximum": most})


def percent() -> Kind:
    """Return the kind of percentages above 0."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid("{value} is not a number", hint=_unquoted(value))
        if not 0 < value <= 100:  # noqa: PLR2004
            raise Invalid("{value} is not a percentage above 0 and at most 100")
        return float(value)

    return Kind(read=read, schema={"type": "number", "exclusiveMinimum": 0, "maximum": 100})


def _unquoted(value: object) -> str | None:
    return f"write {value} without quotes" if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else None


def boolean() -> Kind:
    """Return the kind of truths."""

    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise Invalid("{value} is neither true nor false", hint=_truth(value))
        return value

    return Kind(read=read, schema={"type": "boolean"})


def _truth(value: object) -> str | None:
    return f"write {value} without quotes" if isinstance(value, str) and value in {"true", "false"} else None


def text(*, can_be_empty: bool = False, check: Callable[[str], object] | None = None) -> Kind:
    """Return the kind of texts; ``check`` raises for those that do not fit."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise Invalid("{value} is not text", hint=f'write "{value}"' if isinstance(value, int | float) else None)
        if not value and not can_be_empty:
            raise Invalid("{value} is empty")
        if check is not None:
            check(value)
        return value

    return Kind(read=read, schema={"type": "string"} if can_be_empty else {"type": "string", "minLength": 1})


def one_of(*words: str) -> Kind:
    """Return the kind of texts that are one of some words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            hint = next((word for word in words if isinstance(value, str) and word.lower() == value.lower()), None)
            raise Invalid(f"{{value}} is not one of {', '.join(words)}", hint=f'write "{hint}"' if hint else None)
        return value

    return Kind(read=read, schema={"anyOf": [{"enum": list(words)}, PLACEHOLDER]})


def header_name(name: str) -> str:
    """Return the lower-case name of a header. Raises `Invalid` for what is no name."""
    if not _TOKEN.fullmatch(name):
        raise Invalid("{value} is not the name of a header")
    return name.lower()


def request_header_name(name: str) -> str:
    """Return the lower-case name of a header that a request may set. Raises `Invalid`."""
    lowered = header_name(name)
    if lowered in FRAMING_HEADERS:
        raise Invalid("{value} cannot be set: how a request is framed is up to prober")
    return lowered


def check_header_value(value: str) -> None:
    """Raise `Invalid` for what cannot stand in a header line."""
    if not value.isascii() or not all(char.isprintable() or char == "\t" for char in value):
        raise Invalid("a header's value holds a control character or is not ASCII")


def check_pattern(value: str) -> None:
    """Raise `Invalid` for a regular expression that does not compile."""
    import regex  # noqa: PLC0415 - costs start-up time, only patterns need it

    try:
        regex.compile(value)
    except Exception as error:  # noqa: BLE001 - whatever the compiler trips over, the pattern is to blame
        raise Invalid(f"the regular expression does not compile: {error}") from None
