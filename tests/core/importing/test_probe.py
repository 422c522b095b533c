from __future__ import annotations

from typing import Any

import pytest

from prober.core.importing.account import Assignment, Contact
from tests.core.importing.tables import monitor, plan_of, reason, table


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("ping", "ping: prober asks with HTTP only"),
        ("port", "port: prober asks with HTTP only"),
        ("dns", "DNS: prober asks with HTTP only"),
        ("udp", "UDP: prober asks with HTTP only"),
        ("heartbeat", "heartbeat: prober asks by itself, it does not wait to be told"),
        ("type 12", "type 12: prober does not know this type"),
    ],
)
def test_what_is_no_http_is_listed_with_the_reason(kind: str, why: str) -> None:
    assert reason(kind=kind) == why


def test_a_probe_carries_name_id_tags_and_whether_it_is_paused() -> None:
    found = table(name=' R&D "lab"\n', tags=("prod", "", " a\tb", "prod"), is_paused=True)
    assert {key: found.keys[key] for key in ("name", "uptimerobot_id", "tags", "enabled")} == {
        "name": 'R&D "lab"',
        "uptimerobot_id": 7,
        "tags": ["prod", "a b"],
        "enabled": False,
    }
    assert "name" not in table(name="api").keys
    assert "enabled" not in table().keys


def test_custom_fields_with_a_place_here_find_it() -> None:
    custom = (("Runbook", "https://wiki.example/$1"), ("severity", "p0"), ("dashboard", "https://status.example"))
    found = table(custom=custom)
    assert (found.keys["runbook"], found.keys["severity"], found.keys["dashboard"]) == (
        "https://wiki.example/$$1",
        "P0",
        "https://status.example",
    )
    assert found.notes == ()


@pytest.mark.parametrize(
    ("custom", "note"),
    [
        ((("owner", "me"), ("team", "a")), "custom fields without a place here: owner, team"),
        ((("severity", "high"),), "the custom field severity was not carried over: it is not one of P0, P1, P2, P3"),
        ((("runbook", "page 7"),), "the custom field runbook was not carried over: it holds a space"),
    ],
)
def test_other_custom_fields_are_said(custom: tuple[tuple[str, str], ...], note: str) -> None:
    assert table(custom=custom).notes[0].startswith(note)


def test_a_custom_field_that_holds_the_key_is_not_written() -> None:
    (probe,) = plan_of(monitor(custom=(("runbook", "https://a.example/ur-secret"),)), known=("ur-secret",)).probes
    assert probe.notes == ("the custom field runbook was not carried over: it looks like a secret",)


@pytest.mark.parametrize(
    ("fields", "interval", "timeout", "notes"),
    [
        ({"interval_s": 300, "timeout_s": 30}, "5m", "30s", 0),
        ({}, "5m", "30s", 0),
        ({"interval_s": 30}, "30s", "24s", 0),
        ({"interval_s": 60, "timeout_s": 60}, "1m", "48s", 1),
        ({"interval_s": 2_000_000}, "1d", "30s", 1),
        ({"interval_s": -5}, "1s", "800ms", 1),
        ({"interval_s": 0, "timeout_s": 0}, "5m", "30s", 0),
        ({"timeout_s": -1}, "5m", "30s", 0),
    ],
)
def test_times_are_theirs_within_our_limits(fields: dict[str, Any], interval: str, timeout: str, notes: int) -> None:
    found = table(**fields)
    assert (found.keys["interval"], found.keys["timeout"], len(found.notes)) == (interval, timeout, notes)


def test_slow_is_theirs_if_they_say_so() -> None:
    assert table(slow_ms=2500).keys["slow"] == "2s500ms"
    assert "slow" not in table().keys


@pytest.mark.parametrize(
    ("assignments", "failures"),
    [
        ((), None),
        (((1, 0),), None),
        (((1, 5),), None),
        (((1, 14),), 4),
        (((1, 15), (2, 11)), 4),
        (((1, 16), (2, 0)), 5),
        (((2, 60),), None),
        (((1, 10**9),), 1000),
    ],
)
def test_the_wait_before_the_first_mail_becomes_failures_at_their_own_spacing(
    assignments: tuple[tuple[int, int], ...], failures: int | None
) -> None:
    contacts = (
        Contact(id="1", kind="e-mail", value="a@acme.example"),
        Contact(id="2", kind="SMS"),
    )
    assigned = tuple(Assignment(contact=str(contact), after_min=after) for contact, after in assignments)
    (probe,) = plan_of(monitor(assignments=assigned), contacts=contacts).probes
    assert probe.keys.get(("failures",)) == failures
    assert probe.keys.get(("recheck",)) == ("5m" if failures else None)


def test_what_else_is_set_is_said() -> None:
    assert table(rest=("its choice of regions (eu)",)).notes == ("its choice of regions (eu) was not carried over",)
