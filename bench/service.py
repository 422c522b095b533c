"""The service: figures 4 and 9, what watching costs (2,000 HTTPS probes every 5 minutes, and 50 of them).

Its checks are far apart, so every one finds the caches cold and costs about twice of what it costs in a row; by how
much depends on the machine. So its CPU is held against that of plain httpx, which asks the same targets at the same
times in the same run and judges and keeps nothing. The bound of figure 9, 1 % of a core, is 1.5 ms a check, where one
of plain httpx took 1.65 ms: 0.9 of it.

Two scenarios. In compressed time the intervals are a tenth, so that six minutes hold as many checks as an hour, after
which memory is measured; the share of a core is a tenth of what was spent. In real time (``SERVICE_MINUTES``, 3 by
default) the intervals are the true ones. All probes have been checked once before, and the service gets half a minute
to settle.
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

import anyio

from bench import Figure
from bench.http import plain_client, raise_descriptors, running_target
from prober.core.model import Probe
from prober.core.schedule import SERVICE_PACE_MS, next_slot_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.http import Target

MANY, FEW = 2_000, 50
HELD_MS = 50
COMPRESSED_S = 330.0
SETTLE_S = 35.0
INTERVAL_MS = 300_000
COMPRESSION = 10
CHECKS_PER_S = MANY * 1000 / INTERVAL_MS
PLAIN_BOUND = 0.9
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def measure() -> Iterator[Figure]:
    raise_descriptors()
    real_s = 60 * float(os.environ.get("SERVICE_MINUTES", "3"))
    with running_target() as target, tempfile.TemporaryDirectory() as folder:
        yield from measure_many(target, Path(folder), "compressed", COMPRESSED_S, COMPRESSION)
        yield from measure_many(target, Path(folder), "real", real_s, 1)
        share, mib = watched(target, Path(folder, "few"), made_probes(target, FEW, COMPRESSION), COMPRESSED_S)
        yield Figure(name=f"{FEW} https probes: share of a core", value=share / COMPRESSION, unit="%")
        yield Figure(name=f"{FEW} https probes: memory", value=mib, unit="MiB", bound=60)


def measure_many(target: Target, folder: Path, kind: str, for_s: float, compression: int) -> Iterator[Figure]:
    name = f"{MANY} https probes, {kind} time"
    probes = made_probes(target, MANY, compression)
    share, mib = watched(target, folder / kind, probes, for_s)
    ours_ms = share * 10 / (CHECKS_PER_S * compression)
    plain_ms = anyio.run(plain_ms_a_check, target, probes, for_s)
    yield Figure(name=f"{name}: share of a core", value=share / compression, unit="%")
    yield Figure(name=f"{name}: CPU a check", value=ours_ms, unit="ms")
    yield Figure(name=f"{name}: CPU a check, plain httpx", value=plain_ms, unit="ms")
    yield Figure(name=f"{name}: CPU a check / plain httpx", value=ours_ms / plain_ms, unit="x", bound=PLAIN_BOUND)
    yield Figure(name=f"{name}: memory", value=mib, unit="MiB", bound=70)


def watched(target: Target, folder: Path, probes: Sequence[Probe], for_s: float) -> tuple[float, float]:
    """Return the share of a core in percent and the resident memory in MiB of a service, once it has settled."""
    configure(folder, target, probes)
    subprocess.run([sys.executable, "-m", "prober", "run"], cwd=folder, check=True, capture_output=True)
    with serving(folder) as pid:
        time.sleep(SETTLE_S)
        spent, began = cpu_s(pid), time.monotonic()
        time.sleep(for_s)
        return 100 * (cpu_s(pid) - spent) / (time.monotonic() - began), resident_mib(pid)


async def plain_ms_a_check(target: Target, probes: Sequence[Probe], for_s: float) -> float:
    """Return the CPU time of one request of a shared httpx client, sent when a service would start its checks."""
    slots_ms = sorted((next_slot_ms(probe, 0), number) for number, probe in enumerate(probes))
    due = [(slot_ms / 1000, probes[number].url) for slot_ms, number in slots_ms if slot_ms < for_s * 1000]
    async with plain_client(target) as client:

        async def ask(url: str) -> None:
            (await client.get(url)).raise_for_status()

        for _, url in due[:20]:
            await ask(url)
        spent, began = time.process_time(), anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for due_s, url in due:
                await anyio.sleep_until(began + due_s)
                tasks.start_soon(ask, url)
                await anyio.sleep(SERVICE_PACE_MS / 1000)
        return (time.process_time() - spent) * 1000 / len(due)


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


def made_probes(target: Target, count: int, compression: int) -> list[Probe]:
    return [
        Probe(
            id=f"p{number}",
            name="",
            url=target.url("https", number, HELD_MS),
            identity="",
            interval_ms=INTERVAL_MS // compression,
        )
        for number in range(count)
    ]


def configure(folder: Path, target: Target, probes: Sequence[Probe]) -> None:
    folder.mkdir()
    lines = ["[defaults]", f'interval = "{probes[0].interval_ms // 1000}s"', f'ca = "{target.ca}"']
    for probe in probes:
        lines += [f"[probe.{probe.id}]", f'url = "{probe.url}"']
    Path(folder, "probes.toml").write_text("\n".join(lines))
