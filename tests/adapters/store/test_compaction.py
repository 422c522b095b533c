"""A store stays small, and keeps what the next run needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.store import events, incidents, notes, outbox, rounds, runs
from prober.adapters.store.public import KEEP_MS, KEEP_ROLLUPS_MS, compact
from prober.adapters.store.results import append_results
from prober.adapters.store.rounds import RoundRow
from prober.adapters.store.runs import RunRow
from prober.core.alerts import AlertKind
from prober.core.people import Action, Note
from prober.core.rollup import DAY_MS, HOUR_MS
from tests.adapters.store.builders import T0, begin, know, queue, result
from tests.adapters.store.life import Life

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

NOW_MS = T0 - T0 % DAY_MS + 600 * DAY_MS


@pytest.fixture(autouse=True)
def _watched_lately(store: Store) -> None:
    """Let there be checks in each of the last hours: a clock that nothing bears out is not believed."""
    know(store, "web")
    with store.transaction():
        append_results(store, [result(NOW_MS - hours * HOUR_MS - 1, probe_id="web") for hours in range(26, -1, -1)])


def count(store: Store, table: str) -> int:
    return int(store.rows(f"SELECT count(*) FROM {table}")[0][0])


def count_results(store: Store) -> int:
    query = "SELECT count(*) FROM results r JOIN series s ON s.no = r.series WHERE s.probe = 'api'"
    return int(store.rows(query)[0][0])


def check(store: Store, *days_ago: float) -> None:
    know(store, "api")
    for days in sorted(days_ago, reverse=True):
        at_ms = round(NOW_MS - days * DAY_MS)
        with store.transaction():
            append_results(store, [result(at_ms)])
            rounds.record_round(
                store,
                RoundRow(
                    location="here",
                    started_at_ms=at_ms,
                    ended_at_ms=at_ms,
                    checks=1,
                    is_offline=False,
                    host="h",
                    pid=1,
                ),
            )
            runs.save_run(store, RunRow(location="here", run=f"{at_ms}.1", trigger="schedule", started_at_ms=at_ms))


def test_single_results_rounds_and_runs_stay_for_two_weeks(store: Store) -> None:
    check(store, 500, 20, 14.1, 13.9, 1, 0)
    compact(store, now_ms=NOW_MS)
    assert (count_results(store), count(store, "rounds"), count(store, "runs")) == (3, 3, 3)


def test_a_clock_that_is_years_ahead_drops_nothing_of_what_was_checked_lately(store: Store) -> None:
    check(store, 13.9, 1, 0)
    compact(store, now_ms=NOW_MS + 1000 * DAY_MS)
    assert (count_results(store), count(store, "rounds"), count(store, "runs")) == (3, 3, 3)


def test_what_came_out_of_older_checks_stays_for_400_days(store: Store) -> None:
    check(store, 500, 401, 400, 399, 20, 0)
    compact(store, now_ms=NOW_MS)
    first_day = (NOW_MS - KEEP_ROLLUPS_MS) // DAY_MS
    days = [row["day"] for row in store.rows("SELECT day FROM days ORDER BY day")]
    assert days[:2] == [first_day, first_day + 1]
    hours = [row["hour"] // 24 for row in store.rows("SELECT hour FROM hours WHERE ok ORDER BY hour")]
    assert hours[:2] == [first_day, first_day + 1]


def test_to_compact_twice_changes_nothing(store: Store) -> None:
    check(store, 500, 20, 1)
    Life(store, now_ms=NOW_MS - 30 * DAY_MS).play("xx..aaaa..xx")
    compact(store, now_ms=NOW_MS)
    before = store.connection.serialize()
    compact(store, now_ms=NOW_MS)
    assert store.connection.serialize() == before


def test_incidents_and_what_people_did_about_them_stay_for_ever(store: Store) -> None:
    Life(store).play("xxaa..aa")
    (incident,) = incidents.all_incidents(store)
    notes.add_note(store, incident, Note(at_ms=1, who="anna", action=Action.NOTED))
    compact(store, now_ms=NOW_MS)
    assert len(incidents.all_incidents(store)) == 1
    assert len(notes.all_notes(store, incident.number)) == 1
    assert (count(store, "outbox"), count(store, "events")) == (0, 0)


def test_who_was_told_of_an_open_incident_stays_known(store: Store) -> None:
    Life(store).play("..xxaa")
    told, first = outbox.told(store, 1), outbox.first_message_id(store, 1, "ops", "ops@acme.example")
    compact(store, now_ms=NOW_MS)
    assert outbox.told(store, 1) == told != set()
    assert outbox.first_message_id(store, 1, "ops", "ops@acme.example") == first is not None


def test_what_waits_stays_with_all_that_its_message_needs(store: Store) -> None:
    Life(store, recipients=("ops@acme.example",)).play("xxa..xx..b")
    before = count(store, "outbox"), count(store, "events")
    compact(store, now_ms=NOW_MS)
    assert (count(store, "outbox"), count(store, "events")) == before
    assert store.rows("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize(("days", "stays"), [(13, True), (15, False)])
def test_what_was_told_of_an_incident_that_is_over_stays_for_two_weeks(store: Store, days: int, stays: bool) -> None:
    Life(store, now_ms=NOW_MS - days * DAY_MS).play("xxaa..aa")
    compact(store, now_ms=NOW_MS)
    assert (count(store, "outbox") > 0, count(store, "events") > 0) == (stays, stays)
    assert KEEP_MS == 14 * DAY_MS


def test_what_was_told_once_for_all_is_remembered(store: Store) -> None:
    sent = queue(store, "a certificate", kind=AlertKind.CERTIFICATE)
    with store.transaction():
        outbox.mark_sent(store, sent.id, T0)
    compact(store, now_ms=NOW_MS)
    assert events.is_recorded(store, "a certificate")
    assert count(store, "outbox") == 0


def test_the_numbers_of_what_is_gone_are_not_given_again(store: Store) -> None:
    know(store, "api")
    old = queue(store, "e1", incident=begin(store))
    with store.transaction():
        outbox.mark_sent(store, old.id, T0)
        store.write("UPDATE incidents SET ended_at_ms = started_at_ms, closed_as = 'recovered'")
    compact(store, now_ms=NOW_MS)
    assert queue(store, "e2").id > old.id


def test_an_empty_store_is_compact(store: Store) -> None:
    compact(store, now_ms=NOW_MS)
    assert count(store, "meta") == 2
