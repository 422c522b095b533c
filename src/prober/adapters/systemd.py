"""What a service tells systemd about itself: datagrams to ``$NOTIFY_SOCKET``, as sd_notify(3) describes them.

Started by anything else, or with nobody at the other end, it tells nobody, and nothing fails: a service works as well
without a manager. The socket is opened once, so that words still come through when no descriptor is left.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prober.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STATUS_BYTES: Final = 1_024  # systemd ignores a message over 4,096
_SEND_WITHIN_S: Final = 0.2


class Systemd:
    """Tell the service manager how we are, and know how often it wants to hear that we make progress.

    ``watchdog_s`` is the longest silence it bears, None when it does not watch this process; feed it at least twice in
    that time. ``monotonic_ns`` is the machine's CLOCK_MONOTONIC.
    """

    def __init__(self, environ: Mapping[str, str], *, monotonic_ns: Callable[[], int]) -> None:
        self.watchdog_s = _watchdog_s(environ)
        self._monotonic_ns = monotonic_ns
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        if self._address:
            with suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.settimeout(_SEND_WITHIN_S)

    @property
    def is_listening(self) -> bool:
        """Say whether a service manager started us and wants to be told."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """Tell that everything stands: after a start, and after a reload."""
        self._send("READY=1", _status(status))

    def status(self, text: str) -> None:
        """Tell in a line, for ``systemctl status``, how we are."""
        self._send(_status(text))

    def reloading(self) -> None:
        """Tell that the configuration is being read again; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """Tell that we are on our way out."""
        self._send("STOPPING=1")

    def feed(self) -> None:
        """Tell the watchdog that there was progress."""
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Tell nothing any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *assignments: str) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.sendto("\n".join(assignments).encode(), self._address)


def _status(text: str) -> str:
    return "STATUS=" + clean(text).encode()[:_STATUS_BYTES].decode(errors="ignore")


def _address(name: str) -> str:
    """Return where to send; "" for what is neither a path nor an abstract name, which begins with ``@``."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return the time in ``$WATCHDOG_USEC``, unless ``$WATCHDOG_PID`` says that another process is meant."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    usec = environ.get("WATCHDOG_USEC", "")
    return int(usec) / 1_000_000 if usec.isascii() and usec.isdecimal() and int(usec) else None
