"""Both sides over one window, from a real store and UptimeRobot's stand-in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.http import Fetcher
from prober.adapters.store import results, rounds
from prober.adapters.store.rounds import RoundRow
from prober.app.compare import compare
from prober.core.compare import Compared, Comparison, Outage, Pairing, Side
from prober.core.rollup import DAY_MS
from prober.core.uptime import Period
from prober.errors import ConfigError, NoAnswerError
from tests.adapters.store.builders import begin, know
from tests.adapters.store.builders import result as a_result
from tests.app.world import probe
from tests.fakes import MIN_MS, T0
from tests.servers.uptimerobot import Account, Log, Monitor, run_uptimerobot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.adapters.store.db import Store
    from prober.core.model import Probe
    from tests.app.world import World
    from tests.servers.uptimerobot import UptimeRobot

pytestmark = pytest.mark.anyio

NOW_S = T0 // 1000
HOUR_MS = 60 * MIN_MS
KEY = "ur1234-read-only-secret"


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    with closing(world.open()) as store:
        know(store, "api", "www")
        yield store


def checked(store: Store, probe_id: str = "api", *, days: float = 40, location: str = "here") -> None:
    """Store a good check every 5 minutes until now."""
    found = [
        a_result(T0 - n * 5 * MIN_MS, probe_id=probe_id, latency_us=61_000, interval_ms=5 * MIN_MS, location=location)
        for n in range(round(days * 288), 0, -1)
    ]
    with store.transaction():
        results.append_results(store, found)


def down(store: Store, *, hours_ago: float, lasted_min: int | None, uid: str = "u1") -> None:
    at_ms = T0 - round(hours_ago * HOUR_MS)
    number = begin(store, uid, at_ms=at_ms)
    if lasted_min is not None:
        store.write(
            "UPDATE incidents SET ended_at_ms = :end, closed_as = 'recovered' WHERE number = :number",
            {"end": at_ms + lasted_min * MIN_MS, "number": number},
        )


def log(*, hours_ago: float, lasted_min: int | None) -> Log:
    return Log(at_s=NOW_S - round(hours_ago * 3600), duration_s=None if lasted_min is None else lasted_min * 60)


def account(*monitors: Monitor, **more: Any) -> Account:
    return Account(now_ms=lambda: T0, monitors=list(monitors), **more)


def monitor(**more: Any) -> Monitor:
    usual: dict[str, Any] = {"id": 7, "name": "API", "url": "https://api.example/health"}
    return Monitor(**usual | more)


async def ask(
    store: Store, robot: UptimeRobot, probes: Sequence[Probe] = (), *, days: int = 30, location: str = "here"
) -> Comparison:
    async with Fetcher() as fetch:
        return await compare(
            store,
            probes or (probe(),),
            location=location,
            days=days,
            now_ms=T0,
            fetch=fetch,
            url=robot.v2,
            api_key=KEY,
        )


async def compared(store: Store, account: Account, *probes: Probe, **more: Any) -> Comparison:
    async with run_uptimerobot(account) as robot:
        return await ask(store, robot, probes, **more)


async def one(store: Store, monitor: Monitor, **more: Any) -> Compared:
    (found,) = (await compared(store, account(monitor), **more)).probes
    return found


async def test_both_sides_are_measured_over_the_same_window(store: Store) -> None:
    checked(store)
    down(store, hours_ago=10, lasted_min=30)
    found = await compared(store, account(monitor(logs=[log(hours_ago=9.9, lasted_min=24)])))
    assert found.window == Period(from_ms=T0 - 30 * DAY_MS, to_ms=T0)
    (shown,) = found.probes
    assert shown.theirs is not None
    assert (shown.probe_id, shown.monitor, shown.coverage_percent) == ("api", "API", 100)
    assert (shown.ours.downtime_ms, shown.theirs.downtime_ms) == (30 * MIN_MS, 24 * MIN_MS)
    assert shown.ours.uptime_percent == pytest.approx(100 - 100 / 1440)
    assert shown.theirs.uptime_percent == pytest.approx(100 - 100 * 24 / 43_200, abs=0.001)
    assert shown.ours.p50_us == pytest.approx(61_000, rel=0.025)
    assert shown.theirs.p50_us == 120_000
    assert [len(side) for side in (shown.outages.both, shown.outages.only_ours, shown.outages.only_theirs)] == [1, 0, 0]


async def test_an_outage_that_one_side_alone_saw_is_its_own(store: Store) -> None:
    checked(store)
    down(store, hours_ago=10, lasted_min=30)
    shown = await one(store, monitor(logs=[log(hours_ago=5, lasted_min=3)]))
    assert shown.outages.both == ()
    assert shown.outages.only_ours == (
        Outage(started_at_ms=T0 - 10 * HOUR_MS, ended_at_ms=T0 - 10 * HOUR_MS + 30 * MIN_MS),
    )
    assert shown.outages.only_theirs == (
        Outage(started_at_ms=T0 - 5 * HOUR_MS, ended_at_ms=T0 - 5 * HOUR_MS + 3 * MIN_MS),
    )


@pytest.mark.parametrize(("their_interval_s", "is_one"), [(300, False), (900, True)])
async def test_near_is_two_of_the_longer_intervals(store: Store, their_interval_s: int, *, is_one: bool) -> None:
    checked(store)
    down(store, hours_ago=10, lasted_min=60)
    shown = await one(store, monitor(interval_s=their_interval_s, logs=[log(hours_ago=9.6, lasted_min=30)]))
    assert bool(shown.outages.both) is is_one


async def test_what_is_still_down_lasts_until_now_on_both_sides(store: Store) -> None:
    checked(store)
    down(store, hours_ago=1, lasted_min=None)
    shown = await one(store, monitor(status=9, logs=[log(hours_ago=1, lasted_min=None)]))
    still = Outage(started_at_ms=T0 - HOUR_MS)
    assert shown.outages.both == ((still, still),)
    assert shown.theirs is not None
    assert (shown.ours.downtime_ms, shown.theirs.downtime_ms) == (HOUR_MS, HOUR_MS)


async def test_what_began_before_the_window_costs_only_what_reaches_into_it(store: Store) -> None:
    checked(store)
    day_and_a_bit = 24 * 7 + 0.5
    down(store, hours_ago=day_and_a_bit, lasted_min=60)
    shown = await one(store, monitor(logs=[log(hours_ago=day_and_a_bit, lasted_min=60)]), days=7)
    assert shown.theirs is not None
    assert (shown.ours.downtime_ms, shown.theirs.downtime_ms) == (30 * MIN_MS, 30 * MIN_MS)
    assert shown.outages == Pairing()


async def test_a_false_positive_is_none_of_our_outages(store: Store) -> None:
    checked(store)
    down(store, hours_ago=10, lasted_min=30)
    store.write("UPDATE incidents SET false_positive = 1", {})
    shown = await one(store, monitor())
    assert (shown.outages.only_ours, shown.ours.downtime_ms) == ((), 0)


async def test_the_window_begins_with_our_first_check_and_who_came_later_has_less_coverage(store: Store) -> None:
    checked(store, "api", days=4)
    checked(store, "www", days=1)
    www = probe("www", uptimerobot_id=8)
    asked = account(monitor(), monitor(id=8, url="https://else.example/"))
    found = await compared(store, asked, probe(), www)
    assert found.window.from_ms == T0 - 4 * DAY_MS
    assert [shown.coverage_percent for shown in found.probes] == [100, pytest.approx(25)]
    ranges = asked.requests[0].form["custom_uptime_ranges"]
    assert ranges == f"{NOW_S - 4 * 86_400}_{NOW_S}"


async def test_a_probe_without_a_monitor_has_figures_of_ours_alone(store: Store) -> None:
    checked(store, days=1)
    shown = await one(store, monitor(url="https://else.example/"))
    assert (shown.monitor, shown.theirs, shown.ours.uptime_percent) == (None, None, 100)


async def test_a_probe_that_was_never_checked_has_no_data(store: Store) -> None:
    shown = await one(store, monitor(samples=[]))
    assert (shown.ours, shown.coverage_percent) == (Side(), 0)
    assert shown.theirs == Side(uptime_percent=100)


async def test_a_monitor_without_a_name_is_called_by_its_number(store: Store) -> None:
    assert (await one(store, monitor(name=""))).monitor == "7"


async def test_where_this_place_never_checked_the_latencies_are_those_of_the_last_that_did(store: Store) -> None:
    checked(store, days=1, location="there")
    row = RoundRow(location="there", started_at_ms=T0, ended_at_ms=T0, checks=1, is_offline=False, host="web-2", pid=7)
    with store.transaction():
        rounds.record_round(store, row)
    assert (await one(store, monitor(), location="here")).ours.p50_us == pytest.approx(61_000, rel=0.025)


@pytest.mark.parametrize(
    ("mood", "error", "said"),
    [
        ("bad key", ConfigError, "UptimeRobot refuses the key"),
        ("401", ConfigError, "status 401"),
        ("429", NoAnswerError, "Try again in 30 s"),
        ("502", NoAnswerError, "status 502"),
    ],
)
async def test_what_kept_uptimerobot_from_answering_is_told(
    store: Store, mood: Any, error: type[Exception], said: str
) -> None:
    async with run_uptimerobot(account(monitor(), mood=mood)) as robot:
        with pytest.raises(error, match=said) as caught:
            await ask(store, robot)
    assert KEY not in str(caught.value)
