"""Hand every queued alert to the mail server, until it is accepted.

The outbox is the truth: a row is claimed and its bytes are frozen in one statement, then sent, and marked sent only
after the server's 250. A crash in between repeats the same bytes under the same Message-ID; nothing can lose them. A
refusal is stored with the time of the next attempt, so that any later process goes on where this one stopped.

The store may be exchanged for what stands in for it at any await. Row numbers are of one store only, so a pass ends
with its store, and what became of a message is noted by Message-ID in whichever is in use by then.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar, assert_never

import anyio

from prober.adapters.mail import Accepted, Handover, Refused, Unknown
from prober.adapters.store import carriers, outbox
from prober.app.compose import compose, several
from prober.app.journal import Journal
from prober.app.ports import OpenSession, Secure, Session, trust_the_store
from prober.app.waiting import begun_in, can_join, count_alerts
from prober.core.delivery import BURST_MS, Waiting, backoff_ms, due_at_ms, plan
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.adapters.store.db import Store
    from prober.adapters.store.outbox import OutboxRow
    from prober.app.books import Books
    from prober.app.ports import Clock
    from prober.core.settings import EmailChannel

T = TypeVar("T")

LEASE_MS = 300_000
IDLE_MS = 3_600_000
LOOK_EVERY_S = 10.0


class Outdated(Exception):  # noqa: N818
    """What a pass began with is no longer so: another store is in use, or somebody else changed what waits."""


class Delivery:
    """Deliver beside everything else: one pass at a time, as soon as something is due.

    What other processes queue is found within ``look_every_s``. ``secure`` is awaited before mails are sent: it makes
    sure that the intent outlasts this machine, where the store does not. ``tried`` are the Message-IDs of what was
    handed to a server by this process.
    """

    def __init__(
        self,
        *,
        books: Books,
        channels: Sequence[EmailChannel],
        clock: Clock,
        open_session: OpenSession,
        owner: str,
        location: str,
        journal: Journal | None = None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self.secure: Secure = trust_the_store
        self._journal = journal or Journal()
        self._books = books
        self._location = location
        self._clock = clock
        self._owner = owner
        self._look_every_s = look_every_s
        self._is_finishing = False
        self._unmarked: set[str] = set()
        self._held_until_ms: dict[tuple[str, str], int] = {}
        self.accepted = 0
        self.tried: set[str] = set()
        self._woken = anyio.Event()
        self._channels = {channel.id: channel for channel in channels}
        self._open_session = open_session

    def configure(self, channels: Sequence[EmailChannel], open_session: OpenSession) -> None:
        """Go on with other channels; a mail that is being sent ends as it began."""
        self._channels = {channel.id: channel for channel in channels}
        self._open_session = open_session
        self.wake()

    async def run(self) -> None:
        """Deliver what is due, sleep until something is, and end when told to finish."""
        while True:
            is_last = self._is_finishing
            known = self._version()
            next_ms = await self._deliver_due(is_last=is_last)
            if is_last and next_ms > self._clock.now_ms():
                return
            await self._rest(next_ms, known)

    def wake(self) -> None:
        """Say that alerts were queued."""
        self._woken.set()

    def finish(self) -> None:
        """Ask for one more pass over everything that is due, and then an end."""
        self._is_finishing = True
        self._woken.set()

    async def _rest(self, next_ms: int, known: tuple[Store, int] | None) -> None:
        """Sleep until an alert is due or queued; a wall clock that is set back must not make that longer."""
        until = anyio.current_time() + (next_ms - self._clock.now_ms()) / 1000
        while not self._woken.is_set() and self._version() == known:
            left_s = min(until - anyio.current_time(), (next_ms - self._clock.now_ms()) / 1000)
            if left_s <= 0:
                break
            with anyio.move_on_after(min(left_s, self._look_every_s)):
                await self._woken.wait()
        self._woken = anyio.Event()

    def _version(self) -> tuple[Store, int] | None:
        """Return what changes when another process writes, or another store is in use."""
        try:
            return self._books.store, self._books.store.version
        except StoreError:
            return None  # the next pass finds out what is wrong

    async def _deliver_due(self, *, is_last: bool) -> int:
        """Deliver what is due, and return when to look again."""
        try:
            async with AsyncExitStack() as stack:
                return await self._pass(stack, is_last=is_last)
        except Outdated:
            return self._clock.now_ms()

    async def _pass(self, stack: AsyncExitStack, *, is_last: bool) -> int:
        began_ms = self._clock.now_ms()
        next_ms = began_ms + IDLE_MS
        for message_id in tuple(self._unmarked):
            await self._note(partial(self._mark_sent, message_id=message_id))
        store, ready = await self._books.write(lambda store: (store, self._ready(store)))
        sessions: dict[str, Session] = {}
        secured: set[int] = set()
        for (channel_id, recipient), rows in groupby(ready, key=lambda row: (row.channel, row.recipient)):
            channel = self._channels.get(channel_id)
            if channel is None:
                continue
            planned = partial(self._planned, channel=channel, recipient=recipient, rows=list(rows), is_last=is_last)
            ids, held_until_ms = await self._on(store, planned)
            self._tell_held((channel_id, recipient), held_until_ms)
            next_ms = min(next_ms, held_until_ms or next_ms)
            if not secured.issuperset(ids):  # all that was ready is secured at once, and a batch when it is made
                await self.secure()
                secured.update(ids, (row.id for row in ready))
            for row_id in ids:
                if channel_id not in sessions:
                    sessions[channel_id] = await stack.enter_async_context(self._open_session(channel))
                await self._hand_over(store, row_id, channel, sessions[channel_id])
        left = await self._on(store, self._ready)
        if {row.id for row in left} - {row.id for row in ready}:
            return self._clock.now_ms()
        # What fell due meanwhile was not looked at; the last pass leaves it to the next process.
        since_ms = self._clock.now_ms() if is_last else min(began_ms, self._clock.now_ms())
        future = [due_ms for row in left if (due_ms := self._due_ms(row)) > since_ms]
        return min([next_ms, *future])

    def _tell_held(self, who: tuple[str, str], until_ms: int | None) -> None:
        if until_ms is not None and self._held_until_ms.get(who) != until_ms:
            self._held_until_ms[who] = until_ms
            self._journal.alerts_held(who[1], until_ms=until_ms)

    async def _on(self, store: Store, work: Callable[[Store], T]) -> T:
        """Run ``work`` on this very store. Raises Outdated when another one is in use by then."""

        def checked(current: Store) -> T:
            if current is not store:
                raise Outdated
            return work(current)

        return await self._books.write(checked)

    def _ready(self, store: Store) -> list[OutboxRow]:
        """Return what waits, but no end of an incident whose beginning its reader may not know yet."""
        waiting = outbox.all_waiting(store)
        rows = [row for row in waiting if row.channel in self._channels and row.message_id not in self._unmarked]
        untold = {(row.channel, row.recipient, incident) for row in rows for incident in begun_in(row)}
        return [row for row in rows if begun_in(row) or (row.channel, row.recipient, row.incident) not in untold]

    def _due_ms(self, row: OutboxRow) -> int:
        if row.lease_until_ms is not None:
            return row.lease_until_ms
        return due_at_ms(
            row.next_attempt_at_ms,
            is_untried=row.fate == "untried",
            is_permanent=row.is_permanent,
            now_ms=self._clock.now_ms(),
        )

    def _planned(
        self, store: Store, *, channel: EmailChannel, recipient: str, rows: list[OutboxRow], is_last: bool
    ) -> tuple[list[int], int | None]:
        now_ms = self._clock.now_ms()
        decided = plan(
            [
                Waiting(
                    id=row.id,
                    next_attempt_at_ms=self._due_ms(row),
                    can_join=can_join(row),
                )
                for row in rows
            ],
            accepted_at_ms=outbox.sent_times(store, channel.id, recipient, now_ms - BURST_MS),
            now_ms=now_ms,
            is_last=is_last,
        )
        ids = list(decided.single)
        if decided.together:
            members = [row for row in rows if row.id in decided.together]
            try:
                ids.append(carriers.batch(store, decided.together, several(store, channel, recipient, members)))
            except ValueError as error:
                raise Outdated from error
        return ids, decided.held_until_ms

    async def _hand_over(self, store: Store, row_id: int, channel: EmailChannel, session: Session) -> None:
        claimed = await self._on(store, partial(self._claim, row_id=row_id, channel=channel))
        if claimed is None:
            return
        row, message = claimed
        try:
            outcome = await session.send(recipient=row.recipient, message=message)
        except BaseException:  # cancelled: what surely was not handed over is nobody's riddle later
            if not session.content_left:
                interrupted = Refused(reply="interrupted before anything was handed over", is_permanent=False)
                await self._note(partial(self._mark_refused, row=row, outcome=interrupted, wait_ms=0))
            raise
        await self._conclude(row, outcome)

    def _claim(self, store: Store, *, row_id: int, channel: EmailChannel) -> tuple[OutboxRow, bytes] | None:
        row = outbox.one_row(store, row_id)
        now_ms = self._clock.now_ms()
        message = row.frozen or compose(store, row, channel, location=self._location, now_ms=now_ms)
        with store.transaction():
            is_ours = outbox.claim(store, row_id, self._owner, now_ms, LEASE_MS, message)
        return (row, message) if is_ours else None

    async def _conclude(self, row: OutboxRow, outcome: Handover) -> None:
        self.tried.add(row.message_id)
        match outcome:
            case Accepted(reply=reply):
                self._unmarked.add(row.message_id)  # not to be repeated by us, even if it can be noted nowhere
                await self._note(partial(self._mark_sent, message_id=row.message_id))
                self.accepted += count_alerts([row])
                self._journal.alert_accepted(row, reply)
            case Refused(reply=reply, is_permanent=is_permanent):
                wait_ms = backoff_ms(row.attempts + 1, is_permanent=is_permanent, key=row.message_id)
                self._journal.alert_refused(row, reply, retry_ms=wait_ms, is_permanent=is_permanent)
                await self._note(partial(self._mark_refused, row=row, outcome=outcome, wait_ms=wait_ms))
            case Unknown(detail=detail):
                wait_ms = backoff_ms(row.attempts + 1, is_permanent=False, key=row.message_id)
                self._journal.alert_unknown(row, detail, retry_ms=wait_ms)
                await self._note(partial(self._mark_unknown, row=row, detail=detail, wait_ms=wait_ms))
            case _:
                assert_never(outcome)

    async def _note(self, work: Callable[[Store], None]) -> None:
        """Note what became of a message, in whichever store is in use by then, also while we are being cancelled.

        Where nothing can be noted anywhere, delivery goes on: an accepted message is not repeated by this process.
        """
        with anyio.CancelScope(shield=True), suppress(StoreError):
            await self._books.write(work)

    def _mark_sent(self, store: Store, message_id: str) -> None:
        row_id = outbox.find_id(store, message_id)
        if row_id is not None:
            outbox.mark_sent(store, row_id, self._clock.now_ms())
            self._unmarked.discard(message_id)

    def _mark_refused(self, store: Store, *, row: OutboxRow, outcome: Refused, wait_ms: int) -> None:
        row_id = outbox.find_id(store, row.message_id)
        if row_id is not None:
            next_ms = self._clock.now_ms() + wait_ms
            outbox.mark_refused(store, row_id, next_ms, outcome.reply, is_permanent=outcome.is_permanent)

    def _mark_unknown(self, store: Store, *, row: OutboxRow, detail: str, wait_ms: int) -> None:
        row_id = outbox.find_id(store, row.message_id)
        if row_id is not None:
            outbox.mark_unknown(store, row_id, self._clock.now_ms() + wait_ms, detail)
