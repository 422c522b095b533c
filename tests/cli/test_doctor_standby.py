"""Whom we stand behind, examined: asked once, and told with what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.clock import SystemClock
from tests.cli.test_doctor import found
from tests.servers.uptimerobot import Account, Monitor, uptimerobot_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.uptimerobot import UptimeRobot
    from tests.servers.uptimerobot.account import Mood

KEY = "ur1234-read-only-secret"


@pytest.fixture(autouse=True)
def _no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prober.adapters.host.UNIT_FOLDERS", ())


@pytest.fixture
def robot(web: Web, configure: Configure) -> Iterator[UptimeRobot]:
    """Stand behind an account that watches our only probe."""
    monitor = Monitor(id=7, name="API", url=web.url)
    with uptimerobot_in_thread(Account(now_ms=SystemClock().now_ms, monitors=[monitor], key=KEY)) as running:
        configure(f'[standby]\nbehind = "uptimerobot"\napi_key = "{KEY}"\nurl = "{running.v2}"\n')
        yield running


def test_without_a_table_there_is_nothing_to_look_at(configure: Configure, prober: RunProber) -> None:
    configure()
    assert found(prober("doctor", "--json"), "standby") == []


@pytest.mark.usefixtures("robot")
def test_who_is_watching_is_told_with_the_age_of_the_last_look(prober: RunProber) -> None:
    watching, age = found(prober("doctor", "--json"), "standby")
    assert watching == ("ok", "UptimeRobot is watching: 1 monitor, newest sign of life 1m ago")
    assert age == ("note", "no look yet: until there was one, alerts are held")
    prober("run")
    _, (state, said) = found(prober("doctor", "--json"), "standby")
    assert (state, said.startswith("the last look was ")) == ("ok", True)


@pytest.mark.parametrize(
    ("mood", "state", "said"),
    [
        ("bad key", "wrong", "UptimeRobot refuses us: the API refuses the key"),
        ("401", "wrong", "UptimeRobot refuses us: status 401"),
        ("429", "note", "UptimeRobot asks us to come back in 30s"),
        ("502", "wrong", "UptimeRobot does not answer: status 502, expected 200"),
        ("garbage", "wrong", "UptimeRobot does not answer: the answer is not JSON"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_kept_of_it(
    robot: UptimeRobot, prober: RunProber, folder: Path, mood: Mood, state: str, said: str
) -> None:
    robot.account.mood = mood
    ran = prober("doctor", "--json")
    assert found(ran, "standby")[0] == (state, said)
    assert ran.code == (1 if state == "wrong" else 0)
    assert KEY not in ran.out + ran.err
    assert not (folder / "prober.db").exists()


def test_one_that_never_answers_takes_no_longer_than_the_rest(
    robot: UptimeRobot, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prober.app.doctor.watcher.LOOK_S", 0.2)
    robot.account.mood = "hanging"
    assert found(prober("doctor", "--json"), "standby")[0] == (
        "wrong",
        "UptimeRobot does not answer: no answer within 0.2 s",
    )


def test_stale_samples_are_wrong(robot: UptimeRobot, prober: RunProber) -> None:
    robot.account.go_stale(7_200)
    assert found(prober("doctor", "--json"), "standby")[0] == (
        "wrong",
        "UptimeRobot answers, but is not watching: 1 monitor, newest sign of life 2h ago",
    )


@pytest.mark.usefixtures("robot")
def test_a_damaged_store_is_told_of_once(prober: RunProber, folder: Path) -> None:
    (folder / "prober.db").write_bytes(b"not a database" * 100)
    ran = prober("doctor", "--json")
    assert [state for state, _ in found(ran, "standby")] == ["ok"]
    assert ran.code == 5


def test_two_probers_behind_one_another_are_told_so(configure: Configure, prober: RunProber, web: Web) -> None:
    status: dict[str, Any] = {"schema": 1, "generated_at": "2026-11-20T14:12:41Z", "role": "standby"}
    last = {"at": "2026-11-20T14:12:03Z", "outcome": "ok"}
    web.body = json.dumps({**status, "probes": [{"id": "api", "state": "up", "last_check": last}]}).encode()
    configure(f'[standby]\nbehind = "prober"\nurl = "{web.url}"\n')
    (state, said), _ = found(prober("doctor", "--json"), "standby")
    assert (state, said.partition(":")[0]) == (
        "note",
        "the other prober stands by itself, so it is not watching for us",
    )


@pytest.mark.usefixtures("robot")
def test_the_name_of_the_api_is_looked_up_with_the_others(configure: Configure, prober: RunProber) -> None:
    configure('[standby]\nbehind = "prober"\nurl = "http://localhost:1/status.json"\n')
    assert [state for state, said in found(prober("doctor", "--json"), "names") if "localhost" in said] == ["ok"]
