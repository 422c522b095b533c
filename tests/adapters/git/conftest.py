"""A repository on disk, and the state branch in it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.git import StateBranch
from tests.adapters.git.repositories import bare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    NewBranch = Callable[..., StateBranch]


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path / "hub" / "watch.git")


@pytest.fixture
def new_branch(tmp_path: Path, remote: Path) -> NewBranch:
    """Return what makes one more view of the branch, each with a folder of its own."""
    numbers = count()

    def make(**more: Any) -> StateBranch:
        given = {"remote": str(remote), "branch": "prober-state", "folder": tmp_path / f"scratch-{next(numbers)}"}
        return StateBranch(**{**given, **more})

    return make
