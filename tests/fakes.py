"""What stands in for the world where a test needs to decide it: time, targets and a mail server.

Time is the event loop's, so that on trio's ``MockClock`` hours pass at once, and on a real loop it is simply true.
A target's history is written with one character per check, a mail server's with one per attempt.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio
import trio.testing

from prober.adapters.mail import Accepted, Handover, Refused, Unknown
from prober.core.facts import Certificate, Facts, Phases
from prober.core.model import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from prober.core.model import Probe
    from prober.core.settings import EmailChannel

T0: Final = 1_790_000_000_000
MIN_MS: Final = 60_000


def jumping_time() -> tuple[str, dict[str, object]]:
    """Return the backend for tests in which all waiting takes no time. It suits no real socket."""
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class FakeClock:
    """Tell the event loop's time, as if the loop had begun at ``start_ms``, and as far off as somebody set it."""

    def __init__(self, start_ms: int = T0) -> None:
        self.set_by_ms = 0
        self._start_ms = start_ms
        self._begin: float | None = None

    def now_ms(self) -> int:
        now = anyio.current_time()
        if self._begin is None:
            self._begin = now
        return self.set_by_ms + self._start_ms + round((now - self._begin) * 1000)


ANSWERS: Final = {
    ".": Facts(started_at_ms=0, response_began=True, status=200, phases=Phases(wait_us=100_000)),
    "o": Facts(started_at_ms=0, response_began=True, status=200, phases=Phases(wait_us=900_000)),
    "s": Facts(started_at_ms=0, response_began=True, status=200, phases=Phases(wait_us=1_500_000)),
    "b": Facts(started_at_ms=0, response_began=True, status=200, phases=Phases(wait_us=1_500_000, lag_us=100_001)),
    "x": Facts(started_at_ms=0, response_began=True, status=503, body=b"out of order", phases=Phases(wait_us=9_000)),
    "!": Facts(started_at_ms=0, failure=Reason.REFUSED, failure_detail="connection refused", path_failure=True),
    "?": Facts(started_at_ms=0, failure=Reason.INTERNAL, failure_detail="our own fault"),
}


class FakeChecker:
    """Answer as scripted, and with ok when a history is over. A check takes as long as it says.

    ``.`` is ok, ``o`` ok but near the limit, ``s`` slow, ``b`` slow while we lagged, ``x`` failed, ``!`` unreachable,
    ``?`` unknown. ``started`` is (probe, time) of every check; ``most_at_once`` is how many there were at any one time.
    """

    def __init__(self, clock: FakeClock, histories: Mapping[str, str], certificate: Certificate | None = None) -> None:
        self._clock = clock
        self._left: dict[str, Iterator[str]] = {each: iter(history) for each, history in histories.items()}
        self._certificate = certificate
        self._at_once = 0
        self.most_at_once = 0
        self.started: list[tuple[str, int]] = []

    async def check(self, probe: Probe) -> Facts:
        sign = next(self._left.get(probe.id, iter("")), ".")
        facts = replace(ANSWERS[sign], started_at_ms=self._clock.now_ms(), certificate=self._certificate)
        self.started.append((probe.id, facts.started_at_ms))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await anyio.sleep((facts.phases.latency_us + facts.phases.lag_us) / 1_000_000)
        self._at_once -= 1
        return facts

    def count(self, probe_id: str) -> int:
        return [each for each, _ in self.started].count(probe_id)


@dataclass(slots=True)
class FakeMail:
    """A mail server that answers attempt after attempt as scripted, and accepts when the script is over.

    ``a`` accepts, ``g`` refuses for now, ``p`` refuses for good, ``u`` accepts and loses the reply, ``l`` loses all.
    ``tried`` and ``accepted`` are (recipient, bytes), ``tried_at_s`` the event loop's times.
    """

    script: str = ""
    takes_s: float = 0.01
    content_left: bool = True
    sessions: int = 0
    tried: list[tuple[str, bytes]] = field(default_factory=list)
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    tried_at_s: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, _channel: EmailChannel) -> AsyncIterator[FakeMail]:
        self.sessions += 1
        yield self

    async def send(self, *, recipient: str, message: bytes) -> Handover:
        sign, self.script = self.script[:1] or "a", self.script[1:]
        self.tried.append((recipient, message))
        self.tried_at_s.append(anyio.current_time())
        await anyio.sleep(self.takes_s)
        if sign in "au":
            self.accepted.append((recipient, message))
        answers: dict[str, Handover] = {
            "a": Accepted(reply="250 fine"),
            "g": Refused(reply="450 4.2.0 come again", is_permanent=False),
            "p": Refused(reply="550 5.1.1 never heard of", is_permanent=True),
        }
        return answers.get(sign, Unknown(detail="no reply to the message: connection lost"))

    def subjects(self, recipient: str | None = None) -> list[str]:
        """Return the subjects of the accepted mails, of one recipient or of all."""
        return [header(mail, "Subject") for to, mail in self.accepted if recipient in {None, to}]


def header(mail: bytes, name: str) -> str:
    """Return one header of a mail as it stands in the bytes; empty when it is not there."""
    head = mail.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    return next((line.partition(": ")[2] for line in head if line.startswith(f"{name}: ")), "")
