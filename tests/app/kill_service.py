"""The service as whoever starts it sees it: a process that tells of itself, takes signals, and can be killed."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

ROOT: Final = Path(__file__).parents[2]
READY: Final = "READY=1"
FED: Final = "WATCHDOG=1"
PROBER: Final = (sys.executable, "-m", "prober")


class Manager:
    """Stand in for systemd: start a program in one folder, again and again, and listen to what it tells.

    Its stderr is added to ``log``. What still runs at the end is killed.
    """

    def __init__(self, folder: Path, program: Sequence[str], **environ: str) -> None:
        self.log = folder / "log"
        self._program = program
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(folder / "notify"))
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COV")},
            "NOTIFY_SOCKET": str(folder / "notify"),
            "XDG_RUNTIME_DIR": str(folder),
            **environ,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
        self._socket.close()

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def is_running(self) -> bool:
        return self._running().poll() is None

    def start(self) -> None:
        """Start the program."""
        list(self._waiting())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._program, cwd=ROOT, env=self._environ, stdin=subprocess.DEVNULL, stderr=log
            )

    def hear(self, for_s: float) -> Iterator[str]:
        """Yield what the program tells, word by word, for so long or until it ends."""
        ends_at = time.monotonic() + for_s
        if not self.is_running:
            return
        running = os.pidfd_open(self.pid)
        try:
            while (left_s := ends_at - time.monotonic()) > 0:
                ready, _, _ = select.select([self._socket.fileno(), running], [], [], left_s)
                yield from self._waiting()
                if running in ready:
                    return
        finally:
            os.close(running)

    def hears(self, word: str, *, within_s: float) -> bool:
        """Say whether the program tells this word in time."""
        return any(each == word for each in self.hear(within_s))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if the program still runs."""
        self._running().send_signal(number)

    def kill(self) -> int:
        """Send SIGKILL, and return the code or the negative signal by which the program ended."""
        self._running().kill()
        return self._running().wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("nothing was started")
        return self._process

    def _waiting(self) -> Iterator[str]:
        with suppress(BlockingIOError):
            while True:
                yield from self._socket.recv(4096).decode().split("\n")


def run_harness(*arguments: str) -> Any:
    """Run a module as a session of its own, leave none of its processes behind, and return the JSON that it prints."""
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    harness = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=unmeasured,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        printed, complaint = harness.communicate()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(harness.pid, signal.SIGKILL)
    assert printed, complaint
    return json.loads(printed)


def all_faults(log: Path) -> Iterator[str]:
    """Yield the lines of a JSON log that a healthy service does not write."""
    for line in log.read_text().splitlines():
        try:
            level = json.loads(line)["level"]
        except ValueError:
            level = "error"
        if level == "error":
            yield line
