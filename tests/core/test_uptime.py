from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.model import Outcome
from prober.core.uptime import (
    Counts,
    Observation,
    Period,
    Span,
    Uptime,
    budget_used_percent,
    count,
    floored,
    length_ms,
    measure,
    observed,
    touched,
    union,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, SLOW, FAILED, UNKNOWN = Outcome.OK, Outcome.SLOW, Outcome.FAILED, Outcome.UNKNOWN
MINUTE = 60_000


def at(minute: int, outcome: Outcome = OK, interval: int = 5) -> Observation:
    return Observation(at_ms=minute * MINUTE, outcome=outcome, interval_ms=interval * MINUTE)


def minutes(begin: float, end: float) -> Period:
    return Period(from_ms=int(begin * MINUTE), to_ms=int(end * MINUTE))


def measured(
    *results: Observation, down: tuple[Period, ...] = (), window: Period, now: int = 1000, first: int | None = 0
) -> Uptime:
    return measure(
        seen_in(window, results),
        union((each.from_ms, each.to_ms) for each in down),
        window=window,
        now_ms=now * MINUTE,
        first_check_ms=None if first is None else first * MINUTE,
    )


def seen_in(window: Period, *locations: Sequence[Observation]) -> list[Span]:
    seen = (observed(each, from_ms=window.from_ms, to_ms=window.to_ms) for each in locations)
    return union(chain.from_iterable(seen))


@pytest.mark.parametrize(
    ("results", "observed"),
    [
        ([at(0), at(5), at(10), at(15)], 20 * MINUTE),
        ([at(0), at(5), at(15)], 17.5 * MINUTE),
        ([at(0)], 7.5 * MINUTE),
        ([at(0, interval=60)], 20 * MINUTE),
        ([at(0, UNKNOWN), at(5)], 7.5 * MINUTE),
        ([at(0), at(5, UNKNOWN), at(10)], 12.5 * MINUTE),
        ([at(0, SLOW), at(5, FAILED)], 12.5 * MINUTE),
        ([at(-3), at(5)], 12 * MINUTE),
        ([at(-8), at(-7, UNKNOWN), at(5)], 7.5 * MINUTE),
        ([at(-9), at(18)], 2 * MINUTE),
        ([at(20)], 0),
        ([], 0),
    ],
)
def test_a_result_observes_until_the_next_but_no_longer_than_one_and_a_half_intervals(
    results: list[Observation], observed: float
) -> None:
    figures = measured(*results, window=minutes(0, 20), first=-100)
    assert figures.observed_ms == observed
    assert figures.coverage_percent == 100 * observed / (20 * MINUTE)


def test_the_newest_result_observes_until_now() -> None:
    figures = measured(at(0), window=minutes(0, 20), now=3)
    assert (figures.observed_ms, figures.window_ms) == (3 * MINUTE, 3 * MINUTE)


def test_the_window_begins_no_earlier_than_the_first_check() -> None:
    figures = measured(at(10), at(15), window=minutes(0, 20), first=10)
    assert (figures.window_ms, figures.coverage_percent) == (10 * MINUTE, 100)


@pytest.mark.parametrize(("first", "now"), [(None, 1000), (50, 1000), (0, -5)])
def test_an_empty_window_has_no_figures(first: int | None, now: int) -> None:
    figures = measured(at(0), window=minutes(0, 20), first=first, now=now)
    assert (figures.window_ms, figures.uptime_percent, figures.coverage_percent) == (0, None, None)


def test_when_nothing_was_observed_uptime_is_no_data() -> None:
    figures = measured(at(0, UNKNOWN), window=minutes(0, 20))
    assert (figures.uptime_percent, figures.coverage_percent) == (None, 0)


@pytest.mark.parametrize(
    ("down", "percent"),
    [
        ((), 100),
        ((minutes(5, 10),), 75),
        ((minutes(5, 10), minutes(8, 12)), 65),
        ((minutes(5, 10), minutes(10, 12), minutes(15, 16)), 60),
        ((minutes(-10, 5), minutes(18, 99)), 65),
        ((minutes(-10, 99),), 0),
        ((minutes(-10, -5), minutes(20, 25)), 100),
    ],
)
def test_downtime_is_observed_time_inside_incidents(down: tuple[Period, ...], percent: float) -> None:
    results = [at(minute) for minute in range(0, 20, 5)]
    assert measured(*results, down=down, window=minutes(0, 20)).uptime_percent == percent


def test_an_incident_costs_nothing_where_nothing_was_observed() -> None:
    figures = measured(at(0), at(10), down=(minutes(5, 10),), window=minutes(0, 15))
    assert figures.downtime_ms == 2.5 * MINUTE


def test_two_locations_observe_together_and_an_outage_seen_by_both_counts_once() -> None:
    window = minutes(0, 20)
    figures = measure(
        seen_in(window, [at(0), at(5, FAILED)], [at(3), at(8, FAILED)]),
        union([(5 * MINUTE, 9 * MINUTE), (8 * MINUTE, 12 * MINUTE)]),
        window=window,
        now_ms=20 * MINUTE,
        first_check_ms=0,
    )
    assert (figures.observed_ms, figures.downtime_ms) == (15.5 * MINUTE, 7 * MINUTE)


def test_checks_are_counted_by_what_they_came_to() -> None:
    counted = count([OK, SLOW, OK, FAILED, UNKNOWN])
    assert counted == Counts(ok=2, slow=1, failed=1, unknown=1)
    assert counted.total == 5
    assert counted + counted - counted == counted
    assert measure([], [], window=minutes(0, 20), now_ms=MINUTE, first_check_ms=0, checks=counted).checks == counted


@pytest.mark.parametrize(
    ("results", "carried", "spans"),
    [
        ([], 4, [(0, 4)]),
        ([], 99, [(0, 20)]),
        ([], -4, []),
        ([at(3)], 9, [(0, 3), (3, 10.5)]),
        ([at(3)], 2, [(0, 2), (3, 10.5)]),
        ([at(3, UNKNOWN)], 9, [(0, 3)]),
        ([at(-1)], 9, [(0, 6.5)]),
        ([at(25)], 99, [(0, 20)]),
    ],
)
def test_what_was_checked_before_all_that_is_known_observes_on_until_the_first_of_these(
    results: list[Observation], carried: int, spans: list[tuple[float, float]]
) -> None:
    seen = observed(results, from_ms=0, to_ms=20 * MINUTE, carried_to_ms=carried * MINUTE)
    assert list(seen) == [(start * MINUTE, end * MINUTE) for start, end in spans]


WORLDS = st.fixed_dictionaries(
    {
        "results": st.dictionaries(
            st.sampled_from(["here", "there"]),
            st.lists(st.tuples(st.integers(0, 60), st.sampled_from([OK, FAILED, UNKNOWN]), st.integers(1, 12))),
        ),
        "down": st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))),
        "maintenance": st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4),
        "first": st.none() | st.integers(0, 60),
        "now": st.integers(0, 80),
    }
)


