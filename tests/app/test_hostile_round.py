"""A round among hostile servers: it ends in time, each gets one result, neighbours and store are untouched."""

from __future__ import annotations

import os
import time
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.clock import SystemClock
from prober.adapters.http import HttpChecker
from prober.adapters.mail import SmtpMailer
from prober.adapters.store.db import open_store
from prober.adapters.store.results import all_last_results
from prober.app.asked import Options
from prober.app.books import open_books
from prober.app.place import Place
from prober.app.run import Run
from prober.core.expect import Expect, JsonRule
from prober.core.model import Outcome, Policy, Probe, Reason, Result
from prober.core.settings import Config
from prober.core.text import clean
from tests.servers.certificates import authority_file
from tests.servers.hostile import HOSTILE, OK, hostile_servers, says
from tests.servers.raw import serving

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

TIMEOUT_MS = 2_000
GRACE_S = 2
HEALTHY = OK + b'Content-Type: application/json\r\n\r\n{"status": "ok"}'
JUDGED = Expect(json=(JsonRule(path="status", operator="==", operand="ok"),))

BODIES: dict[str, bytes] = {
    "not JSON": b"<html>",
    "empty": b"",
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 65 + b"]" * 65,
    "lone surrogate": b'{"status": "\\ud800"}',
    "NaN": b'{"status": NaN}',
    "infinite": b'{"status": 1e999}',
    "huge integer": b'{"status": ' + b"9" * 5_000 + b"}",
    "ANSI and bidi": '{"status": "\x1b[2J\u202eko"}'.encode(),
    "control characters": b'{"status": "\x00\r\n"}',
    "not UTF-8": b'{"status": "\xff\xfe"}',
    "other shape": b'["status"]',
    "bare value": b"true",
    "too large": b'{"status": "ok", "rest": "' + b"x" * 300_000 + b'"}',
}


def probe(name: str, url: str, expect: Expect) -> Probe:
    return Probe(
        id=name.replace(" ", "-").lower(),
        name=name,
        url=url,
        identity="",
        expect=expect,
        timeout_ms=TIMEOUT_MS,
        ca=authority_file(),
        policy=Policy(slow_ms=None),
    )


async def run_round(folder: Path) -> tuple[dict[str, Result], float]:
    """Check every hostile server, every hostile body and a healthy neighbour; return what was stored, and the time."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(hostile_servers())
        probes = [probe(name, url, Expect()) for name, url in urls.items()]
        for name, body in {**BODIES, "neighbour": b""}.items():
            answer = HEALTHY if name == "neighbour" else OK + b"\r\n" + body
            port = await stack.enter_async_context(serving(says(answer)))
            probes.append(probe(name, f"http://127.0.0.1:{port}/", JUDGED))
        checker = await stack.enter_async_context(HttpChecker(now_ms=clock.now_ms))
        config = Config(path=None, title="", location="here", probes=tuple(probes))
        place = Place(host="here", pid=os.getpid(), origin="here")
        books = open_books(folder / "prober.db", config=config, place=place, clock=clock, is_alerting=True)
        stack.enter_context(closing(books))
        run = Run(
            config=config,
            books=books,
            clock=clock,
            checker=checker,
            open_session=SmtpMailer,
            options=Options(deadline_ms=0, place=place),
        )
        began = time.monotonic()
        report = await run.run(probes)
        took_s = time.monotonic() - began
        assert len(report.results) == len(probes)
        assert books.store.rows("SELECT count(*) AS n FROM results")[0]["n"] == len(probes)
        return all_last_results(books.store, "here"), took_s


@pytest.fixture(scope="module")
async def outcome(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Result], float]:
    assert anyio_backend
    return await run_round(tmp_path_factory.mktemp("round"))


async def test_no_server_can_end_a_round_hold_it_or_touch_its_neighbours(
    outcome: tuple[dict[str, Result], float],
) -> None:
    stored, took_s = outcome
    assert took_s <= (TIMEOUT_MS + 5 * len(stored)) / 1000 + GRACE_S
    assert stored["neighbour"].outcome is Outcome.OK
    assert Reason.INTERNAL not in {result.reason for result in stored.values()}
    for name, row in HOSTILE.items():
        strange = row.status is not None and not 200 <= row.status <= 299
        expected = row.reason or (Reason.STATUS if strange else None)
        assert stored[name.replace(" ", "-").lower()].reason == expected, name


async def test_hostile_bodies_fail_the_check_and_leave_clean_text(outcome: tuple[dict[str, Result], float]) -> None:
    stored, _ = outcome
    for name in BODIES:
        result = stored[name.replace(" ", "-").lower()]
        assert result.outcome is Outcome.FAILED, name
        assert result.reason is (Reason.TOO_LARGE if name == "too large" else Reason.JSON), name
        for text in (result.detail, result.excerpt):
            assert text is None or text == clean(text)
            assert len((text or "").encode()) <= 500


async def test_a_cancelled_round_leaves_nothing_behind(tmp_path: Path) -> None:
    with anyio.move_on_after(0.1) as cut_short:
        await run_round(tmp_path)
    assert cut_short.cancelled_caught
    store = open_store(tmp_path / "prober.db", now_ms=0)
    assert store.rows("SELECT count(*) AS n FROM results")[0]["n"] == 0
    store.close()
