"""Subjects: short, ASCII, and the same tail for an incident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.alerts import AlertFacts, AlertKind
from prober.core.model import Reason, Severity
from prober.render.subject import state_word, subject
from tests.core.any_alerts import any_alert, texts
from tests.render import alerts as a


def tail(facts: AlertFacts) -> str:
    return subject(facts).partition("] ")[2]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (a.DOWN, "[DOWN P0] api: status 503 (inc 42)"),
        (replace(a.DOWN, severity=Severity.P3), "[DOWN P3] api: status 503 (inc 42)"),
        (replace(a.DOWN, severity=None), "[DOWN] api: status 503 (inc 42)"),
        (replace(a.DOWN, incident=None), "[DOWN P0] api: status 503"),
        (a.RECOVERED, "[UP after 1h12m] api: status 503 (inc 42)"),
        (replace(a.RECOVERED, started_at_ms=None, ended_at_ms=None), "[UP after 0s] api: status 503 (inc 42)"),
        (a.MERGED, "[UP after 20m, alert delayed] api: status 503 (inc 42)"),
        (a.REMOVED, "[REMOVED] api: status 503 (inc 42)"),
        (replace(a.REMOVED, reason=None), "[REMOVED] api: slow responses (inc 42)"),
        (a.REMINDER, "[STILL DOWN 1h05m] api: status 503 (inc 42)"),
        (
            replace(a.REMINDER, queued_at_ms=a.FAILED_AT + 3 * 24 * 60 * a.MIN),
            "[STILL DOWN 3d00h] api: status 503 (inc 42)",
        ),
        (a.STILL_SLOW, "[STILL SLOW 1h05m] api: slow responses (inc 43)"),
        (a.RESOLVED, "[RESOLVED by ann] api: status 503 (inc 42)"),
        (replace(a.RESOLVED, reason=None), "[RESOLVED by ann] api: slow responses (inc 42)"),
        (replace(a.RESOLVED, is_merged=True), "[RESOLVED by ann, alert delayed] api: status 503 (inc 42)"),
        (replace(a.RESOLVED, resolved_by=None), "[RESOLVED] api: status 503 (inc 42)"),
        (replace(a.RESOLVED, resolved_by="Jürgen"), "[RESOLVED by Jurgen] api: status 503 (inc 42)"),
        (
            replace(a.RESOLVED, resolved_by="n" * 64),
            f"[RESOLVED by {'n' * 29}..] api: status 503 (inc 42)",
        ),
        (
            replace(a.RESOLVED, probe_id="p" * 64, resolved_by="the night shift"),
            "[RESOLVED by the ni..] pppppppppppppppppppppppp..: status 503 (inc 42)",
        ),
        (
            replace(a.RESOLVED, probe_id="p" * 64, is_merged=True),
            "[RESOLVED, alert delayed] ppppppppppppppppppppp..: status 503 (inc 42)",
        ),
        (a.SLOW, "[SLOW 1.8s > 1s] api: slow responses (inc 43)"),
        (replace(a.SLOW, latency_now_us=1_000_400), "[SLOW 1001ms > 1000ms] api: slow responses (inc 43)"),
        (replace(a.SLOW, latency_now_us=210_000, slow_ms=200), "[SLOW 210ms > 200ms] api: slow responses (inc 43)"),
        (a.STANDING_IN, "[PROBER] UptimeRobot silent for 21m: standing in"),
        (replace(a.STANDING_IN, started_at_ms=None), "[PROBER] UptimeRobot unreachable: standing in"),
        (a.STANDING_IN_FOR_ONE, "[PROBER] UptimeRobot is blind for api: standing in"),
        (
            replace(a.STANDING_IN, probes=("api", "web", "db", "shop")),
            "[PROBER] UptimeRobot is blind for api, web, db +1: standing in",
        ),
        (a.STANDING_BY, "[PROBER] UptimeRobot is back: standing by"),
        (replace(a.STANDING_BY, probes=("api",)), "[PROBER] UptimeRobot sees api again: standing by"),
        (replace(a.STANDING_IN, watcher="the other prober"), "[PROBER] the other prober silent for 21m: standing in"),
        (a.KEY, "[PROBER] UptimeRobot rejects our key: standing in"),
        (replace(a.KEY, watcher="the other prober"), "[PROBER] the other prober turns us away: standing in"),
        (a.DISAGREEMENT, "[PROBER] UptimeRobot says up, we say down: api (inc 42)"),
        (a.SLOW_OVER, "[OK 240ms] api: slow responses (inc 43)"),
        (replace(a.SLOW_OVER, latency_now_us=None), "[OK] api: slow responses (inc 43)"),
        (replace(a.SLOW_OVER, is_merged=True), "[OK 240ms, alert delayed] api: slow responses (inc 43)"),
        (
            replace(a.SLOW_OVER, latency_now_us=None, is_merged=True),
            "[OK, alert delayed] api: slow responses (inc 43)",
        ),
        (a.SEVERAL, "[DOWN 14] api, web, db +11 (batch 7)"),
        (a.batch(0, 14), "[UP 14] api, web, db +11 (batch 7)"),
        (a.batch(3, 2), "[DOWN 3, UP 2] api, web, db +2 (batch 7)"),
        (replace(a.SEVERAL, members=(a.REMINDER,) * 14), "[STILL DOWN 14] api (batch 7)"),
        (
            replace(a.SEVERAL, members=(a.RECOVERED, a.STILL_SLOW, a.REMINDER, a.DOWN)),
            "[DOWN 1, STILL DOWN 1, UP 1] api (batch 7)",
        ),
        (replace(a.SEVERAL, members=(a.STILL_SLOW, a.SLOW)), "[SLOW 1, STILL SLOW 1] api (batch 7)"),
        (replace(a.batch(2), batch=None), "[DOWN 2] api, web"),
        (a.CERTIFICATE, "[CERT 13d] api: certificate ends 2026-12-03"),
        (a.BLIND, "[PROBER] blind for 12m"),
        (a.STORE, "[PROBER] store set aside: history starts anew"),
        (a.TEST, "[TEST] prober alert path works"),
    ],
)
def test_each_kind_has_its_subject(facts: AlertFacts, expected: str) -> None:
    assert subject(facts) == expected


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        (Reason.STATUS, "status 503, expected 2xx", "status 503"),
        (Reason.STATUS, "expected 200, got 404", "status 404"),
        (Reason.STATUS, None, "status"),
        (Reason.TIMEOUT, "no answer within 10 s", "timeout"),
        (Reason.DNS, "no address", "dns"),
        (Reason.JSON, "websocket.connected: expected true, got false", "json"),
        (Reason.TLS_EXPIRED, "status 503", "tls expired"),
        (None, "status 503", "failed"),
    ],
)
def test_the_short_reason_comes_from_reason_and_detail(
    reason: Reason | None, detail: str | None, expected: str
) -> None:
    assert subject(replace(a.DOWN, reason=reason, detail=detail)) == f"[DOWN P0] api: {expected} (inc 42)"


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ("büro-api", "[DOWN P0] buro-api: status 503 (inc 42)"),
        ("支付", "[DOWN P0] ??: status 503 (inc 42)"),
        ("a\r\nBcc: x", "[DOWN P0] a??Bcc: x: status 503 (inc 42)"),
        ("p" * 64, "[DOWN P0] pppppppppppppppppppppppp..: status 503 (inc 42)"),
    ],
)
def test_a_name_is_made_to_fit(probe: str, expected: str) -> None:
    assert subject(replace(a.DOWN, probe_id=probe)) == expected


def test_names_that_do_not_fit_give_way_to_their_number() -> None:
    members = tuple(replace(a.DOWN, probe_id=letter * 40) for letter in "abcd")
    assert subject(replace(a.SEVERAL, members=members)) == f"[DOWN 4] {'a' * 40} +3 (batch 7)"
    members = tuple(replace(a.DOWN, probe_id=letter * 64) for letter in "abcd")
    assert subject(replace(a.SEVERAL, members=members)) == "[DOWN 4] 4 probes (batch 7)"
    assert subject(replace(a.SEVERAL, members=members[:1])) == "[DOWN 1] 1 probe (batch 7)"


def test_a_batch_of_many_kinds_names_the_most_urgent_three() -> None:
    members = (a.TEST, a.CERTIFICATE, a.SLOW, a.DOWN, a.RECOVERED)
    assert state_word(replace(a.SEVERAL, members=members)) == "DOWN 1, UP 1, SLOW 1"
    assert state_word(replace(a.SEVERAL, members=())) == "SEVERAL"


@given(
    probe=texts,
    reason=st.sampled_from(Reason),
    incident=st.integers(min_value=1, max_value=999_999),
    lasted_ms=st.integers(min_value=0, max_value=99 * 86_400_000),
    who=st.text("abc ", max_size=70),
)
def test_the_tail_stays_the_same_for_an_incident(
    probe: str, reason: Reason, incident: int, lasted_ms: int, who: str
) -> None:
    down = replace(a.DOWN, probe_id=probe, reason=reason, incident=incident)
    recovered = replace(down, kind=AlertKind.RECOVERED, ended_at_ms=a.FAILED_AT + lasted_ms)
    removed = replace(down, kind=AlertKind.REMOVED)
    reminder = replace(down, kind=AlertKind.REMINDER, queued_at_ms=a.FAILED_AT + lasted_ms)
    resolved = replace(removed, kind=AlertKind.RESOLVED, resolved_by=who)
    assert tail(down) == tail(recovered) == tail(removed) == tail(reminder) == tail(resolved)
    assert subject(down).endswith(f" (inc {incident})")


@given(any_alert)
def test_every_subject_is_printable_ascii_of_at_most_70_characters(facts: AlertFacts) -> None:
    line = subject(facts)
    assert len(line) <= 70
    assert all(" " <= char <= "~" for char in line)
    assert "=?" not in line
