from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.diagnosis.network import (
    clock_offset_ms,
    judge_clock,
    judge_connectivity,
    judge_lost_names,
    judge_names,
    no_connectivity,
)

S, MIN = 1_000, 60_000
NOW = 1_790_000_000_000
SOMETIME = st.integers(NOW - 10**9, NOW + 10**9)


@pytest.mark.parametrize(
    ("asked", "answered", "date", "offset"),
    [
        (NOW, NOW + 80, NOW, 0),
        (NOW + 900, NOW + 980, NOW, 0),
        (NOW + 999, NOW + 1_080, NOW + 1_000, 0),
        (NOW, NOW + 9_000, NOW + 5_000, 0),
        (NOW + 61 * S, NOW + 61 * S, NOW, 60 * S),
        (NOW, NOW + 500, NOW + 61 * S, -60 * S - 500),
    ],
)
def test_our_clock_is_off_only_as_far_as_travel_and_whole_seconds_do_not_explain(
    asked: int, answered: int, date: int, offset: int
) -> None:
    assert clock_offset_ms(date, asked_ms=asked, answered_ms=answered) == offset


@given(SOMETIME, st.integers(-10 * MIN, 10 * MIN), st.integers(0, 5_000), st.integers(0, 5_000))
def test_a_clock_is_never_said_to_be_further_off_than_it_is(there: int, ahead: int, out: int, back: int) -> None:
    asked, answered = there - out + ahead, there + back + ahead
    offset = clock_offset_ms(there // S * S, asked_ms=asked, answered_ms=answered)
    assert abs(offset) <= abs(ahead)
    assert offset * ahead >= 0
    assert abs(ahead) - abs(offset) <= out + back + S


@pytest.mark.parametrize(
    ("offsets", "state", "said"),
    [
        ([], "note", "no answer told the time"),
        ([0], "ok", "agrees with the Date of 1 answer"),
        ([5 * S, -5 * S], "ok", "agrees with the Date of 2 answers"),
        ([-5 * S - 1], "note", "5s behind the Date of 1 answer"),
        ([MIN], "note", "1m ahead of the Date of 1 answer"),
        ([MIN + 1], "wrong", "1m ahead of the Date of 1 answer: certificates"),
        ([-86_400 * S], "wrong", "1d behind"),
        ([0, 0, 86_400 * S], "ok", "3 answers"),
        ([0, 86_400 * S], "ok", "2 answers"),
        ([86_400 * S, 0, 86_400 * S], "wrong", "3 answers"),
    ],
)
def test_the_median_of_several_clocks_decides(offsets: list[int], state: str, said: str) -> None:
    finding = judge_clock(offsets)
    assert finding.state == state
    assert said in finding.message
    assert (finding.advice is None) == (state == "ok")


def test_names_are_shown_with_families_and_the_slow_ones_first() -> None:
    found = [("a.example", ("10.0.0.1", "::1"), 3), ("b.example", ("::1",), 1_001), ("c.example", ("10.0.0.1",), 1_000)]
    assert [(each.state, each.message) for each in judge_names(found)] == [
        ("note", "b.example: IPv6 in 1001 ms, which is slow"),
        ("ok", "c.example: IPv4 in 1000 ms"),
        ("ok", "a.example: IPv4 and IPv6 in 3 ms"),
    ]


def test_many_names_fit_on_a_screen() -> None:
    found = [(f"{number}.example", ("10.0.0.1",), number) for number in range(500)]
    findings = judge_names(found)
    assert [each.message for each in findings[:2]] == ["499.example: IPv4 in 499 ms", "498.example: IPv4 in 498 ms"]
    assert findings[-1].message == "490 more found, each in less time"
    assert len(findings) == 11
    (lost,) = judge_lost_names([(host, "unknown") for host, *_ in found])
    assert lost.message.startswith("0.example, 1.example, ")
    assert lost.message.endswith(", 9.example and 490 more: unknown")


def test_lost_names_are_told_by_reason() -> None:
    lost = judge_lost_names([("a", "unknown"), ("b", "no answer"), ("c", "unknown")])
    assert [(each.state, each.message) for each in lost] == [("wrong", "a, c: unknown"), ("wrong", "b: no answer")]


def test_connectivity_that_never_answers_is_wrong_and_none_is_a_note() -> None:
    assert judge_connectivity("one.example/", 12, None).message == "one.example/ answers in 12 ms"
    silent = judge_connectivity("one.example/", 0, "connection refused")
    assert (silent.state, silent.message) == ("wrong", "one.example/ does not answer: connection refused")
    assert no_connectivity().state == "note"
