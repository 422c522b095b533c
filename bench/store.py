"""The store: figures 7 (the bytes that a result takes, rollups included) and 8 (durable append of a round).

A B-tree that grew in order of time is looser than a vacuumed one, so the bytes are those of a file that grew round by
round and was kept house in as it grew. Results lie together by the hour, so that a round of 2,000 probes costs the same
on any day; what an alert reads of one probe is measured beside it.
"""

from __future__ import annotations

import random
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench import Figure
from prober.adapters.store.db import open_store
from prober.adapters.store.probes import ensure_probes
from prober.adapters.store.results import append_results, last_good, last_results
from prober.app import history
from prober.app.keeping import keep_house
from prober.core.model import Outcome, Probe, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prober.adapters.store.db import Store

INTERVAL_MS = 300_000
DAY_MS = 86_400_000
BEGIN_MS = 1_790_000_000_000
LOCATION = "bench"
REPEATS = 9


def measure() -> Iterator[Figure]:
    yield from measure_small()
    yield from measure_large()


def measure_small() -> Iterator[Figure]:
    """50 probes after 30 days."""
    with new_store(probes=50) as grown:
        grown.go_on(days=30)
        yield Figure(name="append of 50 results, after 30 days", value=grown.append_ms(), unit="ms", bound=2)
        yield Figure(name="bytes a result, grown, with rollups", value=grown.bytes_a_result(), unit="B", bound=26)
        yield Figure(name="longest batch of pruning 15 days", value=grown.prune_ms(15), unit="ms")


def measure_large() -> Iterator[Figure]:
    """2,000 probes: in their first hour, and after a day."""
    with new_store(probes=2_000) as grown:
        grown.go_on(days=1 / 288)
        yield Figure(name="append of 2,000 results, new store", value=grown.append_ms(), unit="ms", bound=10)
        grown.go_on(days=1)
        yield Figure(name="append of 2,000 results, after a day", value=grown.append_ms(), unit="ms", bound=10)
        yield Figure(
            name="an alert's last results, of 2,000 probes", value=grown.fastest_ms(last_ones), unit="ms", bound=5
        )
        yield Figure(name="an alert's percentiles of a day", value=grown.fastest_ms(percentiles), unit="ms", bound=5)
        yield Figure(name="an alert's uptime", value=grown.fastest_ms(uptime), unit="ms", bound=5)


def last_ones(store: Store, now_ms: int) -> None:
    last_results(store, "p7", LOCATION, 8)
    last_good(store, "p7", LOCATION, before_ms=now_ms)


def percentiles(store: Store, now_ms: int) -> None:
    history.percentiles_of_day(store, "p7", LOCATION, now_ms)


def uptime(store: Store, now_ms: int) -> None:
    history.figures(store, "p7", now_ms)


@contextmanager
def new_store(probes: int) -> Iterator[Grown]:
    with tempfile.TemporaryDirectory() as folder:
        grown = Grown(store=open_store(Path(folder, "prober.db"), now_ms=0), probes=probes)
        yield grown
        grown.store.close()


@dataclass(kw_only=True)
class Grown:
    """A store with a history as rounds made it, one every 5 minutes, and housekeeping between them."""

    store: Store
    probes: int
    at_ms: int = BEGIN_MS

    def __post_init__(self) -> None:
        self._chance = random.Random(1)
        probes = [Probe(id=f"p{n}", name="", url="https://x/", identity="") for n in range(self.probes)]
        with self.store.transaction():
            ensure_probes(self.store, probes)

    def go_on(self, days: float) -> None:
        self.store.connection.execute("PRAGMA synchronous = OFF")
        for _ in range(round(days * 288)):
            self.append(self.next_round())
            keep_house(self.store, keep_ms=90 * DAY_MS, now_ms=self.at_ms)
        self.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.store.connection.execute("PRAGMA synchronous = FULL")

    def next_round(self) -> list[Result]:
        self.at_ms += INTERVAL_MS
        return [self._result(f"p{n}", self.at_ms + 5 * n) for n in range(self.probes)]

    def append(self, results: list[Result]) -> None:
        with self.store.transaction():
            append_results(self.store, results)

    def append_ms(self) -> float:
        """Return the median time of a round's transaction, from BEGIN to a commit that survives a power cut."""
        taken = []
        for _ in range(REPEATS):
            results = self.next_round()
            begin = time.perf_counter()
            self.append(results)
            taken.append((time.perf_counter() - begin) * 1e3)
        return median(taken)

    def fastest_ms(self, read: Callable[[Store, int], None]) -> float:
        taken = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            read(self.store, self.at_ms + INTERVAL_MS)
            taken.append((time.perf_counter() - begin) * 1e3)
        return min(taken)

    def bytes_a_result(self) -> float:
        while keep_house(self.store, keep_ms=90 * DAY_MS, now_ms=self.at_ms):
            pass
        self.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (row,) = self.store.rows("SELECT count(*) AS results FROM results")
        return self.store.path.stat().st_size / int(row["results"])

    def prune_ms(self, kept_days: int) -> float:
        """Return the longest that a round would have to wait while results of more than some days go."""
        taken, is_untidy = [], True
        while is_untidy:
            begin = time.perf_counter()
            is_untidy = keep_house(self.store, keep_ms=kept_days * DAY_MS, now_ms=self.at_ms)
            taken.append((time.perf_counter() - begin) * 1e3)
        return max(taken)

    def _result(self, probe_id: str, at_ms: int) -> Result:
        return Result(
            probe_id=probe_id,
            location=LOCATION,
            at_ms=at_ms + self._chance.randrange(5),
            outcome=Outcome.OK,
            status=200,
            latency_us=self._chance.randrange(20_000, 300_000),
            clock="kernel",
            family="ipv4",
            interval_ms=INTERVAL_MS,
        )
