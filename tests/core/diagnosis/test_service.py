from __future__ import annotations

import pytest

from prober.core.diagnosis.service import (
    Holder,
    Starter,
    judge_heartbeat,
    judge_last_round,
    judge_lock,
    judge_notice,
    judge_starters,
    judge_waiting,
    patience_ms,
)

MIN = 60_000
NOW = 1_790_000_000_000
PATIENCE = 15 * MIN


@pytest.mark.parametrize(("intervals", "patience"), [((), 10), ((1, 5), 10), ((5, 10), 15), ((60,), 180)])
def test_patience_is_three_of_the_shortest_intervals_and_at_least_ten_minutes(
    intervals: tuple[int, ...], patience: int
) -> None:
    assert patience_ms(each * MIN for each in intervals) == patience * MIN


@pytest.mark.parametrize(
    ("held_for", "last_round_ago", "state"),
    [(1, None, "ok"), (16, None, "wrong"), (1, 90, "ok"), (600, 2, "ok"), (600, 16, "wrong"), (15, 15, "ok")],
)
def test_a_holder_that_finishes_no_round_hangs(held_for: int, last_round_ago: int | None, state: str) -> None:
    last_ms = None if last_round_ago is None else NOW - last_round_ago * MIN
    holder = Holder(who="a run, process 7 on web-1", since_ms=NOW - held_for * MIN)
    finding = judge_lock(holder, last_round_ms=last_ms, now_ms=NOW, patience_ms=PATIENCE)
    assert finding.state == state
    assert finding.message.startswith("held by a run, process 7 on web-1 for ")


def test_a_lock_that_nobody_holds_is_free() -> None:
    finding = judge_lock(None, last_round_ms=0, now_ms=NOW, patience_ms=PATIENCE)
    assert (finding.state, finding.message) == ("ok", "free: no process is at work on the store")


@pytest.mark.parametrize(
    ("ago_ms", "state", "said"),
    [
        (None, "note", "none yet"),
        (PATIENCE, "ok", "the last one ended 15m ago"),
        (PATIENCE + 1, "wrong", "nothing has checked for 15m"),
        (-1 * MIN, "note", "the last one ends 1m in the future"),
        (-15_001, "note", "the last one ends 15s in the future"),
        (-15_000, "ok", "the last one ended 0s ago"),
    ],
)
def test_a_round_that_is_too_long_ago_is_wrong(ago_ms: int | None, state: str, said: str) -> None:
    finding = judge_last_round(None if ago_ms is None else NOW - ago_ms, now_ms=NOW, patience_ms=PATIENCE)
    assert (finding.state, finding.message) == (state, said)


@pytest.mark.parametrize(
    ("alerts", "waits_ms", "state"), [(0, 0, "ok"), (1, 0, "note"), (3, 10 * MIN, "note"), (3, 10 * MIN + 1, "wrong")]
)
def test_alerts_that_wait_for_long_are_wrong(alerts: int, waits_ms: int, state: str) -> None:
    assert judge_waiting(alerts, NOW - waits_ms, now_ms=NOW).state == state


@pytest.mark.parametrize(
    ("starters", "is_serving", "states"),
    [
        ((), False, ["note"]),
        ((), True, ["ok"]),
        ((Starter(path="a/prober.timer"),), False, ["ok"]),
        ((Starter(path="a/prober.timer", is_enabled=False),), False, ["note"]),
        ((Starter(path="a/prober.service", is_lasting=True),), True, ["ok", "ok"]),
        ((Starter(path="a/prober.service", is_lasting=True),), False, ["note"]),
        ((Starter(path="a/prober.service", is_lasting=True, is_enabled=False),), True, ["ok", "note"]),
    ],
)
def test_something_has_to_run_prober(starters: tuple[Starter, ...], is_serving: bool, states: list[str]) -> None:
    assert [each.state for each in judge_starters(starters, is_serving=is_serving)] == states


def test_the_advice_names_the_unit() -> None:
    (finding,) = judge_starters([Starter(path="/etc/x/prober.timer", is_enabled=False)], is_serving=False)
    assert finding.advice == "systemctl enable --now prober.timer"


def test_a_heartbeat_is_not_requested_and_none_is_a_note() -> None:
    assert judge_heartbeat(None).state == "note"
    assert judge_heartbeat("beat.example").message.startswith("goes to beat.example; not requested now")


def test_what_the_service_says_of_itself_is_wrong() -> None:
    finding = judge_notice("the new configuration is not valid", NOW - 2 * MIN, now_ms=NOW)
    assert (finding.state, finding.message) == ("wrong", "for 2m: the new configuration is not valid")
