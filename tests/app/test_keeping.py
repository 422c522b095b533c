"""Whatever was rolled up or pruned, and when: the figures stay those of all results that ever were."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store import results
from prober.adapters.store.db import open_store
from prober.adapters.store.rounds import RoundRow, record_round
from prober.app.history import Histories
from prober.app.keeping import keep_house
from prober.core.histogram import percentile
from prober.core.model import Outcome, Reason, Result
from prober.core.rollup import DAY_MS, HOUR_MS
from prober.core.uptime import Counts, Period
from tests.adapters.store.builders import begin, know, result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.adapters.store.db import Store
    from prober.core.report import WindowFigures

SLOT_MS = 600_000  # everything happens at a multiple of it, so that a naive model can ask about each
FIRST_DAY_MS = 20_000 * DAY_MS
SLOTS = 4 * 144
NOW_MS = FIRST_DAY_MS + SLOTS * SLOT_MS

MOMENTS = st.integers(0, SLOTS - 1)
INTERVALS = st.sampled_from([2, 4, 18, 144])


def at(slot: int) -> int:
    return FIRST_DAY_MS + slot * SLOT_MS


@st.composite
def checks(draw: st.DrawFn) -> Result:
    outcome = draw(st.sampled_from([Outcome.OK, Outcome.OK, Outcome.SLOW, Outcome.FAILED, Outcome.UNKNOWN]))
    is_good = outcome in {Outcome.OK, Outcome.SLOW}
    return result(
        at(draw(MOMENTS)),
        location=draw(st.sampled_from(["here", "there"])),
        outcome=outcome,
        reason=None if is_good else Reason.STATUS,
        latency_us=draw(st.integers(0, 10**7)) if is_good else None,
        interval_ms=draw(INTERVALS) * SLOT_MS,
    )


@dataclass(frozen=True)
class Keep:
    """Housekeeping: so many batches at most, at a time, keeping results for so long."""

    slot: int
    kept_slots: int
    batches: int


KEEPS = st.builds(Keep, slot=MOMENTS, kept_slots=st.integers(6, SLOTS), batches=st.integers(1, 9))


@st.composite
def runs(draw: st.DrawFn) -> list[Result]:
    """Return checks as a service makes them, one an interval."""
    first, every = draw(checks()), draw(INTERVALS) * SLOT_MS
    times = range(first.at_ms, min(first.at_ms + draw(st.integers(1, 20)) * every, NOW_MS), every)
    return [replace(first, at_ms=at_ms, interval_ms=every) for at_ms in times]


APPENDS = st.lists(checks().map(lambda each: [each]) | runs(), max_size=4).map(
    lambda them: sorted(chain.from_iterable(them), key=lambda each: each.at_ms)
)
STEPS = st.lists(APPENDS | KEEPS, max_size=8)
OUTAGES = st.lists(st.tuples(MOMENTS, st.integers(1, 60)), max_size=3)
WINDOWS = st.lists(st.tuples(MOMENTS, st.integers(1, SLOTS)), min_size=1, max_size=4)


@dataclass
class Model:
    """All results there ever were, and the plainest way to any figure."""

    results: dict[tuple[str, int], Result] = field(default_factory=dict)
    outages: list[tuple[int, int]] = field(default_factory=list)

    def add(self, each: Result) -> None:
        self.results.setdefault((each.location, each.at_ms), each)

    def of(self, location: str) -> list[Result]:
        return sorted((r for r in self.results.values() if r.location == location), key=lambda r: r.at_ms)

    def observed(self) -> set[int]:
        """Return the moments at which the last check before still observes, at either location."""
        found = set()
        for location in ("here", "there"):
            checks = self.of(location)
            for moment in map(at, range(SLOTS)):
                before = [each for each in checks if each.at_ms <= moment][-1:]
                if any(r.outcome is not Outcome.UNKNOWN and moment < r.at_ms + r.interval_ms * 3 // 2 for r in before):
                    found.add(moment)
        return found

    def spoilt(self) -> set[int]:
        return {moment for start, end in self.outages for moment in range(start, end, SLOT_MS)}

    def inside(self, window: Period) -> list[Result]:
        return [each for each in self.results.values() if window.from_ms <= each.at_ms < window.to_ms]


def measured(store: Store, windows: Sequence[Period]) -> list[WindowFigures]:
    since_ms = min(window.from_ms for window in windows)
    histories = Histories(store, ["api"], since_ms=since_ms, now_ms=NOW_MS)
    return list(histories.windows({str(n): window for n, window in enumerate(windows)}, "here")["api"])


def counted(store: Store) -> dict[str, int]:
    return {table: store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("hours", "results", "rounds")}


def round_of(ended_at_ms: int) -> RoundRow:
    return RoundRow(
        location="here",
        started_at_ms=ended_at_ms,
        ended_at_ms=ended_at_ms,
        checks=1,
        is_offline=False,
        host="web-1",
        pid=7,
    )


def keep(store: Store, step: Keep) -> None:
    for _ in range(step.batches):
        keep_house(store, keep_ms=step.kept_slots * SLOT_MS, now_ms=at(step.slot), is_sure=True)


def raw_from_ms(store: Store, location: str) -> int:
    row = store.find("SELECT raw_from_hour FROM series WHERE location = :location", {"location": location})
    return row["raw_from_hour"] * HOUR_MS if row else 0


def counts(them: Sequence[Result]) -> Counts:
    outcomes = [each.outcome for each in them]
    return Counts(**{outcome.value: outcomes.count(outcome) for outcome in Outcome})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / "prober.db", now_ms=0)) as opened:
        know(opened, "api", "web")
        yield opened


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, outages=OUTAGES, windows=WINDOWS)
def test_rolled_up_and_pruned_or_not_the_figures_are_those_of_all_results(
    steps: list[list[Result] | Keep], outages: list[tuple[int, int]], windows: list[tuple[int, int]]
) -> None:
    model = Model(outages=[(at(start), at(start + length)) for start, length in outages])
    with TemporaryDirectory() as folder, closing(open_store(Path(folder, "prober.db"), now_ms=0)) as store:
        know(store, "api")
        for number, (start, end) in enumerate(model.outages):
            begin(store, uid=str(number), at_ms=start)
            store.write(
                "UPDATE incidents SET ended_at_ms = :end, closed_as = 'recovered' WHERE ended_at_ms IS NULL",
                {"end": end},
            )
        for step in steps:
            if isinstance(step, Keep):
                keep(store, step)
                continue
            # What comes to an hour whose results are gone has tests of its own.
            fresh = [each for each in step if each.at_ms >= raw_from_ms(store, each.location)]
            fresh = list({(each.location, each.at_ms): each for each in reversed(fresh)}.values())[::-1]
            with store.transaction():
                results.append_results(store, fresh)
            for each in fresh:
                model.add(each)
        agree(store, model, [Period(from_ms=at(start), to_ms=at(start + length)) for start, length in windows])


def agree(store: Store, model: Model, windows: list[Period]) -> None:
    first_ms = min((each.at_ms for each in model.results.values()), default=NOW_MS)
    seen, spoilt = model.observed(), model.spoilt()
    gone_ms = max(raw_from_ms(store, location) for location in ("here", "there"))
    for window, figures in zip(windows, measured(store, windows), strict=True):
        moments = {moment for moment in seen if window.from_ms <= moment < window.to_ms}
        assert figures.uptime.observed_ms == len(moments) * SLOT_MS
        assert figures.uptime.downtime_ms == len(moments & spoilt) * SLOT_MS
        assert figures.uptime.window_ms == max(min(window.to_ms, NOW_MS) - max(window.from_ms, first_ms), 0)
        if window.from_ms < gone_ms and (window.from_ms % HOUR_MS or window.to_ms % HOUR_MS):
            continue  # counts are of whole hours there
        inside = model.inside(window)
        assert figures.uptime.checks == (counts(inside) if model.results else Counts())
        latencies = sorted(r.latency_us for r in inside if r.latency_us is not None and r.location == "here")
        for found, q in ((figures.p50_us, 50), (figures.p95_us, 95), (figures.p99_us, 99)):
            exact = percentile(latencies, q)
            assert found == (None if exact is None else pytest.approx(exact, rel=0.025))
            if window.to_ms - window.from_ms <= DAY_MS and window.from_ms >= gone_ms:
                assert found == exact


@pytest.mark.parametrize("kept_ms", [4 * DAY_MS, DAY_MS], ids=["whole", "pruned"])
def test_a_window_may_begin_at_any_time_of_any_day_that_is_rolled_up(store: Store, kept_ms: int) -> None:
    model = Model()
    for slot in range(0, SLOTS, 2):
        outcome = (Outcome.OK, Outcome.SLOW, Outcome.OK)[slot % 3]
        latency_us = (slot % 71 + 1) * 10_000
        model.add(result(at(slot), outcome=outcome, latency_us=latency_us, interval_ms=2 * SLOT_MS))
    with store.transaction():
        results.append_results(store, model.of("here"))
    keep_all(store, keep_ms=kept_ms, now_ms=NOW_MS)
    agree(store, model, [Period(from_ms=at(slot), to_ms=NOW_MS) for slot in range(0, SLOTS, 2)])


def test_the_house_is_kept_one_batch_a_call_until_nothing_is_left_to_do(store: Store) -> None:
    with store.transaction():
        results.append_results(store, [result(at(slot), interval_ms=SLOT_MS) for slot in range(SLOTS)])
        for slot in range(SLOTS):
            record_round(store, round_of(at(slot)))
    steps = [counted(store) for _ in iter(lambda: keep_house(store, keep_ms=2 * DAY_MS, now_ms=NOW_MS), False)]
    assert steps == [
        {"hours": 95, "results": 576, "rounds": 576},
        {"hours": 95, "results": 288, "rounds": 576},
        {"hours": 95, "results": 288, "rounds": 288},
    ]


def test_an_hour_that_is_just_over_may_still_get_results(store: Store) -> None:
    with store.transaction():
        results.append_results(store, [result(at(0))])
    found = []
    for now_ms in (at(6) + 299_999, at(6) + 300_000):
        keep_house(store, keep_ms=DAY_MS, now_ms=now_ms)
        found.append(counted(store)["hours"])
    assert found == [0, 1]


def keep_all(store: Store, *, keep_ms: int, now_ms: int) -> dict[str, int]:
    while keep_house(store, keep_ms=keep_ms, now_ms=now_ms):
        pass
    return counted(store)


def test_a_clock_that_is_far_ahead_costs_nothing_until_a_day_was_spent_there(store: Store) -> None:
    ahead_ms = 100 * DAY_MS
    with store.transaction():
        results.append_results(store, [result(at(slot), interval_ms=SLOT_MS) for slot in range(SLOTS)])
        for slot in range(SLOTS):
            record_round(store, round_of(at(slot)))
    kept = []
    for hour in range(25):
        with store.transaction():
            results.append_results(store, [result(NOW_MS + ahead_ms + hour * HOUR_MS)])
        now_ms = NOW_MS + ahead_ms + (hour + 1) * HOUR_MS + 300_000
        found = keep_all(store, keep_ms=90 * DAY_MS, now_ms=now_ms)
        kept.append((found["results"] - hour - 1, found["rounds"]))
    assert kept == [(SLOTS, SLOTS)] * 23 + [(0, 1)] * 2


def test_checks_from_a_time_when_the_clock_was_ahead_keep_nothing_from_being_pruned(store: Store) -> None:
    with store.transaction():
        results.append_results(store, [result(at(slot), interval_ms=SLOT_MS) for slot in range(SLOTS)])
        results.append_results(store, [result(NOW_MS + 100 * DAY_MS + hour * HOUR_MS) for hour in range(40)])
    keep_all(store, keep_ms=90 * DAY_MS, now_ms=NOW_MS + 100 * DAY_MS + 300_000)
    assert counted(store)["results"] == SLOTS + 40
    assert keep_all(store, keep_ms=DAY_MS, now_ms=NOW_MS + 300_000)["results"] == 144 + 40


def test_a_person_who_asks_for_it_is_believed(store: Store) -> None:
    with store.transaction():
        results.append_results(store, [result(at(0))])
    while keep_house(store, keep_ms=DAY_MS, now_ms=NOW_MS, is_sure=True):
        pass
    assert counted(store)["results"] == 0


def test_a_clock_that_was_years_ahead_costs_no_results_from_then_on(store: Store) -> None:
    ahead_ms = NOW_MS + 3_650 * DAY_MS
    for moment_ms in (at(0), ahead_ms):
        with store.transaction():
            results.append_results(store, [result(moment_ms)])
    while keep_house(store, keep_ms=DAY_MS, now_ms=ahead_ms + DAY_MS, is_sure=True):
        pass
    with store.transaction():
        results.append_results(store, [result(at(slot), interval_ms=SLOT_MS) for slot in range(6, 12)])
    while keep_house(store, keep_ms=DAY_MS, now_ms=at(30)):
        pass
    (figures,) = measured(store, [Period(from_ms=at(0), to_ms=at(12))])
    assert figures.uptime.checks == Counts(ok=7)
    assert figures.p50_us == pytest.approx(61_200, rel=0.025)
    assert counted(store)["results"] == 7
