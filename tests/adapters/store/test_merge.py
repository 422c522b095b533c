"""Two stores become one: by key, in any order, as often as you like, with nothing lost and nothing invented."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store import incidents, notes, outbox, rounds, states
from prober.adapters.store.db import Store, open_in_memory, open_store
from prober.adapters.store.faults import CorruptStore
from prober.adapters.store.merge import Merged, merge
from prober.adapters.store.merge import results as merged_results
from prober.adapters.store.probes import ensure_probes
from prober.adapters.store.results import append_results, last_results
from prober.core.alerts import AlertKind
from prober.core.model import Kind, ProbeState
from tests.adapters.store.builders import T0, failed, know, probe, result
from tests.adapters.store.life import Life, content

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEEDS = st.text("...xxxxss?aaggucbdkrfF+zZlLhmm", max_size=25)
DOWN, UP_AGAIN = "xx", ".."


@cache
def empty_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        open_store(path, now_ms=0).close()
        return path.read_bytes()


class Stores:
    """Stores in one folder, closed at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: list[Store] = []

    def new(self) -> Store:
        path = self._path()
        path.write_bytes(empty_store())
        return self._open(path)

    def copy(self, store: Store) -> Store:
        path = self._path()
        with closing(sqlite3.connect(path)) as target:
            store.connection.backup(target)
        return self._open(path)

    def close(self) -> None:
        for each in self._opened:
            each.close()

    def _path(self) -> Path:
        return self._folder / f"{len(self._opened)}.db"

    def _open(self, path: Path) -> Store:
        self._opened.append(open_store(path, now_ms=0))
        self._opened[-1].write("PRAGMA synchronous = OFF")  # no test cuts the power
        return self._opened[-1]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = Stores(tmp_path)
    yield made
    made.close()


def grown_apart(stores: Stores, before: str, here: str, there: str) -> tuple[Store, Store]:
    """Return two copies of a store that went different ways."""
    ours = stores.new()
    life = Life(ours).play(before)
    theirs = stores.copy(ours)
    Life(theirs, now_ms=life.now_ms, salt=1).play(there)
    life.salt = 2
    life.play(here)
    return ours, theirs


def rows(store: Store) -> dict[str, dict[str, Any]]:
    """Return each alert by its Message-ID, with what tells it."""
    found = store.rows(
        "SELECT o.*, c.state AS told_as, c.message_id AS told_by FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier"
    )
    return {row["message_id"]: dict(row) for row in found}


def waits(row: dict[str, Any]) -> bool:
    return (row["told_as"] or row["state"]) in {"queued", "sending"}


def open_at(store: Store) -> list[tuple[str, int]]:
    return [(each.uid, each.started_at_ms) for each in incidents.all_incidents(store, open_only=True)]


# What any two stores come to.

any_pair = given(before=DEEDS, here=DEEDS, there=DEEDS)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@thorough
@any_pair
def test_merging_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, before: str, here: str, there: str
) -> None:
    stores = Stores(tmp_path_factory.mktemp("stores"))
    ours, theirs = grown_apart(stores, before, here, there)
    others = content(theirs)
    merge(ours, theirs)
    once = content(ours)
    assert merge(ours, theirs) == Merged()
    assert content(ours) == once
    assert content(theirs) == others
    assert ours.rows("PRAGMA foreign_key_check") == []
    stores.close()


@thorough
@any_pair
def test_it_does_not_matter_which_store_takes_in_which(
    tmp_path_factory: pytest.TempPathFactory, before: str, here: str, there: str
) -> None:
    stores = Stores(tmp_path_factory.mktemp("stores"))
    ours, theirs = grown_apart(stores, before, here, there)
    for each in (ours, theirs):
        outbox.release_leases(each)  # as the next process does
    as_it_was = stores.copy(ours)
    merge(ours, theirs)
    merge(theirs, as_it_was)
    assert content(ours) == content(theirs)
    stores.close()


