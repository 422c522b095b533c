"""The program as a process of its own, for what only a process has: signals, pipes and imports."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = (sys.executable, "-X", "dev", "-W", "error", "-m", "prober")
PLAIN = (sys.executable, "-m", "prober")  # in its development mode Python has things of its own to warn of


def run_process(
    folder: Path, *arguments: str, program: tuple[str, ...] = PROGRAM, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end; whatever Python itself has to complain about is on stderr."""
    return subprocess.run(
        [*program, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": f"{folder}/.state", **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def started(folder: Path, *arguments: str, program: tuple[str, ...] = PROGRAM) -> Iterator[subprocess.Popen[str]]:
    """Start, and end it at the latest with the block."""
    process = subprocess.Popen(
        [*program, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which ``prober`` is the program."""
    program = " ".join(PROGRAM)
    return run_process(folder, f'prober() {{ {program} "$@"; }}; {line}', program=("bash", "-o", "pipefail", "-c"))
