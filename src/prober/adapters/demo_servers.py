"""A small world on loopback for the demo: a web service that can be broken, a mail server that keeps what it is sent.

aiosmtpd speaks asyncio alone, so both servers live in the running asyncio loop.
"""

from __future__ import annotations

import asyncio
import email
import json
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any, Self

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    from asyncio import Server, StreamReader, StreamWriter

LOOPBACK = "127.0.0.1"
HEALTH_PATH = "/api/health"
THINKING_S = 0.04


class DemoServer:
    """Listens on a free port of loopback while its block runs."""

    _server: Server

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(self._server.sockets[0].getsockname()[1])


class WebService(DemoServer):
    """Tells of its health in JSON: 200 while it works, 503 while it is broken."""

    def __init__(self, version: str = "1.4.2") -> None:
        self.is_broken = False
        self._version = version

    @property
    def url(self) -> str:
        """Where its health is told."""
        return f"http://{LOOPBACK}:{self.port}{HEALTH_PATH}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        return self

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(THINKING_S)
            writer.write(self._answer(request.split(b" ", 2)[1].decode("latin-1")))
            await writer.drain()
        except (OSError, EOFError, IndexError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str) -> bytes:
        status, says = ("503 Service Unavailable", "unavailable") if self.is_broken else ("200 OK", "ok")
        if path != HEALTH_PATH:
            status, says = "404 Not Found", "not found"
        body = json.dumps({"status": says, "version": self._version})
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
        )
        return f"{head}\r\n\r\n{body}".encode()


class MailServer(DemoServer):
    """Accepts every mail and keeps it in ``messages``, oldest first."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="localhost", loop=loop), LOOPBACK, 0)
        return self

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802, ANN401 - aiosmtpd's hook
        """Keep the mail and accept it."""
        self.messages.append(email.message_from_bytes(envelope.content, _class=EmailMessage, policy=default))
        return "250 kept"
