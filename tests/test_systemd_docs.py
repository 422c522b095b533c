"""docs/systemd.md against the facts: what a stranger types is what there is."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from prober.adapters.config.find import SYSTEM_FILE
from prober.app.setup import CREDENTIALS_FOLDER, UNIT_FOLDER
from prober.cli.main import app
from tests.render.test_units import MOST_EXPOSED, USUAL

ROOT: Final = Path(__file__).parent.parent
TEXT: Final = (ROOT / "docs" / "systemd.md").read_text()
INSTALL: Final = (ROOT / "deploy" / "install").read_text()
WRAPPER: Final = (ROOT / "deploy" / "prober").read_text()
BLOCKS: Final = re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
STORED: Final = {"/etc/prober/credentials/NAME", "/var/lib/prober/prober.db"}
CALLS: Final = sorted({call.strip() for call in re.findall(r"(?:sudo |&& |`)prober ((?:[a-z-]+ ?)+)", TEXT)})


def test_five_commands_lead_from_nothing_to_running() -> None:
    assert [line.partition(" --url")[0] for line in BLOCKS[0].splitlines()] == [
        "sudo apt-get install --yes git python3-venv",
        "git clone URL prober",
        "sudo prober/deploy/install",
        "sudo prober init /etc/prober",
        "sudo systemctl enable --now prober",
    ]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_of_prober_is_one_that_exists(call: str) -> None:
    command: Any = get_command(app)
    options = {word for word in call.split() if word.startswith("-")}
    for word in (word for word in call.split() if word not in options):
        command = command.commands[word]
    assert options <= {name for param in command.params for name in param.opts}


def test_the_places_are_those_of_program_unit_and_wrapper() -> None:
    places = set(re.findall(r"`(/[\w./-]+)`", TEXT.partition("| what | where |")[2].partition("\n\n")[0]))
    unit = str(UNIT_FOLDER / "prober.service")
    assert places == {"/opt/prober", "/usr/local/bin/prober", str(SYSTEM_FILE), unit, *STORED}
    assert f"--config {SYSTEM_FILE} serve" in USUAL["prober.service"]
    assert f"LoadCredential=prober:{CREDENTIALS_FOLDER}\n" in USUAL["prober.service"]
    assert "StateDirectory=prober\n" in USUAL["prober.service"]
    for variable, place in (("PROBER_CONFIG", SYSTEM_FILE), ("CREDENTIALS_DIRECTORY", CREDENTIALS_FOLDER)):
        assert f'{variable}="${{{variable}-{place}}}"' in WRAPPER
    assert 'STATE_DIRECTORY="${STATE_DIRECTORY-/var/lib/prober}"' in WRAPPER
    assert 'RUNTIME_DIRECTORY="${RUNTIME_DIRECTORY-/run/prober}"' in WRAPPER
    assert "RuntimeDirectory=prober\n" in USUAL["prober.service"]
    assert "exec /opt/prober/bin/prober " in WRAPPER


def test_units_are_called_what_they_are() -> None:
    named = {name.removesuffix(".service") for name in re.findall(r"systemctl [a-z -]+ (?:--\S+ )*([\w.-]+)", TEXT)}
    assert named == {name.removesuffix(".service") for name in USUAL} - {"prober-run"}


def test_the_figures_are_those_of_the_unit() -> None:
    assert f"{MOST_EXPOSED} or better" in TEXT
    assert "starts it again 10 seconds later" in TEXT.replace("\n", " ")
    assert "RestartSec=10\n" in USUAL["prober.service"]


def test_the_installer_pins_everything_and_can_be_started() -> None:
    for script in ("install", "prober"):
        assert os.access(ROOT / "deploy" / script, os.X_OK)
        subprocess.run(["sh", "-n", str(ROOT / "deploy" / script)], check=True)
    locks = re.findall(r"-r (\S+)", INSTALL)
    assert locks == ["requirements/runtime.txt", "requirements/build.txt"]
    assert all((ROOT / lock).is_file() for lock in locks)
    assert [line for line in INSTALL.splitlines() if line.startswith('"$@"') and "--require-hashes" not in line] == [
        '"$@" --no-build-isolation --no-deps --force-reinstall .'
    ]


def test_the_wrapper_gives_root_what_the_service_has_and_others_nothing(tmp_path: Path) -> None:
    shown = tmp_path / "prober"
    names = ("PROBER_CONFIG", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "RUNTIME_DIRECTORY")
    shown.write_text(WRAPPER.replace("exec /opt/prober/bin/prober", "exec env"))
    for uid, given in (("0", dict.fromkeys(names, "set")), ("1000", {})):
        (tmp_path / "id").write_text(f"#!/bin/sh\necho {uid}\n")
        (tmp_path / "id").chmod(0o755)
        told = subprocess.run(
            ["sh", str(shown)], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
        )
        found = dict(line.partition("=")[::2] for line in told.stdout.splitlines())
        assert dict.fromkeys((name for name in names if name in found), "set") == given