@thorough
@given(before=DEEDS, there=DEEDS, clock=st.sampled_from([0, 1000, -100_000]))
def test_of_one_history_the_later_state_stands_whatever_the_clock_says(
    tmp_path_factory: pytest.TempPathFactory, before: str, there: str, clock: int
) -> None:
    stores = Stores(tmp_path_factory.mktemp("stores"))
    ours = stores.new()
    life = Life(ours).play(before)
    outbox.release_leases(ours)
    theirs = stores.copy(ours)
    Life(theirs, now_ms=life.now_ms + clock, salt=1).play(there)
    outbox.release_leases(theirs)
    later = content(theirs)
    assert merge(theirs, ours) == Merged()
    merge(ours, theirs)
    assert content(ours) == later
    stores.close()


@thorough
@any_pair
def test_nothing_accepted_is_sent_again_and_nothing_that_waits_is_lost(
    tmp_path_factory: pytest.TempPathFactory, before: str, here: str, there: str
) -> None:
    stores = Stores(tmp_path_factory.mktemp("stores"))
    ours, theirs = grown_apart(stores, before, here, there)
    one, other = rows(ours), rows(theirs)
    merge(ours, theirs)
    for message_id, row in rows(ours).items():
        copies = [each[message_id] for each in (one, other) if message_id in each]
        if any(each["state"] == "sent" for each in copies):
            assert row["state"] == "sent"
        elif all(map(waits, copies)):
            is_empty_batch = row["kind"] == AlertKind.SEVERAL and row["state"] == "closed"
            assert waits(row) or row["told_as"] == "sent" or is_empty_batch, row
        if waits(row) and any(each["fate"] == "unknown" for each in copies):
            assert row["fate"] == "unknown"
            assert row["frozen"] in [each["frozen"] for each in copies if each["fate"] == "unknown" or each["frozen"]]
    assert rows(ours).keys() == one.keys() | other.keys()
    stores.close()


@thorough
@any_pair
def test_the_rules_go_on_from_what_was_merged(
    tmp_path_factory: pytest.TempPathFactory, before: str, here: str, there: str
) -> None:
    stores = Stores(tmp_path_factory.mktemp("stores"))
    ours, theirs = grown_apart(stores, before, here, there)
    merge(ours, theirs)
    state = states.all_states(ours, "here").get("api", ProbeState())
    since = {Kind.DOWN: state.down_since_ms, Kind.SLOW: state.slow_since_ms}
    believed = {kind: at_ms for kind, at_ms in since.items() if at_ms is not None}
    assert believed == {each.kind: each.started_at_ms for each in incidents.all_incidents(ours, open_only=True)}
    Life(ours, now_ms=T0 + 10**9).play("..xx..ss....")
    assert open_at(ours) == []
    stores.close()


# Results.


checked = st.lists(st.tuples(st.integers(0, 12), st.sampled_from([60_000, 300_000])), max_size=12)


@thorough
@given(here=checked, there=checked, batch=st.integers(1, 4))
def test_each_result_keeps_the_interval_that_it_was_made_under(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    here: Sequence[tuple[int, int]],
    there: Sequence[tuple[int, int]],
    batch: int,
) -> None:
    monkeypatch.setattr(merged_results, "BATCH", batch)
    stores = Stores(tmp_path_factory.mktemp("stores"))
    ours, theirs = stores.new(), stores.new()
    known: dict[int, int] = {}
    for store, checks in ((theirs, there), (ours, here)):
        know(store, "api")
        made = {T0 + number * 1_500_000: interval_ms for number, interval_ms in reversed(checks)}
        for at_ms, interval_ms in made.items():
            with store.transaction():
                append_results(store, [result(at_ms, interval_ms=interval_ms)])
        known |= made  # what is stored stands
    merge(ours, theirs)
    assert {each.at_ms: each.interval_ms for each in last_results(ours, "api", "here", 99)} == known
    stores.close()


