"""Our role behind UptimeRobot as people meet it: ``prober standby``, and what other commands say of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from prober.adapters.clock import SystemClock
from tests.cli.process import run_process
from tests.cli.test_commands_documented import section, shape
from tests.cli.test_startup import SHOW
from tests.servers.uptimerobot import Account, Monitor, uptimerobot_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.uptimerobot import UptimeRobot

Behind: TypeAlias = Callable[..., "Path"]
Later: TypeAlias = Callable[[], None]

KEY = "ur1234-read-only-secret"
LONELY = '[probe.lonely]\nurl = "http://127.0.0.1:1/"\nfailures = 9\n'


@pytest.fixture
def robot(web: Web) -> Iterator[UptimeRobot]:
    monitor = Monitor(id=7, name="API", url=web.url)
    with uptimerobot_in_thread(Account(now_ms=SystemClock().now_ms, monitors=[monitor], key=KEY)) as running:
        yield running


@pytest.fixture
def behind(configure: Configure, robot: UptimeRobot) -> Behind:
    """Configure one probe that they watch too; a look may follow on another after a second."""

    def write(extra: str = "", **keys: str) -> Path:
        table = f'[standby]\nbehind = "uptimerobot"\napi_key = "{KEY}"\nurl = "{robot.v2}"\nevery = "1s"\n'
        return configure(f"{extra}\n{table}", **{"probe": "failures = 1", **keys})

    return write


@pytest.fixture
def watched(behind: Behind, prober: RunProber) -> Behind:
    """Let a run see that they are watching."""
    behind()
    assert prober("run").code == 0
    return behind


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let the time between two looks pass."""
    true_ms, ahead_ms = SystemClock.now_ms, count(2_000, 2_000)

    def pass_() -> None:
        by_ms = next(ahead_ms)
        monkeypatch.setattr(SystemClock, "now_ms", lambda clock: true_ms(clock) + by_ms)

    return pass_


def said(prober: RunProber, *command: str) -> Any:
    return json.loads(prober(*command, "--json").out)


@pytest.mark.usefixtures("watched")
def test_it_says_who_is_watching_and_what_each_look_saw(prober: RunProber) -> None:
    ran = prober("standby")
    assert (ran.code, ran.err) == (0, "")
    assert re.match(
        r"  standing by behind UptimeRobot since \S+ UTC\n    why         UptimeRobot is watching\n", ran.out
    )
    assert re.search(r"^  api +standby +watched by UptimeRobot$", ran.out, re.MULTILINE)
    assert re.search(r"^  \d\d:\d\d:\d\d UTC  watching +1  1m old  standby  -$", ran.out, re.MULTILINE)


@pytest.mark.usefixtures("watched")
def test_it_asks_nobody(prober: RunProber, robot: UptimeRobot) -> None:
    asked = len(robot.account.requests)
    prober("standby")
    prober("status")
    assert len(robot.account.requests) == asked > 0


def test_json_has_the_documented_shape(watched: Behind, prober: RunProber, robot: UptimeRobot, later: Later) -> None:
    watched(LONELY)
    robot.account.mood = "502"
    later()
    prober("run", "--deadline", "10ms")
    real = said(prober, "standby")
    documented = json.loads(re.findall(r"```json\n(.*?)```", section("prober standby"), re.DOTALL)[0])
    assert shape(real) == shape(documented)
    assert (real["role"], real["behind"], real["pending"]["looks"]) == ("standby", "uptimerobot", 1)
    assert [each["detail"] for each in real["looks"]] == ["status 502, expected 200", None]


@pytest.mark.usefixtures("watched")
def test_only_so_many_looks_are_shown_as_were_asked_for(prober: RunProber, later: Later) -> None:
    later()
    prober("run")
    both, one = said(prober, "standby")["looks"], said(prober, "standby", "--limit", "1")["looks"]
    assert (len(both), one) == (2, both[:1])
    assert prober("standby", "--limit", "0").code == 2


def test_before_the_first_look_it_says_so(behind: Behind, prober: RunProber) -> None:
    behind()
    ran = prober("standby")
    assert (ran.code, "no look yet: alerts are held until" in ran.out) == (0, True)
    assert ran.err.startswith("note: there is no store at ")
    assert said(prober, "standby")["looks"] == []


