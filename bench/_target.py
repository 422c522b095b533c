"""The server that the HTTP benchmark asks, in a process of its own: ``python -m bench._target CERTIFICATE``.

It holds every answer for as many milliseconds as the path says (``/200``) and tells in ``X-Spent-Us`` how long it
really took, in the TLS handshake and for the answer: from the kernel's stamp of what it received to its own write.
That is the truth which a client's figure is compared with. Its first two lines of output are the ports for http and
https.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import time
from contextlib import suppress

import anyio

SO_TIMESTAMPNS = 35
BACKLOG = 4096


class Client:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.arrived_ns = 0
        self.spent_ns = 0

    async def receive(self) -> bytes:
        await anyio.wait_readable(self.sock)
        data, ancillary, _, _ = self.sock.recvmsg(16384, 64)
        if not data:
            raise ConnectionError
        self.arrived_ns = time.time_ns()
        for _, kind, payload in ancillary:
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("ll", payload)
                self.arrived_ns = seconds * 10**9 + nanoseconds
        return data

    def spend(self) -> None:
        """Count the time since the last bytes arrived."""
        self.spent_ns += time.time_ns() - self.arrived_ns


async def answer(client: Client, context: ssl.SSLContext | None) -> None:
    """Serve one request on one connection."""
    with client.sock, suppress(OSError, ssl.SSLError):
        if context is None:
            request = await client.receive()
            await hold(client, request)
            client.sock.sendall(response(client))
            return
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        request = b""
        while not request:
            incoming.write(await client.receive())
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                request = tls.read(16384)
            if outgoing.pending and not request:
                client.spend()
                client.sock.sendall(outgoing.read())
        await hold(client, request)
        tls.write(response(client))
        client.sock.sendall(outgoing.read())


async def hold(client: Client, request: bytes) -> None:
    milliseconds = request.split(b" ", 2)[1].lstrip(b"/")
    await anyio.sleep(int(milliseconds or 0) / 1000)
    client.spend()


def response(client: Client) -> bytes:
    body = b'{"status": "ok"}'
    return (
        b"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Tue, 01 Dec 2026 04:00:00 GMT\r\nContent-Type: application/json\r\n"
        b"Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\nX-Spent-Us: %d\r\n\r\n%s"
        % (len(body), client.spent_ns // 1000, body)
    )


async def accept(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    async with anyio.create_task_group() as clients:
        while True:
            await anyio.wait_readable(listener)
            with suppress(BlockingIOError):
                while True:
                    sock, _ = listener.accept()
                    sock.setblocking(False)
                    clients.start_soon(answer, Client(sock), context)


async def main(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with anyio.create_task_group() as group:
        for each in (None, context):
            listener = socket.create_server(("", 0), backlog=BACKLOG)
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            group.start_soon(accept, listener, each)
            print(listener.getsockname()[1], flush=True)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
