from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.durations import LONGEST_MS, format_duration, nearest_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("800ms", 800),
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("90m", 5_400_000),
        ("14d", 1_209_600_000),
        ("1d2h3m4s5ms", 93_784_005),
        ("5m5ms", 300_005),
        ("0s", 0),
    ],
)
def test_a_duration_is_whole_numbers_with_units(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "5 m", " 5m", "5m\n", "5M", "5min", "1.5s", "-5m", "30m1h", "1m1m", "٣m", "5ms5m", "9" * 400 + "d"],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_a_duration_ends_at_100_years() -> None:
    assert parse_duration("36500d") == LONGEST_MS
    with pytest.raises(ValueError, match="longer than 100 years"):
        parse_duration("36500d1ms")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (1_000, "1s"),
        (1_800, "1s800ms"),
        (300_000, "5m"),
        (5_400_000, "1h30m"),
        (86_400_000, "1d"),
    ],
)
def test_a_duration_is_written_in_the_fewest_parts(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text


@given(st.integers(0, LONGEST_MS))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("5min", "5m"),
        ("5 minutes", "5m"),
        ("1 hour 30 minutes", "1h30m"),
        ("1 hour, 30 min", "1h30m"),
        ("1.5s", "1s500ms"),
        ("2w", "14d"),
        ("5M", "5m"),
        ("10 Sec", "10s"),
        ("300", None),
        ("0min", None),
        ("1m30", None),
        ("soon", None),
        ("", None),
        ("999999999w", None),
    ],
)
def test_a_loose_spelling_is_understood_where_it_can_mean_one_thing(text: str, nearest: str | None) -> None:
    assert nearest_duration(text) == nearest


@given(st.text(max_size=20))
def test_the_nearest_duration_is_one(text: str) -> None:
    nearest = nearest_duration(text)
    assert nearest is None or parse_duration(nearest) > 0
