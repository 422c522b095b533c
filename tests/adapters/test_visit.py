"""Visiting a mail server, against a real one that misbehaves. No visit ever sends."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.adapters.mail.visit import visit
from prober.core.diagnosis.mail import Visit
from prober.core.settings import EmailChannel
from tests.servers import certificates
from tests.servers.smtp import CUT, SILENCE, SmtpServer, run_smtp_server

if TYPE_CHECKING:
    from tests.servers.certificates import Quality

pytestmark = pytest.mark.anyio

PASSWORD = "correct-horse-battery"
CHANNEL = EmailChannel(
    id="email", to=("a@acme.example",), sender="p@acme.example", server="127.0.0.1", port=0, security="none"
)


def trust() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificates.authority_file())
    return context


async def seen(server: SmtpServer, *, within_s: float = 5, **channel: object) -> Visit:
    async with run_smtp_server(server):
        wanted = replace(CHANNEL, port=server.port, **channel)  # type: ignore[arg-type]
        outcome = await visit(wanted, within_s=within_s, ssl_context_factory=trust)
    assert server.mails == []
    assert {command.split(" ")[0] for command in server.commands} <= {"EHLO", "STARTTLS", "AUTH", "QUIT"}
    return outcome


async def test_a_plain_server_is_greeted_and_left() -> None:
    server = SmtpServer()
    assert await seen(server) == Visit()
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_tls_and_login_are_tried_for_real(security: str) -> None:
    tls = certificates.server_context("good")
    server = SmtpServer(tls=tls, is_tls_implicit=security == "tls", login=("me", PASSWORD))
    outcome = await seen(server, security=security, username="me", password=PASSWORD)
    ends_ms = int(certificates.LONG_HENCE.timestamp() * 1000)
    assert outcome == Visit(tls_version="TLSv1.3", certificate_ends_ms=ends_ms, is_logged_in=True)
    assert any(command.startswith("AUTH") for command in server.commands)


async def test_a_refused_connection_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = await visit(replace(CHANNEL, port=port))
    assert outcome == Visit(failure="Connection refused", step="connect")


@pytest.mark.parametrize("greeting", ["554 5.7.1 not you", "421 4.3.2 too busy", CUT])
async def test_a_server_may_refuse_before_a_word_is_said(greeting: str) -> None:
    server = SmtpServer()
    server.script("CONNECT", greeting)
    outcome = await seen(server)
    assert outcome.step == "greeting"
    assert (outcome.failure or "").startswith(greeting.replace(CUT, "Error connecting"))


async def test_a_hidden_starttls_is_told_and_nothing_goes_out_in_clear() -> None:
    server = SmtpServer(hides_starttls=True, login=("me", PASSWORD))
    outcome = await seen(server, security="starttls", username="me", password=PASSWORD)
    assert outcome.step == "starttls"
    assert "STARTTLS" in (outcome.failure or "")
    assert not any(command.startswith("AUTH") for command in server.commands)


@pytest.mark.parametrize("quality", ["expired", "wrong_host", "untrusted", "self_signed"])
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_bad_certificate_is_told(quality: Quality, security: str) -> None:
    server = SmtpServer(tls=certificates.server_context(quality), is_tls_implicit=security == "tls")
    outcome = await seen(server, security=security)
    assert outcome.step == "certificate"
    assert "certificate" in (outcome.failure or "")


async def test_implicit_tls_to_a_server_without_it_is_told() -> None:
    assert (await seen(SmtpServer(), security="tls")).step == "tls"


async def test_a_wrong_password_is_told_and_hidden() -> None:
    server = SmtpServer(tls=certificates.server_context("good"), login=("me", "another"))
    outcome = await seen(server, security="starttls", username="me", password=PASSWORD)
    assert outcome == Visit(failure="535 5.7.8 wrong: AUTH PLAIN AG1lAG***", step="login")


async def test_no_way_to_log_in_is_told() -> None:
    outcome = await seen(SmtpServer(), username="me", password=PASSWORD)
    assert outcome.step == "login"
    assert "no way to log in" in (outcome.failure or "")


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "STARTTLS", "AUTH"])
async def test_a_server_that_hangs_costs_the_deadline_and_no_more(step: str) -> None:
    server = SmtpServer(tls=certificates.server_context("good"), login=("me", PASSWORD))
    server.script(step, SILENCE)
    began = time.monotonic()
    outcome = await seen(server, within_s=1, security="starttls", username="me", password=PASSWORD)
    assert time.monotonic() - began < 3
    assert outcome == Visit(failure="no answer within 1 s", step="greeting")


@pytest.mark.parametrize("farewell", [SILENCE, CUT])
async def test_a_farewell_may_fail(farewell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prober.adapters.mail.visit._QUIT_S", 0.05)
    server = SmtpServer()
    server.script("QUIT", farewell)
    assert await seen(server) == Visit()


async def test_what_the_server_says_is_cleaned_and_holds_no_secret() -> None:
    server = SmtpServer()
    server.script("CONNECT", f"554 \x1b[31m{PASSWORD} and correct-token-staple")
    async with run_smtp_server(server):
        channel = replace(CHANNEL, port=server.port, password=PASSWORD)
        outcome = await visit(channel, secrets=["correct-token-staple"])
    assert outcome.failure == "554 *** and ***"
