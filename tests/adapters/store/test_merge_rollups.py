"""What is merged of hours whose single results are gone in one store, in the other, or in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from prober.adapters.store.merge import Merged, merge
from prober.adapters.store.merge import rollups as merged_rollups
from prober.adapters.store.pruning import prune_results
from prober.adapters.store.results import append_results
from prober.adapters.store.rollups import roll_up_some
from prober.core.rollup import HOUR_MS
from tests.adapters.store.builders import failed, know, result
from tests.adapters.store.test_merge import Stores

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from prober.adapters.store.db import Store

DAY = 20_000
FIRST = DAY * 24
END = FIRST + 96


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = Stores(tmp_path)
    yield made
    made.close()


def check(store: Store, slots: Collection[int], location: str = "here") -> None:
    """Check at half hours, counted from the first day on; every seventh time in vain."""
    know(store, "api")
    made = [failed if slot % 7 == 0 else result for slot in sorted(slots)]
    at_ms = [FIRST * HOUR_MS + slot * HOUR_MS // 2 for slot in sorted(slots)]
    with store.transaction():
        append_results(
            store, [make(each, location=location, interval_ms=HOUR_MS) for make, each in zip(made, at_ms, strict=True)]
        )


def roll_up(store: Store, to_hour: int = END) -> None:
    is_due = True
    while is_due:
        with store.transaction():
            is_due = roll_up_some(store, to_hour=to_hour)


def prune(store: Store, before_hour: int) -> None:
    roll_up(store)
    is_due = True
    while is_due:
        with store.transaction():
            is_due = prune_results(store, before_hour=before_hour)


def mark(store: Store) -> int:
    return int(store.rows("SELECT coalesce(max(raw_from_hour), 0) FROM series")[0][0])


def counted(store: Store, unit: str = "hour") -> dict[int, int]:
    """Return how many checks each hour or day had, after all of it was rolled up."""
    roll_up(store)
    rows = store.rows(f"SELECT {unit}, ok + slow + failed + unknown AS checks FROM {unit}s")
    return {row[unit]: row["checks"] for row in rows if row["checks"]}


def of_hours(slots: Collection[int]) -> dict[int, int]:
    hours = [FIRST + slot // 2 for slot in slots]
    return {hour: hours.count(hour) for hour in hours}


def of_days(hours: dict[int, int]) -> dict[int, int]:
    return {day: sum(n for hour, n in hours.items() if hour // 24 == day) for day in {hour // 24 for hour in hours}}


SLOTS = st.sets(st.integers(0, 190), max_size=60)
PRUNED = st.integers(0, 96)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(here={0, 1, 58}, there={59}, pruned_here=0, pruned_there=30, batch=1)  # as many checks, and not the same
@given(here=SLOTS, there=SLOTS, pruned_here=PRUNED, pruned_there=PRUNED, batch=st.integers(1, 3))
def test_an_hour_has_all_single_results_or_the_rollup_of_more_checks(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    here: set[int],
    there: set[int],
    pruned_here: int,
    pruned_there: int,
    batch: int,
) -> None:
    monkeypatch.setattr(merged_rollups, "BATCH", batch * 24)
    stores = Stores(tmp_path_factory.mktemp("stores"))
    ours, theirs = stores.new(), stores.new()
    for store, slots, pruned in ((ours, here, pruned_here), (theirs, there, pruned_there)):
        check(store, slots)
        prune(store, FIRST + pruned)
    one, other = of_hours(here), of_hours(there)
    from_hour = mark(ours)
    if any(one.get(hour, 0) < n for hour, n in other.items() if from_hour <= hour < mark(theirs)):
        from_hour = mark(theirs)
    single = of_hours(here | {slot for slot in there if FIRST + slot // 2 >= mark(theirs)})
    expected = {
        hour: single[hour] if hour in single and hour >= from_hour else max(one.get(hour, 0), other.get(hour, 0))
        for hour in one | other
    }

    merge(ours, theirs)
    assert mark(ours) == from_hour
    assert counted(ours) == expected
    assert counted(ours, "day") == of_days(expected)
    assert merge(ours, theirs) == Merged()
    prune(ours, END)
    assert merge(ours, theirs) == Merged()
    assert counted(ours) == expected
    stores.close()


def test_history_comes_home_to_an_empty_store_as_it_was(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    check(theirs, range(150))
    check(theirs, range(50), location="there")
    prune(theirs, FIRST + 60)
    merged = merge(ours, theirs)
    assert (merged.rollups, merged.results) == (60 + 25, 30)
    roll_up(ours)
    for table in ("hours", "days"):
        rows = [store.rows(f"SELECT * FROM {table}") for store in (ours, theirs)]
        assert [tuple(row) for row in rows[0]] == [tuple(row) for row in rows[1]]
    marks = "SELECT probe, location, rolled_to_hour, raw_from_hour, carried_to_ms FROM series"
    assert [tuple(row) for row in ours.rows(marks)] == [tuple(row) for row in theirs.rows(marks)]


def test_what_only_one_store_keeps_in_full_stays_in_full(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    for store in (ours, theirs):
        check(store, range(100))
    prune(theirs, FIRST + 40)
    assert merge(ours, theirs) == Merged()
    assert len(ours.rows("SELECT 1 FROM results")) == 100
    as_it_was = counted(theirs)
    assert merge(theirs, ours) == Merged()
    assert counted(theirs) == as_it_was


def test_what_the_last_results_that_are_gone_observe_is_not_forgotten(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    check(ours, [0, 21])  # the last one observes until the middle of hour 12
    check(theirs, [*range(20)])
    prune(theirs, FIRST + 10)
    check(ours, [30])
    merge(ours, theirs)
    roll_up(ours)
    observed = {row["hour"]: row["observed"] for row in ours.rows("SELECT hour, observed FROM hours")}
    assert mark(ours) == FIRST + 10
    assert observed[FIRST + 9] is None  # all of it
    assert FIRST + 11 in observed


def test_checks_that_come_late_to_an_hour_that_was_rolled_up_are_counted(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    check(ours, [0, 2, 40, 60])
    roll_up(ours)
    check(theirs, [1, 3, 41, 61])
    merge(ours, theirs)
    assert counted(ours) == of_hours([0, 1, 2, 3, 40, 41, 60, 61])
