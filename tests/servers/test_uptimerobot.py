"""The stand-in of UptimeRobot says what the real one says, so far as that is known."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.servers.uptimerobot import Account, Log, Monitor, UptimeRobot, realistic_account, uptimerobot_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW_S = 1_800_000_000
KEY = "ur1234-read-only-secret"


@dataclass(slots=True)
class HandClock:
    """A clock that moves when it is pushed."""

    ms: int = NOW_S * 1000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def account(clock: HandClock) -> Account:
    return realistic_account(clock.now_ms)


@pytest.fixture
def robot(account: Account) -> Iterator[UptimeRobot]:
    with uptimerobot_in_thread(account) as running:
        yield running


def ask(url: str, form: dict[str, Any] | None = None, *, key: str = "") -> tuple[int, dict[str, str], bytes]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = None if form is None else urlencode(form).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def v2(robot: UptimeRobot, method: str, **form: Any) -> Any:
    return json.loads(ask(robot.v2 + method, {"api_key": KEY, "format": "json", **form})[2])


def v3(robot: UptimeRobot, path: str) -> Any:
    return json.loads(ask(robot.v3 + path, key=KEY)[2])


def test_v2_gives_fifty_monitors_at_most_and_the_rest_on_the_next_page(robot: UptimeRobot) -> None:
    first, second = v2(robot, "getMonitors", limit=200), v2(robot, "getMonitors", offset=50)
    assert first["pagination"] == {"offset": 0, "limit": 50, "total": 60}
    assert [len(page["monitors"]) for page in (first, second)] == [50, 10]


def test_v2_says_more_of_a_monitor_by_switches(robot: UptimeRobot, account: Account) -> None:
    plain = v2(robot, "getMonitors", logs=0)["monitors"][0]
    assert not plain.keys() & {"logs", "response_times", "alert_contacts", "mwindows", "ssl", "http_method"}
    account.monitors[0].logs = [Log(at_s=NOW_S - 600), Log(at_s=NOW_S - 9000, duration_s=60), Log(at_s=7, type=98)]
    switches = dict.fromkeys(("logs", "response_times", "alert_contacts", "mwindows", "ssl", "http_request_details"), 1)
    full = v2(robot, "getMonitors", **switches, log_types="1", response_times_limit=2, custom_uptime_ratios="1-7")
    (first, *_) = full["monitors"]
    assert [(log["type"], log["datetime"], log["duration"]) for log in first["logs"]] == [
        (1, NOW_S - 600, 600),
        (1, NOW_S - 9000, 60),
    ]
    assert [each["datetime"] for each in first["response_times"]] == [NOW_S - 660, NOW_S - 960]
    assert first["custom_uptime_ratio"] == "99.236-99.891"
    assert first["alert_contacts"] == [
        {"id": "101", "type": 2, "value": "ops@acme.example", "threshold": 0, "recurrence": 0}
    ]
    assert (first["mwindows"][0]["duration"], first["http_method"], first["ssl"]["brand"]) == (45, 1, "R11")


def test_v2_lists_contacts_and_windows_and_knows_the_account(robot: UptimeRobot) -> None:
    contacts, windows = v2(robot, "getAlertContacts"), v2(robot, "getMWindows")
    assert (contacts["total"], len(contacts["alert_contacts"])) == (5, 5)
    assert (windows["pagination"]["total"], len(windows["mwindows"])) == (5, 5)
    assert v2(robot, "getAccountDetails")["account"]["email"] == "owner@acme.example"


def test_v2_refuses_a_wrong_key_with_200_and_repeats_it(robot: UptimeRobot) -> None:
    status, _, body = ask(robot.v2 + "getMonitors", {"api_key": "wrong"})
    assert (status, json.loads(body)["stat"], json.loads(body)["error"]["passed_value"]) == (200, "fail", "wrong")


def test_v2_takes_a_key_in_the_url_for_monitors_only(robot: UptimeRobot) -> None:
    kept = [
        json.loads(ask(f"{robot.v2}{method}?api_key={KEY}", {})[2])["stat"] for method in ("getMonitors", "getMWindows")
    ]
    assert kept == ["ok", "fail"]


def test_v2_gives_no_more_than_seven_days_of_response_times(robot: UptimeRobot) -> None:
    dates = {"response_times": 1, "response_times_start_date": NOW_S - 8 * 86_400, "response_times_end_date": NOW_S}
    assert v2(robot, "getMonitors", **dates)["stat"] == "fail"


def test_v2_averages_response_times(robot: UptimeRobot, account: Account) -> None:
    account.monitors[0].samples = [(NOW_S - 60, 100), (NOW_S - 120, 300), (NOW_S - 3600, 50)]
    said = v2(robot, "getMonitors", response_times=1, response_times_average=30)["monitors"][0]
    assert [each["value"] for each in said["response_times"]] == [200, 50]


def test_v2_writes_numbers_and_names_as_it_pleases(robot: UptimeRobot, account: Account) -> None:
    account.numbers, account.missing, account.is_escaped = "strings", "null", True
    second = v2(robot, "getMonitors")["monitors"][1]
    assert (second["status"], second["port"]) == ("2", None)
    assert (second["friendly_name"], second["url"]) == (
        "R&amp;D &quot;lab&quot; 2",
        "https://api2.acme.example/search?q=a&amp;lang=de",
    )


def test_v3_gives_monitors_by_cursor(robot: UptimeRobot) -> None:
    first = v3(robot, "monitors?limit=40")
    second = json.loads(ask(first["nextLink"], key=KEY)[2])
    assert [len(page["data"]) for page in (first, second)] == [40, 20]
    assert second["nextLink"] is None
    assert len({each["id"] for page in (first, second) for each in page["data"]}) == 60


def test_v3_answers_about_one_monitor(robot: UptimeRobot, account: Account) -> None:
    account.monitors[0].logs = [Log(at_s=NOW_S - 7200, duration_s=3600)]
    number = account.monitors[0].id
    assert v3(robot, f"monitors/{number}")["friendlyName"] == "Front page 1"
    assert v3(robot, f"monitors/{number}/stats/uptime")["total_downtime_seconds"] == 3600
    assert v3(robot, f"monitors/{number}/stats/response-time?includeTimeSeries=true")["summary"]["avg"] == 120
    assert [each["id"] for each in v3(robot, "incidents")["data"]] == [str(number * 1000)]
    assert [len(v3(robot, path)["data"]) for path in ("maintenance-windows", "user/alert-contacts")] == [5, 5]
    assert v3(robot, "user/me")["monitorsCount"] == 60
    assert ask(f"{robot.v3}monitors/1", key=KEY)[0] == 404


def test_v3_wants_its_key_as_a_bearers(robot: UptimeRobot) -> None:
    assert [ask(f"{robot.v3}monitors", key=key)[0] for key in (KEY, "wrong", "")] == [200, 401, 401]


def test_more_requests_than_a_minute_takes_are_refused_until_it_is_over(
    robot: UptimeRobot, account: Account, clock: HandClock
) -> None:
    account.per_minute = 2
    asked = [ask(robot.v2 + "getMonitors", {"api_key": KEY}) for _ in range(3)]
    assert [status for status, _, _ in asked] == [200, 200, 429]
    assert (asked[2][1]["Retry-After"], asked[2][1]["X-RateLimit-Remaining"]) == ("60", "0")
    assert asked[2][2].startswith(b"<html>")
    clock.ms += 60_000
    assert ask(robot.v2 + "getMonitors", {"api_key": KEY})[0] == 200


def test_what_comes_next_can_be_set_for_one_request(robot: UptimeRobot, account: Account) -> None:
    account.moods.extend(["429", "401", "502", "bad key"])
    asked = [ask(robot.v2 + "getMonitors", {"api_key": KEY}) for _ in range(5)]
    assert [status for status, _, _ in asked] == [429, 401, 502, 200, 200]
    assert [b'"fail"' in body for _, _, body in asked[3:]] == [True, False]


def test_every_request_is_remembered(robot: UptimeRobot, account: Account) -> None:
    v2(robot, "getMonitors", offset=50)
    (request,) = account.requests
    assert (request.method, request.path, request.form["api_key"]) == ("POST", "/v2/getMonitors", KEY)
    assert KEY not in request.target


def test_an_account_can_stop_looking(account: Account) -> None:
    account.go_stale(7200)
    monitor = account.monitors[0]
    newest, _ = next(monitor.all_samples(account.now_s, from_s=0, to_s=account.now_s))
    assert newest == NOW_S - 7200


def test_a_clock_may_be_ahead(robot: UptimeRobot, account: Account) -> None:
    account.skew_s = 300
    said = v2(robot, "getMonitors", response_times=1, response_times_limit=1)["monitors"][0]
    assert said["response_times"][0]["datetime"] == NOW_S + 240


def test_samples_before_a_date_keep_to_the_grid() -> None:
    monitor = Monitor(id=1, name="a", url="https://a.example", interval_s=300, sample_age_s=100)
    grid = list(monitor.all_samples(NOW_S, from_s=NOW_S - 1000, to_s=NOW_S - 350))
    assert [at_s - NOW_S for at_s, _ in grid] == [-400, -700, -1000]
