"""Incidents are opened once, closed once, and found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.store import incidents
from prober.adapters.store.events import record_event
from prober.core.model import Closed, ClosedAs, Incident, Kind, Reason, Severity
from prober.errors import StoreError
from tests.adapters.store.builders import T0, begin, know, queue

if TYPE_CHECKING:
    from prober.adapters.store.db import Store


@pytest.fixture
def store(store: Store) -> Store:
    know(store, "api", "web")
    return store


def close(
    store: Store,
    *,
    probe_id: str = "api",
    ended_at_ms: int = T0 + 900_000,
    location: str = "here",
    kind: Kind = Kind.DOWN,
) -> int | None:
    closed = Closed(
        probe_id=probe_id,
        kind=kind,
        at_ms=ended_at_ms,
        started_at_ms=T0,
        ended_at_ms=ended_at_ms,
        closed_as=ClosedAs.RECOVERED,
    )
    return incidents.close_incident(store, closed, location=location)


def test_an_incident_comes_back_as_it_was_opened_and_closed(store: Store) -> None:
    number = begin(store)
    opened = Incident(
        number=number,
        uid="u1",
        probe_id="api",
        location="here",
        kind=Kind.DOWN,
        severity=Severity.P1,
        started_at_ms=T0,
        confirmed_at_ms=T0 + 600_000,
        reason=Reason.STATUS,
        detail="status 503, expected 2xx",
        checks=3,
    )
    assert incidents.find_incident(store, number) == opened
    assert incidents.open_incidents(store, "here") == [opened]
    assert close(store) == number
    found = incidents.find_incident(store, number)
    assert found
    assert (found.ended_at_ms, found.closed_as) == (T0 + 900_000, ClosedAs.RECOVERED)
    assert incidents.open_incidents(store, "here") == []


def test_an_unknown_number_finds_nothing(store: Store) -> None:
    assert incidents.find_incident(store, 42) is None


@pytest.mark.parametrize("other", [{"probe_id": "web"}, {"location": "there"}, {"kind": Kind.SLOW}])
def test_only_the_open_incident_of_that_probe_location_and_kind_is_closed(store: Store, other: dict[str, Any]) -> None:
    begin(store)
    assert close(store, **other) is None
    assert close(store) == 1
    assert close(store) is None


def test_the_open_incident_of_a_probe_location_and_kind_is_found(store: Store) -> None:
    number = begin(store)
    assert incidents.find_open(store, "api", "here", Kind.DOWN) == number
    for other in (("web", "here", Kind.DOWN), ("api", "there", Kind.DOWN), ("api", "here", Kind.SLOW)):
        assert incidents.find_open(store, *other) is None
    close(store)
    assert incidents.find_open(store, "api", "here", Kind.DOWN) is None


def test_a_probe_has_at_most_one_open_incident_of_a_kind(store: Store) -> None:
    begin(store, "u1")
    begin(store, "u2", kind=Kind.SLOW)
    with pytest.raises(StoreError, match="UNIQUE"):
        begin(store, "u3")
    close(store)
    begin(store, "u3")


def test_a_number_is_never_given_twice(store: Store) -> None:
    first = begin(store)
    store.write("DELETE FROM incidents")
    assert begin(store) == first + 1


def test_an_incident_is_announced_when_its_first_alert_is_queued(store: Store) -> None:
    number = begin(store)
    queue(store, "e1", incident=number)
    found = incidents.find_incident(store, number)
    assert found
    assert found.announced_at_ms == T0


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"limit": 2}, [4, 3]),
        ({"open_only": True}, [4, 3]),
        ({"probe_ids": ["web"]}, [4]),
        ({"probe_ids": []}, []),
        ({"since_ms": T0 + 10}, [4, 3, 2]),
        ({"since_ms": T0 + 9}, [4, 3, 2, 1]),
        ({"until_ms": T0 + 20}, [1]),
        ({"until_ms": T0 + 21}, [2, 1]),
        ({"since_ms": T0 + 10, "until_ms": T0 + 31}, [3, 2]),
    ],
)
def test_incidents_are_listed_newest_first_by_probe_and_window(
    store: Store, asked: dict[str, Any], found: list[int]
) -> None:
    begin(store, "u1", at_ms=T0)
    close(store, ended_at_ms=T0 + 10)
    begin(store, "u2", at_ms=T0 + 20)
    close(store, ended_at_ms=T0 + 30)
    begin(store, "u3", at_ms=T0 + 30)
    begin(store, "u4", at_ms=T0 + 40, probe_id="web")
    assert [each.number for each in incidents.all_incidents(store, **asked)] == found


def test_an_event_is_recorded_once(store: Store) -> None:
    first, second, other = (
        record_event(store, uid=uid, kind="down_opened", probe_id="api", location="here", incident=None, at_ms=T0)
        for uid in ("e1", "e1", "e2")
    )
    assert first == second != other
