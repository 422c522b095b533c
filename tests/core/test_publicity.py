"""What may be read by everybody: our own words and figures, and nothing that anybody else said."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core import publicity
from prober.core.alerts import AlertFacts, AlertKind, CheckLine, Figures, Percentiles
from prober.core.model import Outcome, Reason, Severity
from prober.core.publicity import digest, public_detail, public_facts, recipient_digest, strengthened
from prober.core.sight import Verdict
from tests.core.any_alerts import any_alert

KEY = b"a key"
NAMES = {"api", "github-actions"}
SECRET = "Zq9-7f3a"


def published(facts: AlertFacts) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(public_facts(facts.to_json(), NAMES))
    return told


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_of_our_own(reason: Reason) -> None:
    assert public_detail(reason, None)


@pytest.mark.parametrize(
    ("reason", "status", "sentence"),
    [
        (Reason.STATUS, 503, "status 503"),
        (Reason.STATUS, None, "an unexpected status"),
        (Reason.BODY, 200, "the body is not as expected"),
        (None, 503, None),
    ],
)
def test_a_detail_is_made_of_the_reason_and_the_status(
    reason: Reason | None, status: int | None, sentence: str | None
) -> None:
    assert public_detail(reason, status) == sentence


@pytest.mark.parametrize(
    ("detail", "status"),
    [("status 503, expected 2xx", 503), ("status 5031", None), ("got status 503", None), (None, None)],
)
def test_the_status_is_found_in_our_own_sentence_only(detail: str | None, status: int | None) -> None:
    assert publicity.status_in(detail) == status


def test_a_recipient_is_known_again_by_key_channel_and_address_together() -> None:
    known = recipient_digest(KEY, "ops", "a@example.org")
    assert publicity.is_digest(known)
    assert known == recipient_digest(KEY, "ops", "a@example.org")
    others = [(b"b", "ops", "a@example.org"), (KEY, "web", "a@example.org"), (KEY, "ops", "b@example.org")]
    assert known not in {recipient_digest(*each) for each in others}


def test_what_stands_for_a_recipient_already_stays_as_it_is() -> None:
    known = recipient_digest(KEY, "ops", "a@example.org")
    assert recipient_digest(b"another", "ops", known) == known


def test_parts_of_a_digest_do_not_run_into_one_another() -> None:
    assert digest(KEY, "ab", "c") != digest(KEY, "a", "bc")


def test_a_secret_becomes_a_key_that_is_the_same_each_time_and_another_for_another() -> None:
    assert strengthened(b"secret") == strengthened(b"secret") != strengthened(b"secret2")
    assert b"secret" not in strengthened(b"secret")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0123456789abcdef" * 2, "0123456789abcdef" * 2),
        (digest(KEY, "x"), digest(KEY, "x")),
        ("ops@example.org", digest(KEY, "id", "ops@example.org")),
        ("0123456789abcdef0\n", digest(KEY, "id", "0123456789abcdef0\n")),
    ],
)
def test_an_id_is_published_when_it_tells_nothing(text: str, told: str) -> None:
    assert publicity.public_id(KEY, text) == told


def test_a_message_id_loses_the_domain_of_the_sender() -> None:
    assert publicity.public_message_id(KEY, f"<{'ab' * 16}@example.org>") == "ab" * 16
    assert publicity.public_message_id(KEY, "ab" * 16) == "ab" * 16
    told = publicity.public_message_id(KEY, "<ops@example.org>")
    assert told == digest(KEY, "id", "<ops@example.org>") == publicity.public_message_id(KEY, f"<{told}@example.org>")


def test_a_run_is_named_by_its_numbers_and_by_nothing_else() -> None:
    assert publicity.public_run(KEY, "12345678901.2") == "12345678901.2"
    assert publicity.public_run(KEY, SECRET) == digest(KEY, "id", SECRET)


@pytest.mark.parametrize(("text", "told"), [("down_opened", "down_opened"), (f"down {SECRET}", "other"), ("", "other")])
def test_a_word_is_one_of_a_machine(text: str, told: str) -> None:
    assert publicity.public_word(text) == told


@pytest.mark.parametrize(("text", "told"), [("ab" * 32, "ab" * 32), (SECRET, None), (None, None)])
def test_a_fingerprint_is_hexadecimal(text: str | None, told: str | None) -> None:
    assert publicity.public_hex(text) == told


@pytest.mark.parametrize(("text", "told"), [("dns", Reason.DNS), (SECRET, None), (None, None)])
def test_a_reason_is_one_of_ours(text: str | None, told: Reason | None) -> None:
    assert publicity.public_reason(text) is told


FULL = AlertFacts(
    kind=AlertKind.RECOVERED,
    queued_at_ms=9,
    location="github-actions",
    origin=SECRET,
    probe_id="api",
    probe_name=SECRET,
    url=f"https://{SECRET}.example/",
    verify=False,
    severity=Severity.P0,
    incident=7,
    started_at_ms=1,
    confirmed_at_ms=2,
    ended_at_ms=3,
    reason=Reason.STATUS,
    detail=f"status 503, expected 2xx, {SECRET}",
    checks=3,
    failed_checks=4,
    rule=SECRET,
    checks_before=(
        CheckLine(at_ms=1, outcome=Outcome.FAILED, reason=Reason.DNS, detail=SECRET),
        CheckLine(at_ms=2, outcome=Outcome.OK, latency_us=5),
    ),
    excerpt=SECRET,
    last_good_at_ms=1,
    figures=(Figures(window="24h", uptime_percent=99.5), Figures(window=SECRET)),
    percentiles=(Percentiles(window="7 days ago", p50_us=3), Percentiles(window="today")),
    others_down=(SECRET,),
    connectivity=SECRET,
    runbook=SECRET,
    dashboard=SECRET,
    acknowledged_by=SECRET,
    resolved_by=SECRET,
    resolved_note=SECRET,
    is_merged=True,
    relay=SECRET,
    sender=SECRET,
    recipients=(SECRET,),
    store_fault=SECRET,
)


def test_an_alert_keeps_its_figures_and_loses_what_others_said() -> None:
    told = AlertFacts.from_json(public_facts(FULL.to_json(), NAMES))
    assert told == AlertFacts(
        kind=AlertKind.RECOVERED,
        queued_at_ms=9,
        location="github-actions",
        origin="",
        probe_id="api",
        probe_name="api",
        verify=False,
        severity=Severity.P0,
        incident=7,
        started_at_ms=1,
        confirmed_at_ms=2,
        ended_at_ms=3,
        reason=Reason.STATUS,
        detail="status 503",
        checks=3,
        failed_checks=4,
        checks_before=(
            CheckLine(at_ms=1, outcome=Outcome.FAILED, reason=Reason.DNS, detail="the name could not be looked up"),
            CheckLine(at_ms=2, outcome=Outcome.OK, latency_us=5),
        ),
        last_good_at_ms=1,
        figures=(Figures(window="24h", uptime_percent=99.5),),
        percentiles=(Percentiles(window="7 days ago", p50_us=3), Percentiles(window="today")),
        acknowledged_by="somebody",
        resolved_by="somebody",
        is_merged=True,
    )


def test_the_members_of_a_batch_are_treated_alike() -> None:
    batch = AlertFacts(kind=AlertKind.SEVERAL, queued_at_ms=1, location="there", origin="x", members=(FULL,))
    told = published(batch)
    assert told["members"] == [published(FULL)]
    assert told["location"] == "elsewhere"


def test_a_name_that_is_not_known_is_not_told() -> None:
    told = published(AlertFacts(kind=AlertKind.DOWN, queued_at_ms=1, location="l", origin="o", probe_id=SECRET))
    assert "probe_id" not in told


@given(any_alert)
def test_what_is_public_stays_readable_and_is_public_for_good(facts: AlertFacts) -> None:
    once = public_facts(facts.to_json(), NAMES)
    read = AlertFacts.from_json(once)
    assert (read.kind, read.incident, len(read.members)) == (facts.kind, facts.incident, len(facts.members))
    assert public_facts(once, NAMES) == once


def with_secrets(value: Any) -> Any:
    """Return JSON in which every text is a secret."""
    match value:
        case str():
            return SECRET
        case dict():
            return {name: with_secrets(each) for name, each in value.items()}
        case list():
            return [with_secrets(each) for each in value]
        case _:
            return value


@given(any_alert)
def test_no_text_of_an_alert_leaves_the_house(facts: AlertFacts) -> None:
    told = json.dumps(with_secrets(json.loads(facts.to_json())))
    assert SECRET in told
    assert SECRET not in public_facts(told, NAMES)


@pytest.mark.parametrize("name", [field.name for field in fields(AlertFacts)] + ["a_field_of_tomorrow"])
@pytest.mark.parametrize("value", [SECRET, [SECRET], {SECRET: SECRET}, [{"window": SECRET}], [[SECRET]]])
def test_no_field_lets_anything_else_through(name: str, value: object) -> None:
    assert SECRET not in public_facts(json.dumps({"kind": "down", name: value}), NAMES)


@pytest.mark.parametrize("text", [SECRET, "[]", '"x"', "null", '{"members": 7}', '{"checks_before": [{}]}'])
def test_facts_that_cannot_be_read_are_withheld(text: str) -> None:
    assert public_facts(text, NAMES) == "{}"


@given(st.text())
def test_any_text_at_all_becomes_json(text: str) -> None:
    assert isinstance(json.loads(public_facts(text, NAMES)), dict)


def test_a_check_without_an_outcome_of_ours_is_left_out() -> None:
    line = {"at_ms": 1, "outcome": SECRET, "reason": None, "detail": None, "latency_us": None}
    assert public_facts(json.dumps({"checks_before": [line]}), NAMES) == "{}"


def test_of_where_we_stand_only_our_words_numbers_and_the_ids_of_probes_are_told() -> None:
    standing = {
        "role": "standing-in",
        "why": "stale",
        "seen": SECRET,
        "fresh": 2,
        SECRET: 3,
        "alive_ms": SECRET,
        "probes": {"api": {"is_ours": True, SECRET: 1, "blind": SECRET}, SECRET: {"is_ours": True}},
    }
    told = json.loads(publicity.public_standing(json.dumps(standing), NAMES))
    assert told == {"role": "standing-in", "why": "stale", "fresh": 2, "probes": {"api": {"is_ours": True}}}


def test_an_alert_about_a_role_keeps_whom_it_is_about() -> None:
    facts = AlertFacts(
        kind=AlertKind.STANDING_IN,
        queued_at_ms=1,
        location="github-actions",
        origin=SECRET,
        role="standing-in",
        watcher="UptimeRobot",
        watched_as=Verdict.STALE,
        probes=("api", SECRET),
    )
    told = AlertFacts.from_json(json.dumps(published(facts)))
    assert (told.role, told.watcher, told.watched_as, told.probes) == ("standing-in", "UptimeRobot", "stale", ("api",))