def in_world(world: dict[str, object], begin: int, end: int) -> Uptime:
    results, down, planned, first, now = (world[name] for name in ("results", "down", "maintenance", "first", "now"))
    assert isinstance(results, dict)
    assert isinstance(down, list)
    assert isinstance(planned, list)
    assert isinstance(now, int)
    observations = {
        place: [
            Observation(at_ms=start, outcome=outcome, interval_ms=interval)
            for start, outcome, interval in sorted(rows, key=lambda row: row[0])
        ]
        for place, rows in results.items()
    }
    window = Period(from_ms=begin, to_ms=end)
    return measure(
        seen_in(window, *observations.values()),
        union(down),
        window=window,
        now_ms=now,
        first_check_ms=first if isinstance(first, int) else None,
        maintenance=union(planned),
    )


def by_the_millisecond(world: dict[str, object], begin: int, end: int) -> tuple[int, int, int]:
    """Return window, observed time and downtime, found by asking about every millisecond."""
    results, down, planned, first, now = (world[name] for name in ("results", "down", "maintenance", "first", "now"))
    assert isinstance(results, dict)
    assert isinstance(down, list)
    assert isinstance(planned, list)
    assert isinstance(now, int)
    if not isinstance(first, int):
        return 0, 0, 0

    def is_observed(moment: int) -> bool:
        for rows in results.values():
            before = [row for row in sorted(rows, key=lambda row: row[0]) if row[0] <= moment]
            if before:
                start, outcome, interval = before[-1]
                if outcome is not UNKNOWN and moment < start + interval * 3 // 2:
                    return True
        return False

    def is_planned(moment: int) -> bool:
        return any(start <= moment < stop for start, stop in planned)

    window = [moment for moment in range(begin, end) if first <= moment < now and not is_planned(moment)]
    observed = [moment for moment in window if is_observed(moment)]
    spoilt = [moment for moment in observed if any(start <= moment < stop for start, stop in down)]
    return len(window), len(observed), len(spoilt)


