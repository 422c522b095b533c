"""Come back when an API that was asked too often allows it again."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import anyio

from prober.core.refusal import refusal_of
from prober.core.sight import Limited

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prober.app.ports import Fetch
    from prober.core.facts import Answer

MOST_MS: Final = 180_000


class Patient:
    """Asks as ``fetch`` does, and again after the time that an API wants to be left alone; three minutes in all.

    ``tell`` hears how long it is going to wait, in milliseconds. What does not come in that time is left as it is.
    """

    def __init__(self, fetch: Fetch, *, tell: Callable[[int], None], most_ms: int = MOST_MS) -> None:
        self._fetch = fetch
        self._tell = tell
        self._left_ms = most_ms

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b""
    ) -> Answer:
        """Send one request, follow no redirect, return what came back; raise NoAnswerError without it."""
        while True:
            answer = await self._fetch(method, url, headers=headers, body=body)
            refusal = refusal_of(answer)
            if not isinstance(refusal, Limited) or refusal.wait_ms > self._left_ms:
                return answer
            self._left_ms -= refusal.wait_ms
            self._tell(refusal.wait_ms)
            await anyio.sleep(refusal.wait_ms / 1000)
