from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from prober.core.diagnosis.finding import Finding, fine
from prober.core.diagnosis.watcher import judge_last_look, judge_sight
from prober.core.model import Probe
from prober.core.settings import Standby
from prober.core.sight import Limited, Rejected, Seen, Unreachable, Watch

if TYPE_CHECKING:
    from prober.core.sight import Sight, WatchState

MIN = 60_000
NOW = 1_790_000_000_000
ROBOT = Standby(behind="uptimerobot", url="https://api.uptimerobot.com/v2/", api_key="k")
OTHER = Standby(behind="prober", url="https://other.example/status.json")


def probe(probe_id: str) -> Probe:
    return Probe(id=probe_id, name=probe_id, url=f"https://{probe_id}.example/", identity="")


def watch(key: str, state: WatchState = "up", age_min: int | None = 2) -> Watch:
    newest_ms = None if age_min is None else NOW - age_min * MIN
    return Watch(key=key, name=key, state=state, url=f"https://{key}.example/", newest_ms=newest_ms)


def judged(sight: Sight, known: Standby = ROBOT, *probe_ids: str) -> list[Finding]:
    return judge_sight(sight, known, [probe(each) for each in probe_ids or ("api",)], now_ms=NOW)


def test_who_is_watching_all_of_ours_is_as_it_should_be() -> None:
    said = "UptimeRobot is watching: 2 monitors, newest sign of life 2m ago"
    assert judged(Seen(watches=(watch("api"), watch("web", "paused")))) == [fine("standby", said)]
    said = "the other prober is watching: 1 probe, newest sign of life 2m ago"
    assert judged(Seen(watches=(watch("api"),)), OTHER) == [fine("standby", said)]


@pytest.mark.parametrize(
    ("watches", "said"),
    [
        ((), "UptimeRobot answers, but is not watching: 0 monitors, no sign of life"),
        (
            (watch("api", age_min=65),),
            "UptimeRobot answers, but is not watching: 1 monitor, newest sign of life 1h5m ago",
        ),
        (
            (watch("api", "paused", None),),
            "UptimeRobot answers, but is not watching: 1 monitor, no sign of life",
        ),
    ],
)
def test_who_answers_and_sees_nothing_is_wrong(watches: tuple[Watch, ...], said: str) -> None:
    (first, *_) = judged(Seen(watches=watches))
    assert (first.area, first.state, first.message) == ("standby", "wrong", said)
    assert first.advice == "look at its dashboard: is it paused, or is there trouble?"


@pytest.mark.parametrize(
    ("known", "advice"),
    [
        (ROBOT, "that may be as it should be; else link one by uptimerobot_id"),
        (OTHER, "that may be as it should be; else give it the same id there"),
    ],
)
def test_what_is_not_there_is_a_note(known: Standby, advice: str) -> None:
    _, finding = judged(Seen(watches=(watch("api"),)), known, "api", "web", "ws")
    who = "UptimeRobot" if known is ROBOT else "the other prober"
    assert (finding.state, finding.message, finding.advice) == (
        "note",
        f"web, ws: {who} does not have it, so we always tell",
        advice,
    )


def test_of_many_some_are_named() -> None:
    _, finding = judged(Seen(watches=(watch("api"),)), ROBOT, *(f"p{number}" for number in range(12)))
    assert finding.message.startswith("p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 2 more: ")


@pytest.mark.parametrize("blind", [watch("web", "paused"), watch("web", age_min=99), watch("web", "pending", None)])
def test_one_for_which_they_are_blind_is_a_note(blind: Watch) -> None:
    _, finding = judged(Seen(watches=(watch("api"), blind)), ROBOT, "api", "web")
    assert (finding.state, finding.message) == ("note", "web: paused, or without a fresh sample there, so we tell")


def test_two_that_stand_behind_one_another_are_told_so() -> None:
    (finding,) = judged(Seen(watches=(watch("api", "standby"), watch("web", "standby"))), OTHER)
    assert finding.state == "note"
    assert (
        finding.message == "the other prober stands by itself, so it is not watching for us: we tell as long as it does"
    )
    assert "let only one stand behind the other" in (finding.advice or "")


@pytest.mark.parametrize(
    ("sight", "behind", "state", "said", "advice"),
    [
        (Unreachable(why="refused"), ROBOT, "wrong", "UptimeRobot does not answer: refused", "after three looks"),
        (Limited(wait_ms=90_000), ROBOT, "note", "UptimeRobot asks us to come back in 1m30s", '"every"'),
        (Rejected(why="status 401"), ROBOT, "wrong", "UptimeRobot refuses us: status 401", "a new read-only key"),
        (Rejected(why="status 403"), OTHER, "wrong", "the other prober refuses us: status 403", "without a login"),
    ],
)
def test_what_kept_it_from_answering_is_told_with_what_to_do(
    sight: Sight, behind: Standby, state: Literal["note", "wrong"], said: str, advice: str
) -> None:
    (finding,) = judged(sight, behind)
    assert (finding.area, finding.state, finding.message) == ("standby", state, said)
    assert advice in (finding.advice or "")


@pytest.mark.parametrize(
    ("looked_ms", "state", "said"),
    [
        (None, "note", "no look yet: until there was one, alerts are held"),
        (NOW - MIN, "ok", "the last look was 1m ago"),
        (NOW - 10 * MIN, "ok", "the last look was 10m ago"),
        (NOW - 10 * MIN - 1, "note", "nothing has looked for 10m"),
        (NOW + 5 * MIN, "note", "the last look is 5m in the future"),
    ],
)
def test_the_age_of_the_last_look_is_judged(looked_ms: int | None, state: str, said: str) -> None:
    finding = judge_last_look(looked_ms, now_ms=NOW, patience_ms=10 * MIN)
    assert (finding.area, finding.state, finding.message) == ("standby", state, said)
    assert (finding.advice is None) is (state == "ok")
