"""Maintenance as people meet it on the command line."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from prober.adapters.clock import SystemClock

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web

DOWN = "failures = 1"


def window(begins_in_min: int = -60, duration: str = "2h") -> str:
    now = datetime.fromtimestamp(SystemClock().now_ms() // 1000, tz=UTC)
    start = (now + timedelta(minutes=begins_in_min)).isoformat()
    return f'[[maintenance]]\nprobes = ["api"]\nstart = {start}\nduration = "{duration}"\nreason = "Weekly deploy"\n'


def test_status_says_that_a_probe_is_in_maintenance_until_when_and_why(configure: Configure, prober: RunProber) -> None:
    configure(window())
    prober("run")
    out = prober("status").out
    assert "  api          ~ maintenance " in out
    assert re.search(r"^  note  api: in maintenance until \d\d:\d\d:\d\d UTC, Weekly deploy$", out, re.MULTILINE)
    (probe,) = json.loads(prober("status", "--json").out)["probes"]
    assert (probe["state"], probe["maintenance"]["reason"]) == ("maintenance", "Weekly deploy")
    assert probe["since"] < probe["last_check"]["at"] < probe["maintenance"]["until"]


def test_a_probe_that_is_down_in_maintenance_fails_nothing(configure: Configure, prober: RunProber, web: Web) -> None:
    web.break_down()
    configure(window(), probe=DOWN)
    assert prober("run", "--fail-on", "down").code == 0
    assert prober("status", "--fail-on", "slow").code == 0
    configure(probe=DOWN)
    assert prober("run", "--fail-on", "down").code == 1
    assert prober("status", "--fail-on", "slow").code == 1


def test_an_incident_that_began_in_maintenance_says_so(configure: Configure, prober: RunProber, web: Web) -> None:
    web.break_down()
    configure(window(), probe=DOWN)
    prober("run")
    prober("run")
    configure(probe=DOWN)
    prober("run")
    assert "x open, in maintenance" in prober("incidents", "list").out
    assert "    maintenance   Weekly deploy\n" in prober("incidents", "show", "1").out
    (listed,) = json.loads(prober("incidents", "list", "--json").out)["incidents"]
    assert listed["in_maintenance"] is True
    assert json.loads(prober("incidents", "ack", "1", "--json").out)["incident"]["in_maintenance"] is True


def test_the_validation_lists_the_next_time_of_each_window(configure: Configure, prober: RunProber) -> None:
    configure(f'[[maintenance]]\ncron = "0 4 29 2 *"\nduration = "1h"\n{window(-600)}')
    lines = [line for line in prober("check", "--offline").out.splitlines() if "maintenance" in line]
    assert re.fullmatch(r"  maintenance of all probes: from \d{4}-02-29 04:00:00 UTC until \S+ 05:00:00 UTC", lines[0])
    assert lines[1:] == ["  maintenance of api: none is to come, Weekly deploy"]


@pytest.mark.parametrize("command", ["check --offline", "run", "status", "serve"])
def test_a_window_that_makes_no_sense_exits_with_3(configure: Configure, prober: RunProber, command: str) -> None:
    configure('[[maintenance]]\nprobes = ["apj"]\ncron = "0 4 * * 2"\nduration = "1h"')
    ran = prober(*command.split())
    assert ran.code == 3
    assert 'probes.toml:6:11: error: there is no probe "apj"' in ran.err
    assert 'did you mean "api"?' in ran.err
