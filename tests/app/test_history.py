"""Figures over windows, as the store holds them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.store import results
from prober.app import history
from prober.app.history import Histories
from prober.app.keeping import keep_house
from prober.core.histogram import percentile
from prober.core.model import Outcome, Result
from prober.core.model import Reason as Why
from prober.core.rollup import DAY_MS
from prober.core.uptime import Period
from tests.adapters.store.builders import begin, know
from tests.adapters.store.builders import result as a_result
from tests.fakes import MIN_MS, T0

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prober.adapters.store.db import Store
    from tests.app.world import World

HOUR_MS = 60 * MIN_MS


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    with closing(world.open()) as store:
        know(store, "api")
        yield store


def keep(store: Store, found: Iterable[Result]) -> None:
    with store.transaction():
        results.append_results(store, list(found))


def every_5_minutes(hours: int, until_ms: int = T0) -> list[Result]:
    """Return good checks with latencies of 1 to 10 ms, the newest 5 minutes ago."""
    return [
        a_result(until_ms - n * 5 * MIN_MS, latency_us=1_000 * (1 + n % 10), interval_ms=5 * MIN_MS)
        for n in range(hours * 12, 0, -1)
    ]


def test_a_probe_that_was_never_checked_has_no_data(store: Store) -> None:
    day, month = history.figures(store, "api", T0)
    assert (day.window, month.window) == ("24h", "30d")
    assert (day.uptime_percent, day.coverage_percent, month.uptime_percent) == (None, None, None)
    assert history.percentiles_of_day(store, "api", "here", T0).p50_us is None


def test_a_window_begins_no_earlier_than_the_first_check(store: Store) -> None:
    keep(store, every_5_minutes(6))
    for each in history.figures(store, "api", T0):
        assert (each.uptime_percent, each.coverage_percent) == (100, 100)


def test_downtime_is_what_was_observed_inside_down_incidents(store: Store) -> None:
    keep(store, every_5_minutes(24))
    begin(store, at_ms=T0 - 6 * HOUR_MS)
    store.write("UPDATE incidents SET ended_at_ms = :end, closed_as = 'recovered'", {"end": T0 - 3 * HOUR_MS})
    (day, _) = history.figures(store, "api", T0)
    assert day.uptime_percent == pytest.approx(100 * 21 / 24)


def test_an_open_incident_lasts_until_now(store: Store) -> None:
    keep(store, every_5_minutes(24))
    begin(store, at_ms=T0 - 6 * HOUR_MS)
    assert history.figures(store, "api", T0)[0].uptime_percent == pytest.approx(75)


@pytest.mark.parametrize("spared", ["false_positive = 1", "kind = 'slow'"])
def test_false_positives_and_slow_incidents_cost_no_uptime(store: Store, spared: str) -> None:
    keep(store, every_5_minutes(24))
    begin(store, at_ms=T0 - 6 * HOUR_MS)
    store.write(f"UPDATE incidents SET {spared}")
    assert history.figures(store, "api", T0)[0].uptime_percent == 100


def test_percentiles_of_a_day_are_exact(store: Store) -> None:
    keep(store, every_5_minutes(48))
    found = history.percentiles_of_day(store, "api", "here", T0)
    assert (found.window, found.p50_us, found.p95_us, found.p99_us) == ("24h", 5_000, 10_000, 10_000)


def test_percentiles_of_longer_windows_err_by_at_most_2_5_percent(store: Store) -> None:
    keep(store, every_5_minutes(48))
    histories = Histories(store, ["api"], since_ms=T0 - 2 * DAY_MS, now_ms=T0)
    (seen,) = histories.windows({"2d": Period(from_ms=T0 - 2 * DAY_MS, to_ms=T0)}, "here")["api"]
    latencies = sorted(each.latency_us or 0 for each in every_5_minutes(48))
    for found, q in ((seen.p50_us, 50), (seen.p95_us, 95), (seen.p99_us, 99)):
        assert found == pytest.approx(percentile(latencies, q), rel=0.025)


def test_percentiles_of_a_day_whose_results_are_gone_come_from_histograms(store: Store) -> None:
    keep(store, every_5_minutes(48))
    while keep_house(store, keep_ms=HOUR_MS, now_ms=T0, is_sure=True):
        pass
    found = history.percentiles_of_day(store, "api", "here", T0 - DAY_MS)
    assert found.p50_us == pytest.approx(5_000, rel=0.025)
    assert found.p99_us == pytest.approx(10_000, rel=0.025)


def test_percentiles_are_of_one_location_and_of_answers_alone(store: Store) -> None:
    keep(store, [a_result(T0 - 9), a_result(T0 - 8, location="there", latency_us=9_000_000)])
    keep(store, [a_result(T0 - 7, outcome=Outcome.FAILED, reason=Why.RESET, latency_us=None)])
    assert history.percentiles_of_day(store, "api", "here", T0).p99_us == 61_200


def test_a_window_holds_its_beginning_and_not_its_end(store: Store) -> None:
    keep(store, [a_result(T0 - DAY_MS, latency_us=1), a_result(T0, latency_us=2)])
    found = history.percentiles_of_day(store, "api", "here", T0)
    assert (found.p50_us, found.p99_us) == (1, 1)


def test_ninety_days_are_told_apart_the_last_one_ending_now(store: Store) -> None:
    keep(store, every_5_minutes(24, T0 - DAY_MS))
    begin(store, at_ms=T0 - 2 * DAY_MS + HOUR_MS)
    store.write("UPDATE incidents SET ended_at_ms = started_at_ms + 1, closed_as = 'recovered'")
    days = Histories(store, ["api"], since_ms=T0 - 90 * DAY_MS, now_ms=T0).of("api").days()
    assert len(days) == 90
    assert [day.had_incident for day in days[-3:]] == [False, True, False]
    assert [day.uptime_percent is None for day in days[-3:]] == [True, False, False]
