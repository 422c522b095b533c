"""The values everything else speaks in: probes, what a check saw, results, state, incidents, events.

Times are UTC epoch milliseconds, durations on the target's side are microseconds, and every unit
stands in the field's name. All values are frozen; alternatives are unions handled with ``match``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from prober.core.expect import Expect
from prober.core.sight import Disagreed, KeyRejected, RoleChanged

if TYPE_CHECKING:
    from prober.core.facts import Certificate, Phases


class Outcome(StrEnum):
    """What one check came to."""

    OK = "ok"
    SLOW = "slow"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Machine word for why a check failed, or why nothing could be judged."""

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TIMEOUT = "timeout"
    TLS = "tls"
    TLS_EXPIRED = "tls_expired"
    TLS_HOSTNAME = "tls_hostname"
    TLS_UNTRUSTED = "tls_untrusted"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    ADDRESS = "address"
    STATUS = "status"
    BODY = "body"
    JSON = "json"
    HEADER = "header"
    TOO_LARGE = "too_large"
    OFFLINE = "offline"
    BUSY = "busy"
    DESCRIPTORS = "descriptors"
    INTERNAL = "internal"


class State(StrEnum):
    """What we believe of a probe now."""

    UNKNOWN = "unknown"
    UP = "up"
    SLOW = "slow"
    DOWN = "down"


class Kind(StrEnum):
    """What an incident is about."""

    DOWN = "down"
    SLOW = "slow"


class ClosedAs(StrEnum):
    """How an incident ended."""

    RECOVERED = "recovered"
    SUPERSEDED = "superseded"
    REMOVED = "removed"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How much an incident matters, most urgent first."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    def one_lower(self) -> Severity:
        """Return the next less urgent severity; the lowest stays what it is."""
        order = list(Severity)
        return order[min(order.index(self) + 1, len(order) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a probe's results become incidents. ``slow_ms`` None switches the slow rule off."""

    failures: int = 3
    recoveries: int = 2
    slow_ms: int | None = 1000
    slow_checks: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One configured thing we watch. Secrets in it are already resolved.

    ``identity`` changes when url, method or expectations change, and with nothing else.
    ``recheck_ms`` is the spacing while a verdict is pending; None means the interval.
    """

    id: str
    name: str
    url: str
    identity: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    body: str | None = field(default=None, repr=False)
    enabled: bool = True
    redirects: int = 5
    verify: bool = True
    ca: str | None = None
    allow_private: bool = False
    expect: Expect = field(default_factory=Expect)
    policy: Policy = Policy()
    interval_ms: int = 300_000
    timeout_ms: int = 10_000
    recheck_ms: int | None = None
    target_percent: float | None = None
    tags: tuple[str, ...] = ()
    severity: Severity = Severity.P1
    runbook: str | None = None
    dashboard: str | None = None
    uptimerobot_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The stored outcome of one check, started at ``at_ms``.

    Only ``ok`` and ``slow`` have a latency. ``interval_ms`` is the interval in force when it was made.
    ``excerpt`` is cleaned text of the response, at most 500 bytes, kept for failed checks. ``identity`` is the probe's,
    as it was when it was asked; None does not say.
    """

    probe_id: str
    location: str
    at_ms: int
    outcome: Outcome
    reason: Reason | None = None
    detail: str | None = None
    status: int | None = None
    latency_us: int | None = None
    phases: Phases | None = None
    clock: Literal["kernel", "portable"] = "portable"
    family: Literal["ipv4", "ipv6"] | None = None
    certificate: Certificate | None = None
    excerpt: str | None = None
    interval_ms: int = 300_000
    path_failure: bool = False
    response_began: bool = False
    identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Consecutive checks of one sort: how many, and when the first of them started."""

    count: int = 0
    started_at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeState:
    """All that the rules remember of one probe at one location.

    ``down_since_ms`` and ``slow_since_ms`` are the starts of the open incidents. ``failing``, ``good``, ``slow`` and
    ``fast`` are the streaks that would open down, close down, open slow and close slow. ``since_ms`` is when ``state``
    began. ``certificate`` and ``certificate_stage_ms`` are the certificate last warned about and at how much time left.
    """

    identity: str = ""
    down_since_ms: int | None = None
    slow_since_ms: int | None = None
    failing: Streak = Streak()
    good: Streak = Streak()
    slow: Streak = Streak()
    fast: Streak = Streak()
    was_good: bool = False
    since_ms: int | None = None
    last_at_ms: int | None = None
    certificate: str | None = None
    certificate_stage_ms: int | None = None

    @property
    def state(self) -> State:
        """What we believe of the probe now."""
        if self.down_since_ms is not None:
            return State.DOWN
        if self.slow_since_ms is not None:
            return State.SLOW
        return State.UP if self.was_good else State.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An incident began: the rule fired at ``at_ms``, the trouble started at ``started_at_ms``."""

    probe_id: str
    kind: Kind
    at_ms: int
    started_at_ms: int
    reason: Reason | None
    detail: str | None
    checks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """An incident ended at ``ended_at_ms``, as seen at ``at_ms``. Superseded ones are told to nobody."""

    probe_id: str
    kind: Kind
    at_ms: int
    started_at_ms: int
    ended_at_ms: int
    closed_as: ClosedAs


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateExpiring:
    """A certificate has less than ``stage_ms`` left; told once per certificate and stage."""

    probe_id: str
    at_ms: int
    fingerprint: str
    not_after_ms: int
    stage_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProberBlind:
    """We have been offline since ``since_ms``; told once per blackout."""

    at_ms: int
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """An open incident is told again to ``recipients``, (channel, address), for whom it is reminder ``sequence``.

    The same incident and sequence are the same event, whoever hears of it and when.
    """

    probe_id: str
    kind: Kind
    at_ms: int
    started_at_ms: int
    sequence: int
    recipients: tuple[tuple[str, str], ...]


Event: TypeAlias = (
    Opened | Closed | Reminded | CertificateExpiring | ProberBlind | RoleChanged | KeyRejected | Disagreed
)


def probe_of(event: Event) -> str | None:
    """Return the id of the one probe that an event is about, None when it is about ourselves."""
    return None if isinstance(event, ProberBlind | RoleChanged | KeyRejected) else event.probe_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A period of trouble. ``number`` is local and for people, ``uid`` for good; ``is_held``: it is not told yet."""

    number: int
    uid: str
    probe_id: str
    location: str
    kind: Kind
    severity: Severity
    started_at_ms: int
    confirmed_at_ms: int
    checks: int
    ended_at_ms: int | None = None
    closed_as: ClosedAs | None = None
    announced_at_ms: int | None = None
    acknowledged_at_ms: int | None = None
    acknowledged_by: str | None = None
    is_held: bool = False
    false_positive: bool = False
    reason: Reason | None = None
    detail: str | None = None
