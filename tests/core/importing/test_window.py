from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from prober.core.importing.account import LAST_DAY, Window
from prober.core.importing.plan import Present
from prober.core.importing.window import ZONES_BY_OFFSET
from tests.core.importing.tables import monitor, plan_of
from tests.fakes import MIN_MS, T0

DAILY: dict[str, Any] = {"id": "1", "recurrence": "daily", "minute": 150, "duration_min": 45}
ONCE: dict[str, Any] = {"id": "1", "recurrence": "once", "start_ms": T0 + MIN_MS, "duration_min": 45}


def windows_of(timezone: str | None = "UTC", **fields: Any) -> tuple[list[dict[str, Any]], list[str], str | None]:
    plan = plan_of(monitor(windows=("1",)), windows=(Window(**fields),), timezone=timezone)
    tables = [{".".join(path): value for path, value in each.items()} for each in plan.windows]
    return tables, [each.why for each in plan.skipped], plan.window_doubt


@pytest.mark.parametrize(
    ("fields", "cron"),
    [
        ({}, "30 2 * * *"),
        ({"recurrence": "weekly", "days": (4, 2, 7, 9)}, "30 2 * * 0,2,4"),
        ({"recurrence": "monthly", "days": (15, 1, 40)}, "30 2 1,15 * *"),
        ({"recurrence": "monthly", "days": (1, LAST_DAY)}, "30 2 1,L * *"),
        ({"recurrence": "monthly", "days": (LAST_DAY,)}, "30 2 L * *"),
    ],
)
def test_what_recurs_becomes_cron(fields: dict[str, Any], cron: str) -> None:
    tables, skipped, _ = windows_of(**{**DAILY, "name": "Back\nup $1", **fields})
    expected = {"probes": ["api"], "cron": cron, "timezone": "UTC", "duration": "45m", "reason": "Back up $$1"}
    assert (tables, skipped) == ([expected], [])


def test_what_comes_once_begins_at_an_instant() -> None:
    start = datetime.fromtimestamp((T0 + MIN_MS) // 1000, UTC)
    assert windows_of(**ONCE) == ([{"probes": ["api"], "start": start, "duration": "45m"}], [], None)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({**DAILY, "is_active": False}, "it is paused"),
        ({**DAILY, "id": "2"}, "it is for no monitor that was carried over"),
        ({**DAILY, "duration_min": 0}, "it lasts for no time at all, or for more than 90 days"),
        ({**DAILY, "duration_min": 10**9}, "it lasts for no time at all, or for more than 90 days"),
        ({**DAILY, "minute": None}, "it does not tell when it comes"),
        ({**DAILY, "recurrence": None}, "it does not tell when it comes"),
        ({**DAILY, "recurrence": "weekly"}, "it does not tell when it comes"),
        ({**DAILY, "recurrence": "monthly", "days": (99,)}, "it does not tell when it comes"),
        ({**ONCE, "start_ms": None}, "it does not tell when it comes"),
        ({**ONCE, "start_ms": T0 - 45 * MIN_MS}, "it is over"),
    ],
)
def test_a_window_without_a_place_here_is_listed_with_the_reason(fields: dict[str, Any], why: str) -> None:
    assert windows_of(**fields) == ([], [why], None)


NIGHTLY: dict[str, Any] = {"probes": ["api"], "cron": "30 2 * * *", "duration": "45m", "reason": "Nightly"}


@pytest.mark.parametrize(
    ("table", "is_known"),
    [
        (NIGHTLY, True),
        ({**NIGHTLY, "cron": "0 3 * * *", "duration": "1h"}, True),
        ({**NIGHTLY, "reason": "Ours"}, True),
        ({**NIGHTLY, "reason": "Ours", "duration": "1h"}, False),
        ({}, False),
    ],
)
def test_a_window_of_monitors_that_stand_already_stands_too_or_is_named(table: dict[str, Any], is_known: bool) -> None:
    present = Present(ids=["api"], monitor_ids=[7], windows=[table])
    plan = plan_of(monitor(windows=("1",)), windows=(Window(**DAILY, name="Nightly"),), present=present)
    named = {each.why for each in (plan.known if is_known else plan.skipped) if each.name.startswith("maintenance")}
    assert named == {"it stands there already" if is_known else "its monitors stand there already, it does not"}


def test_a_window_that_stands_already_comes_again_for_a_new_monitor() -> None:
    present = Present(ids=["api"], monitor_ids=[7], windows=[NIGHTLY])
    new = monitor(id=8, name="New", url="https://new.example/", windows=("1",))
    plan = plan_of(monitor(windows=("1",)), new, windows=(Window(**DAILY, name="Nightly"),), present=present)
    assert [each["probes",] for each in plan.windows] == [["new"]]


def test_without_a_name_a_window_is_known_by_its_time() -> None:
    present = Present(monitor_ids=[7], windows=[{"start": datetime(2026, 9, 21, 14, tzinfo=UTC), "duration": "45m"}])
    plan = plan_of(monitor(windows=("1",)), windows=(Window(**ONCE),), present=present)
    assert [each.why for each in plan.skipped] == ["its monitors stand there already, it does not"]


@pytest.mark.parametrize(
    ("told", "zone", "is_sure"),
    [
        ("Europe/Berlin", "Europe/Berlin", True),
        ("0", "UTC", True),
        ("UTC", "UTC", True),
        ("60", "Etc/GMT-1", False),
        ("-300", "Etc/GMT+5", False),
        ("2", "Etc/GMT-2", False),
        ("-3.00", "Etc/GMT+3", False),
        ("330", "Asia/Kolkata", False),
        ("+345", "Asia/Kathmandu", False),
        ("-210", "America/St_Johns", False),
        ("331", "UTC", False),
        ("9000", "UTC", False),
        (None, "UTC", False),
        (" ", "UTC", False),
        ("Mars/Base", "UTC", False),
        ("../etc/passwd", "UTC", False),
        ("Europe", "UTC", False),
    ],
)
def test_the_time_zone_is_theirs_and_doubtful_where_it_is_a_guess(told: str | None, zone: str, is_sure: bool) -> None:
    tables, _, doubt = windows_of(told, **DAILY)
    assert (tables[0]["timezone"], doubt is None) == (zone, is_sure)


def test_every_guess_by_an_offset_is_of_a_place_that_has_it() -> None:
    for minutes, name in ZONES_BY_OFFSET.items():
        offsets = {datetime(2026, month, 15, tzinfo=ZoneInfo(name)).utcoffset() for month in range(1, 13)}
        assert timedelta(minutes=minutes) in offsets


def test_a_guess_by_an_offset_says_so() -> None:
    assert windows_of("330", **DAILY)[2] == (
        "UptimeRobot tells the offset of the time zone alone, and Asia/Kolkata has it: name the real one, which may "
        "have another summer time, or none"
    )
