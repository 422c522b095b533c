"""Their texts in the spelling of our file."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from prober.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection

ID_CHARS: Final = 64


def readable(text: str) -> str:
    """Return a text for people: on one line, without anything that acts."""
    return clean(text).strip()


def literal(value: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    """Return a value as the file writes it when nothing in it is a placeholder."""
    match value:
        case str():
            return value.replace("$", "$$")
        case list():
            return [literal(each) for each in value]
        case dict():
            return {key: literal(each) for key, each in value.items()}
        case _:
            return value


def free_id(*texts: str, taken: Collection[str]) -> str:
    """Return an id made of the first text that gives one, with a number if it is taken."""
    name = next(filter(None, map(_slug, texts)), "probe")
    candidate, number = name[:ID_CHARS].rstrip("-"), 1
    while candidate in taken:
        number += 1
        candidate = f"{name[: ID_CHARS - len(str(number)) - 1].rstrip('-')}-{number}"
    return candidate


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")
