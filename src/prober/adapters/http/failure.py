"""How a check fails: one exception inside this package, and the translation of other people's errors into it.

Details are sentences of our own. A server's bytes are never quoted in them.
"""

from __future__ import annotations

import errno
import os
import ssl

from prober.core.model import Reason

_PATH_REASONS = frozenset({Reason.DNS, Reason.REFUSED, Reason.UNREACHABLE, Reason.RESET, Reason.TIMEOUT})
_BY_ERRNO = {
    errno.ECONNREFUSED: (Reason.REFUSED, "connection refused by"),
    errno.ECONNRESET: (Reason.RESET, "connection reset by"),
    errno.ECONNABORTED: (Reason.RESET, "connection reset by"),
    errno.EPIPE: (Reason.RESET, "connection reset by"),
    errno.ETIMEDOUT: (Reason.TIMEOUT, "no answer from"),
    errno.EMFILE: (Reason.DESCRIPTORS, "out of file descriptors before reaching"),
    errno.ENFILE: (Reason.DESCRIPTORS, "out of file descriptors before reaching"),
}
_NOT_YET_VALID = 9
_BY_VERIFY_CODE = {
    _NOT_YET_VALID: (Reason.TLS_EXPIRED, "the certificate is not valid yet"),
    10: (Reason.TLS_EXPIRED, "the certificate has expired"),
    62: (Reason.TLS_HOSTNAME, "the certificate is not for {host}"),
    64: (Reason.TLS_HOSTNAME, "the certificate is not for {host}"),
}
_H11_SENTENCES = {
    "Receive buffer too long": "the headers are longer than 100 KiB",
    "Server disconnected without sending a response.": "the connection was closed within the headers",
}


class CheckError(Exception):
    """A check ends here, for ``reason``.

    ``is_cut`` says that the way to the server may have broken off, ``is_early`` that the certificate is not valid yet.
    """

    def __init__(self, reason: Reason, detail: str, *, is_cut: bool = False, is_early: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.is_cut = is_cut or reason in _PATH_REASONS
        self.is_early = is_early


def from_os_error(error: OSError, peer: str) -> CheckError:
    """Say what an error of the socket to ``peer`` means."""
    if error.errno in _BY_ERRNO:
        reason, sentence = _BY_ERRNO[error.errno]
        return CheckError(reason, f"{sentence} {peer}")
    cause = os.strerror(error.errno).lower() if error.errno else type(error).__name__
    return CheckError(Reason.UNREACHABLE, f"cannot reach {peer} ({cause})")


def from_tls_error(error: ssl.SSLError, host: str) -> CheckError:
    """Say what an error of OpenSSL means; a certificate is judged by its verify code."""
    if isinstance(error, ssl.SSLCertVerificationError):
        untrusted = (Reason.TLS_UNTRUSTED, f"the certificate is not trusted ({error.verify_message})")
        reason, sentence = _BY_VERIFY_CODE.get(error.verify_code, untrusted)
        detail = sentence.format(host=host) if reason is Reason.TLS_HOSTNAME else sentence
        return CheckError(reason, detail, is_early=error.verify_code == _NOT_YET_VALID)
    cause = (error.reason or "unknown cause").replace("_", " ").lower()
    return CheckError(Reason.TLS, f"TLS failed ({cause})")


def from_protocol_error(message: str) -> CheckError:
    """Say what h11 found wrong with an answer; only its own words are repeated."""
    if message.startswith("peer closed connection"):
        return CheckError(Reason.PROTOCOL, message)
    return CheckError(Reason.PROTOCOL, _H11_SENTENCES.get(message, "the answer is not valid HTTP"))
