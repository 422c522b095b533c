"""What runs prober again and again, found by its traces on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.host import find_starters
from prober.core.diagnosis.service import Starter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def units(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder


def enable(units: Path, name: str, target: str = "multi-user.target") -> None:
    wants = units / f"{target}.wants"
    wants.mkdir(exist_ok=True)
    (wants / name).symlink_to(units / name)


def test_nothing_in_place_is_nothing(units: Path, tmp_path: Path) -> None:
    (units / "cron.service").touch()
    assert find_starters(None, [units, tmp_path / "nowhere"]) == []


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_service_is_in_place_and_enabled_or_not(units: Path, is_enabled: bool) -> None:
    unit = units / "prober.service"
    unit.touch()
    if is_enabled:
        enable(units, unit.name)
    assert find_starters(None, [units]) == [Starter(path=str(unit), is_enabled=is_enabled, is_lasting=True)]


def test_a_service_that_a_timer_starts_is_told_of_as_the_timer(units: Path) -> None:
    for name in ("prober-run.service", "prober-run.timer"):
        (units / name).touch()
    enable(units, "prober-run.timer", "timers.target")
    assert find_starters(None, [units]) == [Starter(path=str(units / "prober-run.timer"))]


def test_a_unit_of_a_package_counts_and_the_administrators_own_comes_first(units: Path, tmp_path: Path) -> None:
    packaged = tmp_path / "usr"
    packaged.mkdir()
    (packaged / "prober.service").touch()
    enable(units, "prober.service")
    assert find_starters(None, [units, packaged])[0].path == str(packaged / "prober.service")
    (units / "prober.service").touch()
    assert [each.path for each in find_starters(None, [units, packaged])] == [str(units / "prober.service")]


def test_a_workflow_is_looked_for_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    for above in (tmp_path, root):
        (above / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "ping.yml").touch()
    (root / ".git").mkdir()
    assert find_starters(deep, []) == []
    workflow = root / ".github" / "workflows" / "ping.yml"
    workflow.touch()
    assert find_starters(deep, []) == [Starter(path=str(workflow))]


def test_without_a_repository_the_search_ends_at_the_root(tmp_path: Path) -> None:
    assert find_starters(tmp_path, []) == []


def test_this_machine_can_be_asked() -> None:
    assert isinstance(find_starters(None), list)
