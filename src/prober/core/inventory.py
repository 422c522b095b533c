"""What a store holds, in figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a store holds. ``wal_bytes`` is what was written last, beside the file; ``free_bytes`` are used again.

    ``version`` is the newest migration. ``results`` are single ones, from ``oldest_result_ms`` to ``newest_result_ms``;
    rollups reach back to ``first_check_ms``. ``alerts`` are counted by their state.
    """

    size_bytes: int
    wal_bytes: int
    free_bytes: int
    version: str
    installation: str
    created_at_ms: int
    probes: int = 0
    locations: tuple[str, ...] = ()
    results: int = 0
    rollups: int = 0
    incidents: int = 0
    open_incidents: int = 0
    rounds: int = 0
    alerts: Mapping[str, int] = field(default_factory=dict)
    first_check_ms: int | None = None
    oldest_result_ms: int | None = None
    newest_result_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a store is rolled up, and from when on it has single results."""

    rolled_to_ms: int
    oldest_result_ms: int | None
