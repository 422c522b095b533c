"""What an alert says: enough to act on, and no secret."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio
import pytest

from prober.adapters.store import results
from prober.core.alerts import AlertFacts
from prober.core.expect import Expect
from prober.core.model import Policy
from prober.core.rollup import DAY_MS
from tests.adapters.store.builders import know
from tests.adapters.store.builders import result as a_result
from tests.app.world import QUICK, World, probe
from tests.fakes import ANSWERS, MIN_MS, T0, jumping_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def facts(world: World) -> list[AlertFacts]:
    return [AlertFacts.from_json(row.facts) for row in world.rows()]


async def test_a_down_says_what_was_seen_and_what_was_before(world: World) -> None:
    world.configure(
        probe(name="API", runbook="https://wiki.example/api", dashboard="https://dash.example", verify=False)
    )
    for sign in "..xxx":
        await world.run(sign)
        await anyio.sleep(300)
    (down,) = facts(world)
    assert (down.probe_name, down.url, down.incident) == ("API", "https://api.example/health", 1)
    assert [line.outcome for line in down.checks_before] == ["ok", "ok", "failed", "failed", "failed"]
    assert [b.at_ms - a.at_ms > 299_000 for a, b in zip(down.checks_before, down.checks_before[1:], strict=False)]
    assert (down.detail, down.excerpt) == ("status 503, expected 2xx", "out of order")
    assert (down.last_good_at_ms, down.latency_before_us) == (down.checks_before[1].at_ms, 100_000)
    assert (down.started_at_ms, down.confirmed_at_ms) == (down.checks_before[2].at_ms, down.checks_before[4].at_ms)
    assert down.rule == "3 failed checks in a row open an incident (failures = 3)"
    assert (down.runbook, down.dashboard, down.verify) == ("https://wiki.example/api", "https://dash.example", False)
    assert (down.origin, down.location) == ("web-1.acme.example", "here")
    assert down.percentiles[0].p50_us == 100_000
    assert down.figures[0].uptime_percent is not None


async def test_a_recovery_says_what_the_outage_cost(world: World) -> None:
    world.configure(probe(target_percent=99.9))
    for sign in "xxx.x..":
        await world.run(sign)
        await anyio.sleep(300)
    up = facts(world)[-1]
    assert (up.failed_checks, up.checks) == (4, 3)
    assert up.ended_at_ms is not None
    assert up.started_at_ms is not None
    assert up.budget_used_percent == pytest.approx(100 * (up.ended_at_ms - up.started_at_ms) / (30 * DAY_MS * 0.001))
    assert up.excerpt is None
    assert up.rule == "2 good checks in a row close an incident (recoveries = 2)"


async def test_a_slow_alert_compares_with_today_and_a_week_ago(world: World) -> None:
    with closing(world.open()) as store:
        know(store, "api")
        with store.transaction():
            results.append_results(
                store, [a_result(T0 - 7 * DAY_MS - n * MIN_MS, latency_us=50_000) for n in range(1, 9)]
            )
    await world.runs("sss")
    (slow,) = facts(world)
    assert [(each.window, each.p50_us) for each in slow.percentiles] == [
        ("24h", 1_500_000),
        ("today", 1_500_000),
        ("7 days ago", 50_000),
    ]
    assert (slow.slow_ms, slow.latency_now_us, slow.latency_before_us) == (1000, 1_500_000, 50_000)
    assert slow.rule == "3 checks in a row above 1s open an incident (slow_checks = 3)"


@pytest.mark.parametrize(("slow_ms", "limit"), [(1000, "1s"), (None, "no limit")])
async def test_the_end_of_slowness_names_its_rule(world: World, slow_ms: int | None, limit: str) -> None:
    await world.runs("sss")
    world.configure(probe(policy=Policy(slow_ms=slow_ms)))
    await world.runs("..")
    assert facts(world)[-1].rule == f"2 checks in a row at or below 80 % of {limit} close an incident (recoveries = 2)"


async def test_secrets_reach_no_alert_and_no_byte_of_the_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "s3cr3t/t0ken+hidden"
    monkeypatch.setitem(ANSWERS, "x", replace(ANSWERS["x"], body=f"you sent {secret}, {quote(secret, '')}".encode()))
    world.configure(
        probe(
            url=f"https://api.example/{secret}/health?key={secret}",
            headers=(("Authorization", f"Bearer {secret}"),),
            auth=("probe", secret),
            body=secret,
            policy=QUICK,
            expect=Expect(status=(), not_contains=secret),
        ),
        secrets=(secret,),
    )
    world.mail.script = "g"
    await world.runs("xx")
    with closing(world.open()):
        everything = b"".join(_bytes_of(world.path))
        await world.run("x")
        everything += b"".join(_bytes_of(world.path))
    assert b"/***/health" in everything
    assert b"you sent ***, ***" in everything
    for form in (secret, "s3cr3t%2Ft0ken%2Bhidden", "t0ken", "czNjcjN0"):
        assert form.encode() not in everything
        assert all(form.encode() not in mail for _, mail in world.mail.tried)
    assert facts(world)[0].url == "https://api.example/***/health"


def _bytes_of(path: Path) -> Iterator[bytes]:
    for each in sorted(path.parent.glob(f"{path.name}*")):
        yield each.read_bytes()


async def test_a_single_check_is_no_row(world: World) -> None:
    world.configure(probe(policy=Policy(failures=1)))
    await world.run("x")
    assert facts(world)[-1].rule == "1 failed check opens an incident (failures = 1)"
