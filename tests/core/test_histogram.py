from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.histogram import Histogram, percentile

LATENCIES = st.lists(st.integers(0, 90_000_000), min_size=1, max_size=200)


def counted(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@pytest.mark.parametrize(
    ("n", "q", "value"),
    [(1, 50, 1), (1, 99, 1), (2, 50, 1), (2, 51, 2), (100, 50, 50), (100, 99, 99), (101, 99, 100), (100, 100, 100)],
)
def test_the_percentile_is_the_nearest_rank(n: int, q: int, value: int) -> None:
    assert percentile(range(1, n + 1), q) == value


@given(LATENCIES, st.integers(1, 100))
def test_the_percentile_is_the_least_value_that_enough_others_do_not_exceed(values: list[int], q: int) -> None:
    least = min(v for v in values if sum(other <= v for other in values) >= ceil(len(values) * q / 100))
    assert percentile(sorted(values), q) == least


@given(LATENCIES, st.integers(1, 100))
def test_a_histogram_answers_within_two_and_a_half_percent(values: list[int], q: int) -> None:
    exact = percentile(sorted(values), q)
    near = counted(values).percentile(q)
    assert exact is not None
    assert near is not None
    assert abs(near - exact) <= 0.025 * exact


@given(LATENCIES, LATENCIES)
def test_merging_is_counting_all_in_one(one: list[int], other: list[int]) -> None:
    merged = counted(one)
    merged.merge(counted(other))
    assert merged == counted(one + other)


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile([], 50) is None
    assert Histogram().percentile(50) is None
