"""What to ask for first, and where a redirect leads: pure decisions, no network.

Nothing that a probe was configured with follows to another origin, and what was left behind is not picked up again.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from prober import __version__
from prober.adapters.http.failure import CheckError
from prober.adapters.http.lean import httpx
from prober.core.model import Reason

if TYPE_CHECKING:
    from prober.core.model import Probe

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER = 303
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_GET_FOR_POST = frozenset({301, 302})
_DEFAULTS = (
    ("accept", "*/*"),
    ("accept-encoding", "identity"),
    ("connection", "close"),
    ("user-agent", f"prober/{__version__}"),
)
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(rb"[a-z0-9_](?:[a-z0-9_.-]{0,252})|[0-9a-f:.]{2,45}")
_WITHOUT_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//(?:[/?#:]|$)", re.IGNORECASE)
_MOST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: what is asked of whom. ``headers`` are the configured ones only."""

    url: httpx.URL
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the configured headers, and our own where they are silent."""
        given = {name.lower() for name, _ in self.headers}
        own = [("host", self.url.netloc.decode("ascii")), *_DEFAULTS]
        if self.body is not None or self.method in _WITH_BODY:
            own.append(("content-length", str(len(self.body or b""))))
        pairs = [*(pair for pair in own if pair[0] not in given), *self.headers]
        return [(name.encode("ascii"), value.encode()) for name, value in pairs]


def first_ask(probe: Probe) -> Ask:
    """Return the request that a probe is about."""
    headers = probe.headers
    if probe.auth is not None and not any(name.lower() == "authorization" for name, _ in headers):
        token = base64.b64encode(":".join(probe.auth).encode()).decode("ascii")
        headers = (*headers, ("authorization", f"Basic {token}"))
    body = None if probe.body is None else probe.body.encode()
    return Ask(url=_parsed(probe.url), method=probe.method, headers=headers, body=body)


@lru_cache(maxsize=4096)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def next_ask(ask: Ask, status: int, location: str | None) -> Ask | None:
    """Return the request that a response redirects to, None when it does not. Raises `CheckError`."""
    if status not in _REDIRECTS or location is None:
        return None
    url = _target(ask.url, location)
    if _origin(url) != _origin(ask.url):
        ask = replace(ask, headers=(), body=None)
    becomes_get = (status == _SEE_OTHER and ask.method != "HEAD") or (status in _GET_FOR_POST and ask.method == "POST")
    if becomes_get:
        kept = tuple(pair for pair in ask.headers if not pair[0].lower().startswith("content-"))
        ask = replace(ask, method="GET", headers=kept, body=None)
    return replace(ask, url=url)


def _target(current: httpx.URL, location: str) -> httpx.URL:
    try:
        url = current.join(location)
        host, port = url.raw_host, url.port
        _ = url.host
    except (httpx.InvalidURL, ValueError) as error:
        # A host that is no valid punycode is found out when it is decoded; idna's errors are ValueErrors.
        raise CheckError(Reason.REDIRECT, "the Location header is not a valid URL") from error
    if url.scheme not in _PORTS:
        raise CheckError(Reason.REDIRECT, "redirected to something other than http or https")
    if current.scheme == "https" and url.scheme == "http":
        raise CheckError(Reason.REDIRECT, "redirected from https to http")
    is_nowhere = _WITHOUT_HOST.match(location) or not _HOST.fullmatch(host)
    if is_nowhere or not 0 < (_PORTS[url.scheme] if port is None else port) <= _MOST_PORT:
        raise CheckError(Reason.REDIRECT, "the Location header is not a valid URL")
    if url.userinfo:
        raise CheckError(Reason.REDIRECT, "redirected to a URL with credentials")
    return url


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, url.port or _PORTS[url.scheme]
