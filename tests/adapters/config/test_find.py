from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.config import find, find_config

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out ``outer/repository/a/b`` with no configuration, and a system file that does not exist."""
    monkeypatch.setattr(find, "SYSTEM_FILE", tmp_path / "etc.toml")
    (tmp_path / "outer/repository/a/b").mkdir(parents=True)
    (tmp_path / "outer/repository/.git").mkdir()
    return tmp_path / "outer"


def test_without_any_file_there_is_none(folders: Path) -> None:
    assert find_config(None, environ={}, cwd=folders / "repository/a/b") is None


def test_the_nearest_place_wins(folders: Path) -> None:
    cwd = folders / "repository/a/b"
    for place in (
        folders.parent / "etc.toml",
        folders / "repository/probes.toml",
        cwd.parent / "probes.toml",
        cwd / "probes.toml",
    ):
        place.touch()
        assert find_config(None, environ={}, cwd=cwd) == place
    assert find_config(None, environ={"PROBER_CONFIG": "x.toml"}, cwd=cwd) == cwd / "x.toml"
    assert find_config("y.toml", environ={"PROBER_CONFIG": "x.toml"}, cwd=cwd) == cwd / "y.toml"
    assert find_config("/z.toml", environ={}, cwd=cwd).__str__() == "/z.toml"


def test_the_search_ends_at_the_root_of_the_repository(folders: Path) -> None:
    (folders / "probes.toml").touch()
    assert find_config(None, environ={}, cwd=folders / "repository/a") is None


def test_outside_a_repository_parents_are_not_searched(folders: Path) -> None:
    (folders / "probes.toml").touch()
    (folders / "plain").mkdir()
    assert find_config(None, environ={}, cwd=folders / "plain") is None
    assert find_config(None, environ={"PROBER_CONFIG": ""}, cwd=folders) == folders / "probes.toml"
