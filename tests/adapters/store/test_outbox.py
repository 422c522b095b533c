"""Every alert is kept until a server took it, and none is told twice by our own doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.store import carriers, outbox
from prober.adapters.store.carriers import Stale
from prober.adapters.store.db import open_store
from prober.core.alerts import AlertKind
from prober.core.model import Kind
from prober.errors import StoreError
from tests.adapters.store.builders import T0, alert, begin, event, know, queue

if TYPE_CHECKING:
    from pathlib import Path

    from prober.adapters.store.db import Store

LEASE_MS = 1_000


@pytest.fixture
def store(store: Store) -> Store:
    know(store, "api")
    return store


def claim(store: Store, row_id: int, now_ms: int = T0, frozen: bytes = b"mail") -> bool:
    return outbox.claim(store, row_id, "me", now_ms, LEASE_MS, frozen)


def refuse(store: Store, row_id: int) -> None:
    assert claim(store, row_id)
    outbox.mark_refused(store, row_id, T0 + 10, "451 later")


def lose(store: Store, row_id: int) -> None:
    assert claim(store, row_id)
    outbox.mark_unknown(store, row_id, T0 + 10, "cut after DATA")


def state_of(store: Store, row_id: int) -> tuple[str, str]:
    row = outbox.one_row(store, row_id)
    return row.state, row.fate


def test_an_alert_waits_from_the_moment_it_is_queued(store: Store) -> None:
    row = queue(store, "e1")
    assert row == outbox.OutboxRow(
        id=row.id,
        event=1,
        incident=None,
        kind=AlertKind.DOWN,
        channel="ops",
        recipient="a@example.org",
        facts='{"kind":"down","probe_id":"api"}',
        queued_at_ms=T0,
        message_id="<e1@example.org>",
        state="queued",
        fate="untried",
        attempts=0,
        next_attempt_at_ms=T0,
        lease_owner=None,
        lease_until_ms=None,
        frozen=None,
        first_tried_at_ms=None,
        sent_at_ms=None,
        last_error=None,
        is_permanent=False,
        carrier=None,
    )
    assert outbox.all_waiting(store) == [row]
    assert outbox.one_row(store, row.id) == row


def test_an_event_is_queued_once_for_each_recipient(store: Store) -> None:
    number = event(store, "e1")
    rows = [alert("m1", event=number), alert("m2", event=number), alert("m3", event=number, to="b@example.org")]
    assert len(outbox.queue(store, rows)) == 2
    assert [row.recipient for row in outbox.all_waiting(store)] == ["a@example.org", "b@example.org"]


def test_a_message_id_is_never_given_twice(store: Store) -> None:
    outbox.queue(store, [alert("m1")])
    with pytest.raises(StoreError, match="message_id"):
        outbox.queue(store, [alert("m1")])


def test_waiting_rows_stand_together_by_recipient(store: Store) -> None:
    for number, to in enumerate(("b", "a", "b")):
        queue(store, f"e{number}", to=to)
    assert [(row.recipient, row.id) for row in outbox.all_waiting(store)] == [("a", 2), ("b", 1), ("b", 3)]


def test_only_one_of_two_processes_gets_a_row(store: Store, path: Path) -> None:
    row = queue(store, "e1")
    other = open_store(path, now_ms=0)
    assert outbox.claim(store, row.id, "me", T0, LEASE_MS, b"mine")
    assert not outbox.claim(other, row.id, "other", T0 + LEASE_MS - 1, LEASE_MS, b"theirs")
    claimed = outbox.one_row(other, row.id)
    assert (claimed.state, claimed.lease_owner, claimed.lease_until_ms) == ("sending", "me", T0 + LEASE_MS)
    assert (claimed.attempts, claimed.first_tried_at_ms, claimed.frozen) == (1, T0, b"mine")
    other.close()


def test_a_message_once_frozen_never_changes_until_it_is_sent(store: Store) -> None:
    row = queue(store, "e1")
    refuse(store, row.id)
    assert claim(store, row.id, T0 + 10, b"another text")
    again = outbox.one_row(store, row.id)
    assert (again.frozen, again.attempts, again.first_tried_at_ms) == (b"mail", 2, T0)
    outbox.mark_sent(store, row.id, T0 + 11)
    sent = outbox.one_row(store, row.id)
    assert (sent.state, sent.sent_at_ms, sent.frozen, sent.lease_owner) == ("sent", T0 + 11, None, None)
    assert outbox.all_waiting(store) == []
    assert not claim(store, row.id, T0 + 99_999)


def test_a_refused_alert_is_tried_again_later_and_says_why(store: Store) -> None:
    row = queue(store, "e1")
    assert claim(store, row.id)
    outbox.mark_refused(store, row.id, T0 + 10, "550 no such user", is_permanent=True)
    refused = outbox.one_row(store, row.id)
    assert (refused.state, refused.fate, refused.last_error) == ("queued", "refused", "550 no such user")
    assert refused.is_permanent
    assert refused.next_attempt_at_ms == T0 + 10


def test_what_may_have_been_accepted_once_stays_unknown(store: Store) -> None:
    row = queue(store, "e1")
    lose(store, row.id)
    assert state_of(store, row.id) == ("queued", "unknown")
    refuse(store, row.id)
    assert state_of(store, row.id) == ("queued", "unknown")


def test_a_lease_that_ran_out_is_taken_over_as_unknown(store: Store) -> None:
    row = queue(store, "e1")
    assert claim(store, row.id)
    assert not claim(store, row.id, T0 + LEASE_MS - 1)
    assert claim(store, row.id, T0 + LEASE_MS)
    assert state_of(store, row.id) == ("sending", "unknown")


def test_the_holder_of_the_lock_takes_over_at_once(store: Store) -> None:
    row, other = queue(store, "e1"), queue(store, "e2")
    assert claim(store, row.id)
    assert outbox.release_leases(store) == 1
    assert state_of(store, row.id) == ("queued", "unknown")
    assert state_of(store, other.id) == ("queued", "untried")
    assert outbox.one_row(store, row.id).frozen == b"mail"
    assert {each.id for each in outbox.all_waiting(store)} == {row.id, other.id}


def test_a_mark_that_comes_late_changes_nothing(store: Store) -> None:
    row = queue(store, "e1")
    outbox.mark_refused(store, row.id, T0 + 99, "late")
    outbox.mark_unknown(store, row.id, T0 + 99, "late")
    assert outbox.one_row(store, row.id) == row


def test_several_alerts_become_one_row_that_carries_them(store: Store) -> None:
    rows = [queue(store, f"e{n}") for n in range(4)]
    refuse(store, rows[0].id)
    carrier = carriers.batch(store, [row.id for row in rows], alert("several"))
    assert {state_of(store, row.id)[0] for row in rows} == {"batched"}
    assert {outbox.one_row(store, row.id).carrier for row in rows} == {carrier}
    assert [(row.id, row.kind) for row in outbox.all_waiting(store)] == [(carrier, AlertKind.SEVERAL)]


@pytest.mark.parametrize("trouble", [claim, lose])
def test_what_may_have_been_accepted_joins_no_batch(store: Store, trouble: object) -> None:
    assert callable(trouble)
    rows = [queue(store, f"e{n}") for n in range(2)]
    trouble(store, rows[1].id)
    before = outbox.all_waiting(store)
    with pytest.raises(ValueError, match="surely waits"):
        carriers.batch(store, [row.id for row in rows], alert("several"))
    assert outbox.all_waiting(store) == before


def test_a_recovery_tells_of_a_beginning_that_was_never_sent(store: Store) -> None:
    number = begin(store)
    down = queue(store, "e1", incident=number)
    found = carriers.find_mergeable(store, number, "ops", "a@example.org")
    assert found == Stale(id=down.id, is_first=True)
    recovery = queue(store, "e2", incident=number, kind=AlertKind.RECOVERED)
    assert carriers.merge(store, down.id, recovery.id)
    assert state_of(store, down.id)[0] == "merged"
    assert outbox.all_waiting(store) == [recovery]
    assert not carriers.merge(store, down.id, recovery.id)
    assert carriers.find_mergeable(store, number, "ops", "a@example.org") is None


@pytest.mark.parametrize(("trouble", "can_merge"), [(refuse, True), (claim, False), (lose, False)])
def test_a_beginning_is_merged_only_when_it_was_surely_not_accepted(
    store: Store, trouble: object, can_merge: bool
) -> None:
    assert callable(trouble)
    number = begin(store)
    down = queue(store, "e1", incident=number)
    recovery = queue(store, "e2", incident=number, kind=AlertKind.RECOVERED)
    trouble(store, down.id)
    assert (carriers.find_mergeable(store, number, "ops", "a@example.org") is not None) is can_merge
    assert carriers.find_mergeable(store, number, "ops", "b@example.org") is None
    assert carriers.merge(store, down.id, recovery.id) is can_merge


def test_a_reminder_that_waits_is_stale_when_the_end_comes_but_not_the_first_that_was_heard(store: Store) -> None:
    number = begin(store)
    outbox.mark_sent(store, queue(store, "e1", incident=number).id, T0)
    reminder = queue(store, "e2", incident=number, kind=AlertKind.REMINDER)
    assert carriers.find_mergeable(store, number, "ops", "a@example.org") == Stale(id=reminder.id, is_first=False)
    newcomer = queue(store, "e3", incident=number, kind=AlertKind.REMINDER, to="b@example.org")
    assert carriers.find_mergeable(store, number, "ops", "b@example.org") == Stale(id=newcomer.id, is_first=True)


def test_a_reminder_in_a_batch_that_was_not_accepted_is_merged_into_the_end(store: Store) -> None:
    number = begin(store)
    reminder, other = queue(store, "e1", incident=number, kind=AlertKind.REMINDER), queue(store, "e2")
    carriers.batch(store, [reminder.id, other.id], alert("several"))
    recovery = queue(store, "e3", incident=number, kind=AlertKind.RECOVERED)
    assert carriers.merge(store, reminder.id, recovery.id)
    assert [row.id for row in outbox.all_waiting(store)] == [other.id, recovery.id]
    again = carriers.batch(store, [other.id, recovery.id], alert("several again"))
    assert outbox.first_message_id(store, number, "ops", "a@example.org") == "<several again@example.org>"
    assert state_of(store, reminder.id)[0] == "merged"
    assert [row.id for row in outbox.all_waiting(store)] == [again]


def test_who_was_reminded_is_told_and_who_was_to_be_told_by_a_batch_that_was_given_up_is_not(store: Store) -> None:
    number = begin(store)
    queue(store, "e1", incident=number, to="a", kind=AlertKind.REMINDER)
    lost = queue(store, "e2", incident=number, to="b")
    outbox.drop(store, carriers.batch(store, [lost.id], alert("several", to="b")))
    assert outbox.told(store, number) == {("ops", "a")}


def test_those_are_told_for_whom_the_beginning_was_queued_and_not_given_up(store: Store) -> None:
    number, other = begin(store), begin(store, "u2", kind=Kind.SLOW)
    queue(store, "e1", incident=number, to="a")
    dropped = queue(store, "e2", incident=number, to="b")
    outbox.drop(store, dropped.id)
    queue(store, "e3", incident=number, to="c", kind=AlertKind.RECOVERED)
    queue(store, "e4", incident=other, to="d", kind=AlertKind.SLOW)
    assert outbox.told(store, number) == {("ops", "a")}
    assert outbox.told(store, other) == {("ops", "d")}


def test_a_thread_begins_with_the_message_in_which_a_recipient_first_hears_of_an_incident(store: Store) -> None:
    number = begin(store)
    assert outbox.first_message_id(store, number, "ops", "a@example.org") is None
    down = queue(store, "e1", incident=number)
    queue(store, "e2", incident=number, kind=AlertKind.RECOVERED)
    queue(store, "e3", incident=number, to="b@example.org")
    assert outbox.first_message_id(store, number, "ops", "a@example.org") == "<e1@example.org>"
    carriers.batch(store, [down.id], alert("several"))
    assert outbox.first_message_id(store, number, "ops", "a@example.org") == "<several@example.org>"
    assert outbox.first_message_id(store, number, "ops", "b@example.org") == "<e3@example.org>"


def test_a_thread_follows_a_merged_alert_into_a_batch(store: Store) -> None:
    number = begin(store)
    down = queue(store, "e1", incident=number)
    recovery = queue(store, "e2", incident=number, kind=AlertKind.RECOVERED)
    carriers.merge(store, down.id, recovery.id)
    assert outbox.first_message_id(store, number, "ops", "a@example.org") == recovery.message_id
    carriers.batch(store, [recovery.id], alert("several"))
    assert outbox.first_message_id(store, number, "ops", "a@example.org") == "<several@example.org>"


def test_a_thread_never_begins_with_what_was_given_up(store: Store) -> None:
    number = begin(store)
    down = queue(store, "e1", incident=number)
    outbox.drop(store, down.id)
    queue(store, "e2", incident=number, kind=AlertKind.RECOVERED)
    assert outbox.first_message_id(store, number, "ops", "a@example.org") == "<e2@example.org>"


def test_the_times_at_which_a_recipient_got_mail_are_known(store: Store) -> None:
    for n in range(3):
        outbox.mark_sent(store, queue(store, f"e{n}").id, T0 + n)
    outbox.mark_sent(store, queue(store, "e9", to="b@example.org").id, T0 + 9)
    queue(store, "waiting")
    assert outbox.sent_times(store, "ops", "a@example.org", T0 + 1) == [T0 + 1, T0 + 2]


def test_what_waits_for_a_recipient_no_longer_configured_is_closed_and_listed(store: Store) -> None:
    gone, stays, sending = queue(store, "e1", to="gone"), queue(store, "e2", to="stays"), queue(store, "e3", to="gone")
    assert claim(store, sending.id)
    assert outbox.close_unconfigured(store, {("ops", "stays")}) == [gone]
    assert state_of(store, gone.id)[0] == "closed"
    assert [row.id for row in outbox.all_waiting(store)] == [sending.id, stays.id]
    assert outbox.close_unconfigured(store, {("ops", "stays")}) == []


def test_what_was_closed_unsent_is_known_but_a_batch_that_was_undone_is_not(store: Store) -> None:
    number = begin(store)
    down, other = queue(store, "e1", incident=number), queue(store, "e2")
    carriers.batch(store, [down.id, other.id], alert("several"))
    recovery = queue(store, "e3", incident=number, kind=AlertKind.RECOVERED)
    assert carriers.merge(store, down.id, recovery.id)
    assert outbox.all_closed(store) == []
    carrier = carriers.batch(store, [recovery.id, other.id], alert("several again"))
    outbox.close_unconfigured(store, ())
    assert [(row.id, row.state) for row in outbox.all_closed(store)] == [(carrier, "closed")]


def test_a_person_can_give_an_alert_up_while_it_waits(store: Store) -> None:
    row, sending, sent = (queue(store, f"e{n}") for n in range(3))
    assert claim(store, sending.id)
    outbox.mark_sent(store, sent.id, T0)
    assert [outbox.drop(store, each.id) for each in (row, sending, sent, row)] == [True, True, False, False]
    assert not outbox.drop(store, 99)
    assert outbox.all_waiting(store) == []


def test_a_message_that_was_accepted_after_all_counts_as_sent(store: Store) -> None:
    row = queue(store, "e1")
    assert claim(store, row.id)
    outbox.drop(store, row.id)
    outbox.mark_sent(store, row.id, T0)
    assert state_of(store, row.id)[0] == "sent"
