"""What stands in for a store goes on where that stopped, and comes home as if nothing had been."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store import carriers, incidents, outbox
from prober.adapters.store.db import Store, open_in_memory, open_store
from prober.adapters.store.merge import Merged, merge, seed
from prober.adapters.store.merge.seed import PARTS
from prober.adapters.store.results import last_results
from prober.adapters.store.states import all_states
from prober.errors import StoreError
from tests.adapters.store.life import Life, content
from tests.adapters.store.test_merge import Stores, grown_apart, numbers, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAST = {"hours", "days", "maintenance", "notices", "runs", "_sqlite_migrations"}
DEEDS = st.text("...xxxxss?aaggucbkrfF+<zZlLhmm", max_size=25)
MEANWHILE = st.text("...xxxxss?aaggucb+<zZlLmm", max_size=25)  # people find nothing new in a stand-in


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = Stores(tmp_path)
    yield made
    made.close()


def standing_in(source: Store) -> Store:
    standin = open_in_memory(now_ms=9)
    seed(standin, source)
    return standin


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=DEEDS, meanwhile=MEANWHILE, clock=st.sampled_from([0, -7_200_000]))
def test_what_happens_in_a_stand_in_is_what_would_have_happened_in_the_store(
    tmp_path_factory: pytest.TempPathFactory, before: str, meanwhile: str, clock: int
) -> None:
    stores = Stores(tmp_path_factory.mktemp("stores"))
    source = stores.new()
    life = Life(source).play(before)
    outbox.release_leases(source)
    without_a_fault = stores.copy(source)
    with closing(standing_in(source)) as standin:
        for store in (standin, without_a_fault):
            Life(store, now_ms=life.now_ms + clock).play(meanwhile)
            outbox.release_leases(store)
        merge(source, standin)
        assert content(source) == content(without_a_fault)
        assert numbers(source) == numbers(without_a_fault)
        assert {each: row["id"] for each, row in rows(source).items()} == {
            each: row["id"] for each, row in rows(without_a_fault).items()
        }
        assert merge(source, standin) == Merged()
    stores.close()


def test_an_alert_that_the_stand_in_sent_is_sent_and_one_that_waits_waits_once(stores: Stores) -> None:
    source = stores.new()
    life = Life(source).play("xx")
    with closing(standing_in(source)) as standin:
        Life(standin, now_ms=life.now_ms).play("a")
        merge(source, standin)
    assert sorted(row["state"] for row in rows(source).values()) == ["queued", "sent"]
    assert len(outbox.all_waiting(source)) == 1


def test_new_numbers_go_on_where_those_of_the_source_end(stores: Stores) -> None:
    source = stores.new()
    life = Life(source).play("xxaa..aa")
    with closing(standing_in(source)) as standin:
        assert incidents.all_incidents(standin) == []
        Life(standin, now_ms=life.now_ms).play("xx")
        assert [each.number for each in incidents.all_incidents(standin)] == [2]
        assert [row.id for row in outbox.all_waiting(standin)] == [5, 6]
        assert standin.installation == source.installation


def test_what_is_over_and_told_stays_behind(stores: Stores) -> None:
    source = stores.new()
    life = Life(source).play("xxaa..aazZ" + "." * 100)
    life.play("xxa")
    with closing(standing_in(source)) as standin:
        (open_one,) = incidents.all_incidents(standin)
        assert open_one.number == 2
        assert {row["state"] for row in rows(standin).values()} == {"sent", "queued"}
        assert len(last_results(standin, "api", "here", 999)) == 1
        assert [row[0] for row in standin.rows("SELECT count(*) FROM rounds")] == [1]
        assert all_states(standin, "here") == all_states(source, "here")


def test_what_waits_comes_with_all_that_its_message_needs(stores: Stores) -> None:
    source = stores.new()
    Life(source, recipients=("ops@acme.example",)).play("xxa..xx..b")
    with closing(standing_in(source)) as standin:
        assert rows(standin).keys() == rows(source).keys()
        (batch,) = outbox.all_waiting(standin)
        assert batch.kind == "several"
        assert outbox.first_message_id(standin, 1, "ops", "ops@acme.example") == outbox.first_message_id(
            source, 1, "ops", "ops@acme.example"
        )
        stale = carriers.find_mergeable(standin, 2, "ops", "ops@acme.example")
        assert stale == carriers.find_mergeable(source, 2, "ops", "ops@acme.example")


def test_alerts_that_an_incident_took_over_come_with_the_one_that_they_were_about(stores: Stores) -> None:
    source, other = grown_apart(stores, ".", "xx", "xx")
    merge(source, other)
    assert [each.ended_at_ms is None for each in incidents.all_incidents(source)].count(True) == 1
    with closing(standing_in(source)) as standin:
        assert rows(standin) == rows(source)
        assert incidents.all_incidents(standin) == incidents.all_incidents(source)
        told = "SELECT o.id, o.incident AS told_with, e.incident FROM outbox o JOIN events e ON e.id = o.event"
        assert {row["told_with"] == row["incident"] for row in standin.rows(told)} == {True, False}


def test_an_empty_store_is_stood_in_for_by_an_empty_one(stores: Stores) -> None:
    source = stores.new()
    with closing(standing_in(source)) as standin:
        assert content(standin) == content(source)


def test_nothing_is_written_unless_all_could_be_read(stores: Stores) -> None:
    source = stores.new()
    Life(source).play("xx")
    source.write("DROP TABLE blackouts")
    with closing(open_in_memory(now_ms=0)) as standin:
        was = standin.installation
        with pytest.raises(StoreError):
            seed(standin, source)
        assert standin.installation == was
        assert rows(standin) == {}


def test_a_source_that_can_only_be_read_is_enough(stores: Stores) -> None:
    source = stores.new()
    Life(source).play("xx")
    source.write("PRAGMA query_only = ON")
    with closing(standing_in(source)) as standin:
        assert len(outbox.all_waiting(standin)) == 2


def test_every_table_is_either_alive_or_past(stores: Stores) -> None:
    store = stores.new()
    tables = {row["name"] for row in store.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert PARTS.keys() | PAST | {"sqlite_sequence"} == tables


def test_a_stand_in_may_lie_in_a_file_and_be_opened_again(stores: Stores, tmp_path: Path) -> None:
    source = stores.new()
    life = Life(source).play("xx")
    with closing(open_store(tmp_path / "standin.db", now_ms=0)) as standin:
        seed(standin, source)
        Life(standin, now_ms=life.now_ms).play("aa")
    with closing(open_store(tmp_path / "standin.db", now_ms=0)) as standin:
        merge(source, standin)
    assert outbox.all_waiting(source) == []
