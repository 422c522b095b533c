"""Which waiting alerts go out now, and which go together.

People are told at once, but never buried: more than three alerts waiting for one recipient become one mail, and a
recipient who got three within a minute gets the next ones together when that minute is over. An alert whose fate is
unknown (the server may have accepted it) is repeated as it was and never joins others, so that what is repeated is
always recognisable.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATE_AT_MOST = 3
BURST_MS = 60_000
BACKOFF_MS = (10_000, 30_000, 60_000, 120_000, 300_000, 600_000)
PERMANENT_MS = 3_600_000
JITTER = 0.2
STUCK_AFTER_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One queued alert of one recipient. ``can_join``: it was surely not accepted yet and is no batch itself."""

    id: int
    next_attempt_at_ms: int
    can_join: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do for one recipient now: ``together`` becomes one mail, ``single`` go as they are, the rest waits."""

    single: tuple[int, ...] = ()
    together: tuple[int, ...] = ()
    held_until_ms: int | None = None


def plan(waiting: Sequence[Waiting], *, accepted_at_ms: Sequence[int], now_ms: int, is_last: bool) -> Plan:
    """Decide for one recipient, who got mails at ``accepted_at_ms``. ``is_last`` ends every holding back."""
    due = [alert for alert in waiting if alert.next_attempt_at_ms <= now_ms]
    joining = tuple(alert.id for alert in waiting if alert.can_join)
    repeats = tuple(alert.id for alert in due if not alert.can_join)
    if not any(alert.can_join for alert in due):
        return Plan(single=repeats)
    recent = sorted(at_ms for at_ms in accepted_at_ms if now_ms - BURST_MS < at_ms <= now_ms)
    if len(recent) >= SEPARATE_AT_MOST:
        if not is_last:
            return Plan(single=repeats, held_until_ms=recent[-SEPARATE_AT_MOST] + BURST_MS)
        return _joined(joining, repeats, at_most=1)
    if len(joining) > SEPARATE_AT_MOST:
        return _joined(joining, repeats, at_most=SEPARATE_AT_MOST)
    return Plan(single=tuple(alert.id for alert in due))


def backoff_ms(attempts: int, *, is_permanent: bool, key: str) -> int:
    """Return how long to wait after the given number of failed attempts, spread by +-20 % from a hash of ``key``."""
    base = PERMANENT_MS if is_permanent else BACKOFF_MS[min(max(attempts, 1), len(BACKOFF_MS)) - 1]
    digest = hashlib.sha256(f"{key}:{attempts}".encode()).digest()
    spread = int.from_bytes(digest[:4]) / 0xFFFF_FFFF
    return round(base * (1 - JITTER + 2 * JITTER * spread))


def due_at_ms(next_attempt_at_ms: int, *, is_untried: bool, is_permanent: bool, now_ms: int) -> int:
    """Return when an alert is due: now, where nothing delays it but a wall clock that was ahead when it was written."""
    longest_ms = (PERMANENT_MS if is_permanent else BACKOFF_MS[-1]) * (1 + JITTER)
    is_too_far = next_attempt_at_ms > now_ms + longest_ms
    return min(next_attempt_at_ms, now_ms) if is_untried or is_too_far else next_attempt_at_ms


def message_id(installation: str, event: str, recipient: str, *, domain: str) -> str:
    """Return the Message-ID of one event for one recipient: the same for every retry, and telling nothing of either."""
    digest = hmac.new(installation.encode(), f"{event}\0{recipient}".encode(), hashlib.sha256).hexdigest()[:32]
    return f"<{digest}@{domain}>"


def _joined(joining: tuple[int, ...], repeats: tuple[int, ...], *, at_most: int) -> Plan:
    if len(joining) <= at_most:
        return Plan(single=tuple(sorted((*joining, *repeats))))
    return Plan(single=repeats, together=joining)
