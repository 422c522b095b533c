"""What really happened, written down by somebody who sees everything and knows the true time."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prober.core.gate import Recipient
    from prober.core.model import Event, Probe
    from tests.simulation.outbox import Item
    from tests.simulation.world import Spell


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A check that was recorded, and was not one more good one of a probe that is up. ``sign`` as it was judged."""

    at: int
    sign: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event that was recorded, and who is to hear of it."""

    at: int
    item: Item
    number: int | None
    event: Event
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What the mail server took."""

    at: int
    recipient: Recipient
    message_id: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """From now on a probe is configured like this."""

    at: int
    number: int
    probe: Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """A person did something about an incident."""

    at: int
    incident: str
    what: str


@dataclass(slots=True)
class Journal:
    """All that happened at one location. ``starts`` are the true times of each probe's recorded checks.

    ``stops`` are the times in which nothing ran, ``lost`` those whose records were lost with a store that could not be
    written, ``waiting`` is how many alerts were left at the end.
    """

    location: str
    starts: list[array[int]]
    looks: list[list[Look]]
    events: list[Happened] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    stops: list[Spell[str]] = field(default_factory=list)
    lost: list[Spell[str]] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    acts: list[Acted] = field(default_factory=list)
    waiting: int = 0

    @classmethod
    def begin(cls, location: str, probes: int) -> Journal:
        return cls(
            location,
            starts=[array("q") for _ in range(probes)],
            looks=[[] for _ in range(probes)],
        )

    @property
    def checks(self) -> int:
        return sum(map(len, self.starts))

    def digest(self) -> str:
        """Return a hash of everything, to the last check."""
        digest = hashlib.sha256()
        for numbers in self.starts:
            digest.update(numbers.tobytes())
        for line in (*self.looks, self.events, self.mails, self.stops, self.lost, self.changes, self.acts):
            digest.update(repr(line).encode())
        return digest.hexdigest()

    def first_mails(self) -> list[Mail]:
        """Return all mails but those that only repeat one."""
        first = {mail.message_id: mail for mail in reversed(self.mails)}
        return [mail for mail in self.mails if mail is first[mail.message_id]]
