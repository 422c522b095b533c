"""Tell "they are down" from "we are offline".

A failure before any byte of a response may lie anywhere on the way. When the connectivity urls are silent too, and no
check that started since the oldest such failure heard anything, the way that all checks share is broken: we are
offline, and those results say nothing about their targets. A single answer from anywhere proves the opposite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prober.core.model import Event, Outcome, ProberBlind, Reason, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

BLIND_AFTER_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """A time in which we could reach nothing. ``is_told`` says that people were mailed about it."""

    since_ms: int
    is_told: bool = False


def is_suspect(result: Result) -> bool:
    """Say whether a failure may be ours."""
    return result.outcome is Outcome.FAILED and result.path_failure


def judge(results: Sequence[Result], *, is_reachable: bool | None, heard_at_ms: int | None = None) -> list[Result]:
    """Return the results of one round, failures that are ours as ``unknown``.

    ``is_reachable`` says whether any connectivity url answered. None says that none is configured: then we are never
    offline. ``heard_at_ms`` is the start of the newest check outside the round that got a byte of a response.
    """
    suspects = [result.at_ms for result in results if is_suspect(result)]
    if is_reachable is not False or not suspects:
        return list(results)
    heard = [heard_at_ms, *(result.at_ms for result in results if result.response_began)]
    if any(at_ms is not None and at_ms >= min(suspects) for at_ms in heard):
        return list(results)
    return [_unjudged(result) if is_suspect(result) else result for result in results]


def follow(
    blackout: Blackout | None, results: Sequence[Result], *, is_reachable: bool | None, now_ms: int, jumped_ms: int = 0
) -> tuple[Blackout | None, tuple[Event, ...]]:
    """Return the blackout after one more round, and the event when it has lasted long enough to be told.

    ``jumped_ms`` is how far the wall clock was set since the round before, as far as that is known. A blackout that
    begins in the future was measured by a clock that was wrong, and begins anew.
    """
    if is_reachable or any(result.response_began for result in results):
        return None, ()
    offline = [result.at_ms for result in results if result.reason is Reason.OFFLINE]
    if blackout is None and not offline:
        return None, ()
    since_ms = min(offline) if blackout is None else blackout.since_ms + jumped_ms
    if jumped_ms and blackout is None:
        since_ms = now_ms  # what the clock said when those checks started is worth nothing
    blackout = replace(blackout or Blackout(since_ms=since_ms), since_ms=min(since_ms, now_ms))
    if blackout.is_told or now_ms - blackout.since_ms < BLIND_AFTER_MS:
        return blackout, ()
    return replace(blackout, is_told=True), (ProberBlind(at_ms=now_ms, since_ms=blackout.since_ms),)


def _unjudged(result: Result) -> Result:
    return replace(
        result,
        outcome=Outcome.UNKNOWN,
        reason=Reason.OFFLINE,
        detail=f"we are offline: no connectivity url answered either ({result.detail or result.reason})",
    )
