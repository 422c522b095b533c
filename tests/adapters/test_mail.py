"""Handing over mail, against a real server that misbehaves."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest
import trustme

from prober.adapters.mail import Accepted, Handover, Refused, SmtpMailer, Unknown
from prober.adapters.mail.fate import is_permanent
from prober.core.settings import EmailChannel
from tests.servers.smtp import CUT, SILENCE, ReceivedMail, SmtpServer, run_smtp_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

ME, OPS, ONCALL = "prober@acme.example", "ops@acme.example", "oncall@acme.example"
PASSWORD = "correct-horse-battery"
MESSAGE = b"Subject: x\r\n\r\n.hidden\r\nlast\r\n"
CHANNEL = EmailChannel(id="email", to=(OPS, ONCALL), sender=ME, server="127.0.0.1", port=0, security="none")


def mailer_for(
    server: SmtpServer, *, timeout_s: float = 5, trust: ssl.SSLContext | None = None, **channel: object
) -> SmtpMailer:
    return SmtpMailer(
        replace(CHANNEL, port=server.port, **channel),  # type: ignore[arg-type]
        timeout_s=timeout_s,
        first_retry_s=0.001,
        ssl_context_factory=(lambda: trust) if trust else None,
    )


async def sent(server: SmtpServer, *, recipient: str = OPS) -> Handover:
    async with mailer_for(server) as mailer:
        return await mailer.send(recipient=recipient, message=MESSAGE)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


async def test_an_accepted_message_arrives_byte_for_byte_with_the_servers_reply() -> None:
    async with run_smtp_server() as server:
        assert await sent(server) == Accepted(reply="250 2.0.0 queued as 1")
    assert server.mails == [ReceivedMail(sender=ME, recipient=OPS, content=MESSAGE)]


async def test_all_messages_of_a_pass_share_one_connection_which_ends_politely() -> None:
    async with (
        run_smtp_server() as server,
        mailer_for(server) as mailer,
    ):
        for _ in range(5):
            assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Accepted)
        await anyio.wait_all_tasks_blocked()
    assert (server.connections, len(server.mails)) == (1, 5)
    assert server.commands[-1] == "QUIT"


async def test_without_a_message_there_is_no_connection() -> None:
    async with run_smtp_server() as server, mailer_for(server):
        pass
    assert server.connections == 0


async def test_a_server_that_is_down_is_tried_three_times_and_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = await sent(SmtpServer(port=port))
    assert outcome == Refused(reply=f"127.0.0.1:{port}: Connection refused", is_permanent=False)


async def test_a_connection_that_fails_for_a_moment_is_retried_at_once() -> None:
    async with run_smtp_server() as server:
        server.script("CONNECT", CUT, CUT)
        assert isinstance(await sent(server), Accepted)
    assert server.connections == 3


async def test_a_name_that_does_not_resolve_is_temporary() -> None:
    async with SmtpMailer(replace(CHANNEL, server="mail.invalid", port=25), first_retry_s=0.001) as mailer:
        outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert isinstance(outcome, Refused)
    assert not outcome.is_permanent


@pytest.mark.parametrize(
    ("step", "reply", "is_permanent"),
    [
        ("CONNECT", "421 4.3.2 too busy", False),
        ("CONNECT", "554 5.7.1 not you", True),
        ("MAIL", "451 4.3.0 later", False),
        ("MAIL", "553 5.1.8 sender unknown", True),
        ("RCPT", "450 4.2.0 greylisted", False),
        ("RCPT", "550 5.1.1 no such user", True),
        ("DATA", "452 4.3.1 disk full", False),
        ("DATA", "554 5.5.1 no", True),
        ("CONTENT", "451 4.7.1 scanner away", False),
        ("CONTENT", "554 5.7.1 spam", True),
    ],
)
async def test_a_refusal_is_told_by_its_code_and_not_retried_at_once(step: str, reply: str, is_permanent: bool) -> None:
    async with run_smtp_server() as server:
        server.script(step, reply)
        assert await sent(server) == Refused(reply=reply, is_permanent=is_permanent)
    assert server.mails == []


async def test_a_greylisted_message_is_accepted_the_next_time_over_the_same_connection() -> None:
    async with run_smtp_server() as server, mailer_for(server) as mailer:
        server.script("RCPT", "450 4.2.0 greylisted")
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Refused)
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Accepted)
    assert server.connections == 1


async def test_one_refused_recipient_takes_nothing_from_the_other() -> None:
    async with (
        run_smtp_server(SmtpServer(refused={OPS: "550 5.1.1 no such user"})) as server,
        mailer_for(server) as mailer,
    ):
        assert await mailer.send(recipient=OPS, message=MESSAGE) == Refused(
            reply="550 5.1.1 no such user", is_permanent=True
        )
        assert isinstance(await mailer.send(recipient=ONCALL, message=MESSAGE), Accepted)
    assert [mail.recipient for mail in server.mails] == [ONCALL]


async def test_a_connection_lost_after_the_content_leaves_the_fate_unknown() -> None:
    async with run_smtp_server() as server:
        server.script("CONTENT", CUT)
        assert isinstance(await sent(server), Unknown)
    assert len(server.mails) == 1


@pytest.mark.parametrize("reply", ["354 what", "hello", "\x00\x00", "100 hm"])
async def test_an_answer_to_the_content_that_decides_nothing_leaves_the_fate_unknown(reply: str) -> None:
    async with run_smtp_server() as server, mailer_for(server) as mailer:
        server.script("CONTENT", reply)
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Unknown)
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Accepted)


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_connection_always_lost_before_the_content_is_surely_refused(step: str) -> None:
    async with run_smtp_server() as server:
        server.script(step, *[CUT] * 3)
        outcome = await sent(server)
    assert isinstance(outcome, Refused)
    assert not outcome.is_permanent
    assert server.connections == 3
    assert server.mails == []


async def test_silence_after_the_content_leaves_the_fate_unknown_by_the_deadline() -> None:
    async with run_smtp_server() as server, mailer_for(server, timeout_s=0.2) as mailer:
        server.script("CONTENT", SILENCE)
        outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert outcome == Unknown(detail="no reply to the message: no answer within 0.2 s")


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "DATA"])
async def test_a_slow_server_is_temporary_by_the_deadline(step: str) -> None:
    async with run_smtp_server() as server:
        async with mailer_for(server, timeout_s=0.2) as mailer:
            server.script(step, SILENCE)
            outcome = await mailer.send(recipient=OPS, message=MESSAGE)
        assert outcome == Refused(reply=f"127.0.0.1:{server.port}: no answer within 0.2 s", is_permanent=False)
        async with mailer_for(server) as later:
            assert isinstance(await later.send(recipient=OPS, message=MESSAGE), Accepted)


async def test_a_server_that_hangs_costs_a_pass_one_deadline_and_not_one_for_each_mail() -> None:
    async with run_smtp_server() as server, mailer_for(server, timeout_s=0.2) as mailer:
        server.script("MAIL", SILENCE)
        first = await mailer.send(recipient=OPS, message=MESSAGE)
        server.script("MAIL", SILENCE)
        assert await mailer.send(recipient=OPS, message=MESSAGE) == first
    assert server.connections == 1


async def test_a_server_that_is_away_is_asked_once_a_pass() -> None:
    async with run_smtp_server() as server:
        pass
    async with mailer_for(server) as mailer:
        first = await mailer.send(recipient=OPS, message=MESSAGE)
        assert isinstance(first, Refused)
        async with run_smtp_server(server):
            assert await mailer.send(recipient=OPS, message=MESSAGE) == first


@pytest.mark.parametrize("ending", ["421 4.4.2 enough for one connection", CUT + "421 4.4.2 bye", CUT])
async def test_a_connection_that_the_server_ended_between_messages_is_replaced(ending: str) -> None:
    async with run_smtp_server() as server, mailer_for(server) as mailer:
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Accepted)
        server.script("RSET", ending)
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Accepted)
    assert server.connections == 2


async def test_a_server_that_never_says_goodbye_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prober.adapters.mail.session._QUIT_S", 0.05)
    async with run_smtp_server() as server:
        server.script("QUIT", SILENCE)
        with anyio.fail_after(2):
            assert isinstance(await sent(server), Accepted)


@pytest.mark.parametrize("farewell", ["500 what", CUT])
async def test_a_farewell_may_fail(farewell: str) -> None:
    async with run_smtp_server() as server:
        server.script("QUIT", farewell)
        assert isinstance(await sent(server), Accepted)


async def test_starttls_encrypts_the_message_and_the_password(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with (
        run_smtp_server(SmtpServer(tls=tls, login=("me", PASSWORD))) as server,
        mailer_for(server, trust=trust, security="starttls", username="me", password=PASSWORD) as mailer,
    ):
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Accepted)
        assert mailer.tls_version == "TLSv1.3"
        assert mailer.greeting == "220 mail.test ESMTP"
    assert bytes(server.clear).split(b"\r\n")[1:] == [b"STARTTLS", b""]


async def test_implicit_tls_encrypts_from_the_first_byte(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with (
        run_smtp_server(SmtpServer(tls=tls, is_tls_implicit=True)) as server,
        mailer_for(server, trust=trust, security="tls") as mailer,
    ):
        assert isinstance(await mailer.send(recipient=OPS, message=MESSAGE), Accepted)
    assert server.clear == b""


async def test_a_hidden_starttls_is_permanent_and_nothing_goes_out_in_clear(
    tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async with (
        run_smtp_server(SmtpServer(tls=tls, hides_starttls=True, login=("me", PASSWORD))) as server,
        mailer_for(server, trust=trust, security="starttls", username="me", password=PASSWORD) as mailer,
    ):
        outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert isinstance(outcome, Refused)
    assert outcome.is_permanent
    assert "STARTTLS" in outcome.reply
    assert [command.split(" ")[0] for command in server.commands] == ["EHLO"]


@pytest.mark.parametrize(("reply", "is_permanent"), [("454 4.7.0 no TLS now", False), ("502 5.5.1 no TLS", True)])
async def test_a_refused_starttls_goes_no_further(
    tls: ssl.SSLContext, trust: ssl.SSLContext, reply: str, is_permanent: bool
) -> None:
    async with run_smtp_server(SmtpServer(tls=tls)) as server:
        server.script("STARTTLS", reply)
        async with mailer_for(server, trust=trust, security="starttls") as mailer:
            outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert outcome == Refused(reply=reply, is_permanent=is_permanent)
    assert server.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_is_permanent(tls: ssl.SSLContext, security: str) -> None:
    async with (
        run_smtp_server(SmtpServer(tls=tls, is_tls_implicit=security == "tls")) as server,
        mailer_for(server, security=security) as mailer,
    ):
        outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert isinstance(outcome, Refused)
    assert outcome.is_permanent
    assert "certificate" in outcome.reply
    assert server.connections == 1
    assert server.mails == []


async def test_a_connection_cut_in_the_handshake_is_temporary(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with run_smtp_server(SmtpServer(tls=tls)) as server:
        server.script("STARTTLS", *[CUT + "220 go ahead"] * 3)
        async with mailer_for(server, trust=trust, security="starttls") as mailer:
            outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert isinstance(outcome, Refused)
    assert not outcome.is_permanent


async def test_a_wrong_password_is_permanent_tried_once_and_never_repeated_to_anyone(
    tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async with (
        run_smtp_server(SmtpServer(tls=tls, login=("me", "another"))) as server,
        mailer_for(server, trust=trust, security="starttls", username="me", password=PASSWORD) as mailer,
    ):
        outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert outcome == Refused(reply="535 5.7.8 wrong: AUTH PLAIN AG1lAG***", is_permanent=True)
    assert sum(command.startswith("AUTH") for command in server.commands) == 1


async def test_no_way_to_log_in_is_permanent() -> None:
    async with run_smtp_server() as server, mailer_for(server, username="me", password=PASSWORD) as mailer:
        outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert isinstance(outcome, Refused)
    assert outcome.is_permanent
    assert server.mails == []


async def test_what_the_server_says_is_cleaned_and_holds_no_password() -> None:
    async with run_smtp_server() as server, mailer_for(server, password=PASSWORD) as mailer:
        server.script("CONNECT", f"220 {PASSWORD}")
        server.script("RCPT", f"550-\x1b[31mno\u202e\r\n550 {PASSWORD[:5]}\u200b{PASSWORD[5:]} \udcff" + "x" * 1000)
        outcome = await mailer.send(recipient=OPS, message=MESSAGE)
        assert mailer.greeting == "220 ***"
    assert isinstance(outcome, Refused)
    assert outcome.reply.startswith("550 no *** \ufffdxxx")
    assert len(outcome.reply) == 400


async def test_no_other_secret_is_quoted_either() -> None:
    async with run_smtp_server() as server:
        server.script("RCPT", f"550 {PASSWORD} and correct-token-staple are refused")
        channel = replace(CHANNEL, port=server.port, password=PASSWORD)
        async with SmtpMailer(channel, secrets=["correct-token-staple"]) as mailer:
            outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert isinstance(outcome, Refused)
    assert outcome.reply == "550 *** and *** are refused"


@pytest.mark.parametrize(
    "address", [f"{OPS}>\r\nDATA\r\n", f"{OPS}\r\nRSET", f"{OPS}\nRSET", "öps@acme.example", "\x00", "a b\x00@c"]
)
async def test_an_address_cannot_act(address: str) -> None:
    async with run_smtp_server() as server:
        await sent(server, recipient=address)
    verbs = [command.split(" ")[0] for command in server.commands]
    assert verbs == [verb for verb in ("EHLO", "MAIL", "RCPT", "DATA", "QUIT") if verb in verbs]
    assert {mail.recipient for mail in server.mails} <= {OPS}


async def test_an_address_that_is_not_ascii_is_permanent() -> None:
    async with run_smtp_server() as server:
        outcome = await sent(server, recipient="öps@acme.example")
    assert isinstance(outcome, Refused)
    assert outcome.is_permanent


@pytest.mark.parametrize("ending", [b"\n", b"\r"])
async def test_bare_line_ends_cannot_end_the_content_early(ending: bytes) -> None:
    async with run_smtp_server() as server, mailer_for(server) as mailer:
        smuggled = ending.join([b"Subject: x", b"", b"a", b".", b"MAIL FROM:<evil@acme.example>", b""])
        assert isinstance(await mailer.send(recipient=OPS, message=smuggled), Accepted)
    assert server.mails[0].content == smuggled.replace(ending, b"\r\n")
    assert len(server.mails) == 1


def resolved(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    async def found(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]

    monkeypatch.setattr(anyio, "getaddrinfo", found)


@contextmanager
def black_hole(port: int) -> Iterator[tuple[str, int]]:
    """Listen, but with a full queue, so that a further connection gets no answer at all."""
    address = ("127.0.0.3", port)
    with ExitStack() as stack:
        stack.enter_context(socket.create_server(address, backlog=0))
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        yield address


async def test_an_address_that_refuses_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_smtp_server() as server:
        resolved(monkeypatch, ("127.0.0.2", server.port), ("127.0.0.1", server.port))
        assert isinstance(await sent(server), Accepted)


async def test_an_address_that_swallows_everything_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prober.adapters.mail.connection._ADDRESS_S", 0.05)
    async with run_smtp_server() as server:
        with black_hole(server.port) as nowhere:
            resolved(monkeypatch, nowhere, ("127.0.0.1", server.port))
            assert isinstance(await sent(server), Accepted)
            resolved(monkeypatch, nowhere)
            outcome = await sent(server)
    assert outcome == Refused(reply=f"127.0.0.1:{server.port}: no connection within 0.05 s", is_permanent=False)


async def test_connecting_stands_under_the_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_smtp_server() as server, mailer_for(server, timeout_s=0.1) as mailer:
        with black_hole(server.port) as nowhere:
            resolved(monkeypatch, nowhere)
            outcome = await mailer.send(recipient=OPS, message=MESSAGE)
    assert outcome == Refused(reply=f"127.0.0.1:{server.port}: no answer within 0.1 s", is_permanent=False)


async def test_a_name_without_an_address_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch)
    outcome = await sent(SmtpServer(port=25))
    assert outcome == Refused(reply="127.0.0.1:25: the name has no address", is_permanent=False)


async def test_cancelling_is_not_swallowed() -> None:
    async with run_smtp_server() as server:
        server.script("CONTENT", SILENCE)
        async with mailer_for(server) as mailer:
            with anyio.move_on_after(0.1) as scope:
                await mailer.send(recipient=OPS, message=MESSAGE)
        assert scope.cancelled_caught


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (ssl.SSLEOFError("cut"), False),
        (ssl.SSLCertVerificationError("self-signed"), True),
        (ConnectionResetError("reset"), False),
        (RuntimeError("a bug"), False),
        (ValueError("no address"), True),
    ],
)
async def test_what_an_error_means_for_the_next_attempt(error: Exception, is_final: bool) -> None:
    assert is_permanent(error) == is_final
