"""Checks of one character each: ``.`` ok, ``o`` ok but near the limit, ``s`` slow, ``x`` failed, ``?`` unknown."""

from __future__ import annotations

from prober.core import rules
from prober.core.model import Closed, ClosedAs, Event, Opened, Outcome, Policy, ProbeState, Reason, Result

MEANING: dict[str, tuple[Outcome, Reason | None, int | None]] = {
    ".": (Outcome.OK, None, 100_000),
    "o": (Outcome.OK, None, 900_000),
    "s": (Outcome.SLOW, None, 1_500_000),
    "x": (Outcome.FAILED, Reason.STATUS, None),
    "?": (Outcome.UNKNOWN, Reason.OFFLINE, None),
}


def result(sign: str, at_ms: int) -> Result:
    outcome, reason, latency_us = MEANING[sign]
    return Result(
        probe_id="api", location="here", at_ms=at_ms, outcome=outcome, reason=reason, latency_us=latency_us, status=200
    )


def play(
    history: str, policy: Policy, state: ProbeState | None = None, *, first: int = 1
) -> tuple[ProbeState, list[Event]]:
    """Apply a whole history; check number n starts at n milliseconds, counted from ``first``."""
    state = state or ProbeState()
    events: list[Event] = []
    for number, sign in enumerate(history, start=first):
        state, caused = rules.apply(state, result(sign, number), policy=policy)
        events += caused
    return state, events


def word(event: Event) -> str:
    """Return an event as the tables of the tests write it."""
    match event:
        case Opened():
            return f"{event.kind} opened at {event.at_ms}, started at {event.started_at_ms}"
        case Closed(closed_as=ClosedAs.RECOVERED):
            over = "recovered" if event.kind == "down" else "over"
            return f"{event.kind} {over} at {event.at_ms}, ended at {event.ended_at_ms}"
        case Closed():
            return f"{event.kind} {event.closed_as} at {event.at_ms}, ended at {event.ended_at_ms}"
        case _:
            return type(event).__name__
