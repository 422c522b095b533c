from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from prober.adapters.http import Fetcher
from prober.adapters.uptimerobot.account import LONGEST_WAIT_MS, read_account, version_3_url
from prober.adapters.uptimerobot.calls import RefusedError
from prober.core.facts import Answer
from prober.core.sight import Limited, Rejected, Unreachable
from prober.errors import NoAnswerError
from tests.fakes import T0, jumping_time
from tests.servers.uptimerobot import realistic_account, run_uptimerobot

if TYPE_CHECKING:
    from prober.core.importing.account import Account
    from tests.servers.uptimerobot import Account as Theirs
    from tests.servers.uptimerobot import UptimeRobot

KEY = "ur1234-read-only-secret"
ALONE = "http://127.0.0.1/api/"


@pytest.fixture
def theirs() -> Theirs:
    return realistic_account(lambda: T0)


async def read(robot: UptimeRobot, url: str | None = None) -> Account:
    async with Fetcher() as fetch:
        return await read_account(fetch, url=url or robot.v2, api_key=KEY)


@pytest.mark.anyio
@pytest.mark.parametrize("numbers", ["numbers", "strings"])
@pytest.mark.parametrize("missing", ["empty", "null"])
async def test_an_account_is_read_whole_whatever_it_wears(theirs: Theirs, numbers: Any, missing: Any) -> None:
    theirs.numbers, theirs.missing, theirs.is_escaped, theirs.utc_offset_min = numbers, missing, True, 60
    async with run_uptimerobot(theirs) as robot:
        found = await read(robot)
    assert [each.name for each in found.monitors] == [each.name for each in theirs.monitors]
    assert [each.url for each in found.monitors] == [each.url for each in theirs.monitors]
    assert len(found.contacts) == len(found.windows) == 5
    assert (found.timezone, found.troubles) == ("60", ())
    assert {each.slow_ms for each in found.monitors} == {None, 2000}


@pytest.mark.anyio
async def test_lists_come_in_pages(theirs: Theirs) -> None:
    theirs.page_size = 7
    heard: list[str] = []
    async with run_uptimerobot(theirs) as robot, Fetcher() as fetch:
        found = await read_account(fetch, url=robot.v2, api_key=KEY, say=heard.append)
    assert len(found.monitors) == 60
    assert heard[:2] == ["monitors: 7 of 60", "monitors: 14 of 60"]
    assert heard[-1] == "details: 60"


@pytest.mark.anyio
async def test_the_key_travels_in_a_body_or_a_header_and_in_no_address(theirs: Theirs) -> None:
    async with run_uptimerobot(theirs) as robot:
        await read(robot)
    assert {request.method for request in theirs.requests} == {"GET", "POST"}
    for request in theirs.requests:
        assert KEY not in request.target
        assert (KEY in request.body.decode()) is (request.method == "POST")
        assert request.headers.get("authorization") in {None, f"Bearer {KEY}"}


@pytest.mark.anyio
async def test_a_link_to_the_next_page_does_not_lead_elsewhere() -> None:
    asked: list[str] = []

    async def fetch(method: str, url: str, **_: Any) -> Answer:
        asked.append(url)
        if method == "POST":
            return said(stat="ok", monitors=[], alert_contacts=[], mwindows=[])
        return said(data=[], nextLink=None if "cursor" in url else "https://evil.example/?cursor=a%26b")

    await read_account(fetch, url="https://api.example/v2/", api_key=KEY)
    assert asked[-1] == "https://api.example/v3/monitors?limit=200&cursor=a%26b"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("moods", "trouble"),
    [
        (["401"], "API v3 gave nothing (status 401): redirects, success codes, tags, slow and JSON are missing"),
        (["cut"], "API v3 gave nothing"),
    ],
)
async def test_without_version_3_version_2_suffices_and_it_is_said(
    theirs: Theirs, moods: list[Any], trouble: str
) -> None:
    theirs.moods.extend(["well", "well", "well", "well", *moods])
    async with run_uptimerobot(theirs) as robot:
        found = await read(robot)
    assert len(found.monitors) == 60
    assert [each for each in found.troubles if each.startswith(trouble)]
    assert {each.kind for each in found.monitors} == {
        "http",
        "keyword",
        "ping",
        "port",
        "heartbeat",
        "type 7",
        "type 8",
        "type 9",
    }


@pytest.mark.anyio
async def test_a_key_of_a_single_monitor_reads_that(theirs: Theirs) -> None:
    theirs.moods.extend(["well", "well", "bad key", "bad key"])
    async with run_uptimerobot(theirs) as robot:
        found = await read(robot)
    assert found.troubles == (
        "alert contacts cannot be read with this key",
        "maintenance windows cannot be read with this key",
    )
    assert [each.value for each in found.contacts if each.kind == "e-mail"] == ["ops@acme.example", "new@acme.example"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("moods", "kind"),
    [
        (["bad key"], Rejected),
        (["401"], Rejected),
        (["cut"], Unreachable),
        (["well", "well", "cut"], Unreachable),
    ],
)
async def test_what_cannot_be_read_is_said_and_nothing_is_half_read(
    theirs: Theirs, moods: list[Any], kind: type
) -> None:
    theirs.moods = deque(moods)
    async with run_uptimerobot(theirs) as robot:
        with pytest.raises(RefusedError) as refused:
            await read(robot)
    assert isinstance(refused.value.sight, kind)


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://api.uptimerobot.com/v2/", "https://api.uptimerobot.com/v3/"),
        ("http://127.0.0.1:8080/proxy/v2", "http://127.0.0.1:8080/proxy/v3/"),
        ("http://127.0.0.1:8080/", None),
        ("http://127.0.0.1:8080/av2/", None),
    ],
)
def test_version_3_is_the_sibling_of_version_2(url: str, other: str | None) -> None:
    assert version_3_url(url) == other


