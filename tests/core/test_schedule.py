"""When checks are due, and the promise about the worst time to an alert."""

from __future__ import annotations

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
