from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web


def test_before_the_first_run_there_are_no_checks_yet(configure: Configure, prober: RunProber, folder: Path) -> None:
    configure()
    ran = prober("status")
    assert (ran.code, ran.out) == (0, "no checks yet\n")
    assert ran.err == f'note: there is no store at {folder / "prober.db"} yet. "prober run" makes it.\n'
    assert prober("status", "-q").err == ""
    assert list(folder.glob("prober.db*")) == []


def test_the_json_before_the_first_run_has_the_same_shape(configure: Configure, prober: RunProber) -> None:
    configure()
    before = json.loads(prober("status", "--json").out)
    prober("run")
    after = json.loads(prober("status", "--json").out)
    assert before.keys() == after.keys()
    assert before["probes"][0].keys() == after["probes"][0].keys()
    assert (before["last_round_at"], before["probes"][0]["state"]) == (None, "unknown")


def test_json_is_as_promised(configure: Configure, prober: RunProber) -> None:
    configure(probe='name = "API"\ntarget = 99.9', top='location = "web-1"')
    prober("run")
    shown = json.loads(prober("status", "--json").out)
    assert (shown["schema"], shown["role"], shown["location"], shown["undelivered_alerts"]) == (1, "active", "web-1", 0)
    (probe,) = shown["probes"]
    assert (probe["id"], probe["name"], probe["state"], probe["target_percent"]) == ("api", "API", "up", 99.9)
    assert probe["last_check"].keys() == {"at", "outcome", "reason", "detail", "status", "latency_ms"}
    assert (probe["last_check"]["outcome"], probe["last_check"]["status"]) == ("ok", 200)
    assert list(probe["windows"]) == ["24h", "7d", "30d", "90d"]
    assert probe["windows"]["24h"]["checks"] == {"total": 1, "ok": 1, "slow": 0, "failed": 0, "unknown": 0}
    assert probe["windows"]["24h"]["latency_ms"].keys() == {"p50", "p95", "p99"}
    times = [shown["generated_at"], shown["last_round_at"], probe["since"], probe["last_check"]["at"]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time) for time in times)


def test_the_table_shows_state_and_figures(configure: Configure, prober: RunProber) -> None:
    configure(f'[probe.off]\nurl = "{configure.web.url}"\nenabled = false', top='title = "Acme"')
    prober("run")
    lines = prober("status").out.splitlines()
    assert lines[0].startswith("  Acme ")
    assert "last round" in lines[0]
    assert [line.split()[:3] for line in lines[3:5]] == [["api", "+", "up"], ["off", "-", "paused"]]


def test_a_window_of_ones_own_replaces_the_usual(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    for arguments in (["--since", "1d"], ["--since", "2020-01-01", "--until", "2099-01-01"]):
        (probe,) = json.loads(prober("status", "--json", *arguments).out)["probes"]
        assert probe["windows"]["range"]["checks"]["total"] == 1
    shown = prober("status", "--since", "2020-01-01", "--until", "2020-01-03").out
    assert "  range 2020-01-01 00:00:00 UTC to 2020-01-03 00:00:00 UTC\n" in shown
    (probe,) = json.loads(prober("status", "--json", "--until", "2020-01-02").out)["probes"]
    assert probe["windows"]["range"]["checks"]["total"] == 0
    assert probe["windows"]["range"]["uptime_percent"] is None


def test_ids_and_tags_choose_what_is_shown(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(f'[probe.two]\nurl = "{web.url}"\ntags = ["prod"]')
    for arguments in (["two"], ["--tag", "prod"]):
        shown = json.loads(prober("status", "--json", *arguments).out)
        assert [probe["id"] for probe in shown["probes"]] == ["two"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["apj"], 'Did you mean "api"?'),
        (["--tag", "prod"], 'no tag "prod"'),
        (["--since", "3x"], '--since: "3x" is neither a time'),
        (["--until", "yesterday"], '--until: "yesterday" is neither a time'),
        (["--since", "1d", "--until", "2d"], "--since must be before --until"),
        (["--since", "2099-01-01"], "--since must be before --until, and in the past"),
        (["--fail-on", "up"], "'up' is not one of 'never', 'down', 'slow'"),
    ],
)
def test_what_makes_no_sense_exits_with_2(
    configure: Configure, prober: RunProber, arguments: list[str], said: str
) -> None:
    configure()
    ran = prober("status", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("is_down", "is_slow", "fail_on", "code"),
    [
        (True, False, "never", 0),
        (True, False, "down", 1),
        (True, False, "slow", 1),
        (False, True, "down", 0),
        (False, True, "slow", 1),
        (False, False, "slow", 0),
    ],
)
def test_fail_on_makes_a_state_the_exit_code(
    configure: Configure, prober: RunProber, web: Web, is_down: bool, is_slow: bool, fail_on: str, code: int
) -> None:
    configure(probe=f'failures = 1\nslow_checks = 1\nslow = "{"100ms" if is_slow else "1m"}"')
    web.delay_s = 0.15 if is_slow else 0
    if is_down:
        web.break_down()
    assert prober("run", "--fail-on", fail_on).code == code
    assert prober("status", "--fail-on", fail_on).code == code


def test_reading_needs_no_lock_and_changes_nothing(configure: Configure, prober: RunProber, folder: Path) -> None:
    configure()
    prober("run")
    before = (folder / "prober.db").read_bytes()
    for command in (["status"], ["incidents", "list"], ["alerts", "list"]):
        assert prober(*command).code == 0
    assert (folder / "prober.db").read_bytes() == before


def test_no_column_is_broken_by_a_narrow_terminal(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    assert "90 DAYS" in prober("status").out  # no terminal: nothing is left out


def test_while_something_stands_in_for_the_store_the_status_says_so(
    configure: Configure, prober: RunProber, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    configure()
    prober("run")
    with closing(sqlite3.connect(folder / "prober.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert prober("run").code == 5
    (notice,) = json.loads(prober("status", "--json").out)["notices"]
    assert (notice["name"], "the store cannot be written" in notice["text"]) == ("store", True)
    assert "the store cannot be written" in prober("status").out
    prober("run")
    assert json.loads(prober("status", "--json").out)["notices"] == []
