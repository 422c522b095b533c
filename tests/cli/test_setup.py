"""``prober setup``, as its users meet it."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Obstruct, RunProber

DEPLOY = Path(__file__).parents[2] / "deploy"
HIDDEN = "/x/prober lies below /x, which the service does not see. Install prober into /opt/prober."


@pytest.fixture(autouse=True)
def _reachable(obstruct: Obstruct) -> None:
    obstruct([])


def usual(name: str) -> str:
    """Return a file of deploy/ as it is for the installation that runs the tests."""
    return (DEPLOY / name).read_text().replace("/opt/prober/bin", sysconfig.get_path("scripts"))


def test_the_unit_of_this_installation_is_printed(prober: RunProber) -> None:
    ran = prober("setup", "systemd")
    assert (ran.code, ran.out, ran.err) == (0, usual("prober.service"), "")


def test_so_is_the_pair_of_the_timer(prober: RunProber) -> None:
    ran = prober("setup", "systemd", "--timer")
    assert ran.out == usual("prober-run.service") + "\n" + usual("prober-run.timer")


@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_configuration_is_the_systems_unless_one_is_named(
    prober: RunProber, folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    (folder / "probes.toml").touch()
    assert "--config /etc/prober/probes.toml serve" in prober("setup", "systemd").out
    if how == "environment":
        monkeypatch.setenv("PROBER_CONFIG", "probes.toml")
    ran = prober("setup", "systemd", *(["-c", "probes.toml"] if how == "option" else []))
    assert f"--config {folder}/probes.toml serve" in ran.out


def test_what_the_service_cannot_reach_is_said_beside_the_unit(prober: RunProber, obstruct: Obstruct) -> None:
    obstruct([HIDDEN])
    ran = prober("-q", "setup", "systemd")
    assert (ran.code, ran.out, ran.err) == (0, usual("prober.service"), f"note: {HIDDEN}\n")


def test_a_unit_that_could_not_start_is_not_put_in_place(prober: RunProber, obstruct: Obstruct) -> None:
    obstruct([HIDDEN])
    ran = prober("setup", "systemd", "--write")
    assert (ran.code, ran.out, ran.err) == (2, "", f"error: {HIDDEN}\n")


def test_units_are_written_into_an_image(prober: RunProber, folder: Path, obstruct: Obstruct) -> None:
    obstruct([HIDDEN])
    ran = prober("setup", "systemd", "--timer", "--write", "--root", "image")
    assert (ran.code, ran.out) == (0, "")
    for name in ("prober-run.service", "prober-run.timer"):
        assert (folder / "image/etc/systemd/system" / name).read_text() == usual(name)
        assert f"wrote image/etc/systemd/system/{name}\n" in ran.err
    assert ran.err.endswith("In the image: systemctl enable prober-run.timer\n")
    assert "wrote" not in prober("setup", "systemd", "--timer", "--write", "--root", "image").err


def test_a_unit_that_differs_is_replaced_with_force(prober: RunProber, folder: Path) -> None:
    write = ("setup", "systemd", "--write", "--root", "image")
    prober(*write)
    unit = folder / "image/etc/systemd/system/prober.service"
    unit.write_text("mine")
    refused = prober(*write)
    assert (refused.code, unit.read_text()) == (2, "mine")
    assert "prober.service exists" in refused.err
    assert prober(*write, "--force").code == 0
    assert unit.read_text() == usual("prober.service")


def test_what_comes_next_is_said(prober: RunProber, folder: Path, units: Path) -> None:
    start = "Next: systemctl daemon-reload && systemctl enable --now prober.service\n"
    ran = prober("-c", "watch/probes.toml", "setup", "systemd", "--write")
    missing = f"There is no {folder}/watch/probes.toml yet: prober init {folder}/watch\n"
    assert ran.err == f"wrote {units}/prober.service\n{missing}{start}"
    (folder / "watch").mkdir()
    (folder / "watch/probes.toml").touch()
    ran = prober("-c", "watch/probes.toml", "setup", "systemd", "--write")
    assert ran.err == f"The unit was in place already.\n{start}"


@pytest.mark.parametrize("option", [["--force"], ["--root", "image"]])
def test_how_to_write_without_writing_makes_no_sense(prober: RunProber, option: list[str]) -> None:
    ran = prober("setup", "systemd", *option)
    assert ran.code == 2
    assert "Add --write" in ran.err


def test_a_path_that_cannot_stand_in_a_unit_is_refused(prober: RunProber, folder: Path) -> None:
    ran = prober("setup", "systemd", "-c", "my probes.toml")
    assert ran.code == 2
    assert ran.err.startswith(f"error: {folder}/my probes.toml cannot stand in a unit.")


def test_only_what_works_is_offered(prober: RunProber) -> None:
    listed = prober("setup", "--help").out.partition("Commands:\n")[2]
    assert [line.split()[0] for line in listed.splitlines()] == ["systemd", "actions"]


SOURCE = "acme/prober@0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def watched(folder: Path) -> Path:
    """Return the place of the workflow in a repository that has a configuration."""
    (folder / "probes.toml").write_text('[probe.api]\nurl = "${API_URL}"\n')
    return folder / ".github/workflows/ping.yml"


def test_the_workflow_is_printed_with_the_secrets_that_the_configuration_names(
    prober: RunProber, watched: Path
) -> None:
    ran = prober("setup", "actions", "--source", SOURCE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("exit 1\n")
    assert "          API_URL: ${{ secrets.API_URL }}\n          PROBER_STATE_KEY: " in ran.out
    assert not watched.exists()


@pytest.mark.usefixtures("watched")
def test_when_where_and_how_long_are_asked_for(prober: RunProber) -> None:
    wishes = ("--cron", "7-52/15 * * * *", "--branch", "state", "--deadline", "20m")
    text = prober("setup", "actions", "--source", SOURCE, *wishes).out
    assert '    - cron: "7-52/15 * * * *" # ' in text
    assert "    timeout-minutes: 30\n" in text
    assert "--branch state --deadline 20m\n" in text


def test_the_workflow_is_put_in_place_and_what_github_needs_is_said(prober: RunProber, watched: Path) -> None:
    write = ("setup", "actions", "--source", SOURCE, "--write")
    ran = prober(*write)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith(f"wrote {watched}\nNext: set those of these secrets that you use: API_URL, PROBER_STATE")
    assert watched.read_text() == prober(*write[:-1]).out
    assert prober(*write).err.startswith("The workflow was in place already.\nNext: ")
    watched.write_text("mine")
    refused = prober(*write)
    assert (refused.code, watched.read_text()) == (2, "mine")
    assert "--force" in refused.err
    assert prober(*write, "--force").code == 0
    assert watched.read_text() == prober(*write[:-1]).out


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--force", "--source", SOURCE], "Add --write."),
        (["--source", "acme/prober@v1"], "all 40 digits"),
        (["--source", SOURCE, "--cron", "hourly"], 'Write "3-58/5 * * * *".'),
        (["--source", SOURCE, "--branch", "-x"], "Use letters, digits"),
        (["--source", SOURCE, "--deadline", "6h"], "Write 1m to 5h50m."),
        (["--source", SOURCE, "--deadline", "50"], "--deadline"),
        ([], "Say so: prober setup actions --source"),
    ],
)
def test_what_makes_no_sense_is_refused_with_advice(prober: RunProber, arguments: list[str], advice: str) -> None:
    ran = prober("setup", "actions", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert advice in ran.err


def test_a_configuration_that_is_not_toml_is_refused(prober: RunProber, folder: Path) -> None:
    (folder / "probes.toml").write_text("[probe.a")
    ran = prober("setup", "actions", "--source", SOURCE)
    assert (ran.code, ran.out) == (3, "")


def test_without_a_configuration_there_is_nothing_to_watch(prober: RunProber) -> None:
    ran = prober("setup", "actions", "--source", SOURCE)
    assert ran.code in {2, 3}  # another configuration of this machine is in no repository
    assert "probes.toml" in ran.err
