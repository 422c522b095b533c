"""What two copies of one alert come to, whichever is asked first."""

from __future__ import annotations

from typing import Any

import pytest

from prober.adapters.store.merge.copies import join_alerts, join_incidents

CARRIERS: dict[int, dict[str, Any]] = {
    number: {"id": number, "state": state, "message_id": f"<{number}@example.org>", "carrier": None}
    for number, state in enumerate(("queued", "sent", "closed", "dropped", "queued"), start=10)
}
WAITING, SENT, CLOSED, DROPPED, WAITING_TOO = CARRIERS


def alert(state: str, carrier: int | None = None, **fields: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "id": 1,
        "event": 2,
        "incident": 3,
        "kind": "down",
        "channel": "ops",
        "recipient": "a@example.org",
        "facts": "{}",
        "queued_at_ms": 5,
        "message_id": "<1@example.org>",
        "state": state,
        "fate": "untried",
        "attempts": 0,
        "next_attempt_at_ms": 100,
        "lease_owner": None,
        "lease_until_ms": None,
        "frozen": None,
        "first_tried_at_ms": None,
        "sent_at_ms": 9 if state == "sent" else None,
        "last_error": None,
        "is_permanent": 0,
        "carrier": carrier,
    }
    return usual | fields


def joined(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return what two copies come to, which is the same both ways."""
    found, other = (
        join_alerts(one, another, lambda row: CARRIERS[row["carrier"]])
        for one, another in ((mine, theirs), (theirs, mine))
    )
    assert found == other
    return found


# Each is beaten by all that come after it.
LADDER = [
    ("told by a batch that was undone", alert("batched", CLOSED)),
    ("waiting", alert("queued")),
    ("told by what waits", alert("merged", WAITING)),
    ("may have arrived", alert("queued", fate="unknown")),
    ("closed", alert("closed")),
    ("dropped", alert("dropped")),
    ("told by what was dropped", alert("batched", DROPPED)),
    ("told by what was sent", alert("batched", SENT)),
    ("sent", alert("sent")),
]


@pytest.mark.parametrize("worse", range(len(LADDER)), ids=[name for name, _ in LADDER])
def test_the_copy_wins_that_knows_best_that_no_more_is_to_be_done(worse: int) -> None:
    for _, better in LADDER[worse:]:
        assert joined(LADDER[worse][1], better) == better


@pytest.mark.parametrize(
    ("one", "other", "fate"),
    [
        ("untried", "untried", "untried"),
        ("untried", "refused", "refused"),
        ("refused", "unknown", "unknown"),
        ("untried", "unknown", "unknown"),
    ],
)
def test_an_attempt_that_may_have_arrived_is_never_forgotten(one: str, other: str, fate: str) -> None:
    assert joined(alert("queued", fate=one), alert("queued", fate=other))["fate"] == fate


def test_the_copy_that_was_tried_more_often_says_when_to_try_again() -> None:
    often = alert("queued", attempts=3, fate="refused", next_attempt_at_ms=900, last_error="550 never", is_permanent=1)
    found = joined(alert("queued", attempts=2, fate="refused", next_attempt_at_ms=950, last_error="450"), often)
    assert found == often


def test_the_bytes_stay_that_may_have_arrived() -> None:
    unknown = alert("queued", attempts=1, fate="unknown", frozen=b"first", first_tried_at_ms=50)
    refused = alert("queued", attempts=4, fate="refused", frozen=b"other", first_tried_at_ms=40)
    found = joined(unknown, refused)
    assert (found["frozen"], found["first_tried_at_ms"], found["attempts"], found["fate"]) == (
        b"first",
        50,
        4,
        "unknown",
    )
    assert joined(unknown, alert("queued"))["frozen"] == b"first"


def test_of_two_attempts_that_may_have_arrived_the_first_is_repeated() -> None:
    early, late = (
        alert("queued", attempts=1, fate="unknown", frozen=told, first_tried_at_ms=at_ms)
        for told, at_ms in ((b"early", 50), (b"late", 60))
    )
    assert joined(late, early)["frozen"] == b"early"


def test_bytes_go_with_the_message_id_that_stands_in_them() -> None:
    tried = alert("queued", fate="unknown", frozen=b"2", message_id="<2@example.org>", attempts=1)
    assert joined(alert("queued", message_id="<3@example.org>"), tried)["message_id"] == "<2@example.org>"


def test_what_is_being_sent_here_is_left_to_its_sender() -> None:
    sending = alert("sending", attempts=1, lease_owner="web-1:7", lease_until_ms=300, frozen=b"now")
    tried = alert("queued", attempts=5, fate="unknown", frozen=b"then", next_attempt_at_ms=900)
    assert join_alerts(sending, tried, lambda row: CARRIERS[row["carrier"]]) == sending | {"fate": "unknown"}


@pytest.mark.parametrize(
    "fields",
    [
        {"fate": "refused", "next_attempt_at_ms": 900, "is_permanent": 1, "last_error": "550 never"},
        {"fate": "refused", "next_attempt_at_ms": 110, "attempts": 3},
        {"fate": "unknown", "next_attempt_at_ms": 110},
    ],
)
def test_an_attempt_whose_end_the_other_copy_knows_goes_on_no_more(fields: dict[str, Any]) -> None:
    tried: dict[str, Any] = {"attempts": 2, "first_tried_at_ms": 50, "frozen": b"it"}
    sending = alert("sending", lease_owner="web-1:7", lease_until_ms=300, **tried)
    known = alert("queued", **tried | fields)
    assert join_alerts(sending, known, lambda row: CARRIERS[row["carrier"]]) == known


@pytest.mark.parametrize(
    "fields", [{"attempts": 1}, {"first_tried_at_ms": 51}, {"fate": "unknown", "next_attempt_at_ms": 300}]
)
def test_an_attempt_that_may_still_go_on_does(fields: dict[str, Any]) -> None:
    tried: dict[str, Any] = {"attempts": 2, "first_tried_at_ms": 50, "frozen": b"it"}
    sending = alert("sending", lease_owner="web-1:7", lease_until_ms=300, **tried)
    other = alert("queued", **tried | {"fate": "refused"} | fields)
    found = join_alerts(sending, other, lambda row: CARRIERS[row["carrier"]])
    assert found == sending | {"fate": other["fate"]}


def test_what_was_accepted_twice_was_accepted_first() -> None:
    assert joined(alert("sent", sent_at_ms=20), alert("sent", sent_at_ms=10))["sent_at_ms"] == 10


def test_what_two_messages_tell_is_told_by_the_recovery_then_by_the_same_of_the_two() -> None:
    assert joined(alert("batched", WAITING), alert("merged", WAITING_TOO))["carrier"] == WAITING_TOO
    assert joined(alert("batched", WAITING), alert("batched", WAITING_TOO))["carrier"] == WAITING


def test_what_an_alert_is_about_stays_as_it_is_called_here() -> None:
    theirs = alert("sent", id=7, event=8, incident=9, facts='{"incident":9}')
    found = join_alerts(alert("queued"), theirs, lambda row: CARRIERS[row["carrier"]])
    assert (found["id"], found["event"], found["incident"], found["facts"]) == (1, 2, 3, "{}")
    assert found["state"] == "sent"


def incident(**fields: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "number": 1,
        "severity": "P1",
        "confirmed_at_ms": 30,
        "checks": 3,
        "reason": "status",
        "detail": "503",
        "ended_at_ms": None,
        "closed_as": None,
        "acknowledged_at_ms": None,
        "is_held": 1,
    }
    return usual | fields


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (
            {},
            {"ended_at_ms": 50, "closed_as": "recovered"},
            {"ended_at_ms": 50, "closed_as": "recovered"},
        ),
        (
            {"ended_at_ms": 60, "closed_as": "resolved"},
            {"ended_at_ms": 50, "closed_as": "recovered"},
            {"ended_at_ms": 50, "closed_as": "recovered"},
        ),
        ({}, {"is_held": 0}, {"is_held": 0}),
        ({}, {"acknowledged_at_ms": 40}, {"acknowledged_at_ms": 40}),
        ({"acknowledged_at_ms": 45}, {"acknowledged_at_ms": 40}, {"acknowledged_at_ms": 40}),
        (
            {"confirmed_at_ms": 35, "severity": "P0", "reason": None},
            {"checks": 4, "detail": "502"},
            {"checks": 4, "detail": "502"},
        ),
    ],
)
def test_of_an_incident_the_earlier_of_everything_is_known(
    one: dict[str, Any], other: dict[str, Any], found: dict[str, Any]
) -> None:
    mine, theirs = incident(**one), incident(**other)
    assert join_incidents(mine, theirs) == join_incidents(theirs, mine) == incident(**found)
