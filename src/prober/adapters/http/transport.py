"""The way from httpx to our wire: one httpcore connection per request, over sockets of our own.

There is no pool: every check is to see what a new visitor sees, and a shared pool costs time quadratic in what is in
flight. httpcore speaks HTTP/1.1 over a connection that is open by then; everything below it is ours. The head of a
response is handed over in the `Hop` and kept from httpx, which would read cookies and redirects into it.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio

from prober.adapters.http.connect import connect, permitted
from prober.adapters.http.failure import CheckError, from_os_error
from prober.adapters.http.lean import httpcore, httpx
from prober.adapters.http.timing import Step, Timing, monotonic_ns
from prober.adapters.http.tls import TlsWire, Trust
from prober.adapters.http.wire import READ_BYTES, Wire
from prober.core.model import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable
    from typing import Literal

    from prober.adapters.http.lookup import Lookup
    from prober.core.facts import Certificate
    from prober.core.model import Probe

HOP = "prober.hop"
_MOST_INTERIM_BYTES = 128 * 1024
_HTTP = b"HTTP/"


class Hop:
    """One request of a check and what came back: the record that transport, stream and checker share."""

    __slots__ = ("certificate", "family", "headers", "is_enough", "probe", "status", "timing", "wire")

    def __init__(self, probe: Probe, timing: Timing) -> None:
        self.probe = probe
        self.timing = timing
        self.wire: Wire | None = None
        self.family: Literal["ipv4", "ipv6"] | None = None
        self.certificate: Certificate | None = None
        self.status: int | None = None
        self.headers: tuple[tuple[str, str], ...] = ()
        self.is_enough = False

    def first_header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    def close(self) -> None:
        """Close the books and the socket; neither waits for the peer."""
        self.timing.hop_ended()
        if self.wire is not None:
            self.wire.close()


class EnoughError(Exception):
    """More of a body was asked for than anybody wants."""


class _Carrier(Protocol):
    """Bytes to and from the peer, in clear (`Wire`) or not (`TlsWire`)."""

    @property
    def arrived_ns(self) -> int: ...
    @property
    def read_ns(self) -> int: ...
    async def send(self, data: bytes) -> int: ...
    async def receive(self, most: int) -> bytes: ...


class HopStream(httpcore.AsyncNetworkStream):
    """What httpcore reads from and writes to.

    Writes are gathered and leave with the next read: head, body and the end of the TLS handshake in one piece.
    """

    def __init__(self, wire: Wire, carrier: _Carrier, hop: Hop) -> None:
        self._wire = wire
        self._carrier = carrier
        self._hop = hop
        self._unsent = b""
        self._beginning = b""
        self._received = 0

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Keep bytes for the next read."""
        self._unsent += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        """Send what is unsent, then wait for an answer. Raises `CheckError`."""
        if self._hop.is_enough:
            raise EnoughError
        if self._unsent:
            await self._send()
        if self._hop.status is None and self._received > _MOST_INTERIM_BYTES:
            # Interim answers without end are no answer: stop paying for them and let the deadline speak.
            await anyio.sleep_forever()
        data = await self._carrier.receive(min(max_bytes, READ_BYTES))
        if data:
            self._hop.timing.answered(self._carrier.arrived_ns, self._carrier.read_ns)
            self._recognise(data)
        elif not self._received:
            raise CheckError(Reason.RESET, f"{self._wire.peer} closed the connection without an answer")
        return data

    async def aclose(self) -> None:
        """Close the socket."""
        self._wire.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401, ARG002  (httpcore's signature)
        """Tell httpcore nothing: HTTP/1.1 it is."""
        return None

    async def _send(self) -> None:
        timing = self._hop.timing
        timing.step = Step.WAIT
        timing.sent_ns = monotonic_ns()
        unsent, self._unsent = self._unsent, b""
        try:
            timing.sent_ns = await self._carrier.send(unsent)
        except CheckError as failure:
            # A server may refuse a long request before it is all sent: its answer, if there is one, still counts.
            if failure.reason is not Reason.RESET:
                raise

    def _recognise(self, data: bytes) -> None:
        if self._received < len(_HTTP):
            self._beginning = (self._beginning + data)[: len(_HTTP)]
            if not _HTTP.startswith(self._beginning):
                raise CheckError(Reason.PROTOCOL, f"{self._wire.peer} does not speak HTTP")
        self._received += len(data)


class HopTransport(httpx.AsyncBaseTransport):
    """Sends each request over a new connection; its `Hop` travels in the request's extensions."""

    def __init__(self, *, lookup: Lookup, refuse_private: bool, kernel_stamps: bool) -> None:
        self._lookup = lookup
        self._trust = Trust()
        self._refuse_private = refuse_private
        self._kernel_stamps = kernel_stamps

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return a response whose head is in the hop. Raises `CheckError` and httpcore's errors."""
        hop: Hop = request.extensions[HOP]
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        origin = target.origin
        stream = await self._connected(hop, origin.host.decode("ascii"), origin.port, is_secure=url.scheme == "https")
        connection = httpcore.AsyncHTTP11Connection(origin=origin, stream=stream)
        response = await connection.handle_async_request(
            httpcore.Request(request.method, target, headers=request.headers.raw, content=request.stream)
        )
        hop.status = response.status
        hop.headers = tuple((_text(name).lower(), _text(value)) for name, value in response.headers)
        return httpx.Response(response.status, stream=_Passed(response.stream))

    async def _connected(self, hop: Hop, host: str, port: int, *, is_secure: bool) -> HopStream:
        """Find, judge and connect to the addresses of ``host``, and shake hands where it is to be https."""
        # Made before anything is timed: the first time it takes long.
        context = self._trust.context(verify=hop.probe.verify, ca=hop.probe.ca) if is_secure else None
        addresses = await self._addresses(host, hop.timing)
        allowed = permitted(addresses, refuse_private=self._refuse_private and not hop.probe.allow_private)
        hop.timing.step = Step.CONNECT
        hop.wire = wire = await connect(allowed, port, timing=hop.timing, kernel_stamps=self._kernel_stamps)
        hop.family = "ipv6" if wire.peer.startswith("[") else "ipv4"
        if context is None:
            return HopStream(wire, wire, hop)
        tls = TlsWire(wire, context, host)
        await tls.handshake(hop.timing)
        hop.certificate = tls.certificate()
        return HopStream(wire, tls, hop)

    async def _addresses(self, host: str, timing: Timing) -> tuple[str, ...]:
        """Return the addresses of ``host``, a name or a literal. Raises `CheckError`."""
        if _is_literal(host):
            return (host,)
        began_ns = monotonic_ns()
        try:
            answer = await self._lookup(host)
        except (OSError, UnicodeError) as error:
            raise _from_lookup_error(error, host) from error
        timing.looked_up(took_ns=answer.took_ns, waited_ns=monotonic_ns() - began_ns)
        return answer.addresses


class _Passed(httpx.AsyncByteStream):
    """A body as httpcore reads it."""

    def __init__(self, stream: Iterable[bytes] | AsyncIterable[bytes]) -> None:
        self._stream = cast("AsyncIterable[bytes]", stream)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)


def _is_literal(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host)
    except OSError:
        return False
    return True


def _from_lookup_error(error: OSError | UnicodeError, host: str) -> CheckError:
    if isinstance(error, socket.gaierror) and error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}:
        detail = f"name not found: {host}"
    else:
        cause = error.strerror if isinstance(error, OSError) else None
        detail = f"the lookup of {host} failed ({(cause or 'not a valid name').lower()})"
    try:
        # The resolver hides that it could not open a socket.
        socket.socket().close()
    except OSError as shortage:
        return from_os_error(shortage, host)
    return CheckError(Reason.DNS, detail)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
