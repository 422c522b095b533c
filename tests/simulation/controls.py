"""Ways to do it wrong, each of which must be found out: a checker that finds nothing proves nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from prober.core import rules
from prober.core.model import Streak
from tests.simulation import delivery
from tests.simulation.books import Books
from tests.simulation.delivery import ANSWERS, Pause
from tests.simulation.faults import CLAIMED
from tests.simulation.life import Life
from tests.simulation.outbox import Outbox
from tests.simulation.world import MINUTE

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from prober.core.model import Event, Policy, Probe, ProbeState, Result
    from tests.simulation.delivery import Host


class Unconnected(Life):
    """Never asks whether it is itself that is offline."""

    asks_connectivity = False


class Forgetful(Life):
    """Keeps in memory only what it is to send."""

    def end(self) -> None:
        super().end()
        self._books.store.outbox = Outbox()


class MarksFirst(Life):
    """Marks a mail before it is handed over, and takes that back where it was not accepted."""

    @staticmethod
    def hand_over(host: Host, row_id: int, sent: list[int]) -> Generator[Pause, None, None]:
        row = host.outbox().rows[row_id]
        host.outbox().put(replace(row, state="sent", sent_at_ms=host.now_ms(), attempts=row.attempts + 1))
        answer, takes = ANSWERS[host.mood()]
        host.pass_by(CLAIMED)
        yield Pause(takes, is_idle=False)
        if answer == "accepted":
            host.post(row)
        else:
            host.outbox().put(replace(host.outbox().rows[row_id], state="sending", sent_at_ms=None))
            delivery.mark(host, row_id, answer, sent)


class Trusting(Life):
    """Takes no answer for a yes."""

    @staticmethod
    def hand_over(host: Host, row_id: int, sent: list[int]) -> Generator[Pause, None, None]:
        yield from delivery.hand_over(host, row_id, sent)
        row = host.outbox().rows[row_id]
        if row.fate == "unknown":
            host.outbox().put(replace(row, state="sent", sent_at_ms=host.now_ms()))


class Tired(Life):
    """Tries every mail once."""

    @staticmethod
    def hand_over(host: Host, row_id: int, sent: list[int]) -> Generator[Pause, None, None]:
        if not host.outbox().rows[row_id].attempts:
            yield from delivery.hand_over(host, row_id, sent)


class Renaming(Life):
    """Gives a mail a new Message-ID for every attempt."""

    @staticmethod
    def hand_over(host: Host, row_id: int, sent: list[int]) -> Generator[Pause, None, None]:
        row = host.outbox().rows[row_id]
        host.outbox().put(replace(row, message_id=f"{row.attempts} {row.message_id}"))
        yield from delivery.hand_over(host, row_id, sent)


class Eager(Life):
    """Checks more often than it was told to."""

    @staticmethod
    def next_start_ms(probe: Probe, _state: ProbeState, *, started_ms: int, ended_ms: int) -> int:
        return max(started_ms + probe.interval_ms // 3, ended_ms)


class Lazy(Life):
    """Leaves out every other slot."""

    @staticmethod
    def next_start_ms(probe: Probe, _state: ProbeState, *, started_ms: int, ended_ms: int) -> int:
        return max(started_ms + 2 * probe.interval_ms, ended_ms)


class CountsTime(Books):
    """Counts anew when checks are far apart."""

    @staticmethod
    def apply(state: ProbeState, result: Result, *, policy: Policy) -> tuple[ProbeState, tuple[Event, ...]]:
        if state.last_at_ms is not None and abs(result.at_ms - state.last_at_ms) > 4 * MINUTE:
            state = replace(state, failing=Streak())
        return rules.apply(state, result, policy=policy)


class Hasty(Books):
    """Waits for one failure less than it was told to."""

    @staticmethod
    def apply(state: ProbeState, result: Result, *, policy: Policy) -> tuple[ProbeState, tuple[Event, ...]]:
        return rules.apply(state, result, policy=replace(policy, failures=policy.failures - 1))


class Discreet(Books):
    """Reminds nobody."""

    def remind(self, at: int, now_ms: int) -> bool:
        return at > now_ms


class Nagging(Books):
    """Reminds people of what they know."""

    def act(self, uid: str, what: str, at: int, now_ms: int) -> bool:
        before = self.store.incidents.copy()
        is_queued = super().act(uid, what, at, now_ms)
        self.store.incidents |= {key: before[key] for key in self.store.incidents}
        return is_queued


CAUGHT: Final[Mapping[type[Life | Books], set[str]]] = {
    Unconnected: {"confirmed", "blind"},
    Forgetful: {"mail", "end"},
    MarksFirst: {"mail"},
    Tired: {"mail", "backlog"},
    Trusting: {"mail", "order"},
    Renaming: {"message"},
    Eager: {"slot"},
    Lazy: {"gap", "outage"},
    CountsTime: {"outage"},
    Hasty: {"confirmed"},
    Discreet: {"reminder"},
    Nagging: {"nagging"},
}
