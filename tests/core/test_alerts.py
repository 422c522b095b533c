"""The facts of an alert, as they are stored."""

from __future__ import annotations

import json

from hypothesis import given

from prober.core.alerts import AlertFacts, AlertKind
from prober.render.texts import with_texts
from tests.core.any_alerts import any_alert


def paired(text: str) -> str:
    """Return a text in which two surrogates that make a pair are the one character that JSON takes them for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@given(any_alert)
def test_stored_facts_read_back_as_they_were(facts: AlertFacts) -> None:
    stored = facts.to_json()
    assert AlertFacts.from_json(stored) == with_texts(facts, paired)
    assert stored.isascii()


def test_what_an_alert_does_not_say_is_not_stored() -> None:
    facts = AlertFacts(kind=AlertKind.TEST, queued_at_ms=1, location="web-1", origin="web-1")
    assert json.loads(facts.to_json()).keys() <= {
        *(
            "kind",
            "queued_at_ms",
            "location",
            "origin",
            "role",
            "verify",
            "checks",
            "failed_checks",
            "rule",
            "is_merged",
            "was_held",
        )
    }


def test_a_field_of_a_newer_version_is_left_out() -> None:
    facts = AlertFacts(kind=AlertKind.TEST, queued_at_ms=1, location="here", origin="here")
    newer = facts.to_json().replace("{", '{"mood":"calm",', 1)
    assert AlertFacts.from_json(newer) == facts
