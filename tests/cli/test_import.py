from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.uptimerobot import UptimeRobot, realistic_account, uptimerobot_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Ran, RunProber

NOW_MS = 1_790_000_000_000
KEY = "ur1234-read-only-secret"


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Iterator[UptimeRobot]:
    monkeypatch.setenv("UPTIMEROBOT_API_KEY", KEY)
    with uptimerobot_in_thread(realistic_account(lambda: NOW_MS)) as running:
        yield running


@pytest.fixture
def imported(prober: RunProber, robot: UptimeRobot) -> Any:
    def run(*arguments: str) -> Ran:
        return prober("import", "uptimerobot", "--url", robot.v2, *arguments)

    return run


def test_an_account_of_60_monitors_takes_one_command_and_little_time(
    folder: Path, imported: Any, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = time.monotonic()
    ran = imported()
    assert time.monotonic() - before < 10
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(
        "  40 probes imported into probes.toml\n\n  not carried over\n    ping: prober asks with HTTP"
    )
    assert ran.out.endswith("\n\n  Next: set these, then prober check\n")
    for name in json.loads(imported("--json", "-o", "other.toml").out)["secrets"]:
        monkeypatch.setenv(name, "placeholder")
    checked = prober("check", "--offline")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.startswith(f"{folder}/probes.toml: valid, 40 probes (3 paused).")


def test_the_key_shows_up_nowhere(folder: Path, imported: Any, robot: UptimeRobot) -> None:
    runs = [imported(), imported("-o", "-"), imported("--dry-run", "--json")]
    assert [ran.code for ran in runs] == [0, 0, 0]
    assert not any(KEY in ran.out + ran.err for ran in runs)
    assert KEY not in (folder / "probes.toml").read_text()
    assert not any(KEY in request.target for request in robot.account.requests)
    assert all(KEY in request.body.decode() + str(request.headers) for request in robot.account.requests)


def test_the_json_says_what_came_over_and_what_did_not(folder: Path, imported: Any) -> None:
    said = json.loads(imported("--json").out)
    probes = tomllib.loads((folder / "probes.toml").read_text())["probe"]
    assert (said["schema"], said["file"], said["text"]) == (1, "probes.toml", None)
    assert said["imported"] == list(probes)
    assert {"name": "Ping 5", "why": "ping: prober asks with HTTP only"} in said["skipped"]
    assert "BEHIND_A_LOGIN_12_PASSWORD" in said["secrets"]
    assert {"id": "new-17", "what": "its timeout of 1m became 48s: it must be below the interval"} in said["notes"]


def test_to_stdout_goes_the_file_and_the_report_beside_it(folder: Path, imported: Any) -> None:
    ran = imported("-o", "-")
    assert list(tomllib.loads(ran.out))[:2] == ["defaults", "probe"]
    assert ran.err.startswith("  40 probes printed, not written to a file\n")
    assert imported("-o", "-", "--dry-run").err == ran.err
    assert not (folder / "probes.toml").exists()


def test_a_dry_run_shows_what_would_be_written_and_writes_nothing(folder: Path, imported: Any) -> None:
    ran = imported("--dry-run")
    assert ran.err.endswith("\n\n  Nothing was written.\n")
    shown = json.loads(imported("--dry-run", "--json").out)
    assert (shown["file"], shown["text"]) == (None, ran.out)
    assert not (folder / "probes.toml").exists()
    imported()
    assert (folder / "probes.toml").read_text() == ran.out


def test_the_named_configuration_is_what_is_added_to(folder: Path, imported: Any) -> None:
    (folder / "mine.toml").write_text('[probe.mine]\nurl = "https://mine.example/"\n')
    assert imported("-c", "mine.toml").out.startswith("  40 probes imported into mine.toml\n")
    assert (folder / "mine.toml").read_text().startswith('[probe.mine]\nurl = "https://mine.example/"\n')
    again = imported("-c", "mine.toml")
    assert (again.code, again.out.partition("\n")[0]) == (0, "  nothing to import into mine.toml")
    assert json.loads(imported("-c", "mine.toml", "--json").out)["file"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--api-key-env", KEY], 2, "--api-key-env takes the name of a variable that holds the key"),
        (["-o", "-", "--json"], 2, "-o - and --json both print to stdout."),
        (["--url", "http://proxy.example/v2/"], 2, "--url: this would send the key in clear text. Write https://..."),
        (["--url", "https://proxy.example/v2/?a=b"], 2, "Leave out what begins with ?"),
        (["--url", "proxy.example"], 2, "is not an http or https URL"),
        (["--api-key-env", "UNSET_KEY"], 3, "UNSET_KEY is not set. Make a read-only key at UptimeRobot"),
        (["-o", "."], 3, "it is a directory"),
        (["-o", "broken.toml"], 3, "broken.toml:1:7: error:"),
        (["--url", "http://127.0.0.1:9/v2"], 1, "UptimeRobot could not be read: "),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    folder: Path, imported: Any, arguments: list[str], code: int, said: str
) -> None:
    (folder / "broken.toml").write_text("[probe")
    ran = imported(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert KEY not in ran.err
    assert "Traceback" not in ran.err
    assert not (folder / "probes.toml").exists()


def test_a_key_that_is_not_accepted_is_called_by_its_variable(
    folder: Path, imported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "u1-wrong")
    ran = imported("--api-key-env", "OTHER_KEY")
    assert ran.code == 3
    assert ran.err.startswith("error: UptimeRobot does not accept the key in OTHER_KEY. Make a read-only key")
    assert "u1-wrong" not in ran.err
    assert not (folder / "probes.toml").exists()


def test_a_slash_at_the_end_of_the_address_is_added(prober: RunProber, robot: UptimeRobot) -> None:
    assert prober("import", "uptimerobot", "--url", robot.v2.removesuffix("/"), "--json").code == 0
    assert {request.path.rpartition("/")[0] for request in robot.account.requests} == {"/v2", "/v3"}


def test_without_version_3_it_goes_on_and_says_so(imported: Any, robot: UptimeRobot) -> None:
    robot.account.moods.extend(["well", "well", "well", "well", "403"])
    assert "API v3 gave nothing (status 403)" in imported().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "UptimeRobot asks to wait 1 s\n"), (["--json"], "UptimeRobot asks to wait 1 s\n"), (["-q"], "")],
)
def test_waiting_is_told_without_a_terminal_too(
    imported: Any, robot: UptimeRobot, arguments: list[str], said: str
) -> None:
    robot.account.moods.append("429")
    robot.account.retry_after = "1"
    ran = imported(*arguments)
    assert (ran.code, ran.err) == (0, said)


@pytest.mark.usefixtures("robot")
def test_how_far_it_is_is_shown_on_a_terminal(folder: Path, robot: UptimeRobot) -> None:
    robot.account.moods.extend(["429"])
    robot.account.retry_after = "1"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "prober", "import", "uptimerobot", "--url", robot.v2]
    ran = subprocess.run(command, cwd=folder, stderr=theirs, stdout=subprocess.PIPE, timeout=30, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "UptimeRobot asks to wait 1 s" in shown
    assert "monitors: 50 of 60" in shown
    assert shown.endswith(f"\r{'':<70}\r")
    assert ran.stdout.startswith(b"  40 probes imported into probes.toml\n")
