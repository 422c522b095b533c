"""The alerts that were not sent: what is in them, and how a person sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.core.alerts import TELLING_OF_OPEN, AlertFacts, AlertKind
from prober.core.report import WaitingAlert
from prober.render.when import clock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from prober.adapters.store.outbox import OutboxRow


def shown_alerts(rows: Iterable[OutboxRow]) -> list[WaitingAlert]:
    """Return outbox rows without what only the machine needs."""
    return [
        WaitingAlert(
            number=row.id,
            kind=row.kind,
            probe_id=facts.probe_id if (facts := read_facts(row)) else None,
            incident=row.incident,
            channel=row.channel,
            recipient=row.recipient,
            queued_at_ms=row.queued_at_ms,
            state="closed" if row.state == "closed" else "waiting",
            attempts=row.attempts,
            next_attempt_at_ms=None if row.state == "closed" else row.next_attempt_at_ms,
            last_error=row.last_error,
        )
        for row in rows
    ]


def count_alerts(rows: Iterable[OutboxRow]) -> int:
    """Return how many alerts rows stand for; a batch is as many as it holds."""
    return sum(max(len(facts.members), 1) if (facts := read_facts(row)) else 1 for row in rows)


def refusal(row: OutboxRow, *, tried: Collection[str]) -> str:
    """Return whom an alert did not reach, why, and when it is tried again; ``tried`` are Message-IDs tried just now."""
    when = clock(row.next_attempt_at_ms)
    if row.message_id in tried:
        return f"{row.recipient}: {row.last_error}; next try at {when}"
    return f"{row.recipient}: not tried now, next try at {when}; the last time: {row.last_error}"


def read_facts(row: OutboxRow) -> AlertFacts | None:
    """Return a row's facts, None when they can't be read: such a row is still told, as it is."""
    try:
        return AlertFacts.from_json(row.facts)
    except (ValueError, TypeError, KeyError):
        return None


def can_join(row: OutboxRow) -> bool:
    """Say whether an alert may be told together with others: it surely did not arrive, and is no batch itself."""
    may_have_arrived = row.state == "sending" or row.fate == "unknown"
    return not may_have_arrived and row.kind != AlertKind.SEVERAL and read_facts(row) is not None


def begun_in(row: OutboxRow) -> set[int | None]:
    """Return the incidents that a row tells to be open."""
    if row.kind in TELLING_OF_OPEN:
        return {row.incident}
    facts = read_facts(row) if row.kind is AlertKind.SEVERAL else None
    return {member.incident for member in facts.members if member.kind in TELLING_OF_OPEN} if facts else set()
