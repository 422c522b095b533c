"""What is rolled up when, what may be believed of it, and what goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.adapters.store import pruning, rollups
from prober.adapters.store.pruning import prune_results, prune_rounds
from prober.adapters.store.results import (
    all_last_results,
    append_results,
    count_failed,
    last_good,
    last_results,
)
from prober.adapters.store.rollups import roll_up_some
from prober.adapters.store.rounds import RoundRow, last_round, record_round
from prober.core.model import Outcome, Reason, Result
from prober.core.rollup import HOUR_MS
from tests.adapters.store.builders import failed, know, result

if TYPE_CHECKING:
    import pytest

    from prober.adapters.store.db import Store

MINUTE = 60_000
HOUR = 480_000  # since 1970: the beginning of a day


def at(minute: float, **fields: object) -> Result:
    return result(HOUR * HOUR_MS + int(minute * MINUTE), **fields)


def fail(minute: float, **fields: object) -> Result:
    return failed(HOUR * HOUR_MS + int(minute * MINUTE), **fields)


def append(store: Store, *results: Result) -> None:
    know(store, *{each.probe_id for each in results})
    with store.transaction():
        append_results(store, results)


def roll_up(store: Store, to_hour: int) -> int:
    """Roll up to so many hours after the beginning, and return in how many batches."""
    batches = 0
    with store.transaction():
        while roll_up_some(store, to_hour=HOUR + to_hour):
            batches += 1
    return batches


def prune(store: Store, before_hour: int) -> int:
    batches = 0
    with store.transaction():
        while prune_results(store, before_hour=HOUR + before_hour):
            batches += 1
    return batches


def checked(store: Store, table: str = "hours") -> dict[int, int]:
    """Return how many checks are rolled up, by the hour or day."""
    unit = table[:-1]
    rows = store.rows(f"SELECT {unit} AS at, ok + slow + failed + unknown AS checks FROM {table} ORDER BY at, series")
    return {row["at"] - (HOUR if unit == "hour" else HOUR // 24): row["checks"] for row in rows}


def left(store: Store) -> list[float]:
    """Return the minutes after the beginning at which the results that are left were checked."""
    rows = store.rows("SELECT at_ms FROM results ORDER BY at_ms")
    return [(row["at_ms"] - HOUR * HOUR_MS) / MINUTE for row in rows]


def every_5_minutes(hours: int, **fields: object) -> list[Result]:
    return [at(minute, **fields) for minute in range(0, hours * 60, 5)]


def test_only_hours_that_are_over_are_rolled_up(store: Store) -> None:
    append(store, *every_5_minutes(3))
    roll_up(store, to_hour=2)
    assert checked(store) == {0: 12, 1: 12}
    assert roll_up(store, to_hour=2) == 0


def test_a_day_is_the_sum_of_its_hours_once_it_is_over(store: Store) -> None:
    append(store, *every_5_minutes(30))
    roll_up(store, to_hour=23)
    assert checked(store, "days") == {}
    roll_up(store, to_hour=29)
    assert checked(store, "days") == {0: 288}
    (day,) = store.rows("SELECT ok, observed, total_us, longest_us FROM days")
    assert tuple(day) == (288, None, 288 * 61_200, 61_200)


def test_what_is_late_makes_its_hour_and_its_day_be_rolled_up_anew(store: Store) -> None:
    append(store, *every_5_minutes(30))
    roll_up(store, to_hour=29)
    append(store, at(61), at(62))
    assert roll_up(store, to_hour=29) == 1
    assert (checked(store)[0], checked(store)[1], checked(store, "days")) == (12, 14, {0: 290})


def test_what_is_late_ends_what_the_check_before_it_observed(store: Store) -> None:
    append(store, at(55, interval_ms=60 * MINUTE))
    roll_up(store, to_hour=3)
    assert checked(store) == {0: 1, 1: 0, 2: 0}
    append(store, at(70, outcome=Outcome.UNKNOWN, latency_us=None, reason=Reason.BUSY, interval_ms=60 * MINUTE))
    roll_up(store, to_hour=3)
    observed = [bytes(row["observed"]) for row in store.rows("SELECT observed FROM hours ORDER BY hour")]
    spans = [[int.from_bytes(each[n : n + 4], "little") / MINUTE for n in range(0, len(each), 4)] for each in observed]
    assert (checked(store), spans) == ({0: 1, 1: 1}, [[55, 60], [0, 10]])


def test_a_batch_holds_so_many_results_and_not_many_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "BATCH", 60)
    for probe_id in ("api", "web", "db"):
        append(store, *every_5_minutes(10, probe_id=probe_id))
    assert roll_up(store, to_hour=10) == 10
    monkeypatch.setattr(pruning, "BATCH", 60)
    assert prune(store, before_hour=10) == 6
    assert left(store) == []


def test_many_series_are_rolled_up_some_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "BATCH", 20)
    for probe_id in ("api", "web", "db"):
        append(store, *every_5_minutes(1, probe_id=probe_id))
    assert roll_up(store, to_hour=1) == 2
    assert len(store.rows("SELECT series FROM hours WHERE ok = 12")) == 3


def test_whole_hours_go_and_only_when_they_are_rolled_up(store: Store) -> None:
    append(store, *every_5_minutes(4))
    assert prune(store, before_hour=3) == 0
    roll_up(store, to_hour=2)
    prune(store, before_hour=3)
    assert (left(store)[0], len(left(store)), checked(store)) == (120, 24, {0: 12, 1: 12})


def test_nothing_goes_while_any_series_is_behind(store: Store) -> None:
    append(store, *every_5_minutes(2))
    roll_up(store, to_hour=2)
    append(store, at(5, probe_id="web"))
    assert prune(store, before_hour=2) == 0


def test_details_and_intervals_go_with_their_results(store: Store) -> None:
    append(store, fail(0, interval_ms=MINUTE), fail(1, interval_ms=2 * MINUTE), fail(61, interval_ms=3 * MINUTE))
    append(store, fail(121, interval_ms=4 * MINUTE))
    roll_up(store, to_hour=3)
    prune(store, before_hour=1)
    assert len(store.rows("SELECT 1 FROM result_details")) == 2
    intervals = store.rows("SELECT interval_ms FROM intervals ORDER BY from_ms")
    assert [row["interval_ms"] // MINUTE for row in intervals] == [2, 3, 4]
    assert [each.interval_ms // MINUTE for each in last_results(store, "api", "here", 9)] == [4, 3]


def test_what_comes_to_an_hour_that_was_pruned_is_added_to_its_rollup_and_goes(store: Store) -> None:
    append(store, *every_5_minutes(30))
    roll_up(store, to_hour=29)
    prune(store, before_hour=3)
    append(store, at(61, latency_us=9_000_000), fail(62), at(3, location="there"))
    roll_up(store, to_hour=29)
    assert checked(store)[1] == 12
    prune(store, before_hour=3)
    assert (checked(store)[1], left(store)[0]) == (14, 180)
    (day,) = store.rows("SELECT ok, failed, longest_us FROM days WHERE series = 1")
    assert tuple(day) == (289, 1, 9_000_000)


def test_what_comes_late_before_all_that_is_left_observes_into_it(store: Store) -> None:
    append(store, at(0, interval_ms=MINUTE), at(130, interval_ms=MINUTE))
    roll_up(store, to_hour=3)
    prune(store, before_hour=2)
    assert checked(store) == {0: 1, 2: 1}
    append(store, at(50, interval_ms=60 * MINUTE))
    prune(store, before_hour=2)
    roll_up(store, to_hour=3)
    observed = store.rows("SELECT hour, hex(observed) AS spans FROM hours ORDER BY hour")
    assert [(row["hour"] - HOUR, len(row["spans"]) // 16) for row in observed] == [(0, 2), (1, 0), (2, 1)]
    (spans,) = [bytes.fromhex(row["spans"]) for row in observed][2:]
    assert [int.from_bytes(spans[n : n + 4], "little") / MINUTE for n in (0, 4)] == [0, 11.5]


def test_what_was_carried_over_stands_when_something_comes_late_before_it(store: Store) -> None:
    append(store, at(50, interval_ms=60 * MINUTE))
    roll_up(store, to_hour=1)
    prune(store, before_hour=1)
    append(store, at(10, interval_ms=MINUTE))
    roll_up(store, to_hour=3)
    observed = store.rows("SELECT hour, hex(observed) AS spans FROM hours WHERE hour > :hour", {"hour": HOUR})
    assert [(row["hour"] - HOUR, row["spans"]) for row in observed] == [(1, ""), (2, "00000000" + "804F1200")]


def test_the_newest_result_and_the_last_good_one_are_found_wherever_they_are(store: Store) -> None:
    append(store, *every_5_minutes(3), *(fail(minute) for minute in range(180, 24 * 60, 5)))
    append(store, at(7, probe_id="web"))
    roll_up(store, to_hour=23)
    assert {probe_id: each.at_ms for probe_id, each in all_last_results(store, "here").items()} == {
        "api": at(23 * 60 + 55).at_ms,
        "web": at(7).at_ms,
    }
    good = last_good(store, "api", "here", before_ms=at(999).at_ms)
    assert good is not None
    assert good.at_ms == at(175).at_ms
    prune(store, before_hour=3)
    assert last_good(store, "api", "here", before_ms=at(999).at_ms) is None
    assert last_results(store, "web", "here", 1) == []
    assert all_last_results(store, "here").keys() == {"api"}


def test_failures_of_hours_that_were_pruned_still_count(store: Store) -> None:
    append(store, *(fail(minute) for minute in range(0, 180, 5)))
    roll_up(store, to_hour=3)
    prune(store, before_hour=2)
    assert count_failed(store, "api", "here", at(0).at_ms, at(130).at_ms) == 26
    assert count_failed(store, "api", "here", at(60).at_ms, at(120).at_ms) == 12
    prune(store, before_hour=3)
    assert last_results(store, "api", "here", 9) == []
    assert count_failed(store, "nobody", "here", 0, at(0).at_ms) == 0


def test_a_daily_view_counts_each_check_once_rolled_up_pruned_or_neither(store: Store) -> None:
    append(store, *every_5_minutes(50), *(fail(minute) for minute in (50 * 60, 50 * 60 + 1)))

    def daily() -> list[tuple[object, ...]]:
        return [tuple(row) for row in store.rows("SELECT checks, ok, failed, average_ms, longest_ms FROM v_daily")]

    before = daily()
    assert before == [(288, 288, 0, 61.2, 61.2), (288, 288, 0, 61.2, 61.2), (26, 24, 2, 61.2, 61.2)]
    for hour in (1, 24, 30, 49, 50):
        roll_up(store, to_hour=hour)
        assert daily() == before
    prune(store, before_hour=40)
    assert daily() == before


def test_rounds_go_but_never_the_newest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for ended_ms in (5, 9, 7, 6):
        record_round(
            store,
            RoundRow(
                location="here", started_at_ms=1, ended_at_ms=ended_ms, checks=1, is_offline=False, host="h", pid=1
            ),
        )
    monkeypatch.setattr(pruning, "BATCH", 2)
    assert [prune_rounds(store, before_ms=99) for _ in range(3)] == [True, True, False]
    newest = last_round(store)
    assert newest is not None
    assert (newest.ended_at_ms, len(store.rows("SELECT 1 FROM rounds"))) == (9, 1)
