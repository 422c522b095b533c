"""A small web service in a thread of its own, whose health a test decides."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from anyio.from_thread import start_blocking_portal

from tests.servers.raw import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.raw import Peer

WELL = b'{"status": "ok"}'


@dataclass(slots=True)
class Web:
    """What the service answers, and what it was asked."""

    port: int = 0
    status: int = 200
    body: bytes = WELL
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    is_mirror: bool = False
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def heal(self) -> None:
        self.status, self.body, self.delay_s, self.is_mirror = 200, WELL, 0, False
        self.headers = {"Content-Type": "application/json"}
        self.requests.clear()

    def break_down(self, status: int = 503, body: bytes = b"out of order") -> None:
        self.status, self.body = status, body

    async def answer(self, peer: Peer) -> None:
        request = await peer.request()
        self.requests.append(request)
        await anyio.sleep(self.delay_s)
        body = request + b"\n" + self.body if self.is_mirror else self.body
        headers = {**self.headers, "Content-Length": str(len(body)), "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        await peer.send(f"HTTP/1.1 {self.status} Reason\r\n{head}\r\n".encode("latin-1") + body)


@contextmanager
def web_server() -> Iterator[Web]:
    """Serve while the block runs."""
    web = Web()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(web.answer)) as web.port,
    ):
        yield web
