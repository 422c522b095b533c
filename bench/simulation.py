"""The simulation of the core: 100,000 checks a second, with both locations side by side where there are two cores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench import Figure
from tests.simulation.run import LOCATIONS, find_all

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS, PROBES = 60, 50


def measure() -> Iterator[Figure]:
    found = list(find_all(["bench"], days=DAYS, probes=PROBES))
    spent_us = 1_000_000 * sum(each.seconds for each in found) / sum(each.checks for each in found)
    yield Figure(name="a simulated check, of one core", value=spent_us, unit="us")
    at_once = min(len(LOCATIONS), os.cpu_count() or 1)
    yield Figure(name=f"a simulated check, {at_once} locations at once", value=spent_us / at_once, unit="us", bound=10)
