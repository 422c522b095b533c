"""When checks are due, and the promise about the worst time to an alert."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prober.core import schedule
from prober.core.model import Policy, Probe, ProbeState
from tests.core.histories import play


def probe(interval_s: int = 300, recheck_s: int | None = None, timeout_s: int = 10, failures: int = 3) -> Probe:
    return Probe(
        id="api",
        name="API",
        url="http://127.0.0.1/",
        identity="i",
        interval_ms=interval_s * 1000,
        timeout_ms=timeout_s * 1000,
        recheck_ms=None if recheck_s is None else recheck_s * 1000,
        policy=Policy(failures=failures),
    )


@pytest.mark.parametrize(
    ("last_s", "now_s", "is_due"),
    [(None, 0, True), (0, 269, False), (0, 270, True), (0, 300, True), (500, 300, True)],
)
def test_a_probe_is_due_after_90_percent_of_its_interval(last_s: int | None, now_s: int, is_due: bool) -> None:
    last_ms = None if last_s is None else last_s * 1000
    assert schedule.is_due(probe(), last_ms, now_s * 1000) is is_due


@pytest.mark.parametrize(
    ("history", "recheck_s", "spacing_s", "waits"),
    [("x", 60, 60, True), ("x", None, 300, False), (".", 60, 300, False), ("xxx", 60, 300, False)],
)
def test_a_pending_verdict_shortens_the_spacing(
    history: str, recheck_s: int | None, spacing_s: int, waits: bool
) -> None:
    state = play(history, Policy())[0]
    watched = probe(recheck_s=recheck_s)
    assert schedule.spacing_ms(watched, state) == spacing_s * 1000
    assert schedule.is_waiting_for_verdict(watched, state) is waits


def test_nothing_waits_before_the_first_check() -> None:
    assert not schedule.is_waiting_for_verdict(probe(recheck_s=60), ProbeState())


@pytest.mark.parametrize(("intervals_s", "deadline_s"), [([300, 600], 240), ([60, 300], 48), ([], 240), ([10], 8)])
def test_a_run_stays_four_minutes_or_less_when_a_probe_is_faster(intervals_s: list[int], deadline_s: int) -> None:
    assert schedule.run_deadline_ms([probe(interval_s=each) for each in intervals_s]) == deadline_s * 1000


@pytest.mark.parametrize(
    ("recheck_s", "timeout_s", "worst_s"),
    [(None, 10, 910), (60, 10, 300 + 120 + 10), (5, 10, 300 + 20 + 10)],
)
def test_the_worst_time_to_an_alert(recheck_s: int | None, timeout_s: int, worst_s: int) -> None:
    assert schedule.worst_alert_ms(probe(recheck_s=recheck_s, timeout_s=timeout_s)) == worst_s * 1000


def test_the_slots_of_a_probe_are_an_interval_apart_whenever_one_asks() -> None:
    first_ms = schedule.next_slot_ms(probe(), 1_790_000_000_000)
    assert 0 < first_ms - 1_790_000_000_000 <= 300_000
    assert schedule.next_slot_ms(probe(), first_ms - 1) == first_ms
    assert schedule.next_slot_ms(probe(), first_ms) == first_ms + 300_000


def test_many_probes_are_spread_over_the_interval() -> None:
    tenths = [0] * 10
    for number in range(1000):
        tenths[schedule.next_slot_ms(replace(probe(), id=f"probe-{number}"), -1) // 30_000] += 1
    assert min(tenths) > 60


SLOT_MS = schedule.next_slot_ms(probe(), 10_000_000)


@pytest.mark.parametrize(
    ("history", "recheck_s", "ended_after_ms", "next_after_ms"),
    [
        (".", 60, 200, 300_000),
        ("x", None, 200, 300_000),
        ("x", 60, 200, 60_000),
        ("x", 60, 70_000, 70_000),
        ("xxx", 60, 200, 300_000),
        ("xxx.", 60, 200, 60_000),
        (".", 60, 299_999, 300_000),
        (".", 60, 1_234_567, 1_500_000),
    ],
    ids=["settled", "no recheck", "pending", "pending and long", "down", "recovering", "just in time", "missed slots"],
)
def test_a_check_is_followed_by_the_next_slot_or_a_recheck(
    history: str, recheck_s: int | None, ended_after_ms: int, next_after_ms: int
) -> None:
    state = play(history, Policy())[0]
    next_ms = schedule.next_start_ms(
        probe(recheck_s=recheck_s), state, started_ms=SLOT_MS, ended_ms=SLOT_MS + ended_after_ms
    )
    assert next_ms == SLOT_MS + next_after_ms


@pytest.mark.parametrize(
    ("history", "ago_ms", "next_in_ms"),
    [(None, 0, 299_000), (".", 5_000, 299_000), ("x", 5_000, 55_000), ("x", 90_000, 0), ("x", -5_000, 299_000)],
    ids=["never checked", "settled", "pending", "overdue", "checked in the future"],
)
def test_a_service_that_starts_goes_on_where_the_last_one_stopped(
    history: str | None, ago_ms: int, next_in_ms: int
) -> None:
    now_ms = SLOT_MS + 1_000
    state = ProbeState() if history is None else replace(play(history, Policy())[0], last_at_ms=now_ms - ago_ms)
    assert schedule.first_start_ms(probe(recheck_s=60), state, now_ms) == now_ms + next_in_ms


@pytest.mark.parametrize(
    ("recheck_s", "timeout_s", "stays_s"), [(None, 10, 10), (60, 10, 5 * 60 + 10), (5, 10, 5 * 10 + 10)]
)
def test_a_run_stays_as_long_as_a_verdict_may_need(recheck_s: int | None, timeout_s: int, stays_s: int) -> None:
    watched = probe(recheck_s=recheck_s, timeout_s=timeout_s)
    assert schedule.verdict_ms(watched) == stays_s * 1000
