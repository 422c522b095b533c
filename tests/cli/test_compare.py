"""``prober compare`` as a user meets it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from prober.adapters.clock import SystemClock
from tests.cli.test_commands_documented import section, shape
from tests.servers.uptimerobot import Account, Log, Monitor, uptimerobot_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.uptimerobot import UptimeRobot

now_ms = SystemClock().now_ms
KEY = "ur1234-read-only-secret"


@pytest.fixture
def robot(web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[UptimeRobot]:
    monkeypatch.delenv("UPTIMEROBOT_API_KEY", raising=False)
    logs = [Log(at_s=now_ms() // 1000 - 1)]
    monitor = Monitor(id=7, name="API", url=web.url, status=9, logs=logs)
    with uptimerobot_in_thread(Account(now_ms=now_ms, monitors=[monitor], key=KEY)) as running:
        yield running


def behind(robot: UptimeRobot) -> str:
    return f'[standby]\nbehind = "uptimerobot"\napi_key = "{KEY}"\nurl = "{robot.v2}"'


def test_both_sides_stand_in_one_line(configure: Configure, prober: RunProber, robot: UptimeRobot) -> None:
    configure()
    prober("run")
    configure(behind(robot))
    ran = prober("compare")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^  api +100 +\S+ +0s +\ds +0 +0 +0 +\S+ +- +100 %$", ran.out, re.MULTILINE)


def test_json_has_the_documented_shape(configure: Configure, prober: RunProber, robot: UptimeRobot, web: Web) -> None:
    configure(probe="failures = 1")
    web.break_down()
    robot.account.monitors[0].logs.append(Log(at_s=now_ms() // 1000 - 3600, duration_s=60))
    prober("run")
    configure(behind(robot), probe="failures = 1")
    documented = json.loads(re.findall(r"```json\n(.*?)```", section("prober compare"), re.DOTALL)[0])
    real = json.loads(prober("compare", "--json").out)
    documented["probes"][0]["incidents"]["only_ours"] = []
    assert shape(real) == shape(documented)
    assert real["probes"][0]["incidents"]["both"][0]["theirs"]["ended_at"] is None


def test_a_probe_without_a_monitor_is_named(configure: Configure, prober: RunProber, robot: UptimeRobot) -> None:
    other = f'[probe.other]\nurl = "{robot.v3}"\nexpect.status = "401"\n'
    configure(other)
    prober("run")
    configure(other + behind(robot))
    assert "no monitor   other: neither" in prober("compare").out
    assert "no monitor" not in prober("compare", "api").out


def test_waiting_is_told_and_done(configure: Configure, prober: RunProber, robot: UptimeRobot) -> None:
    configure()
    prober("run")
    configure(behind(robot))
    robot.account.moods.append("429")
    robot.account.retry_after = "1"
    ran = prober("compare")
    assert (ran.code, ran.err) == (0, "UptimeRobot asks us to wait 1 s ...\n")


@pytest.mark.parametrize(
    ("extra", "advice"),
    [
        ("", "Set UPTIMEROBOT_API_KEY to a read-only key of the account, or write [standby]: see "),
        (
            '[standby]\nbehind = "prober"\nurl = "http://127.0.0.1:9/status.json"',
            "[standby] is behind another prober: set UPTIMEROBOT_API_KEY to a read-only key of the account.",
        ),
    ],
)
def test_without_a_key_the_way_to_one_is_shown(
    configure: Configure, prober: RunProber, robot: UptimeRobot, extra: str, advice: str
) -> None:
    configure(extra)
    ran = prober("compare")
    assert (ran.code, robot.account.requests) == (3, [])
    assert f"compare needs UptimeRobot, and there is no key of it. {advice}" in ran.err


@pytest.mark.parametrize("extra", ["", '[standby]\nbehind = "prober"\nurl = "http://127.0.0.1:9/status.json"'])
def test_the_environments_key_goes_to_the_real_address(
    configure: Configure, prober: RunProber, robot: UptimeRobot, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    configure()
    prober("run")
    configure(extra)
    monkeypatch.setenv("UPTIMEROBOT_API_KEY", KEY)
    ran = prober("compare")
    assert (ran.code, robot.account.requests) == (1, [])
    assert "name not found: api.uptimerobot.com" in ran.err


def test_a_refused_key_is_a_matter_of_configuration(
    configure: Configure, prober: RunProber, robot: UptimeRobot
) -> None:
    configure()
    prober("run")
    configure(behind(robot))
    robot.account.mood = "bad key"
    ran = prober("compare")
    assert (ran.code, "UptimeRobot refuses the key" in ran.err) == (3, True)


def test_before_the_first_check_there_is_nothing_to_compare(
    configure: Configure, prober: RunProber, robot: UptimeRobot
) -> None:
    configure(behind(robot))
    ran = prober("compare")
    assert (ran.code, robot.account.requests) == (1, [])
    assert ran.err.endswith('error: there is nothing of ours to compare yet. Start with "prober run".\n')


@pytest.mark.parametrize("days", ["0", "91", "many"])
def test_days_are_between_one_and_ninety(configure: Configure, prober: RunProber, days: str) -> None:
    configure()
    assert prober("compare", "--days", days).code == 2


def test_the_key_is_sent_in_bodies_alone_and_said_nowhere(
    configure: Configure, prober: RunProber, robot: UptimeRobot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    prober("run")
    monkeypatch.setenv("UPTIMEROBOT_API_KEY", KEY)
    configure(behind(robot).replace(KEY, "${UPTIMEROBOT_API_KEY}"))
    robot.account.moods.extend(["well", "bad key", "garbage", "refuses", "401", "502"])
    for arguments in (["-v"], *[["-v", "--json"]] * 5):
        ran = prober("compare", *arguments)
        assert KEY not in ran.out + ran.err
    requests = robot.account.requests
    assert [request.form["api_key"] for request in requests] == [KEY] * 6
    assert not [each for each in requests if KEY in each.target + "".join(each.headers.values())]
    assert not [file for file in folder.iterdir() if file.is_file() and KEY.encode() in file.read_bytes()]
