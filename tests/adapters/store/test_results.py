"""What is appended comes back equal, and cheaply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from prober.adapters.store.db import open_store
from prober.adapters.store.probes import find_first_check_ms
from prober.adapters.store.results import (
    all_last_results,
    append_results,
    count_failed,
    last_good,
    last_results,
)
from prober.core.facts import Phases
from prober.core.model import Outcome, Reason, Result
from tests.adapters.store.builders import T0, failed, know, result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prober.adapters.store.db import Store

MINUTE = 60_000
MICROSECONDS = st.integers(0, 10**9)
TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PHASES = st.builds(
    Phases,
    dns_us=MICROSECONDS,
    connect_us=MICROSECONDS,
    tls_us=MICROSECONDS,
    wait_us=MICROSECONDS,
    body_us=MICROSECONDS,
    lag_us=MICROSECONDS,
)
RESULTS = st.builds(
    Result,
    probe_id=st.sampled_from(["api", "web"]),
    location=st.sampled_from(["here", "there"]),
    at_ms=st.integers(T0, T0 + 12),
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from(Reason),
    detail=TEXT,
    status=st.none() | st.integers(100, 999),
    latency_us=st.none() | MICROSECONDS,
    phases=st.none() | PHASES,
    clock=st.sampled_from(["kernel", "portable"]),
    family=st.sampled_from(["ipv4", "ipv6", None]),
    excerpt=TEXT,
    interval_ms=st.sampled_from([MINUTE, 5 * MINUTE]),
)
ROUNDS = st.lists(RESULTS, max_size=5, unique_by=lambda each: (each.probe_id, each.location, each.at_ms)).map(
    lambda results: sorted(results, key=lambda each: each.at_ms)
)

NEVER_MS = 10**15


def append(store: Store, *results: Result) -> None:
    with store.transaction():
        append_results(store, results)


def kept(result: Result) -> Result:
    """Return what the store promises to give back."""
    if result.outcome is Outcome.OK:
        return replace(result, reason=None, detail=None, phases=None, excerpt=None)
    return result


def naive(rounds: Iterable[Iterable[Result]]) -> dict[tuple[str, str, int], Result]:
    stored: dict[tuple[str, str, int], Result] = {}
    for results in rounds:
        for each in results:
            stored.setdefault((each.probe_id, each.location, each.at_ms), kept(each))
    return stored


@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(ROUNDS, max_size=6))
def test_what_is_appended_comes_back_equal_in_whatever_order_rounds_came(rounds: list[list[Result]]) -> None:
    model = naive(rounds)
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder, "prober.db"), now_ms=0)
        know(store, "api", "web")
        for each in rounds:
            append(store, *each)
        for probe_id in ("api", "web"):
            expected = sorted((r for r in model.values() if r.probe_id == probe_id), key=lambda r: r.at_ms)
            assert find_first_check_ms(store, probe_id) == min((r.at_ms for r in expected), default=None)
            for location in ("here", "there"):
                there = [r for r in expected if r.location == location]
                assert last_results(store, probe_id, location, 99) == there[::-1]
                assert all_last_results(store, location).get(probe_id) == (there[-1] if there else None)
                for before_ms in (NEVER_MS, there[-1].at_ms if there else 0):
                    good = [
                        each for each in there if each.outcome in {Outcome.OK, Outcome.SLOW} and each.at_ms < before_ms
                    ]
                    assert last_good(store, probe_id, location, before_ms=before_ms) == (good[-1] if good else None)
        store.close()


def test_an_interval_takes_a_row_only_when_it_changes(store: Store) -> None:
    know(store, "api")
    intervals = [1, 1, 1, 5, 5, 1]
    append(store, *(result(T0 + n, interval_ms=each * MINUTE) for n, each in enumerate(intervals)))
    append(store, result(T0 + 9, interval_ms=MINUTE))
    rows = store.rows("SELECT from_ms, interval_ms FROM intervals")
    assert [tuple(row) for row in rows] == [(T0, MINUTE), (T0 + 3, 5 * MINUTE), (T0 + 5, MINUTE)]


def test_only_results_that_are_not_ok_have_details(store: Store) -> None:
    know(store, "api")
    append(store, result(T0, phases=Phases(wait_us=1)), failed(T0 + 1), result(T0 + 2, outcome=Outcome.SLOW))
    rows = store.rows("SELECT r.at_ms FROM results r JOIN result_details d USING (hour, series, after_ms)")
    assert [row["at_ms"] for row in rows] == [T0 + 1, T0 + 2]


def test_a_repeated_check_keeps_its_first_result_and_details(store: Store) -> None:
    know(store, "api")
    append(store, result(T0))
    append(store, failed(T0, interval_ms=MINUTE))
    assert last_results(store, "api", "here", 9) == [result(T0)]
    assert store.rows("SELECT * FROM result_details") == []


def test_the_newest_come_first_and_no_more_than_asked_for(store: Store) -> None:
    know(store, "api", "web")
    append(store, *(result(T0 + n) for n in range(5)), result(T0 + 7, probe_id="web"))
    assert [each.at_ms for each in last_results(store, "api", "here", 2)] == [T0 + 4, T0 + 3]


def test_failed_checks_are_counted_in_a_half_open_window(store: Store) -> None:
    know(store, "api")
    append(store, *(failed(T0 + n) for n in range(5)), result(T0 + 9))
    assert count_failed(store, "api", "here", T0 + 1, T0 + 3) == 2
    assert count_failed(store, "api", "here", T0, T0 + 99) == 5
    assert count_failed(store, "api", "there", T0, T0 + 99) == 0


def test_the_first_check_is_remembered_from_any_location(store: Store) -> None:
    know(store, "api")
    assert find_first_check_ms(store, "api") is None
    append(store, result(T0 + 5))
    append(store, result(T0 + 2, location="there"))
    assert find_first_check_ms(store, "api") == T0 + 2
