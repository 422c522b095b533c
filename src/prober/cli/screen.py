"""The terminal's other screen: what stood there before comes back, however the work on it ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prober.cli import output
from prober.errors import ProberError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # the other screen, no cursor, no wrapping
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
TERMINATED = 128 + signal.SIGTERM


class Screen:
    """Draw frames, and hear keys where stdin is a terminal too."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno() if output.is_terminal(sys.stdin) else None
        self._modes: list[Any] | None = None
        self._is_to_stop = False

    @property
    def size(self) -> os.terminal_size:
        """The window as it is now: columns and lines, at least one of each."""
        columns, lines = os.get_terminal_size(sys.stdout.fileno())
        return os.terminal_size((columns or 80, lines or 24))

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines, from the top, and nothing else."""
        _write("\x1b[H" + "\r\n".join(f"\x1b[K{line}" for line in lines) + "\x1b[J")

    def key(self, within_s: float) -> str:
        """Return the next key pressed, empty when there is none in time."""
        keys = [] if self._keys is None else [self._keys]
        ready, _, _ = select.select(keys, [], [], within_s)
        if self._is_to_stop:
            self._stop()
        if not ready:
            return ""
        pressed = os.read(ready[0], 1).decode("latin-1")
        if not pressed:
            raise BrokenPipeError
        return pressed

    def enter(self) -> None:
        """Take the terminal over."""
        if self._keys is not None:
            self._modes = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
        _write(ENTER)

    def leave(self) -> None:
        """Give the terminal back as it was."""
        _write(LEAVE)
        if self._keys is not None and self._modes is not None:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._modes)

    def suspend(self, *_: int | FrameType | None) -> None:
        """Ask for what Ctrl-Z is for; a frame that is being drawn is finished first."""
        self._is_to_stop = True

    def _stop(self) -> None:
        """Stop, and come back when the shell says so."""
        self._is_to_stop = False
        self.leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self.suspend)
        self.enter()


@contextmanager
def opened() -> Iterator[Screen]:
    """Own the terminal while the block runs. Raises ProberError when it goes away meanwhile."""
    screen = Screen()
    try:
        signal.signal(signal.SIGTERM, _terminate)
        signal.signal(signal.SIGTSTP, screen.suspend)
        screen.enter()
        yield screen
    except OSError as error:
        raise ProberError("the terminal has gone. Look again from another one.") from error
    finally:
        screen.leave()


def _terminate(*_: int | FrameType | None) -> None:
    raise SystemExit(TERMINATED)


def _write(text: str) -> None:
    output.show(text, is_coloured=True)
    sys.stdout.flush()
