"""The fallback examined: its workflow beside the configuration, and what its runs left on their branch."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_doctor import found

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber

BRANCH = "prober-state"
WORKFLOW = Path(__file__).parents[2] / ".github" / "workflows" / "ping.yml"
PASSED_ON = ("ok", ".github/workflows/ping.yml passes on every variable that the configuration asks for")


@pytest.fixture(autouse=True)
def _no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prober.adapters.host.UNIT_FOLDERS", ())


@pytest.fixture
def remote(folder: Path, configure: Configure) -> Path:
    """Return an empty remote of a repository that has a configuration and the workflow."""
    configure()
    remote = folder / "remote.git"
    git("init", "--quiet", "--bare", str(remote))
    git("init", "--quiet", str(folder))
    git("-C", str(folder), "remote", "add", "origin", str(remote))
    place = folder / ".github" / "workflows" / "ping.yml"
    place.parent.mkdir(parents=True)
    place.write_text(WORKFLOW.read_text())
    return remote


@pytest.fixture
def ran_once(remote: Path, prober: RunProber, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROBER_STATE_KEY", "key-of-the-state")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = prober("actions", "run", "--remote", str(remote))
    assert ran.code == 0, ran.err
    monkeypatch.delenv("GITHUB_ACTIONS")
    return remote


def git(*arguments: str) -> None:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@acme.example", "-c", "safe.directory=*")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def put(remote: Path, folder: Path, **files: str) -> None:
    """Replace the branch by another one."""
    clone = folder / "clone"
    git("clone", "--quiet", "--branch", BRANCH, str(remote), str(clone))
    for name, content in files.items():
        (clone / name.replace("_", ".")).write_text(content)
    git("-C", str(clone), "commit", "--quiet", "--all", "--message=Other")
    git("-C", str(clone), "push", "--quiet", "origin", BRANCH)


@pytest.mark.usefixtures("ran_once")
def test_a_fallback_at_work_is_told_with_age_and_cadence(prober: RunProber) -> None:
    passed_on, last, cadence = found(prober("doctor", "--json"), "fallback")
    assert passed_on == PASSED_ON
    assert last[0] == "ok"
    assert last[1].startswith("its last run began ")
    assert cadence == ("ok", "1 run so far, on less than a day")


@pytest.mark.usefixtures("remote")
def test_a_fallback_that_never_ran_is_a_note(prober: RunProber) -> None:
    assert found(prober("doctor", "--json"), "fallback") == [
        PASSED_ON,
        ("note", "origin has no branch prober-state: it never ran to its end"),
    ]


@pytest.mark.usefixtures("remote")
def test_a_remote_that_is_not_there_is_a_note(prober: RunProber, folder: Path) -> None:
    git("-C", str(folder), "remote", "set-url", "origin", str(folder / "nowhere.git"))
    _, (state, message) = found(prober("doctor", "--json"), "fallback")
    assert state == "note"
    assert message.startswith("the branch prober-state could not be looked at: ")
    git("-C", str(folder), "remote", "remove", "origin")
    _, (state, message) = found(prober("doctor", "--json"), "fallback")
    assert state == "note"
    assert "origin" in message


def test_a_secret_that_the_workflow_does_not_pass_on_is_wrong(
    remote: Path, prober: RunProber, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remote.exists()
    monkeypatch.setenv("OTHER", "one")
    configure(probe='headers = { A = "${OTHER}", B = "${DEFAULTED:-two}", C = "${API_TOKEN}" }')
    monkeypatch.setenv("API_TOKEN", "three")
    ran = prober("doctor", "--json")
    assert ran.code == 1
    assert found(ran, "fallback")[0] == (
        "wrong",
        ".github/workflows/ping.yml does not pass on OTHER: its runs fail",
    )


@pytest.mark.parametrize("content", ["no database", ""])
def test_a_state_that_cannot_be_read_is_a_note(ran_once: Path, prober: RunProber, folder: Path, content: str) -> None:
    put(ran_once, folder, prober_db=content)
    _, (state, message) = found(prober("doctor", "--json"), "fallback")
    assert state == "note"
    assert message.startswith(("the branch prober-state could not be looked at: ", "its branch knows of no run"))


@pytest.mark.parametrize(
    ("status", "said"),
    [("{", "its last run began"), ("[]", "its last run began"), ('{"location": "x"}', "its branch knows of no run")],
)
def test_the_runs_are_those_of_the_place_that_the_branch_tells_of(
    ran_once: Path, prober: RunProber, folder: Path, status: str, said: str
) -> None:
    put(ran_once, folder, status_json=status)
    assert found(prober("doctor", "--json"), "fallback")[1][1].startswith(said)


def test_a_workflow_for_something_else_is_left_alone(remote: Path, prober: RunProber, folder: Path) -> None:
    assert remote.exists()
    place = folder / ".github" / "workflows" / "ping.yml"
    place.write_text(WORKFLOW.read_text().replace("prober actions run", "prober -c other.toml actions run"))
    assert found(prober("doctor", "--json"), "fallback") == []
    place.write_text("run: make")
    assert found(prober("doctor", "--json"), "fallback") == []
    place.unlink()
    assert found(prober("doctor", "--json"), "fallback") == []


def test_outside_of_a_repository_there_is_no_fallback(configure: Configure, prober: RunProber, folder: Path) -> None:
    configure()
    (folder / ".git").rmdir()
    assert found(prober("doctor", "--json", "--config", str(folder / "probes.toml")), "fallback") == []


def test_without_a_configuration_there_is_no_fallback(prober: RunProber) -> None:
    assert found(prober("doctor", "--json"), "fallback") == []
