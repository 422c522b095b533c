from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.render.when import clock, day, day_and_clock, milliseconds, moment, rfc3339, short, words

AT_MS = 1_795_183_923_000
S, MIN, H, D = 1000, 60_000, 3_600_000, 86_400_000


def test_an_instant_is_written_in_utc() -> None:
    assert rfc3339(AT_MS) == "2026-11-20T14:12:03Z"
    assert clock(AT_MS) == "14:12:03 UTC"
    assert day_and_clock(AT_MS) == "2026-11-20 14:12:03 UTC"
    assert day(AT_MS) == "2026-11-20"


@pytest.mark.parametrize(
    ("away_ms", "shown"),
    [
        (0, "14:12:03 UTC"),
        (D - 1, "14:12:03 UTC"),
        (1 - D, "14:12:03 UTC"),
        (D, "2026-11-20 14:12:03 UTC"),
        (-D, "2026-11-20 14:12:03 UTC"),
    ],
)
def test_a_moment_has_its_date_when_that_is_a_day_away(away_ms: int, shown: str) -> None:
    assert moment(AT_MS, AT_MS + away_ms) == shown


def test_milliseconds_are_kept_for_machines_and_floored_for_people() -> None:
    assert rfc3339(AT_MS + 999) == "2026-11-20T14:12:03.999Z"
    assert clock(AT_MS + 999) == "14:12:03 UTC"


@given(st.integers(0, 253_402_300_799_999))
def test_rfc_3339_loses_nothing(at_ms: int) -> None:
    epoch = datetime.fromtimestamp(0, tz=UTC)
    since = datetime.fromisoformat(rfc3339(at_ms)) - epoch
    assert (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000 == at_ms


@pytest.mark.parametrize(
    ("duration_ms", "compact", "prose"),
    [
        (-5, "0s", "0 s"),
        (0, "0s", "0 s"),
        (38 * S + 999, "38s", "38 s"),
        (MIN - 1, "59s", "59 s"),
        (MIN, "1m", "1 min"),
        (52 * MIN + 59 * S, "52m", "52 min"),
        (H, "1h00m", "1 h"),
        (H + 5 * MIN, "1h05m", "1 h 5 min"),
        (D - 1, "23h59m", "23 h 59 min"),
        (D, "1d00h", "1 d"),
        (3 * D + 4 * H + MIN, "3d04h", "3 d 4 h"),
    ],
)
def test_a_duration_is_floored(duration_ms: int, compact: str, prose: str) -> None:
    assert (short(duration_ms), words(duration_ms)) == (compact, prose)


@pytest.mark.parametrize(
    ("latency_us", "shown"),
    [(0, "0"), (99, "0"), (990, "0.9"), (1_000, "1"), (9_999, "9.9"), (10_000, "10"), (1_071_999.5, "1071")],
)
def test_a_latency_is_floored(latency_us: float, shown: str) -> None:
    assert milliseconds(latency_us) == shown
