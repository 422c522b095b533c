from __future__ import annotations

import email
from email import policy
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import email as channel

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber
    from tests.servers.smtp import SmtpServer

KINDS = {"test": 1, "down": 1, "recovered": 1, "slow": 1, "all": 4}


def test_a_mail_arrives_and_the_answer_is_printed(configure: Configure, prober: RunProber, smtp: SmtpServer) -> None:
    configure.with_mail(smtp)
    ran = prober("test-alert")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "email: ops@acme.example: accepted: 250 2.0.0 queued as 1",
        f"email: 127.0.0.1:{smtp.port}, no TLS: 220 mail.test ESMTP",
    ]
    (mail,) = smtp.mails
    assert mail.recipient == "ops@acme.example"


@pytest.mark.parametrize(("kind", "count"), KINDS.items())
def test_samples_are_marked_as_such(
    configure: Configure, prober: RunProber, smtp: SmtpServer, kind: str, count: int
) -> None:
    configure.with_mail(smtp)
    assert prober("test-alert", "--kind", kind).code == 0
    assert len(smtp.mails) == count
    for mail in smtp.mails:
        message = email.message_from_bytes(mail.content, policy=policy.default)
        text = message.get_body(("plain",))
        assert text
        assert text.get_content().startswith("This is a test: ")
        assert message["Subject"].startswith("[TEST] ") or "] test-sample: " in message["Subject"]
        assert "<test-" in message["Message-ID"]


def test_a_dry_run_prints_the_mail_and_connects_to_nobody(
    configure: Configure, prober: RunProber, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp)
    ran = prober("test-alert", "--kind", "all", "--dry-run")
    assert ran.code == 0
    assert ran.out.count("To: ops@acme.example\n") == 4
    assert "status 503, expected 2xx" in ran.out
    assert smtp.connections == 0


def test_a_channel_may_be_named(configure: Configure, prober: RunProber, smtp: SmtpServer) -> None:
    other = channel(smtp.port, to="b@acme.example").replace("alert.email", 'alert.other]\nkind = "email"\n#')
    configure(channel(smtp.port) + other)
    prober("test-alert", "other")
    assert [mail.recipient for mail in smtp.mails] == ["b@acme.example"]
    ran = prober("test-alert", "othr")
    assert ran.code == 2
    assert 'no channel "othr"' in ran.err
    assert 'Did you mean "other"?' in ran.err


def test_a_refusal_exits_with_4_and_shows_the_answer(configure: Configure, prober: RunProber, smtp: SmtpServer) -> None:
    configure.with_mail(smtp)
    smtp.refused["ops@acme.example"] = "550 5.1.1 nobody here"
    ran = prober("test-alert")
    assert ran.code == 4
    assert "email: ops@acme.example: refused: 550 5.1.1 nobody here" in ran.out


def test_a_reply_that_never_comes_leaves_the_fate_open(
    configure: Configure, prober: RunProber, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp)
    smtp.script("CONTENT", "!")
    ran = prober("test-alert")
    assert ran.code == 4
    assert "email: ops@acme.example: perhaps accepted: " in ran.out


def test_a_server_that_is_down_exits_with_4(configure: Configure, prober: RunProber) -> None:
    configure(channel(1))
    ran = prober("test-alert")
    assert ran.code == 4
    assert "refused: 127.0.0.1:1: " in ran.out


def test_without_a_channel_it_exits_with_3_and_says_what_to_add(configure: Configure, prober: RunProber) -> None:
    path = configure()
    ran = prober("test-alert")
    assert (ran.code, ran.err) == (3, f"error: {path} has no alert channel. Add [alert.email].\n")
