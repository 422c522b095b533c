"""The figures that we hold ourselves to, measured: never in timed tests, and as ratios where a clock is involved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number. Without a bound it is there to compare with."""

    name: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def is_kept(self) -> bool:
        """Say whether the number is within its bound."""
        return self.bound is None or self.value <= self.bound
