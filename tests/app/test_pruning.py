"""Old results go at once when asked to, beside a service, and the space with them when nobody else is there."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.lock import acquire
from prober.adapters.store.db import open_store
from prober.adapters.store.inventory import take_inventory
from prober.app.pruning import prune
from prober.core.rollup import DAY_MS
from prober.errors import StoreError
from tests.adapters.store.builders import T0
from tests.adapters.store.life import Life

if TYPE_CHECKING:
    from pathlib import Path

    from prober.core.inventory import Progress

NOW_MS = T0 + 100 * DAY_MS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "prober.db"
    with closing(open_store(made, now_ms=0)) as store:
        store.write("PRAGMA synchronous = OFF")
        Life(store).play("." * 900)
        Life(store, now_ms=NOW_MS - DAY_MS).play("." * 10)
    return made


def test_what_is_old_goes_and_its_rollups_stay(path: Path) -> None:
    told: list[Progress] = []
    with closing(open_store(path, now_ms=0)) as service:
        done = prune(path, keep_ms=30 * DAY_MS, now_ms=NOW_MS, on_progress=told.append)
        held = take_inventory(service)
    assert (done.results, held.results, held.first_check_ms) == (900, 10, T0 + 60_000)
    assert held.rollups > 0
    assert done.reclaimed_bytes <= 0
    assert told
    assert prune(path, keep_ms=30 * DAY_MS, now_ms=NOW_MS).results == 0


def test_space_is_reclaimed_when_asked_to(path: Path) -> None:
    before = path.stat().st_size
    done = prune(path, keep_ms=30 * DAY_MS, now_ms=NOW_MS, vacuum=True)
    assert done.reclaimed_bytes == before - path.stat().st_size > 0


def test_space_is_not_reclaimed_while_another_process_is_at_work(path: Path) -> None:
    held = acquire(path, command="serve", now_ms=0)
    try:
        with pytest.raises(StoreError, match=r"in use by process \d+ on .*\. Stop it for as long as this takes, or"):
            prune(path, keep_ms=30 * DAY_MS, now_ms=NOW_MS, vacuum=True)
    finally:
        held.release()  # type: ignore[union-attr]
    with closing(open_store(path, now_ms=0)) as store:
        assert take_inventory(store).results == 910


def test_a_holder_that_says_nothing_is_another_process(path: Path) -> None:
    held = acquire(path, command="serve", now_ms=0)
    path.with_name("prober.db.lock").write_text("")
    try:
        with pytest.raises(StoreError, match="in use by another process"):
            prune(path, keep_ms=30 * DAY_MS, now_ms=NOW_MS, vacuum=True)
    finally:
        held.release()  # type: ignore[union-attr]
