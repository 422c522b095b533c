"""Years of faults: the pure core keeps every promise, and whoever does not is found out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation.books import Books
from tests.simulation.checker import PROMISES, all_broken
from tests.simulation.controls import CAUGHT
from tests.simulation.life import Life
from tests.simulation.run import LOCATIONS, Task, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.core.model import Result
    from tests.simulation.books import Ended

KINDS = {"down", "recovered", "slow", "slow_over", "resolved", "reminder", "prober_blind"}


def simulated(*options: str, **environment: str) -> list[dict[str, Any]]:
    """Run simulations in processes of their own, which nobody slows down by measuring coverage."""
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    program = [sys.executable, "-m", "tests.simulation", "--json", *options]
    done = subprocess.run(program, env=unmeasured | environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(600)
def test_a_year_of_faults_breaks_no_promise_at_either_of_two_locations() -> None:
    found = simulated("--days=365", "--probes=50", "--there=10")
    assert [line for each in found for line in each["broken"]] == []
    assert {each["task"]["location"] for each in found} == set(LOCATIONS)
    for each in found:
        assert each["checks"] / each["task"]["probes"] > 100_000
        assert each["outages"] / each["task"]["probes"] > 100
        assert each["stops"] > 100
        assert each["events"].keys() >= KINDS


def test_a_seed_replays_to_the_last_byte_and_another_one_is_another_world() -> None:
    first, second, other = (
        {each["task"]["location"]: each["digest"] for each in simulated(*options, PYTHONHASHSEED=salt)}
        for options, salt in (
            (("--days=20", "--probes=10", "--seed=7"), "1"),
            (("--days=20", "--probes=10", "--seed=7"), "2"),
            (("--days=20", "--probes=10", "--seed=8"), "1"),
        )
    )
    assert first == second
    assert len({*first.values(), *other.values()}) == 2 * len(LOCATIONS)


@pytest.mark.parametrize("mistake", CAUGHT, ids=lambda each: each.__name__)
def test_a_prober_that_makes_one_mistake_is_found_out(mistake: type[Life | Books]) -> None:
    task = Task(seed="1", days=60, probes=8, location="here")
    wrong = {"life_of": mistake} if issubclass(mistake, Life) else {"books_of": mistake}
    assert {each.promise for each in all_broken(simulate(task, **wrong))} >= CAUGHT[mistake]


def test_every_promise_is_broken_by_some_mistake() -> None:
    assert set().union(*CAUGHT.values()) == PROMISES.keys()


class Startled(Books):
    """Takes a blackout for a new one when the wall clock is set, and tells of it again."""

    ahead_ms: int | None = None

    def record(
        self, ended: Sequence[Ended], judged: Sequence[Result], *, is_reachable: bool | None, at: int, now_ms: int
    ) -> bool:
        if self.ahead_ms not in {None, now_ms - at}:
            self.store.blackout = None
        self.ahead_ms = now_ms - at
        return super().record(ended, judged, is_reachable=is_reachable, at=at, now_ms=now_ms)


def test_a_clock_that_is_set_is_no_excuse_for_telling_a_blackout_twice() -> None:
    task = Task(seed="1", days=40, probes=2, location="here", fury=24)
    assert all_broken(simulate(task)) == []
    assert {each.promise for each in all_broken(simulate(task, books_of=Startled))} == {"blind"}
