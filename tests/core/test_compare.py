"""Which outages both sides saw: a table, and properties beside a naive model."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.compare import Outage, Pairing, begun_inside, pair
from prober.core.uptime import Period

if TYPE_CHECKING:
    from random import Random


def at(*starts: int) -> list[Outage]:
    return [Outage(started_at_ms=start, ended_at_ms=start + 1) for start in starts]


def starts(pairing: Pairing) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    return (
        [(one.started_at_ms, other.started_at_ms) for one, other in pairing.both],
        [each.started_at_ms for each in pairing.only_ours],
        [each.started_at_ms for each in pairing.only_theirs],
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "paired"),
    [
        ([], [], ([], [], [])),
        ([5], [], ([], [5], [])),
        ([], [5], ([], [], [5])),
        ([5], [5], ([(5, 5)], [], [])),
        ([5], [15], ([(5, 15)], [], [])),
        ([5], [16], ([], [5], [16])),
        ([20], [11], ([(20, 11)], [], [])),
        # The nearest has it, whoever came first.
        ([10, 18], [20], ([(18, 20)], [10], [])),
        ([20], [12, 21], ([(20, 21)], [], [12])),
        ([10, 18], [20, 28], ([(18, 20)], [10], [28])),
        ([10, 20], [12, 22], ([(10, 12), (20, 22)], [], [])),
        ([30, 10], [11, 29], ([(10, 11), (30, 29)], [], [])),
        # Of two as near, the earlier.
        ([10], [5, 15], ([(10, 5)], [], [15])),
    ],
)
def test_outages_that_began_near_each_other_are_one(
    ours: list[int], theirs: list[int], paired: tuple[list[tuple[int, int]], list[int], list[int]]
) -> None:
    assert starts(pair(at(*ours), at(*theirs), within_ms=10)) == paired


OUTAGES = st.lists(
    st.builds(Outage, started_at_ms=st.integers(0, 60), ended_at_ms=st.none() | st.integers(60, 70)), max_size=8
)


@given(OUTAGES, OUTAGES, st.integers(0, 20))
def test_every_outage_is_told_of_once_and_none_is_left_beside_its_like(
    ours: list[Outage], theirs: list[Outage], within_ms: int
) -> None:
    found = pair(ours, theirs, within_ms=within_ms)
    key = repr
    assert sorted([*(one for one, _ in found.both), *found.only_ours], key=key) == sorted(ours, key=key)
    assert sorted([*(other for _, other in found.both), *found.only_theirs], key=key) == sorted(theirs, key=key)
    assert all(abs(one.started_at_ms - other.started_at_ms) <= within_ms for one, other in found.both)
    left = product(found.only_ours, found.only_theirs)
    assert all(abs(one.started_at_ms - other.started_at_ms) > within_ms for one, other in left)
    for side in ([one for one, _ in found.both], found.only_ours, found.only_theirs):
        assert all(before.started_at_ms <= after.started_at_ms for before, after in pairwise(side))


@given(OUTAGES, OUTAGES, st.integers(0, 20))
def test_the_nearest_go_first_and_of_those_as_near_the_earliest(
    ours: list[Outage], theirs: list[Outage], within_ms: int
) -> None:
    pairs = []
    left, right = (dict(enumerate(sorted(side, key=sort_key))) for side in (ours, theirs))
    while near := [
        (distance, i + j, i, j)
        for (i, one), (j, other) in product(left.items(), right.items())
        if (distance := abs(one.started_at_ms - other.started_at_ms)) <= within_ms
    ]:
        _, _, i, j = min(near)
        pairs.append((i, left.pop(i), right.pop(j)))
    assert pair(ours, theirs, within_ms=within_ms).both == tuple((one, other) for _, one, other in sorted_by_no(pairs))


def sort_key(outage: Outage) -> tuple[int, float]:
    return outage.started_at_ms, float("inf") if outage.ended_at_ms is None else outage.ended_at_ms


def sorted_by_no(pairs: list[tuple[int, Outage, Outage]]) -> list[tuple[int, Outage, Outage]]:
    return sorted(pairs, key=lambda each: each[0])


@given(OUTAGES, OUTAGES, st.integers(0, 20), st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_side_makes_a_difference(
    ours: list[Outage], theirs: list[Outage], within_ms: int, random: Random
) -> None:
    found = pair(ours, theirs, within_ms=within_ms)
    random.shuffle(ours)
    assert pair(ours, theirs, within_ms=within_ms) == found
    other_way = pair(theirs, ours, within_ms=within_ms)
    assert (other_way.only_theirs, other_way.only_ours) == (found.only_ours, found.only_theirs)
    assert sorted(((one, other) for other, one in other_way.both), key=repr) == sorted(found.both, key=repr)


def test_only_what_began_inside_the_window_is_told_of() -> None:
    pairing = pair(at(5, 40, 95, 120), at(12, 60, 200), within_ms=10)
    assert starts(begun_inside(pairing, Period(from_ms=10, to_ms=100))) == ([(5, 12)], [40, 95], [60])


def test_an_outage_lasts_until_its_end_or_until_now() -> None:
    assert Outage(started_at_ms=10, ended_at_ms=25).lasted_ms(100) == 15
    assert Outage(started_at_ms=10).lasted_ms(100) == 90
    assert Outage(started_at_ms=110).lasted_ms(100) == 0
