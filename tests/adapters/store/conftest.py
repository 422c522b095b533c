"""A real store in a temporary folder, and short ways to fill it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.store.db import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prober.adapters.store.db import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prober.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(path, now_ms=0)
    yield opened
    opened.close()
