"""The connectivity urls, asked for real, and our clock beside those of others."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.http import HttpChecker
from prober.adapters.store.probes import shown_url
from prober.core.diagnosis.network import clock_offset_ms, judge_clock, judge_connectivity, no_connectivity
from prober.core.expect import Expect
from prober.core.model import Probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prober.core.diagnosis import Finding
    from prober.core.facts import Facts
    from prober.core.settings import Config

ANSWER_MS: Final = 5_000
CLOCKS: Final = 5


async def look_at_connectivity(config: Config, *, refuse_private: bool) -> list[Finding]:
    """Ask every connectivity url, as a round does when checks fail."""
    if not config.connectivity_urls:
        return [no_connectivity()]
    probes = [_probe(url, "GET") for url in config.connectivity_urls]
    answers = await _ask(probes, refuse_private=refuse_private)
    return [
        judge_connectivity(
            shown_url(probe.url).split("://", 1)[-1],
            facts.phases.latency_us // 1000,
            None if facts.response_began else facts.failure_detail or "no answer",
        )
        for probe, (facts, _) in zip(probes, answers, strict=True)
    ]


async def look_at_clock(config: Config, *, refuse_private: bool) -> list[Finding]:
    """Compare our clock with those of servers that we know.

    A clock that is far off spoils the judgement of certificates, so these are not judged; nothing secret is sent.
    """
    known = chain(config.connectivity_urls, (probe.url for probe in config.probes if probe.enabled))
    origins = islice(dict.fromkeys(map(_origin, known)), CLOCKS)
    answers = await _ask([_probe(url, "HEAD", verify=False) for url in origins], refuse_private=refuse_private)
    return [judge_clock(list(_offsets(answers)))]


async def _ask(probes: Sequence[Probe], *, refuse_private: bool) -> list[tuple[Facts, int]]:
    """Return what came back for each probe, and when that was."""
    clock = SystemClock()
    answers: dict[str, tuple[Facts, int]] = {}

    async def ask(probe: Probe, checker: HttpChecker) -> None:
        answers[probe.id] = await checker.check(probe), clock.now_ms()

    checking = HttpChecker(now_ms=clock.now_ms, refuse_private=refuse_private)
    async with checking as checker, anyio.create_task_group() as tasks:
        for probe in probes:
            tasks.start_soon(ask, probe, checker)
    return [answers[probe.id] for probe in probes]


def _probe(url: str, method: str, *, verify: bool = True) -> Probe:
    return Probe(
        id=url,
        name=url,
        url=url,
        identity="",
        method=method,
        timeout_ms=ANSWER_MS,
        expect=Expect(status=()),
        redirects=0,
        verify=verify,
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _offsets(answers: Iterable[tuple[Facts, int]]) -> Iterable[int]:
    for facts, answered_ms in answers:
        headers = {name.lower(): value for name, value in facts.headers}
        if "age" in headers:  # from a cache, which keeps the date of the past
            continue
        try:
            date_ms = int(parsedate_to_datetime(headers["date"]).timestamp() * 1000)
        except (KeyError, ValueError, OverflowError, OSError):
            continue
        yield clock_offset_ms(date_ms, asked_ms=facts.started_at_ms, answered_ms=answered_ms)
