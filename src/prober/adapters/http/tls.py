"""TLS over memory buffers, so that the wire and its stamps stay ours, under trust that no environment changes."""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING

from prober.adapters.http.failure import CheckError, from_tls_error
from prober.adapters.http.timing import Step, Timing
from prober.core.facts import Certificate
from prober.core.model import Reason

if TYPE_CHECKING:
    from prober.adapters.http.wire import Wire


# Taking a certificate apart costs more than everything else we do with it, and they rarely change.
_MOST_CERTIFICATES = 1024
_certificates: dict[str, Certificate] = {}


class Trust:
    """One `ssl.SSLContext` per trust setting, made when first needed: a trust store costs 15 ms of CPU."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[bool, str | None], ssl.SSLContext] = {}

    def context(self, *, verify: bool, ca: str | None) -> ssl.SSLContext:
        """Return the context that trusts the certifi bundle and ``ca``, or, without ``verify``, everybody."""
        key = (verify, ca if verify else None)
        if key not in self._contexts:
            self._contexts[key] = _make_context(verify=verify, ca=ca)
        return self._contexts[key]


def _make_context(*, verify: bool, ca: str | None) -> ssl.SSLContext:
    # Not create_default_context: that one honours SSLKEYLOGFILE, and trusts what the machine trusts.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    import certifi  # noqa: PLC0415  (plain http needs no trust store)

    context.load_verify_locations(certifi.where())
    if ca is not None:
        context.load_verify_locations(ca)
    return context


class TlsWire:
    """A `Wire` under TLS. Its ``arrived_ns`` and ``read_ns`` are those of the last bytes underneath."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "_wire", "host")

    def __init__(self, wire: Wire, context: ssl.SSLContext, host: str) -> None:
        self._wire = wire
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.host = host
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host.rstrip("."))

    @property
    def arrived_ns(self) -> int:
        """When the last bytes came in."""
        return self._wire.arrived_ns

    @property
    def read_ns(self) -> int:
        """When we took the last bytes."""
        return self._wire.read_ns

    async def handshake(self, timing: Timing) -> None:
        """Shake hands; each flight is a span. Raises `CheckError`."""
        timing.step = Step.TLS
        sent_ns: int | None = None
        try:
            while not self._is_done():
                if self._outgoing.pending:
                    self._count(timing, sent_ns)
                    sent_ns = await self._wire.send(self._outgoing.read())
                data = await self._wire.receive()
                if not data:
                    raise self._cut()
                self._incoming.write(data)
        except CheckError as failure:
            if failure.reason is Reason.RESET:
                raise self._cut() from failure
            raise
        # What is still to be sent, our Finished, leaves together with the request.
        self._count(timing, sent_ns)

    def _is_done(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise from_tls_error(error, self.host) from error
        return True

    def _count(self, timing: Timing, sent_ns: int | None) -> None:
        if sent_ns is not None:
            timing.flight_ended(sent_ns, self._wire.arrived_ns, self._wire.read_ns)

    def _cut(self) -> CheckError:
        return CheckError(Reason.TLS, f"{self._wire.peer} broke off the TLS handshake", is_cut=True)

    async def send(self, data: bytes) -> int:
        """Encrypt and send all of ``data``; return when sending began. Raises `CheckError`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]
        return await self._wire.send(self._outgoing.read())

    async def receive(self, most: int) -> bytes:
        """Wait for decrypted bytes; none means that the peer has closed. Raises `CheckError`."""
        if not self._incoming.pending and not self._tls.pending():
            await self._feed()
        while True:
            try:
                return self._tls.read(most)
            except ssl.SSLWantReadError:
                await self._feed()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                # Many servers close without saying so in TLS; whether the answer is complete is for HTTP to say.
                return b""
            except ssl.SSLError as error:
                raise from_tls_error(error, self.host) from error

    async def _feed(self) -> None:
        if self._outgoing.pending:
            await self._wire.send(self._outgoing.read())
        data = await self._wire.receive()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def certificate(self) -> Certificate | None:
        """Return the leaf that this connection presented; None where it was not verified."""
        der = self._tls.getpeercert(binary_form=True)
        if der is None or self._tls.context.verify_mode is ssl.CERT_NONE:
            return None
        fingerprint = hashlib.sha256(der).hexdigest()
        if fingerprint not in _certificates:
            if len(_certificates) == _MOST_CERTIFICATES:
                _certificates.clear()
            not_after_ms = ssl.cert_time_to_seconds(str((self._tls.getpeercert() or {})["notAfter"])) * 1000
            _certificates[fingerprint] = Certificate(fingerprint=fingerprint, not_after_ms=not_after_ms)
        return _certificates[fingerprint]
