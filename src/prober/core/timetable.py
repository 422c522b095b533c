"""Which probe is to be checked next: one planned start for each, the earliest first."""

from __future__ import annotations

import heapq


class Timetable:
    """The planned starts of probes, in milliseconds on one steady scale; a probe has at most one."""

    def __init__(self) -> None:
        self._planned: dict[str, int] = {}
        self._queue: list[tuple[int, str]] = []

    def plan(self, probe_id: str, start_ms: int) -> None:
        """Plan a probe's next start, instead of one that was planned before."""
        self._planned[probe_id] = start_ms
        heapq.heappush(self._queue, (start_ms, probe_id))

    def forget(self, probe_id: str) -> None:
        """Plan nothing more for a probe."""
        self._planned.pop(probe_id, None)

    def next_ms(self) -> int | None:
        """Return the earliest planned start, None when nothing is planned."""
        while self._queue and self._planned.get(self._queue[0][1]) != self._queue[0][0]:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def take_due(self, now_ms: int) -> str | None:
        """Take the probe with the earliest start out of the plan, None when that is not due yet."""
        start_ms = self.next_ms()
        if start_ms is None or start_ms > now_ms:
            return None
        _, probe_id = heapq.heappop(self._queue)
        del self._planned[probe_id]
        return probe_id
