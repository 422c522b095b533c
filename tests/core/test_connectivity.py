"""We are offline only when everything is silent; one answer from anywhere proves the opposite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prober.core import connectivity
from prober.core.connectivity import BLIND_AFTER_MS, Blackout
from prober.core.model import Outcome, ProberBlind, Reason, Result
from tests.core.histories import result


def lost(at_ms: int) -> Result:
    return replace(result("x", at_ms), reason=Reason.TIMEOUT, path_failure=True)


def heard(sign: str, at_ms: int) -> Result:
    return replace(result(sign, at_ms), response_began=True)


@pytest.mark.parametrize(
    ("results", "is_reachable", "signs"),
    [
        ([lost(1), lost(2)], False, "??"),
        ([lost(1), lost(2)], True, "xx"),
        ([lost(1), lost(2)], None, "xx"),
        ([lost(1), heard(".", 2)], False, "x."),
        ([lost(2), heard(".", 1)], False, "?."),
        ([lost(2), heard("x", 2)], False, "xx"),
        ([heard("x", 1)], False, "x"),
        ([lost(2), result("x", 3)], False, "?x"),
        ([], False, ""),
    ],
)
def test_which_failures_are_ours(results: list[Result], is_reachable: bool | None, signs: str) -> None:
    outcomes = {Outcome.UNKNOWN: "?", Outcome.FAILED: "x", Outcome.OK: "."}
    judged = connectivity.judge(results, is_reachable=is_reachable)
    assert "".join(outcomes[each.outcome] for each in judged) == signs


def test_an_offline_result_says_what_was_seen() -> None:
    (judged,) = connectivity.judge([replace(lost(1), detail="no answer within 10 s")], is_reachable=False)
    assert judged.reason is Reason.OFFLINE
    assert judged.detail == "we are offline: no connectivity url answered either (no answer within 10 s)"


def offline(at_ms: int) -> list[Result]:
    return connectivity.judge([lost(at_ms)], is_reachable=False)


def test_a_blackout_is_told_once_after_ten_minutes() -> None:
    blackout, told = None, []
    for at_ms in range(0, 4 * BLIND_AFTER_MS, BLIND_AFTER_MS // 2):
        blackout, events = connectivity.follow(blackout, offline(at_ms), is_reachable=False, now_ms=at_ms)
        told += [event for event in events if isinstance(event, ProberBlind)]
    assert told == [ProberBlind(at_ms=BLIND_AFTER_MS, since_ms=0)]


MIN_MS = 60_000
HOUR_MS = 60 * MIN_MS


@pytest.mark.parametrize("by_ms", [0, HOUR_MS, -HOUR_MS, 100 * 24 * HOUR_MS, -100 * 24 * HOUR_MS])
@pytest.mark.parametrize("jumps_in", range(4))
def test_a_wall_clock_that_is_known_to_jump_makes_a_blackout_neither_longer_nor_shorter(
    by_ms: int, jumps_in: int
) -> None:
    blackout, told, start_ms = None, [], 400 * 24 * HOUR_MS
    for number in range(20):
        now_ms = start_ms + number * MIN_MS + (by_ms if number >= jumps_in else 0)
        jumped_ms = by_ms if number == jumps_in else 0
        blackout, events = connectivity.follow(
            blackout, offline(now_ms), is_reachable=False, now_ms=now_ms, jumped_ms=jumped_ms
        )
        told += [(number, event.at_ms - event.since_ms) for event in events if isinstance(event, ProberBlind)]
    assert told == [(10, BLIND_AFTER_MS)]


def test_a_check_that_began_before_the_clock_was_set_says_nothing_of_when_a_blackout_began() -> None:
    found = connectivity.follow(None, offline(5), is_reachable=False, now_ms=HOUR_MS, jumped_ms=HOUR_MS - 9)
    assert found == (Blackout(since_ms=HOUR_MS), ())


def test_a_blackout_from_the_future_begins_anew() -> None:
    found = connectivity.follow(Blackout(since_ms=HOUR_MS), offline(7), is_reachable=False, now_ms=9)
    assert found == (Blackout(since_ms=9), ())
    assert connectivity.follow(None, offline(HOUR_MS), is_reachable=False, now_ms=9)[0] == Blackout(since_ms=9)


def test_two_runs_an_hour_apart_that_reach_nothing_are_a_blackout_of_an_hour() -> None:
    blackout, _ = connectivity.follow(None, offline(0), is_reachable=False, now_ms=9)
    _, (told,) = connectivity.follow(blackout, offline(HOUR_MS), is_reachable=False, now_ms=HOUR_MS)
    assert told == ProberBlind(at_ms=HOUR_MS, since_ms=0)


@pytest.mark.parametrize(
    ("results", "is_reachable"),
    [([heard(".", 5)], None), ([heard("x", 5)], False), ([lost(5)], True)],
)
def test_any_answer_ends_a_blackout(results: list[Result], is_reachable: bool | None) -> None:
    assert connectivity.follow(Blackout(since_ms=0), results, is_reachable=is_reachable, now_ms=9) == (None, ())


def test_a_round_that_says_nothing_keeps_the_blackout_and_begins_none() -> None:
    unsaid = [replace(result("?", 5), reason=Reason.BUSY)]
    assert connectivity.follow(Blackout(since_ms=0), unsaid, is_reachable=None, now_ms=9)[0] == Blackout(since_ms=0)
    assert connectivity.follow(None, unsaid, is_reachable=None, now_ms=9) == (None, ())


@pytest.mark.parametrize(("heard_at_ms", "is_ours"), [(None, True), (6, True), (7, False), (9, False)])
def test_a_check_of_another_round_that_heard_something_proves_that_we_are_online(
    heard_at_ms: int | None, is_ours: bool
) -> None:
    judged = connectivity.judge([lost(7), lost(8)], is_reachable=False, heard_at_ms=heard_at_ms)
    assert [each.outcome is Outcome.UNKNOWN for each in judged] == [is_ours] * 2
