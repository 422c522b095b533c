"""One check: a request on a new connection, its redirects, one total deadline, and what was seen on the way.

Whatever a server does, `HttpChecker.check` returns facts, and by the deadline. httpx's own timeouts are per operation
and never fire on a server that drips, so none is set: one cancel scope stands around everything, lookup to last byte.
"""

from __future__ import annotations

import errno
import logging
import socket
from typing import TYPE_CHECKING

import anyio

from prober.adapters.http.body import Body
from prober.adapters.http.failure import CheckError, from_protocol_error
from prober.adapters.http.lean import httpcore, httpx
from prober.adapters.http.lookup import Lookup, ThreadedLookup
from prober.adapters.http.redirects import Ask, first_ask, next_ask
from prober.adapters.http.stream import read_into
from prober.adapters.http.timing import Timing
from prober.adapters.http.transport import HOP, Hop, HopTransport
from prober.adapters.http.wire import ask_for_stamps
from prober.core.facts import Facts
from prober.core.model import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from prober.core.model import Probe

# They log full URLs, tokens included.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

_STANDSTILL_S = 1.0
_LEAST_STANDSTILL_S = 0.25
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})


class _NoCookies(httpx.Cookies):
    """Carries nothing from one probe, or hop, to another."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""


class _Client(httpx.AsyncClient):
    """A client that cannot remember cookies."""

    cookies = property(lambda _: _NoCookies())


class _Course:
    """What one check has come to so far."""

    __slots__ = ("body", "failure", "hop", "timing")

    def __init__(self) -> None:
        self.timing = Timing()
        self.hop: Hop | None = None
        self.body = Body("")
        self.failure: CheckError | None = None

    def close(self) -> None:
        if self.hop is not None:
            self.hop.close()


class HttpChecker:
    """Checks probes over HTTP/1.1, at most ``max_in_flight`` at a time.

    ``now_ms`` is the wall clock. ``refuse_private`` keeps probes without ``allow_private`` away from loopback and
    private addresses. Without ``kernel_stamps`` the marks of our own reads are used, as on systems that have no
    stamps. Used as a context manager it keeps the kernel's stamping switched on between checks, so that no first
    packet misses it.
    """

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        refuse_private: bool = False,
        max_in_flight: int = 256,
        kernel_stamps: bool = True,
        lookup: Lookup | None = None,
    ) -> None:
        self._now_ms = now_ms
        self._kernel_stamps = kernel_stamps
        self._slots = anyio.Semaphore(max_in_flight, fast_acquire=True)
        self._threads = ThreadedLookup()
        self._stamping: socket.socket | None = None
        transport = HopTransport(
            lookup=lookup or self._threads, refuse_private=refuse_private, kernel_stamps=kernel_stamps
        )
        self._client = _Client(transport=transport, trust_env=False, timeout=None)

    async def __aenter__(self) -> Self:
        if self._kernel_stamps and self._stamping is None:
            self._stamping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            ask_for_stamps(self._stamping)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of sockets and idle threads."""
        if self._stamping is not None:
            self._stamping.close()
        self._threads.close()
        await self._client.aclose()

    async def check(self, probe: Probe) -> Facts:
        """Run one check, by its deadline; never raises but for cancellation. Waiting for a slot is not part of it."""
        async with self._slots:
            course, started_at_ms = _Course(), self._now_ms()
            try:
                with anyio.move_on_after(probe.timeout_ms / 1000) as deadline:
                    await self._run(probe, course)
                if deadline.cancelled_caught:
                    course.failure = _too_late(probe, course, anyio.current_time() - deadline.deadline)
            finally:
                course.close()
            return _facts(course, started_at_ms)

    async def _run(self, probe: Probe, course: _Course) -> None:
        try:
            await self._follow(probe, course)
        except CheckError as failure:
            course.failure = failure
        except httpcore.RemoteProtocolError as error:
            course.failure = from_protocol_error(str(error))
        except Exception as error:  # noqa: BLE001  (one check must never end a round)
            course.failure = _our_fault(error)

    async def _follow(self, probe: Probe, course: _Course) -> None:
        ask = first_ask(probe)
        for _ in range(probe.redirects + 1):
            course.hop = hop = Hop(probe, course.timing)
            response = await self._send(ask, hop)
            onward = next_ask(ask, response.status_code, hop.first_header("location")) if probe.redirects else None
            if onward is None:
                await _read(response, hop, course)
                return
            hop.close()
            ask = onward
        raise CheckError(Reason.REDIRECT, f"more than {probe.redirects} redirect{'s' if probe.redirects > 1 else ''}")

    async def _send(self, ask: Ask, hop: Hop) -> httpx.Response:
        stream = httpx.ByteStream(ask.body or b"")
        request = httpx.Request(ask.method, ask.url, headers=ask.all_headers(), stream=stream, extensions={HOP: hop})
        return await self._client.send(request, stream=True, auth=None, follow_redirects=False)


async def _read(response: httpx.Response, hop: Hop, course: _Course) -> None:
    coding = hop.first_header("content-encoding") or ""
    course.body = body = Body(coding)
    if await read_into(body, response, hop):
        body.finish()
        if body.is_broken and hop.probe.expect.judges_body:
            raise CheckError(Reason.PROTOCOL, f"the body is not valid {coding}")


def _too_late(probe: Probe, course: _Course, late_s: float) -> CheckError:
    """Return whose fault a missed deadline is: a process that stood still itself has not been waiting."""
    if late_s > max(min(_STANDSTILL_S, probe.timeout_ms / 2000), _LEAST_STANDSTILL_S):
        return CheckError(Reason.BUSY, f"we stood still for {late_s:.1f} s ourselves")
    return CheckError(Reason.TIMEOUT, f"no answer within {probe.timeout_ms / 1000:g} s ({course.timing.step})")


def _our_fault(error: Exception) -> CheckError:
    if isinstance(error, OSError) and error.errno in _OUT_OF_DESCRIPTORS:
        return CheckError(Reason.DESCRIPTORS, "out of file descriptors")
    return CheckError(Reason.INTERNAL, f"{type(error).__name__} in our own code")


def _facts(course: _Course, started_at_ms: int) -> Facts:
    timing, failure, hop = course.timing, course.failure, course.hop
    return Facts(
        started_at_ms=started_at_ms,
        failure=failure.reason if failure else None,
        failure_detail=failure.detail if failure else None,
        path_failure=failure is not None and failure.is_cut and not timing.has_response,
        response_began=timing.has_response,
        is_early=failure is not None and failure.is_early,
        status=hop.status if hop else None,
        headers=hop.headers if hop else (),
        body=course.body.finish(),
        body_is_cut=course.body.is_full,
        phases=timing.phases,
        clock=timing.clock,
        family=hop.family if hop else None,
        certificate=hop.certificate if hop else None,
    )
