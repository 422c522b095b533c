"""What UptimeRobot tells of a window, as values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.adapters.http import Fetcher
from prober.adapters.uptimerobot import read_records
from prober.core.compare import Outage, Record
from prober.core.facts import Answer
from prober.core.sight import Limited, Rejected, Unreachable
from prober.core.uptime import Period
from tests.servers.uptimerobot import Account, Log, Monitor, Mood, run_uptimerobot

pytestmark = pytest.mark.anyio

NOW_S = 1_800_000_000
NOW_MS = NOW_S * 1000
DAY_S = 86_400
KEY = "ur1234-read-only-secret"
MONTH = Period(from_ms=NOW_MS - 30 * DAY_S * 1000, to_ms=NOW_MS)


def account(*monitors: Monitor, **more: Any) -> Account:
    return Account(now_ms=lambda: NOW_MS, monitors=list(monitors), **more)


def monitor(number: int = 7, **more: Any) -> Monitor:
    return Monitor(id=number, name=f"Site {number}", url=f"https://site{number}.example/", **more)


async def read(account: Account, window: Period = MONTH) -> tuple[Record, ...] | Unreachable | Limited | Rejected:
    async with run_uptimerobot(account) as robot, Fetcher() as fetch:
        return await read_records(fetch, url=robot.v2, api_key=KEY, window=window)


async def records(account: Account, window: Period = MONTH) -> tuple[Record, ...]:
    found = await read(account, window)
    assert isinstance(found, tuple)
    return found


async def test_uptime_is_of_the_window_and_written_as_a_string() -> None:
    (record,) = await records(account(monitor(logs=[Log(at_s=NOW_S - 3 * DAY_S, duration_s=26_000)])))
    assert record.uptime_percent == pytest.approx(100 - 100 * 26_000 / (30 * DAY_S), abs=0.001)
    assert record.watch.key == "7"


async def test_outages_have_a_duration_and_those_of_the_week_before_are_known_too() -> None:
    down = [NOW_S - 40 * DAY_S, NOW_S - 31 * DAY_S, NOW_S - 5 * DAY_S]
    logs = [Log(at_s=at_s, duration_s=600) for at_s in down]
    logs += [Log(at_s=at_s + 600, type=2, duration_s=5) for at_s in down] + [Log(at_s=NOW_S - 9, type=99)]
    (record,) = await records(account(monitor(logs=logs)))
    assert sorted((each.started_at_ms, each.ended_at_ms) for each in record.outages) == [
        (at_s * 1000, (at_s + 600) * 1000) for at_s in down[1:]
    ]


@pytest.mark.parametrize("status", [8, 9])
async def test_what_is_down_now_has_no_end(status: int) -> None:
    logs = [Log(at_s=NOW_S - 9_000, duration_s=60), Log(at_s=NOW_S - 600)]
    (record,) = await records(account(monitor(status=status, logs=logs)))
    assert set(record.outages) == {
        Outage(started_at_ms=NOW_MS - 9_000_000, ended_at_ms=NOW_MS - 8_940_000),
        Outage(started_at_ms=NOW_MS - 600_000),
    }


async def test_an_outage_that_was_paused_away_ended_then() -> None:
    (record,) = await records(account(monitor(status=0, logs=[Log(at_s=NOW_S - 600, duration_s=60)])))
    assert record.outages == (Outage(started_at_ms=NOW_MS - 600_000, ended_at_ms=NOW_MS - 540_000),)


async def test_response_times_are_read_week_by_week_as_averages() -> None:
    asked = account(monitor(samples=[(NOW_S - DAY_S * day, 100 + day) for day in range(1, 40)]))
    (record,) = await records(asked)
    assert sorted(record.latencies_ms) == [100 + day for day in range(1, 31)]
    spans = [
        (int(form["response_times_start_date"]) - NOW_S, int(form["response_times_end_date"]) - NOW_S)
        for form in (request.form for request in asked.requests)
    ]
    assert spans == [
        (-7 * DAY_S, 0),
        (-14 * DAY_S - 1, -7 * DAY_S - 1),
        (-21 * DAY_S - 2, -14 * DAY_S - 2),
        (-28 * DAY_S - 3, -21 * DAY_S - 3),
        (-30 * DAY_S, -28 * DAY_S - 4),
    ]
    assert {request.form["response_times_average"] for request in asked.requests} == {"30"}
    assert [request.form.get("logs") for request in asked.requests] == ["1", None, None, None, None]


async def test_all_pages_of_a_large_account_are_read() -> None:
    week = Period(from_ms=NOW_MS - DAY_S * 1000, to_ms=NOW_MS)
    found = await records(account(*map(monitor, range(1, 61))), week)
    assert len(found) == 60
    assert all(len(each.latencies_ms) == 48 for each in found)


async def test_a_busy_page_of_fifty_is_short_enough_to_be_taken() -> None:
    week = Period(from_ms=NOW_MS - 7 * DAY_S * 1000, to_ms=NOW_MS)
    assert len(await records(account(*(monitor(number, interval_s=60) for number in range(1, 51))), week)) == 50


@pytest.mark.parametrize("before", [[], ["well"]])
async def test_what_goes_wrong_with_any_request_is_told(before: list[Mood]) -> None:
    asked = account(monitor())
    asked.moods.extend(before)
    asked.moods.append("502")
    assert await read(asked) == Unreachable(why="status 502, expected 200")
    asked.mood = "bad key"
    assert await read(asked) == Rejected(why="the API refuses the key")
    asked.mood = "429"
    assert await read(asked) == Limited(wait_ms=30_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
LOG = st.fixed_dictionaries({"type": st.just(1) | JSON, "datetime": st.integers(0, 2**40), "duration": JSON}) | JSON
SAMPLE = st.fixed_dictionaries({"value": st.floats() | st.integers() | JSON}) | JSON
MONITOR = st.fixed_dictionaries(
    {"id": st.integers(1, 5) | JSON},
    optional={
        "status": st.sampled_from([2, 9, "9"]) | JSON,
        "custom_uptime_ranges": st.sampled_from(["99.98", "100", "101", ""]) | JSON,
        "logs": st.lists(LOG, max_size=3) | JSON,
        "response_times": st.lists(SAMPLE, max_size=3) | JSON,
    },
)


@given(st.lists(MONITOR, max_size=4))
async def test_whatever_a_monitor_holds_its_record_is_sound(monitors: list[Any]) -> None:
    body = json.dumps({"stat": "ok", "pagination": {"total": len(monitors)}, "monitors": monitors}).encode()

    async def fetch(*_: object, **__: object) -> Answer:
        return Answer(status=200, body=body)

    week = Period(from_ms=NOW_MS - 9 * DAY_S * 1000, to_ms=NOW_MS)
    found = await read_records(fetch, url="https://api.example/", api_key=KEY, window=week)
    for record in found if isinstance(found, tuple) else ():
        assert record.uptime_percent is None or 0 <= record.uptime_percent <= 100
        assert all(0 <= each <= 3_600_000 for each in record.latencies_ms)
        assert all(0 < each.started_at_ms <= (each.ended_at_ms or 2**62) < 2**63 for each in record.outages)
