"""What an alert tells, as words in the order of reading: the one source of the text and the HTML part.

A letter opens with a sentence that stands by itself, because that is all a phone shows. Then come what is known of the
trouble, what surrounds it, what to do next, and why the reader got it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from prober.core.alerts import TELLING_OF_OPEN, AlertFacts, AlertKind
from prober.core.model import Outcome
from prober.render.headline import is_test, sentence
from prober.render.rows import Row, history, identity, ms, named, surroundings
from prober.render.subject import is_about_speed, state_word, subject
from prober.render.when import clock, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.core.alerts import CheckLine

_LATE_MS: Final = 60_000
_CHECKS_SHOWN: Final = 10
_LINKS_SHOWN: Final = 6


class Tone(StrEnum):
    """How a thing feels, most urgent first; HTML shows it as a colour."""

    BAD = "bad"
    WARN = "warn"
    GOOD = "good"
    CALM = "calm"


_TONES: Final = {Outcome.OK: Tone.GOOD, Outcome.SLOW: Tone.WARN, Outcome.FAILED: Tone.BAD, Outcome.UNKNOWN: Tone.CALM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One recent check, ready to be lined up with others."""

    at: str
    outcome: str
    tone: Tone
    latency: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One alert of a batch."""

    word: str
    tone: Tone
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What belongs together; an empty part is not shown. ``links`` are (label, url)."""

    title: str = ""
    rows: tuple[Row, ...] = ()
    checks: tuple[Check, ...] = ()
    members: tuple[Member, ...] = ()
    quote: str = ""
    links: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The whole of an alert. ``aside`` stands beside the state's word."""

    subject: str
    word: str
    tone: Tone
    aside: str
    sentence: str
    sections: tuple[Section, ...]
    footer: tuple[str, ...]


def letter(facts: AlertFacts, *, recipient: str, late_ms: int) -> Letter:
    """Put an alert into words. ``late_ms`` is how long it had been queued when it was first tried."""
    incident = "" if facts.incident is None else f"incident {facts.incident}"
    return Letter(
        subject=subject(facts),
        word=state_word(facts),
        tone=_tone(facts),
        aside=", ".join(part for part in (facts.severity, incident) if part),
        sentence=sentence(facts),
        sections=tuple(section for section in _sections(facts) if section != Section(title=section.title)),
        footer=tuple(_footer(facts, recipient, late_ms)),
    )


_ALERT_TONES: Final = {
    AlertKind.DOWN: Tone.BAD,
    AlertKind.SLOW: Tone.WARN,
    AlertKind.CERTIFICATE: Tone.WARN,
    AlertKind.BLIND: Tone.WARN,
    AlertKind.STORE: Tone.WARN,
    AlertKind.STANDING_IN: Tone.WARN,
    AlertKind.KEY: Tone.WARN,
    AlertKind.DISAGREEMENT: Tone.WARN,
    AlertKind.RECOVERED: Tone.GOOD,
    AlertKind.SLOW_OVER: Tone.GOOD,
    AlertKind.STANDING_BY: Tone.CALM,
    AlertKind.REMOVED: Tone.CALM,
    AlertKind.RESOLVED: Tone.CALM,
    AlertKind.TEST: Tone.CALM,
}


def _tone(facts: AlertFacts) -> Tone:
    match facts.kind:
        case AlertKind.REMINDER:
            return Tone.WARN if is_about_speed(facts) else Tone.BAD
        case AlertKind.SEVERAL:
            tones = {_tone(member) for member in facts.members}
            return next((tone for tone in Tone if tone in tones), Tone.CALM)
        case kind:
            return _ALERT_TONES[kind]


def _sections(facts: AlertFacts) -> Iterator[Section]:
    yield Section(rows=tuple(identity(facts)))
    yield Section(title="Alerts in this mail", members=tuple(_member(member) for member in facts.members))
    yield Section(
        title="Last checks (UTC)", checks=tuple(_check(line) for line in facts.checks_before[-_CHECKS_SHOWN:])
    )
    yield Section(rows=tuple(named(("Rule", facts.rule))))
    yield Section(title="Response, as the monitored server sent it", quote=facts.excerpt or "")
    yield Section(title="History", rows=tuple(history(facts)))
    yield Section(title="Around it", rows=tuple(surroundings(facts)))
    yield Section(title="What to do next", links=tuple(_links(facts)), rows=tuple(_commands(facts)))


