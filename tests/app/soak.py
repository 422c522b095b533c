"""Let the running service watch a network that flaps, and see that it holds no more in the end than in the beginning.

Its targets refuse, hang, reset, crawl and talk nonsense; now and then everything is silent at once. The mail server is
away, slow or puts off. The configuration is read anew, valid or not, and people look at the status and acknowledge
incidents meanwhile. Memory, descriptors, threads and tasks are sampled all the time.

``python -m tests.app.soak --minutes 60 [--seed N]``. A control lives beside it for a short time, in which each check
leaves something behind, and must be found out. What came of both is printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prober.adapters.clock import SystemClock
from tests.app.kill_service import FED, PROBER, READY, ROOT, Manager, all_faults
from tests.app.kill_truth import Truth
from tests.app.soak_samples import floors, sample
from tests.app.soak_targets import SILENT, TROUBLES, Network, run_doors
from tests.app.soak_world import LONG, MORE, SHORT, WRONG, Size, configured
from tests.servers.sink import CLOSED, CUTTING, FINE, GREYLISTING, SLOW, Sink, run_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = (sys.executable, "-m", "tests.app.soak_program")
MAIL: Final = (FINE, FINE, FINE, SLOW, GREYLISTING, CUTTING, CLOSED)
START_S: Final = 60
STOPPED_S: Final = 10
HUNGRY_S: Final = 30
COMMAND_S: Final = 60
USUAL: Final = "usual.toml"  # for commands, which want a valid file at any time
SAMPLES_PER_WORD: Final = 60
WRONG_USAGE: Final = 2
LEAST_LONG_MIN: Final = 5
OUTCOMES: Final = "SELECT coalesce(reason, outcome), count(*) FROM v_results GROUP BY 1 ORDER BY 1"
OUR_FAULTS: Final = {"internal", "descriptors"}


@dataclass(slots=True, kw_only=True)
class Soak:
    """A service, what is done to it, and what is seen of it. ``hunger_s`` is the longest that no watchdog was fed."""

    path: Path
    manager: Manager
    sink: Sink
    chance: random.Random
    size: Size
    samples: list[dict[str, int]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    hunger_s: float = 0
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Let it serve for as long as its size says, and stop it."""
        self.manager.start()
        if not self.manager.hears(READY, within_s=START_S):
            self.broken.append("it did not start")
        with ThreadPoolExecutor() as pool:
            beside = [pool.submit(self._listen), pool.submit(self._bother)]
            self._sample()
            self.is_over.set()
            self.manager.signal(signal.SIGTERM)
            for each in beside:
                each.result()
        if (code := self.manager.kill()) != 0:
            self.broken.append(f"it ended with {code}")

    def judge(self) -> dict[str, Any]:
        """Return what was seen, and what is wrong."""
        expected = ("reload failed", f"{self.path.name}:")
        faults = [line for line in all_faults(self.manager.log) if not any(each in line for each in expected)]
        with closing(sqlite3.connect(self.path.with_name("prober.db"))) as connection:
            outcomes: dict[str, int] = dict(connection.execute(OUTCOMES))
            damage = [row[0] for row in connection.execute("PRAGMA integrity_check") if row != ("ok",)]
            damage += [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
        hungry = [f"no watchdog was fed for {self.hunger_s:.0f} s"] if self.hunger_s > HUNGRY_S else []
        ours = [f"{outcomes[each]} checks were {each}" for each in OUR_FAULTS & outcomes.keys()]
        judged = floors(self.samples, memory_kib=self.size.memory_kib)
        return {
            "samples": len(self.samples),
            "floors": {name: asdict(floor) for name, floor in judged.items()},
            "growing": [name for name, floor in judged.items() if floor.grows],
            "done": self.done,
            "outcomes": outcomes,
            "mails": len(self.sink.all_taken()),
            "hunger_s": round(self.hunger_s, 1),
            "broken": self.broken + faults + damage + hungry + ours,
        }

    def _listen(self) -> None:
        fed_at = time.monotonic()
        for word in self.manager.hear(self.size.seconds + COMMAND_S + STOPPED_S):
            self.hunger_s = max(self.hunger_s, time.monotonic() - fed_at)
            if word == FED:
                fed_at = time.monotonic()
        self.hunger_s = max(self.hunger_s, time.monotonic() - fed_at)

    def _sample(self) -> None:
        ends_at = time.monotonic() + self.size.seconds
        while time.monotonic() < ends_at and self.manager.is_running:
            self.samples.append(sample(self.manager, self.path.with_name("tasks")))
            if len(self.samples) % SAMPLES_PER_WORD == 0:
                print(self.samples[-1], file=sys.stderr, flush=True)  # noqa: T201
            time.sleep(self.size.sample_every_s)

    def _bother(self) -> None:
        usual = self.path.read_text()
        reloads = cycle((usual + MORE, usual + WRONG, usual))
        acts = cycle((lambda: self._reload(next(reloads)), self._change_mail, self._look, self._acknowledge))
        while not self.is_over.wait(self.size.act_every_s):
            next(acts)()

    def _look(self) -> None:
        self._command("status", "--json")

    def _acknowledge(self) -> None:
        found = self._command("incidents", "list", "--open", "--json")
        numbers = [each["number"] for each in json.loads(found)["incidents"]] if found else []
        if numbers:
            self._command("incidents", "ack", str(self.chance.choice(numbers)), "--by", "ann", may_end_with=WRONG_USAGE)

    def _reload(self, text: str) -> None:
        self.path.write_text(text)
        self.manager.signal(signal.SIGHUP)
        self.done["reload"] += 1

    def _change_mail(self) -> None:
        self.sink.put_into(self.chance.choice(MAIL))
        self.done["mail"] += 1

    def _command(self, *words: str, may_end_with: int = 0) -> str:
        command = [*PROBER, "--config", str(self.path.with_name(USUAL)), *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_S, check=False)
        self.done[" ".join(words[:2])] += 1
        if done.returncode not in {0, may_end_with}:
            self.broken.append(f"{words} ended with {done.returncode}: {done.stderr}")
        return done.stdout


@contextmanager
def built(size: Size, seed: int, **environ: str) -> Iterator[Soak]:
    """Make a world around a service. Forks: call it before there are threads."""
    begin_ms = SystemClock().now_ms()
    network = Network(
        doors=Truth(seed, begin_ms=begin_ms, calm_s=size.calm_s, troubles=TROUBLES),
        blackouts=Truth(seed, begin_ms=begin_ms, calm_s=size.calm_s * 2, troubles=[SILENT]),
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path, sink = folder / "probes.toml", stack.enter_context(run_sink(folder, many_at_once=True))
        usual = configured(size, stack.enter_context(run_doors(network, size.doors())), sink.port)
        for each in (path, folder / USUAL):
            each.write_text(usual)
        command = [*PROGRAM, "--config", str(path), "--log-format", "json", "serve"]
        manager = stack.enter_context(Manager(folder, command, SOAK_TASKS=str(folder / "tasks"), **environ))
        yield Soak(path=path, manager=manager, sink=sink, chance=random.Random(seed), size=size)


def main() -> None:
    parser = argparse.ArgumentParser(description="Let the service watch a network that flaps.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    size = replace(LONG if asked.minutes >= LEAST_LONG_MIN else SHORT, seconds=asked.minutes * 60)
    with (
        built(size, asked.seed) as soak,
        built(SHORT, asked.seed, SOAK_LEAKS="1") as leaking,
        ThreadPoolExecutor() as both,
    ):
        list(both.map(Soak.run, (soak, leaking)))
        findings, control = soak.judge(), leaking.judge()
    control = {"growing": control["growing"], "floors": control["floors"]}
    print(json.dumps({"seed": asked.seed, "findings": findings, "control": control}, indent=2))  # noqa: T201
    sys.exit(bool(findings["growing"] or findings["broken"]) or len(control["growing"]) < len(control["floors"]))


if __name__ == "__main__":
    main()
