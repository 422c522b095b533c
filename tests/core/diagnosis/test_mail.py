from __future__ import annotations

from typing import get_args

import pytest

from prober.core.diagnosis.mail import CERTIFICATE_NOTE_MS, Step, Visit, judge_mail, no_mail
from prober.core.settings import EmailChannel

NOW = 1_790_000_000_000
CHANNEL = EmailChannel(id="email", to=("a@x",), sender="p@x", server="smtp.acme.example", port=587)


@pytest.mark.parametrize("step", get_args(Step))
def test_a_visit_that_failed_is_wrong_and_each_step_has_its_advice(step: Step) -> None:
    finding = judge_mail(CHANNEL, Visit(failure="535 no", step=step), now_ms=NOW)
    assert (finding.state, finding.message) == ("wrong", "email: smtp.acme.example:587: 535 no")
    assert finding.advice


@pytest.mark.parametrize(
    ("left_ms", "state"), [(CERTIFICATE_NOTE_MS - 1, "note"), (CERTIFICATE_NOTE_MS, "ok"), (-5, "note")]
)
def test_a_certificate_that_ends_soon_is_a_note(left_ms: int, state: str) -> None:
    visit = Visit(tls_version="TLSv1.3", certificate_ends_ms=NOW + left_ms, is_logged_in=True)
    finding = judge_mail(CHANNEL, visit, now_ms=NOW)
    assert finding.state == state
    assert "TLSv1.3, certificate " in finding.message
    assert "login accepted" in finding.message


def test_a_server_without_tls_and_login_is_fine_when_it_is_configured_so() -> None:
    finding = judge_mail(CHANNEL, Visit(), now_ms=NOW)
    assert (finding.state, finding.advice) == ("ok", None)
    assert "no TLS, no login configured; prober test-alert proves real delivery" in finding.message


def test_no_channel_is_a_note() -> None:
    assert no_mail().state == "note"