def _member(facts: AlertFacts) -> Member:
    urgency = f" {facts.severity}" if state_word(facts) in {"DOWN", "STILL DOWN"} and facts.severity else ""
    number = "" if facts.incident is None else f" (inc {facts.incident})"
    return Member(word=state_word(facts) + urgency, tone=_tone(facts), sentence=sentence(facts) + number)


def _check(line: CheckLine) -> Check:
    detail = line.detail or ""
    reason = "" if line.reason is None or detail.startswith(line.reason) else line.reason.value
    return Check(
        at=clock(line.at_ms).removesuffix(" UTC"),
        outcome=line.outcome.value,
        tone=_TONES[line.outcome],
        latency=ms(line.latency_us) or "",
        cause=": ".join(part for part in (reason, detail) if part),
    )


def _links(facts: AlertFacts) -> Iterator[Row]:
    labels: dict[str, str] = {}
    for each in (facts, *facts.members):
        for label, url in (("Runbook", each.runbook), ("Dashboard", each.dashboard)):
            labels.setdefault(url or "", label)
    labels.pop("", None)
    return (Row(label=label, value=url) for url, label in list(labels.items())[:_LINKS_SHOWN])


def _commands(facts: AlertFacts) -> Iterator[Row]:
    if facts.incident is not None:
        yield Row(label="The incident", value=f"prober incidents show {facts.incident}")
    if facts.kind in TELLING_OF_OPEN and not is_test(facts):
        yield Row(label="Acknowledge", value=f"prober incidents ack {facts.incident}")
        yield Row(label="False positive", value=f"prober incidents false-positive {facts.incident}")
    match facts.kind:
        case AlertKind.DOWN | AlertKind.SLOW | AlertKind.REMINDER | AlertKind.CERTIFICATE:
            yield Row(label="Check it now", value=f"prober check {facts.probe_id}")
        case AlertKind.SEVERAL if any(member.kind in TELLING_OF_OPEN for member in facts.members):
            yield Row(label="Acknowledge", value="prober incidents ack N, each by its number (inc N)")
            yield Row(label="How things stand", value="prober status")
        case AlertKind.STANDING_IN | AlertKind.STANDING_BY | AlertKind.KEY | AlertKind.DISAGREEMENT:
            yield Row(label="What we see of the other side", value="prober standby")
        case AlertKind.STORE:
            yield Row(label="Look for the cause", value="prober doctor")
            yield Row(label="Bring history back", value="prober db merge BACKUP.db")
        case AlertKind.SEVERAL | AlertKind.BLIND:
            yield Row(label="How things stand", value="prober status")
        case _:
            return


def _footer(facts: AlertFacts, recipient: str, late_ms: int) -> Iterator[str]:
    why = ", and a test was asked for" if is_test(facts) else " in this prober's configuration"
    yield f"You get this because {recipient} is a recipient of alerts{why}."
    yield _reminder(facts)
    if late_ms >= _LATE_MS:
        yield f"queued {words(late_ms)} before it could first be sent"
    if facts.store_fault is not None:
        yield f"This mail may repeat: {facts.store_fault}, so another run may not know that it was sent."


def _reminder(facts: AlertFacts) -> str:
    """Say when the next reminder comes; the alerts of a batch have one channel, and so the same time."""
    still_open = [each for each in (facts, *facts.members) if each.kind in TELLING_OF_OPEN and not is_test(each)]
    remind_ms = still_open[0].remind_ms if still_open else None
    if remind_ms is not None:
        what = "everything" if facts.members else "it"
        return f"A reminder comes in {words(remind_ms)}, unless {what} is over or acknowledged by then."
    if still_open and not facts.members:
        return "No reminder will come: the next mail about this incident says that it is over."
    return "No reminder will come."
