"""What people do about incidents: who, when, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a person did. The values are stored and appear in ``--json``."""

    ACKNOWLEDGED = "acknowledged"
    NOTED = "noted"
    MARKED = "false_positive"
    UNMARKED = "not_false_positive"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a person did about an incident."""

    at_ms: int
    who: str
    action: Action
    text: str | None = None
