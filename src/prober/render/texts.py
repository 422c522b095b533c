"""One change to every text of a value."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def with_texts(value: T, change: Callable[[str], str]) -> T:
    """Return a value in which every text, however deep in tuples and dataclasses, is changed; enums stay."""
    changed: object = value
    if isinstance(value, str) and not isinstance(value, Enum):
        changed = change(value)
    elif isinstance(value, tuple):
        changed = tuple(with_texts(each, change) for each in value)
    elif is_dataclass(value) and not isinstance(value, type):
        changed = replace(value, **{each.name: with_texts(getattr(value, each.name), change) for each in fields(value)})
    return cast("T", changed)
