"""The store: figure 8 (durable append of a round), and the bytes that a result takes.

A B-tree that grew in order of time is looser than a vacuumed one, so the bytes are those of the grown file. Results
lie together by probe, which is what reading wants. So with 2,000 probes each result of a round comes to lie in a page
of its own after some hours, and a round then costs the writing of 2,000 pages: that figure has no bound, and stands
beside the one of a new store.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench import Figure
from prober.adapters.store.db import open_store
from prober.adapters.store.probes import ensure_probes
from prober.adapters.store.results import append_results, observations
from prober.core.model import Outcome, Probe, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.adapters.store.db import Store

INTERVAL_MS = 300_000
BEGIN_MS = 1_790_000_000_000
ROUNDS = 9


def measure() -> Iterator[Figure]:
    yield from measure_small()
    yield from measure_large()


def measure_small() -> Iterator[Figure]:
    """50 probes after 30 days."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "prober.db")
        store, history = grown(path, probes=50, rounds=30 * 288)
        yield Figure(name="append of 50 results, after 30 days", value=append_ms(store, history), unit="ms", bound=2)
        begin = time.perf_counter()
        seen = observations(store, "p0", since_ms=0)["bench"]
        yield Figure(name="30 days of one probe read", value=(time.perf_counter() - begin) * 1e3, unit="ms")
        store.close()
        stored = len(seen) * 50
        yield Figure(name="bytes a result, grown", value=path.stat().st_size / stored, unit="B", bound=26)


def measure_large() -> Iterator[Figure]:
    """2,000 probes: in their first hour, and after a day."""
    with tempfile.TemporaryDirectory() as folder:
        store, history = grown(Path(folder, "prober.db"), probes=2_000, rounds=1)
        yield Figure(name="append of 2,000 results, new store", value=append_ms(store, history), unit="ms", bound=10)
        store.close()
    with tempfile.TemporaryDirectory() as folder:
        store, history = grown(Path(folder, "prober.db"), probes=2_000, rounds=288)
        yield Figure(name="append of 2,000 results, after a day", value=append_ms(store, history), unit="ms")
        store.close()


def grown(path: Path, *, probes: int, rounds: int) -> tuple[Store, Iterator[list[Result]]]:
    """Return a store with a history, as rounds made it, and the rounds that go on from there."""
    store = open_store(path, now_ms=0)
    history = all_rounds(probes)
    store.connection.execute("PRAGMA synchronous = OFF")
    with store.transaction():
        ensure_probes(store, [Probe(id=f"p{n}", name="", url="https://x/", identity="") for n in range(probes)])
    for _ in range(rounds):
        with store.transaction():
            append_results(store, next(history))
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.connection.execute("PRAGMA synchronous = FULL")
    return store, history


def all_rounds(probes: int) -> Iterator[list[Result]]:
    chance = random.Random(1)
    at_ms = BEGIN_MS
    while True:
        at_ms += INTERVAL_MS
        yield [one_result(f"p{n}", at_ms + 5 * n, chance) for n in range(probes)]


def one_result(probe_id: str, at_ms: int, chance: random.Random) -> Result:
    return Result(
        probe_id=probe_id,
        location="bench",
        at_ms=at_ms + chance.randrange(5),
        outcome=Outcome.OK,
        status=200,
        latency_us=chance.randrange(20_000, 300_000),
        clock="kernel",
        family="ipv4",
    )


def append_ms(store: Store, history: Iterator[list[Result]]) -> float:
    """Return the median time of a round's transaction, from BEGIN to a commit that survives a power cut."""
    taken = []
    for _ in range(ROUNDS):
        results = next(history)
        begin = time.perf_counter()
        with store.transaction():
            append_results(store, results)
        taken.append((time.perf_counter() - begin) * 1e3)
    return median(taken)
