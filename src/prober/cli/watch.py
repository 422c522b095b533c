"""``prober status --watch``: the table as it changes, until somebody has seen enough."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from prober.app.elsewhere import places_in_use
from prober.app.reading import open_readers
from prober.cli.screen import opened
from prober.errors import ProberError
from prober.render.watch import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.app.ports import Clock
    from prober.core.report import StatusReport
    from prober.render.columns import Paint

LOOK_S: Final = 0.25
RETRY_S: Final = 2
REREAD_S: Final = 60
REST_PER_WORK: Final = 10


def watch(path: Path, read: Callable[[Sequence[Store], int], StatusReport], *, clock: Clock, paint: Paint) -> None:
    """Show what ``read`` makes of the store as of now, second by second, until q is pressed."""
    latest = Latest(path, read, clock)
    drawn: object = None
    with opened() as screen:
        while True:
            latest.refresh()
            now_ms, size = clock.now_ms(), screen.size
            if drawn != (drawn := (now_ms // 1000, size, latest.report, latest.trouble)):
                report = replace(latest.report, generated_at_ms=now_ms)
                lines = frame(report, width=size.columns, height=size.lines, trouble=latest.trouble, paint=paint)
                screen.draw(lines)
            if screen.key(LOOK_S) in {"q", "Q"}:
                return


class Latest:
    """The last report that could be read, and what is in the way of a newer one."""

    def __init__(
        self,
        path: Path,
        read: Callable[[Sequence[Store], int], StatusReport],
        clock: Clock,
        *,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._read = read
        self._clock = clock
        self._steady_s = steady_s
        self._files: object = None
        self._rest_until = self._good_until = float("-inf")
        self.report = read((), clock.now_ms())
        self.trouble: str | None = None

    def refresh(self) -> None:
        """Read again what has changed, or could not be read, or is a minute old; rest longer than the work took."""
        files, began = _marks(self._path), self._steady_s()
        if began < self._rest_until or (files == self._files and began < self._good_until):
            return
        try:
            self.trouble = self._take()
            self._files, self._good_until = files, began + REREAD_S
            rest_s = REST_PER_WORK * (self._steady_s() - began)
        except ProberError as error:
            self.trouble = str(error)
            self._files, rest_s = None, RETRY_S
        self._rest_until = self._steady_s() + rest_s

    def _take(self) -> str | None:
        with open_readers(self._path) as stores:
            self.report = self._read(stores, self._clock.now_ms())
        return None if stores else f"there is no store at {self._path} yet; `prober run` makes it"


def _marks(path: Path) -> list[tuple[int, int, int]]:
    """Return what changes with every commit: which files there are, how long they are and since when."""
    marks = []
    real = [each.resolve() for each in (path, *places_in_use(path))]
    for each in (*real, *(each.with_name(f"{each.name}-wal") for each in real)):
        try:
            found = each.stat()
        except OSError:
            continue
        marks.append((found.st_ino, found.st_size, found.st_mtime_ns))
    return marks
