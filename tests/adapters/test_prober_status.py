"""What a look at another prober comes to, whatever it publishes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.adapters.prober_status import look
from prober.core.facts import Answer
from prober.core.model import Outcome, Result
from prober.core.report import ProbeStatus, StatusReport
from prober.core.sight import Limited, Rejected, Seen, Unreachable, Watch
from prober.errors import NoAnswerError
from prober.render import shapes

if TYPE_CHECKING:
    from prober.core.sight import Sight

pytestmark = pytest.mark.anyio

AT = "2026-11-20T14:12:03Z"
AT_MS = 1_795_183_923_000
LATER = "2026-11-20T14:12:41.500Z"


async def sight(answer: Answer | bytes) -> Sight:
    async def fetch(method: str, url: str, **_: object) -> Answer:
        assert (method, url) == ("GET", "https://other.example/status.json")
        return answer if isinstance(answer, Answer) else Answer(status=200, body=answer)

    return await look(fetch, url="https://other.example/status.json")


def status(*probes: Any, **more: Any) -> bytes:
    return json.dumps({"schema": 1, "generated_at": LATER, "role": "active", "probes": probes, **more}).encode()


def probe(state: str = "up", outcome: str = "ok", **more: Any) -> dict[str, Any]:
    return {"id": "api", "name": "API", "state": state, "last_check": {"at": AT, "outcome": outcome}, **more}


async def state_of(one: dict[str, Any], **more: Any) -> str:
    seen = await sight(status(one, **more))
    assert isinstance(seen, Seen)
    (watch,) = seen.watches
    return watch.state


async def test_a_probe_is_watched_as_of_its_last_check() -> None:
    seen = await sight(status(probe()))
    assert seen == Seen(watches=(Watch(key="api", name="API", state="up", newest_ms=AT_MS),))


async def test_our_own_status_can_be_read() -> None:
    last = Result(probe_id="api", location="here", at_ms=AT_MS, outcome=Outcome.OK)
    report = StatusReport(
        title="t",
        location="here",
        generated_at_ms=AT_MS + 9_000,
        probes=(
            ProbeStatus(id="api", name="API", state="slow", last=last),
            ProbeStatus(id="b", name="B", state="unknown"),
        ),
    )
    seen = await sight(shapes.status(report).encode())
    assert seen == Seen(watches=(Watch(key="api", name="API", state="up", newest_ms=AT_MS),))


async def test_a_file_proves_nothing_later_than_itself() -> None:
    seen = await sight(status(probe(), generated_at="2026-11-20T14:00:00+00:00"))
    assert isinstance(seen, Seen)
    assert seen.watches[0].newest_ms == AT_MS - 723_000


@pytest.mark.parametrize(
    ("state", "outcome", "seen_as"),
    [
        ("up", "ok", "up"),
        ("up", "failed", "up"),
        ("slow", "slow", "up"),
        ("down", "failed", "down"),
        ("down", "ok", "down"),
        ("unknown", "ok", "pending"),
        ("paused", "ok", "paused"),
        ("maintenance", "ok", "up"),
        ("maintenance", "failed", "down"),
        ("up", "unknown", "pending"),
        ("down", "unknown", "pending"),
        ("maintenance", "unknown", "pending"),
        ("paused", "unknown", "paused"),
        ("tomorrow's word", "ok", "paused"),
    ],
)
async def test_a_state_is_what_it_is_worth_to_us(state: str, outcome: str, seen_as: str) -> None:
    assert await state_of(probe(state, outcome)) == seen_as


@pytest.mark.parametrize(
    ("role", "own", "seen_as"),
    [
        ("active", None, "up"),
        ("standing-in", None, "up"),
        ("standby", None, "standby"),
        ("standby", "standing-in", "up"),
        ("active", "standby", "standby"),
        ("standing-in", "standby", "standby"),
        ("tomorrow's word", None, "paused"),
        (None, None, "paused"),
    ],
)
async def test_who_keeps_quiet_is_not_watching_for_us(role: str | None, own: str | None, seen_as: str) -> None:
    """Of two that stand behind one another, each sees the other pause: neither stays silent."""
    one = probe() if own is None else probe(role=own)
    assert await state_of(one, role=role) == seen_as


@pytest.mark.parametrize("broken", [[], {}, 7, None])
async def test_a_state_or_role_that_is_no_word_is_not_watching(broken: Any) -> None:
    assert await state_of(probe(broken)) == "paused"
    assert await state_of(probe(role=broken)) == "paused"
    assert await state_of(probe(outcome=broken)) == "up"


@pytest.mark.parametrize(
    ("answer", "seen_as"),
    [
        (Answer(status=404), Unreachable(why="status 404, expected 200")),
        (Answer(status=500), Unreachable(why="status 500, expected 200")),
        (Answer(status=200, is_cut=True), Unreachable(why="the answer is too long")),
        (Answer(status=401), Rejected(why="status 401")),
        (Answer(status=403), Rejected(why="status 403")),
        (Answer(status=429), Limited(wait_ms=60_000)),
        (b"<html>", Unreachable(why="the answer is not JSON")),
        (b"[]", Unreachable(why="the answer is not the status of a prober that we understand")),
        (b'{"schema": 2}', Unreachable(why="the answer is not the status of a prober that we understand")),
        (b'{"schema": 1}', Unreachable(why="the answer does not say when it was made, or of which probes")),
    ],
)
async def test_what_cannot_be_read_says_why(answer: Answer | bytes, seen_as: Sight) -> None:
    assert await sight(answer) == seen_as


async def test_no_answer_is_unreachable() -> None:
    async def fetch(*_: object, **__: object) -> Answer:
        raise NoAnswerError("connection refused by 192.0.2.1:443")

    assert await look(fetch, url="https://other.example/") == Unreachable(why="connection refused by 192.0.2.1:443")


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        {},
        {"id": "b"},
        {"id": "b", "last_check": None},
        {"id": "b", "last_check": {"at": None}},
        {"id": "b", "last_check": {"at": "2026-11-20T14:12:03"}},
        {"id": "b", "last_check": {"at": "0001-01-01T00:00:00+23:59"}},
        {"id": "b", "last_check": {"at": "9999-12-31T23:59:59-23:59"}},
        {"id": "b", "last_check": {"at": "noon"}},
        {"id": 7, "last_check": {"at": AT}},
    ],
)
async def test_a_probe_that_was_never_checked_or_is_broken_is_skipped(broken: Any) -> None:
    seen = await sight(status(broken, probe()))
    assert isinstance(seen, Seen)
    assert [watch.key for watch in seen.watches] == ["api"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([AT, "up", "standby"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
AT_SOME_TIME = st.datetimes().map(lambda at: f"{at.isoformat()}Z") | JSON
OUTCOME = st.sampled_from(["ok", "failed", "unknown"]) | JSON
STATE = st.sampled_from(["up", "down", "maintenance", "paused"]) | JSON
ROLE = st.sampled_from(["active", "standby"]) | JSON
LAST = st.fixed_dictionaries({"at": AT_SOME_TIME, "outcome": OUTCOME}) | JSON
PROBE = st.fixed_dictionaries({"id": st.text() | JSON, "state": STATE, "last_check": LAST}, optional={"role": ROLE})
PROBES = st.lists(PROBE, max_size=4) | JSON
STATUS = st.fixed_dictionaries(
    {"schema": st.just(1) | JSON, "generated_at": st.just(LATER) | AT_SOME_TIME, "role": ROLE, "probes": PROBES}
)


@given(st.binary() | STATUS.map(lambda said: json.dumps(said).encode()))
async def test_whatever_bytes_come_the_look_is_a_sight(body: bytes) -> None:
    seen = await sight(body)
    assert isinstance(seen, Seen | Unreachable)
    if isinstance(seen, Seen):
        (" ".join(watch.key + watch.name for watch in seen.watches)).encode()
