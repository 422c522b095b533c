"""Whom we stand behind: what one look at it says, what it does not watch, and how old the last look of a round is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from prober.core.diagnosis.finding import Finding, fine, note, rough, wrong
from prober.core.sight import WATCHERS, Limited, Rejected, Seen, Unreachable
from prober.core.watching import Answered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.core.model import Probe
    from prober.core.settings import Standby
    from prober.core.sight import Sight

_SHOWN_IDS: Final = 10
_LOOK_THERE: Final = {
    "uptimerobot": "look at its dashboard: is it paused, or is there trouble?",
    "prober": "look at the other prober: prober doctor, there",
}
_LINK: Final = {
    "uptimerobot": "else link one by uptimerobot_id",
    "prober": "else give it the same id there",
}
_MIND_THE_KEY: Final = "make a new read-only key there (Integrations & API), and set it where the old one is"


def judge_sight(sight: Sight, known: Standby, probes: Sequence[Probe], *, now_ms: int) -> list[Finding]:
    """Judge what one look came to; ``probes`` are those that we check."""
    who = WATCHERS[known.behind]
    match sight:
        case Seen(watches=watches) if watches and all(each.state == "standby" for each in watches):
            return [_behind_one_another(who)]
        case Seen(watches=watches):
            answer = Answered(watches, probes, now_ms=now_ms, by_id=known.behind == "prober")
            return [_judge_answer(answer, len(watches), known), *_judge_gaps(answer, known)]
        case Unreachable(why=why):
            advice = "look at the network from here; until it answers, we stand in after three looks of a round"
            return [wrong("standby", f"{who} does not answer: {why}", advice)]
        case Limited(wait_ms=wait_ms):
            advice = 'somebody else uses the key, too; or give "every" a longer time: docs/configuration.md'
            return [note("standby", f"{who} asks us to come back in {rough(wait_ms)}", advice)]
        case Rejected(why=why):
            advice = _MIND_THE_KEY if known.behind == "uptimerobot" else "let its address answer without a login"
            return [wrong("standby", f"{who} refuses us: {why}", advice)]
    assert_never(sight)


def judge_last_look(looked_ms: int | None, *, now_ms: int, patience_ms: int) -> Finding:
    """Judge when a round or the service looked last."""
    if looked_ms is None:
        return note("standby", "no look yet: until there was one, alerts are held", '"prober run" makes the first')
    ago_ms = now_ms - looked_ms
    if ago_ms < 0:
        return note("standby", f"the last look is {rough(-ago_ms)} in the future", "our clock went back: it is set now")
    if ago_ms <= patience_ms:
        return fine("standby", f"the last look was {rough(ago_ms)} ago")
    advice = "looks belong to rounds: see what is said of them here"
    return note("standby", f"nothing has looked for {rough(ago_ms)}", advice)


def _judge_answer(answer: Answered, count: int, known: Standby) -> Finding:
    who, things = WATCHERS[known.behind], "monitor" if known.behind == "uptimerobot" else "probe"
    counted = f"{count} {things}{'' if count == 1 else 's'}"
    alive_ms = answer.alive_ms()
    sign = "no sign of life" if alive_ms is None else f"newest sign of life {rough(answer.now_ms - alive_ms)} ago"
    if answer.is_watching:
        return fine("standby", f"{who} is watching: {counted}, {sign}")
    return wrong("standby", f"{who} answers, but is not watching: {counted}, {sign}", _LOOK_THERE[known.behind])


def _judge_gaps(answer: Answered, known: Standby) -> Iterator[Finding]:
    """Yield what it does not watch: what it has no monitor for and, where it watches at all, what it is blind for."""
    who = WATCHERS[known.behind]
    unknown = [probe.id for probe in answer.probes if probe.id not in answer.matched]
    if unknown:
        advice = f"that may be as it should be; {_LINK[known.behind]}"
        yield note("standby", f"{_some(unknown)}: {who} does not have it, so we always tell", advice)
    blind = [probe.id for probe in answer.probes if probe.id in answer.matched and answer.says(probe) is None]
    if blind and answer.is_watching:
        yield note(
            "standby", f"{_some(blind)}: paused, or without a fresh sample there, so we tell", _LOOK_THERE[known.behind]
        )


def _behind_one_another(who: str) -> Finding:
    return note(
        "standby",
        f"{who} stands by itself, so it is not watching for us: we tell as long as it does",
        "of two probers, let only one stand behind the other: take [standby] out of one of the configurations",
    )


def _some(ids: Sequence[str]) -> str:
    more = len(ids) - _SHOWN_IDS
    return ", ".join(ids[:_SHOWN_IDS]) + (f" and {more} more" if more > 0 else "")
