"""Log lines on stderr: one per event, as text for people or as JSON for machines.

A log must never hurt what it tells about. A line is one write that does not wait for whoever reads: a full disk, a pipe
that nobody empties or a stderr that is gone costs lines, never a check, and how many were lost is said as soon as there
is room again. Whatever a server or a file put into a message, it stays on one line and holds no secret.
"""

from __future__ import annotations

import json
import logging
import os
import select
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from prober.core.masking import Masker
from prober.core.text import cut, scrub_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TextIO

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
Format: TypeAlias = Literal["text", "json"]

LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")

_SYSLOG: Final[dict[Level, int]] = {"debug": 7, "info": 6, "warning": 4, "error": 3}
_LEVEL_CELLS: Final = max(map(len, LEVELS))
_MOST_CHARS: Final = 900  # in UTF-8, a line fits into the one page that a pipe takes without waiting
_PATIENCE_MS: Final = 100
_SILENT: Final = ("httpx", "httpcore", "aiosmtplib")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of interest, and what it is about where that applies."""

    level: Level
    message: str
    probe: str | None = None
    incident: int | None = None
    round: int | None = None


class Log:
    """Write entries from ``least`` on as lines. ``write`` takes a line's bytes and says whether they went out.

    ``is_journal`` says that journald reads: it knows the time, and takes the level from a prefix (sd-daemon(3)).
    """

    def __init__(
        self,
        write: Callable[[bytes], bool],
        *,
        now_ms: Callable[[], int],
        form: Format = "text",
        least: Level = "info",
        is_journal: bool = False,
    ) -> None:
        self._write = write
        self._now_ms = now_ms
        self._secrets: frozenset[str] = frozenset()
        self._mask = Masker(self._secrets).mask
        self._form = form
        self._levels = LEVELS[LEVELS.index(least) :]
        self._is_journal = is_journal
        self._lost = 0

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these as well from now on: a changed configuration brings new ones, and old ones may still turn up."""
        self._secrets = self._secrets.union(secrets)
        self._mask = Masker(self._secrets).mask

    def write(self, entry: Entry) -> None:
        """Write one line, if its level is wanted; never raise and never wait."""
        if entry.level not in self._levels:
            return
        if self._lost and self._write(self._line(Entry(level="warning", message=f"{self._lost} log lines were lost"))):
            self._lost = 0
        if self._lost or not self._write(self._line(entry)):
            self._lost += 1

    def _line(self, entry: Entry) -> bytes:
        prefix = f"<{_SYSLOG[entry.level]}>" if self._is_journal else ""
        line = self._as_json(entry) if self._form == "json" else self._as_text(entry)
        return f"{prefix}{line}\n".encode()

    def _as_json(self, entry: Entry) -> str:
        fields = {
            "timestamp": _timestamp(self._now_ms()),
            "level": entry.level,
            "message": self._clean(entry.message),
            "probe": None if entry.probe is None else self._clean(entry.probe),
            "incident": entry.incident,
            "round": entry.round,
        }
        return json.dumps(fields, ensure_ascii=False)

    def _as_text(self, entry: Entry) -> str:
        time = "" if self._is_journal else f"{_timestamp(self._now_ms())} "
        about = {"probe": entry.probe, "incident": entry.incident, "round": entry.round}
        told = " ".join(f"{name}={self._clean(str(value))}" for name, value in about.items() if value is not None)
        return f"{time}{entry.level:<{_LEVEL_CELLS}}  {self._clean(entry.message)}  {told}".rstrip()

    def _clean(self, text: str) -> str:
        return cut(scrub_start(text, self._mask), _MOST_CHARS)


class LineWriter:
    """Write lines to a file descriptor, None for one that does not exist. A reader that stands still is left alone."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._is_torn = False
        self._is_stuck = False
        self._poll = select.poll()
        if fd is not None:
            self._poll.register(fd, select.POLLOUT)

    def __call__(self, line: bytes) -> bool:
        """Write one line and say whether all of it went out."""
        left = b"\n" + line if self._is_torn else line
        try:
            while left and self._has_room():
                left = left[os.write(self._fd or 0, left) :]
                self._is_torn = bool(left)
        except OSError:
            return False
        return not left

    def _has_room(self) -> bool:
        """Wait for a reader that is slow, but only once for one that has stopped."""
        if self._fd is None:
            return False
        self._is_stuck = not self._poll.poll(0 if self._is_stuck else _PATIENCE_MS)
        return not self._is_stuck


class _Libraries(logging.Handler):
    """Let what libraries complain of become a line like ours; their own words for an error may hold a secret."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        message = f"{record.name}: {record.getMessage()}" + (f" ({kind.__name__})" if kind else "")
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.write(Entry(level=level, message=message))


def hear_libraries(log: Log) -> None:
    """Write down the warnings of all libraries, but of none that logs the urls and answers it handles."""
    logging.getLogger().addHandler(_Libraries(log))
    for name in _SILENT:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())


def descriptor_of(stream: TextIO | None) -> int | None:
    """Return where a stream writes to, None for one that was closed before we began: its number may be another's."""
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def is_journal(fd: int | None, environ: Mapping[str, str]) -> bool:
    """Say whether it is systemd's journal that reads what is written to a file descriptor."""
    try:
        written = os.fstat(-1 if fd is None else fd)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{written.st_dev}:{written.st_ino}"


def _timestamp(at_ms: int) -> str:
    whole = datetime.fromtimestamp(at_ms // 1000, tz=UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"