@given(WORLDS, st.integers(0, 80), st.integers(0, 80))
def test_the_figures_are_those_of_counting_every_millisecond(world: dict[str, object], begin: int, end: int) -> None:
    figures = in_world(world, begin, end)
    assert (figures.window_ms, figures.observed_ms, figures.downtime_ms) == by_the_millisecond(world, begin, end)


@given(WORLDS, st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(0, 80)).map(sorted))
def test_windows_that_touch_add_up_exactly(world: dict[str, object], bounds: list[int]) -> None:
    begin, middle, end = bounds
    whole, *parts = (in_world(world, *each) for each in ((begin, end), (begin, middle), (middle, end)))
    assert whole.window_ms == sum(part.window_ms for part in parts)
    assert whole.observed_ms == sum(part.observed_ms for part in parts)
    assert whole.downtime_ms == sum(part.downtime_ms for part in parts)


@pytest.mark.parametrize(
    ("planned", "window", "observed", "downtime"),
    [
        ([], 20, 20, 10),
        ([(5, 10)], 15, 15, 5),
        ([(5, 7), (12, 14)], 16, 16, 6),
        ([(-9, 6)], 14, 14, 9),
        ([(4, 16)], 8, 8, 0),
        ([(0, 20)], 0, 0, 0),
        ([(20, 30)], 20, 20, 10),
    ],
)
def test_maintenance_is_taken_out_of_the_window_of_what_was_observed_and_of_downtime(
    planned: list[Span], window: int, observed: int, downtime: int
) -> None:
    found = measure(
        [(0, 20)],
        [(5, 15)],
        window=Period(from_ms=0, to_ms=20),
        now_ms=20,
        first_check_ms=0,
        maintenance=planned,
    )
    assert (found.window_ms, found.observed_ms, found.downtime_ms) == (window, observed, downtime)
    assert found.coverage_percent == (100 if window else None)


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)))


@given(SPANS, SPANS)
def test_what_is_left_without_others_is_the_rest(spans: list[Span], others: list[Span]) -> None:
    left = without(union(spans), union(others))
    covered = [{moment for start, end in each for moment in range(start, end)} for each in (spans, others, left)]
    assert covered[2] == covered[0] - covered[1]
    assert length_ms(left) == len(covered[2])


@given(SPANS, st.integers(0, 20), st.integers(1, 9), st.integers(0, 9))
def test_a_period_is_touched_by_spans_that_reach_into_it(spans: list[Span], begin: int, length: int, n: int) -> None:
    edges = range(begin, begin + n * length + 1, length)
    covered = {moment for start, end in spans for moment in range(start, end)}
    reached = {i for i, period in enumerate(pairwise(edges)) if not covered.isdisjoint(range(*period))}
    assert touched(union(spans), edges) == reached


@pytest.mark.parametrize(
    ("percent", "shown"),
    [
        (100.0, "100"),
        (0.0, "0"),
        (99.9996, "99.999"),
        (99.99999999999999, "99.999"),
        (99.928, "99.928"),
        (99.96, "99.960"),
        (50.0, "50.000"),
        (1e-07, "0.000"),
    ],
)
def test_a_percentage_is_floored(percent: float, shown: str) -> None:
    assert floored(percent) == shown


@given(st.floats(0, 100), st.integers(0, 6))
def test_a_shown_percentage_is_never_above_the_real_one(percent: float, digits: int) -> None:
    assert 0 <= percent - float(floored(percent, digits)) < 10**-digits * 1.000001


def test_the_budget_is_what_the_target_leaves_of_30_days() -> None:
    assert budget_used_percent(int(21.6 * MINUTE), target_percent=99.9) == pytest.approx(50)
    assert budget_used_percent(MINUTE, target_percent=100) is None
