"""A fresh world for each test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.app.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "prober.db")


@pytest.fixture
def _strict() -> Iterator[None]:
    """Let new files be for their owner alone, as some administrators have it."""
    before = os.umask(0o077)
    yield
    os.umask(before)
