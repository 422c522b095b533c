"""The units, and what systemd itself says of them: no tighter than the program can bear, no looser than we promise."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from prober.render.units import SERVICE, TIMER, units

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
USUAL: Final = units(SERVICE + TIMER, program="/opt/prober/bin/prober", config="/etc/prober/probes.toml")
SERVICES: Final = [name for name in USUAL if name.endswith(".service")]
MOST_EXPOSED: Final = 1.5


def entries(unit: str, section: str) -> list[tuple[str, str]]:
    """Return what stands in a section, in order; a key may come more than once."""
    body = re.split(r"^\[(\w+)\]\n", unit, flags=re.MULTILINE)
    lines = body[body.index(section) + 1].splitlines()
    return [(key, value) for key, _, value in (line.partition("=") for line in lines if line and line[0] != "#")]


def sandbox(unit: str) -> list[tuple[str, str]]:
    found = entries(unit, "Service")
    return found[found.index(("DynamicUser", "yes")) :]


@pytest.mark.parametrize("name", USUAL)
def test_the_files_in_deploy_are_what_is_printed_for_the_usual_place(name: str) -> None:
    assert (DEPLOY / name).read_text() == USUAL[name]


@pytest.mark.parametrize("name", USUAL)
def test_nothing_is_left_to_fill_in_and_every_line_is_short_enough_to_read(name: str) -> None:
    assert not re.search(r"@\w+@", USUAL[name])
    assert max(map(len, USUAL[name].splitlines())) <= 120


def test_the_program_and_the_configuration_are_filled_in() -> None:
    made = units(SERVICE + TIMER, program="/srv/our-prober", config="/srv/watch/probes.toml")
    started = [dict(entries(made[name], "Service"))["ExecStart"] for name in SERVICES]
    assert started == [
        "/srv/our-prober --config /srv/watch/probes.toml serve",
        "/srv/our-prober --config /srv/watch/probes.toml --quiet run",
    ]


@pytest.mark.parametrize("path", ["prober", "./prober", "/a b", "/a%h", "/a$B", '/a"b', "/a\\b", "/a\nb", "/a;b", "/ä"])
def test_a_path_that_would_mean_something_else_in_a_unit_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=re.escape(path)):
        units(SERVICE, program=path, config="/etc/prober/probes.toml")
    with pytest.raises(ValueError, match=re.escape(path)):
        units(SERVICE, program="/opt/prober/bin/prober", config=path)


def test_the_service_and_the_run_share_sandbox_and_state() -> None:
    service, run = (sandbox(USUAL[name]) for name in SERVICES)
    assert service == run
    assert ("StateDirectory", "prober") in service
    assert ("LoadCredential", "prober:/etc/prober/credentials") in service


def test_the_service_comes_back_from_everything_but_an_invalid_configuration() -> None:
    service = dict(entries(USUAL["prober.service"], "Service"))
    expected = {"Type": "notify", "Restart": "always", "RestartPreventExitStatus": "2 3", "WatchdogSec": "3min"}
    assert service.items() >= expected.items()
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert int(service["TimeoutStopSec"]) > 10  # what prober itself takes at most
    assert ("StartLimitIntervalSec", "0") in entries(USUAL["prober.service"], "Unit")


def test_a_run_fails_when_an_alert_or_the_store_does_and_not_when_we_are_offline() -> None:
    assert dict(entries(USUAL["prober-run.service"], "Service"))["SuccessExitStatus"] == "6"
    assert dict(entries(USUAL["prober-run.timer"], "Timer"))["Persistent"] == "yes"


def analyzed(folder: Path, verb: str, texts: Mapping[str, str], *options: str) -> str:
    """Return all that systemd-analyze says of units; a program that is everywhere stands for ours."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for name, text in texts.items():
        (folder / name).write_text(text.replace("/opt/prober/bin/prober", "/bin/sh"))
    command = ["systemd-analyze", verb, "--no-pager", *options, *(str(folder / name) for name in texts)]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=30)
    return told.stdout


def exposure(folder: Path, unit: str) -> float:
    told = analyzed(folder, "security", {"prober.service": unit}, "--offline=true")
    found = re.search(r"exposure level for prober\.service: ([\d.]+)", told)
    assert found, told
    return float(found[1])


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_exposed(tmp_path: Path, name: str) -> None:
    assert exposure(tmp_path, USUAL[name]) <= MOST_EXPOSED


def test_a_unit_without_sandbox_is_caught(tmp_path: Path) -> None:
    bare = USUAL["prober.service"]
    for key, value in sandbox(bare):
        bare = bare.replace(f"{key}={value}\n", "")
    assert exposure(tmp_path, bare) > 9


@pytest.mark.parametrize("key", ["CapabilityBoundingSet", "SystemCallFilter"])
def test_a_unit_that_lacks_one_of_the_great_lines_is_caught(tmp_path: Path, key: str) -> None:
    weaker = re.sub(rf"^{key}=.*\n", "", USUAL["prober.service"], flags=re.MULTILINE)
    assert exposure(tmp_path, weaker) > MOST_EXPOSED


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    assert analyzed(tmp_path, "verify", USUAL) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("ProtectHome=yes", "ProtectHoem=yes", "Unknown key"),
        ("SetCredential=prober:none", "SetCredential=prober:", "Invalid syntax"),
        ("WatchdogSec=3min", "WatchdogSec=3 moons", "Failed to parse"),
        ("/opt/prober/bin/prober --config", "/opt/prober/bin/nothing --config", "not executable"),
    ],
)
def test_a_line_that_systemd_would_not_understand_is_caught(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    broken = USUAL["prober.service"].replace(right, wrong)
    assert broken != USUAL["prober.service"]
    assert said in analyzed(tmp_path, "verify", {"prober.service": broken})
