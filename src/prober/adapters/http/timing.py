"""When things happened: the target's time and our own lag, told apart.

A span runs from our write to the moment at which the bytes that the next step needs arrived. On Linux the kernel
stamps arrivals with the wall clock; `Timing` carries a stamp over to the monotonic clock by the offset between the
two, which it measured when the check began. If that offset has moved since, somebody stepped the wall clock, and the
stamps of this check are worth nothing: from then on the marks of the read stand in, as they do where there are no
stamps at all.

All times here are nanoseconds of the monotonic clock.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from prober.core.facts import Phases

if TYPE_CHECKING:
    from collections.abc import Callable

monotonic_ns = time.monotonic_ns

_STEP_NS = 1_000_000
_SLEW_PER_NS = 1_000
_STEADY_NS = 50_000


class Step(StrEnum):
    """What a check is doing, as a timeout's detail tells it."""

    LOOKUP = "looking up the name"
    CONNECT = "connecting"
    TLS = "in the TLS handshake"
    WAIT = "waiting for the first byte"
    BODY = "reading the answer"


def wall_offset_ns() -> int:
    """Return the wall clock minus the monotonic clock; only differences between two such values mean anything."""
    for _ in range(4):
        before = monotonic_ns()
        wall = time.clock_gettime_ns(time.CLOCK_REALTIME)
        after = monotonic_ns()
        if after - before < _STEADY_NS:
            break
    return wall - after


class Timing:
    """The spans of one check, summed over its hops."""

    __slots__ = (
        "_began_ns",
        "_first_ns",
        "_is_portable",
        "_last_ns",
        "_last_read_ns",
        "_offset_ns",
        "_stamps",
        "_start_offset_ns",
        "body_ns",
        "connect_ns",
        "dns_ns",
        "has_response",
        "lag_ns",
        "sent_ns",
        "step",
        "tls_ns",
        "wait_ns",
    )

    def __init__(self, *, offset_ns: Callable[[], int] = wall_offset_ns) -> None:
        self.dns_ns = self.connect_ns = self.tls_ns = self.wait_ns = self.body_ns = self.lag_ns = 0
        self.step = Step.LOOKUP
        self.sent_ns = 0
        self.has_response = False
        self._offset_ns = offset_ns
        self._start_offset_ns = offset_ns()
        self._began_ns = monotonic_ns()
        self._is_portable = False
        self._stamps = 0
        self._first_ns: int | None = None
        self._last_ns = self._last_read_ns = 0

    def arrival_ns(self, stamp_ns: int | None, read_ns: int) -> int:
        """Return when bytes arrived that were read at ``read_ns`` and stamped at ``stamp_ns`` of the wall clock."""
        if stamp_ns is None or self._is_portable or self._is_stepped(read_ns):
            self._is_portable = True
            return read_ns
        self._stamps += 1
        return min(stamp_ns - self._start_offset_ns, read_ns)

    def _is_stepped(self, read_ns: int) -> bool:
        allowed_ns = _STEP_NS + (read_ns - self._began_ns) // _SLEW_PER_NS
        return abs(self._offset_ns() - self._start_offset_ns) > allowed_ns

    def looked_up(self, *, took_ns: int, waited_ns: int) -> None:
        """Count a lookup that took ``took_ns`` in its thread while we waited ``waited_ns`` for it."""
        self.dns_ns += took_ns
        self.lag_ns += max(0, waited_ns - took_ns)

    def connected(self, *, took_ns: int, waited_ns: int) -> None:
        """Count a connection that took ``took_ns`` on the network while we waited ``waited_ns`` for it."""
        self.connect_ns += took_ns
        self.lag_ns += max(0, waited_ns - took_ns)

    def flight_ended(self, sent_ns: int, arrived_ns: int, read_ns: int) -> None:
        """Count one flight of a TLS handshake, sent at ``sent_ns``."""
        self.tls_ns += max(0, arrived_ns - sent_ns)
        self.lag_ns += read_ns - arrived_ns

    def answered(self, arrived_ns: int, read_ns: int) -> None:
        """Count bytes of a response: the first of a hop end its wait, later ones prolong its body."""
        if self._first_ns is None:
            self.step = Step.BODY
            self.has_response = True
            self._first_ns = max(arrived_ns, self.sent_ns)
            self.wait_ns += self._first_ns - self.sent_ns
            self.lag_ns += max(0, read_ns - self._first_ns)
        self._last_ns, self._last_read_ns = arrived_ns, read_ns

    def hop_ended(self) -> None:
        """Close the body's span; the next hop begins."""
        if self._first_ns is not None and self._last_ns > self._first_ns:
            self.body_ns += self._last_ns - self._first_ns
            self.lag_ns += self._last_read_ns - self._last_ns
        self._first_ns = None
        self.step = Step.LOOKUP

    @property
    def clock(self) -> Literal["kernel", "portable"]:
        """Say who stamped the arrivals: the kernel only when it stamped every one of them."""
        return "kernel" if self._stamps and not self._is_portable else "portable"

    @property
    def phases(self) -> Phases:
        """The spans in whole microseconds."""
        spans = (self.dns_ns, self.connect_ns, self.tls_ns, self.wait_ns, self.body_ns, self.lag_ns)
        dns, connect, tls, wait, body, lag = (span // 1000 for span in spans)
        return Phases(dns_us=dns, connect_us=connect, tls_us=tls, wait_us=wait, body_us=body, lag_us=lag)
