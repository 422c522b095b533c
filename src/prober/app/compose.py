"""From what waits in the outbox to the bytes of a message: alone, or many in one."""

from __future__ import annotations

import re
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from prober.adapters.store import outbox
from prober.adapters.store.outbox import OutboxRow, Queued
from prober.app.waiting import read_facts
from prober.core.alerts import AlertFacts, AlertKind
from prober.core.delivery import message_id
from prober.render.message import Envelope, render_safely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.adapters.store.db import Store
    from prober.core.settings import EmailChannel

URGENCY = (AlertKind.DOWN, AlertKind.REMINDER, AlertKind.SLOW, AlertKind.CERTIFICATE)


def several(store: Store, channel: EmailChannel, recipient: str, rows: Sequence[OutboxRow]) -> Queued:
    """Return one alert that tells many, the most urgent first."""
    members = sorted((facts for row in rows if (facts := read_facts(row)) is not None), key=_urgency)
    newest = max(members, key=attrgetter("queued_at_ms"))
    named = {member.probe_name for member in members}
    facts = AlertFacts(
        kind=AlertKind.SEVERAL,
        queued_at_ms=min(member.queued_at_ms for member in members),
        location=newest.location,
        origin=newest.origin,
        role=next((member.role for member in members if member.role == "standing-in"), newest.role),
        connectivity=newest.connectivity,
        others_down=tuple(name for name in newest.others_down if name not in named),
        members=tuple(members),
    )
    event = "several " + " ".join(row.message_id for row in rows)
    return Queued(
        event=None,
        incident=None,
        kind=AlertKind.SEVERAL,
        channel=channel.id,
        recipient=recipient,
        facts=facts.to_json(),
        queued_at_ms=facts.queued_at_ms,
        message_id=message_id(store.installation, event, recipient, domain=channel.domain),
    )


def compose(store: Store, row: OutboxRow, channel: EmailChannel, *, location: str, now_ms: int) -> bytes:
    """Return the message of a row; one that is sent while something stands in for the store says so."""
    facts = read_facts(row)
    if facts is not None:
        # A batch has the number of its own row, known only since it was queued.
        batch = row.id if facts.kind is AlertKind.SEVERAL else None
        facts = replace(facts, batch=batch, store_fault=store.fault)
    return render_safely(
        row.facts if facts is None else facts,
        Envelope(
            sender=channel.sender,
            recipient=row.recipient,
            message_id=row.message_id,
            in_reply_to=_answered(store, row, facts),
            date_ms=row.queued_at_ms,
            list_id=list_id(location, channel),
            first_tried_at_ms=row.first_tried_at_ms or now_ms,
        ),
    )


def list_id(location: str, channel: EmailChannel) -> str:
    """Return the List-Id that all alerts of an installation share, the test mail included."""
    label = re.sub(r"[^a-z0-9]+", "-", location.lower()).strip("-")[:40] or "here"
    return f"<{label}.prober.{channel.domain}>"


def _answered(store: Store, row: OutboxRow, facts: AlertFacts | None) -> str | None:
    """Return the message by which the recipient first heard of what this one is about, if there is one."""
    members = facts.members if facts is not None else ()
    for incident in (row.incident, *(member.incident for member in members)):
        if incident is not None:
            first = outbox.first_message_id(store, incident, row.channel, row.recipient)
            if first != row.message_id:
                return first
    return None


def _urgency(facts: AlertFacts) -> int:
    return URGENCY.index(facts.kind) if facts.kind in URGENCY else len(URGENCY)
