"""The command: figures 2 (no false "slow" in one run over 500 probes) and 5 (a run from exec to exit)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Figure
from bench.http import raise_descriptors, running_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.http import Target

NEAR_LIMIT_MS = 950
MANY = 500
FEW = 5
REPEATS = 7
# What the parent knows of a child's peak begins with its own, at the fork.
TELLS_ITS_PEAK = """
import atexit, sys
peak = lambda: next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
atexit.register(lambda: print(peak(), file=sys.stderr))
from prober.__main__ import main
main()
"""


def measure() -> Iterator[Figure]:
    raise_descriptors()
    with running_target() as target, tempfile.TemporaryDirectory() as folder:
        yield from measure_short_runs(target, Path(folder, "few"))
        yield from measure_false_slow(target, Path(folder, "many"))


def measure_short_runs(target: Target, folder: Path) -> Iterator[Figure]:
    """A run of 5 HTTPS probes with configuration, store and rules, after a first one that made the store."""
    configure(folder, target, FEW, hold_ms=0)
    run(folder)
    walls = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run(folder)
        walls.append(time.perf_counter() - began)
    yield Figure(name=f"run of {FEW} https probes, exec to exit", value=min(walls), unit="s", bound=0.35)
    command = [sys.executable, "-c", TELLS_ITS_PEAK, "-q", "run"]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    yield Figure(name="its peak memory", value=int(done.stderr.split()[-1]) / 1024, unit="MiB", bound=60)


def measure_false_slow(target: Target, folder: Path) -> Iterator[Figure]:
    """A run of 500 HTTPS probes of a target that answers within the limit of 1 s, but only just."""
    configure(folder, target, MANY, hold_ms=NEAR_LIMIT_MS)
    results = run(folder)["results"]
    assert len(results) == MANY
    worst_ms = max(result["latency_ms"] or 0 for result in results)
    not_ok = sum(result["outcome"] != "ok" for result in results)
    yield Figure(name=f"checks not ok of {MANY} at {NEAR_LIMIT_MS} ms", value=not_ok, unit="checks", bound=0)
    yield Figure(name="the slowest of them", value=worst_ms, unit="ms")


def configure(folder: Path, target: Target, probes: int, hold_ms: int) -> None:
    folder.mkdir()
    lines = ["[defaults]", 'interval = "5m"', f'ca = "{target.ca}"']
    for number in range(probes):
        lines += [f"[probe.p{number}]", f'url = "{target.url("https", number, hold_ms)}"']
    Path(folder, "probes.toml").write_text("\n".join(lines))


def run(folder: Path) -> dict[str, list[dict[str, float | str]]]:
    command = [sys.executable, "-m", "prober", "-q", "run", "--json"]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    ran: dict[str, list[dict[str, float | str]]] = json.loads(done.stdout)
    return ran
