"""A server on a bare socket, scripted by tests: it does what no decent server does, such as resetting at will."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

Handler: TypeAlias = Callable[["Peer"], Awaitable[None]]


class BareStream(ByteStream):
    """A non-blocking socket as a stream."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await anyio.wait_readable(self.sock)
        data = self.sock.recv(max_bytes)
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, item: bytes) -> None:
        rest = memoryview(item)
        while rest:
            await anyio.wait_writable(self.sock)
            rest = rest[self.sock.send(rest) :]

    async def send_eof(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self.sock.close()


class Peer:
    """One client, in clear or under TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self._bare = BareStream(sock)
        self._stream: ByteStream = self._bare

    async def start_tls(self, context: ssl.SSLContext) -> None:
        self._stream = await TLSStream.wrap(
            self._bare, server_side=True, ssl_context=context, standard_compatible=False
        )

    async def receive(self) -> bytes:
        return await self._stream.receive()

    async def request(self) -> bytes:
        """Return what came up to the end of the head."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += await self.receive()
        return head

    async def send(self, data: bytes) -> None:
        await self._stream.send(data)

    async def drip(self, data: bytes, *, every_s: float = 0.02) -> None:
        """Send one byte at a time, over and over."""
        while True:
            for byte in data:
                await self.send(bytes([byte]))
                await anyio.sleep(every_s)

    def reset(self) -> None:
        """Tear the connection down with RST instead of FIN."""
        self._bare.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._bare.sock.close()

    def close(self) -> None:
        self._bare.sock.close()


@asynccontextmanager
async def serving(
    handler: Handler, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Serve every client with ``handler``; yields the port."""
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setblocking(False)
        async with anyio.create_task_group() as clients:
            clients.start_soon(_accept, listener, handler, tls, clients)
            yield listener.getsockname()[1]
            clients.cancel_scope.cancel()


async def _accept(
    listener: socket.socket, handler: Handler, tls: ssl.SSLContext | None, clients: anyio.abc.TaskGroup
) -> None:
    while True:
        await anyio.wait_readable(listener)
        sock, _ = listener.accept()
        sock.setblocking(False)
        clients.start_soon(_attend, Peer(sock), handler, tls)


async def _attend(peer: Peer, handler: Handler, tls: ssl.SSLContext | None) -> None:
    try:
        with suppress(OSError, anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
            if tls is not None:
                await peer.start_tls(tls)
            await handler(peer)
    finally:
        peer.close()
