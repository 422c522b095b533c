"""A one-shot run: it stays only for a verdict, within its deadline, and another run goes on where it ended."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.core.model import Kind, Policy, State
from tests.app.world import CHIEF, OPS, QUICK, World, channel, probe
from tests.fakes import MIN_MS, T0, header, jumping_time

if TYPE_CHECKING:
    from prober.app.asked import Report

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def seconds(world: World, probe_id: str = "api") -> list[int]:
    """Return when a probe was checked in the last run, after its first check."""
    starts = [at_ms for each, at_ms in world.checker.started if each == probe_id]
    return [round((at_ms - starts[0]) / 1000) for at_ms in starts]


def state_of(report: Report, probe_id: str = "api") -> State:
    return report.states[probe_id].state


async def test_three_runs_and_one_process_come_to_the_same_verdict(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    separate = [(await world.run(sign)).told for sign in "xxx"]
    alone = World(tmp_path_factory.mktemp("alone") / "prober.db")
    alone.configure(probe(recheck_ms=MIN_MS))
    together = await alone.run("xxx")
    assert [len(told) for told in separate] == [0, 0, 1]
    assert len(together.told) == 1
    opened = [(each.kind, each.checks, each.reason) for each in world.incidents() + alone.incidents()]
    assert opened == [(Kind.DOWN, 3, "status")] * 2
    assert alone.mail.subjects() == world.mail.subjects() == ["[DOWN P1] api: status 503 (inc 1)"]


async def test_without_recheck_a_run_never_waits(world: World) -> None:
    report = await world.run("xxx")
    assert (len(report.results), world.waited, seconds(world)) == (1, [], [0])


async def test_a_run_stays_until_the_verdict_and_no_longer(world: World) -> None:
    world.configure(probe(recheck_ms=MIN_MS))
    report = await world.run(".")
    assert seconds(world) == [0]
    report = await world.run("xxxx")
    assert (seconds(world), state_of(report)) == ([0, 60, 120], State.DOWN)
    assert [(ids, round(wait)) for ids, wait in world.waited] == [(["api"], 60), (["api"], 60)]


@pytest.mark.parametrize(("history", "checks"), [("xx.", 3), ("sss", 3), ("xxx..", 3), ("ss.", 3), ("xxs...", 4)])
async def test_any_growing_streak_is_rechecked(world: World, history: str, checks: int) -> None:
    world.configure(probe(recheck_ms=30_000))
    await world.run(history)
    assert len(seconds(world)) == checks


async def test_a_recovery_is_rechecked_as_well(world: World) -> None:
    await world.runs("xxx")
    world.configure(probe(recheck_ms=MIN_MS))
    report = await world.run("..")
    assert (seconds(world), state_of(report)) == ([0, 60], State.UP)


async def test_an_unknown_check_is_no_reason_to_stay(world: World) -> None:
    world.configure(probe(recheck_ms=MIN_MS))
    await world.run("?xx")
    assert seconds(world) == [0]


async def test_a_check_longer_than_the_recheck_is_followed_at_once(world: World) -> None:
    world.configure(probe(recheck_ms=1_000))
    await world.run("sss")
    assert [round(at_ms - T0, -2) for _, at_ms in world.checker.started] == [0, 1_500, 3_000]


async def test_rechecks_stay_within_the_deadline_and_what_is_pending_is_kept(world: World) -> None:
    world.configure(probe(recheck_ms=MIN_MS, timeout_ms=10_000))
    report = await world.run("xxx", deadline_ms=129_000)
    assert seconds(world) == [0, 60]
    assert anyio.current_time() < 129
    assert (state_of(report), report.states["api"].failing.count) == (State.UNKNOWN, 2)
    report = await world.run("x")
    assert state_of(report) is State.DOWN


async def test_each_pass_is_a_round_with_its_own_record_and_delivery(world: World) -> None:
    world.configure(probe("api", recheck_ms=MIN_MS, policy=QUICK), probe("web", recheck_ms=MIN_MS))
    await world.run({"api": "x", "web": "xxx"})
    assert world.count("rounds") == 3
    assert [header(mail, "Date")[17:25] for _, mail in world.mail.accepted] == ["14:13:20", "14:15:20"]
    assert world.mail.subjects() == ["[DOWN P1] api: status 503 (inc 1)", "[DOWN P1] web: status 503 (inc 2)"]


async def test_what_falls_due_meanwhile_is_checked_too(world: World) -> None:
    busy = probe("busy", interval_ms=90_000, timeout_ms=5_000)
    world.configure(probe("api", recheck_ms=MIN_MS), busy, probe("slow-paced"))
    await world.run({"api": "xxx"})
    assert seconds(world, "busy") == [0, 90]
    assert seconds(world, "slow-paced") == [0]
    assert seconds(world, "api") == [0, 60, 120]


async def test_probes_that_are_rechecked_together_share_a_round(world: World) -> None:
    world.configure(*(probe(f"p{n}", recheck_ms=MIN_MS) for n in range(5)))
    await world.run("xxx")
    assert world.count("rounds") == 3


async def test_fifty_probes_that_fall_at_once_are_one_mail(world: World) -> None:
    world.configure(*(probe(f"p{n}", policy=QUICK) for n in range(50)))
    report = await world.run("x")
    assert (report.queued, report.accepted, report.undelivered) == (50, 50, 0)
    (subject,) = world.mail.subjects()
    assert subject.startswith("[DOWN 50] p0, p1, p2 +47 (batch ")


async def test_what_was_not_accepted_is_reported_and_stays(world: World) -> None:
    world.configure(probe(policy=QUICK), channels=(channel(OPS, CHIEF),))
    world.mail.script = "ga"
    report = await world.run("x")
    assert (report.queued, report.accepted, report.undelivered) == (2, 1, 1)
    (refusal,) = report.refusals
    assert refusal.startswith(f"{CHIEF}: 450 4.2.0 come again; next try at ")
    assert [row.recipient for row in world.waiting()] == [CHIEF]


async def test_alerts_of_earlier_runs_go_out_while_checks_run(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.script = "g"
    await world.run("x")
    await anyio.sleep(60)
    report = await world.run("s", deadline_ms=0)
    assert world.mail.subjects()[0] == "[DOWN P1] api: status 503 (inc 1)"
    assert report.undelivered == 0


async def test_no_alert_queues_nothing_and_the_recovery_is_not_told_either(world: World) -> None:
    for sign in "xxx":
        report = await world.run(sign, is_alerting=False)
    assert (state_of(report), report.queued, world.rows()) == (State.DOWN, 0, [])
    await world.runs("..")
    assert (world.rows(), world.mail.tried) == ([], [])
    assert [each.closed_as for each in world.incidents()] == ["recovered"]


async def test_no_alert_sends_nothing_of_what_waits_either(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.script = "g"
    await world.run("x")
    await anyio.sleep(60)
    report = await world.run("x", is_alerting=False)
    assert (len(world.mail.tried), report.undelivered, len(world.waiting())) == (1, 0, 1)


async def test_a_run_over_nothing_still_delivers(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.script = "g"
    await world.run("x")
    await anyio.sleep(60)
    report = await world.run(probes=[])
    assert (report.results, report.accepted, world.waiting()) == ([], 1, [])


async def test_a_run_over_some_probes_removes_no_others(world: World) -> None:
    world.configure(probe("api"), probe("web"))
    await world.runs("xxx")
    world.configure(probe("api"))
    await world.run(covers_all=False)
    assert [each.ended_at_ms is None for each in world.incidents()] == [True, True]


async def test_offline_is_a_run_that_could_judge_nothing(world: World) -> None:
    world.configure(connectivity_urls=("https://one.example/",))
    assert (await world.run({"api": "!", "connectivity-0": "!"})).is_offline
    assert not (await world.run({"api": "!", "connectivity-0": "."})).is_offline


async def test_a_run_that_judged_something_before_its_line_went_was_not_offline(world: World) -> None:
    world.configure(probe(recheck_ms=MIN_MS), connectivity_urls=("https://one.example/",))
    report = await world.run({"api": "x!", "connectivity-0": "!"}, deadline_ms=75_000)
    assert [result.outcome for result in report.results] == ["failed", "unknown"]
    assert not report.is_offline


async def test_a_store_that_fails_in_mid_run_is_told_as_such(world: World) -> None:
    await world.run()
    with closing(world.open()) as store:
        store.write("DROP TABLE states")
    report = await world.run()
    assert "no such table" in (report.fault or "")
    assert [result.outcome for result in report.results] == ["ok"]


async def test_a_probe_that_was_removed_is_closed_also_when_all_others_are_paused(world: World) -> None:
    world.configure(probe("api", policy=Policy(failures=1)), probe("web", policy=Policy(failures=1)))
    await world.run("x")
    world.configure(probe("api", policy=Policy(failures=1), enabled=False))
    rounds = world.count("rounds")
    await world.run()
    assert [(each.probe_id, each.closed_as) for each in world.incidents()] == [("api", None), ("web", "removed")]
    assert world.count("rounds") == rounds


async def test_a_run_in_which_nothing_was_due_still_knows_the_states(world: World) -> None:
    world.configure(probe("api", policy=Policy(failures=1)))
    await world.run("x")
    report = await world.run(probes=[])
    assert report.states["api"].state == "down"


async def test_a_run_keeps_house_and_does_not_care_whether_that_works(world: World) -> None:
    await world.run()
    await anyio.sleep(3 * 3600)
    await world.run()
    assert world.count("hours") == 1
    with closing(world.open()) as store:
        store.write("CREATE TRIGGER full BEFORE INSERT ON hours BEGIN SELECT RAISE(ABORT, 'no room'); END")
    await anyio.sleep(3 * 3600)
    report = await world.run()
    assert (report.fault, len(report.results)) == (None, 1)


async def test_what_is_to_be_told_is_secured_once_and_before_any_of_it_is_sent(world: World) -> None:
    sent_before: list[int] = []

    async def secure() -> None:
        sent_before.append(len(world.mail.tried))

    world.configure(probe(policy=QUICK), channels=(channel(OPS, CHIEF),))
    await world.run(".", secure=secure)
    assert sent_before == []
    await world.run("x", secure=secure)
    assert (sent_before, len(world.mail.accepted)) == ([0], 2)
