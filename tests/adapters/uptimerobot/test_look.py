"""What a look at UptimeRobot comes to, whatever its API says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.adapters.http import Fetcher
from prober.adapters.uptimerobot import look
from prober.core.facts import Answer
from prober.core.sight import Limited, Rejected, Seen, Unreachable, Watch
from tests.servers.uptimerobot import Account, Log, Monitor, run_uptimerobot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prober.core.sight import Sight
    from tests.servers.uptimerobot import Mood

pytestmark = pytest.mark.anyio

NOW_S = 1_800_000_000
NOW_MS = NOW_S * 1000
KEY = "ur1234-read-only-secret"


def account(*monitors: Monitor, **more: Any) -> Account:
    return Account(now_ms=lambda: NOW_MS, monitors=list(monitors), **more)


def monitor(number: int = 7, **more: Any) -> Monitor:
    return Monitor(id=number, name=f"Site {number}", url=f"https://site{number}.example/", **more)


async def look_at(account: Account, *, timeout_ms: int = 30_000) -> Sight:
    async with run_uptimerobot(account) as robot, Fetcher(timeout_ms=timeout_ms) as fetch:
        return await look(fetch, url=robot.v2, api_key=KEY)


async def watches_of(account: Account) -> tuple[Watch, ...]:
    seen = await look_at(account)
    assert isinstance(seen, Seen)
    return seen.watches


async def test_a_monitor_is_seen_with_its_newest_sample_and_log_entry() -> None:
    logs = [Log(at_s=NOW_S - 9000, duration_s=60), Log(at_s=NOW_S - 8940, type=2)]
    assert await watches_of(account(monitor(logs=logs, sample_age_s=45))) == (
        Watch(
            key="7",
            name="Site 7",
            state="up",
            url="https://site7.example/",
            interval_ms=300_000,
            newest_ms=NOW_MS - 45_000,
            logged_ms=NOW_MS - 8_940_000,
        ),
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [(0, "paused"), (1, "pending"), (2, "up"), (8, "down"), (9, "down"), (3, "paused"), (-1, "paused"), (77, "paused")],
)
async def test_a_status_is_a_state_and_an_unknown_one_is_not_watching(status: int, state: str) -> None:
    (watch,) = await watches_of(account(monitor(status=status)))
    assert watch.state == state


async def test_a_heartbeat_has_no_sample() -> None:
    (watch,) = await watches_of(account(monitor(type="HEARTBEAT")))
    assert (watch.state, watch.newest_ms, watch.logged_ms) == ("up", None, None)


async def test_their_laundry_changes_nothing() -> None:
    monitors = [monitor(), Monitor(id=8, name="R&D <x>", url="https://a.example/?a=1&b=2", logs=[Log(at_s=5)])]
    plain = await watches_of(account(*monitors))
    assert await watches_of(account(*monitors, numbers="strings", missing="null", is_escaped=True)) == plain
    assert (plain[1].name, plain[1].url) == ("R&D <x>", "https://a.example/?a=1&b=2")


async def test_all_pages_are_read() -> None:
    large = account(*map(monitor, range(1, 121)))
    assert [watch.key for watch in await watches_of(large)] == [str(number) for number in range(1, 121)]
    assert [request.form["offset"] for request in large.requests] == ["0", "50", "100"]
    assert [request.form["limit"] for request in large.requests] == ["50", "50", "50"]


async def test_a_smaller_page_than_asked_for_is_followed_by_the_next() -> None:
    assert len(await watches_of(account(*map(monitor, range(1, 41)), page_size=17))) == 40


async def test_an_empty_account_is_seen_as_empty() -> None:
    assert await watches_of(account()) == ()


async def test_a_look_asks_for_one_log_entry_and_one_sample_of_each() -> None:
    asked = account(monitor())
    await look_at(asked)
    (request,) = asked.requests
    wanted = {"logs": "1", "logs_limit": "1", "response_times": "1", "response_times_limit": "1", "format": "json"}
    assert request.form.items() >= wanted.items()
    assert (request.method, request.path) == ("POST", "/v2/getMonitors")


async def test_the_key_travels_in_the_body_and_nowhere_else() -> None:
    asked = account(monitor())
    await look_at(asked)
    (request,) = asked.requests
    assert request.form["api_key"] == KEY
    assert KEY not in request.target + "".join(request.headers.values())


@pytest.mark.parametrize(
    ("mood", "sight"),
    [
        ("bad key", Rejected(why="the API refuses the key")),
        ("401", Rejected(why="status 401")),
        ("403", Rejected(why="status 403")),
        ("refuses", Unreachable(why="the API says that the request failed")),
        ("429", Limited(wait_ms=30_000)),
        ("429 json", Limited(wait_ms=30_000)),
        ("500", Unreachable(why="status 500, expected 200")),
        ("502", Unreachable(why="status 502, expected 200")),
        ("garbage", Unreachable(why="the answer is not JSON")),
        ("wrong shape", Unreachable(why="the answer has no list of monitors")),
        ("redirect", Unreachable(why="status 302, expected 200")),
    ],
)
@pytest.mark.parametrize("page", [1, 2])
async def test_what_goes_wrong_on_any_page_is_the_whole_look(mood: Mood, sight: Sight, page: int) -> None:
    asked = account(*map(monitor, range(1, 61)))
    asked.moods.extend(("well", mood)[2 - page :])
    assert await look_at(asked) == sight


async def test_a_wrong_key_is_rejected_and_not_repeated() -> None:
    async with run_uptimerobot(account(monitor(), key="another")) as robot, Fetcher() as fetch:
        assert await look(fetch, url=robot.v2, api_key=KEY) == Rejected(why="the API refuses the key")


async def test_an_answer_that_breaks_off_is_none() -> None:
    seen = await look_at(account(monitor(), mood="cut"))
    assert isinstance(seen, Unreachable)
    assert seen.why.startswith("peer closed connection without sending complete message body")


async def test_an_api_that_hangs_is_unreachable_by_the_deadline() -> None:
    seen = await look_at(account(monitor(), mood="hanging"), timeout_ms=500)
    assert seen == Unreachable(why="no answer within 0.5 s (waiting for the first byte)")


async def test_a_base_address_may_end_without_a_slash() -> None:
    async with run_uptimerobot(account(monitor())) as robot, Fetcher() as fetch:
        assert isinstance(await look(fetch, url=robot.v2.rstrip("/"), api_key=KEY), Seen)


def answers(*bodies: bytes) -> Callable[..., Awaitable[Answer]]:
    """Answer with these, one after the other, and with the last one for ever."""
    left = list(bodies)

    async def fetch(*_: object, **__: object) -> Answer:
        return Answer(status=200, body=left.pop(0) if len(left) > 1 else left[0])

    return fetch


def page(*monitors: Any, total: Any) -> bytes:
    return json.dumps({"stat": "ok", "pagination": {"total": total}, "monitors": monitors}).encode()


async def sight(*bodies: bytes) -> Sight:
    return await look(answers(*bodies), url="https://api.example/v2/", api_key=KEY)


async def test_a_broken_monitor_is_skipped_and_the_others_are_seen() -> None:
    broken: list[Any] = [
        None,
        7,
        [],
        {},
        {"id": "x"},
        {"id": 1, "status": [], "interval": -5, "logs": 7, "response_times": [3, {}]},
    ]
    seen = await sight(page(*broken, {"id": 2, "status": "2", "interval": 10**9}, total=7))
    assert seen == Seen(watches=(Watch(key="1", name="", state="paused"), Watch(key="2", name="", state="up")))


async def test_a_list_that_changes_between_two_pages_is_seen_as_far_as_it_shows() -> None:
    seen = await sight(
        page({"id": 1}, {"id": 2}, total=4), page({"id": 2, "status": 2}, {"id": 3}, total=5), page(total=5)
    )
    assert isinstance(seen, Seen)
    assert [(watch.key, watch.state) for watch in seen.watches] == [("1", "paused"), ("2", "up"), ("3", "paused")]


async def test_a_list_without_end_is_given_up() -> None:
    assert await sight(page({"id": 1}, total=10**9)) == Unreachable(why="the list of monitors has no end")


@pytest.mark.parametrize("error", [{"message": "API key not found"}, {"parameter_name": "api_key"}, "apiKey is wrong"])
async def test_a_failure_on_the_key_is_known_by_any_of_its_words(error: Any) -> None:
    assert isinstance(await sight(json.dumps({"stat": "fail", "error": error}).encode()), Rejected)


@pytest.mark.parametrize("error", [None, 7, {}, {"message": 7}, {"message": f"internal {KEY}"}])
async def test_any_other_failure_is_unreachable_in_our_own_words(error: Any) -> None:
    seen = await sight(json.dumps({"stat": "fail", "error": error}).encode())
    assert seen == Unreachable(why="the API says that the request failed")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ENTRY = st.fixed_dictionaries({}, optional={"datetime": JSON, "value": JSON}) | JSON
MONITOR = st.fixed_dictionaries(
    {"id": st.integers() | JSON},
    optional={
        "friendly_name": JSON,
        "url": st.text() | JSON,
        "status": st.sampled_from([0, 1, 2, 8, 9, "2", ""]) | JSON,
        "interval": st.integers() | JSON,
        "logs": st.lists(ENTRY, max_size=3) | JSON,
        "response_times": st.lists(ENTRY, max_size=3) | JSON,
    },
)
REPLY = st.fixed_dictionaries(
    {"stat": st.sampled_from(["ok", "ok", "ok", "fail"]) | JSON},
    optional={
        "pagination": st.fixed_dictionaries({"total": st.integers(0, 9) | JSON}) | JSON,
        "monitors": st.lists(MONITOR | JSON, max_size=5) | JSON,
        "error": JSON,
    },
)


@given(st.binary() | REPLY.map(lambda reply: json.dumps(reply).encode()))
async def test_whatever_bytes_come_the_look_is_a_sight(body: bytes) -> None:
    seen = await sight(body)
    assert isinstance(seen, Seen | Unreachable | Rejected)
    if isinstance(seen, Seen):
        for watch in seen.watches:
            (watch.name + (watch.url or "")).encode()
            for moment in (watch.newest_ms, watch.logged_ms, watch.interval_ms):
                assert moment is None or 0 < moment < 2**63


async def test_every_byte_of_a_form_is_escaped() -> None:
    bodies: list[bytes] = []

    async def fetch(*_: object, body: bytes, **__: object) -> Answer:
        bodies.append(body)
        return Answer(status=200, body=page(total=0))

    await look(fetch, url="https://api.example/v2/", api_key="a&b=c \u00e4")
    assert parse_qs(bodies[0].decode())["api_key"] == ["a&b=c \u00e4"]


async def test_who_asked_too_often_comes_back_when_their_minute_is_over() -> None:
    asked = account(monitor(), per_minute=1)
    async with run_uptimerobot(asked) as robot, Fetcher() as fetch:
        assert isinstance(await look(fetch, url=robot.v2, api_key=KEY), Seen)
        assert await look(fetch, url=robot.v2, api_key=KEY) == Limited(wait_ms=60_000)


async def test_the_time_to_come_back_may_be_a_date_by_their_clock() -> None:
    asked = account(monitor(), mood="429", retry_after="Fri, 15 Jan 2027 09:01:30 GMT", skew_s=3600)
    assert await look_at(asked) == Limited(wait_ms=90_000)
