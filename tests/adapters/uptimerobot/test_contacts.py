from __future__ import annotations

from typing import Any

import pytest

from prober.adapters.uptimerobot.contacts import contacts_of, window_of
from prober.core.importing.account import LAST_DAY, Contact


def test_each_contact_comes_once_and_what_says_most_first() -> None:
    told: list[dict[str, Any]] = [
        {"id": "1", "type": 2, "value": " ops@acme.example ", "friendly_name": "A&amp;B", "status": 2},
        {"id": 1, "type": "2", "value": "other"},
        {"id": 2, "type": "1", "status": "0"},
        {"id": 3, "type": 99},
        {"id": 4},
        {"type": 2},
    ]
    assert list(contacts_of(told)) == [
        Contact(id="1", kind="e-mail", value="ops@acme.example", name="A&B"),
        Contact(id="2", kind="SMS", is_active=False),
        Contact(id="3", kind="contact of type 99"),
        Contact(id="4", kind="contact of type None"),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": 2, "start_time": "02:30"}, {"recurrence": "daily", "minute": 150, "start_ms": None}),
        ({"type": "3", "start_time": "02:30:00", "value": "1-3-7"}, {"recurrence": "weekly", "days": (1, 3, 7)}),
        ({"type": 4, "value": "1-15--1"}, {"recurrence": "monthly", "days": (1, 15, LAST_DAY)}),
        ({"type": 4, "value": "-1"}, {"days": (LAST_DAY,)}),
        ({"type": 4, "value": -1}, {"days": (LAST_DAY,)}),
        (
            {"type": 1, "start_time": "1796112000"},
            {"recurrence": "once", "start_ms": 1_796_112_000_000, "minute": None},
        ),
        ({"type": 9, "start_time": "24:00"}, {"recurrence": None, "minute": None}),
        ({"start_time": "02:60", "value": "x"}, {"minute": None, "days": ()}),
        (
            {"start_time": "noon", "duration": "45", "status": 0},
            {"minute": None, "duration_min": 45, "is_active": False},
        ),
        ({}, {"minute": None, "days": (), "duration_min": 0, "is_active": True, "name": ""}),
    ],
)
def test_a_window_says_when_it_is(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = window_of({"id": 5, **fields})
    assert {name: getattr(found, name) for name in expected} == expected
