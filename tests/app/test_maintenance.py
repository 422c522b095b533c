"""Maintenance as it is lived through: recorded from check to check, and taken out of the figures for good."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store import incidents
from prober.adapters.store.db import open_store
from prober.app.history import Histories
from prober.app.keeping import keep_house
from prober.app.maintenance import all_maintenance, begun_in_maintenance, planned_now
from prober.app.record import record
from prober.app.report import report_status
from prober.app.round import Round
from prober.core.model import Outcome, Policy, Reason, Result
from prober.core.report import PlannedNow
from prober.core.rollup import DAY_MS, HOUR_MS
from prober.core.settings import Config, Maintenance
from prober.core.uptime import Period
from tests.app.world import HERE, QUICK, World, config, probe
from tests.fakes import MIN_MS, T0, jumping_time

if TYPE_CHECKING:
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.core.uptime import Span

pytestmark = pytest.mark.anyio
DAY: Final = T0 - T0 % DAY_MS


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def window(begin: int, minutes: int, **fields: Any) -> Maintenance:
    return Maintenance(start_ms=DAY + begin * MIN_MS, duration_ms=minutes * MIN_MS, **fields)


def check(store: Store, known: Config, minute: float, sign: str = ".", probe_id: str = "api") -> None:
    at_ms = DAY + round(minute * MIN_MS)
    fields: dict[str, Any] = {"outcome": Outcome.OK, "latency_us": 1000}
    if sign == "x":
        fields = {"outcome": Outcome.FAILED, "reason": Reason.RESET}
    result = Result(probe_id=probe_id, location=known.location, at_ms=at_ms, **fields)
    seen = Round(started_at_ms=at_ms, ended_at_ms=at_ms + 1, results=(result,), is_reachable=None)
    record(seen, store=store, config=known, place=HERE, covers_all=False, is_alerting=True)


def stretches(store: Store) -> list[tuple[object, ...]]:
    rows = store.rows("SELECT probe, from_ms, to_ms, reason FROM maintenance ORDER BY probe, from_ms")
    return [(row[0], (row[1] - DAY) / MIN_MS, (row[2] - DAY) / MIN_MS, row[3]) for row in rows]


def test_what_passed_of_a_window_is_recorded_at_each_check(world: World) -> None:
    known = config(maintenance=(window(12, 30, reason="Deploy"),))
    with closing(world.open()) as store:
        for minute, expected in ((10, []), (15, [("api", 12, 15, "Deploy")]), (20, [("api", 12, 20, "Deploy")])):
            check(store, known, minute)
            assert stretches(store) == expected
        for minute in (40, 45, 50):
            check(store, known, minute)
        assert stretches(store) == [("api", 12, 42, "Deploy")]


def test_a_window_that_is_deleted_while_it_lasts_ends_with_the_last_check_in_it(world: World) -> None:
    with closing(world.open()) as store:
        for minute in (10, 15, 20):
            check(store, config(maintenance=(window(12, 30),)), minute)
        for minute in (25, 30):
            check(store, config(), minute)
        assert stretches(store) == [("api", 12, 20, None)]


def test_only_who_is_meant_is_in_maintenance(world: World) -> None:
    known = config(probe("api"), probe("web"), maintenance=(window(12, 30, probe_ids=("web",)),))
    with closing(world.open()) as store:
        for probe_id in ("api", "web"):
            check(store, known, 10, probe_id=probe_id)
            check(store, known, 15, probe_id=probe_id)
        assert stretches(store) == [("web", 12, 15, None)]


def test_a_secret_in_a_reason_is_not_recorded(world: World) -> None:
    known = config(maintenance=(window(12, 30, reason="Move to hidden-host"),), secrets=("hidden-host",))
    with closing(world.open()) as store:
        for minute in (10, 15):
            check(store, known, minute)
        assert stretches(store) == [("api", 12, 15, "Move to ***")]


def test_without_windows_nothing_is_written(world: World) -> None:
    with closing(world.open()) as store:
        store.write("CREATE TRIGGER no BEFORE INSERT ON maintenance BEGIN SELECT raise(ABORT, 'written'); END")
        asked: list[str] = []
        store.connection.set_trace_callback(asked.append)
        for minute in (10, 15):
            check(store, config(), minute)
        assert not [each for each in asked if "maintenance" in each.lower()]


def test_a_clock_that_was_set_back_records_nothing(world: World) -> None:
    known = config(maintenance=(window(0, 60),))
    with closing(world.open()) as store:
        for minute in (20, 10):
            check(store, known, minute)
        assert stretches(store) == []


def uptime(store: Store, known: Config, period: Span, now_ms: int) -> tuple[int, int, int]:
    planned = all_maintenance(store, known, ["api"], since_ms=period[0], now_ms=now_ms)
    history = Histories(store, ["api"], planned, since_ms=period[0], now_ms=now_ms).of("api")
    found = history.uptime(Period(from_ms=period[0], to_ms=period[1]))
    return found.window_ms, found.observed_ms, found.downtime_ms


def test_the_figures_stay_when_the_window_is_deleted(world: World) -> None:
    known = config(probe(policy=QUICK), maintenance=(window(12, 30),))
    with closing(world.open()) as store:
        for minute in range(0, 60, 5):
            check(store, known, minute, "x" if 10 <= minute < 45 else ".")
        now_ms = DAY + 60 * MIN_MS
        # Down from 10 to 45, of which 12 to 42 was planned.
        figures = (30 * MIN_MS, 30 * MIN_MS, 5 * MIN_MS)
        assert uptime(store, known, (DAY, now_ms), now_ms) == figures
        assert uptime(store, replace(known, maintenance=()), (DAY, now_ms), now_ms) == figures


def test_since_the_last_check_the_configuration_is_asked(world: World) -> None:
    known = config(maintenance=(window(3, 2),))
    with closing(world.open()) as store:
        check(store, known, 0)
        now_ms = DAY + 6 * MIN_MS
        assert uptime(store, known, (DAY, now_ms), now_ms)[0] == 4 * MIN_MS
        assert uptime(store, replace(known, maintenance=()), (DAY, now_ms), now_ms)[0] == 6 * MIN_MS


def test_a_window_counts_from_when_it_is_configured(world: World) -> None:
    late = config(maintenance=(window(0, 60),))
    with closing(world.open()) as store:
        for minute in (0, 5, 10):
            check(store, config(), minute)
        now_ms = DAY + 15 * MIN_MS
        assert uptime(store, late, (DAY, now_ms), now_ms)[0] == 10 * MIN_MS


WINDOWS = st.lists(st.builds(window, begin=st.integers(0, 300), minutes=st.integers(1, 90)), max_size=3).map(tuple)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    checks=st.lists(st.tuples(st.integers(1, 12), st.sampled_from("...xx"), st.booleans()), min_size=1, max_size=40),
    configured=st.tuples(WINDOWS, WINDOWS),
    bounds=st.tuples(st.integers(0, 400), st.integers(0, 400)).map(sorted),
    after=st.integers(0, 20),
)
def test_the_figures_are_those_of_counting_every_minute(
    tmp_path_factory: pytest.TempPathFactory,
    checks: list[tuple[int, str, bool]],
    configured: tuple[tuple[Maintenance, ...], tuple[Maintenance, ...]],
    bounds: list[int],
    after: int,
) -> None:
    """Each check is made under one of two configurations; the time before it was what that says."""
    path: Path = tmp_path_factory.mktemp("store") / "prober.db"
    rules = probe(policy=Policy(failures=1, recoveries=1))
    minute, made = 0, []
    with closing(open_store(path, now_ms=0)) as store:
        store.write("PRAGMA synchronous = OFF")
        for gap, sign, which in checks:
            minute += gap
            check(store, config(rules, maintenance=configured[which]), minute, sign)
            made.append((minute, sign, configured[which]))
        now = minute + after
        known = config(rules, maintenance=configured[0])
        begin, end = (DAY + each * MIN_MS for each in bounds)
        expected = by_the_minute([*made, (now, "", configured[0])], *bounds)
        assert uptime(store, known, (begin, end), DAY + now * MIN_MS) == expected
        # Once more, from rollups alone.
        while keep_house(store, keep_ms=HOUR_MS, now_ms=DAY + now * MIN_MS + 30 * DAY_MS, is_sure=True):
            pass
        assert uptime(store, known, (begin, end), DAY + now * MIN_MS) == expected


def by_the_minute(made: list[tuple[int, str, tuple[Maintenance, ...]]], begin: int, end: int) -> tuple[int, int, int]:
    halves: list[tuple[bool, bool]] = []
    for (start, sign, _), (stop, _, windows) in pairwise(made):
        for half in range(max(start, begin) * 2, min(stop, end) * 2):
            at_ms = DAY + half * MIN_MS // 2
            if any(each.start_ms <= at_ms < each.start_ms + each.duration_ms for each in windows if each.start_ms):
                continue
            is_seen = half < start * 2 + 15
            halves.append((is_seen, is_seen and sign == "x"))
    length = MIN_MS // 2
    return len(halves) * length, sum(seen for seen, _ in halves) * length, sum(down for _, down in halves) * length


async def test_status_says_until_when_and_why(world: World) -> None:
    await world.run("x")
    now_ms = T0 + 10 * MIN_MS
    planned = Maintenance(start_ms=T0 + 5 * MIN_MS, duration_ms=HOUR_MS, reason="Deploy")
    world.configure(probe("api"), probe("old", enabled=False), maintenance=(planned,))
    with closing(world.open()) as store:
        shown, old = report_status(store, world.config, world.config.probes, now_ms=now_ms).probes
        assert (shown.state, shown.since_ms, old.state, old.maintenance) == (
            "maintenance",
            planned.start_ms,
            "paused",
            None,
        )
        assert shown.maintenance == PlannedNow(since_ms=planned.start_ms, until_ms=T0 + 65 * MIN_MS, reason="Deploy")
        later = report_status(store, world.config, world.config.probes, now_ms=T0 + 65 * MIN_MS)
    assert (later.probes[0].state, later.probes[0].maintenance) == ("unknown", None)
    (unseen, _) = report_status(None, world.config, world.config.probes, now_ms=now_ms).probes
    assert (unseen.state, unseen.since_ms) == ("maintenance", planned.start_ms)


def test_maintenance_that_never_ends_has_no_bounds() -> None:
    always = Maintenance(cron="0 * * * *", duration_ms=2 * HOUR_MS)
    assert planned_now(config(maintenance=(always,)), probe(), T0) == PlannedNow(since_ms=None, until_ms=None)


def test_an_incident_is_in_maintenance_when_it_began_in_it(world: World) -> None:
    rules = probe(policy=QUICK)
    known = config(rules, maintenance=(window(12, 30),))
    with closing(world.open()) as store:
        for minute, sign in ((0, "."), (10, "x"), (15, "."), (20, "x"), (25, "."), (45, "x")):
            check(store, known, minute, sign)
        listed = incidents.all_incidents(store)
        assert [each.number for each in listed] == [3, 2, 1]
        for now in (known, replace(known, maintenance=())):
            assert begun_in_maintenance(store, now, listed, now_ms=DAY + 50 * MIN_MS) == {2}
        assert begun_in_maintenance(store, known, [], now_ms=T0) == set()


async def test_what_an_alert_says_of_uptime_and_budget_leaves_maintenance_out(world: World) -> None:
    planned = Maintenance(start_ms=T0 + 10 * MIN_MS, duration_ms=HOUR_MS)
    world.configure(probe(policy=QUICK, target_percent=99.9), maintenance=(planned,))
    for sign in "x" * 20 + ".":
        await world.run(sign)
        await anyio.sleep(5 * 60)
    facts = json.loads(world.rows()[-1].facts)
    day = next(each for each in facts["figures"] if each["window"] == "24h")
    assert day["uptime_percent"] == pytest.approx(0, abs=0.1)
    spent_ms, budget_ms = 100 * MIN_MS - HOUR_MS, 30 * DAY_MS / 1000
    assert facts["budget_used_percent"] == pytest.approx(100 * spent_ms / budget_ms, rel=0.01)
