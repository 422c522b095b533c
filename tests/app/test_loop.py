"""The service's schedule: fixed slots, rechecks, no bursts, and commits that come in time."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.app.loop import IDLE_S, LATER_S, Loop
from prober.app.round import Rounds
from prober.core import rules
from prober.core.model import Outcome, ProbeState, State
from prober.core.schedule import SERVICE_PACE_MS, next_slot_ms
from tests.app.world import probe
from tests.fakes import T0, FakeChecker, FakeClock, jumping_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from prober.app.round import Round
    from prober.core.facts import Facts
    from prober.core.model import Probe

pytestmark = pytest.mark.anyio
MIN_S = 60


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


class HangingChecker(FakeChecker):
    """Hang for as long as the history says ``h``, here a minute; and count how many are under way."""

    async def check(self, probe: Probe) -> Facts:
        facts = await super().check(probe)
        if probe.id == "hang":
            await anyio.sleep(50)
        return facts


@dataclass
class Scene:
    """A loop whose commits are judged by the rules and kept in memory. ``commits`` are (seconds, round)."""

    histories: Mapping[str, str]
    states: dict[str, ProbeState] = field(default_factory=dict)
    commits: list[tuple[float, Round]] = field(default_factory=list)
    store_takes_s: float = 0.0

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.clock.now_ms()
        self.checker = HangingChecker(self.clock, self.histories)

    @asynccontextmanager
    async def serving(self, *probes: Probe) -> AsyncIterator[Loop]:
        self.probes = {each.id: each for each in probes}
        rounds = Rounds(checker=self.checker, clock=self.clock, location="here", mask=str)
        loop = Loop(rounds=rounds, clock=self.clock, commit=self.commit)
        loop.configure(rounds, probes, self.states)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(loop.run)
            yield loop
            loop.finish()

    async def commit(self, seen: Round) -> dict[str, ProbeState]:
        await anyio.sleep(self.store_takes_s)
        self.commits.append((self.passed_s(), seen))
        after = {}
        for result in seen.results:
            state = self.states.get(result.probe_id, ProbeState())
            after[result.probe_id], _ = rules.apply(state, result, policy=self.probes[result.probe_id].policy)
        self.states.update(after)
        return after

    def passed_s(self) -> float:
        return (self.clock.now_ms() - T0) / 1000

    def starts_s(self, probe_id: str) -> list[float]:
        return [(at_ms - T0) / 1000 for each, at_ms in self.checker.started if each == probe_id]


def slot_s(watched: Probe, after_s: float = 0) -> float:
    return (next_slot_ms(watched, T0 + round(after_s * 1000)) - T0) / 1000


async def test_every_probe_is_checked_in_its_own_slot_and_all_within_one_interval() -> None:
    probes = [probe(f"p{n}") for n in range(50)]
    scene = Scene({})
    async with scene.serving(*probes):
        await anyio.sleep(15 * MIN_S)
    for each in probes:
        first, *others = scene.starts_s(each.id)
        assert first == pytest.approx(slot_s(each), abs=0.3)
        assert {round(later - earlier) for earlier, later in pairwise([first, *others])} == {300}
        assert len(others) in {1, 2}, "a slot may fall together with the end"
    assert scene.checker.most_at_once < 10


async def test_rechecks_come_at_their_spacing_until_there_is_a_verdict_and_then_the_slots_again() -> None:
    watched = probe(recheck_ms=30_000)
    scene = Scene({"api": "xxx"})
    async with scene.serving(watched):
        await anyio.sleep(11 * MIN_S)
    first, second, third, fourth, *_ = scene.starts_s("api")
    assert [round(second - first), round(third - second)] == [30, 30]
    assert fourth == pytest.approx(slot_s(watched, third), abs=0.1)
    assert scene.states["api"].good.count == 0


async def test_a_neighbour_that_hangs_delays_neither_checks_nor_commits() -> None:
    watched = probe(recheck_ms=20_000)
    hanging = probe("hang", interval_ms=60_000, timeout_ms=55_000)
    scene = Scene({"api": "xxx"})
    async with scene.serving(watched, hanging):
        await anyio.sleep(11 * MIN_S)
    first, second, third, *_ = scene.starts_s("api")
    assert [round(second - first), round(third - second)] == [20, 20]
    failed_at = [at_s for at_s, seen in scene.commits if seen.results and seen.results[0].outcome is Outcome.FAILED]
    assert [at_s - started_s for at_s, started_s in zip(failed_at, (first, second, third), strict=True)] == [
        pytest.approx(0.11, abs=0.02)
    ] * 3


async def test_good_answers_of_a_probe_that_is_up_wait_for_each_other_and_all_else_is_committed_at_once() -> None:
    probes = [probe(f"p{n}") for n in range(300)]
    scene = Scene({"p7": ".x"})
    async with scene.serving(*probes):
        await anyio.sleep(10 * MIN_S)
    later = [(at_s, seen) for at_s, seen in scene.commits if at_s > 300 and seen.results]
    assert len(later) < 1.5 * 300 / LATER_S
    for at_s, seen in later:
        waited_s = at_s - (min(each.at_ms for each in seen.results) - T0) / 1000
        is_urgent = any(each.outcome is Outcome.FAILED for each in seen.results)
        assert waited_s <= LATER_S + 0.2
        if is_urgent:
            failed = next(each for each in seen.results if each.outcome is Outcome.FAILED)
            assert at_s - (failed.at_ms - T0) / 1000 < 0.3


async def test_checks_that_are_due_together_start_one_after_the_other() -> None:
    probes = [probe(f"p{n}") for n in range(200)]
    scene = Scene({})
    async with scene.serving(*probes):
        await anyio.sleep(5 * MIN_S)
    starts = [at_ms for _, at_ms in scene.checker.started]
    assert len(starts) > 190, "the last may fall together with the end"
    assert min(later - earlier for earlier, later in pairwise(starts)) == pytest.approx(SERVICE_PACE_MS, abs=1)


async def test_a_round_has_one_result_of_each_probe_however_long_the_store_takes() -> None:
    watched = probe(interval_ms=1_000, timeout_ms=800)
    scene = Scene({}, store_takes_s=7)
    async with scene.serving(watched):
        await anyio.sleep(60)
    assert {len(seen.results) for _, seen in scene.commits} == {1}
    times = [seen.results[0].at_ms for _, seen in scene.commits]
    assert times == sorted(set(times))


async def test_nothing_is_started_twice_at_once_and_missed_slots_bring_one_check() -> None:
    watched = probe("hang", interval_ms=15_000, timeout_ms=12_000)
    scene = Scene({})
    async with scene.serving(watched):
        await anyio.sleep(5 * MIN_S)
    assert scene.checker.most_at_once == 1
    starts = scene.starts_s("hang")
    assert {round(later - earlier) for earlier, later in pairwise(starts)} == {60}


async def test_time_alone_is_committed_when_nothing_else_happens() -> None:
    scene = Scene({})
    async with scene.serving(probe(interval_ms=86_400_000)):
        await anyio.sleep(10 * IDLE_S + 1)
    assert len([1 for _, seen in scene.commits if not seen.results]) == 10


async def test_it_ends_with_what_was_seen_and_without_what_hangs() -> None:
    scene = Scene({})
    quick, hanging = probe(interval_ms=1_000, timeout_ms=800), probe("hang", interval_ms=60_000, timeout_ms=55_000)
    async with scene.serving(quick, hanging) as loop:
        await anyio.sleep(slot_s(hanging) + 5.55)
        loop.finish()
        ended_s = scene.passed_s()
    assert scene.passed_s() - ended_s < 3
    assert scene.checker.count("hang") == 1
    committed = [each.at_ms for _, seen in scene.commits for each in seen.results]
    assert len(committed) == scene.checker.count("api")


async def test_other_probes_can_be_watched_without_losing_the_slots_of_the_rest() -> None:
    stays, goes, comes = probe("stays"), probe("goes"), probe("comes")
    scene = Scene({})
    async with scene.serving(stays, goes) as loop:
        await anyio.sleep(7 * MIN_S)
        scene.probes["comes"] = comes
        rounds = Rounds(checker=scene.checker, clock=scene.clock, location="here", mask=str)
        loop.configure(rounds, [stays, comes], scene.states)
        assert loop.tally.total() == 2
        changed_s = scene.passed_s()
        await anyio.sleep(10 * MIN_S)
    assert [at_s for at_s in scene.starts_s("goes") if at_s > changed_s] == []
    assert scene.starts_s("comes")[0] == pytest.approx(slot_s(comes, changed_s), abs=0.1)
    starts = scene.starts_s("stays")
    assert {round(later - earlier) for earlier, later in pairwise(starts)} == {300}


async def test_what_a_probe_answered_before_it_was_changed_or_removed_is_not_kept() -> None:
    hanging = probe("hang", interval_ms=120_000, timeout_ms=110_000)
    changed = probe("hang", interval_ms=120_000, timeout_ms=110_000, url="https://other.example/", identity="2")
    scene = Scene({})
    async with scene.serving(hanging) as loop:
        rounds = Rounds(checker=scene.checker, clock=scene.clock, location="here", mask=str)
        await anyio.sleep(slot_s(hanging) + 1)
        loop.configure(rounds, [changed], scene.states)
        await anyio.sleep(60)
        assert [seen.results for _, seen in scene.commits if seen.results] == []
        await anyio.sleep(120)
        assert scene.checker.count("hang") == 2
        loop.configure(rounds, [], scene.states)
        await anyio.sleep(300)
        assert scene.checker.count("hang") == 2


async def test_the_tally_is_of_the_states_of_the_watched_probes_whatever_changes() -> None:
    falls, rises, goes = probe("falls"), probe("rises"), probe("goes")
    scene = Scene({"falls": "......xxx", "rises": "xxx...", "goes": "x" * 9})
    seen = set()
    async with scene.serving(falls, rises, goes) as loop:
        rounds = Rounds(checker=scene.checker, clock=scene.clock, location="here", mask=str)
        for minute in range(60):
            await anyio.sleep(MIN_S)
            if minute == 40:
                loop.configure(rounds, [falls, rises], scene.states)
            watched = ("falls", "rises", "goes") if minute < 40 else ("falls", "rises")
            states = [scene.states.get(each, ProbeState()).state for each in watched]
            assert {state: n for state, n in loop.tally.items() if n} == Counter(states)
            seen.add(tuple(states))
    assert (State.UP, State.UP, State.DOWN) in seen
    assert (State.DOWN, State.UP) in seen


async def test_how_late_it_is_shows_what_hangs() -> None:
    hanging = probe("hang", interval_ms=60_000, timeout_ms=5_000)
    scene = Scene({})
    async with scene.serving(hanging) as loop:
        assert loop.late_s() == 0
        await anyio.sleep(slot_s(hanging) + 4)
        assert loop.late_s() == 0
        await anyio.sleep(31)
        assert loop.late_s() == pytest.approx(15, abs=0.1)


async def test_a_probe_that_is_only_called_otherwise_keeps_its_checks_and_its_rechecks() -> None:
    watched = probe(recheck_ms=30_000)
    renamed = probe(recheck_ms=30_000, name="Another name")
    scene = Scene({"api": "xxx"})
    async with scene.serving(watched) as loop:
        rounds = Rounds(checker=scene.checker, clock=scene.clock, location="here", mask=str)
        await anyio.sleep(slot_s(watched) + 0.005)
        loop.configure(rounds, [renamed], scene.states)
        await anyio.sleep(40)
        loop.configure(rounds, [watched], scene.states)
        await anyio.sleep(40)
    first, second, third = scene.starts_s("api")
    assert [round(second - first), round(third - second)] == [30, 30]
    assert scene.states["api"].down_since_ms is not None


async def test_what_ended_just_before_a_probe_was_changed_is_not_kept() -> None:
    watched = probe()
    scene = Scene({"api": "x"})
    async with scene.serving(watched) as loop:
        rounds = Rounds(checker=scene.checker, clock=scene.clock, location="here", mask=str)
        await anyio.sleep(slot_s(watched) + 0.05)
        assert scene.checker.count("api") == 1
        loop.configure(rounds, [probe(identity="2")], scene.states)
        await anyio.sleep(1)
    assert [seen.results for _, seen in scene.commits if seen.results] == []
