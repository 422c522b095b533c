"""``prober init --with``: what runs prober is put in place beside its configuration, or nothing is written."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Obstruct, RunProber

RECORD = {
    "url": "https://github.com/acme/prober",
    "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef0123456789abcdef01234567"},
}
NOTHING = "Nothing was written; without --with, probes.toml is.\n"
START = "Next: systemctl daemon-reload && systemctl enable --now prober.service\n"


class Installed:
    def read_text(self, _name: str) -> str:
        return json.dumps(RECORD)


@pytest.fixture
def _from_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have prober installed from a commit on GitHub."""
    monkeypatch.setattr("prober.app.workflow.distribution", lambda _name: Installed())


@pytest.fixture(autouse=True)
def _reachable(obstruct: Obstruct) -> None:
    obstruct([])


@pytest.fixture
def workflow(folder: Path) -> Path:
    """Return the place of the workflow."""
    return folder / ".github/workflows/ping.yml"


def left(folder: Path) -> list[str]:
    """Return what is in the folder, without what was there before."""
    return sorted(each.name for each in folder.iterdir() if each.name not in {".git", "runtime"})


@pytest.mark.usefixtures("_from_github")
@pytest.mark.parametrize("where", ["", "watch"])
def test_the_workflow_is_the_one_that_setup_would_write(
    prober: RunProber, folder: Path, workflow: Path, where: str
) -> None:
    ran = prober("init", *filter(None, [where]), "--url", "https://acme.example/${API_KEY}", "--with", "actions")
    assert (ran.code, ran.out) == (0, "")
    path = folder / where / "probes.toml"
    assert workflow.read_text() == prober("-c", str(path), "setup", "actions").out
    assert "          API_KEY: ${{ secrets.API_KEY }}\n" in workflow.read_text()
    assert ran.err.startswith("wrote ")
    assert (
        f"\nwrote {workflow}\nNext: set those of these secrets that you use: API_KEY, API_TOKEN, PROBER_STATE_KEY, "
        in ran.err
    )
    assert ran.err.endswith("gh workflow run ping.yml -f mode=drill\n")


def test_the_unit_is_the_one_that_setup_would_write(prober: RunProber, folder: Path, units: Path) -> None:
    (folder / ".git").rmdir()
    ran = prober("init", "etc/prober", "--with", "systemd")
    wrote = "wrote etc/prober/probes.toml. Try it: prober -c etc/prober/probes.toml check\n"
    assert (ran.code, ran.err) == (0, f"{wrote}wrote {units}/prober.service\n{START}")
    assert f"--config {folder}/etc/prober/probes.toml serve" in (units / "prober.service").read_text()
    assert (units / "prober.service").read_text() == prober("-c", "etc/prober/probes.toml", "setup", "systemd").out


@pytest.mark.usefixtures("units")
def test_what_a_unit_reads_is_for_all_to_read(prober: RunProber, folder: Path) -> None:
    (folder / "watch").mkdir(mode=0o755)
    (folder / "watch/probes.toml").touch(mode=0o600)
    assert prober("init", "watch", "--with", "systemd", "--force").code == 0
    assert stat.S_IMODE((folder / "watch/probes.toml").stat().st_mode) == 0o644


@pytest.mark.usefixtures("_from_github")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--with", "actions,systemd"],
        ["--with", "systemd, actions,"],
        ["--with", "systemd", "--with", "actions", "--with", "actions,systemd"],
    ],
)
def test_several_are_named_with_commas_or_one_by_one(
    prober: RunProber, workflow: Path, units: Path, arguments: list[str]
) -> None:
    ran = prober("init", *arguments)
    assert ran.code == 0
    assert f"\nwrote {workflow}\nwrote {units}/prober.service\nNext: set those" in ran.err
    assert ran.err.endswith(START)


@pytest.mark.parametrize("value", ["cron", "actions,cron", "Actions"])
def test_an_unknown_one_is_refused_with_those_that_there_are(prober: RunProber, folder: Path, value: str) -> None:
    ran = prober("init", "--with", value)
    unknown = value.rpartition(",")[2]
    assert (ran.code, ran.err) == (2, f'error: --with: there is no "{unknown}". There are: actions, systemd.\n')
    assert left(folder) == []


@pytest.mark.parametrize("arguments", [[], ["--with", ""]])
def test_without_any_nothing_else_is_written(prober: RunProber, folder: Path, arguments: list[str]) -> None:
    assert prober("init", *arguments).code == 0
    assert left(folder) == ["probes.toml"]


@pytest.mark.usefixtures("_from_github")
def test_a_workflow_that_differs_is_reported_before_anything_is_written(
    prober: RunProber, folder: Path, workflow: Path, units: Path
) -> None:
    workflow.parent.mkdir(parents=True)
    workflow.write_text("mine")
    refused = prober("init", "--with", "actions,systemd")
    why = f"{workflow} exists and is not what would be written. Replace it with --force."
    assert (refused.code, refused.err) == (2, f"error: --with actions: {why}\n{NOTHING}")
    assert (left(folder), workflow.read_text()) == ([".github"], "mine")
    assert prober("init", "--with", "actions,systemd", "--force").code == 0
    assert workflow.read_text().startswith("# ")
    assert left(units) == ["prober.service"]


@pytest.mark.usefixtures("_from_github")
def test_so_are_a_unit_that_differs_and_a_configuration(
    prober: RunProber, folder: Path, workflow: Path, units: Path
) -> None:
    units.mkdir(parents=True)
    (units / "prober.service").write_text("mine")
    assert "--with systemd: " in prober("init", "--with", "actions,systemd").err
    assert left(folder) == ["etc"]
    (units / "prober.service").unlink()
    (folder / "probes.toml").write_text("mine")
    ran = prober("init", "--with", "actions,systemd")
    assert (ran.code, ran.err) == (2, "error: probes.toml exists. Edit it, or replace it with --force.\n")
    assert (left(folder), left(units)) == (["etc", "probes.toml"], [])
    assert (folder / "probes.toml").read_text() == "mine"
    assert not workflow.exists()


@pytest.mark.usefixtures("_from_github", "units")
def test_what_is_in_place_already_is_left_and_said(prober: RunProber, folder: Path) -> None:
    prober("init", "--with", "actions,systemd")
    (folder / "probes.toml").unlink()
    ran = prober("init", "--with", "actions,systemd")
    assert ran.code == 0
    assert "\nThe workflow was in place already.\nThe unit was in place already.\nNext: set those" in ran.err


@pytest.mark.usefixtures("units")
def test_what_cannot_be_done_is_said_with_advice_and_leaves_nothing(
    prober: RunProber, folder: Path, obstruct: Obstruct, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = prober("init", "--with", "actions")  # not installed from GitHub
    assert (ran.code, ran.err.endswith(NOTHING)) == (2, True)
    assert "Say so: prober setup actions --source OWNER/REPO@COMMIT" in ran.err
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda _path, mode: not mode & os.W_OK)  # root may write anywhere
        ran = prober("init", "--with", "systemd")
    assert ran.code == 2
    assert ran.err.startswith(f"error: --with systemd: {folder}: Permission denied. Run it as root (sudo); ")
    obstruct(["/x lies below /home, which the service does not see."])
    ran = prober("init", "--with", "systemd")
    assert (ran.code, ran.err) == (
        2,
        f"error: --with systemd: /x lies below /home, which the service does not see.\n{NOTHING}",
    )
    (folder / ".git").rmdir()
    ran = prober("init", "new", "--with", "actions")
    assert (ran.code, f"{folder}/new/probes.toml is in no git repository" in ran.err) == (2, True)
    assert left(folder) == []
