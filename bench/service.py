"""The service: figures 4 and 9, what watching costs (2,000 HTTPS probes every 5 minutes, and 50 of them).

Two scenarios. In compressed time the intervals are a tenth, so that a few minutes hold as many checks as most of an
hour; the share of a core is a tenth of what was spent. In real time (``SERVICE_MINUTES``, 3 by default) the intervals
are the true ones, after a minute to settle.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Figure
from bench.http import raise_descriptors, running_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.http import Target

MANY, FEW = 2_000, 50
HELD_MS = 50
COMPRESSED_S = 60.0
SETTLE_S = 35.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def measure() -> Iterator[Figure]:
    raise_descriptors()
    real_s = 60 * float(os.environ.get("SERVICE_MINUTES", "3"))
    with running_target() as target, tempfile.TemporaryDirectory() as folder:
        share, mib = watched(target, Path(folder, "compressed"), MANY, interval="30s", for_s=COMPRESSED_S)
        name = f"{MANY} https probes"
        yield Figure(name=f"{name}, compressed time: share of a core", value=share / 10, unit="%", bound=1)
        yield Figure(name=f"{name}, compressed time: memory", value=mib, unit="MiB", bound=70)
        share, mib = watched(target, Path(folder, "real"), MANY, interval="5m", for_s=real_s)
        yield Figure(name=f"{name}, real time: share of a core", value=share, unit="%", bound=1)
        yield Figure(name=f"{name}, real time: memory", value=mib, unit="MiB", bound=70)
        share, mib = watched(target, Path(folder, "few"), FEW, interval="30s", for_s=COMPRESSED_S / 2)
        yield Figure(name=f"{FEW} https probes: share of a core", value=share / 10, unit="%")
        yield Figure(name=f"{FEW} https probes: memory", value=mib, unit="MiB", bound=60)


def watched(target: Target, folder: Path, probes: int, *, interval: str, for_s: float) -> tuple[float, float]:
    """Return the share of a core in percent and the resident memory in MiB of a service, once it has settled."""
    configure(folder, target, probes, interval)
    with serving(folder) as pid:
        time.sleep(SETTLE_S)
        spent, began = cpu_s(pid), time.monotonic()
        time.sleep(for_s)
        return 100 * (cpu_s(pid) - spent) / (time.monotonic() - began), resident_mib(pid)


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen([sys.executable, "-m", "prober", "serve"], cwd=folder, stderr=log)
        try:
            yield service.pid
        finally:
            service.terminate()
            service.wait(20)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def configure(folder: Path, target: Target, probes: int, interval: str) -> None:
    folder.mkdir()
    lines = ["[defaults]", f'interval = "{interval}"', f'ca = "{target.ca}"']
    for number in range(probes):
        lines += [f"[probe.p{number}]", f'url = "{target.url("https", number, HELD_MS)}"']
    Path(folder, "probes.toml").write_text("\n".join(lines))