def test_results_come_with_all_that_is_known_of_them(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    seen = [failed(T0, excerpt="Bad Gateway"), result(T0 + 60_000), failed(T0 + 120_000, location="there")]
    know(theirs, "db", "api")
    with theirs.transaction():
        append_results(theirs, seen)
    know(ours, "api")
    assert merge(ours, theirs) == Merged(probes=1, results=3)
    assert last_results(ours, "api", "here", 9) == [seen[1], seen[0]]
    assert last_results(ours, "api", "there", 9) == [seen[2]]


def test_a_result_that_is_stored_stands(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    for store, seen in ((ours, result(T0)), (theirs, failed(T0))):
        know(store, "api")
        with store.transaction():
            append_results(store, [seen])
    assert merge(ours, theirs) == Merged()
    assert last_results(ours, "api", "here", 9) == [result(T0)]


def test_a_series_begins_with_the_first_check_that_either_made(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    for store, at_ms in ((ours, T0), (theirs, T0 - 60_000)):
        know(store, "api")
        with store.transaction():
            append_results(store, [result(at_ms)])
    merge(ours, theirs)
    assert [row[0] for row in ours.rows("SELECT first_at_ms FROM series")] == [T0 - 60_000]


def test_a_probe_keeps_the_name_that_it_has_here(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    for store, name in ((ours, "our name"), (theirs, "their name")):
        with store.transaction():
            ensure_probes(store, [probe("api", name=name), probe(name)])
    merge(ours, theirs)
    named = {row["id"]: row["name"] for row in ours.rows("SELECT id, name FROM probes")}
    assert named == {"api": "our name", "our name": "our name", "their name": "their name"}


def test_a_big_store_comes_in_batches_between_which_others_can_write(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged_results, "BATCH", 10)
    ours, theirs = stores.new(), stores.new()
    Life(theirs).play("." * 200)
    service = open_store(ours.path, now_ms=0, wait_s=0)
    told: list[tuple[int, int]] = []

    def serve(done: int, total: int) -> None:
        told.append((done, total))
        Life(service, location="elsewhere", now_ms=T0 + done).play(".")

    merge(ours, theirs, on_progress=serve)
    assert len(told) == 4  # hours are never split
    assert told[-1] == (200, 200)
    assert len(last_results(ours, "api", "here", 999)) == 200
    service.close()


def test_what_a_service_adds_meanwhile_keeps_its_interval(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged_results, "BATCH", 1)
    ours, theirs = stores.new(), stores.new()
    Life(ours).play(".")
    Life(theirs, salt=1).play("+." * 40)
    service = open_store(ours.path, now_ms=0)

    def serve(done: int, _total: int) -> None:
        if done < 20:
            Life(service, now_ms=T0 + 100_000_000 + done).play(".")

    merge(ours, theirs, on_progress=serve)
    intervals = {each.at_ms < T0 + 100_000_000: each.interval_ms for each in last_results(ours, "api", "here", 40)}
    assert intervals == {True: 300_000, False: 60_000}
    service.close()


# States.


@pytest.mark.parametrize("clock", [60_000, -3_600_000], ids=["goes on", "was put back"])
def test_a_state_is_later_when_its_store_has_seen_the_last_check_of_the_other(stores: Stores, clock: int) -> None:
    ours = stores.new()
    life = Life(ours).play("..x")
    theirs = stores.copy(ours)
    Life(theirs, now_ms=life.now_ms + clock).play("x")
    merge(ours, theirs)
    state = states.all_states(ours, "here")["api"]
    assert state.down_since_ms is not None
    life.now_ms += 2 * clock
    life.play(UP_AGAIN)
    assert merge(ours, theirs) == Merged()
    assert states.all_states(ours, "here")["api"].down_since_ms is None


def test_the_state_of_another_location_is_added(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    Life(ours).play("..")
    Life(theirs, location="there").play(DOWN)
    merge(ours, theirs)
    assert states.all_states(ours, "here")["api"].down_since_ms is None
    assert states.all_states(ours, "there")["api"].down_since_ms is not None


# Incidents.


def test_an_incident_that_ended_elsewhere_has_ended_and_its_state_forgets_it(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, DOWN, "x", "r")
    merge(ours, theirs)
    (ended,) = incidents.all_incidents(ours)
    assert ended.closed_as == "resolved"
    assert states.all_states(ours, "here")["api"].failing.count == 0
    Life(ours, now_ms=T0 + 10**9).play(DOWN)
    assert len(open_at(ours)) == 1


def test_of_two_ends_the_earlier_stands(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, DOWN, "x..", "..")
    (earlier,) = incidents.all_incidents(theirs)
    merge(ours, theirs)
    (ended,) = incidents.all_incidents(ours)
    assert (ended.ended_at_ms, ended.closed_as) == (earlier.ended_at_ms, "recovered")


def test_two_open_incidents_become_the_one_that_began_earlier(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, "..", "x.xx", DOWN)
    ((ours_uid, _),), ((theirs_uid, began_ms),) = open_at(ours), open_at(theirs)
    merge(ours, theirs)
    assert open_at(ours) == [(theirs_uid, began_ms)]
    (closed,) = [each for each in incidents.all_incidents(ours) if each.uid == ours_uid]
    assert (closed.closed_as, closed.ended_at_ms) == ("superseded", closed.started_at_ms)
    assert states.all_states(ours, "here")["api"].down_since_ms == began_ms


@pytest.mark.parametrize(("here", "there"), [("x.xx", "xx"), ("xx", "x.xx")])
def test_who_was_told_of_either_is_told_of_the_end_once(stores: Stores, here: str, there: str) -> None:
    ours, theirs = stores.new(), stores.new()
    one, other = "one@acme.example", "other@acme.example"
    Life(ours, recipients=(one,)).play(f"..{here}a")
    Life(theirs, recipients=(other,), salt=1).play(f"..{there}a")
    merge(ours, theirs)
    Life(ours, now_ms=T0 + 10**7).play(UP_AGAIN)
    told = [(each.kind, each.recipient) for each in outbox.all_waiting(ours)]
    assert told == [(AlertKind.RECOVERED, one), (AlertKind.RECOVERED, other)]


def test_an_open_incident_that_the_later_state_does_not_know_ends_by_the_usual_count(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, "..", "xxaa", "......")
    merge(ours, theirs)
    assert len(open_at(ours)) == 1
    life = Life(ours, now_ms=T0 + 10**7).play(".")
    assert len(open_at(ours)) == 1
    life.play(".")
    assert open_at(ours) == []


def test_what_people_did_comes_along(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, DOWN, "", "kf")
    assert merge(ours, theirs).notes == 2
    (incident,) = incidents.all_incidents(ours)
    assert incident.acknowledged_by == "anna1"
    assert incident.false_positive
    assert [each.action for each in notes.all_notes(ours, incident.number)] == ["acknowledged", "false_positive"]


@pytest.mark.parametrize(("before", "there", "counts"), [("xx", "f", False), ("xxf", "F", True), ("xxfF", "f", False)])
def test_the_last_mark_says_whether_an_incident_counts(
    stores: Stores, before: str, there: str, *, counts: bool
) -> None:
    ours, theirs = grown_apart(stores, before, "x", there)
    for one, other in ((ours, theirs), (theirs, ours)):
        merge(one, other)
        (incident,) = incidents.all_incidents(one)
        assert incident.false_positive is not counts


def test_of_two_marks_made_apart_the_newer_says_whether_an_incident_counts(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, DOWN, "f", "..fF")
    for one, other in ((ours, theirs), (theirs, ours)):
        merge(one, other)
        (incident,) = incidents.all_incidents(one)
        assert not incident.false_positive


def test_a_mark_without_a_note_stays(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, DOWN, "", "")
    incidents.mark_false_positive(theirs, 1, is_one=True)
    merge(ours, theirs)
    (incident,) = incidents.all_incidents(ours)
    assert incident.false_positive


# Numbers.


def numbers(store: Store) -> dict[str, int]:
    return {each.uid: each.number for each in incidents.all_incidents(store)}


def test_numbers_that_are_free_are_kept_so_that_mails_stay_true(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, "xx..", "", "xx..xx")
    alerts = {message_id: row["id"] for message_id, row in rows(theirs).items()}
    merge(ours, theirs)
    assert numbers(ours) == numbers(theirs)
    assert {message_id: row["id"] for message_id, row in rows(ours).items()} == alerts


def test_numbers_that_are_taken_are_given_anew_in_order_and_named_anew(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    Life(ours).play("xx..xx")
    Life(theirs, location="there").play("xx..xx..b")
    merge(ours, theirs)
    by_number = {each.number: each for each in incidents.all_incidents(ours)}
    assert {number: each.location for number, each in by_number.items()} == {
        1: "here",
        2: "here",
        3: "there",
        4: "there",
    }
    assert by_number[3].started_at_ms < by_number[4].started_at_ms
    for table in ("events", "outbox"):
        named = ours.rows(f"SELECT incident, facts ->> '$.incident' AS said FROM {table} WHERE incident IS NOT NULL")
        assert all(row["incident"] == row["said"] for row in named)
    told = ours.rows("SELECT facts -> '$.members' AS members FROM outbox WHERE kind = 'several' ORDER BY id")
    assert [row["members"] for row in told] == ['[{"incident":3},{"incident":4}]'] * 2


def test_what_may_have_arrived_keeps_its_bytes_and_what_did_not_is_written_anew(stores: Stores) -> None:
    ours, theirs = stores.new(), stores.new()
    Life(ours).play(DOWN)
    Life(theirs, location="there").play("xxug")
    merge(ours, theirs)
    frozen = {row["fate"]: row["frozen"] for row in rows(ours).values()}
    assert frozen["unknown"].startswith(b"<there.api.down")
    assert frozen["refused"] is None


# Blackouts and rounds.


@pytest.mark.parametrize(
    ("before", "here", "there", "lasting"),
    [("", "", "z", 1), ("z", "", "Z", 0), ("z", "Z", "", 0), ("", "z", "<z", 1), ("", "<z", "z", 1)],
)
def test_a_location_is_in_one_blackout_at_most_and_out_of_it_when_anybody_knows(
    stores: Stores, before: str, here: str, there: str, lasting: int
) -> None:
    ours, theirs = grown_apart(stores, before, here, there)
    merge(ours, theirs)
    begun = [row["since_ms"] for row in ours.rows("SELECT since_ms FROM blackouts WHERE ended_at_ms IS NULL")]
    assert len(begun) == lasting
    assert begun == [row[0] for row in ours.rows("SELECT min(since_ms) FROM blackouts")][:lasting]


def test_a_round_that_goes_on_elsewhere_goes_on(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, ".", "", "")
    Life(theirs, now_ms=T0 + 60_000).play("..")
    assert merge(ours, theirs).rounds == 0
    assert [row["checks"] for row in ours.rows("SELECT checks FROM rounds")] == [3]
    last = rounds.last_round(ours)
    assert last is not None
    assert last.ended_at_ms == T0 + 180_001


# What is refused, and what is left as it was.


def test_a_store_is_not_merged_into_itself(stores: Stores) -> None:
    ours = stores.new()
    with pytest.raises(ValueError, match="into itself"):
        merge(ours, ours)
    with closing(open_store(ours.path, now_ms=0)) as again, pytest.raises(ValueError, match="into itself"):
        merge(ours, again)


def test_a_damaged_store_changes_nothing(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, "..", "", "xx" + "." * 300)
    (page,) = theirs.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'results'")[0]
    theirs.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = theirs.path.read_bytes()
    theirs.close()
    theirs.path.write_bytes(whole[: (page - 1) * 4096] + b"\xff" * 4096 + whole[page * 4096 :])
    as_it_was = content(ours)
    with closing(open_store(theirs.path, now_ms=0)) as damaged, pytest.raises(CorruptStore):
        merge(ours, damaged)
    assert content(ours) == as_it_was
    assert merge(ours, stores.new()) == Merged()


def test_a_store_in_memory_comes_home_too(stores: Stores) -> None:
    ours = stores.new()
    with closing(open_in_memory(now_ms=0)) as memory:
        Life(memory).play("xxa..")
        merge(ours, memory)
        assert content(ours) == content(memory)


def test_a_merge_that_fails_leaves_nothing_behind(stores: Stores) -> None:
    ours, theirs = grown_apart(stores, "", "", DOWN)
    as_it_was = content(ours)
    theirs.write("UPDATE incidents SET closed_as = 'recovered', ended_at_ms = 1")
    theirs.write("DELETE FROM series WHERE false")
    ours.write("CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(Exception, match="no"):
        merge(ours, theirs)
    assert content(ours) == as_it_was
    ours.write("DROP TRIGGER broken")
    assert merge(ours, theirs).alerts == 2
