"""The way from the outbox to people, in memory: what `app/deliver` does, with the plan of `core/delivery`.

Delivery is a generator that says for how long it waits, so that whoever runs it can end it between any two steps.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

from prober.core.delivery import BURST_MS, SEPARATE_AT_MOST, Waiting, backoff_ms, due_at_ms, plan
from tests.simulation.faults import ACCEPTED, CLAIMED, HANGING, LOSING, REFUSING, REJECTING
from tests.simulation.world import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from prober.core.gate import Recipient
    from tests.simulation.outbox import Outbox, Row

IDLE: Final = HOUR
QUICK: Final = 200
PATIENCE: Final = MINUTE

Answer: TypeAlias = Literal["accepted", "refused", "rejected", "unknown"]
ANSWERS: Final[dict[str, tuple[Answer, int]]] = {
    "": ("accepted", QUICK),
    REFUSING: ("refused", QUICK),
    REJECTING: ("rejected", QUICK),
    HANGING: ("unknown", PATIENCE),
    LOSING: ("unknown", PATIENCE),
}


class Pause(NamedTuple):
    """For how long delivery waits. It may be woken earlier while it is idle."""

    ms: int
    is_idle: bool


class Host(Protocol):
    """Whoever runs the delivery: what it asks of the machine, and of the mail server."""

    def outbox(self) -> Outbox: ...
    def now_ms(self) -> int: ...
    def hand_over(self, host: Host, row_id: int, sent: list[int]) -> Generator[Pause, None, None]: ...
    def mood(self) -> str: ...
    def post(self, row: Row) -> None: ...
    def pass_by(self, moment: str) -> None: ...


class OutdatedError(Exception):
    """What was planned to be told together is no longer what waits."""


def deliver(host: Host) -> Generator[Pause, None, None]:
    """Deliver what is due, for ever."""
    sent: defaultdict[Recipient, list[int]] = defaultdict(list)
    while True:
        try:
            next_ms = yield from _pass(host, sent)
        except OutdatedError:
            continue
        if next_ms > host.now_ms():
            yield Pause(next_ms - host.now_ms(), is_idle=True)


def _pass(host: Host, sent: Mapping[Recipient, list[int]]) -> Generator[Pause, None, int]:
    """Deliver what is due, and return when to look again."""
    began_ms = host.now_ms()
    next_ms = began_ms + IDLE
    ready = _ready(host.outbox())
    for recipient in sorted({row.recipient for row in ready}):
        rows = [row for row in ready if row.recipient == recipient]
        ids, held_until_ms = _planned(host, rows, sent[recipient])
        next_ms = min(next_ms, held_until_ms or next_ms)
        for row_id in ids:
            yield from host.hand_over(host, row_id, sent[recipient])
    left = _ready(host.outbox())
    now_ms = host.now_ms()
    if {row.id for row in left} - {row.id for row in ready}:
        return now_ms
    # What was due as the pass began is handed over or held; what became due since is not. The clock may have gone back.
    return min([next_ms, *(due_ms for row in left if (due_ms := _due_ms(row, now_ms)) > min(began_ms, now_ms))])


def _ready(outbox: Outbox) -> list[Row]:
    """Return what waits, but no end of an incident that its reader may not know to be open."""
    begun = {row.id: _begun_in(outbox, row) for row in outbox.all_waiting()}
    untold = {(outbox.rows[each].recipient, incident) for each, incidents in begun.items() for incident in incidents}
    rows = [outbox.rows[each] for each in sorted(begun)]
    return [row for row in rows if begun[row.id] or (row.recipient, row.item and row.item.incident) not in untold]


def _begun_in(outbox: Outbox, row: Row) -> set[str | None]:
    if row.item is None:
        members = [outbox.rows[each] for each in row.carries]
        return {each.item.incident for each in members if each.item and each.says_open and each.state == "batched"}
    return {row.item.incident} if row.says_open else set()


def _planned(host: Host, rows: list[Row], sent: list[int]) -> tuple[list[int], int | None]:
    now_ms = host.now_ms()
    decided = plan(
        [
            Waiting(
                id=row.id,
                next_attempt_at_ms=_due_ms(row, now_ms),
                can_join=row.fate != "unknown" and row.item is not None,
            )
            for row in rows
        ],
        accepted_at_ms=[at_ms for at_ms in sent if at_ms >= now_ms - BURST_MS],
        now_ms=now_ms,
        is_last=False,
    )
    ids = list(decided.single)
    if decided.together:
        members = [row for row in rows if row.id in decided.together]
        if any(host.outbox().rows[row.id] is not row for row in members):
            raise OutdatedError
        ids.append(host.outbox().join(members).id)
    return ids, decided.held_until_ms


def _due_ms(row: Row, now_ms: int) -> int:
    return due_at_ms(
        row.next_attempt_at_ms, is_untried=row.fate == "untried", is_permanent=row.is_permanent, now_ms=now_ms
    )


def hand_over(host: Host, row_id: int, sent: list[int]) -> Generator[Pause, None, None]:
    """Hand one mail over and mark it after that."""
    row = host.outbox().rows[row_id]
    if row.state != "queued":
        return
    claimed = replace(row, state="sending", attempts=row.attempts + 1)
    host.outbox().put(claimed)
    mood = host.mood()
    answer, takes = ANSWERS[mood]
    if mood == LOSING:
        host.post(claimed)
    host.pass_by(CLAIMED)
    yield Pause(takes, is_idle=False)
    if answer == "accepted":
        host.post(claimed)
        host.pass_by(ACCEPTED)
    mark(host, row_id, answer, sent)


def mark(host: Host, row_id: int, answer: Answer, sent: list[int]) -> None:
    """Record what became of a mail."""
    row, now_ms = host.outbox().rows[row_id], host.now_ms()
    if answer == "accepted":
        sent[:] = [*sent[-SEPARATE_AT_MOST:], now_ms]
        host.outbox().put(replace(row, state="sent", sent_at_ms=now_ms))
        return
    if row.state != "sending":
        return
    is_permanent = answer == "rejected"
    again_ms = now_ms + backoff_ms(row.attempts, is_permanent=is_permanent, key=row.message_id)
    host.outbox().put(
        replace(
            row,
            state="queued",
            fate="unknown" if "unknown" in {answer, row.fate} else "refused",
            is_permanent=is_permanent,
            next_attempt_at_ms=again_ms,
        )
    )
