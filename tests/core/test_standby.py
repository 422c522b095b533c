"""Our role behind another monitor, look by look. A minute lies between two looks.

A look is one character: ``f`` all fresh, ``s`` all stale, ``u`` unreachable, ``o`` unreachable while we are offline,
``l`` asked to wait, ``r`` our key is refused; ``p`` the monitor of ``api`` is paused while others are fresh, ``m`` it
is missing, ``d`` they see ``api`` down. A role is ``b`` standing by or ``I`` standing in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.model import Event, Probe
from prober.core.sight import (
    Disagreed,
    KeyRejected,
    Limited,
    Rejected,
    RoleChanged,
    Seen,
    Sight,
    Unreachable,
    Verdict,
    Watch,
)
from prober.core.standby import Standing, elapse, follow, is_held, is_pending, next_look_ms, role_of, untold

T0 = 1_790_000_000_000
MIN = 60_000
HOUR = 60 * MIN


def probe(probe_id: str, **fields: Any) -> Probe:
    return Probe(id=probe_id, name=probe_id, url=f"https://{probe_id}.example/", identity="1", **fields)


API, WEB, ALONE = probe("api"), probe("web"), probe("alone")
PROBES = (API, WEB, ALONE)
"""What they watch, but for ``alone``."""


def seen(sign: str, now_ms: int) -> Seen:
    fresh_ms = now_ms - HOUR if sign == "s" else now_ms - MIN
    web = Watch(key="2", name="web", url=WEB.url, state="up", interval_ms=5 * MIN, newest_ms=fresh_ms)
    api = replace(web, key="1", name="api", url=API.url)
    match sign:
        case "p":
            return Seen(watches=(replace(api, state="paused"), web))
        case "m":
            return Seen(watches=(web,))
        case "d":
            return Seen(watches=(replace(api, state="down", newest_ms=now_ms - HOUR), web))
    return Seen(watches=(api, web))


def sight(sign: str, now_ms: int) -> Sight:
    match sign:
        case "u" | "o":
            return Unreachable(why="connection refused")
        case "l":
            return Limited(wait_ms=MIN)
        case "r":
            return Rejected(why="status 401")
    return seen(sign, now_ms)


def looked(
    looks: str, *, began_ms: int = T0, standing: Standing | None = None, down_since: dict[str, int] | None = None
) -> tuple[list[Standing], list[Event]]:
    """Return where we stand after each look, and all that was told."""
    known = standing or Standing()
    standings: list[Standing] = []
    events: list[Event] = []
    for number, sign in enumerate(looks):
        now_ms = began_ms + number * MIN
        known, told = follow(
            known,
            sight(sign, now_ms),
            probes=PROBES,
            down_since=down_since or {},
            now_ms=now_ms,
            is_online=sign != "o",
        )
        standings.append(known)
        events += told
    return standings, events


def roles(looks: str, probe_id: str | None = None) -> str:
    """Return our role after each look: as a whole, or for one probe."""
    standings, _ = looked(looks)
    signs = {"standby": "b", "standing-in": "I"}
    return "".join(signs[each.role if probe_id is None else role_of(each, probe_id)] for each in standings)


def test_watching_stat_ok_and_fresh_we_stand_by_and_hold_alerts() -> None:
    (standing,), events = looked("f")
    assert (standing.role, standing.why, events) == ("standby", Verdict.WATCHING, [])
    assert [is_held(standing, each.id) for each in PROBES] == [True, True, False]


def test_not_watching_all_stale_in_two_looks_we_stand_in() -> None:
    assert roles("fss") == "bbI"
    _, events = looked("fss")
    assert events == [RoleChanged(at_ms=T0 + 2 * MIN, role="standing-in", why=Verdict.STALE, since_ms=T0 - MIN)]


@pytest.mark.parametrize("sign", ["p", "m"])
def test_blind_there_one_monitor_paused_or_missing_in_two_looks_we_stand_in_for_that_probe_only(sign: str) -> None:
    assert roles(f"ff{sign}{sign}") == "bbbb"
    assert roles(f"ff{sign}{sign}", "api") == "bbbI"
    assert roles(f"ff{sign}{sign}", "web") == "bbbb"
    _, events = looked(f"ff{sign}{sign}")
    assert events == [RoleChanged(at_ms=T0 + 3 * MIN, role="standing-in", why=Verdict.STALE, probe_ids=("api",))]


def test_unreachable_in_three_looks_while_our_network_is_fine_we_stand_in() -> None:
    assert roles("fuuu") == "bbbI"
    _, events = looked("fuuu")
    assert [each.why for each in events if isinstance(each, RoleChanged)] == [Verdict.UNREACHABLE]


def test_unreachable_while_our_own_network_is_not_fine_changes_nothing() -> None:
    assert roles("fooooooooo") == "b" * 10
    assert roles("fuouu") == "bbbbI"
    assert looked("fooo")[0][-1].silent == 0


def test_limited_keeps_the_last_verdict_for_15_minutes_and_then_we_stand_in() -> None:
    assert roles("f" + "l" * 16) == "b" * 16 + "I"
    assert roles("fss" + "l" * 20) == "bbI" + "I" * 20
    _, events = looked("f" + "l" * 20)
    assert [each.why for each in events if isinstance(each, RoleChanged)] == [Verdict.LIMITED]


def test_who_was_never_answered_but_told_to_wait_stands_in_after_15_minutes() -> None:
    assert roles("l" * 16) == "b" * 15 + "I"


def test_the_15_minutes_end_by_themselves_without_a_look() -> None:
    (*_, standing), _ = looked("fl")
    assert elapse(standing, T0 + 16 * MIN - 1) == (standing, ())
    after, events = elapse(standing, T0 + 16 * MIN)
    assert (after.role, len(events)) == ("standing-in", 1)
    assert elapse(after, T0 + 99 * MIN)[1] == ()
    assert elapse(Standing(), T0) == (Standing(), ())


def test_the_15_minutes_begin_with_the_first_refusal_however_long_nobody_looked_before() -> None:
    (standing,), _ = looked("f")
    (late,), events = looked("l", began_ms=T0 + 5 * HOUR, standing=standing)
    assert (late.role, events) == ("standby", [])


def test_while_we_are_offline_no_patience_runs_out() -> None:
    standings, events = looked("fl" + "o" * 30)
    assert (standings[-1].role, events) == ("standby", [])
    assert elapse(standings[-1], T0 + 9 * HOUR) == (standings[-1], ())


def test_a_clock_that_is_set_back_begins_the_15_minutes_anew() -> None:
    (*_, standing), _ = looked("fl")
    set_back, events = elapse(standing, T0 - HOUR)
    assert (set_back.role, events) == ("standby", ())
    assert elapse(set_back, T0 - HOUR + 15 * MIN)[0].role == "standing-in"


def test_retry_after_is_honoured() -> None:
    standing, _ = follow(Standing(), Limited(wait_ms=10 * MIN), probes=PROBES, down_since={}, now_ms=T0)
    assert next_look_ms(standing, MIN, T0 + MIN) == T0 + 10 * MIN
    (after,), _ = looked("f", began_ms=T0 + 10 * MIN, standing=standing)
    assert next_look_ms(after, MIN, T0 + 10 * MIN) == T0 + 11 * MIN


def test_misconfigured_we_stand_in_at_once_and_tell_once_a_day() -> None:
    (first, *_), events = looked("r" * 10)
    assert (first.role, first.why) == ("standing-in", Verdict.REJECTED)
    assert events == [KeyRejected(at_ms=T0)]
    late, again = looked("rr", began_ms=T0 + 24 * HOUR, standing=replace(first, looked_ms=T0 + 23 * HOUR))
    assert again == [KeyRejected(at_ms=T0 + 24 * HOUR)]
    _, fixed = looked("fff", began_ms=T0 + 25 * HOUR, standing=late[-1])
    assert [type(each) for each in fixed] == [RoleChanged]


def test_a_key_that_is_refused_now_and_then_is_still_told_once_a_day() -> None:
    standings, events = looked("rfff" * 20)
    assert {each.role for each in standings} == {"standby", "standing-in"}
    assert [type(each) for each in events] == [KeyRejected, RoleChanged]
    _, tomorrow = looked("rfff", began_ms=T0 + 24 * HOUR, standing=standings[-1])
    assert [type(each) for each in tomorrow] == [KeyRejected, RoleChanged]


def test_disagreement_when_they_say_up_for_ten_minutes_while_we_say_down_is_told_once() -> None:
    _, events = looked("f" * 30, down_since={"api": T0 - MIN})
    assert events == [Disagreed(probe_id="api", at_ms=T0 + 10 * MIN, since_ms=T0, started_at_ms=T0 - MIN)]


@pytest.mark.parametrize("interruption", ["d", "p", "s"])
def test_who_agrees_or_does_not_watch_in_between_does_not_contradict(interruption: str) -> None:
    _, events = looked("f" * 10 + interruption + "f" * 10, down_since={"api": T0 - MIN})
    assert not any(isinstance(each, Disagreed) for each in events)
    _, events = looked("f" * 30)
    assert events == []


def test_the_next_outage_may_be_contradicted_anew() -> None:
    (*_, standing), _ = looked("f" * 12, down_since={"api": T0 - MIN})
    (*_, over), _ = looked("f", began_ms=T0 + HOUR, standing=standing)
    _, events = looked("f" * 12, began_ms=T0 + 2 * HOUR, standing=over, down_since={"api": T0 + 2 * HOUR})
    assert [each.started_at_ms for each in events if isinstance(each, Disagreed)] == [T0 + 2 * HOUR]


def test_three_fresh_looks_hand_back_and_two_do_not() -> None:
    assert roles("fssfff") == "bbIIIb"
    assert roles("fssffsfff") == "bbIIIIIIb"
    _, events = looked("fssfff")
    back = RoleChanged(at_ms=T0 + 5 * MIN, role="standby", why=Verdict.WATCHING, since_ms=T0 + 2 * MIN)
    assert events[1:] == [back]


def test_fresh_looks_from_before_we_stood_in_do_not_count() -> None:
    assert roles("f" + "l" * 16 + "ff") == "b" * 16 + "III"


def test_three_fresh_looks_hand_back_a_probe() -> None:
    assert roles("ppfff", "api") == "bIIIb"
    _, events = looked("ppfff")
    assert [each.probe_ids for each in events if isinstance(each, RoleChanged)] == [("api",), ("api",)]


def test_an_outage_that_they_see_is_being_watched_however_old_its_last_sample() -> None:
    assert roles("fddddd", "api") == "bbbbbb"
    assert looked("fddddd", down_since={"api": T0})[1] == []


@pytest.mark.parametrize("looks", ["fsus", "fusu", "fsuu", "suu"])
def test_looks_that_see_nothing_fresh_count_together_whatever_the_reason(looks: str) -> None:
    assert roles(looks)[-1] == "I"


@pytest.mark.parametrize("looks", ["fs", "fsfs", "fuu", "fuufuu", "slf", "fslo"])
def test_one_bad_look_proves_nothing(looks: str) -> None:
    assert "I" not in roles(looks)


def test_what_a_look_cannot_tell_neither_counts_nor_resets() -> None:
    assert roles("fsls") == "bbbI"
    assert roles("fssflolff") == "bbIIIIIIb"


def test_a_probe_without_a_monitor_is_never_on_standby() -> None:
    assert roles("ffff", "alone") == "IIII"
    assert looked("ffff")[1] == []


def test_a_monitor_that_was_linked_by_its_number_and_never_seen_is_missing() -> None:
    linked = probe("linked", uptimerobot_id=99)
    known = Standing()
    told: list[Event] = []
    for number in range(2):
        known, events = follow(known, seen("f", T0), probes=[linked, WEB], down_since={}, now_ms=T0 + number * MIN)
        told += events
    assert role_of(known, "linked") == "standing-in"
    assert [each.probe_ids for each in told if isinstance(each, RoleChanged)] == [("linked",)]


def test_a_monitor_that_is_made_later_takes_over_after_three_fresh_looks() -> None:
    known, _ = looked("f")
    watches = (*seen("f", T0).watches, Watch(key="3", name="", url=ALONE.url, state="up", newest_ms=T0))
    after = known[-1]
    told: list[Event] = []
    for number in range(1, 4):
        after, events = follow(after, Seen(watches=watches), probes=PROBES, down_since={}, now_ms=T0 + number * MIN)
        told += events
    assert [each.probe_ids for each in told if isinstance(each, RoleChanged)] == [("alone",)]
    assert role_of(after, "alone") == "standby"


def test_before_the_first_look_we_stand_by_and_are_about_to_know() -> None:
    assert (role_of(Standing(), "api"), is_pending(Standing())) == ("standby", True)
    assert is_held(Standing(), "api")


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        *[("f", False), ("fs", True), ("fu", True), ("fss", False), ("fssf", True), ("fssfff", False)],
        *[("fp", True), ("fpp", False), ("fppf", True), ("r", False), ("o", False), ("fuo", False)],
    ],
)
def test_a_role_change_is_pending_while_the_next_looks_may_bring_it(looks: str, *, expected: bool) -> None:
    assert is_pending(looked(looks)[0][-1]) is expected


def test_a_last_look_in_the_future_puts_off_nothing() -> None:
    (standing,), _ = looked("f")
    assert next_look_ms(standing, MIN, T0 - HOUR) == T0 - HOUR
    assert next_look_ms(standing, MIN, T0 + 1) == T0 + MIN
    assert next_look_ms(Standing(), MIN, T0) == T0


class Naive:
    """The verdict table read line by line over the whole history of looks."""

    def __init__(self, looks: str) -> None:
        self.looks = looks

    def role(self) -> str:
        role, since = "b", 0
        for end in range(1, len(self.looks) + 1):
            before, role = role, self._turned(role, self.looks[:end], since)
            since = end if role != before else since
        return role

    def _turned(self, role: str, looks: str, since: int) -> str:
        if looks[-1] == "r":
            return "I"
        telling = [each for each in looks if each not in "lo"]
        unfresh = 0
        for each in reversed(telling):
            if each in "fpmd":
                break
            unfresh += 1
        bad = [each for each in telling[len(telling) - unfresh :] if each != "r"]
        if looks[-1] in "su" and (bad.count("s") >= 2 or len(bad) >= 3):
            return "I"
        if looks[-1] == "l" and self._is_out_of_patience(looks):
            return "I"
        lately = [each for each in looks[since:] if each not in "lo"]
        fresh = len(lately) - len("".join(lately).rstrip("fpmd"))
        return "b" if role == "I" and looks[-1] in "fpmd" and fresh >= 3 else role

    def _is_out_of_patience(self, looks: str) -> bool:
        waiting = len(looks)
        while waiting and looks[waiting - 1] in "lo":
            waiting -= 1
        return len(looks) - 1 - looks.index("l", waiting) >= 15


@given(st.text("ffffsssuuolrpmd", max_size=40))
def test_the_role_is_that_of_the_table_read_over_the_whole_history(looks: str) -> None:
    assert roles(looks)[-1:] == (Naive(looks).role() if looks else "")


@given(st.text("ffffssssuuuuolpmd", max_size=40))
def test_roles_and_what_is_told_of_them_agree(looks: str) -> None:
    standings, events = looked(looks)
    role = "standby"
    for each in events:
        match each:
            case RoleChanged(role=new, probe_ids=()):
                assert new != role
                role = new
    assert not standings or standings[-1].role == role


@given(st.text("ffssuuolrpmd", max_size=60))
def test_who_nobody_watches_is_not_held_for_longer_than_it_takes_to_be_sure(looks: str) -> None:
    """Six looks that tell something are always enough, and mostly two or three are."""
    standings, _ = looked(looks)
    for number, standing in enumerate(standings):
        telling = [each for each in looks[: number + 1] if each not in "lo"]
        is_unwatched = len(telling) >= 6 and all(each in "surpm" for each in telling[-6:])
        if is_unwatched:
            assert not is_held(standing, "api"), looks[: number + 1]


@given(st.text("fdfdfdlo", min_size=1, max_size=40))
def test_who_is_freshly_watched_is_held_once_that_is_known(looks: str) -> None:
    before, _ = looked("fff")
    standings, _ = looked(looks, began_ms=T0 + 3 * MIN, standing=before[-1])
    patient = all(
        "f" in looks[max(n - 14, 0) : n + 1] or "d" in looks[max(n - 14, 0) : n + 1] for n in range(len(looks))
    )
    if patient:
        assert all(is_held(each, "api") and is_held(each, "web") for each in standings)


def test_when_we_hand_back_people_are_told_what_stays_ours() -> None:
    _, events = looked("fssppp")
    assert [(each.role, each.probe_ids) for each in events if isinstance(each, RoleChanged)] == [
        ("standing-in", ()),
        ("standby", ()),
        ("standing-in", ("api",)),
    ]


def test_a_look_that_sees_nothing_is_no_fresh_one_for_a_probe_either() -> None:
    assert roles("ppfufuf", "api")[-1] == "I"
    assert roles("ppfufff", "api")[-1] == "b"


def test_another_prober_knows_our_probes_by_their_ids_alone() -> None:
    linked = probe("linked", uptimerobot_id=99)
    watches = (Watch(key="web", name="web", state="up", newest_ms=T0),)
    known, _ = follow(Standing(), Seen(watches=watches), probes=[linked, WEB], down_since={}, now_ms=T0, by_id=True)
    assert (role_of(known, "linked"), role_of(known, "web")) == ("standing-in", "standby")


def test_a_sign_of_life_from_the_future_is_none() -> None:
    (standing,), _ = looked("f", began_ms=T0 + 9 * HOUR)
    (after,), _ = looked("s", standing=standing)
    assert after.alive_ms == T0 - HOUR


def test_what_nobody_was_told_is_still_to_be_told() -> None:
    (*_, before), _ = looked("f" * 10, down_since={"api": T0})
    (after,), events = looked("f", began_ms=T0 + 10 * MIN, standing=before, down_since={"api": T0})
    assert [type(each) for each in events] == [Disagreed]
    _, again = looked("f", began_ms=T0 + 11 * MIN, standing=untold(after, before), down_since={"api": T0})
    assert [type(each) for each in again] == [Disagreed]
    (rejected,), _ = looked("r", began_ms=T0 + 12 * MIN, standing=after)
    _, again = looked("r", began_ms=T0 + 13 * MIN, standing=untold(rejected, after))
    assert [type(each) for each in again] == [KeyRejected]
