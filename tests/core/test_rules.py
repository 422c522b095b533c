"""The rules: a table of histories, a naive model beside the machine, and what restarts and settings must not change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core import rules
from prober.core.model import Closed, Kind, Policy, ProbeState, State, Streak
from tests.core.histories import play, result, word

TABLE = [
    ("xxx", ["down opened at 3, started at 1"]),
    ("xx.xx.xx", []),
    ("xxx..", ["down opened at 3, started at 1", "down recovered at 5, ended at 4"]),
    ("xxx.x..", ["down opened at 3, started at 1", "down recovered at 7, ended at 6"]),
    ("xx?x", ["down opened at 4, started at 1"]),
    ("xxx?..", ["down opened at 3, started at 1", "down recovered at 6, ended at 5"]),
    ("xxx.?.", ["down opened at 3, started at 1", "down recovered at 6, ended at 4"]),
    ("xxxxxxxx", ["down opened at 3, started at 1"]),
    ("sss", ["slow opened at 3, started at 1"]),
    ("ssxs", []),
    ("ss.s", []),
    ("ssos", []),
    ("ss?s", ["slow opened at 4, started at 1"]),
    ("sss..", ["slow opened at 3, started at 1", "slow over at 5, ended at 4"]),
    ("sss.?.", ["slow opened at 3, started at 1", "slow over at 6, ended at 4"]),
    ("sss.o.", ["slow opened at 3, started at 1"]),
    ("sss.x.", ["slow opened at 3, started at 1"]),
    ("sss.s.", ["slow opened at 3, started at 1"]),
    (
        "sssxxx",
        ["slow opened at 3, started at 1", "slow superseded at 6, ended at 4", "down opened at 6, started at 4"],
    ),
    (
        "xxxsss",
        ["down opened at 3, started at 1", "down recovered at 5, ended at 4", "slow opened at 6, started at 4"],
    ),
    ("xxsxx", []),
    ("???", []),
    ("", []),
]


@pytest.mark.parametrize(("history", "events"), TABLE)
def test_a_history_causes_exactly_these_events(history: str, events: list[str]) -> None:
    assert [word(event) for event in play(history, Policy())[1]] == events


def test_recovery_and_slow_may_come_with_one_check_in_this_order() -> None:
    _, events = play("xxxss", Policy(slow_checks=2))
    assert [word(event) for event in events[1:]] == [
        "down recovered at 5, ended at 4",
        "slow opened at 5, started at 4",
    ]


def test_a_slow_streak_grows_while_the_probe_is_down() -> None:
    _, events = play("xxxsss", Policy(recoveries=3))
    assert [word(event) for event in events[1:]] == [
        "down recovered at 6, ended at 4",
        "slow opened at 6, started at 4",
    ]


def test_without_a_limit_an_open_slow_incident_ends_with_good_checks() -> None:
    state, _ = play("sss", Policy())
    _, events = play("oo", Policy(slow_ms=None), state)
    assert [word(event) for event in events] == ["slow over at 2, ended at 1"]


def test_a_check_at_80_percent_of_the_limit_still_counts_as_fast() -> None:
    state, _ = play("sss.", Policy())
    for latency_us, is_over in ((800_000, True), (800_001, False)):
        _, events = rules.apply(state, replace(result(".", 9), latency_us=latency_us), policy=Policy())
        assert bool(events) is is_over


@pytest.mark.parametrize(
    ("history", "state", "since"),
    [
        ("", State.UNKNOWN, None),
        ("xx", State.UNKNOWN, None),
        ("?", State.UNKNOWN, None),
        ("x.", State.UP, 2),
        (".xx", State.UP, 1),
        (".xxx", State.DOWN, 2),
        (".xxx.", State.DOWN, 2),
        (".xxx..", State.UP, 5),
        (".sss", State.SLOW, 2),
        (".sss..", State.UP, 5),
        ("xxxsss", State.SLOW, 4),
        ("sssxxx", State.DOWN, 4),
    ],
)
def test_the_state_and_since_when(history: str, state: State, since: int | None) -> None:
    after, _ = play(history, Policy())
    assert (after.state, after.since_ms) == (state, since)


@pytest.mark.parametrize(
    ("history", "is_pending"),
    [
        ("", False),
        (".", False),
        ("x", True),
        ("xx?", True),
        ("?", False),
        ("xxx", False),
        ("xxx.", True),
        ("xxx.x", False),
        ("xxx..", False),
        ("s", True),
        ("sss", False),
        ("sss.", False),
        ("sssx", True),
    ],
)
def test_a_verdict_is_near_only_while_a_streak_grows(history: str, is_pending: bool) -> None:
    assert rules.is_pending(play(history, Policy())[0]) is is_pending


def test_a_new_threshold_applies_at_the_next_check() -> None:
    state, _ = play("xx", Policy())
    _, events = play("x", Policy(failures=2), state)
    assert [word(event) for event in events] == ["down opened at 1, started at 1"]
    _, events = play("x", Policy(failures=4), state)
    assert events == []


def test_another_identity_ends_pending_streaks_and_keeps_open_incidents() -> None:
    state, _ = play("xxx.", Policy(), ProbeState(identity="old"))
    after = rules.configure(state, "new")
    assert after.down_since_ms == 1
    assert (after.failing, after.good, after.slow, after.fast) == (Streak(),) * 4


def test_the_same_identity_changes_nothing() -> None:
    state, _ = play("xx", Policy(), ProbeState(identity="same"))
    assert rules.configure(state, "same") is state


@pytest.mark.parametrize(("history", "kinds"), [("xxx", ["down"]), ("sss", ["slow"]), ("xx", [])])
def test_a_removed_probe_closes_what_is_open_and_starts_afresh(history: str, kinds: list[str]) -> None:
    state, _ = play(history, Policy())
    after, events = rules.remove("api", state, 99)
    assert after == ProbeState()
    assert [word(event) for event in events] == [f"{kind} removed at 99, ended at 99" for kind in kinds]


@pytest.mark.parametrize(
    ("before", "kind", "resolved", "then", "events"),
    [
        ("xxx", Kind.DOWN, True, "xx", []),
        ("xxx", Kind.DOWN, True, "xxx", ["down opened at 102, started at 100"]),
        ("xxx.", Kind.DOWN, True, ".xxx", ["down opened at 103, started at 101"]),
        ("xxxss", Kind.DOWN, True, "s", []),
        ("sss", Kind.SLOW, True, "ss", []),
        ("sss", Kind.SLOW, True, "sss", ["slow opened at 102, started at 100"]),
        ("sssxx", Kind.SLOW, True, "x", ["down opened at 100, started at 4"]),
        ("sss", Kind.DOWN, False, "..", ["slow over at 101, ended at 100"]),
        ("xx", Kind.DOWN, False, "x", ["down opened at 100, started at 1"]),
    ],
)
def test_after_what_a_person_resolved_as_many_new_checks_open_the_next(
    before: str, kind: Kind, resolved: bool, then: str, events: list[str]
) -> None:
    state, _ = play(before, Policy(recoveries=4) if "xxxs" in before else Policy())
    after, ended = rules.resolve("api", kind, state, 99)
    assert [word(event) for event in ended] == ([f"{kind} resolved at 99, ended at 99"] if resolved else [])
    assert [word(event) for event in play(then, Policy(), after, first=100)[1]] == events


@pytest.mark.parametrize(
    ("history", "kind", "state"),
    [("xxx", Kind.DOWN, State.UNKNOWN), (".xxx", Kind.DOWN, State.UNKNOWN), ("sss", Kind.SLOW, State.UP)],
)
def test_what_a_person_resolved_was_so_until_then(history: str, kind: Kind, state: State) -> None:
    after, _ = rules.resolve("api", kind, play(history, Policy())[0], 99)
    assert (after.state, after.since_ms, rules.is_pending(after)) == (state, 99, False)


def test_no_incident_ends_before_it_began_whatever_the_clock_says() -> None:
    state, _ = play("xxx", Policy())
    assert [word(event) for event in rules.resolve("api", Kind.DOWN, state, -5)[1]] == [
        "down resolved at 1, ended at 1"
    ]


@pytest.mark.parametrize(
    ("history", "ends"),
    [
        ("x.", ["down opened", "down recovered"]),
        ("s.", ["slow opened", "slow over"]),
        ("sx", ["slow opened", "slow superseded", "down opened"]),
    ],
)
def test_no_incident_ends_before_it_began_when_the_clock_is_set_back(history: str, ends: list[str]) -> None:
    policy = Policy(failures=1, recoveries=1, slow_checks=1)
    state, before = rules.apply(ProbeState(), result(history[0], 5_000), policy=policy)
    _, after = rules.apply(state, result(history[1], 1_000), policy=policy)
    assert [word(event).split(" at ")[0] for event in (*before, *after)] == ends
    (closed,) = (event for event in after if isinstance(event, Closed))
    assert (closed.started_at_ms, closed.ended_at_ms) == (5_000, 5_000)


def test_what_is_removed_ends_not_before_it_began() -> None:
    state, _ = play("xxx", Policy())
    assert [word(event) for event in rules.remove("api", state, -5)[1]] == ["down removed at -5, ended at 1"]


RESOLVED_MS = 10 * 300_000


@pytest.mark.parametrize(
    ("sign", "began_ms", "is_down"),
    [
        ("x", RESOLVED_MS - 299_999, False),
        ("x", RESOLVED_MS - 1, False),
        ("x", RESOLVED_MS, True),
        ("x", RESOLVED_MS + 1, True),
        ("x", RESOLVED_MS - 300_000, True),  # no check takes so long: the clock was set back
        ("x", -RESOLVED_MS, True),
        (".", RESOLVED_MS - 5, False),
    ],
)
def test_a_failure_that_began_before_a_person_resolved_counts_no_more(sign: str, began_ms: int, is_down: bool) -> None:
    policy = Policy(failures=1)
    state, _ = rules.resolve("api", Kind.DOWN, play("x", policy)[0], RESOLVED_MS)
    after, events = rules.apply(state, result(sign, began_ms), policy=policy)
    assert (after.state is State.DOWN, len(events)) == (is_down, int(is_down))
    assert after.last_at_ms == began_ms
    assert rules.apply(after, result("x", RESOLVED_MS + 9), policy=policy)[0].state is State.DOWN


HISTORIES = st.text(alphabet=".osx?", max_size=60)
POLICIES = st.builds(Policy, failures=st.integers(1, 4), recoveries=st.integers(1, 4), slow_checks=st.integers(1, 4))


def naive(history: str, policy: Policy) -> list[str]:  # noqa: C901 - plainest in one piece
    """Judge every prefix of a history by looking at its end only; slow, and plainly right."""
    events: list[str] = []
    seen: list[tuple[int, str]] = []
    is_down = is_slow = False

    def run(signs: str) -> list[int]:
        tail: list[int] = []
        for number, sign in reversed(seen):
            if sign not in signs:
                break
            tail.insert(0, number)
        return tail

    for number, sign in enumerate(history, start=1):
        if sign == "?":
            continue
        seen.append((number, sign))
        was_slow = is_slow
        if not is_down and len(run("x")) >= policy.failures:
            if is_slow:
                events.append(f"slow superseded at {number}, ended at {run('x')[0]}")
            events.append(f"down opened at {number}, started at {run('x')[0]}")
            is_down, is_slow = True, False
        elif is_down and len(run(".os")) >= policy.recoveries:
            events.append(f"down recovered at {number}, ended at {run('.os')[0]}")
            is_down = False
        if not is_down and not is_slow and len(run("s")) >= policy.slow_checks:
            events.append(f"slow opened at {number}, started at {run('s')[0]}")
            is_slow = True
        if was_slow and is_slow and len(run(".")) >= policy.recoveries:
            events.append(f"slow over at {number}, ended at {run('.')[0]}")
            is_slow = False
    return events


@given(history=HISTORIES, policy=POLICIES)
def test_the_machine_agrees_with_the_naive_model(history: str, policy: Policy) -> None:
    assert [word(event) for event in play(history, policy)[1]] == naive(history, policy)


@given(history=HISTORIES, policy=POLICIES)
def test_no_down_without_confirmed_failures_and_every_long_outage_is_told(history: str, policy: Policy) -> None:
    judged = history.replace("?", "")
    opened = [event for event in play(history, policy)[1] if word(event).startswith("down opened")]
    assert len(opened) <= judged.count("x" * policy.failures) * policy.failures
    assert bool(opened) is ("x" * policy.failures in judged)


@given(history=HISTORIES, policy=POLICIES)
def test_unknown_checks_change_no_verdict(history: str, policy: Policy) -> None:
    with_unknown = play("".join(f"?{sign}" for sign in history.replace("?", "")), policy)[1]
    without = play(history.replace("?", ""), policy)[1]
    assert [word(event).split(" at ")[0] for event in with_unknown] == [
        word(event).split(" at ")[0] for event in without
    ]
