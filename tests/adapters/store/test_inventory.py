"""What a store holds, and whether it is whole."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from prober.adapters.store.db import open_store
from prober.adapters.store.inventory import find_damage, look_at_progress, reclaim, take_inventory
from prober.adapters.store.rollups import roll_up_some
from prober.core.inventory import Progress
from prober.core.rollup import HOUR_MS
from tests.adapters.store.builders import T0
from tests.adapters.store.life import MIN_MS, Life
from tests.adapters.store.test_backup import damage

if TYPE_CHECKING:
    from pathlib import Path

    from prober.adapters.store.db import Store


def test_everything_is_counted(store: Store) -> None:
    Life(store).play("xxa..xx")
    Life(store, location="there").play(".")
    held = take_inventory(store)
    assert (held.probes, held.results, held.rounds) == (1, 7, 3)
    assert (held.incidents, held.open_incidents, held.alerts) == (2, 1, {"merged": 1, "queued": 4, "sent": 1})
    assert held.locations == ("here", "there")
    assert held.first_check_ms == held.oldest_result_ms == T0 + MIN_MS
    assert held.newest_result_ms == T0 + 6 * MIN_MS + 1000
    assert (held.version, held.created_at_ms, held.installation) == ("m007_standby", 0, store.installation)
    assert held.size_bytes > 0
    assert held.wal_bytes > 0


def test_an_empty_store_holds_nothing(store: Store) -> None:
    held = take_inventory(store)
    assert (held.probes, held.results, held.rollups, held.locations, held.alerts) == (0, 0, 0, (), {})
    assert held.first_check_ms is held.oldest_result_ms is held.newest_result_ms is None
    assert look_at_progress(store) == Progress(rolled_to_ms=0, oldest_result_ms=None)


def test_rollups_are_counted_and_progress_is_told(store: Store) -> None:
    store.write("PRAGMA synchronous = OFF")
    Life(store).play("." * 200)
    hour = T0 // HOUR_MS
    with store.transaction():
        roll_up_some(store, to_hour=hour + 2)
    assert take_inventory(store).rollups == 2
    assert look_at_progress(store) == Progress(rolled_to_ms=(hour + 2) * HOUR_MS, oldest_result_ms=hour * HOUR_MS)


def test_space_is_given_back(store: Store) -> None:
    store.write("PRAGMA synchronous = OFF")
    Life(store).play("." * 1000)
    store.write("DELETE FROM results")
    before = take_inventory(store)
    assert before.free_bytes > 0
    reclaim(store)
    after = take_inventory(store)
    assert (after.free_bytes, after.wal_bytes) == (0, 0)
    assert after.size_bytes < before.size_bytes


def test_damage_is_found(store: Store, path: Path) -> None:
    Life(store).play("xx")
    assert find_damage(store) is None
    store.write("PRAGMA foreign_keys = OFF")
    store.write("DELETE FROM series")
    assert find_damage(store) == "a row of results belongs to one of series that is not there"
    store.close()
    damage(path)
    with closing(open_store(path, now_ms=0)) as damaged:
        assert "Page" in (find_damage(damaged) or "")
