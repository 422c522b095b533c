"""The outbox in memory: what `adapters/store/outbox` and `adapters/store/carriers` do, in small."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from prober.core.alerts import TELLING_OF_OPEN, AlertKind
from prober.core.delivery import message_id
from prober.core.due import Heard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.core.gate import Recipient

INSTALLATION: Final = "simulated"
DOMAIN: Final = "acme.example"
WAITING: Final = ("queued", "sending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that people are told: an event, and the incident it belongs to. A batch is none by itself."""

    event: str
    kind: AlertKind
    incident: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alert to one recipient. ``carrier`` is the row whose mail tells it instead, ``carries`` is the other side."""

    id: int
    item: Item | None
    recipient: Recipient
    queued_at_ms: int
    next_attempt_at_ms: int
    message_id: str
    state: Literal["queued", "sending", "sent", "batched", "merged", "closed", "dropped"] = "queued"
    fate: Literal["untried", "refused", "unknown"] = "untried"
    attempts: int = 0
    is_permanent: bool = False
    sent_at_ms: int | None = None
    carrier: int | None = None
    carries: tuple[int, ...] = ()

    @property
    def says_open(self) -> bool:
        return self.item is not None and self.item.kind in TELLING_OF_OPEN


@dataclass(slots=True)
class Outbox:
    """All rows, and which of them wait, belong to an incident or are known to a recipient."""

    rows: dict[int, Row] = field(default_factory=dict)
    waiting: dict[int, None] = field(default_factory=dict)
    of_incident: dict[str, tuple[int, ...]] = field(default_factory=dict)
    known: set[tuple[str, Recipient]] = field(default_factory=set)

    def copy(self) -> Outbox:
        return Outbox(dict(self.rows), dict(self.waiting), dict(self.of_incident), set(self.known))

    def put(self, row: Row) -> None:
        self.rows[row.id] = row
        if row.state in WAITING:
            self.waiting[row.id] = None
        else:
            self.waiting.pop(row.id, None)

    def all_waiting(self) -> list[Row]:
        return [self.rows[each] for each in self.waiting]

    def items(self, row: Row) -> tuple[Item, ...]:
        """Return all that a row's mail tells."""
        alerts = (row, *(self.rows[each] for each in row.carries))
        return tuple(alert.item for alert in alerts if alert.item is not None)

    def queue(self, item: Item, recipient: Recipient, now_ms: int) -> None:
        """Queue an alert, unless its recipient has that event already. An end takes over what it makes stale."""
        if (item.event, recipient) in self.known:
            return
        self.known.add((item.event, recipient))
        stale = None
        if item.incident is not None and item.kind not in TELLING_OF_OPEN:
            stale = self._find_stale(item.incident, recipient)
        row = self._new(item, recipient, now_ms, item.event, " ".join(recipient))
        if item.incident is not None:
            self.of_incident[item.incident] = (*self.of_incident.get(item.incident, ()), row.id)
        if stale is not None:
            if stale.carrier is not None:
                self._undo(self.rows[stale.carrier])
            self.put(replace(self.rows[stale.id], state="merged", carrier=row.id))
            self.put(replace(row, carries=(stale.id,)))

    def join(self, members: Sequence[Row]) -> Row:
        """Let one new row tell several."""
        event = "several " + " ".join(row.message_id for row in members)
        recipient, queued_at_ms = members[0].recipient, min(row.queued_at_ms for row in members)
        batch = self._new(None, recipient, queued_at_ms, event, recipient[1])
        for row in members:
            self.put(replace(row, state="batched", carrier=batch.id))
        merged = [each for row in members for each in row.carries]
        for each in merged:
            self.put(replace(self.rows[each], carrier=batch.id))
        batch = replace(batch, carries=(*(row.id for row in members), *merged))
        self.put(batch)
        return batch

    def told(self, incident: str) -> set[Recipient]:
        """Return who knows, or will know, that an incident is open."""
        gone = {"closed", "dropped"}
        return {row.recipient for row, mail in self._of(incident) if row.says_open and mail.state not in gone}

    def heard(self, incident: str) -> dict[Recipient, Heard]:
        """Return what everyone heard of an incident."""
        found: dict[Recipient, Heard] = {}
        for row, mail in self._of(incident):
            before = found.get(row.recipient, Heard())
            is_waiting = mail.state in WAITING
            at_ms = row.queued_at_ms if mail.sent_at_ms is None else mail.sent_at_ms
            found[row.recipient] = Heard(
                last_at_ms=before.last_at_ms if is_waiting else at_ms,
                is_waiting=before.is_waiting or is_waiting,
                reminders=before.reminders + (row.item is not None and row.item.kind is AlertKind.REMINDER),
            )
        return found

    def announced_at_ms(self, incident: str) -> int | None:
        return min((row.queued_at_ms for row, _ in self._of(incident)), default=None)

    def drop_reminders(self, incident: str) -> None:
        """Give up the reminders of which nobody can have got one."""
        for row, _ in list(self._of(incident)):
            is_reminder = row.item is not None and row.item.kind is AlertKind.REMINDER
            if is_reminder and row.state == "queued" and row.fate != "unknown":
                self.put(replace(row, state="dropped"))

    def release(self) -> None:
        """Put back what a dead process was handing over."""
        for row in self.all_waiting():
            if row.state == "sending":
                self.put(replace(row, state="queued", fate="unknown"))

    def _new(self, item: Item | None, recipient: Recipient, now_ms: int, event: str, to: str) -> Row:
        row = Row(
            id=len(self.rows) + 1,
            item=item,
            recipient=recipient,
            queued_at_ms=now_ms,
            next_attempt_at_ms=now_ms,
            message_id=message_id(INSTALLATION, event, to, domain=DOMAIN),
        )
        self.put(row)
        return row

    def _of(self, incident: str) -> Iterator[tuple[Row, Row]]:
        """Yield the alerts of an incident, each with the row whose mail tells it."""
        for row in (self.rows[each] for each in self.of_incident.get(incident, ())):
            yield row, row if row.carrier is None else self.rows[row.carrier]

    def _find_stale(self, incident: str, recipient: Recipient) -> Row | None:
        for row, mail in self._of(incident):
            may_join = row.state in {"queued", "batched"} and mail.state == "queued" and mail.fate != "unknown"
            if row.says_open and row.recipient == recipient and may_join:
                return row
        return None

    def _undo(self, batch: Row) -> None:
        """Let all that a batch was to tell wait for themselves again, as nobody got it."""
        for row in (self.rows[each] for each in batch.carries):
            if row.state == "batched":
                again = replace(row, state="queued", carrier=None, fate=batch.fate)
                self.put(replace(again, next_attempt_at_ms=batch.next_attempt_at_ms))
                for each in row.carries:
                    self.put(replace(self.rows[each], carrier=row.id))
        self.put(replace(batch, state="closed", carries=()))
