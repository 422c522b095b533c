"""One round: check every probe that is due, in memory, and judge what was seen.

Starts are paced, so that no answer waits in our own queue. A result that looks slow while we ourselves lagged is
checked again in a quiet moment before it may count. A failure that may lie on the way is held against the connectivity
urls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import anyio

from prober.app.daemon import in_daemon_thread
from prober.core import connectivity
from prober.core.expect import Expect
from prober.core.model import Outcome, Probe, Reason, Result
from prober.core.schedule import PACE_MS
from prober.core.verdict import Verdict, judge, needs_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.app.ports import Checker, Clock
    from prober.core.facts import Facts

PATTERN_BUDGET_S = 0.25
LEAST_BUDGET_S = 0.02
BUSY_LAG_SHARE = 0.1
BUSY_AT_ONCE = 10
ANSWER_SERVES_S = 30
CONNECTIVITY_TIMEOUT_MS = 5_000
FIRST_MS = 1_735_689_600_000  # 2025-01-01: no clock that is behind it is right


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one pass over the due probes saw.

    ``is_reachable`` says whether a connectivity url answered; None, that none was asked or none is configured.
    ``jumped_ms`` is by how much the wall clock was set forward since the round before, as far as that is known.
    """

    started_at_ms: int
    ended_at_ms: int
    results: tuple[Result, ...]
    is_reachable: bool | None
    jumped_ms: int = 0

    @property
    def is_offline(self) -> bool:
        """Say whether nothing at all could be judged, because we were offline."""
        return bool(self.results) and all(result.reason is Reason.OFFLINE for result in self.results)


class Connectivity:
    """Ask whether anything answers us; an answer serves for 30 s."""

    def __init__(self, urls: Sequence[str], checker: Checker) -> None:
        self._probes = [
            Probe(
                id=f"connectivity-{number}",
                name=url,
                url=url,
                identity="",
                timeout_ms=CONNECTIVITY_TIMEOUT_MS,
                expect=Expect(status=()),
                redirects=0,
            )
            for number, url in enumerate(urls)
        ]
        self._checker = checker
        self._one_at_a_time = anyio.Lock()
        self._answer: tuple[float, bool] | None = None

    async def is_reachable(self) -> bool | None:
        """Return whether any url sent a byte of a response; None when none is configured."""
        if not self._probes:
            return None
        async with self._one_at_a_time:
            if self._answer is None or anyio.current_time() - self._answer[0] > ANSWER_SERVES_S:
                self._answer = (anyio.current_time(), await self._ask())
            return self._answer[1]

    async def _ask(self) -> bool:
        answered = False

        async def ask_one(probe: Probe) -> None:
            nonlocal answered
            if (await self._checker.check(probe)).response_began:
                answered = True
                everyone.cancel_scope.cancel()

        async with anyio.create_task_group() as everyone:
            for probe in self._probes:
                everyone.start_soon(ask_one, probe)
        return answered


