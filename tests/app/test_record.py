"""One transaction a round: all that it caused, or nothing."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.store import outbox, results, rounds, states
from prober.app.record import record, refuse_foreign
from prober.app.round import Round
from prober.core.expect import Expect
from prober.core.facts import Certificate
from prober.core.model import ClosedAs, Outcome, Reason, Result, State
from prober.errors import ConfigError, StoreError
from tests.app.world import CHIEF, HERE, OPS, QUICK, World, channel, config, probe
from tests.fakes import MIN_MS, T0, jumping_time

if TYPE_CHECKING:
    from prober.app.record import Recorded
    from prober.core.settings import Config

pytestmark = pytest.mark.anyio
URLS = {"connectivity_urls": ("https://one.example/",)}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def a_round(*found: Result, at_ms: int = T0) -> Round:
    return Round(started_at_ms=at_ms, ended_at_ms=at_ms + 90, results=found, is_reachable=None)


def failed(probe_id: str, at_ms: int = T0) -> Result:
    return Result(probe_id=probe_id, location="here", at_ms=at_ms, outcome=Outcome.FAILED, reason=Reason.RESET)


def keep(world: World, seen: Round, known: Config) -> Recorded:
    with closing(world.open()) as store:
        return record(seen, store=store, config=known, place=HERE, covers_all=True, is_alerting=True)


def test_a_round_leaves_its_results_states_events_and_alerts(world: World) -> None:
    recorded = keep(world, a_round(failed("api")), config(probe(policy=QUICK)))
    assert (recorded.queued, recorded.states["api"].state) == (1, State.DOWN)
    with closing(world.open()) as store:
        assert [result.reason for result in results.last_results(store, "api", "here", 9)] == [Reason.RESET]
        assert states.all_states(store, "here") == recorded.states
        assert [row.incident for row in outbox.all_waiting(store)] == [1]
        last = rounds.last_round(store)
    assert last is not None
    assert (last.started_at_ms, last.ended_at_ms, last.checks, last.host, last.pid) == (T0, T0 + 90, 1, "web-1", 7)


@pytest.mark.parametrize("table", ["results", "states", "rounds", "incidents", "events", "outbox"])
def test_a_round_that_cannot_be_kept_whole_leaves_nothing(world: World, table: str) -> None:
    with closing(world.open()) as store:
        store.write(f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT raise(ABORT, 'no room left'); END")
    with pytest.raises(StoreError, match="no room left"):
        keep(world, a_round(failed("api")), config(probe(policy=QUICK)))
    assert [world.count(each) for each in ("results", "states", "rounds", "incidents", "events", "outbox")] == [0] * 6


def test_events_are_told_in_the_order_in_which_their_checks_began(world: World) -> None:
    known = config(probe("a", policy=QUICK), probe("b", policy=QUICK))
    recorded = keep(world, a_round(failed("a", T0 + 5), failed("b", T0)), known)
    assert [each.event.probe_id for each in recorded.told if hasattr(each.event, "probe_id")] == ["b", "a"]


def test_a_store_of_other_probes_is_refused(world: World) -> None:
    keep(world, a_round(failed("api")), config())
    with closing(world.open()) as store:
        refuse_foreign(store, config(probe("api"), probe("new")))
        with pytest.raises(ConfigError, match=r"(?s)holds the history of other probes \(api\).*--adopt"):
            refuse_foreign(store, config(probe("other")))


def test_an_empty_store_belongs_to_whoever_comes_first(world: World) -> None:
    with closing(world.open()) as store:
        refuse_foreign(store, config())


async def test_a_removed_probe_closes_what_was_announced_with_an_alert(world: World) -> None:
    world.configure(probe("api"), probe("web"))
    for sign in "xxx":
        await world.run({"web": sign})
    world.configure(probe("api"))
    report = await world.run()
    assert [each.closed_as for each in world.incidents()] == [ClosedAs.REMOVED]
    assert world.mail.subjects() == ["[DOWN P1] web: status 503 (inc 1)", "[REMOVED] web: status 503 (inc 1)"]
    assert "the probe is no longer configured" in world.rows()[-1].facts
    assert (await world.run()).told == []
    assert len(report.told) == 1


async def test_a_removed_probe_that_nobody_knew_was_down_is_closed_in_silence(world: World) -> None:
    world.configure(probe("api"), probe("web"))
    for sign in "xxx":
        await world.run({"web": sign}, is_alerting=False)
    world.configure(probe("api"))
    report = await world.run()
    assert [each.closed_as for each in world.incidents()] == [ClosedAs.REMOVED]
    assert (report.queued, world.mail.tried) == (0, [])


async def test_removed_probes_are_told_in_a_fixed_order(world: World) -> None:
    gone = [probe(f"gone-{n}", policy=QUICK) for n in range(9)]
    world.configure(probe("api"), *gone)
    await world.run({each.id: "x" for each in gone})
    world.configure(probe("api"))
    told = (await world.run()).told
    assert [each.incident for each in told] == sorted(each.incident or 0 for each in told)


async def test_a_probe_that_comes_back_starts_with_no_streak(world: World) -> None:
    world.configure(probe("api"), probe("web"))
    for sign in "xx":
        await world.run({"web": sign})
    world.configure(probe("api"))
    await world.run()
    world.configure(probe("api"), probe("web"))
    assert (await world.run({"web": "x"})).states["web"].failing.count == 1


async def test_a_paused_probe_is_not_a_removed_one(world: World) -> None:
    world.configure(probe("api"), probe("web"))
    for sign in "xxx":
        await world.run({"web": sign})
    world.configure(probe("api"), probe("web", enabled=False))
    await world.run()
    assert [each.closed_as for each in world.incidents()] == [None]


async def test_another_url_ends_pending_streaks_and_keeps_what_is_open(world: World) -> None:
    await world.runs("xx")
    world.configure(probe(identity="2"))
    assert (await world.run("x")).states["api"].failing.count == 1
    await world.runs("xx")
    world.configure(probe(identity="3"))
    assert (await world.run(".")).states["api"].state is State.DOWN


async def test_no_counter_moves_while_we_are_offline(world: World) -> None:
    world.configure(**URLS)
    await world.runs("xx")
    report = await world.run({"api": "!", "connectivity-0": "!"})
    assert (report.states["api"].failing.count, world.incidents()) == (2, [])
    await world.run("x")
    assert [each.checks for each in world.incidents()] == [3]


async def test_a_blackout_is_told_once_after_ten_minutes(world: World) -> None:
    world.configure(**URLS)
    told = []
    for _ in range(15):
        report = await world.run({"api": "!", "connectivity-0": "!"})
        told.append(report.queued)
        await anyio.sleep(60)
    assert told == [0] * 10 + [1] + [0] * 4
    assert world.mail.subjects() == ["[PROBER] blind for 10m"]


async def test_each_blackout_is_told_anew(world: World) -> None:
    world.configure(**URLS)
    for _ in range(2):
        for _ in range(12):
            await world.run({"api": "!", "connectivity-0": "!"})
            await anyio.sleep(60)
        await world.run()
    assert world.mail.subjects() == ["[PROBER] blind for 10m"] * 2


async def test_a_short_blackout_is_not_told(world: World) -> None:
    world.configure(**URLS)
    for _ in range(3):
        await world.run({"api": "!", "connectivity-0": "!"})
        await anyio.sleep(240)
        await world.run()
    assert world.mail.tried == []


async def test_what_waits_for_nobody_any_more_is_closed_and_listed(world: World) -> None:
    world.configure(probe(policy=QUICK), channels=(channel(OPS, CHIEF),))
    world.mail.script = "gg"
    await world.run("x")
    world.configure(channels=(channel(CHIEF),))
    await anyio.sleep(60)
    report = await world.run("x")
    assert [(each.recipient, each.kind) for each in report.closed] == [(OPS, "down")]
    assert [(row.recipient, row.state) for row in world.rows()] == [(OPS, "closed"), (CHIEF, "sent")]
    assert report.undelivered == 0


async def test_a_certificate_is_warned_about_once(world: World) -> None:
    world.configure(probe(expect=Expect(certificate_ms=14 * 24 * 60 * MIN_MS)))
    ends = Certificate(fingerprint="f", not_after_ms=T0 + 13 * 24 * 60 * MIN_MS + 30 * MIN_MS)
    for _ in range(3):
        await world.run(certificate=ends)
    assert world.mail.subjects() == ["[CERT 13d] api: certificate ends 2026-10-04"]
