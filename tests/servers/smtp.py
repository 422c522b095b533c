"""A mail server on loopback that misbehaves on command.

Whatever it would answer can be replaced, once per scripted reply: ``server.script("RCPT", "450 4.2.0 come again")``. A
step is a command's verb, or ``CONNECT`` (the greeting) or ``CONTENT`` (what follows the final dot). A reply that begins
with `CUT` is sent as far as it goes and the connection closed; `SILENCE` answers never.
"""

from __future__ import annotations

import base64
import ssl
from collections import defaultdict, deque
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
from anyio.from_thread import start_blocking_portal
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anyio.abc import ByteStream, SocketStream

CUT: Final = "!"
SILENCE: Final = "..."
_LONGEST: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """One message as it arrived: dots unstuffed, lines ended by CRLF."""

    sender: str
    recipient: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class SmtpServer:
    """What the server is like, and what it has seen. ``clear`` is every byte that came unencrypted."""

    tls: ssl.SSLContext | None = None
    is_tls_implicit: bool = False
    hides_starttls: bool = False
    login: tuple[str, str] | None = None
    refused: dict[str, str] = field(default_factory=dict)
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    mails: list[ReceivedMail] = field(default_factory=list)
    clear: bytearray = field(default_factory=bytearray)
    scripted: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))

    def script(self, step: str, *replies: str) -> None:
        """Answer a step by these replies, one each time it comes, and truly thereafter."""
        self.scripted[step].extend(replies)

    async def serve(self, stream: SocketStream) -> None:
        """Talk to one client until either has enough."""
        self.connections += 1
        async with stream:
            try:
                await _Conversation(self, stream).run()
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.IncompleteRead):
                return
            except (ssl.SSLError, OSError):
                return


class _Conversation:
    def __init__(self, server: SmtpServer, stream: SocketStream) -> None:
        self._server = server
        self._stream: ByteStream = stream
        self._lines = BufferedByteReceiveStream(stream)
        self._is_encrypted = False
        self._sender = ""
        self._recipient = ""

    async def run(self) -> None:
        if self._server.is_tls_implicit:
            await self._encrypt()
        is_on = await self._send(self._next("CONNECT", "220 mail.test ESMTP"))
        while is_on:
            line = (await self._until(b"\r\n")).decode("latin-1")
            self._server.commands.append(line)
            is_on = await self._answer(line.split(" ")[0].upper(), line)

    async def _answer(self, verb: str, line: str) -> bool:
        if verb == "DATA":
            return await self._take_content()
        reply = self._next(verb, self._usual(verb, line))
        is_on = await self._send(reply)
        if reply.startswith("220"):
            await self._encrypt()
        return is_on and verb != "QUIT"

    def _usual(self, verb: str, line: str) -> str:
        match verb:
            case "EHLO":
                return "\r\n".join(self._offers())
            case "STARTTLS":
                return "220 go ahead"
            case "AUTH":
                return "235 welcome" if self._is_right(line) else f"535 5.7.8 wrong: {line}"
            case "MAIL":
                self._sender = _address(line)
            case "RCPT":
                self._recipient = _address(line)
                return self._server.refused.get(self._recipient, "250 recipient fine")
        return "221 bye" if verb == "QUIT" else "250 fine"

    async def _take_content(self) -> bool:
        reply = self._next("DATA", "354 go on")
        is_on = await self._send(reply)
        if not reply.startswith("354"):
            return is_on
        content = await self._until(b"\r\n.\r\n") + b"\r\n"
        reply = self._next("CONTENT", f"250 2.0.0 queued as {len(self._server.mails) + 1}")
        if reply[:1] not in {"4", "5"}:
            unstuffed = (b"\r\n" + content).replace(b"\r\n..", b"\r\n.")[2:]
            self._server.mails.append(ReceivedMail(sender=self._sender, recipient=self._recipient, content=unstuffed))
        return await self._send(reply)

    async def _encrypt(self) -> None:
        self._stream = await TLSStream.wrap(
            self._stream, server_side=True, ssl_context=self._server.tls, standard_compatible=False
        )
        self._lines = BufferedByteReceiveStream(self._stream)
        self._is_encrypted = True

    def _offers(self) -> list[str]:
        offers = ["250-mail.test"]
        if self._server.tls and not self._is_encrypted and not self._server.hides_starttls:
            offers.append("250-STARTTLS")
        if self._server.login:
            offers.append("250-AUTH PLAIN LOGIN")
        return [*offers, "250 8BITMIME"]

    def _is_right(self, line: str) -> bool:
        user, password = self._server.login or ("", "")
        return line == "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode()

    def _next(self, step: str, usual: str) -> str:
        replies = self._server.scripted[step]
        return replies.popleft() if replies else usual

    async def _send(self, reply: str) -> bool:
        if reply == SILENCE:
            await anyio.sleep_forever()
        said = reply.removeprefix(CUT)
        if said:
            await self._stream.send(said.encode("utf-8", "surrogateescape") + b"\r\n")
        return not reply.startswith(CUT)

    async def _until(self, end: bytes) -> bytes:
        received = await self._lines.receive_until(end, _LONGEST)
        if not self._is_encrypted:
            self._server.clear += received + end
        return received


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def run_smtp_server(server: SmtpServer | None = None) -> AsyncIterator[SmtpServer]:
    """Serve on a free port of 127.0.0.1, found in ``port``."""
    server = server or SmtpServer()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=server.port) as listener:
        server.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, server.serve)
            yield server
            tasks.cancel_scope.cancel()


@contextmanager
def smtp_server_in_thread(server: SmtpServer | None = None) -> Iterator[SmtpServer]:
    """Serve from a thread of its own, for tests that are not async or start other processes."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(run_smtp_server(server)) as running:
        yield running
