"""What people heard of an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.store import audience, carriers, outbox
from prober.core.alerts import AlertKind
from prober.core.due import Heard
from prober.core.model import Kind
from prober.core.report import AlertOfIncident
from tests.adapters.store.builders import T0, alert, begin, know, queue

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.adapters.store.outbox import OutboxRow

A = ("ops", "a@example.org")


@pytest.fixture
def store(store: Store) -> Store:
    know(store, "api")
    return store


def heard(store: Store, incident: int) -> dict[tuple[str, str], Heard]:
    return audience.heard(store, [incident])[incident]


def remind(store: Store, uid: str, incident: int) -> OutboxRow:
    return queue(store, uid, incident=incident, kind=AlertKind.REMINDER)


def test_of_what_nobody_heard_nothing_is_known(store: Store) -> None:
    assert heard(store, begin(store)) == {}
    assert audience.heard(store, []) == {}


def test_an_alert_is_heard_when_it_is_accepted_and_waits_until_then(store: Store) -> None:
    number = begin(store)
    down = queue(store, "e1", incident=number)
    assert heard(store, number) == {A: Heard(is_waiting=True)}
    outbox.mark_sent(store, down.id, T0 + 5)
    assert heard(store, number) == {A: Heard(last_at_ms=T0 + 5)}


def test_the_newest_accepted_alert_counts_whatever_the_clock_said(store: Store) -> None:
    number = begin(store)
    outbox.mark_sent(store, queue(store, "e1", incident=number).id, T0 + 10**12)
    outbox.mark_sent(store, remind(store, "e2", number).id, T0 + 7)
    remind(store, "e3", number)
    assert heard(store, number) == {A: Heard(last_at_ms=T0 + 7, is_waiting=True, reminders=2)}


def test_in_a_batch_an_alert_is_heard_when_the_batch_is(store: Store) -> None:
    number = begin(store)
    several = carriers.batch(store, [queue(store, "e1", incident=number).id], alert("several"))
    assert heard(store, number) == {A: Heard(is_waiting=True)}
    outbox.mark_sent(store, several, T0 + 9)
    assert heard(store, number) == {A: Heard(last_at_ms=T0 + 9)}


def test_what_a_person_gave_up_counts_as_heard_when_it_was_queued(store: Store) -> None:
    number = begin(store)
    outbox.drop(store, queue(store, "e1", incident=number).id)
    assert heard(store, number) == {A: Heard(last_at_ms=T0)}


def test_what_was_closed_unsent_was_never_heard(store: Store) -> None:
    number = begin(store)
    queue(store, "e1", incident=number)
    outbox.close_unconfigured(store, ())
    assert heard(store, number) == {A: Heard()}


def test_a_reminder_that_was_closed_unsent_keeps_its_number(store: Store) -> None:
    number = begin(store)
    outbox.mark_sent(store, queue(store, "e1", incident=number).id, T0 + 1)
    remind(store, "e2", number)
    outbox.close_unconfigured(store, ())
    assert heard(store, number) == {A: Heard(last_at_ms=T0 + 1, reminders=1)}


def test_each_recipient_and_each_incident_is_by_itself(store: Store) -> None:
    number, other = begin(store), begin(store, "u2", kind=Kind.SLOW)
    outbox.mark_sent(store, queue(store, "e1", incident=number).id, T0 + 1)
    queue(store, "e2", incident=number, to="b")
    outbox.mark_sent(store, queue(store, "e3", incident=other, kind=AlertKind.SLOW).id, T0 + 3)
    assert audience.heard(store, [number, other]) == {
        number: {A: Heard(last_at_ms=T0 + 1), ("ops", "b"): Heard(is_waiting=True)},
        other: {A: Heard(last_at_ms=T0 + 3)},
    }


def test_all_alerts_of_an_incident_come_with_what_became_of_them(store: Store) -> None:
    number = begin(store)
    outbox.mark_sent(store, queue(store, "e1", incident=number).id, T0 + 1)
    several = carriers.batch(store, [queue(store, "e2", incident=number, to="b").id], alert("several", to="b"))
    outbox.mark_sent(store, several, T0 + 2)
    outbox.drop(store, queue(store, "e3", incident=number, to="c").id)
    stale = remind(store, "e4", number)
    recovery = queue(store, "e5", incident=number, kind=AlertKind.RECOVERED)
    carriers.merge(store, stale.id, recovery.id)
    queue(store, "e6", to="d")
    assert [
        (each.kind, each.recipient, each.state, each.sent_at_ms) for each in audience.all_alerts(store, number)
    ] == [
        ("down", "a@example.org", "sent", T0 + 1),
        ("down", "b", "sent", T0 + 2),
        ("down", "c", "dropped", None),
        ("reminder", "a@example.org", "merged", None),
        ("recovered", "a@example.org", "waiting", None),
    ]
    assert isinstance(audience.all_alerts(store, number)[0], AlertOfIncident)


def test_reminders_are_given_up_unless_they_may_have_been_heard(store: Store) -> None:
    number, other = begin(store), begin(store, "u2", kind=Kind.SLOW)
    down, fresh, lost, sending = (
        queue(store, "e1", incident=number),
        *(remind(store, f"r{n}", number) for n in range(3)),
    )
    elsewhere = remind(store, "r9", other)
    for row in (lost, sending):
        assert outbox.claim(store, row.id, "here:1", T0, 60_000, b"mail")
    outbox.mark_unknown(store, lost.id, T0, "no reply")
    assert audience.drop_reminders(store, number) == 1
    assert {row.id for row in outbox.all_waiting(store)} == {down.id, lost.id, sending.id, elsewhere.id}
    assert outbox.one_row(store, fresh.id).state == "dropped"
