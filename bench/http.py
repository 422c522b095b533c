"""The checker: figures 1 (bias of the response time), 3 and 4 (CPU per check), raced against others in the same run.

The target (`bench._target`) is a process of its own that says how long it really took. Every check is a new
connection, and each of the checks in flight goes to an origin of its own: an address of 127.0.0.0/8.
"""

from __future__ import annotations

import resource
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import anyio
import certifi
import httpx
import trustme

from bench import Figure
from bench._pace import CHECKS, FEW, HOLD_MS, STARTS_PER_S, all_at_once, paced
from bench._rivals import blackbox_biases, blackbox_cpu, curl_cpu
from prober.adapters.http import HttpChecker
from prober.core.model import Probe
from prober.core.schedule import SERVICE_PACE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

MANY = 2_000
REPEATS = 3
DESCRIPTORS = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the target listens, and a file with the root that signed its certificate."""

    ports: dict[str, int]
    ca: str

    def url(self, scheme: str, number: int, hold_ms: int = 0) -> str:
        return f"{scheme}://127.0.0.{1 + number % FEW}:{self.ports[scheme]}/{hold_ms}"


def measure() -> Iterator[Figure]:
    raise_descriptors()
    with running_target() as target:
        yield from measure_bias(target)
        yield from measure_cpu(target)
        yield from measure_many(target)


def measure_bias(target: Target) -> Iterator[Figure]:
    """How much more than the target's own time is reported, at paced starts: of figure 1, and of a service."""
    for starts_per_s in (STARTS_PER_S, 1000 // SERVICE_PACE_MS):
        for name, kernel_stamps, bound in (("kernel clock", True, 2), ("portable", False, 10)):
            biases = anyio.run(paced_biases, target, kernel_stamps, starts_per_s)
            yield from _bias_figures(name, biases, bound, starts_per_s)
    yield from _bias_figures("plain httpx", anyio.run(plain_biases, target), None)
    if biases := anyio.run(blackbox_biases, target):
        # It hands on no header of the answer, so the target's time for TLS cannot be taken off its figure.
        yield from _bias_figures("blackbox_exporter and the target's TLS", biases, None)


def _bias_figures(
    name: str, biases_ms: list[float], bound: float | None, starts_per_s: int = STARTS_PER_S
) -> Iterator[Figure]:
    cuts = quantiles(biases_ms, n=100)
    title = f"bias at {starts_per_s} https starts/s, {name}"
    yield Figure(name=f"{title}, p50", value=cuts[49], unit="ms")
    yield Figure(name=f"{title}, p99", value=cuts[98], unit="ms", bound=bound)


async def paced_biases(target: Target, kernel_stamps: bool, starts_per_s: int) -> list[float]:
    async with HttpChecker(now_ms=lambda: 0, kernel_stamps=kernel_stamps) as checker:

        async def ask(number: int) -> float:
            facts = await checker.check(probe(target, "https", number, HOLD_MS))
            if facts.failure is not None:
                raise RuntimeError(facts.failure_detail)
            return (facts.phases.latency_us - int(dict(facts.headers)["x-spent-us"])) / 1000

        return await paced(ask, starts_per_s)


async def plain_biases(target: Target) -> list[float]:
    async with plain_client(target) as client:

        async def ask(number: int) -> float:
            began = time.perf_counter()
            response = await client.get(target.url("https", number, HOLD_MS))
            return (time.perf_counter() - began) * 1000 - int(response.headers["x-spent-us"]) / 1000

        return await paced(ask)


def measure_cpu(target: Target) -> Iterator[Figure]:
    """CPU per check, warm, with `FEW` in flight."""
    for scheme, bound in (("http", 0.6), ("https", 0.8)):
        ours, plain = [], []
        for _ in range(REPEATS):
            ours.append(anyio.run(our_cpu_ms, target, scheme, FEW, CHECKS))
            plain.append(anyio.run(plain_cpu_ms, target, scheme))
        yield Figure(name=f"CPU per {scheme} check", value=min(ours), unit="ms")
        yield Figure(name=f"CPU per {scheme} check, plain httpx", value=min(plain), unit="ms")
        yield from curl_cpu(target, scheme)
        yield from blackbox_cpu(target, scheme)
        yield Figure(name=f"CPU per {scheme} check / plain httpx", value=min(ours) / min(plain), unit="x", bound=bound)


def measure_many(target: Target) -> Iterator[Figure]:
    """CPU per check with thousands in flight."""
    few = min(anyio.run(our_cpu_ms, target, "https", FEW, MANY) for _ in range(2))
    many = min(anyio.run(our_cpu_ms, target, "https", MANY, MANY) for _ in range(2))
    yield Figure(name=f"CPU per https check, {MANY} in flight", value=many, unit="ms")
    yield Figure(name=f"CPU per https check, {MANY} in flight / {FEW}", value=many / few, unit="x", bound=1.3)


async def our_cpu_ms(target: Target, scheme: str, in_flight: int, checks: int) -> float:
    probes = [probe(target, scheme, number) for number in range(in_flight)]
    async with HttpChecker(now_ms=lambda: 0, max_in_flight=in_flight) as checker:

        async def ask(number: int) -> None:
            facts = await checker.check(probes[number])
            if facts.failure is not None:
                raise RuntimeError(facts.failure_detail)

        return await cpu_ms(ask, in_flight, checks)


async def plain_cpu_ms(target: Target, scheme: str) -> float:
    urls = [target.url(scheme, number) for number in range(FEW)]
    async with plain_client(target) as client:

        async def ask(number: int) -> None:
            (await client.get(urls[number])).raise_for_status()

        return await cpu_ms(ask, FEW, CHECKS)


async def cpu_ms(ask: Callable[[int], Coroutine[Any, Any, None]], in_flight: int, checks: int) -> float:
    for _ in range(20):
        await ask(0)
    begin = time.process_time()
    done = await all_at_once(ask, in_flight, checks)
    return (time.process_time() - begin) * 1000 / done


def probe(target: Target, scheme: str, number: int, hold_ms: int = 0) -> Probe:
    url = target.url(scheme, number, hold_ms)
    return Probe(id="bench", name="bench", url=url, identity="", ca=target.ca, timeout_ms=60_000)


def plain_client(target: Target) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_verify_locations(target.ca)
    return httpx.AsyncClient(verify=context, timeout=60, trust_env=False)


@contextmanager
def running_target() -> Iterator[Target]:
    authority = trustme.CA()
    leaf = authority.issue_cert(*(f"127.0.0.{1 + number}" for number in range(FEW)))
    with tempfile.TemporaryDirectory() as folder:
        ca, certificate = Path(folder, "ca.pem"), Path(folder, "target.pem")
        authority.cert_pem.write_to_path(ca)
        leaf.private_key_and_cert_chain_pem.write_to_path(certificate)
        command = [sys.executable, "-m", "bench._target", str(certificate)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ports = {scheme: int(process.stdout.readline()) for scheme in ("http", "https")}
            yield Target(ports=ports, ca=str(ca))
            process.kill()


def raise_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))


if __name__ == "__main__":
    from bench.__main__ import main

    sys.exit(main(["http"]))
