"""Hand every queued alert to the mail server, until it is accepted.

The outbox is the truth: a row is claimed and its bytes are frozen in one statement, then sent, and marked sent only
after the server's 250. A crash in between repeats the same bytes under the same Message-ID; nothing can lose them. A
refusal is stored with the time of the next attempt, so that any later process goes on where this one stopped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, TypeAlias, assert_never

import anyio

from prober.adapters.mail import Accepted, Handover, Refused, Unknown
from prober.adapters.store import carriers, outbox
from prober.adapters.store.outbox import OutboxRow, Queued
from prober.app.announce import OPENING
from prober.app.waiting import count_alerts, read_facts
from prober.core.alerts import AlertFacts, AlertKind
from prober.core.delivery import BURST_MS, Waiting, backoff_ms, message_id, plan
from prober.core.settings import EmailChannel
from prober.render.message import Envelope, render_safely

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.app.ports import Clock

LEASE_MS = 300_000
IDLE_MS = 3_600_000
URGENCY = (AlertKind.DOWN, AlertKind.SLOW, AlertKind.CERTIFICATE)


class Session(Protocol):
    """One connection to a mail server, used for all mails of a pass.

    ``content_left`` says whether any content of the current message went out.
    """

    content_left: bool

    async def send(self, *, recipient: str, message: bytes) -> Handover:
        """Hand over one message and say what became of it; never raise for trouble with mail."""


OpenSession: TypeAlias = Callable[[EmailChannel], AbstractAsyncContextManager[Session]]


class Delivery:
    """Deliver beside everything else: one pass at a time, as soon as something is due."""

    def __init__(
        self,
        *,
        store: Store,
        channels: Sequence[EmailChannel],
        clock: Clock,
        open_session: OpenSession,
        owner: str,
        location: str,
    ) -> None:
        self._store = store
        self._location = location
        self._channels = {channel.id: channel for channel in channels}
        self._clock = clock
        self._open_session = open_session
        self._owner = owner
        self._woken = anyio.Event()
        self._is_finishing = False
        self.accepted = 0

    async def run(self) -> None:
        """Deliver what is due, sleep until something is, and end when told to finish."""
        while True:
            is_last = self._is_finishing
            next_ms = await self._deliver_due(is_last=is_last)
            if is_last and next_ms > self._clock.now_ms():
                return
            with anyio.move_on_after(max(next_ms - self._clock.now_ms(), 0) / 1000):
                await self._woken.wait()
            self._woken = anyio.Event()

    def wake(self) -> None:
        """Say that alerts were queued."""
        self._woken.set()

    def finish(self) -> None:
        """Ask for one more pass over everything that is due, and then an end."""
        self._is_finishing = True
        self._woken.set()

    async def _deliver_due(self, *, is_last: bool) -> int:
        next_ms = self._clock.now_ms() + IDLE_MS
        ready = self._ready()
        async with AsyncExitStack() as stack:
            sessions: dict[str, Session] = {}
            for (channel_id, recipient), rows in groupby(ready, key=lambda row: (row.channel, row.recipient)):
                channel = self._channels[channel_id]
                ids, held_until_ms = self._planned(channel, recipient, list(rows), is_last=is_last)
                next_ms = min(next_ms, held_until_ms or next_ms)
                for row_id in ids:
                    if channel_id not in sessions:
                        sessions[channel_id] = await stack.enter_async_context(self._open_session(channel))
                    await self._hand_over(row_id, channel, sessions[channel_id])
        left = self._ready()
        if {row.id for row in left} - {row.id for row in ready}:
            return self._clock.now_ms()
        future = [row.next_attempt_at_ms for row in left if row.next_attempt_at_ms > self._clock.now_ms()]
        return min([next_ms, *future])

    def _ready(self) -> list[OutboxRow]:
        """Return what waits, but no end of an incident whose beginning its reader may not know yet."""
        rows = [row for row in outbox.all_waiting(self._store) if row.channel in self._channels]
        untold = {(row.channel, row.recipient, incident) for row in rows for incident in _begun_in(row)}
        return [row for row in rows if _begun_in(row) or (row.channel, row.recipient, row.incident) not in untold]

    def _planned(
        self, channel: EmailChannel, recipient: str, rows: list[OutboxRow], *, is_last: bool
    ) -> tuple[list[int], int | None]:
        now_ms = self._clock.now_ms()
        decided = plan(
            [
                Waiting(
                    id=row.id,
                    next_attempt_at_ms=row.next_attempt_at_ms,
                    can_join=row.fate != "unknown" and row.kind != AlertKind.SEVERAL and read_facts(row) is not None,
                )
                for row in rows
            ],
            accepted_at_ms=outbox.sent_times(self._store, channel.id, recipient, now_ms - BURST_MS),
            now_ms=now_ms,
            is_last=is_last,
        )
        ids = list(decided.single)
        if decided.together:
            members = [row for row in rows if row.id in decided.together]
            ids.append(self._join(channel, recipient, members))
        return ids, decided.held_until_ms

    def _join(self, channel: EmailChannel, recipient: str, rows: list[OutboxRow]) -> int:
        members = sorted((facts for row in rows if (facts := read_facts(row)) is not None), key=_urgency)
        newest = max(members, key=attrgetter("queued_at_ms"))
        named = {member.probe_name for member in members}
        facts = AlertFacts(
            kind=AlertKind.SEVERAL,
            queued_at_ms=min(member.queued_at_ms for member in members),
            location=newest.location,
            origin=newest.origin,
            connectivity=newest.connectivity,
            others_down=tuple(name for name in newest.others_down if name not in named),
            members=tuple(members),
        )
        event = "several " + " ".join(row.message_id for row in rows)
        batch = Queued(
            event=None,
            incident=None,
            kind=AlertKind.SEVERAL,
            channel=channel.id,
            recipient=recipient,
            facts=facts.to_json(),
            queued_at_ms=facts.queued_at_ms,
            message_id=message_id(self._store.installation, event, recipient, domain=channel.domain),
        )
        return carriers.batch(self._store, [row.id for row in rows], batch)

    async def _hand_over(self, row_id: int, channel: EmailChannel, session: Session) -> None:
        row = outbox.one_row(self._store, row_id)
        now_ms = self._clock.now_ms()
        message = row.frozen or self._rendered(row, channel, now_ms)
        with self._store.transaction():
            is_ours = outbox.claim(self._store, row_id, self._owner, now_ms, LEASE_MS, message)
        if is_ours:
            try:
                outcome = await session.send(recipient=row.recipient, message=message)
            except BaseException:  # cancelled: what surely was not handed over is nobody's riddle later
                if not session.content_left:
                    with self._store.transaction():
                        outbox.mark_refused(self._store, row_id, now_ms, "interrupted before anything was handed over")
                raise
            with self._store.transaction():
                self._mark(row, outcome)

    def _mark(self, row: OutboxRow, outcome: Handover) -> None:
        now_ms = self._clock.now_ms()
        match outcome:
            case Accepted():
                outbox.mark_sent(self._store, row.id, now_ms)
                self.accepted += count_alerts([row])
            case Refused(reply=reply, is_permanent=is_permanent):
                wait_ms = backoff_ms(row.attempts + 1, is_permanent=is_permanent, key=row.message_id)
                outbox.mark_refused(self._store, row.id, now_ms + wait_ms, reply, is_permanent=is_permanent)
            case Unknown(detail=detail):
                wait_ms = backoff_ms(row.attempts + 1, is_permanent=False, key=row.message_id)
                outbox.mark_unknown(self._store, row.id, now_ms + wait_ms, detail)
            case _:
                assert_never(outcome)

    def _rendered(self, row: OutboxRow, channel: EmailChannel, now_ms: int) -> bytes:
        facts = read_facts(row)
        if facts is not None and facts.kind is AlertKind.SEVERAL:
            facts = replace(facts, batch=row.id)  # the row's own number, known only since it was queued
        return render_safely(
            row.facts if facts is None else facts,
            Envelope(
                sender=channel.sender,
                recipient=row.recipient,
                message_id=row.message_id,
                in_reply_to=self._answered(row, facts),
                date_ms=row.queued_at_ms,
                list_id=list_id(self._location, channel),
                first_tried_at_ms=row.first_tried_at_ms or now_ms,
            ),
        )

    def _answered(self, row: OutboxRow, facts: AlertFacts | None) -> str | None:
        """Return the message by which the recipient first heard of what this one is about, if there is one."""
        members = facts.members if facts is not None else ()
        for incident in (row.incident, *(member.incident for member in members)):
            if incident is not None:
                first = outbox.first_message_id(self._store, incident, row.channel, row.recipient)
                if first != row.message_id:
                    return first
        return None


def _urgency(facts: AlertFacts) -> int:
    return URGENCY.index(facts.kind) if facts.kind in URGENCY else len(URGENCY)


def _begun_in(row: OutboxRow) -> set[int | None]:
    """Return the incidents whose beginning a row tells."""
    if row.kind in OPENING:
        return {row.incident}
    facts = read_facts(row) if row.kind is AlertKind.SEVERAL else None
    return {member.incident for member in facts.members if member.kind in OPENING} if facts else set()


def list_id(location: str, channel: EmailChannel) -> str:
    """Return the List-Id that all alerts of an installation share, the test mail included."""
    label = re.sub(r"[^a-z0-9]+", "-", location.lower()).strip("-")[:40] or "here"
    return f"<{label}.prober.{channel.domain}>"
