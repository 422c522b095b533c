"""Whatever the facts hold, a mail comes out: whole, harmless, and the same each time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.render.message import Envelope, minimal, render, render_safely
from tests.core.any_alerts import any_alert, texts
from tests.render.alerts import ENVELOPE
from tests.render.mails import fields_of, parsed

if TYPE_CHECKING:
    from prober.core.alerts import AlertFacts

KNOWN = {
    *(
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "List-Id",
        "X-Priority",
        "Importance",
    ),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version", "Content-Type"),
    *(f"X-Prober-{name}" for name in ("Event", "Probe", "Incident", "Severity", "Since", "Location")),
}
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

envelopes = st.builds(
    replace,
    st.just(ENVELOPE),
    message_id=st.from_regex(r"<[0-9a-f]{32}@[a-z]{1,60}\.example>", fullmatch=True),
    in_reply_to=st.none() | st.just("<first@acme.example>"),
    date_ms=st.integers(),
    first_tried_at_ms=st.integers(),
)


def check(raw: bytes, envelope: Envelope) -> None:
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    names = [name for name, _ in fields_of(raw)]
    assert set(names) <= KNOWN
    assert len(names) == len(set(names))
    found = parsed(raw)
    assert found["Message-ID"] == envelope.message_id
    assert found["To"] == envelope.recipient
    assert len(found["Subject"]) <= 70
    assert found["Subject"].isprintable()
    assert found["Subject"].isascii()
    assert ACTING.search(found.text + found.html) is None
    assert "<script" not in found.html
    assert len(found.html.encode()) < 20_000
    assert found.text.strip()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(any_alert, envelopes)
def test_every_alert_becomes_a_whole_and_harmless_mail(facts: AlertFacts, envelope: Envelope) -> None:
    raw = render(facts, envelope)
    check(raw, envelope)
    assert render_safely(facts, envelope) == raw


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(any_alert, st.integers(), envelopes)
def test_numbers_without_sense_lose_no_alert(facts: AlertFacts, number: int, envelope: Envelope) -> None:
    check(render_safely(replace(facts, queued_at_ms=number, started_at_ms=-number), envelope), envelope)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(any_alert | texts, envelopes)
def test_the_minimal_mail_cannot_fail(facts: AlertFacts | str, envelope: Envelope) -> None:
    check(minimal(facts, envelope), envelope)
    if isinstance(facts, str):
        check(render_safely(facts, envelope), envelope)
