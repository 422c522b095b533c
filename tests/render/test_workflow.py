"""The workflow as it is printed, what a security linter says of it, and its last resort, executed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Final

import pytest
from typer.main import get_command

from prober.cli.actions import Mode
from prober.cli.main import app
from prober.render.workflow import Source, Wishes, workflow
from tests.cli.web import Web, web_server
from tests.test_workflows import faults, scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
USUAL: Final = Wishes(cron="3-58/5 * * * *", branch="prober-state", deadline_ms=50 * 60_000)
SOURCE: Final = Source(repository="acme/prober", commit="0123456789abcdef0123456789abcdef01234567")
SECRETS: Final = ("API_TOKEN", "PROBER_STATE_KEY", "SMTP_PASSWORD", "SMTP_USERNAME")
OWN: Final = workflow(USUAL, config="probes.toml", secrets=SECRETS, source=None)
OTHER: Final = workflow(
    Wishes(cron="*/30 8-17 * * 1-5", branch="watch/state", deadline_ms=90_000),
    config="watch/probes.toml",
    secrets=("PROBER_STATE_KEY",),
    source=SOURCE,
)
BOTH: Final = pytest.mark.parametrize("text", [OWN, OTHER], ids=["own", "other"])


def test_the_file_of_this_repository_is_what_is_printed_for_it() -> None:
    assert (ROOT / ".github/workflows/ping.yml").read_text() == OWN


@BOTH
def test_it_is_whole_pinned_and_without_power(text: str) -> None:
    assert list(faults(text)) == []
    assert not re.search(r"@\w+@", text)
    assert max(map(len, text.splitlines())) <= 120


@BOTH
def test_a_security_linter_finds_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / ".github/workflows/ping.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert audited(path) == 0
    path.write_text(text.replace("    environment:", "    x-environment:"))
    assert audited(path) != 0


def audited(path: Path) -> int:
    linter = Path(sys.executable).with_name("zizmor")
    command = [str(linter), "--quiet", "--offline", "--persona", "auditor", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_another_repository_gets_prober_at_one_commit() -> None:
    assert f"repository: {SOURCE.repository}\n          ref: {SOURCE.commit}\n          path: .prober\n" in OTHER
    assert "-r .prober/requirements/runtime.txt -r .prober/requirements/build.txt" in OTHER
    assert "--no-deps ./.prober/\n" in OTHER
    assert ".prober/" not in OWN


def test_what_is_asked_for_stands_where_it_belongs() -> None:
    assert '    - cron: "*/30 8-17 * * 1-5" # ' in OTHER
    assert "    timeout-minutes: 12\n" in OTHER
    assert 'exec prober -c watch/probes.toml actions run --mode "$PROBER_MODE" --branch watch/state ' in OTHER
    assert "--deadline 1m30s\n" in OTHER
    assert "keeps its history on the branch watch/state." in OTHER
    assert "' watch/probes.toml\n" in OTHER


@pytest.mark.parametrize(("deadline_ms", "timeout_min"), [(60_000, 11), (60_001, 12), (3_000_000, 60)])
def test_the_job_may_last_ten_minutes_longer_than_its_checks(deadline_ms: int, timeout_min: int) -> None:
    wishes = Wishes(cron=USUAL.cron, branch=USUAL.branch, deadline_ms=deadline_ms)
    text = workflow(wishes, config="probes.toml", secrets=(), source=None)
    assert f"timeout-minutes: {timeout_min}\n" in text


def test_secrets_reach_one_step_by_its_environment_alone() -> None:
    step = OWN.partition("        id: watch\n")[2].partition("      - name:")[0]
    assert tuple(re.findall(r"^ {10}(\w+): \$\{\{ secrets\.\1 \}\}$", step, re.MULTILINE)) == SECRETS
    assert OWN.count("secrets.") == len(SECRETS)
    assert OWN.count("github.token") == step.count("GITHUB_TOKEN: ${{ github.token }}\n") == 1


def test_the_command_that_it_runs_exists() -> None:
    (call,) = re.findall(r"run: exec prober (.*)", OWN)
    command: Any = get_command(app)
    for word in call.partition(" --")[0].split():
        command = command.commands[word]
    known = {name for param in command.params for name in param.opts}
    assert set(re.findall(r"--[a-z]+", call)) <= known
    (modes,) = re.findall(r"options: \[(.*)\]", OWN)
    assert modes.split(", ") == list(Mode)


SCRIPT: Final = dedent(list(scripts(OWN))[-1].partition("run: |\n")[2])


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with web_server() as running:
        running.heal()
        yield running


class LastResort:
    """The last step, executed in a folder as GitHub does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary = folder / "summary.md"

    def run(self, probes: str | None, *, curl: str = "curl") -> list[list[str]]:
        """Return the words of each answer that the summary shows."""
        if probes is not None:
            (self.folder / "probes.toml").write_text(probes)
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SCRIPT.replace("curl", curl, 1)],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "GITHUB_STEP_SUMMARY": str(self.summary)},
            capture_output=True,
            text=True,
            check=False,
        )
        said = self.summary.read_text()
        assert ran.returncode == 1
        assert ran.stdout.startswith("::error title=prober could not be installed::")
        assert ran.stdout.endswith(said)
        return [line.split() for line in said.partition("```\n")[2].partition("```")[0].splitlines()]


