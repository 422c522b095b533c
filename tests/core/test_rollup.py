from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.histogram import Histogram
from prober.core.model import Outcome
from prober.core.rollup import HOUR_MS, Rollup, Tally, combine, pack_spans, roll_up, tally, unpack_spans
from prober.core.uptime import Counts, Observation, Span, observed, union

MINUTE = 60_000
END_MS = 5 * HOUR_MS


def at(minute: int, outcome: Outcome = Outcome.OK, interval: int = 5, latency_us: int | None = None) -> Observation:
    return Observation(at_ms=minute * MINUTE, outcome=outcome, interval_ms=interval * MINUTE, latency_us=latency_us)


def rolled(*results: Observation, carried: int = 0) -> dict[int, Rollup]:
    return roll_up(results, from_ms=0, to_ms=END_MS, carried_to_ms=carried * MINUTE)


def test_a_check_counts_in_the_hour_in_which_it_started_and_observes_into_the_next() -> None:
    found = rolled(
        at(55, latency_us=7), at(58, Outcome.FAILED), at(61, Outcome.SLOW, latency_us=30), at(64, Outcome.OK)
    )
    assert found == {
        0: Rollup(
            tally=Tally(checks=Counts(ok=1, failed=1), latencies=Histogram([7])),
            observed=((55 * MINUTE, HOUR_MS),),
            total_us=7,
            longest_us=7,
        ),
        1: Rollup(
            tally=Tally(checks=Counts(ok=1, slow=1), latencies=Histogram([30])),
            observed=((HOUR_MS, 71 * MINUTE + 30_000),),
            total_us=30,
            longest_us=30,
        ),
    }


def test_a_long_interval_observes_hours_without_a_check() -> None:
    found = rolled(at(30, interval=100))
    assert {hour: each.observed for hour, each in found.items()} == {
        0: ((30 * MINUTE, 60 * MINUTE),),
        1: ((60 * MINUTE, 120 * MINUTE),),
        2: ((120 * MINUTE, 180 * MINUTE),),
    }
    assert [found[hour].tally.checks.total for hour in (0, 1, 2)] == [1, 0, 0]


def test_an_hour_of_unknown_results_is_counted_and_not_observed() -> None:
    assert rolled(at(30, Outcome.UNKNOWN)) == {0: Rollup(tally=Tally(checks=Counts(unknown=1)))}


def test_what_was_carried_over_ends_with_the_first_check() -> None:
    assert rolled(carried=10)[0].observed == ((0, 10 * MINUTE),)
    assert rolled(at(5, Outcome.UNKNOWN), carried=10)[0].observed == ((0, 5 * MINUTE),)


def test_what_is_outside_the_bounds_is_not_rolled_up() -> None:
    assert rolled(at(-30), at(300)) == {}


RESULTS = st.lists(
    st.builds(
        at,
        st.integers(-90, 330),
        st.sampled_from(Outcome),
        st.integers(1, 200),
        st.none() | st.integers(0, 10**7),
    ),
    unique_by=lambda each: each.at_ms,
).map(lambda them: sorted(them, key=lambda each: each.at_ms))


@given(RESULTS, st.integers(-90, 300))
def test_hours_together_are_the_whole(results: list[Observation], carried: int) -> None:
    whole = combine(rolled(*results, carried=carried).values())
    inside = [each for each in results if 0 <= each.at_ms < END_MS]
    seen = observed(results, from_ms=0, to_ms=END_MS, carried_to_ms=carried * MINUTE)
    latencies = [each.latency_us for each in inside if each.latency_us is not None]
    assert whole == Rollup(
        tally=tally(inside),
        observed=tuple(union(seen)),
        total_us=sum(latencies),
        longest_us=max(latencies, default=None),
    )


@pytest.mark.parametrize(("spans", "size"), [([(100, 200)], None), ([], 0), ([(100, 150), (160, 200)], 16)])
def test_what_was_observed_comes_back_and_all_of_it_takes_no_room(spans: list[Span], size: int | None) -> None:
    packed = pack_spans(spans, from_ms=100, to_ms=200)
    assert (packed if packed is None else len(packed)) == size
    assert unpack_spans(packed, from_ms=100, to_ms=200) == spans


def test_a_part_can_be_added_and_taken_away_again() -> None:
    part = Tally(checks=Counts(ok=1, slow=2), latencies=Histogram([7, 900]))
    whole = Tally(checks=Counts(ok=3, failed=1), latencies=Histogram([30])) + part
    assert whole.checks == Counts(ok=4, slow=2, failed=1)
    assert (whole - part).checks == Counts(ok=3, failed=1)
    assert (whole - part).latencies.percentiles(50) == Histogram([30]).percentiles(50)
