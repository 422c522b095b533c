"""Ask another program's API: one request on a connection of its own, by a deadline, and what came back.

It shares the wire of the checks, so trust, name lookup and the words for what went wrong are theirs; and like theirs
its waiting holds up nobody.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import anyio

from prober import __version__
from prober.adapters.http.body import Body
from prober.adapters.http.failure import CheckError, from_protocol_error
from prober.adapters.http.lean import httpcore, httpx
from prober.adapters.http.lookup import Lookup, ThreadedLookup
from prober.adapters.http.stream import read_into
from prober.adapters.http.timing import Timing
from prober.adapters.http.transport import HOP, Hop, HopTransport
from prober.core.facts import Answer
from prober.core.model import Probe, Reason
from prober.errors import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

TIMEOUT_MS: Final = 10_000
MOST_BYTES: Final = 4 * 1024 * 1024
_DEFAULTS: Final = {
    "accept": "*/*",
    "accept-encoding": "gzip",
    "connection": "close",
    "user-agent": f"prober/{__version__}",
}


class Fetcher:
    """Sends requests, each within ``timeout_ms`` from the lookup of the name to the last byte; at most 4 MiB are kept.

    TLS is verified against the certifi bundle. Neither the environment nor a redirect leads anywhere else. What
    `NoAnswerError` says names a host at most: never a path, a query, a header or a body.
    """

    def __init__(self, *, timeout_ms: int = TIMEOUT_MS, lookup: Lookup | None = None) -> None:
        self._timeout_ms = timeout_ms
        self._threads = ThreadedLookup()
        self._transport = HopTransport(lookup=lookup or self._threads, refuse_private=False, kernel_stamps=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.close()
        await self._transport.aclose()

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b""
    ) -> Answer:
        """Send one request, follow no redirect, return what came back; raise NoAnswerError without it."""
        timing = Timing()
        hop = Hop(Probe(id="", name="", url="", identity=""), timing)
        try:
            with anyio.fail_after(self._timeout_ms / 1000):
                return await self._exchange(_request(method, url, headers, body, hop), hop)
        except TimeoutError as error:
            raise NoAnswerError(f"no answer within {self._timeout_ms / 1000:g} s ({timing.step})") from error
        except CheckError as failure:
            raise NoAnswerError(failure.detail) from failure
        except httpcore.RemoteProtocolError as error:
            raise NoAnswerError(from_protocol_error(str(error)).detail) from error
        except (httpx.InvalidURL, httpcore.LocalProtocolError, ValueError):
            # Neither what is wrong with a URL nor with a header can be told without repeating it.
            raise NoAnswerError("the request cannot be sent: its URL or a header is not valid") from None
        except Exception as error:  # noqa: BLE001  (asking must never end a round)
            raise NoAnswerError(f"{type(error).__name__} in our own code") from None
        finally:
            hop.close()

    async def _exchange(self, request: httpx.Request, hop: Hop) -> Answer:
        response = await self._transport.handle_async_request(request)
        body = Body(hop.first_header("content-encoding") or "", most=MOST_BYTES)
        await read_into(body, response, hop)
        held = body.finish()
        if body.is_broken:
            raise CheckError(Reason.PROTOCOL, "the answer's body could not be decompressed")
        return Answer(status=response.status_code, headers=hop.headers, body=held, is_cut=body.is_full)


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes, hop: Hop) -> httpx.Request:
    parsed = httpx.URL(url)
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        raise httpx.InvalidURL("")
    own = {"host": parsed.netloc.decode("ascii"), **_DEFAULTS}
    if body:
        own["content-length"] = str(len(body))
    given = {name.lower(): value for name, value in headers.items()}
    pairs = [(name.encode("ascii"), value.encode()) for name, value in (own | given).items()]
    return httpx.Request(method, parsed, headers=pairs, stream=httpx.ByteStream(body), extensions={HOP: hop})