def test_behind_nobody_it_says_so_and_how_to_change_that(configure: Configure, prober: RunProber) -> None:
    configure()
    ran = prober("standby")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("  we stand behind nobody, and always tell\n")
    assert "add [standby]" in ran.out
    assert (said(prober, "standby")["role"], said(prober, "status")["role"]) == ("active", "active")


@pytest.mark.usefixtures("watched")
def test_an_outage_that_they_watch_is_not_told_and_says_why(prober: RunProber, web: Web) -> None:
    web.break_down()
    held = "UptimeRobot is watching"
    assert f"  api is DOWN (incident 1), not told: {held}\n" in prober("run").out
    assert prober("incidents", "list").out.endswith(f"  held  #1: {held}\n")
    assert f"    held          {held}\n" in prober("incidents", "show", "1").out
    status = prober("status").out
    assert status.splitlines()[1] == "  standing by behind UptimeRobot"
    assert re.search(rf"^  open  #1 api down for \d+ s, held: {held}$", status, re.MULTILINE)
    assert said(prober, "status")["role"] == "standby"


@pytest.mark.usefixtures("watched")
def test_the_run_that_stands_in_says_so_and_so_does_the_status(
    prober: RunProber, robot: UptimeRobot, web: Web, later: Later
) -> None:
    robot.account.mood = "401"
    later()
    assert "  prober: UptimeRobot does not accept our key, so we tell\n" in prober("run").out
    assert re.search(r"^  STANDING IN for UptimeRobot since \S+ UTC$", prober("status").out, re.MULTILINE)
    assert said(prober, "status")["role"] == "standing-in"
    assert said(prober, "standby")["why"] == "rejected"
    assert "rejected: status 401" in prober("standby").out
    web.break_down()
    assert "  api is DOWN (incident 1)\n" in prober("run").out


@pytest.mark.usefixtures("watched")
def test_a_run_that_sees_them_stale_twice_stands_in(prober: RunProber, robot: UptimeRobot, later: Later) -> None:
    robot.account.go_stale()
    later()
    assert "  prober: STANDING IN for UptimeRobot (stale)\n" in prober("run").out
    assert "    why         no fresh sample in 2 looks\n" in prober("standby").out


def test_a_probe_without_a_monitor_is_marked(behind: Behind, prober: RunProber) -> None:
    behind(LONELY)
    prober("run")
    status = prober("status").out
    assert re.search(r"^  lonely +\S+ \w+ \^ ", status, re.MULTILINE)
    assert "  ^ standing in: UptimeRobot does not watch it\n" in status
    assert [each.get("role") for each in said(prober, "status")["probes"]] == [None, "standing-in"]
    assert "no monitor there: never on standby" in prober("standby").out


@pytest.mark.usefixtures("watched")
def test_events_in_json_say_what_was_held(prober: RunProber, web: Web) -> None:
    web.break_down()
    (event,) = said(prober, "run")["events"]
    assert (event["kind"], event["held"]) == ("down_opened", True)


def test_validation_says_how_long_silence_may_last(behind: Behind, prober: RunProber) -> None:
    behind(probe='interval = "5m"')
    line = "behind UptimeRobot: alerts are held while it watches; if it falls silent, we tell after 20m2s at the latest"
    assert f"  {line}\n" in prober("check", "--offline").out


def test_in_a_narrow_terminal_the_validation_is_folded(
    behind: Behind, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind()
    monkeypatch.setenv("COLUMNS", "60")
    _, *lines = prober("check", "--offline").out.splitlines()
    assert max(map(len, lines)) <= 60


def test_the_key_is_masked_in_what_is_in_force(behind: Behind, prober: RunProber) -> None:
    behind()
    out = prober("config", "show").out
    assert 'standby.api_key = "***"' in out
    assert KEY not in out


@pytest.mark.parametrize("command", ["standby", "status", "incidents list"])
@pytest.mark.usefixtures("watched")
def test_to_read_our_role_nothing_is_loaded_that_asks(folder: Path, command: str) -> None:
    ran = run_process(folder, *command.split(), program=(sys.executable, "-c", SHOW))
    assert ran.returncode == 0, ran.stderr
    loaded = set(ran.stderr.splitlines()[-1].split())
    assert loaded & {"httpx", "httpcore", "anyio", "asyncio", "ssl", "jinja2", "regex", "pydantic"} == set()
