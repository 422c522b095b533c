"""The same work done by others, where they are installed: curl and Prometheus' blackbox_exporter."""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio
import httpx

from bench import Figure
from bench._pace import CHECKS, FEW, HOLD_MS, all_at_once, paced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from bench.http import Target

BLACKBOX = "prometheus-blackbox-exporter"
DURATION = re.compile(r"^probe_duration_seconds (\S+)$", re.MULTILINE)
SUCCESS = "\nprobe_success 1\n"


def is_there(program: str) -> bool:
    if shutil.which(program):
        return True
    print(f"{program} is not installed: left out", file=sys.stderr)
    return False


def curl_cpu(target: Target, scheme: str) -> Iterator[Figure]:
    if not is_there("curl"):
        return
    urls = "".join(f'url = "{target.url(scheme, number)}"\noutput = "/dev/null"\n' for number in range(CHECKS))
    command = ["curl", "--silent", "--parallel", "--parallel-max", str(FEW), "--cacert", target.ca, "--config", "-"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=urls, text=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    yield Figure(name=f"CPU per {scheme} check, curl --parallel", value=spent_s * 1000 / CHECKS, unit="ms")


def blackbox_cpu(target: Target, scheme: str) -> Iterator[Figure]:
    if is_there(BLACKBOX):
        value = anyio.run(_blackbox_cpu_ms, target, scheme)
        yield Figure(name=f"CPU per {scheme} check, blackbox_exporter", value=value, unit="ms")


async def blackbox_biases(target: Target) -> list[float]:
    """Return by how many ms it reports more than the hold, at paced starts; none where it is not installed."""
    if not is_there(BLACKBOX):
        return []
    async with _Exporter.running(target) as exporter:

        async def ask(number: int) -> float:
            return await exporter.duration_ms(target.url("https", number, HOLD_MS)) - HOLD_MS

        return await paced(ask)


async def _blackbox_cpu_ms(target: Target, scheme: str) -> float:
    async with _Exporter.running(target) as exporter:

        async def ask(number: int) -> None:
            await exporter.duration_ms(target.url(scheme, number))

        await all_at_once(ask, FEW, FEW)
        before = exporter.cpu_ms()
        done = await all_at_once(ask, FEW, CHECKS)
        return (exporter.cpu_ms() - before) / done


class _Exporter:
    """A running blackbox_exporter and a client to ask it."""

    def __init__(self, client: httpx.AsyncClient, pid: int) -> None:
        self._client = client
        self._stat = Path("/proc", str(pid), "stat")

    @classmethod
    @asynccontextmanager
    async def running(cls, target: Target) -> AsyncIterator[_Exporter]:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            address = f"127.0.0.1:{unused.getsockname()[1]}"
        module = f"http: {{valid_status_codes: [200], tls_config: {{ca_file: {target.ca}}}}}"
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
            config.write(f"modules: {{bench: {{prober: http, timeout: 60s, {module}}}}}\n")
            config.flush()
            command = [BLACKBOX, f"--config.file={config.name}", f"--web.listen-address={address}"]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: ASYNC220  (nothing else runs yet)
                try:
                    async with httpx.AsyncClient(
                        base_url=f"http://{address}",
                        timeout=60,
                        trust_env=False,
                        transport=httpx.AsyncHTTPTransport(retries=5),
                    ) as client:
                        yield cls(client, process.pid)
                finally:
                    process.kill()

    async def duration_ms(self, url: str) -> float:
        text = (await self._client.get(f"/probe?module=bench&target={quote(url, safe='')}")).text
        duration = DURATION.search(text)
        if duration is None or SUCCESS not in text:
            raise RuntimeError(text)
        return float(duration[1]) * 1000

    def cpu_ms(self) -> float:
        user, system = self._stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) * 1000 / os.sysconf("SC_CLK_TCK")
