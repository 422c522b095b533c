from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.cadence import Cadence, measure, planned_slot_ms

MIN = 60_000
DAY = 1440 * MIN
NOW = 1_795_183_961_000  # 2026-11-20 14:12:41 UTC, a Friday
OFF_MINUTE = "3-58/5 * * * *"


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("cron", "started", "slot"),
    [
        (OFF_MINUTE, "2026-11-20 14:12:41", "2026-11-20 14:08"),
        (OFF_MINUTE, "2026-11-20 14:13:00", "2026-11-20 14:13"),
        (OFF_MINUTE, "2026-11-20 14:12:59.999", "2026-11-20 14:08"),
        (OFF_MINUTE, "2026-11-20 14:13:00.001", "2026-11-20 14:13"),
        (OFF_MINUTE, "2026-01-01 00:01:00", "2025-12-31 23:58"),
        ("*/15 * * * *", "2026-11-20 14:44:59", "2026-11-20 14:30"),
        ("0 6 * * *", "2026-11-20 05:59:59", "2026-11-19 06:00"),
        ("30 5 * * mon-fri", "2026-11-22 12:00", "2026-11-20 05:30"),
        ("0 0 29 2 *", "2026-11-20 14:12:41", "2024-02-29 00:00"),
        ("  5   4 * JAN,JUL * ", "2026-11-20 14:12:41", "2026-07-31 04:05"),
    ],
)
def test_the_planned_slot_is_the_newest_at_or_before_the_start(cron: str, started: str, slot: str) -> None:
    assert planned_slot_ms(cron, at(started)) == at(slot)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "*",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "x * * * *",
        "*/0 * * * *",
        "0 0 30 2 *",
        f"{'9' * 5000} * * * *",
    ],
)
def test_a_cron_without_times_has_no_slot(cron: str) -> None:
    assert planned_slot_ms(cron, NOW) is None


@given(st.text("0123456789*/,-#LW MONJA", max_size=20), st.integers(0, 4_000_000_000_000))
def test_any_cron_has_a_slot_before_the_start_or_none(cron: str, started_ms: int) -> None:
    slot_ms = planned_slot_ms(cron, started_ms)
    assert slot_ms is None or (slot_ms <= started_ms and slot_ms % MIN == 0)


@given(st.integers(0, 10**9), st.integers(1, 30))
def test_a_slot_of_minutes_is_the_one_that_counting_back_finds(minute: int, step: int) -> None:
    counted = next(m for m in range(minute, minute - 60, -1) if m % 60 % step == 0)
    assert planned_slot_ms(f"*/{step} * * * *", minute * MIN + 59_999) == counted * MIN


@pytest.mark.parametrize(
    ("starts_min_ago", "since_min_ago", "expected"),
    [
        ([], 10_080, Cadence()),
        ([0], 10_080, Cadence(runs=1)),
        ([-5], 10_080, Cadence()),
        (
            [30, 10, 0],
            10_080,
            Cadence(
                runs=3,
                days=30 / 1440,
                median_gap_ms=10 * MIN,
                p90_gap_ms=20 * MIN,
                p99_gap_ms=20 * MIN,
                longest_gap_ms=20 * MIN,
            ),
        ),
    ],
    ids=["none", "the first", "in the future", "three"],
)
def test_a_young_history_claims_nothing(starts_min_ago: list[int], since_min_ago: int, expected: Cadence) -> None:
    starts = [NOW - each * MIN for each in starts_min_ago]
    assert measure(starts, since_ms=NOW - since_min_ago * MIN, now_ms=NOW) == expected


def test_a_week_of_hourly_runs_is_24_a_day() -> None:
    starts = [NOW - each * 60 * MIN for each in range(400)]
    assert measure(reversed(starts), since_ms=NOW - 7 * DAY, now_ms=NOW) == Cadence(
        runs=169,
        days=7,
        per_day=169 / 7,
        median_gap_ms=60 * MIN,
        p90_gap_ms=60 * MIN,
        p99_gap_ms=60 * MIN,
        longest_gap_ms=60 * MIN,
    )


def test_a_silence_that_lasts_is_the_longest_gap() -> None:
    seen = measure([NOW - 3 * DAY, NOW - 3 * DAY + MIN], since_ms=NOW - 7 * DAY, now_ms=NOW)
    assert (seen.median_gap_ms, seen.longest_gap_ms) == (MIN, 3 * DAY - MIN)


def test_a_gap_counts_where_it_ends() -> None:
    since = NOW - DAY
    starts = [since - 50 * MIN, since - 40 * MIN, since + 20 * MIN, NOW - MIN]
    seen = measure(starts, since_ms=since, now_ms=NOW)
    assert (seen.runs, seen.per_day) == (2, 2)
    assert (seen.median_gap_ms, seen.longest_gap_ms) == (60 * MIN, DAY - 21 * MIN)


def naive(starts: list[int], since: int, now: int) -> tuple[int, list[int]]:
    """Walk over every millisecond."""
    first = max(since, min(starts))
    runs, gaps, last = 0, [], None
    for ms in range(min(starts), now + 1):
        for _ in range(starts.count(ms)):
            runs += ms >= first
            if last is not None and ms >= first:
                gaps.append(ms - last)
            last = ms
    return runs, sorted(gaps)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(0, 60))
def test_a_cadence_is_what_walking_over_time_counts(starts: list[int], since: int) -> None:
    runs, gaps = naive(starts, since, 60)
    seen = measure(starts, since_ms=since, now_ms=60)
    assert seen.runs == runs
    if not gaps:
        assert seen.median_gap_ms is seen.p90_gap_ms is seen.p99_gap_ms is seen.longest_gap_ms is None
    else:
        assert seen.median_gap_ms == gaps[-(-len(gaps) // 2) - 1]
        assert seen.p90_gap_ms == gaps[-(-len(gaps) * 9 // 10) - 1]
        assert seen.p99_gap_ms == gaps[-1]
        assert seen.longest_gap_ms == max(gaps[-1], 60 - max(starts))
