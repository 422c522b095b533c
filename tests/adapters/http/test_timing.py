"""The target's time and our lag are told apart, and a wall clock that was stepped is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.http.timing import Step, Timing, monotonic_ns
from prober.core.facts import Phases

if TYPE_CHECKING:
    from collections.abc import Callable

MS = 1_000_000
OFFSET_NS = 1_700_000_000_000 * MS


def offsets(*values: int) -> Callable[[], int]:
    left = list(values)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_a_stamp_says_when_bytes_arrived_however_late_they_are_read() -> None:
    timing = Timing(offset_ns=offsets(OFFSET_NS))
    now = monotonic_ns()
    assert timing.arrival_ns(now + OFFSET_NS - 40 * MS, now) == now - 40 * MS
    assert timing.clock == "kernel"


def test_a_stamp_from_the_future_is_the_moment_of_the_read() -> None:
    timing = Timing(offset_ns=offsets(OFFSET_NS))
    now = monotonic_ns()
    assert timing.arrival_ns(now + OFFSET_NS + MS // 2, now) == now


@pytest.mark.parametrize("step_ms", [-3_600_000, -5, 5, 3_600_000])
def test_a_stepped_wall_clock_drops_the_stamps_for_the_rest_of_the_check(step_ms: int) -> None:
    timing = Timing(offset_ns=offsets(OFFSET_NS, OFFSET_NS + step_ms * MS, OFFSET_NS))
    now = monotonic_ns()
    assert timing.arrival_ns(now + OFFSET_NS - 40 * MS, now) == now
    assert timing.arrival_ns(now + OFFSET_NS - 40 * MS, now) == now
    assert timing.clock == "portable"


def test_a_clock_that_is_only_slewed_keeps_its_stamps() -> None:
    timing = Timing(offset_ns=offsets(OFFSET_NS, OFFSET_NS + 4 * MS))
    later = monotonic_ns() + 10_000 * MS
    assert timing.arrival_ns(later + OFFSET_NS - MS, later) == later - MS
    assert timing.clock == "kernel"


def test_one_arrival_without_a_stamp_makes_the_check_portable() -> None:
    timing = Timing(offset_ns=offsets(OFFSET_NS))
    now = monotonic_ns()
    timing.arrival_ns(now + OFFSET_NS, now)
    assert timing.arrival_ns(None, now) == now
    assert timing.clock == "portable"


def test_spans_add_up_over_hops_and_lag_is_in_none_of_them() -> None:
    timing = Timing(offset_ns=offsets(OFFSET_NS))
    for _ in range(2):
        timing.looked_up(took_ns=1 * MS, waited_ns=3 * MS)
        timing.connected(took_ns=10 * MS, waited_ns=14 * MS)
        timing.flight_ended(0, 20 * MS, 28 * MS)
        timing.sent_ns = 100 * MS
        timing.answered(150 * MS, 166 * MS)
        timing.answered(170 * MS, 171 * MS)
        timing.answered(180 * MS, 212 * MS)
        assert timing.step is Step.BODY
        timing.hop_ended()
        timing.hop_ended()
    assert timing.phases == Phases(
        dns_us=2_000, connect_us=20_000, tls_us=40_000, wait_us=100_000, body_us=60_000, lag_us=124_000
    )
    assert timing.phases.latency_us == 222_000


def test_an_answer_that_came_before_the_question_took_no_time() -> None:
    timing = Timing(offset_ns=offsets(OFFSET_NS))
    timing.sent_ns = 100 * MS
    timing.answered(60 * MS, 101 * MS)
    timing.hop_ended()
    assert (timing.phases.wait_us, timing.phases.body_us, timing.phases.lag_us) == (0, 0, 1_000)
