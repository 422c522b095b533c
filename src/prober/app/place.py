"""Which process this is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which process this is: its host and number, and ``origin``, which says in mails where they come from."""

    host: str
    pid: int
    origin: str

    @property
    def owner(self) -> str:
        """Name the process as the holder of a lease."""
        return f"{self.host}:{self.pid}"
