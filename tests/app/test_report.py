"""What `prober status` is told."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.app.report import report_status
from prober.core.model import Outcome
from prober.core.uptime import Period
from tests.app.world import QUICK, World, probe
from tests.fakes import T0, jumping_time

if TYPE_CHECKING:
    from prober.core.report import StatusReport

pytestmark = pytest.mark.anyio
NOW = T0 + 60_000


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def report(world: World, span: Period | None = None) -> StatusReport:
    with closing(world.open()) as store:
        return report_status(store, world.config, world.config.probes, now_ms=NOW, span=span)


def test_before_the_first_run_nothing_is_known(world: World) -> None:
    world.configure(probe("api"), probe("web", enabled=False, name="The web", verify=False))
    shown = report_status(None, world.config, world.config.probes, now_ms=NOW)
    assert (shown.title, shown.location, shown.last_round_at_ms, shown.undelivered_alerts) == ("Acme", "here", None, 0)
    assert [(each.id, each.state, each.verify) for each in shown.probes] == [
        ("api", "unknown", True),
        ("web", "paused", False),
    ]
    assert [window.name for window in shown.probes[0].windows] == ["24h", "7d", "30d", "90d"]
    assert shown.probes[0].windows[0].uptime.uptime_percent is None


async def test_each_probe_is_shown_as_it_is(world: World) -> None:
    world.configure(
        *(probe(each, policy=QUICK, target_percent=99.9) for each in ("api", "web", "db")), probe("old", enabled=False)
    )
    world.mail.script = "pppp"
    await world.run({"web": "x", "db": "s"})
    shown = report(world)
    assert [(each.id, each.state) for each in shown.probes] == [
        ("api", "up"),
        ("web", "down"),
        ("db", "slow"),
        ("old", "paused"),
    ]
    api, web, _, _ = shown.probes
    assert (shown.generated_at_ms, shown.last_round_at_ms, shown.undelivered_alerts) == (NOW, T0 + 1_510, 2)
    assert (api.open_incidents, [each.number for each in web.open_incidents]) == ((), [1])
    assert web.last is not None
    assert (web.last.outcome, web.since_ms, web.target_percent) == (Outcome.FAILED, web.last.at_ms, 99.9)
    assert (api.windows[0].p50_us, len(api.days)) == (100_000, 90)


async def test_a_span_of_ones_own_replaces_the_usual_windows(world: World) -> None:
    await world.run(".")
    (shown,) = report(world, Period(from_ms=T0, to_ms=T0 + 30_000)).probes
    (window,) = shown.windows
    assert (window.name, window.uptime.window_ms, window.uptime.uptime_percent) == ("range", 30_000, 100)


async def test_a_batch_counts_as_the_alerts_that_it_holds(world: World) -> None:
    world.configure(*(probe(f"p{n}", policy=QUICK) for n in range(7)))
    world.mail.script = "pp"
    await world.run("x")
    assert report(world).undelivered_alerts == 7


async def test_where_nobody_checks_the_last_location_that_did_is_shown(world: World) -> None:
    world.configure(location="runner-1")
    await world.run("x")
    world.configure(location="laptop")
    (shown,) = report(world).probes
    assert shown.last is not None
    assert shown.last.location == "runner-1"


def test_a_store_without_a_round_shows_that_nothing_is_known(world: World) -> None:
    (shown,) = report(world).probes
    assert (shown.state, shown.last) == ("unknown", None)
