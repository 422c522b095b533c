"""No server can raise, outlive the deadline, or grow memory; each gets the reason that it deserves."""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.http import HttpChecker
from prober.core.model import Probe, Reason
from tests.servers.certificates import authority_file
from tests.servers.hostile import HOSTILE, hostile_servers

if TYPE_CHECKING:
    from prober.core.facts import Facts

pytestmark = pytest.mark.anyio

TIMEOUT_S = 1.0
GRACE_S = 0.5
MOST_GROWTH_KIB = 32 * 1024


async def check_all() -> dict[str, tuple[Facts, float]]:
    seen: dict[str, tuple[Facts, float]] = {}

    async def run(checker: HttpChecker, name: str, url: str) -> None:
        probe = Probe(id="p", name="p", url=url, identity="", timeout_ms=round(TIMEOUT_S * 1000), ca=authority_file())
        began = time.monotonic()
        facts = await checker.check(probe)
        seen[name] = (facts, time.monotonic() - began)

    async with hostile_servers() as urls, HttpChecker(now_ms=lambda: 0) as checker, anyio.create_task_group() as group:
        for name, url in urls.items():
            group.start_soon(run, checker, name, url)
    return seen


@pytest.fixture(scope="module")
async def outcomes(anyio_backend: str) -> tuple[dict[str, tuple[Facts, float]], int]:
    assert anyio_backend
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = await check_all()
    return seen, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_server_gets_its_reason_by_the_deadline(
    name: str, outcomes: tuple[dict[str, tuple[Facts, float]], int]
) -> None:
    row, (facts, took_s) = HOSTILE[name], outcomes[0][name]
    assert (facts.failure, facts.status, facts.body_is_cut) == (row.reason, row.status, row.is_cut), (
        facts.failure_detail
    )
    assert took_s <= TIMEOUT_S + GRACE_S
    assert len(facts.body) <= 256 * 1024


async def test_all_of_them_together_grow_memory_by_less_than_32_mib(
    outcomes: tuple[dict[str, tuple[Facts, float]], int],
) -> None:
    unit_kib = 1 if sys.platform == "linux" else 1024
    assert outcomes[1] / unit_kib < MOST_GROWTH_KIB


async def test_a_path_failure_is_one_that_ended_before_any_byte_of_a_response(
    outcomes: tuple[dict[str, tuple[Facts, float]], int],
) -> None:
    on_path = {name for name, (facts, _) in outcomes[0].items() if facts.path_failure}
    assert on_path == {
        "reset after accept",
        "reset after the request",
        "reset in the TLS handshake",
        "closed in the TLS handshake",
        "closed without an answer",
        "silence",
        "silence in the TLS handshake",
        "silence under TLS",
    }
    assert not any(facts.path_failure and facts.response_began for facts, _ in outcomes[0].values())


async def test_no_detail_quotes_what_a_server_sent(outcomes: tuple[dict[str, tuple[Facts, float]], int]) -> None:
    details = " ".join(facts.failure_detail or "" for facts, _ in outcomes[0].values())
    assert "SSH" not in details
    assert "nope" not in details
    assert Reason.INTERNAL not in {facts.failure for facts, _ in outcomes[0].values()}
