from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.expect import Expect, JsonRule
from prober.core.facts import Facts, Phases
from prober.core.model import Outcome, Policy, Probe, Reason
from prober.core.text import clean
from prober.core.verdict import Verdict, judge, needs_thread

if TYPE_CHECKING:
    from typing import Any

SECRET = "s3cr3t-t0ken"
OURS = {Reason.OFFLINE, Reason.BUSY, Reason.DESCRIPTORS, Reason.INTERNAL}


def facts(**given: Any) -> Facts:
    return replace(Facts(started_at_ms=0, status=200, phases=Phases(wait_us=1000)), **given)


def judged(seen: Facts, slow_ms: int | None = 1000, **expected: Any) -> Verdict:
    probe = Probe(
        id="api", name="API", url="http://x", identity="", expect=Expect(**expected), policy=Policy(slow_ms=slow_ms)
    )
    return judge(seen, probe, mask=lambda text: text.replace(SECRET, "***"), pattern_budget_s=0.25)


def rule(path: str, operand: Any, operator: Any = "==") -> JsonRule:
    return JsonRule(path=path, operator=operator, operand=operand)


def test_a_response_that_meets_everything_is_ok() -> None:
    seen = facts(
        headers=(("Content-Type", "application/json; charset=utf-8"), ("x-a", "1"), ("x-a", "2")),
        body=b'{"status": "ok", "n": 3}',
    )
    verdict = judged(
        seen,
        status=((200, 200), (204, 204)),
        headers=(("content-type", "application/json*"), ("x-a", "2")),
        contains="ok",
        not_contains="error",
        matches=r'"n": \d',
        json=(rule("status", "ok"), rule("$.n", 5, "<=")),
    )
    assert verdict == Verdict(outcome=Outcome.OK)


@pytest.mark.parametrize("status", [100, 199, 300, 301, 404, 503, 999])
def test_a_status_outside_2xx_fails_by_default(status: int) -> None:
    verdict = judged(facts(status=status))
    assert (verdict.outcome, verdict.reason) == (Outcome.FAILED, Reason.STATUS)
    assert verdict.detail == f"status {status}, expected 2xx"


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        (((200, 200),), "200"),
        (((200, 200), (300, 399)), "200 or 3xx"),
        (((200, 204), (150, 249)), "200-204 or 150-249"),
    ],
)
def test_the_expected_status_is_told_as_it_was_written(ranges: tuple[tuple[int, int], ...], words: str) -> None:
    assert judged(facts(status=503), status=ranges).detail == f"status 503, expected {words}"


def test_without_an_expected_status_every_status_is_healthy() -> None:
    assert judged(facts(status=503), status=()).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("seen", "expected", "reason", "detail"),
    [
        (
            {"headers": (("Content-Type", "text/html"),)},
            {"headers": (("content-type", "application/json*"),)},
            Reason.HEADER,
            "content-type: expected application/json*, got text/html",
        ),
        ({}, {"headers": (("x-a", "1"),)}, Reason.HEADER, "x-a: expected 1, absent"),
        (
            {"headers": (("x-a", f"{'b' * 75}{SECRET}\x1b[2J"),)},
            {"headers": (("x-a", "1"),)},
            Reason.HEADER,
            f"x-a: expected 1, got {'b' * 75}***",
        ),
        (
            {"body_is_cut": True, "body": b"ok"},
            {"contains": "ok"},
            Reason.TOO_LARGE,
            "body: expected at most 256 KiB, got more",
        ),
        ({"body": b"no"}, {"contains": "ok"}, Reason.BODY, 'body: expected to contain "ok"'),
        ({"body": b"an error"}, {"not_contains": "error"}, Reason.BODY, 'body: expected not to contain "error"'),
        ({"body": b"no"}, {"matches": "^ok"}, Reason.BODY, 'body: expected to match "^ok"'),
        (
            {"body": b"a" * 80 + b"b"},
            {"matches": "(a|aa)+$"},
            Reason.BODY,
            "body: pattern took longer than 250 ms",
        ),
        ({"body": b"<html>"}, {"json": (rule("a", 1),)}, Reason.JSON, None),
        (
            {"body": b""},
            {"json": (rule("a", 1, "exists"),)},
            Reason.JSON,
            "body: expected JSON, got an empty body",
        ),
        (
            {"body": b'{"websocket": {"connected": false}}'},
            {"json": (rule("websocket.connected", True),)},
            Reason.JSON,
            "websocket.connected: expected true, got false",
        ),
    ],
)
def test_what_does_not_hold_is_told_with_expected_and_got(
    seen: dict[str, Any], expected: dict[str, Any], reason: Reason, detail: str | None
) -> None:
    verdict = judged(facts(**seen), **expected)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAILED, reason)
    assert detail is None or verdict.detail == detail


