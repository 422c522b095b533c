"""What the application asks of the world, where more than one answer exists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from prober.core.settings import EmailChannel

if TYPE_CHECKING:
    from prober.adapters.mail import Handover
    from prober.core.facts import Answer, Facts
    from prober.core.model import Probe


class Clock(Protocol):
    """Tell wall-clock time. Durations come from the event loop's monotonic clock instead."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""


class Checker(Protocol):
    """Execute checks."""

    async def check(self, probe: Probe) -> Facts:
        """Request a probe's url once, within its timeout, and return what was seen; never raise."""


class Fetch(Protocol):
    """Ask another program's API."""

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b""
    ) -> Answer:
        """Send one request, follow no redirect, return what came back; raise NoAnswerError without it."""


class Session(Protocol):
    """One connection to a mail server, used for all mails of a pass.

    ``content_left`` says whether any content of the current message went out.
    """

    content_left: bool

    async def send(self, *, recipient: str, message: bytes) -> Handover:
        """Hand over one message and say what became of it; never raise for trouble with mail."""


OpenSession: TypeAlias = Callable[[EmailChannel], AbstractAsyncContextManager[Session]]
Secure: TypeAlias = Callable[[], Awaitable[None]]


async def trust_the_store() -> None:
    """Do nothing before a mail is sent: what is committed outlasts this process."""
