"""The ledger of runs: what was planned, what came, and that two copies of it become one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.adapters.store.db import open_store
from prober.adapters.store.merge import Merged, merge
from prober.adapters.store.pruning import prune_rounds
from prober.adapters.store.runs import RunRow, all_runs, save_run

if TYPE_CHECKING:
    from pathlib import Path

    from prober.adapters.store.db import Store

T0 = 1_790_000_000_000
RUN = RunRow(location="github-actions", run="77.1", trigger="schedule", planned_at_ms=T0 - 90_000, started_at_ms=T0)


def test_a_run_is_recorded_when_it_starts_and_when_it_ends(store: Store) -> None:
    save_run(store, RUN)
    assert all_runs(store, "github-actions", 0) == [RUN]
    ended = replace(RUN, ended_at_ms=T0 + 40_000)
    save_run(store, ended)
    assert all_runs(store, "github-actions", 0) == [ended]
    save_run(store, RUN)
    assert all_runs(store, "github-actions", 0) == [ended]


def test_runs_come_oldest_first_from_one_place_and_a_time_on(store: Store) -> None:
    for number, minute in ((5, 30), (6, 10), (7, 20)):
        save_run(store, replace(RUN, run=f"{number}.1", started_at_ms=T0 + minute * 60_000))
    save_run(store, replace(RUN, location="elsewhere", run="9.1"))
    found = all_runs(store, "github-actions", T0 + 20 * 60_000)
    assert [each.run for each in found] == ["7.1", "5.1"]


def test_the_view_says_how_late_a_run_came(store: Store) -> None:
    save_run(store, replace(RUN, ended_at_ms=T0 + 40_000))
    (row,) = store.rows("SELECT run, planned_at, started_at, late_s, duration_s FROM v_runs")
    assert tuple(row) == ("77.1", "2026-09-21T14:11:50.000Z", "2026-09-21T14:13:20.000Z", 90.0, 40.0)


def test_runs_go_as_rounds_do(store: Store) -> None:
    save_run(store, RUN)
    save_run(store, replace(RUN, run="78.1", started_at_ms=T0 + 1))
    assert prune_rounds(store, before_ms=T0 + 1)
    assert [each.run for each in all_runs(store, "github-actions", 0)] == ["78.1"]
    assert not prune_rounds(store, before_ms=T0 + 1)


@pytest.mark.parametrize(
    ("ours", "theirs", "joined"),
    [(None, 5, 5), (5, None, 5), (5, 7, 7), (7, 5, 7), (None, None, None)],
)
def test_a_run_that_ended_anywhere_has_ended(
    store: Store, tmp_path: Path, ours: int | None, theirs: int | None, joined: int | None
) -> None:
    save_run(store, replace(RUN, ended_at_ms=ours))
    with closing(open_store(tmp_path / "other.db", now_ms=0)) as other:
        save_run(other, replace(RUN, ended_at_ms=theirs))
        save_run(other, replace(RUN, run="78.1"))
        assert merge(store, other) == Merged(runs=1)
        assert merge(store, other) == Merged()
    assert all_runs(store, "github-actions", 0) == [replace(RUN, ended_at_ms=joined), replace(RUN, run="78.1")]
