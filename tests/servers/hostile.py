"""Everything that a server can do to a prober, as a table: name, behaviour, and what a check must say about it.

``reason`` None means that an answer could be had, if a strange one.
"""

from __future__ import annotations

import gzip
import zlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from prober.core.model import Reason
from tests.servers.certificates import Quality, server_context
from tests.servers.raw import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.raw import Handler, Peer

ZEROS = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One hostile server, asked by ``scheme``. ``tls`` is the quality of its certificate, None without TLS."""

    behave: Handler
    reason: Reason | None
    tls: Quality | None = None
    scheme: str = "http"
    status: int | None = None
    is_cut: bool = False


def says(answer: bytes, *, then_close: bool = True) -> Handler:
    """Read a request and send these bytes."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        if not then_close:
            await anyio.sleep_forever()

    return behave


def redirects_to(location: str) -> Handler:
    return says(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())


def drips(head: bytes, body: bytes) -> Handler:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        await peer.drip(body)

    return behave


def repeats(head: bytes, body: bytes) -> Handler:
    """Send ``body`` without end, as fast as it is taken."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        while True:
            await peer.send(body)

    return behave


def resets_after(answer: bytes) -> Handler:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await anyio.sleep(0.02)
        peer.reset()

    return behave


async def resets_at_once(peer: Peer) -> None:
    peer.reset()


async def resets_at_hello(peer: Peer) -> None:
    await peer.receive()
    peer.reset()


async def closes_at_hello(peer: Peer) -> None:
    await peer.receive()


async def answers_hello_in_clear(peer: Peer) -> None:
    await peer.receive()
    await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def is_silent(_: Peer) -> None:
    await anyio.sleep_forever()


async def greets_like_ssh(peer: Peer) -> None:
    await peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")
    await anyio.sleep_forever()


async def redirects_to_itself(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 301 Moved\r\nLocation: /again\r\n\r\n")


def _bomb(coding: str, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(body)) + body
    )


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

HOSTILE: dict[str, Row] = {
    "drip in the headers": Row(behave=drips(OK, b"X-Drip: 1\r\n"), reason=Reason.TIMEOUT),
    "drip in the body": Row(
        behave=drips(OK + b"Content-Length: 99999\r\n\r\n", b"x"), reason=Reason.TIMEOUT, status=200
    ),
    "endless body": Row(behave=repeats(OK + b"\r\n", b"x" * 65536), reason=None, status=200, is_cut=True),
    "endless chunks": Row(
        behave=repeats(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"), reason=None, status=200, is_cut=True
    ),
    "endless 100 Continue": Row(behave=repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50), reason=Reason.TIMEOUT),
    "dripping 100 Continue": Row(behave=drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), reason=Reason.TIMEOUT),
    "gzip bomb": Row(behave=says(_bomb("gzip", gzip.compress(bytes(ZEROS)))), reason=None, status=200, is_cut=True),
    "deflate bomb": Row(
        behave=says(_bomb("deflate", zlib.compress(bytes(ZEROS)))), reason=None, status=200, is_cut=True
    ),
    "header flood": Row(behave=repeats(OK, b"X-Flood: 1\r\n" * 100), reason=Reason.PROTOCOL),
    "one giant header": Row(behave=repeats(OK + b"X-Giant: ", b"x" * 4096), reason=Reason.PROTOCOL),
    "reset after accept": Row(behave=resets_at_once, reason=Reason.RESET),
    "reset after the request": Row(behave=resets_after(b""), reason=Reason.RESET),
    "reset in the headers": Row(behave=resets_after(OK + b"X-Half: "), reason=Reason.RESET),
    "reset in the body": Row(
        behave=resets_after(OK + b"Content-Length: 9\r\n\r\nhalf"), reason=Reason.RESET, status=200
    ),
    "reset in the TLS handshake": Row(behave=resets_at_hello, reason=Reason.TLS, scheme="https"),
    "closed in the TLS handshake": Row(behave=closes_at_hello, reason=Reason.TLS, scheme="https"),
    "closed without an answer": Row(behave=says(b""), reason=Reason.RESET),
    "silence": Row(behave=is_silent, reason=Reason.TIMEOUT),
    "silence in the TLS handshake": Row(behave=is_silent, reason=Reason.TIMEOUT, scheme="https"),
    "silence under TLS": Row(behave=is_silent, reason=Reason.TIMEOUT, scheme="https", tls="good"),
    "SSH banner": Row(behave=greets_like_ssh, reason=Reason.PROTOCOL),
    "plain HTTP on a TLS port": Row(behave=answers_hello_in_clear, reason=Reason.TLS, scheme="https"),
    "TLS on a plain port": Row(behave=says(b"\x15\x03\x01\x00\x02\x02\x46"), reason=Reason.PROTOCOL),
    "redirect loop": Row(behave=redirects_to_itself, reason=Reason.REDIRECT, status=301),
    "redirect to file:": Row(behave=redirects_to("file:///etc/passwd"), reason=Reason.REDIRECT, status=302),
    "redirect to bad punycode": Row(behave=redirects_to("http://xn--/"), reason=Reason.REDIRECT, status=302),
    "redirect to a bad port": Row(behave=redirects_to("http://127.0.0.1:99999/"), reason=Reason.REDIRECT, status=302),
    "redirect to nowhere": Row(behave=redirects_to("http://"), reason=Reason.REDIRECT, status=302),
    "redirect to gibberish": Row(behave=redirects_to("http://[::1"), reason=Reason.REDIRECT, status=302),
    "redirect with credentials": Row(
        behave=redirects_to("http://me:pw@127.0.0.1/"), reason=Reason.REDIRECT, status=302
    ),
    "redirect to metadata": Row(behave=redirects_to("http://169.254.169.254/latest"), reason=Reason.ADDRESS),
    "https to http": Row(
        behave=redirects_to("http://127.0.0.1/"), reason=Reason.REDIRECT, scheme="https", tls="good", status=302
    ),
    "status 999": Row(behave=says(b"HTTP/1.1 999 No\r\n\r\n"), reason=None, status=999),
    "status 99": Row(behave=says(b"HTTP/1.1 099 No\r\n\r\n"), reason=Reason.PROTOCOL),
    "status in words": Row(behave=says(b"HTTP/1.1 two hundred\r\n\r\n"), reason=Reason.PROTOCOL),
    "content-length too long": Row(
        behave=says(OK + b"Content-Length: 9\r\n\r\nhalf"), reason=Reason.PROTOCOL, status=200
    ),
    "content-length too short": Row(behave=says(OK + b"Content-Length: 2\r\n\r\nokXXXX"), reason=None, status=200),
    "content-length in words": Row(behave=says(OK + b"Content-Length: nine\r\n\r\n"), reason=Reason.PROTOCOL),
    "two content-lengths": Row(
        behave=says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), reason=Reason.PROTOCOL
    ),
    "chunked garbage": Row(behave=says(CHUNKED + b"zz\r\nnope\r\n"), reason=Reason.PROTOCOL, status=200),
    "expired certificate": Row(behave=says(OK + b"\r\n"), reason=Reason.TLS_EXPIRED, scheme="https", tls="expired"),
    "certificate of tomorrow": Row(behave=says(OK + b"\r\n"), reason=Reason.TLS_EXPIRED, scheme="https", tls="future"),
    "certificate of another": Row(
        behave=says(OK + b"\r\n"), reason=Reason.TLS_HOSTNAME, scheme="https", tls="wrong_host"
    ),
    "certificate of a stranger": Row(
        behave=says(OK + b"\r\n"), reason=Reason.TLS_UNTRUSTED, scheme="https", tls="untrusted"
    ),
    "self-signed certificate": Row(
        behave=says(OK + b"\r\n"), reason=Reason.TLS_UNTRUSTED, scheme="https", tls="self_signed"
    ),
}


@asynccontextmanager
async def hostile_servers() -> AsyncIterator[dict[str, str]]:
    """Start them all; yields the URL of each by name. Trust `certificates.authority_file` when asking."""
    async with AsyncExitStack() as stack:
        urls = {}
        for name, row in HOSTILE.items():
            context = server_context(row.tls) if row.tls else None
            port = await stack.enter_async_context(serving(row.behave, tls=context))
            urls[name] = f"{row.scheme}://127.0.0.1:{port}/"
        yield urls
