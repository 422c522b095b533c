"""Why an alert is sent: three failures in a row, three slow answers in a row, and what ends them.

This is the whole state machine. Only the order of checks counts, never the time between them, and everything it
remembers is in `ProbeState`: a process per check reaches the verdicts that a service reaches.

* ``failing`` counts failed checks in a row; at ``policy.failures`` it opens "down", which began at the first of them.
* ``good`` counts good checks in a row while down (slow ones are good); at ``policy.recoveries`` it closes "down".
* ``slow`` counts slow checks in a row, also while down; at ``policy.slow_checks`` it opens "slow", unless the probe is
  down.
* ``fast`` counts checks at or below 80 % of the limit in a row while slow; at ``policy.recoveries`` it closes "slow". A
  check between 80 and 100 % is not slow, but does not prove that the trouble is over either: it starts the count anew.
* "down" supersedes an open "slow". A check that could not be judged neither counts nor resets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from prober.core.model import Closed, ClosedAs, Event, Kind, Opened, Outcome, Policy, ProbeState, Result, State, Streak

FAST_SHARE = 0.8


def apply(state: ProbeState, result: Result, *, policy: Policy) -> tuple[ProbeState, tuple[Event, ...]]:
    """Return the state after one more check, and what it caused, in the order it is told."""
    match result.outcome:
        case Outcome.OK if state.state is State.UP and not is_pending(state):
            return replace(state, last_at_ms=result.at_ms), ()  # nothing to count and nothing to end: nearly always
        case Outcome.FAILED if _was_resolved_meanwhile(state, result):
            return replace(state, last_at_ms=result.at_ms), ()
        case Outcome.UNKNOWN:
            return replace(state, last_at_ms=result.at_ms), ()
        case Outcome.FAILED:
            after, events = _after_failure(state, result, policy)
        case Outcome.OK | Outcome.SLOW:
            after, events = _after_good(state, result, policy)
        case _:
            assert_never(result.outcome)
    return replace(after, last_at_ms=result.at_ms, since_ms=_since(state, after, events, result.at_ms)), events


def configure(state: ProbeState, identity: str) -> ProbeState:
    """Return the state for a probe as it is configured now.

    Another url, method or expectation makes the old checks incomparable: pending streaks end, open incidents stay.
    """
    if state.identity == identity:
        return state
    return replace(state, identity=identity, failing=Streak(), good=Streak(), slow=Streak(), fast=Streak())


def remove(probe_id: str, state: ProbeState, at_ms: int) -> tuple[ProbeState, tuple[Event, ...]]:
    """Close what is open for a probe that is no longer configured, and forget its streaks."""
    opened = ((Kind.DOWN, state.down_since_ms), (Kind.SLOW, state.slow_since_ms))
    return ProbeState(), tuple(
        _ended(probe_id, kind, since_ms, at_ms, ClosedAs.REMOVED) for kind, since_ms in opened if since_ms is not None
    )


def resolve(probe_id: str, kind: Kind, state: ProbeState, at_ms: int) -> tuple[ProbeState, tuple[Event, ...]]:
    """End what is open of a kind, as a person says that it is over; new checks in a row are needed for the next.

    Whether the probe is well is not known before the next check, when it was down.
    """
    since_ms = state.down_since_ms if kind is Kind.DOWN else state.slow_since_ms
    if since_ms is None:
        return state, ()
    ended_ms = max(at_ms, since_ms)
    after = replace(state, slow_since_ms=None, slow=Streak(), fast=Streak(), since_ms=ended_ms)
    if kind is Kind.DOWN:
        after = replace(after, down_since_ms=None, failing=Streak(), good=Streak(), was_good=False)
    return after, (_ended(probe_id, kind, since_ms, ended_ms, ClosedAs.RESOLVED),)


def is_pending(state: ProbeState) -> bool:
    """Say whether a verdict is near: failing but not down, good but not recovered, or slow but not opened."""
    if state.down_since_ms is not None:
        return state.good.count > 0
    return state.failing.count > 0 or (state.slow.count > 0 and state.slow_since_ms is None)


def _was_resolved_meanwhile(state: ProbeState, result: Result) -> bool:
    """Say whether a person resolved "down" while this check went on, which takes less than an interval.

    After that, and only then, it is known since when nothing is known. What lies further back comes from a clock that
    was set back.
    """
    if state.state is not State.UNKNOWN or state.since_ms is None:
        return False
    return result.at_ms < state.since_ms < result.at_ms + result.interval_ms


def _after_failure(state: ProbeState, result: Result, policy: Policy) -> tuple[ProbeState, tuple[Event, ...]]:
    failing = _longer(state.failing, result)
    after = replace(state, failing=failing, good=Streak(), slow=Streak(), fast=Streak())
    if state.down_since_ms is not None or failing.count < policy.failures:
        return after, ()
    superseded: tuple[Event, ...] = ()
    if state.slow_since_ms is not None:
        superseded = (_closed(result, Kind.SLOW, state.slow_since_ms, failing.started_at_ms, ClosedAs.SUPERSEDED),)
    down = replace(after, down_since_ms=failing.started_at_ms, slow_since_ms=None)
    return down, (*superseded, _opened(result, Kind.DOWN, failing))


def _after_good(state: ProbeState, result: Result, policy: Policy) -> tuple[ProbeState, tuple[Event, ...]]:
    is_down, is_slow = state.down_since_ms is not None, state.slow_since_ms is not None
    good = _longer(state.good, result) if is_down else Streak()
    slow = _longer(state.slow, result) if result.outcome is Outcome.SLOW else Streak()
    fast = _longer(state.fast, result) if is_slow and _is_fast(result, policy) else Streak()
    after = replace(state, was_good=True, failing=Streak(), good=good, slow=slow, fast=fast)
    events: list[Event] = []
    if state.down_since_ms is not None and good.count >= policy.recoveries:
        events.append(_closed(result, Kind.DOWN, state.down_since_ms, good.started_at_ms, ClosedAs.RECOVERED))
        after = replace(after, down_since_ms=None, good=Streak())
    if after.down_since_ms is None and not is_slow and slow.count >= policy.slow_checks:
        events.append(_opened(result, Kind.SLOW, slow))
        after = replace(after, slow_since_ms=slow.started_at_ms)
    if state.slow_since_ms is not None and fast.count >= policy.recoveries:
        events.append(_closed(result, Kind.SLOW, state.slow_since_ms, fast.started_at_ms, ClosedAs.RECOVERED))
        after = replace(after, slow_since_ms=None, fast=Streak())
    return after, tuple(events)


def _is_fast(result: Result, policy: Policy) -> bool:
    if result.outcome is Outcome.SLOW:
        return False
    if policy.slow_ms is None or result.latency_us is None:
        return True
    return result.latency_us <= FAST_SHARE * policy.slow_ms * 1000


def _longer(streak: Streak, result: Result) -> Streak:
    return Streak(count=streak.count + 1, started_at_ms=streak.started_at_ms if streak.count else result.at_ms)


def _since(before: ProbeState, after: ProbeState, events: tuple[Event, ...], at_ms: int) -> int | None:
    if after.state is before.state:
        return before.since_ms
    if after.down_since_ms is not None:
        return after.down_since_ms
    if after.slow_since_ms is not None:
        return after.slow_since_ms
    ended = [event.ended_at_ms for event in events if isinstance(event, Closed)]
    return ended[-1] if ended else at_ms


def _opened(result: Result, kind: Kind, streak: Streak) -> Opened:
    return Opened(
        probe_id=result.probe_id,
        kind=kind,
        at_ms=result.at_ms,
        started_at_ms=streak.started_at_ms,
        reason=result.reason,
        detail=result.detail,
        checks=streak.count,
    )


def _ended(probe_id: str, kind: Kind, started_at_ms: int, at_ms: int, closed_as: ClosedAs) -> Closed:
    return Closed(
        probe_id=probe_id,
        kind=kind,
        at_ms=at_ms,
        started_at_ms=started_at_ms,
        ended_at_ms=max(at_ms, started_at_ms),
        closed_as=closed_as,
    )


def _closed(result: Result, kind: Kind, started_at_ms: int, ended_at_ms: int, closed_as: ClosedAs) -> Closed:
    return Closed(
        probe_id=result.probe_id,
        kind=kind,
        at_ms=result.at_ms,
        started_at_ms=started_at_ms,
        ended_at_ms=max(ended_at_ms, started_at_ms),  # the clock may have been set back
        closed_as=closed_as,
    )
