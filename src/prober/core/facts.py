"""What one check saw, before anyone judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from prober.core.model import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Where a check's time went, in whole microseconds, summed over all hops.

    ``lag_us`` is time between a byte's arrival and our reading it: ours, not the target's.
    """

    dns_us: int = 0
    connect_us: int = 0
    tls_us: int = 0
    wait_us: int = 0
    body_us: int = 0
    lag_us: int = 0

    @property
    def latency_us(self) -> int:
        """The target's time: everything but our lag."""
        return self.dns_us + self.connect_us + self.tls_us + self.wait_us + self.body_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The leaf certificate that the judged connection presented."""

    fingerprint: str
    not_after_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one check saw, before anyone judges it.

    ``failure`` is set when no complete response could be had; ``path_failure`` says that the
    failure may lie on the way (it ended before a byte of any response came back). ``response_began``
    says that at least one byte of an HTTP response arrived on any hop. ``body`` is decoded and holds at most
    256 KiB; ``body_is_cut`` says that there was more. ``clock`` is who stamped the arrivals. ``is_early`` says that the
    certificate failed for not being valid yet, which may be the fault of our clock.
    """

    started_at_ms: int
    failure: Reason | None = None
    failure_detail: str | None = None
    path_failure: bool = False
    response_began: bool = False
    is_early: bool = False
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    body_is_cut: bool = False
    phases: Phases = Phases()
    clock: Literal["kernel", "portable"] = "portable"
    family: Literal["ipv4", "ipv6"] | None = None
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What another program's API sent back; header names are lower-case, ``is_cut`` says that there was more."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    is_cut: bool = False

    def header(self, name: str) -> str | None:
        """Return the first value of a header, None without it."""
        return next((value for key, value in self.headers if key == name), None)
