"""The one sentence that tells an alert."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertFacts, AlertKind, CheckLine
from prober.core.model import Outcome
from prober.core.text import cut
from prober.render import watchers
from prober.render.subject import days_left, ids, is_about_speed, short_reason, state_word
from prober.render.when import clock, day, day_and_clock, words

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE: Final = 0  # the number of an incident that never was
_TEST: Final = "This is a test: "
_CAUSE_CHARACTERS = 200
_NAMES_SHOWN = 3


def sentence(facts: AlertFacts) -> str:
    """Say an alert in a sentence or two: the state first, the cause right after it."""
    return f"{_TEST if facts.incident == SAMPLE else ''}{_told(facts)}"


def is_test(facts: AlertFacts) -> bool:
    """Say whether an alert tells of nothing that happened."""
    return facts.kind is AlertKind.TEST or facts.incident == SAMPLE


def _told(facts: AlertFacts) -> str:
    match facts.kind:
        case AlertKind.DOWN:
            return f"{facts.probe_id} is DOWN: {_cause(facts)}. {_streak(facts, 'failure')}."
        case AlertKind.SLOW:
            return f"{facts.probe_id} is SLOW: {_speed(facts)}. {_streak(facts, 'slow response')}."
        case AlertKind.REMINDER:
            return f"{facts.probe_id} is {_still(facts)}"
        case AlertKind.RECOVERED | AlertKind.SLOW_OVER | AlertKind.REMOVED | AlertKind.RESOLVED:
            return " ".join(_closing(facts))
        case AlertKind.SEVERAL:
            return _several(facts)
        case _:
            return _without_incident(facts)


def _still(facts: AlertFacts) -> str:
    lasting = words(facts.queued_at_ms - (facts.queued_at_ms if facts.started_at_ms is None else facts.started_at_ms))
    if is_about_speed(facts):
        return f"STILL SLOW after {lasting}{_since(facts, ', ')}. Nobody has acknowledged it."
    failed = _count(facts.failed_checks, "failed check")
    return f"STILL DOWN after {lasting}: {_cause(facts)}. {failed}{_since(facts)}; nobody has acknowledged it."


def _without_incident(facts: AlertFacts) -> str:
    match facts.kind:
        case AlertKind.CERTIFICATE:
            ends = day(facts.certificate_not_after_ms or 0)
            return f"{facts.probe_id}: the certificate ends on {ends}, {_count(days_left(facts), 'day')} from now."
        case AlertKind.BLIND:
            return f"prober is blind{_since(facts)}: no connectivity url answers, so nothing can be judged from here."
        case AlertKind.STORE:
            aside = f" as {facts.detail}" if facts.detail else ""
            return f"The store could not be read and was set aside{aside}; history starts anew."
        case kind if kind in watchers.ABOUT_WATCHERS:
            return watchers.sentence(facts)
        case _:
            return f"{_TEST}prober's alert path works."


def _closing(facts: AlertFacts) -> Iterator[str]:
    lasted = _lasted(facts)
    match facts.kind:
        case AlertKind.RECOVERED:
            yield f"{facts.probe_id} is UP again: it was down{lasted} ({_cause(facts)})."
        case AlertKind.SLOW_OVER:
            now = "" if facts.latency_now_us is None else f" ({facts.latency_now_us // 1000:,} ms)"
            yield f"{facts.probe_id} is OK again{now}: it was slow{lasted}."
        case AlertKind.RESOLVED:
            what = "slow" if is_about_speed(facts) else "down"
            by = f" by {facts.resolved_by}" if facts.resolved_by else ""
            why = "" if is_about_speed(facts) else f" ({_cause(facts)})"
            yield f"{facts.probe_id}: the incident was RESOLVED{by} after it had been {what}{lasted}{why}."
            yield from _last_check(facts)
        case _:
            what = "slow" if is_about_speed(facts) else f"down ({_cause(facts)})"
            yield f"{facts.probe_id} was REMOVED from the configuration while it was {what}; its incident is closed."
    if facts.is_merged:
        yield "The alert about the beginning could not be delivered in time; this mail stands for both."


def _last_check(facts: AlertFacts) -> Iterator[str]:
    """Say that the trouble is not over, where a person ended the incident and the checks do not agree."""
    match facts.checks_before[-1:]:
        case (CheckLine(outcome=Outcome.SLOW),):
            yield "The last check was slow."
        case (CheckLine(outcome=Outcome.FAILED, detail=detail),):
            is_same = detail is None or detail == facts.detail
            what = "still failed" if is_same else f"failed: {_cause(replace(facts, detail=detail))}"
            yield f"The last check {what}."


def _several(facts: AlertFacts) -> str:
    names = ids(facts.members)
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    listed = f": {', '.join(names[:_NAMES_SHOWN])}{more}" if names else ""
    return f"{_count(len(facts.members), 'alert')} in one mail, {state_word(facts)}{listed}."


def _cause(facts: AlertFacts) -> str:
    return cut(facts.detail or short_reason(facts), _CAUSE_CHARACTERS).rstrip(".")


def _speed(facts: AlertFacts) -> str:
    if facts.latency_now_us is None or facts.slow_ms is None:
        return _cause(facts)
    return f"{-(-facts.latency_now_us // 1000):,} ms, limit {facts.slow_ms:,} ms"


def _streak(facts: AlertFacts, what: str) -> str:
    return f"{_count(facts.checks, what)}{' in a row' if facts.checks > 1 else ''}{_since(facts)}"


def _since(facts: AlertFacts, before: str = " ") -> str:
    if facts.started_at_ms is None:
        return ""
    is_today = day(facts.started_at_ms) == day(facts.queued_at_ms)
    return f"{before}since {clock(facts.started_at_ms) if is_today else day_and_clock(facts.started_at_ms)}"


def _lasted(facts: AlertFacts) -> str:
    if facts.started_at_ms is None or facts.ended_at_ms is None:
        return ""
    return f" for {words(facts.ended_at_ms - facts.started_at_ms)}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
