"""A round: paced starts, one result each, nothing slow by our own doing, and no blame while we are offline."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.app import round as rounds
from prober.app.round import Rounds
from prober.core.expect import Expect
from prober.core.facts import Facts, Phases
from prober.core.model import Outcome, Policy, Reason
from tests.app.world import probe
from tests.fakes import T0, FakeChecker, FakeClock, jumping_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prober.app.round import Round
    from prober.core.model import Probe

pytestmark = pytest.mark.anyio
URLS = ("https://one.example/", "https://two.example/")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


class Scene:
    """A checker with its rounds, which live longer than one of them."""

    def __init__(self, histories: Mapping[str, str], urls: Sequence[str] = ()) -> None:
        self.clock = FakeClock()
        self.checker = FakeChecker(self.clock, histories)
        self.seen: list[str] = []
        self.rounds = Rounds(
            checker=self.checker,
            clock=self.clock,
            location="here",
            mask=lambda text: text.replace("secret", "***"),
            connectivity_urls=urls,
            on_seen=lambda seen, _: self.seen.append(seen.id),
        )

    async def play(self, *probes: Probe, may_repeat: bool = True) -> Round:
        return await self.rounds.run(probes, may_repeat=lambda _: may_repeat)


def told(played: Round) -> list[tuple[str, Outcome, Reason | None]]:
    return [(result.probe_id, result.outcome, result.reason) for result in played.results]


async def test_checks_start_5_ms_apart_and_none_waits_for_another() -> None:
    probes = [probe(f"p{n}") for n in range(100)]
    scene = Scene({"p0": "s"})
    played = await scene.play(*probes)
    begin = scene.checker.started[0][1]
    assert [at_ms - begin for _, at_ms in scene.checker.started] == [5 * n for n in range(100)]
    assert played.ended_at_ms - played.started_at_ms == 1_500


async def test_results_come_in_the_order_of_the_probes_with_all_that_was_seen() -> None:
    scene = Scene({"a": "s", "b": "x", "c": "?"})
    played = await scene.play(probe("a", interval_ms=7), probe("b"), probe("c"), probe("d"))
    assert told(played) == [
        ("a", Outcome.SLOW, None),
        ("b", Outcome.FAILED, Reason.STATUS),
        ("c", Outcome.UNKNOWN, Reason.INTERNAL),
        ("d", Outcome.OK, None),
    ]
    slow, failed, _, good = played.results
    assert (slow.latency_us, slow.interval_ms, slow.location) == (1_500_000, 7, "here")
    assert (failed.latency_us, failed.status, failed.excerpt) == (None, 503, "out of order")
    assert (good.latency_us, good.phases) == (100_000, Phases(wait_us=100_000))
    assert sorted(scene.seen) == ["a", "b", "c", "d"]


async def test_secrets_are_masked_before_anything_is_kept() -> None:
    scene = Scene({"a": "x"})
    played = await scene.play(probe("a", expect=Expect(contains="secret", status=())))
    assert played.results[0].detail == 'body: expected to contain "***"'


async def test_a_slow_result_while_we_lagged_is_checked_again() -> None:
    scene = Scene({"api": "b."})
    assert told(await scene.play(probe())) == [("api", Outcome.OK, None)]
    assert scene.checker.count("api") == 2


async def test_a_slow_result_with_little_lag_counts_at_once() -> None:
    scene = Scene({"api": "b"})
    lenient = probe(policy=Policy(slow_ms=1_400))
    assert told(await scene.play(lenient)) == [("api", Outcome.SLOW, None)]
    assert scene.checker.count("api") == 1


async def test_a_target_that_is_slow_also_in_a_quiet_moment_is_slow() -> None:
    scene = Scene({"api": "bs"})
    assert told(await scene.play(probe())) == [("api", Outcome.SLOW, None)]


async def test_a_result_that_lagged_twice_is_unknown_and_raises_no_alert() -> None:
    scene = Scene({"api": "bb"})
    (result,) = (await scene.play(probe())).results
    assert (result.outcome, result.reason, result.latency_us) == (Outcome.UNKNOWN, Reason.BUSY, None)
    assert result.detail == "we were 100 ms late ourselves"


async def test_without_time_to_check_again_it_is_unknown_at_once() -> None:
    scene = Scene({"api": "b"})
    assert told(await scene.play(probe(), may_repeat=False)) == [("api", Outcome.UNKNOWN, Reason.BUSY)]
    assert scene.checker.count("api") == 1


async def test_at_most_ten_are_checked_again_at_a_time() -> None:
    scene = Scene({f"p{n}": "bs" for n in range(40)})
    played = await scene.play(*(probe(f"p{n}") for n in range(40)))
    first, again = scene.checker.started[:40], scene.checker.started[40:]
    assert max(at_ms for _, at_ms in first) < min(at_ms for _, at_ms in again)
    assert max(sum(begin <= at_ms < begin + 1_500 for _, at_ms in again) for _, begin in again) == 10
    assert {result.outcome for result in played.results} == {Outcome.SLOW}


async def test_where_nothing_is_slow_lag_does_not_matter() -> None:
    scene = Scene({"api": "b"})
    assert told(await scene.play(probe(policy=Policy(slow_ms=None)))) == [("api", Outcome.OK, None)]


async def test_we_are_offline_when_no_url_answers_either() -> None:
    scene = Scene({"api": "!", "connectivity-0": "!", "connectivity-1": "!"}, URLS)
    played = await scene.play(probe())
    assert told(played) == [("api", Outcome.UNKNOWN, Reason.OFFLINE)]
    assert (played.is_reachable, played.is_offline) == (False, True)


async def test_one_url_that_answers_proves_that_we_are_not() -> None:
    scene = Scene({"api": "!", "connectivity-0": "!"}, URLS)
    played = await scene.play(probe())
    assert told(played) == [("api", Outcome.FAILED, Reason.REFUSED)]
    assert (played.is_reachable, played.is_offline) == (True, False)


async def test_another_probe_that_was_answered_since_proves_it_too() -> None:
    scene = Scene({"api": "!", "connectivity-0": "!", "connectivity-1": "!"}, URLS)
    played = await scene.play(probe("api"), probe("web"))
    assert told(played) == [("api", Outcome.FAILED, Reason.REFUSED), ("web", Outcome.OK, None)]


async def test_without_connectivity_urls_we_are_never_offline() -> None:
    scene = Scene({"api": "!"})
    played = await scene.play(probe())
    assert told(played) == [("api", Outcome.FAILED, Reason.REFUSED)]
    assert played.is_reachable is None


@pytest.mark.parametrize("sign", [".", "s", "x", "?"])
async def test_nobody_is_asked_while_no_failure_may_be_ours(sign: str) -> None:
    scene = Scene({"api": sign}, URLS)
    assert (await scene.play(probe())).is_reachable is None
    assert scene.checker.count("connectivity-0") == 0


async def test_an_answer_about_ourselves_serves_for_30_s() -> None:
    scene = Scene({"api": "!!!", "web": "!!!"}, URLS)
    for pause_s, asked in ((0, 1), (29, 1), (2, 2)):
        await anyio.sleep(pause_s)
        await scene.play(probe("api"), probe("web"))
        assert scene.checker.count("connectivity-0") == asked


async def test_a_round_over_nothing_is_not_offline() -> None:
    assert not (await Scene({}).play()).is_offline


class BodyChecker:
    """Answers with a body."""

    async def check(self, _: Probe) -> Facts:
        return Facts(started_at_ms=0, response_began=True, status=200, body=b"a" * 100)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_judging_a_body_ends_with_the_checks_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(rounds, "judge", lambda *_, **__: is_over.wait(20))
    judging = Rounds(checker=BodyChecker(), clock=FakeClock(), location="here", mask=str)
    try:
        (result,) = (await judging.run([probe(timeout_ms=50, expect=Expect(matches="a+"))])).results
    finally:
        is_over.set()
    assert (result.outcome, result.reason) == (Outcome.FAILED, Reason.TIMEOUT)
    assert result.detail == "judging the body took longer than the check had left"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_body_that_is_judged_in_a_thread_is_judged_all_the_same() -> None:
    judging = Rounds(checker=BodyChecker(), clock=FakeClock(), location="here", mask=str)
    for pattern, outcome in (("a+", Outcome.OK), ("b+", Outcome.FAILED)):
        (result,) = (await judging.run([probe(expect=Expect(matches=pattern))])).results
        assert result.outcome is outcome


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_the_thread_raises_is_raised_where_it_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rounds, "judge", fail)
    judging = Rounds(checker=BodyChecker(), clock=FakeClock(), location="here", mask=str)
    with pytest.raises(BaseExceptionGroup) as raised:
        await judging.run([probe(expect=Expect(matches="a+"))])
    assert raised.group_contains(ZeroDivisionError)


async def alone(scene: Scene, *probes: Probe) -> Round:
    """Check each by itself, one after the other, as the service does, and gather what ended."""
    results = [await scene.rounds.check_settled(each) for each in probes]
    return await scene.rounds.gather(results, started_at_ms=results[0].at_ms)


async def test_a_check_by_itself_is_repeated_at_once_where_we_lagged() -> None:
    played = await alone(Scene({"api": "b.", "web": "bb", "db": "bs"}), probe("api"), probe("web"), probe("db"))
    assert told(played) == [
        ("api", Outcome.OK, None),
        ("web", Outcome.UNKNOWN, Reason.BUSY),
        ("db", Outcome.SLOW, None),
    ]


async def test_checks_that_ended_by_themselves_are_judged_together_and_with_those_of_before() -> None:
    scene = Scene({"api": "!!!", "connectivity-0": "!" * 9, "connectivity-1": "!" * 9}, URLS)
    assert told(await alone(scene, probe("api"))) == [("api", Outcome.UNKNOWN, Reason.OFFLINE)]
    failed = await scene.rounds.check_settled(probe("api"))
    await scene.rounds.check(probe("web"))
    gathered = await scene.rounds.gather([failed], started_at_ms=failed.at_ms)
    assert told(gathered) == [("api", Outcome.FAILED, Reason.REFUSED)]
    await anyio.sleep(1)
    assert told(await alone(scene, probe("api"))) == [("api", Outcome.UNKNOWN, Reason.OFFLINE)]


async def test_what_was_heard_before_the_wall_clock_went_back_proves_nothing() -> None:
    scene = Scene({"api": "!!!", "connectivity-0": "!" * 9, "connectivity-1": "!" * 9}, URLS)
    await scene.rounds.check(probe("web"))
    scene.clock.set_by_ms = -3_600_000
    assert told(await alone(scene, probe("api"))) == [("api", Outcome.UNKNOWN, Reason.OFFLINE)]


class EarlyChecker:
    """Present a certificate that is not valid yet, or so it seems."""

    def __init__(self, at_ms: int, *, is_early: bool) -> None:
        self._facts = Facts(started_at_ms=at_ms, failure=Reason.TLS_EXPIRED, is_early=is_early)

    async def check(self, _: Probe) -> Facts:
        return self._facts


@pytest.mark.parametrize(
    ("at_ms", "is_early", "outcome"),
    [
        (T0, True, Outcome.FAILED),
        (T0 - 1, True, Outcome.UNKNOWN),
        (T0 - 1, False, Outcome.FAILED),
        (1_000, True, Outcome.UNKNOWN),
    ],
    ids=["in time", "behind the last round", "expired", "1970"],
)
async def test_no_certificate_is_too_early_for_a_clock_that_is_behind(
    at_ms: int, is_early: bool, outcome: Outcome
) -> None:
    checker = EarlyChecker(at_ms, is_early=is_early)
    judging = Rounds(checker=checker, clock=FakeClock(), location="here", mask=str, past_ms=T0)
    (result,) = (await judging.run([probe()])).results
    assert result.outcome is outcome


async def test_what_a_round_has_seen_of_the_time_is_past_for_the_next() -> None:
    clock = FakeClock()
    judging = Rounds(checker=FakeChecker(clock, {}), clock=clock, location="here", mask=str)
    await judging.run([probe()])
    assert judging.past_ms >= T0
