"""The heartbeat: a request that tells another monitor that we are at work, and that what we have to tell gets out.

It stays away as soon as alerts are stuck, so that whoever waits for it raises the alarm in our place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.adapters.store import outbox
from prober.app.journal import Journal
from prober.core.delivery import STUCK_AFTER_MS
from prober.core.masking import Masker
from prober.core.model import Probe
from prober.core.text import scrub_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from prober.adapters.store.db import Store
    from prober.app.ports import Checker
    from prober.core.facts import Facts

TIMEOUT_MS: Final = 10_000
_GOOD: Final = range(200, 300)


class Heartbeat:
    """Request one url. ``error`` says why the last request came to nothing, None that it did not."""

    def __init__(
        self, url: str, *, checker: Checker, mask: Callable[[str], str], journal: Journal | None = None
    ) -> None:
        self._probe = Probe(id="heartbeat", name="heartbeat", url=url, identity="", timeout_ms=TIMEOUT_MS)
        self._checker = checker
        self._mask_url = Masker((url,)).mask
        self._mask = mask
        self._journal = journal or Journal()
        self.error: str | None = None

    async def beat(self) -> bool:
        """Send one request, within 10 s, and say whether it was answered well. The journal hears only of changes."""
        was_failing = self.error is not None
        self.error = self._error(await self._checker.check(self._probe))
        if self.error is not None and not was_failing:
            self._journal.heartbeat_failed(self.error)
        if self.error is None and was_failing:
            self._journal.heartbeat_recovered()
        return self.error is None

    def _error(self, facts: Facts) -> str | None:
        if facts.failure is not None:
            return scrub_start(facts.failure_detail or facts.failure, lambda text: self._mask(self._mask_url(text)))
        return None if facts.status in _GOOD else f"status {facts.status}, expected 2xx"


def is_allowed(store: Store, now_ms: int) -> bool:
    """Say whether no alert has been waiting for more than 10 minutes."""
    oldest_ms = min((row.queued_at_ms for row in outbox.all_waiting(store)), default=now_ms)
    return now_ms - oldest_ms <= STUCK_AFTER_MS
