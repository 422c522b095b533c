"""`prober status --watch` on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.store.db import open_store
from prober.cli.watch import Latest
from prober.core.report import StatusReport
from tests.cli.process import PROGRAM
from tests.fakes import T0

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
PATIENCE_S = 20
COVERAGE = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}


class Terminal:
    """A terminal with `prober status --watch` on it, and what it was told to show."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        columns: int = 100,
        lines: int = 24,
        program: tuple[str, ...] = PROGRAM,
        has_keys: bool = True,
        TERM: str = "xterm",  # noqa: N803
    ) -> None:
        self._ours, self.theirs = pty.openpty()
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(self.theirs)
        self.process = subprocess.Popen(
            [*program, "status", "--watch", *arguments],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "TERM": TERM} | COVERAGE,
            stdin=self.theirs if has_keys else subprocess.DEVNULL,
            stdout=self.theirs,
            stderr=self.theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        self.text = ""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def frames(self) -> list[list[str]]:
        """Return the lines of every whole frame drawn so far, without their colours."""
        drawn = re.findall(r"\x1b\[H(.*?)\x1b\[J", self.text, re.DOTALL)
        return [re.split(r"\r*\n", re.sub(r"\x1b\[[0-9;]*[mK]", "", each)) for each in drawn]

    def wait(self, wanted: str) -> list[str]:
        """Return the first frame from now on that shows this."""
        self._collect(0)
        self.text = ""
        self._until(lambda: any(wanted in words(each) for each in self.frames()))
        return next(each for each in self.frames() if wanted in words(each))

    def wait_for(self, written: str) -> None:
        self._until(lambda: written in self.text)

    def end(self) -> int:
        """Return how the program ended, with all that it wrote before."""
        self._until(lambda: self.process.poll() is not None)
        self._collect(0)
        return self.process.returncode

    def hang_up(self) -> None:
        os.close(self.theirs)
        os.close(self._ours)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        with suppress(OSError):
            self.hang_up()

    def _until(self, is_met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_met():
            assert time.monotonic() < deadline, self.text[-2000:]
            assert self.process.poll() is None or self._collect(0) or is_met(), self.text[-2000:]
            self._collect(0.05)

    def _collect(self, within_s: float) -> bool:
        """Take what was written, and say whether anything was."""
        before = len(self.text)
        while select.select([self._ours], [], [], within_s)[0]:
            with suppress(OSError):
                self.text += os.read(self._ours, 65536).decode()
            within_s = 0
        return len(self.text) > before


def words(lines: list[str]) -> str:
    """Return what lines say, wherever they were broken."""
    return " ".join(" ".join(lines).split())


@contextmanager
def terminal(folder: Path, *arguments: str, **how: Any) -> Iterator[Terminal]:
    watched = Terminal(folder, *arguments, **how)
    try:
        yield watched
    finally:
        watched.close()


def test_it_shows_the_table_until_q_and_gives_the_terminal_back(configure: Configure, prober: RunProber) -> None:
    configure(top='title = "Acme"')
    prober("run")
    with terminal(configure.folder) as watched:
        lines = watched.wait("q quits")
        assert lines[0].startswith("  Acme ")
        assert [line.split()[:3] for line in lines[3:4]] == [["api", "+", "up"]]
        assert len(lines) == 24
        assert termios.tcgetattr(watched.theirs) != watched.modes
        watched.press(b"x")
        watched.press(b"q")
        assert watched.end() == 0
        assert watched.text.endswith(LEAVE)
        assert termios.tcgetattr(watched.theirs) == watched.modes


def test_a_new_round_is_shown_at_once(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(probe="failures = 1")
    prober("run")
    with terminal(configure.folder) as watched:
        watched.wait("+ up")
        web.break_down()
        prober("run")
        lines = watched.wait("x down")
        assert any(line.startswith("  open  #1 api down for ") for line in lines)


def test_time_goes_on_without_a_new_round(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    with terminal(configure.folder) as watched:
        (second,) = re.findall(r":(\d\d) UTC q quits", words(watched.wait("q quits")))
        watched.wait(f":{(int(second) + 1) % 60:02} UTC q quits")


def test_a_window_that_changes_its_size_is_filled_anew(configure: Configure, prober: RunProber, web: Web) -> None:
    configure("\n".join(f'[probe.p{n}]\nurl = "{web.url}"\nenabled = false' for n in range(30)))
    prober("run")
    with terminal(configure.folder, columns=100, lines=40) as watched:
        assert len(watched.wait("31 probes: 1 up, 30 paused")) == 40
        watched.resize(50, 10)
        lines = watched.wait("and 27 more: 27 paused")
        assert len(lines) == 10
        assert max(map(len, lines)) <= 50


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["interrupted", "terminated"]
)
def test_a_signal_gives_the_terminal_back(
    configure: Configure, prober: RunProber, number: signal.Signals, code: int
) -> None:
    configure()
    prober("run")
    with terminal(configure.folder) as watched:
        watched.wait("q quits")
        if number is signal.SIGINT:
            watched.press(b"\x03")
        else:
            watched.process.send_signal(number)
        assert watched.end() == code
        assert LEAVE in watched.text
        assert "Traceback" not in watched.text
        assert termios.tcgetattr(watched.theirs) == watched.modes


def test_a_fault_gives_the_terminal_back_and_is_told_on_it(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    broken = "import prober.cli.watch as watch; watch.frame = None; from prober.__main__ import main; main()"
    with terminal(configure.folder, program=(sys.executable, "-c", broken)) as watched:
        assert watched.end() == 1
        assert "error: this is a fault of prober (TypeError)" in watched.text.partition(LEAVE)[2]
        assert termios.tcgetattr(watched.theirs) == watched.modes


def test_a_terminal_that_goes_away_ends_it(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    deaf = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from prober.__main__ import main; main()"
    with terminal(configure.folder, program=(sys.executable, "-c", deaf)) as watched:
        watched.wait("q quits")
        watched.hang_up()
        assert watched.process.wait(PATIENCE_S) == 1


SHELL = """\
import os, signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTTOU])
job = subprocess.Popen([sys.executable, "-m", "prober", *sys.argv[1:]], process_group=0)
os.tcsetpgrp(0, job.pid)
assert os.WIFSTOPPED(os.waitpid(job.pid, os.WUNTRACED)[1])
print("STOPPED", flush=True)
signal.sigwait([signal.SIGUSR1])
os.kill(job.pid, signal.SIGCONT)
sys.exit(job.wait())
"""


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    with terminal(configure.folder, program=(sys.executable, "-c", SHELL)) as watched:
        watched.wait("q quits")
        watched.press(b"\x1a")
        watched.wait_for(f"{LEAVE}STOPPED")
        assert termios.tcgetattr(watched.theirs) == watched.modes
        watched.process.send_signal(signal.SIGUSR1)
        watched.wait_for(ENTER)
        watched.wait("q quits")
        watched.press(b"q")
        assert watched.end() == 0
        assert termios.tcgetattr(watched.theirs) == watched.modes


def test_a_store_that_comes_goes_and_breaks_is_told_below_the_table(
    configure: Configure, prober: RunProber, folder: Path
) -> None:
    configure()
    store = folder / "prober.db"
    with terminal(folder) as watched:
        assert watched.wait("! there is no store at")[0] == "no checks yet"
        assert not store.exists()
        prober("run")
        assert not any("!" in line for line in watched.wait("+ up"))
        whole = store.read_bytes()
        store.unlink()
        watched.wait("! there is no store at")
        store.write_bytes(b"no database at all " * 100)
        watched.wait("file is not a database")
        store.write_bytes(whole)
        watched.wait("+ up")


def test_without_a_keyboard_it_shows_the_table_all_the_same(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    with terminal(configure.folder, has_keys=False) as watched:
        watched.wait("q quits")
        watched.process.send_signal(signal.SIGINT)
        assert watched.end() == 130


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--watch needs a terminal"),
        (["--json"], "leave out --json and --fail-on"),
        (["--fail-on", "down"], "leave out --json and --fail-on"),
    ],
)
def test_what_makes_no_sense_exits_with_2(
    configure: Configure, prober: RunProber, arguments: list[str], said: str
) -> None:
    configure()
    ran = prober("status", "--watch", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_terminal_that_can_move_no_cursor_is_none(configure: Configure) -> None:
    configure()
    with terminal(configure.folder, TERM="dumb") as watched:
        assert watched.end() == 2
        assert "--watch needs a terminal" in watched.text


class Steady:
    """Time that stands still, but for what reading takes."""

    now_s = 100.0


@dataclass
class Read:
    """Reading that counts, and takes as long as told."""

    steady: Steady
    takes_s: float = 0
    count: int = 0

    def __call__(self, stores: Sequence[Store], now_ms: int) -> StatusReport:
        if stores:
            self.count += 1
            self.steady.now_s += self.takes_s
        return StatusReport(title="Acme", location="here", generated_at_ms=now_ms)


@dataclass
class Looking:
    """A store, and whoever looks at it again and again."""

    path: Path
    steady: Steady = field(default_factory=Steady)

    def __post_init__(self) -> None:
        self.store = open_store(self.path, now_ms=T0)
        self.read = Read(self.steady)
        self.latest = Latest(self.path, self.read, FixedClock(), steady_s=lambda: self.steady.now_s)

    def looks(self, after_s: float) -> bool:
        """Say whether a look after so long reads the store."""
        before, self.steady.now_s = self.read.count, self.steady.now_s + after_s
        self.latest.refresh()
        return self.read.count > before

    def commit(self) -> None:
        self.store.write("INSERT INTO meta (name, value) VALUES ('test', hex(randomblob(8)))")


class FixedClock:
    def now_ms(self) -> int:
        return T0


@pytest.fixture
def looking(tmp_path: Path) -> Iterator[Looking]:
    looking = Looking(tmp_path / "prober.db")
    yield looking
    looking.store.close()


def test_a_store_is_read_again_only_when_it_changed_or_a_minute_has_passed(looking: Looking) -> None:
    assert looking.looks(0)
    assert not looking.looks(1)
    looking.commit()
    assert looking.looks(0)
    assert not looking.looks(59)
    assert looking.looks(1)


def test_reading_takes_no_more_than_a_tenth_of_the_time(looking: Looking) -> None:
    looking.read.takes_s = 3
    assert looking.looks(0)
    looking.commit()
    assert not looking.looks(29)
    assert looking.looks(1)


def test_what_cannot_be_read_is_tried_again_after_2_s_and_the_last_report_stays(looking: Looking) -> None:
    looking.looks(0)
    report = looking.latest.report
    looking.store.close()
    whole = looking.path.read_bytes()
    looking.path.write_bytes(b"no database")
    assert not looking.looks(0)
    assert "not a database" in (looking.latest.trouble or "")
    assert looking.latest.report is report
    looking.path.write_bytes(whole)
    assert not looking.looks(1.9)
    assert looking.looks(0.1)
    assert looking.latest.trouble is None
