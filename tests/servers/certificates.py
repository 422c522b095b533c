"""Certificates of every quality for 127.0.0.1, under one authority per session."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

import trustme

Quality: TypeAlias = Literal["good", "expired", "future", "wrong_host", "untrusted", "self_signed"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LONG_HENCE = datetime(2050, 1, 1, tzinfo=UTC)

_folder = TemporaryDirectory(prefix="prober-tests-")


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def authority_file() -> str:
    """Return a file with the root that signed all but the untrusted ones."""
    path = Path(_folder.name, "ca.pem")
    _authority().cert_pem.write_to_path(path)
    return str(path)


def server_context(quality: Quality) -> ssl.SSLContext:
    """Return a server's side of TLS with a certificate of that quality."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if quality == "self_signed":
        _load_self_signed(context)
    else:
        _issue(quality).configure_cert(context)
    return context


def _issue(quality: Quality) -> trustme.LeafCert:
    match quality:
        case "expired":
            return _authority().issue_cert("127.0.0.1", not_after=LONG_AGO)
        case "future":
            return _authority().issue_cert("127.0.0.1", not_before=LONG_HENCE, not_after=LONG_HENCE)
        case "wrong_host":
            return _authority().issue_cert("elsewhere.example")
        case "untrusted":
            return trustme.CA().issue_cert("127.0.0.1")
        case _:
            return _authority().issue_cert("127.0.0.1", "::1", "localhost", "name.example", not_after=LONG_HENCE)


def _load_self_signed(context: ssl.SSLContext) -> None:
    stranger = trustme.CA()
    path = Path(_folder.name, "self-signed.pem")
    path.write_bytes(stranger.cert_pem.bytes() + stranger.private_key_pem.bytes())
    context.load_cert_chain(path)
