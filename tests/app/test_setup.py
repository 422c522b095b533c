"""Units put in place, and what of an installation the service could not reach."""

from __future__ import annotations

import stat
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prober.app.setup import installation, obstacles, prepare_units
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = {"prober.service": "[Unit]\n", "prober-run.timer": "[Timer]\n"}
ABSENT = Path("/etc/prober/no-such-file")


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder that every user may pass through, unlike those of pytest."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


def file_in(folder: Path, name: str, mode: int = 0o755) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in path.parents[: len(path.relative_to(folder).parents) - 1]:
        each.chmod(0o755)
    path.touch()
    path.chmod(mode)
    return path


def test_what_everybody_can_reach_is_no_obstacle(place: Path) -> None:
    program = file_in(place, "opt/bin/prober")
    config = file_in(place, "etc/probes.toml", 0o644)
    assert obstacles([program], config, hidden=[place / "home"]) == []
    assert obstacles([program], ABSENT, hidden=[place / "home"]) == []


def test_an_installation_in_a_home_is_an_obstacle_and_is_told_once(place: Path) -> None:
    program, code = file_in(place, "home/me/bin/prober"), file_in(place, "home/me/code.py")
    (found,) = obstacles([program, code], ABSENT, hidden=[place / "home"])
    assert found.startswith(f"{program} lies below {place}/home, which the service does not see. Install prober into ")


def test_so_is_one_that_leads_into_a_home(place: Path) -> None:
    python = place / "python"
    python.symlink_to(file_in(place, "home/me/python3.11"))
    (found,) = obstacles([file_in(place, "opt/prober"), python], ABSENT, hidden=[place / "home"])
    assert found.startswith(f"{python} leads to {python.resolve()}, which lies below {place}/home, ")


@pytest.mark.parametrize("closed", ["opt", "opt/bin", "opt/bin/prober"])
def test_so_is_one_that_other_users_may_not_reach(place: Path, closed: str) -> None:
    program = file_in(place, "opt/bin/prober")
    (place / closed).chmod(0o750)
    (found,) = obstacles([program], ABSENT, hidden=[])
    assert found.startswith(f"{program} is closed to the service (chmod o+rX {place / closed}). Install ")


def test_what_is_not_there_is_closed(place: Path) -> None:
    (found,) = obstacles([place / "prober"], ABSENT, hidden=[])
    assert found.startswith(f"{place / 'prober'} is closed")


def test_a_configuration_that_other_users_may_not_read_is_an_obstacle(place: Path) -> None:
    config = file_in(place, "probes.toml", 0o600)
    (found,) = obstacles([], config, hidden=[])
    assert found.startswith(f"{config} is closed to the service (chmod o+rX {config}). Put it to /etc/prober/")


def test_so_is_one_that_would_be_written_into_a_home_or_a_closed_folder(place: Path) -> None:
    closed = file_in(place, "closed/elsewhere").parent
    closed.chmod(0o750)
    config = closed / "new/probes.toml"
    (found,) = obstacles([], config, hidden=[])
    assert found.startswith(f"{config} is closed to the service (chmod o+rX {closed}). Put it to /etc/prober/")
    (found,) = obstacles([], place / "home/new/probes.toml", hidden=[place / "home"])
    assert "lies below" in found


def test_one_in_its_place_is_not_sent_there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = file_in(place, "probes.toml", 0o600)
    monkeypatch.setattr("prober.app.setup.SYSTEM_FILE", config)
    (found,) = obstacles([], config, hidden=[])
    assert found.endswith(f"(chmod o+rX {config}). It is for all to read; secrets have a place of their own.")


def test_an_installation_is_its_command_its_python_and_its_code() -> None:
    program, python, base, code = installation()
    assert (program.name, str(python), str(base), code.name) == (
        "prober",
        sys.executable,
        sys.base_prefix,
        "__init__.py",
    )


def test_without_a_command_there_is_nothing_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(UsageError, match=r"there is no /.*/prober, .* Install prober with pip"):
        installation()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_strict")
def test_units_are_put_for_all_to_read_and_secrets_for_root_alone(tmp_path: Path) -> None:
    root = tmp_path / "image"
    put = prepare_units(UNITS, root=root, may_replace=False).put()
    folder = root / "etc/systemd/system"
    assert put == [folder / name for name in UNITS]
    assert {path.name: path.read_text() for path in folder.iterdir()} == UNITS
    assert [mode_of(path) for path in put] == [0o644, 0o644]
    assert {mode_of(each) for each in (root, *folder.parents[:2], folder, root / "etc/prober")} == {0o755}
    assert mode_of(root / "etc/prober/credentials") == 0o700


def test_nothing_is_written_before_it_is_put(tmp_path: Path) -> None:
    prepare_units(UNITS, root=tmp_path / "image", may_replace=False)
    assert not (tmp_path / "image").exists()


def test_what_is_there_already_stays_as_it_is(tmp_path: Path) -> None:
    prepare_units(UNITS, root=tmp_path, may_replace=False).put()
    (tmp_path / "etc/prober").chmod(0o750)
    assert prepare_units(UNITS, root=tmp_path, may_replace=False).put() == []
    assert mode_of(tmp_path / "etc/prober") == 0o750


@pytest.mark.parametrize("kind", ["edited", "masked", "dangling"])
def test_another_unit_is_replaced_only_when_told(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    unit = folder / "prober-run.timer"
    if kind == "edited":
        unit.write_text("mine\n")
    else:
        unit.symlink_to("/dev/null" if kind == "masked" else tmp_path / "absent")
    with pytest.raises(UsageError, match=r"prober-run\.timer exists .* --force; .* systemctl edit prober-run\.timer"):
        prepare_units(UNITS, root=tmp_path, may_replace=False)
    assert [path.name for path in folder.iterdir()] == [unit.name]
    assert not (tmp_path / "etc/prober").exists()
    assert prepare_units(UNITS, root=tmp_path, may_replace=True).put() == [folder / name for name in UNITS]
    assert not unit.is_symlink()
    assert unit.read_text() == "[Timer]\n"
    assert sorted(path.name for path in folder.iterdir()) == sorted(UNITS)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "etc").touch()
    with pytest.raises(UsageError, match=r"/etc.*: (File exists|Not a directory)\. Run it as root \(sudo\)"):
        prepare_units(UNITS, root=tmp_path, may_replace=False)
