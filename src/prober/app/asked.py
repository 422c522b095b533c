"""What a run is asked for, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio

from prober.app.journal import Journal
from prober.app.ports import Secure, trust_the_store

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence

    from prober.app.announce import Told
    from prober.app.place import Place
    from prober.core.gate import HeldBy
    from prober.core.model import ProbeState, Result
    from prober.core.report import WaitingAlert


Residence: TypeAlias = Literal["never", "standing-in", "always"]


@dataclass(slots=True)
class Stop:
    """A wish to end; ``number`` is the signal that said so."""

    asked: anyio.Event = field(default_factory=anyio.Event)
    number: signal.Signals | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one run differs from another.

    ``covers_all`` says that it is about every configured probe. It stays for verdicts until ``deadline_ms``, and goes
    on at the intervals of its probes until ``residence_ms``: always, or as long as we stand in. ``secure`` is awaited
    before mails are sent. ``is_forgetful`` tells whether the next run will know nothing of this one. ``stop`` ends the
    run where somebody else listens to signals.
    """

    deadline_ms: int
    place: Place
    covers_all: bool = True
    is_alerting: bool = True
    residence: Residence = "never"
    residence_ms: int = 0
    secure: Secure = trust_the_store
    is_forgetful: Callable[[], bool] = lambda: False
    stop: Stop | None = None
    journal: Journal = field(default_factory=Journal)


@dataclass(slots=True, kw_only=True)
class Report:
    """What a run did. ``undelivered`` alerts wait in the outbox; ``refusals`` says why, per mail.

    ``released`` are (probe, incident) of what was held until now. ``closed`` alerts were given up, as their recipients
    are no longer configured.
    ``stopped_by`` is the signal that ended the run early; ``set_aside`` is where a corrupt store was moved. ``fault``
    says why what was done is not in the store, ``has_lost`` that it never will be, ``notes`` what else people should
    know of it. ``heartbeat_error`` says why a heartbeat was not answered well.
    """

    results: list[Result] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    released: list[tuple[str, int]] = field(default_factory=list)
    states: dict[str, ProbeState] = field(default_factory=dict)
    queued: int = 0
    accepted: int = 0
    undelivered: int = 0
    refusals: Sequence[str] = ()
    closed: Sequence[WaitingAlert] = ()
    is_offline: bool = False
    stopped_by: signal.Signals | None = None
    set_aside: str | None = None
    fault: str | None = None
    has_lost: bool = False
    notes: Sequence[str] = ()
    heartbeat_error: str | None = None

    @property
    def held(self) -> dict[int, HeldBy]:
        """What kept incidents from being told as they opened, by their numbers."""
        return {each.incident: each.held_by for each in self.told if each.incident is not None and each.held_by}

    def followed_by(self, later: Report) -> Report:
        """Return what was done by this run and one that went on where it stopped."""
        return replace(
            later,
            results=[*self.results, *later.results],
            told=[*self.told, *later.told],
            released=[*self.released, *later.released],
            states={**self.states, **later.states},
            queued=self.queued + later.queued,
            accepted=self.accepted + later.accepted,
            closed=(*self.closed, *later.closed),
            is_offline=self.is_offline and (later.is_offline or not later.results),
            heartbeat_error=later.heartbeat_error or self.heartbeat_error,
        )