@pytest.fixture
def last_resort(tmp_path: Path) -> LastResort:
    return LastResort(tmp_path)


@pytest.mark.parametrize("status", ["200", "302", "503"])
def test_the_last_resort_says_what_answers_and_fails(last_resort: LastResort, web: Web, status: str) -> None:
    web.break_down(int(status))
    web.headers["Location"] = f"{web.url}/elsewhere"
    web.requests.clear()
    answers = last_resort.run(f'[probe.a]\nurl = "{web.url}"\n[probe.b]\nurl = "http://127.0.0.1:1/"\n')
    assert sorted(answer[:2] for answer in answers) == [["000", "http://127.0.0.1:1/"], [status, web.url]]
    assert len(web.requests) == 1


@pytest.mark.parametrize("probes", [None, "", "[probe.a"])
def test_without_anything_to_ask_it_fails_all_the_same(last_resort: LastResort, probes: str | None) -> None:
    assert last_resort.run(probes) == []


@pytest.mark.parametrize(
    ("probes", "found"),
    [
        ('[probe.a]\nurl = "U/1"', ["U/1"]),
        ("[ probe . a ]\n  url='U/1'   # home", ["U/1"]),
        ('probe.a.url = "U/1"\nprobe.b.url = "U/2"', ["U/1", "U/2"]),
        ('[probe.a]\nurl = "U/1"\n[probe.b]\nurl = "U/2"\nname = "B"', ["U/1", "U/2"]),
        ('[probe.a]\nurl = "U/1?a=$$b"', ["U/1?a=$b"]),
        ('[probe.a]\nurl = "U/${PATH}"', []),
        ('[probe.a]\nurl = "U/1"\nheaders = { X-Key = "${KEY}" }', ["U/1"]),
        ('[probe.a]\nheaders = { X-Key = "${KEY}" }\nurl = "U/1"\n[probe.b]\nurl = "U/2"', ["U/1", "U/2"]),
        ('[probe.a]\nurl = "U/1"\n# headers = { X-Key = "${KEY}" }', ["U/1"]),
        ('[probe.a]\nurl = "U/1"\nenabled = false', []),
        ('[probe.a]\nurl = "U/1"\nenabled = true', ["U/1"]),
        ('[probe.a]\nurl = "U/1"\nmethod = "POST"', []),
        ('[probe.a]\nurl = "U/1"\nmethod = "GET"', ["U/1"]),
        ('[probe.a]\n# url = "U/1"', []),
        ('[heartbeat]\nurl = "U/alive"', []),
        ('[connectivity]\nurls = ["U/204"]', []),
        ('[defaults]\nurl = "U/1"', []),
        ('[probe.a]\nurl = "U/1"\n[heartbeat]\nurl = "U/alive"', ["U/1"]),
        ('[probe.a]\nurl = "file:///etc/passwd"\n[probe.b]\nurl = "-o/tmp/x"', []),
        ('[probe.a]\nurl = "U/{a,b}[1-3]"', ["U/{a,b}[1-3]"]),
        ('[probe.a]\nurl = "U/$(touch hacked);`touch hacked`"', ["U/$(touch hacked);`touch hacked`"]),
    ],
)
def test_the_last_resort_asks_what_has_no_secret_in_its_url(
    last_resort: LastResort, probes: str, found: list[str]
) -> None:
    echo = last_resort.folder / "echo-last"
    echo.write_text('#!/bin/sh\nfor last; do :; done\nprintf "%s\\n" "$last"\n')
    echo.chmod(0o755)
    asked = last_resort.run(probes.replace("U/", "http://acme.example/"), curl=str(echo))
    assert sorted(" ".join(each) for each in asked) == [each.replace("U/", "http://acme.example/") for each in found]
    assert not (last_resort.folder / "hacked").exists()