class Rounds:
    """Run rounds: everything that checking needs and that lives longer than one round."""

    def __init__(
        self,
        *,
        checker: Checker,
        clock: Clock,
        location: str,
        mask: Callable[[str], str],
        connectivity_urls: Sequence[str] = (),
        on_seen: Callable[[Probe, Facts], None] = lambda *_: None,
        past_ms: int = 0,
    ) -> None:
        """Take what is asked and how.

        ``past_ms`` is a time that is surely past: a certificate that seems not to be valid yet, while the wall clock is
        behind that, says nothing.
        """
        self.past_ms = max(past_ms, FIRST_MS)
        self._on_seen = on_seen
        self._checker = checker
        self._clock = clock
        self._location = location
        self._mask = mask
        self._connectivity = Connectivity(connectivity_urls, checker)
        self._few_at_once = anyio.CapacityLimiter(BUSY_AT_ONCE)
        self._heard_at_ms: int | None = None

    async def run(self, probes: Sequence[Probe], *, may_repeat: Callable[[Probe], bool] = lambda _: True) -> Round:
        """Check the probes once each and return one result for each, in their order.

        ``may_repeat`` says whether there is time to check a probe again that looks slow because of our own lag.
        """
        started_at_ms = self._clock.now_ms()
        results = await self._check_paced(probes)
        results = await self._repeat_busy(probes, results, may_repeat)
        return await self.gather(results, started_at_ms=started_at_ms)

    async def check_settled(self, probe: Probe) -> Result:
        """Check one probe by itself, again at once where our own lag spoilt the first answer."""
        result = await self.check(probe)
        if _is_busy(probe, result):
            async with self._few_at_once:
                result = await self.check(probe)
        if connectivity.is_suspect(result):
            await self._connectivity.is_reachable()
        return _as_busy(result) if _is_busy(probe, result) else result

    async def gather(self, results: Sequence[Result], *, started_at_ms: int) -> Round:
        """Return what checks that ended by themselves came to, as one round."""
        is_reachable = None
        if any(connectivity.is_suspect(result) for result in results):
            is_reachable = await self._connectivity.is_reachable()
        now_ms = self._clock.now_ms()
        self.past_ms = max(self.past_ms, now_ms)
        judged = connectivity.judge(results, is_reachable=is_reachable, heard_at_ms=self._heard_before(now_ms))
        return Round(
            started_at_ms=started_at_ms,
            ended_at_ms=now_ms,
            results=tuple(judged),
            is_reachable=is_reachable,
        )

    async def is_online(self, since_ms: int) -> bool:
        """Say whether our own network is fine: something has answered lately, or a connectivity url does.

        Without connectivity urls we are never offline.
        """
        heard_ms = self._heard_before(self._clock.now_ms())
        if heard_ms is not None and heard_ms >= since_ms - ANSWER_SERVES_S * 1000:
            return True
        return await self._connectivity.is_reachable() is not False

    def _heard_before(self, now_ms: int) -> int | None:
        """Return when the newest check that heard something began; a time from before the clock went back is none."""
        return self._heard_at_ms if self._heard_at_ms is not None and self._heard_at_ms <= now_ms else None

    async def _check_paced(self, probes: Sequence[Probe], *, at_once: float = float("inf")) -> list[Result]:
        results: dict[str, Result] = {}
        limiter = anyio.CapacityLimiter(at_once)

        async def check_one(probe: Probe) -> None:
            async with limiter:
                result = await self.check(probe)
            results[probe.id] = result
            if connectivity.is_suspect(result):
                await self._connectivity.is_reachable()

        async with anyio.create_task_group() as tasks:
            begin = anyio.current_time()
            for number, probe in enumerate(probes):
                await anyio.sleep_until(begin + number * PACE_MS / 1000)
                tasks.start_soon(check_one, probe)
        return [results[probe.id] for probe in probes]

    async def _repeat_busy(
        self, probes: Sequence[Probe], results: list[Result], may_repeat: Callable[[Probe], bool]
    ) -> list[Result]:
        busy = {result.probe_id for probe, result in zip(probes, results, strict=True) if _is_busy(probe, result)}
        again = [probe for probe in probes if probe.id in busy and may_repeat(probe)]
        repeated = await self._check_paced(again, at_once=BUSY_AT_ONCE) if again else []
        judged = {result.probe_id: result for result in repeated}
        latest = [judged.get(result.probe_id, result) for result in results]
        return [
            _as_busy(result) if _is_busy(probe, result) else result
            for probe, result in zip(probes, latest, strict=True)
        ]

    async def check(self, probe: Probe) -> Result:
        """Check one probe and judge what came back."""
        facts = await self._checker.check(probe)
        self._on_seen(probe, facts)
        if facts.response_began:
            self._heard_at_ms = max(facts.started_at_ms, self._heard_before(self._clock.now_ms()) or 0)
        judged = await self._judge(facts, probe)
        return Result(
            probe_id=probe.id,
            location=self._location,
            at_ms=facts.started_at_ms,
            outcome=judged.outcome,
            reason=judged.reason,
            detail=judged.detail,
            status=facts.status,
            latency_us=facts.phases.latency_us if judged.outcome in {Outcome.OK, Outcome.SLOW} else None,
            phases=facts.phases,
            clock=facts.clock,
            family=facts.family,
            certificate=facts.certificate,
            excerpt=judged.excerpt,
            interval_ms=probe.interval_ms,
            path_failure=facts.path_failure,
            response_began=facts.response_began,
            identity=probe.identity,
        )

    async def _judge(self, facts: Facts, probe: Probe) -> Verdict:
        """Judge within what the check has left of its deadline, and off the loop what may take long."""
        if facts.is_early and facts.started_at_ms < self.past_ms:
            detail = "our clock is behind the last round, so it cannot be said which certificates are valid"
            return Verdict(outcome=Outcome.UNKNOWN, reason=Reason.INTERNAL, detail=detail)
        used_us = facts.phases.latency_us + facts.phases.lag_us
        left_s = max(probe.timeout_ms / 1000 - used_us / 1_000_000, LEAST_BUDGET_S)
        verdict = partial(judge, facts, probe, mask=self._mask, pattern_budget_s=min(PATTERN_BUDGET_S, left_s))
        if not needs_thread(probe):
            return verdict()
        try:
            return await in_daemon_thread(verdict, within_s=left_s)
        except TimeoutError:
            detail = "judging the body took longer than the check had left"
            return Verdict(outcome=Outcome.FAILED, reason=Reason.TIMEOUT, detail=detail)


def _is_busy(probe: Probe, result: Result) -> bool:
    if result.outcome is not Outcome.SLOW or probe.policy.slow_ms is None or result.phases is None:
        return False
    return result.phases.lag_us > BUSY_LAG_SHARE * probe.policy.slow_ms * 1000


def _as_busy(result: Result) -> Result:
    lag_ms = result.phases.lag_us // 1000 if result.phases else 0
    return replace(
        result,
        outcome=Outcome.UNKNOWN,
        reason=Reason.BUSY,
        detail=f"we were {lag_ms} ms late ourselves",
        latency_us=None,
    )
