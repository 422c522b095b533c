"""The subject line of an alert: the state in a leading bracket, then a tail that stays the same for an incident.

It is ASCII and at most 70 characters long, whatever the names are: a cut never touches the bracket or the incident's
number, and never depends on the bracket, so that mail clients keep one incident in one thread.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertFacts, AlertKind
from prober.core.model import Reason
from prober.render import watchers
from prober.render.when import day, short

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH: Final = 70
_TAIL_WIDTH: Final = 47  # what the longest bracket of an incident's first mail, "[SLOW 1004ms > 1000ms]", leaves
_NAMES_SHOWN: Final = 3
_KINDS_SHOWN: Final = 3
_SHORTEST_NAME: Final = 5
_S_MS: Final = 1000
_DAY_MS: Final = 86_400_000
_WORDS: Final = {
    AlertKind.DOWN: "DOWN",
    AlertKind.REMINDER: "STILL DOWN",
    AlertKind.RECOVERED: "UP",
    AlertKind.SLOW: "SLOW",
    AlertKind.SLOW_OVER: "OK",
    AlertKind.RESOLVED: "RESOLVED",
    AlertKind.REMOVED: "REMOVED",
    AlertKind.CERTIFICATE: "CERT",
    AlertKind.BLIND: "PROBER",
    AlertKind.STORE: "PROBER",
    **dict.fromkeys(watchers.ABOUT_WATCHERS, "PROBER"),
    AlertKind.TEST: "TEST",
}
_FIXED: Final = {
    AlertKind.STORE: "store set aside: history starts anew",
    AlertKind.TEST: "prober alert path works",
}
_STILL_SLOW: Final = "STILL SLOW"
_BY_URGENCY: Final = (
    "DOWN",
    "STILL DOWN",
    "UP",
    "SLOW",
    _STILL_SLOW,
    "OK",
    "RESOLVED",
    "REMOVED",
    "CERT",
    "PROBER",
    "TEST",
)


def subject(facts: AlertFacts) -> str:
    """Return the subject of an alert: printable ASCII, at most 70 characters."""
    bracket = f"[{_bracket(facts)}]"
    tail = _tail(facts, WIDTH - len(bracket) - 1)
    if facts.kind is AlertKind.RESOLVED:
        bracket = bracket.replace("RESOLVED", f"RESOLVED{_by(facts, WIDTH - len(f'{bracket} {tail}'))}")
    return ascii_only(f"{bracket} {tail}")[:WIDTH]


def state_word(facts: AlertFacts) -> str:
    """Return the state as one word: ``DOWN``, ``UP``, ``SLOW``; for several alerts, each word with its count."""
    if facts.kind is not AlertKind.SEVERAL:
        return _STILL_SLOW if facts.kind is AlertKind.REMINDER and is_about_speed(facts) else _WORDS[facts.kind]
    counts = Counter(state_word(member) for member in facts.members if member.kind is not AlertKind.SEVERAL)
    words = [f"{word} {counts[word]}" for word in _BY_URGENCY if word in counts][:_KINDS_SHOWN]
    return ", ".join(words) or "SEVERAL"


def short_reason(facts: AlertFacts) -> str:
    """Return why, in as few words as a subject needs: ``status 503``, ``timeout``, ``tls expired``."""
    if is_about_speed(facts):
        return "slow responses"
    if facts.reason is Reason.STATUS and (code := re.search(r"(?:status|got) (\d{3})\b", facts.detail or "")):
        return f"status {code[1]}"
    return facts.reason.value.replace("_", " ") if facts.reason else "failed"


def is_about_speed(facts: AlertFacts) -> bool:
    """Say whether the incident is a slow one; only those have no reason, which tells it where the kind does not."""
    if facts.kind in {AlertKind.REMOVED, AlertKind.REMINDER, AlertKind.RESOLVED}:
        return facts.reason is None
    return facts.kind in {AlertKind.SLOW, AlertKind.SLOW_OVER}


def latency(duration_us: int) -> str:
    """Return a latency in few characters, floored: ``240ms``, ``1s``, ``1.8s``."""
    ms = duration_us // 1000
    return f"{ms}ms" if ms < _S_MS else f"{ms // 100 / 10:g}s"


def ascii_only(text: str) -> str:
    """Return the text in printable ASCII: accents dropped, what has no base letter as ``?``, nothing left to decode."""
    base = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(char if " " <= char <= "~" else "?" for char in base).replace("=?", "= ")


def ids(members: Iterable[AlertFacts]) -> list[str]:
    """Return the probes that alerts are about, each once, in the order given."""
    return list(dict.fromkeys(member.probe_id for member in members if member.probe_id is not None))


def _bracket(facts: AlertFacts) -> str:
    detail = ""
    match facts.kind:
        case AlertKind.DOWN if facts.severity:
            detail = f" {facts.severity}"
        case AlertKind.REMINDER:
            detail = f" {_duration(facts)}"
        case AlertKind.RECOVERED:
            detail = f" after {_duration(facts)}{_delay(facts)}"
        case AlertKind.SLOW:
            detail = f" {_above(facts.latency_now_us or 0, (facts.slow_ms or 0) * 1000)}"
        case AlertKind.SLOW_OVER:
            now = "" if facts.latency_now_us is None else f" {latency(facts.latency_now_us)}"
            detail = f"{now}{_delay(facts)}"
        case AlertKind.RESOLVED:
            detail = _delay(facts)
        case AlertKind.CERTIFICATE:
            detail = f" {days_left(facts)}d"
    return f"{state_word(facts)}{detail}"


def _by(facts: AlertFacts, room: int) -> str:
    """Say who resolved it, as far as a tail that stays the same leaves room."""
    name = ascii_only(facts.resolved_by or "")
    room -= len(" by ")
    if not name or room < _SHORTEST_NAME:
        return ""
    return f" by {name if len(name) <= room else name[: room - 2] + '..'}"


def _delay(facts: AlertFacts) -> str:
    return ", alert delayed" if facts.is_merged else ""


def _tail(facts: AlertFacts, room: int) -> str:
    probe = ascii_only(facts.probe_id or "")
    match facts.kind:
        case AlertKind.SEVERAL:
            return _names(facts, room)
        case AlertKind.CERTIFICATE:
            return _fitted(probe, f"certificate ends {day(facts.certificate_not_after_ms or 0)}", room)
        case AlertKind.BLIND:
            return f"blind for {short(facts.queued_at_ms - (facts.started_at_ms or facts.queued_at_ms))}"
        case AlertKind.STORE | AlertKind.TEST:
            return _FIXED[facts.kind]
        case kind if kind in watchers.ABOUT_WATCHERS:
            return watchers.tail(facts)
        case _:
            incident = "" if facts.incident is None else f" (inc {facts.incident})"
            return _fitted(probe, short_reason(facts) + incident, min(room, _TAIL_WIDTH))


def days_left(facts: AlertFacts) -> int:
    """Return the whole days for which a certificate is still good."""
    return max((facts.certificate_not_after_ms or 0) - facts.queued_at_ms, 0) // _DAY_MS


def _fitted(probe: str, rest: str, width: int) -> str:
    room = max(width - len(rest) - len(": "), len("a.."))
    return f"{probe if len(probe) <= room else probe[: room - 2] + '..'}: {rest}"


def _names(facts: AlertFacts, width: int) -> str:
    names = [ascii_only(name) for name in ids(facts.members)]
    batch = "" if facts.batch is None else f" (batch {facts.batch})"
    for shown in range(min(_NAMES_SHOWN, len(names)), 0, -1):
        more = f" +{len(names) - shown}" if len(names) > shown else ""
        if len(line := f"{', '.join(names[:shown])}{more}{batch}") <= width:
            return line
    return f"{len(names)} probe{'' if len(names) == 1 else 's'}{batch}"


def _above(seen_us: int, limit_us: int) -> str:
    if latency(seen_us) != latency(limit_us):
        return f"{latency(seen_us)} > {latency(limit_us)}"
    return f"{-(-seen_us // 1000)}ms > {limit_us // 1000}ms"


def _duration(facts: AlertFacts) -> str:
    ended = facts.queued_at_ms if facts.ended_at_ms is None else facts.ended_at_ms
    return short(ended - (ended if facts.started_at_ms is None else facts.started_at_ms))