def test_the_parts_are_judged_in_order() -> None:
    expected: dict[str, Any] = {
        "headers": (("x-a", "1"),),
        "contains": "ok",
        "json": (rule("a", 1), rule("b", 1)),
    }
    broken = facts(status=500, body_is_cut=True, body=b"{}")
    repairs: list[dict[str, Any]] = [
        {"status": 200},
        {"headers": (("x-a", "1"),)},
        {"body_is_cut": False},
        {"body": b'{"ok": 1}'},
        {"body": b'{"ok": 1, "a": 1}'},
        {"body": b'{"ok": 1, "a": 1, "b": 1}'},
    ]
    verdicts = [judged(broken, **expected)]
    for repair in repairs:
        broken = replace(broken, **repair)
        verdicts.append(judged(broken, **expected))
    assert [verdict.reason for verdict in verdicts] == [
        Reason.STATUS,
        Reason.HEADER,
        Reason.TOO_LARGE,
        Reason.BODY,
        Reason.JSON,
        Reason.JSON,
        None,
    ]


def test_a_long_body_that_nobody_judges_is_healthy() -> None:
    assert judged(facts(body=b"x" * 262_144, body_is_cut=True)).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, "größer".encode()),
        ("text/plain; charset=utf-8", "größer".encode()),
        ('text/plain; version=1; charset="ISO-8859-1"', "größer".encode("latin-1")),
        ("text/plain; charset=utf-16", "größer".encode("utf-16")),
        ("text/plain; charset=unheard-of", "größer".encode()),
        ("text/plain; version=1", "größer".encode()),
    ],
)
def test_a_body_is_read_by_its_own_charset(content_type: str | None, body: bytes) -> None:
    headers = () if content_type is None else (("content-type", content_type),)
    assert judged(facts(headers=headers, body=body), contains="größer").outcome is Outcome.OK


@pytest.mark.parametrize("reason", list(Reason))
def test_without_a_response_the_failure_gives_the_reason(reason: Reason) -> None:
    verdict = judged(facts(status=None, failure=reason, failure_detail=f"no \x1b[1m{SECRET}\n"), contains="ok")
    assert verdict.outcome is (Outcome.UNKNOWN if reason in OURS else Outcome.FAILED)
    assert (verdict.reason, verdict.detail) == (reason, "no *** ")


def test_a_failure_without_a_word_is_told_by_its_reason() -> None:
    assert judged(facts(failure=Reason.TLS_EXPIRED)).detail == "tls expired"


@pytest.mark.parametrize(
    ("latency_us", "slow_ms", "outcome", "detail"),
    [
        (1_000_000, 1000, Outcome.OK, None),
        (1_000_001, 1000, Outcome.SLOW, "1.001 s, limit 1 s"),
        (1_071_000, 1000, Outcome.SLOW, "1.071 s, limit 1 s"),
        (20_000_000, 1500, Outcome.SLOW, "20 s, limit 1.5 s"),
        (20_000_000, None, Outcome.OK, None),
    ],
)
def test_only_above_the_limit_is_slow(
    latency_us: int, slow_ms: int | None, outcome: Outcome, detail: str | None
) -> None:
    phases = Phases(dns_us=1, wait_us=latency_us - 1, lag_us=5_000_000)
    assert judged(facts(phases=phases), slow_ms) == Verdict(outcome=outcome, detail=detail)


def test_a_failed_check_is_never_slow() -> None:
    assert judged(facts(status=500, phases=Phases(wait_us=9_000_000))).outcome is Outcome.FAILED


def test_a_failed_check_keeps_an_excerpt_without_secrets() -> None:
    verdict = judged(facts(status=500, body=f"\x1b[31mtoken {SECRET}\r\nboom".encode()))
    assert verdict.excerpt == "token *** boom"


def test_without_a_body_there_is_no_excerpt() -> None:
    assert judged(facts(status=500)).excerpt is None


@pytest.mark.parametrize(
    ("expected", "needed"),
    [
        ({}, False),
        ({"contains": "ok"}, False),
        ({"json": (rule("a", 1),)}, False),
        ({"matches": "ok"}, True),
        ({"json": (rule("a", "b", "~"),)}, True),
        ({"json": (rule("a", 1), rule("$.a", 1))}, True),
    ],
)
def test_patterns_and_jsonpath_are_judged_in_a_thread(expected: dict[str, Any], needed: bool) -> None:
    probe = Probe(id="api", name="API", url="http://x", identity="", expect=Expect(**expected))
    assert needs_thread(probe) is needed


@given(
    st.integers(0, 999),
    st.binary(max_size=300) | st.text(st.sampled_from('{}[]":a1,\\ud800 ')).map(str.encode),
    st.lists(st.tuples(st.sampled_from(["content-type", "x-a"]), st.text(max_size=40)), max_size=3),
)
def test_whatever_a_server_sends_the_verdict_is_text_that_encodes(
    status: int, body: bytes, headers: list[tuple[str, str]]
) -> None:
    verdict = judged(
        facts(status=status, body=body, headers=tuple(headers)),
        status=((100, 999),),
        headers=(("x-a", "*a*"),),
        matches="a",
        json=(rule("a", 1), rule("$..a", 1)),
    )
    for text in (verdict.detail, verdict.excerpt):
        assert text is None or clean(text).encode() == text.encode()
