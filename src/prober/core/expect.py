"""What a healthy response looks like, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Operator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "~", "contains", "not_contains", "in", "exists", "null"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRule:
    """One condition on a JSON body.

    ``path`` is a dotted path, or an RFC 9535 JSONPath when it begins with ``$``.
    """

    path: str
    operator: Operator
    operand: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What a healthy response looks like; an empty part judges nothing.

    ``status`` holds inclusive ranges. ``headers`` holds (lower-case name, shell-style pattern).
    """

    status: tuple[tuple[int, int], ...] = ((200, 299),)
    contains: str | None = None
    not_contains: str | None = None
    matches: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    certificate_ms: int | None = None
    json: tuple[JsonRule, ...] = ()

    @property
    def judges_body(self) -> bool:
        """Say whether any part of this looks at the body."""
        return bool(self.json) or any(part is not None for part in (self.contains, self.not_contains, self.matches))
