from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.http import HttpChecker
from prober.adapters.log import Log
from prober.adapters.store import outbox
from prober.adapters.store.outbox import Queued
from prober.app.heartbeat import Heartbeat, is_allowed
from prober.app.journal import Journal
from prober.core.alerts import AlertKind
from prober.core.delivery import STUCK_AFTER_MS
from prober.core.facts import Facts
from prober.core.masking import Masker
from prober.core.model import Reason
from tests.app.world import OPS
from tests.fakes import T0
from tests.servers.raw import serving

if TYPE_CHECKING:
    from prober.core.model import Probe
    from tests.app.world import World
    from tests.servers.raw import Peer

pytestmark = pytest.mark.anyio
SECRET = "c0ffee00-1234-5678-9abc-def012345678"


class Monitor:
    """Another monitor, that answers with the statuses of a script, and with 200 when it is over; ``-`` hangs up."""

    def __init__(self, *script: str) -> None:
        self._script = list(script)
        self.asked: list[bytes] = []

    async def answer(self, peer: Peer) -> None:
        self.asked.append((await peer.request()).partition(b"\r\n")[0])
        status = self._script.pop(0) if self._script else "200"
        if status != "-":
            where = f"Location: /{SECRET}/2\r\n" if status == "302" else ""
            await peer.send(f"HTTP/1.1 {status} {SECRET}\r\n{where}Content-Length: 0\r\n\r\n".encode())


def heartbeat(port: int, lines: list[str]) -> tuple[HttpChecker, Heartbeat]:
    def write(line: bytes) -> bool:
        lines.append(line.decode().partition(" ")[2].rstrip("\n"))
        return True

    checker = HttpChecker(now_ms=lambda: T0)
    url = f"http://127.0.0.1:{port}/{SECRET}"
    journal = Journal(Log(write, now_ms=lambda: T0))
    return checker, Heartbeat(url, checker=checker, mask=Masker(()).mask, journal=journal)


async def test_a_beat_is_one_request_of_the_url() -> None:
    monitor = Monitor()
    lines: list[str] = []
    async with serving(monitor.answer) as port:
        checker, beating = heartbeat(port, lines)
        async with checker:
            assert await beating.beat()
    assert monitor.asked == [f"GET /{SECRET} HTTP/1.1".encode()]
    assert lines == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("200", None),
        ("204", None),
        ("299", None),
        ("302", None),  # it leads to a 200
        ("404", "status 404, expected 2xx"),
        ("500", "status 500, expected 2xx"),
    ],
)
async def test_any_2xx_is_fine(status: str, error: str | None) -> None:
    async with serving(Monitor(status).answer) as port:
        checker, beating = heartbeat(port, [])
        async with checker:
            assert await beating.beat() is (error is None)
    assert beating.error == error


async def test_only_changes_are_told_and_the_url_is_never() -> None:
    lines: list[str] = []
    async with serving(Monitor("500", "-", "404", "200", "200", "-", "200").answer) as port:
        checker, beating = heartbeat(port, lines)
        async with checker:
            assert [await beating.beat() for _ in range(7)] == [False, False, False, True, True, False, True]
    assert lines == [
        "warning  heartbeat failed: status 500, expected 2xx",
        "info     heartbeat recovered",
        f"warning  heartbeat failed: 127.0.0.1:{port} closed the connection without an answer",
        "info     heartbeat recovered",
    ]
    assert SECRET not in "".join(lines)


async def test_nobody_there_is_an_error_with_a_reason() -> None:
    async with serving(Monitor().answer) as port:
        pass
    checker, beating = heartbeat(port, [])
    async with checker:
        assert not await beating.beat()
    assert beating.error == f"connection refused by 127.0.0.1:{port}"


class Secretive:
    """A checker that fails with words of which half is a secret."""

    probe: Probe

    async def check(self, probe: Probe) -> Facts:
        self.probe = probe
        return Facts(started_at_ms=T0, failure=Reason.DNS, failure_detail=f"no such\nplace: {probe.url} hunter2")


async def test_whatever_went_wrong_is_told_on_one_line_without_secrets() -> None:
    checker = Secretive()
    beating = Heartbeat(f"https://a.example/{SECRET}", checker=checker, mask=Masker(["hunter2"]).mask)
    await beating.beat()
    assert beating.error == "no such place: *** ***"
    assert (checker.probe.timeout_ms, checker.probe.method) == (10_000, "GET")


@pytest.mark.parametrize(
    ("ages_ms", "allowed"),
    [
        ([], True),
        ([0], True),
        ([STUCK_AFTER_MS], True),
        ([STUCK_AFTER_MS + 1], False),
        ([0, STUCK_AFTER_MS + 1, 5], False),
        ([-10 * 365 * 86_400_000], True),  # queued while the clock was years ahead
        ([-10 * 365 * 86_400_000, STUCK_AFTER_MS + 1], False),
    ],
)
def test_it_stays_away_while_an_alert_is_stuck(world: World, ages_ms: list[int], allowed: bool) -> None:
    with closing(world.open()) as store:
        with store.transaction():
            outbox.queue(store, [queued(number, T0 - age_ms) for number, age_ms in enumerate(ages_ms)])
        assert is_allowed(store, T0) is allowed


def test_what_was_sent_or_given_up_is_not_stuck(world: World) -> None:
    with closing(world.open()) as store:
        with store.transaction():
            sent, dropped = outbox.queue(store, [queued(number, T0 - 2 * STUCK_AFTER_MS) for number in (1, 2)])
            outbox.mark_sent(store, sent, T0)
        assert not is_allowed(store, T0)
        outbox.drop(store, dropped)
        assert is_allowed(store, T0)


def queued(number: int, at_ms: int) -> Queued:
    return Queued(
        event=None,
        incident=None,
        kind=AlertKind.SEVERAL,
        channel="ops",
        recipient=OPS,
        facts="{}",
        queued_at_ms=at_ms,
        message_id=f"<{number}@acme.example>",
    )
