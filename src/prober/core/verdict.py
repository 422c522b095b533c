"""From what a check saw to what it came to.

The parts of an expectation are judged in a fixed order (status, headers, size, body, JSON), the first one that does not
hold gives the reason, and its detail always says what was expected and what came instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from typing import TYPE_CHECKING

from prober.core.jsonrules import NotJsonError, broken, parse_json, search, shown, took_longer
from prober.core.model import Outcome, Reason
from prober.core.text import cut, decode, excerpt, scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prober.core.expect import Expect
    from prober.core.facts import Facts
    from prober.core.model import Probe

    Mask = Callable[[str], str]
    Complaint = tuple[Reason, str]

_OURS = {Reason.OFFLINE, Reason.BUSY, Reason.DESCRIPTORS, Reason.INTERNAL}
_DETAIL_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check came to. All texts are masked, cleaned and short."""

    outcome: Outcome
    reason: Reason | None = None
    detail: str | None = None
    excerpt: str | None = None


def needs_thread(probe: Probe) -> bool:
    """Say whether judging this probe may take long enough to stop an event loop: it has patterns or JSONPath."""
    rules = probe.expect.json
    return probe.expect.matches is not None or any(rule.operator == "~" or rule.path.startswith("$") for rule in rules)


def judge(facts: Facts, probe: Probe, *, mask: Mask, pattern_budget_s: float) -> Verdict:
    """Return what a check came to.

    ``mask`` takes the secrets out of a text. Each pattern may search for ``pattern_budget_s``; more is a failure.
    """
    complaint = next(_complaints(facts, probe.expect, mask, pattern_budget_s), None)
    if complaint is not None:
        return _verdict_on(complaint, facts, mask)
    limit_ms = probe.policy.slow_ms
    latency_us = facts.phases.latency_us
    if limit_ms is not None and latency_us > limit_ms * 1000:
        # Rounded up, so that what is shown is over the limit whenever the latency was.
        return Verdict(outcome=Outcome.SLOW, detail=f"{_seconds(-(-latency_us // 1000))}, limit {_seconds(limit_ms)}")
    return Verdict(outcome=Outcome.OK)


def _verdict_on(complaint: Complaint, facts: Facts, mask: Mask) -> Verdict:
    reason, sentence = complaint
    detail = cut(scrub(sentence, mask), _DETAIL_CHARACTERS)
    if reason in _OURS:
        return Verdict(outcome=Outcome.UNKNOWN, reason=reason, detail=detail)
    seen = excerpt(facts.body, _charset(facts), mask=mask) or None
    return Verdict(outcome=Outcome.FAILED, reason=reason, detail=detail, excerpt=seen)


def _complaints(facts: Facts, expect: Expect, mask: Mask, budget_s: float) -> Iterator[Complaint]:
    if facts.failure is not None:
        return iter([(facts.failure, facts.failure_detail or facts.failure.replace("_", " "))])
    return chain(
        _status(facts, expect),
        _headers(facts, expect, mask),
        _size(facts, expect),
        _body(facts, expect, mask, budget_s),
        _json(facts, expect, mask, budget_s),
    )


def _status(facts: Facts, expect: Expect) -> Iterator[Complaint]:
    if expect.status and not any(low <= (facts.status or 0) <= high for low, high in expect.status):
        expected = " or ".join(_range(low, high) for low, high in expect.status)
        yield Reason.STATUS, f"status {facts.status}, expected {expected}"


def _range(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low // 100}xx" if (low % 100, high - low) == (0, 99) else f"{low}-{high}"


def _headers(facts: Facts, expect: Expect, mask: Mask) -> Iterator[Complaint]:
    for name, pattern in expect.headers:
        values = _values(facts, name)
        if not any(fnmatchcase(value, pattern) for value in values):
            got = f"got {cut(scrub(', '.join(values), mask), 80)}" if values else "absent"
            yield Reason.HEADER, f"{name}: expected {pattern}, {got}"


def _values(facts: Facts, name: str) -> list[str]:
    return [value for each, value in facts.headers if each.lower() == name]


def _size(facts: Facts, expect: Expect) -> Iterator[Complaint]:
    if expect.judges_body and facts.body_is_cut:
        yield Reason.TOO_LARGE, "body: expected at most 256 KiB, got more"


def _body(facts: Facts, expect: Expect, mask: Mask, budget_s: float) -> Iterator[Complaint]:
    if (expect.contains, expect.not_contains, expect.matches) == (None, None, None):
        return
    text = decode(facts.body, _charset(facts))
    if expect.contains is not None and expect.contains not in text:
        yield Reason.BODY, f"body: expected to contain {shown(expect.contains, mask=mask)}"
    if expect.not_contains is not None and expect.not_contains in text:
        yield Reason.BODY, f"body: expected not to contain {shown(expect.not_contains, mask=mask)}"
    if expect.matches is None:
        return
    try:
        if not search(expect.matches, text, budget_s=budget_s):
            yield Reason.BODY, f"body: expected to match {shown(expect.matches, mask=mask)}"
    except TimeoutError:
        yield Reason.BODY, f"body: {took_longer(budget_s)}"


def _json(facts: Facts, expect: Expect, mask: Mask, budget_s: float) -> Iterator[Complaint]:
    if not expect.json:
        return
    try:
        document = parse_json(facts.body)
    except NotJsonError as error:
        yield Reason.JSON, f"body: expected JSON, got {error}"
    else:
        sentences = (broken(rule, document, mask=mask, budget_s=budget_s) for rule in expect.json)
        yield from ((Reason.JSON, sentence) for sentence in sentences if sentence is not None)


def _charset(facts: Facts) -> str | None:
    for value in _values(facts, "content-type"):
        for parameter in value.split(";")[1:]:
            name, _, charset = parameter.partition("=")
            if name.strip().lower() == "charset":
                return charset
    return None


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + " s"
