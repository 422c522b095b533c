"""What the documents say of a late schedule is what the rules do on one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.simulation.cadence import (
    CONFIRMING,
    DAY,
    LATE,
    LONG,
    MINUTE,
    NAIVE,
    QUICK,
    RESIDENT,
    SCHEDULES,
    Schedule,
    coverage,
    delays_ms,
    median_and_p90,
    table,
    untold_ms,
)

each_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: f"median-{one.median}")


@each_schedule
def test_a_schedule_delivers_what_was_measured(schedule: Schedule) -> None:
    gaps = [(after - before) / MINUTE for before, after in pairwise(schedule.starts_ms())]
    assert 60 <= round(len(gaps) * DAY / LONG) <= 85
    assert 13 <= round(median(gaps)) <= 20
    assert 66 <= quantiles(gaps, n=100)[98] <= 93
    assert min(gaps) >= 5


def test_confirming_inside_the_run_tells_within_fifteen_minutes_in_the_median() -> None:
    ours, _ = median_and_p90([each for one in SCHEDULES for each in delays_ms(CONFIRMING, one)])
    assert ours <= 15


@each_schedule
def test_one_check_a_run_takes_more_than_three_times_as_long(schedule: Schedule) -> None:
    ours, _ = median_and_p90(delays_ms(CONFIRMING, schedule))
    naive, _ = median_and_p90(delays_ms(NAIVE, schedule))
    assert 40 <= naive <= 63
    assert naive > 3 * ours


@each_schedule
def test_resident_runs_tell_nearly_as_soon_as_the_service_and_miss_little(schedule: Schedule) -> None:
    _, nine_of_ten = median_and_p90(delays_ms(RESIDENT, schedule))
    assert nine_of_ten <= 8  # the service promises 7m10s
    assert coverage(schedule) >= 0.96


@pytest.mark.parametrize(
    ("way", "outage_min", "untold_s"),
    [
        (NAIVE, -1, 60 + 2 * 1200 + 30 + 10),  # three runs, and the last one's installation and timeout
        (CONFIRMING, -1, 60 + 30 + 2 * 60 + 10),
        (CONFIRMING, 0, 30 + 2 * 60 + 10),  # while it installs
        (CONFIRMING, 1, 1200 - 60 + 30 + 2 * 60 + 10),  # after its only check
        (RESIDENT, 1, 4 * 60 + 30 + 2 * 60 + 10),  # found at the next check of the same run
    ],
)
def test_one_outage_stays_untold_as_long_as_the_rules_need(way: type, outage_min: int, untold_s: int) -> None:
    begun = [0, *(1200_000 * run for run in range(1, 9))]
    assert untold_ms(way, begun, 1200_000 + outage_min * MINUTE) == untold_s * 1000  # type: ignore[arg-type]


def test_an_outage_that_ends_before_it_is_confirmed_is_told_to_nobody() -> None:
    begun = [0, 1200_000, 2400_000, 3600_000]
    assert untold_ms(NAIVE, begun, 1, lasts_ms=30 * MINUTE) is None
    assert untold_ms(CONFIRMING, begun, 1, lasts_ms=25 * MINUTE) is not None
    assert untold_ms(CONFIRMING, begun, 1199_000, lasts_ms=1 * MINUTE) is None


def test_a_schedule_that_delivers_every_run_would_need_no_help() -> None:
    punctual = [5 * MINUTE * run for run in range(20)]
    assert untold_ms(NAIVE, punctual, 5 * MINUTE) == 10 * MINUTE + 30_000 + 10_000


def test_the_simulation_is_the_same_whenever_it_runs() -> None:
    assert delays_ms(CONFIRMING, QUICK)[:3] == delays_ms(CONFIRMING, QUICK)[:3]
    assert delays_ms(CONFIRMING, QUICK) != delays_ms(CONFIRMING, LATE)


def test_the_documents_show_this_very_table() -> None:
    assert table() in (Path(__file__).parents[2] / "docs" / "github-actions.md").read_text()
