"""How long an outage stays untold on a schedule that is late: `python -m tests.simulation.cadence` prints the table.

A hosted schedule of every five minutes delivers 60 to 85 runs a day. The gaps between runs are drawn as lognormal,
which fits what was measured: median, 99th percentile and runs per day agree with each other. An outage begins at any
moment and does not end by itself; its checks take their whole timeout. Rules and spacing are those of the program.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, pairwise
from random import Random
from statistics import quantiles
from typing import TYPE_CHECKING, Final

from prober.core.model import Opened, Outcome, Policy, Probe, ProbeState, Result
from prober.core.rules import apply
from prober.core.schedule import is_waiting_for_verdict, spacing_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
DAY: Final = 1440 * MINUTE
LONG: Final = 4 * 365 * DAY
INSTALL: Final = 30 * SECOND
DEADLINE: Final = 50 * MINUTE
OUTAGES: Final = 2_000
PATIENT: Final = Probe(
    id="api", name="api", url="https://api.example/", identity="1", policy=Policy(failures=3), recheck_ms=MINUTE
)
HASTY: Final = replace(PATIENT, recheck_ms=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What a host makes of a schedule of every five minutes, in minutes between the starts of its runs."""

    median: float
    p99: float

    @cache  # noqa: B019 - a handful of schedules
    def starts_ms(self) -> tuple[int, ...]:
        """Return the starts of years of runs, drawn by a fixed seed; none comes sooner than was asked for."""
        random = Random(f"{self.median} {self.p99}")
        spread = math.log(self.p99 / self.median) / 2.326
        starts = [0]
        while starts[-1] < LONG:
            gap = max(random.lognormvariate(math.log(self.median), spread), 5)
            starts.append(starts[-1] + round(gap * MINUTE))
        return tuple(starts)


QUICK, USUAL, LATE = Schedule(median=13, p99=70), Schedule(median=16, p99=80), Schedule(median=20, p99=80)
SCHEDULES: Final = (QUICK, USUAL, LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How runs check: a ``probe`` with its rechecks, and whether a run goes on while nothing is pending."""

    name: str
    probe: Probe
    is_resident: bool = False

    def begun_ms(self, starts: Sequence[int]) -> list[int]:
        """Return when runs really begin: one at a time, and of those that wait for it only one is kept."""
        if not self.is_resident:
            return list(starts)
        begun = [starts[0]]
        while (ends := begun[-1] + DEADLINE) < starts[-1]:
            waits = bisect_right(starts, ends) - bisect_right(starts, begun[-1])
            begun.append(ends if waits else starts[bisect_right(starts, ends)])
        return begun

    def stays(self, state: ProbeState) -> bool:
        return self.is_resident or is_waiting_for_verdict(self.probe, state)


NAIVE = Way(name="one check a run", probe=HASTY)
CONFIRMING = Way(name="confirmed inside the run", probe=PATIENT)
RESIDENT = Way(name="resident", probe=PATIENT, is_resident=True)
WAYS: Final = (NAIVE, CONFIRMING, RESIDENT)


def untold_ms(way: Way, begun: Sequence[int], outage_ms: int, lasts_ms: float = math.inf) -> int | None:
    """Return how long an outage stays untold; None when it ends before anybody is told."""
    state = ProbeState()
    first = max(bisect_right(begun, outage_ms) - 1, 0)
    for run_ms in map(begun.__getitem__, count(first)):
        if run_ms > outage_ms + lasts_ms:
            return None
        at_ms = run_ms + INSTALL
        while True:
            is_out = outage_ms <= at_ms < outage_ms + lasts_ms
            took_ms = way.probe.timeout_ms if is_out else 0
            outcome = Outcome.FAILED if is_out else Outcome.OK
            result = Result(probe_id="api", location="here", at_ms=at_ms, outcome=outcome)
            state, events = apply(state, result, policy=way.probe.policy)
            if any(isinstance(event, Opened) for event in events):
                return at_ms + took_ms - outage_ms
            at_ms = max(at_ms + spacing_ms(way.probe, state), at_ms + took_ms)
            if not way.stays(state) or at_ms + way.probe.timeout_ms > run_ms + DEADLINE:
                break
    raise AssertionError("a schedule never ends")


def delays_ms(way: Way, schedule: Schedule, *, lasts_ms: float = math.inf) -> list[int | None]:
    """Return of many outages, which begin evenly spread over the years, how long each stays untold."""
    begun = way.begun_ms(schedule.starts_ms())
    outages_ms = range(DAY, LONG - 5 * DAY, (LONG - 6 * DAY) // OUTAGES)
    return [untold_ms(way, begun, outage_ms, lasts_ms) for outage_ms in outages_ms]


def coverage(schedule: Schedule) -> float:
    """Return the share of time that resident runs observe: a check observes 1.5 intervals at most."""
    interval_ms = PATIENT.interval_ms
    ends = DEADLINE - PATIENT.timeout_ms
    checks = [
        at_ms
        for run_ms in RESIDENT.begun_ms(schedule.starts_ms())
        for at_ms in range(run_ms + INSTALL, run_ms + ends, interval_ms)
    ]
    observed = sum(min(after - before, interval_ms * 3 // 2) for before, after in pairwise(checks))
    return observed / (checks[-1] - checks[0])


def median_and_p90(delays: Sequence[int | None]) -> tuple[int, int]:
    """Return both in minutes, rounded up."""
    told = [each / MINUTE for each in delays if each is not None]
    tenths = quantiles(told, n=10)
    return math.ceil(tenths[4]), math.ceil(tenths[8])


def told_share(way: Way, lasts_min: int) -> int:
    """Return how many percent of the outages of a length are told before they end by themselves, floored."""
    delays = [each for one in SCHEDULES for each in delays_ms(way, one, lasts_ms=lasts_min * MINUTE)]
    return 100 * sum(each is not None for each in delays) // len(delays)


def table() -> str:
    """Return what docs/github-actions.md shows: minutes until the alert, the median and what 9 of 10 stay within."""
    lines = [
        f"| runs | {' | '.join(way.name for way in WAYS)} |",
        f"|{' --- |' * (len(WAYS) + 1)}",
    ]
    for one in SCHEDULES:
        per_day = (len(one.starts_ms()) - 1) * DAY / LONG
        figures = [median_and_p90(delays_ms(way, one)) for way in WAYS]
        cells = " | ".join(f"{median} (9 of 10: {p90})" for median, p90 in figures)
        lines.append(f"| {per_day:.0f} a day, median gap {one.median} min, p99 {one.p99} | {cells} |")
    for lasts_min in (10, 30, 60):
        cells = " | ".join(f"{told_share(way, lasts_min)} %" for way in WAYS)
        lines.append(f"| outages of {lasts_min} min that are told | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())  # noqa: T201