def said(status: int = 200, headers: tuple[tuple[str, str], ...] = (), **reply: Any) -> Answer:
    return Answer(status=status, headers=headers, body=json.dumps(reply).encode())


EMPTY = said(stat="ok", monitors=[], alert_contacts=[], mwindows=[])
WAIT = Answer(status=429, headers=(("retry-after", "60"),))


class Script:
    """Answers as scripted, and with an empty account when that is over."""

    def __init__(self, *answers: Answer | NoAnswerError) -> None:
        self.answers = deque(answers)
        self.asked_at_s: list[float] = []

    async def __call__(self, *_: Any, **__: Any) -> Answer:
        self.asked_at_s.append(anyio.current_time())
        answer = self.answers.popleft() if self.answers else EMPTY
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer


def run(script: Script, url: str = ALONE) -> tuple[Account, list[float], list[str]]:
    heard: list[str] = []

    async def main() -> Account:
        return await read_account(script, url=url, api_key=KEY, say=heard.append)

    backend, options = jumping_time()
    found = anyio.run(main, backend=backend, backend_options=options)
    return found, [each - script.asked_at_s[0] for each in script.asked_at_s], heard


def test_it_waits_as_long_as_it_is_asked_to() -> None:
    _, asked_at_s, heard = run(Script(WAIT, WAIT))
    assert [round(each) for each in asked_at_s] == [0, 60, 120, 120, 120]
    assert heard[0] == "UptimeRobot asks to wait 60 s"


def test_it_does_not_wait_for_ever() -> None:
    with pytest.raises(RefusedError) as refused:
        run(Script(*[WAIT] * 9))
    assert refused.value.sight == Limited(wait_ms=60_000)
    assert LONGEST_WAIT_MS == 300_000


NO_LIST = said(stat="ok", monitors={"7": "not a list"}, data="not a list")


def test_an_answer_that_is_none_is_asked_for_again_and_none_at_all_is_not() -> None:
    _, asked_at_s, _ = run(Script(said(502), said(502)))
    assert [round(each) for each in asked_at_s] == [0, 1, 4, 4, 4]
    for last, times in ((said(502), 3), (NO_LIST, 1), (NoAnswerError("refused"), 1)):
        script = Script(*[last] * times)
        with pytest.raises(RefusedError) as refused:
            run(script)
        assert isinstance(refused.value.sight, Unreachable)
        assert len(script.asked_at_s) == times


@pytest.mark.parametrize("odd", [NO_LIST, said(502), Answer(status=200, body=b"\x00<html>")])
def test_version_3_may_answer_with_anything(odd: Answer) -> None:
    found, asked_at_s, _ = run(Script(EMPTY, EMPTY, EMPTY, odd, odd, odd), ALONE + "v2/")
    assert found.troubles[0].startswith("API v3 gave nothing (")
    assert len(asked_at_s) == 6


def test_version_3_may_ask_to_wait_too_long() -> None:
    found, _, _ = run(Script(EMPTY, EMPTY, EMPTY, Answer(status=429, headers=(("retry-after", "900"),))), ALONE + "v2/")
    assert found.troubles[0].startswith("API v3 gave nothing (it asks to wait 900 s)")


def test_an_address_without_a_version_says_what_it_lacks() -> None:
    found, _, _ = run(Script())
    assert found.troubles == ("API v2 alone was read: it tells nothing of redirects, success codes, tags and JSON",)


def test_lists_that_never_end_are_left() -> None:
    page = said(stat="ok", monitors=[{"id": 1}], pagination={"total": 10**6})
    with pytest.raises(RefusedError):
        run(Script(*[page] * 1000))
    turning = said(data=[{"id": 1, "type": "HTTP", "groupId": 0}], nextCursorId=5)
    found, _, _ = run(Script(EMPTY, EMPTY, EMPTY, turning, turning, turning), ALONE + "v2/")
    assert len(found.monitors) == 1


def test_a_link_that_is_none_ends_the_list() -> None:
    found, asked_at_s, _ = run(
        Script(EMPTY, EMPTY, EMPTY, said(data=[], nextLink="https://[::1/?cursor=1")), ALONE + "v2/"
    )
    assert (len(asked_at_s), found.monitors) == (4, ())


def test_groups_become_tags_where_their_names_are_told() -> None:
    monitors = said(data=[{"id": 1, "type": "HTTP", "groupId": 5}])
    groups = said(data=[{"id": 5, "name": "Shops"}])
    found, _, _ = run(Script(EMPTY, EMPTY, EMPTY, monitors, groups), ALONE + "v2/")
    assert found.monitors[0].tags == ("Shops",)
    found, _, _ = run(Script(EMPTY, EMPTY, EMPTY, monitors, said(404), said(404), said(404)), ALONE + "v2/")
    assert found.troubles == ("the names of groups cannot be read: they would be tags",)
