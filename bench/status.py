"""``prober status``: figure 6, over 50 probes that were checked every 5 minutes for 90 days."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Figure
from bench.store import DAY_MS, LOCATION, Grown
from prober.adapters.config import load_config
from prober.adapters.store.db import open_reader, open_store
from prober.app.report import report_status

if TYPE_CHECKING:
    from collections.abc import Iterator


PROBES, DAYS = 50, 90
REPEATS = 15


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "probes.toml")
        lines = [f'location = "{LOCATION}"']
        for number in range(PROBES):
            lines += [f"[probe.p{number}]", 'url = "https://x.example/"']
        path.write_text("\n".join(lines))
        now_ms = round(time.time() * 1000)
        with closing(open_store(path.with_name("prober.db"), now_ms=now_ms)) as store:
            Grown(store=store, probes=PROBES, at_ms=now_ms - DAYS * DAY_MS).go_on(days=DAYS)
        yield Figure(name="status, exec to exit", value=fastest_s(path, "status"), unit="s", bound=0.25)
        yield Figure(name="status --json, exec to exit", value=fastest_s(path, "status", "--json"), unit="s")
        for name, is_brief, bound in (
            ("its reading, for the table", True, 20),
            ("its reading, for --json", False, None),
        ):
            yield Figure(name=name, value=reading_ms(path, now_ms, is_brief=is_brief), unit="ms", bound=bound)


def fastest_s(path: Path, *command: str) -> float:
    taken = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "prober", "-c", path, *command], check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begin)
    return min(taken)


def reading_ms(path: Path, now_ms: int, *, is_brief: bool) -> float:
    config = load_config(path, environ={}, host_name=LOCATION)
    store = open_reader(path.with_name("prober.db"))
    assert store
    taken = []
    with closing(store):
        for _ in range(REPEATS):
            begin = time.perf_counter()
            report_status(store, config, config.probes, now_ms=now_ms, is_brief=is_brief)
            taken.append((time.perf_counter() - begin) * 1e3)
    return min(taken)
