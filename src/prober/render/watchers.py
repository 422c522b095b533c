"""What alerts say about whom we stand behind: that it fell silent, is back, refuses our key, or contradicts us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertFacts, AlertKind
from prober.core.sight import WATCHERS, Verdict
from prober.render.when import clock, day, day_and_clock, short, words

if TYPE_CHECKING:
    from collections.abc import Sequence

ABOUT_WATCHERS: Final = frozenset({AlertKind.STANDING_IN, AlertKind.STANDING_BY, AlertKind.KEY, AlertKind.DISAGREEMENT})
_NAMED: Final = 3
_WHY: Final = {
    Verdict.UNREACHABLE: "gave no answer that tells anything in three looks in a row",
    Verdict.LIMITED: "has asked us to come back later for 15 minutes, so nobody knows whether it is watching",
}


def tail(facts: AlertFacts) -> str:
    """Return what the subject says, ASCII or not, of any length."""
    who, probes = facts.watcher, _named(facts.probes)
    match facts.kind:
        case AlertKind.KEY:
            return f"{who} {'rejects our key' if _has_key(facts) else 'turns us away'}: standing in"
        case AlertKind.DISAGREEMENT:
            incident = "" if facts.incident is None else f" (inc {facts.incident})"
            return f"{who} says up, we say down: {facts.probe_id}{incident}"
        case AlertKind.STANDING_BY:
            return f"{who} sees {probes} again: standing by" if probes else f"{who} is back: standing by"
        case _ if probes:
            return f"{who} is blind for {probes}: standing in"
    silent = "" if facts.started_at_ms is None else f" for {short(facts.queued_at_ms - facts.started_at_ms)}"
    return f"{who} {'silent' if silent else 'unreachable'}{silent}: standing in"


def sentence(facts: AlertFacts) -> str:
    """Return what happened, and what that means for whoever reads it."""
    who, probes = facts.watcher, _named(facts.probes)
    match facts.kind:
        case AlertKind.KEY:
            what, advice = "accept our key", "Make a read-only key there, and set api_key in [standby]."
            if not _has_key(facts):
                what, advice = (
                    "let us see its status",
                    "Look at the url in [standby]: it has to answer without a login.",
                )
            return f"{who} does not {what}, so nobody can say whether it is watching. Until it does, we tell. {advice}"
        case AlertKind.DISAGREEMENT:
            lasting = words(facts.queued_at_ms - (facts.confirmed_at_ms or facts.queued_at_ms))
            return (
                f"{who} has said for {lasting} that {facts.probe_id} is up; our checks find it down{_since(facts)}. "
                "It may be down for some only, turn our requests away (an allow-list), or the way from here is broken."
            )
        case AlertKind.STANDING_BY:
            return f"{who} is watching {probes or 'again'}{' again' if probes else ''}. From now on it tells, not we."
        case _ if probes:
            return f"{who} is not watching {probes}: paused, gone or without a fresh sample. We tell about it instead."
    why = _WHY.get(facts.watched_as or Verdict.STALE, f"has no fresh sample{_since(facts)}")
    return f"{who} {why}. From now on we tell."


def last_sign(facts: AlertFacts) -> str | None:
    """Return when they last showed a sign of life, for an alert that says that they fell silent."""
    if facts.kind is not AlertKind.STANDING_IN or facts.started_at_ms is None:
        return None
    return day_and_clock(facts.started_at_ms)


def _has_key(facts: AlertFacts) -> bool:
    return facts.watcher == WATCHERS["uptimerobot"]


def _since(facts: AlertFacts) -> str:
    if facts.started_at_ms is None:
        return ""
    is_today = day(facts.started_at_ms) == day(facts.queued_at_ms)
    return f" since {clock(facts.started_at_ms) if is_today else day_and_clock(facts.started_at_ms)}"


def _named(probes: Sequence[str]) -> str:
    more = f" +{len(probes) - _NAMED}" if len(probes) > _NAMED else ""
    return f"{', '.join(probes[:_NAMED])}{more}"
