from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.histogram import Histogram, percentile

MANY = 300

LATENCIES = st.lists(st.integers(0, 90_000_000), min_size=1, max_size=200)


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
    (near,) = Histogram(values).percentiles(q)
    assert exact is not None
    assert near is not None
    assert abs(near - exact) <= 0.025 * exact


@given(LATENCIES, LATENCIES)
def test_both_together_is_counting_all_in_one_and_a_part_can_be_taken_out_again(
    one: list[int], other: list[int]
) -> None:
    together = Histogram(one) + Histogram(other)
    assert together == Histogram(one + other)
    assert together - Histogram(other) == Histogram(one)
    assert together != Histogram(one)


@given(st.lists(LATENCIES | st.lists(st.sampled_from([0, 1, 90_000, 95_000]), max_size=1_200), max_size=5))
def test_what_is_packed_comes_back_as_one(parts: list[list[int]]) -> None:
    packed = [Histogram(values).pack() for values in parts]
    assert [each is None for each in packed] == [not values for values in parts]
    whole = Histogram([value for values in parts for value in values])
    assert Histogram.unpacked(each for each in packed if each is not None) == whole


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ([61_234], 3 + 1),
        ([20_000 + 10_000 * n for n in range(12)], 3 + 12),
        ([20_000 + 1_000 * n for n in range(MANY)], 3 + 58),
        ([0, 90_000_000], 3 + 378),
        ([100_000] * MANY, 3 + 4),
    ],
)
def test_few_values_take_a_byte_each_and_many_a_byte_a_bucket(values: list[int], size: int) -> None:
    packed = Histogram(values).pack()
    assert packed is not None
    assert len(packed) == size
    assert Histogram.unpacked([packed, packed]) == Histogram(values + values)


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile([], 50) is None
    assert Histogram().percentiles(50, 99) == [None, None]
