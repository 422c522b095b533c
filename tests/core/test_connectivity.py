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
