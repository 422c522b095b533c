"""Kill the running service at random moments, and see that people are told neither too little, nor too much.

The real program watches targets whose troubles a seed decides, and mails about them to a server that is slow, puts off,
hangs up or is away now and then. It is killed while it starts, while it runs and while it stops, and started again at
once. At last all is well. When nothing waits any more, the store must hold what the rules make of its own results,
these must be what really was, and the mail server must have what the store says and nothing else.

``python -m tests.app.kill --kills 1000 [--seed N]``. Several worlds share the kills. In one more lives a control, which
marks an alert as sent before it sends it, and must be found out. What came of all is printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prober.adapters.clock import SystemClock
from prober.adapters.config import load_config
from prober.adapters.store.db import open_reader
from tests.app.crash import MEMORY
from tests.app.crash_findings import Findings, is_merged
from tests.app.kill_findings import Sight, all_told, all_wrong
from tests.app.kill_service import PROBER, READY, Manager, all_faults
from tests.app.kill_truth import Truth, run_targets
from tests.servers.sink import CLOSED, CUTTING, FINE, GREYLISTING, SLOW, Sink, run_sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PROBES: Final = 12
MOODS: Final = {FINE: 70, SLOW: 15, GREYLISTING: 5, CUTTING: 5, CLOSED: 5}
# Few hit a service that stops: it hands over all that it held back, and so most of the repeats would come from these.
MOMENTS: Final = {"starting": 15, "running": 80, "stopping": 5}
# In a short run nothing is put off, for there is no time to wait for it, and everything is to happen.
SHORT_MOODS: Final = {FINE: 80, SLOW: 20}
SHORT_MOMENTS: Final = {"starting": 20, "running": 50, "stopping": 30}
LEAST_LONG: Final = 100
KILLS_PER_MOOD: Final = 5
CALM_S: Final = 40
START_S: Final = 60
STARTING_S: Final = 0.6
STOPPING_S: Final = 0.3
STOPPED_S: Final = 10
WELL_S: Final = 900
REPEATS_PER_MAIL: Final = 0.001
REPEATS_BY_CHANCE: Final = 2  # prove nothing in a short run
CONTROL_KILLS: Final = 12
CONTROL_LIFE_S: Final = 0.7

MARKS_FIRST: Final = """
import prober.__main__, prober.app.service, tests.app.crash
prober.app.service.Delivery = tests.app.crash.MarksFirst
prober.__main__.main()
"""

HEAD: Final = """
location = "here"
[defaults]
interval = "1s"
timeout = "300ms"
recheck = "300ms"
failures = 2
recoveries = 2
slow = "100ms"
slow_checks = 2
[connectivity]
urls = ["http://127.0.0.1:{web}/connectivity"]
"""
PROBE: Final = """
[probe.{name}]
url = "http://127.0.0.1:{web}/{name}"
tags = ["{name}"]
"""
CHANNEL: Final = """
[alert.{name}]
kind = "email"
to = {to}
from = "prober@acme.example"
server = "127.0.0.1"
port = {mail}
security = "none"
tags = {tags}
"""


def configured(*, web: int, mail: int) -> str:
    """Return a configuration: two people for each probe, and one who hears of all."""
    names = [f"p{number}" for number in range(PROBES)]
    parts = [HEAD.format(web=web), CHANNEL.format(name="chief", to=["chief@acme.example"], mail=mail, tags=[])]
    for name in names:
        to = [f"{name}@acme.example", f"{name}-too@acme.example"]
        parts += [PROBE.format(name=name, web=web), CHANNEL.format(name=name, to=to, mail=mail, tags=[name])]
    return "".join(parts)


@dataclass(slots=True, kw_only=True)
class Harness:
    """One world: targets, a mail server, and a service that dies in it over and over.

    ``life_s`` is how long it usually runs. ``killed`` counts at what it was killed, ``stopped`` how often it had ended
    before that.
    """

    path: Path
    manager: Manager
    sink: Sink
    truth: Truth
    chance: random.Random
    moods: Mapping[str, int]
    moments: Mapping[str, int]
    kills: int
    life_s: float
    killed: Counter[str] = field(default_factory=Counter)
    stopped: int = 0
    broken: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Kill as often as asked, then let all be well until nothing waits; give up at once where it ends by itself."""
        while self.killed.total() < self.kills and not self.broken:
            if self.chance.randrange(KILLS_PER_MOOD) == 0:
                self.sink.put_into(self._any_of(self.moods))
            self._live(self._any_of(self.moments))
        self.sink.put_into(FINE)
        self.truth.finish(SystemClock().now_ms())
        self._run_until(self._is_well)
        if not self._is_drained():
            self._run_until(self._is_drained)

    def judge(self, findings: Findings) -> Counter[str]:
        """Add to the findings what is wrong, and return what it was all about."""
        findings.broken += [*self.broken, *all_faults(self.manager.log)]
        if not self._store.exists():
            return self.killed
        config = load_config(self.path, environ={}, host_name="here")
        told, sight, taken = all_told(self._store, config), Sight(), self.sink.all_taken()
        findings.judge(self.path.parent.name, told, taken, kills=self.kills)
        findings.broken += all_wrong(self._store, config, self.truth, sight)
        findings.broken += [f"{each.name} was set aside" for each in self.path.parent.glob("*.corrupt-*")]
        mails = {mail.content: mail for mail in taken}
        return self.killed + Counter(
            stopped=self.stopped,
            mails=len(mails),
            cut=sum(mail.is_cut for mail in taken),
            several=sum(b"X-Prober-Event: several" in each for each in mails),
            merged=sum(map(is_merged, mails.values())),
            told=len(told),
            **asdict(sight),
        )

    def _live(self, moment: str) -> None:
        self.manager.start()
        if moment == "starting":
            if self.manager.hears(READY, within_s=self.chance.uniform(0, STARTING_S)):
                moment = "running"
        else:
            if not self.manager.hears(READY, within_s=START_S):
                self.broken.append("it did not start")
            self._pass(self.chance.expovariate(1 / self.life_s))
        if moment == "stopping":
            self.manager.signal(signal.SIGTERM)
            self._pass(self.chance.uniform(0, STOPPING_S))
        self._count(moment, self.manager.kill())

    def _count(self, moment: str, code: int) -> None:
        if code == -signal.SIGKILL:
            self.killed[moment] += 1
            if self.killed.total() % 50 == 0:
                print(f"{self.path.parent.name}: {self.killed.total()} kills", file=sys.stderr, flush=True)  # noqa: T201
        elif code == 0 and moment == "stopping":
            self.stopped += 1
        else:
            self.broken.append(f"it ended by itself with {code} while {moment}")

    def _run_until(self, is_done: Callable[[], bool]) -> None:
        self.manager.start()
        self.manager.hears(READY, within_s=START_S)
        until = time.monotonic() + WELL_S
        while self.manager.is_running and not is_done() and time.monotonic() < until:
            self._pass(0.2)
        self.manager.signal(signal.SIGTERM)
        self._pass(STOPPED_S)
        if (code := self.manager.kill()) != 0:
            self.broken.append(f"it ended with {code} when it was told to stop")

    def _pass(self, for_s: float) -> None:
        for _ in self.manager.hear(for_s):
            pass

    def _is_well(self) -> bool:
        return self._counts("states WHERE was_good AND down_since_ms IS NULL AND slow_since_ms IS NULL") == PROBES

    def _is_drained(self) -> bool:
        return self._counts("outbox WHERE state IN ('queued', 'sending')") == 0

    def _counts(self, what: str) -> int:
        store = open_reader(self._store)
        if store is None:
            return 0
        with closing(store):
            return int(store.rows(f"SELECT count(*) FROM {what}")[0][0])

    @property
    def _store(self) -> Path:
        return self.path.with_name("prober.db")

    def _any_of(self, weights: Mapping[str, int]) -> str:
        return self.chance.choices(list(weights), list(weights.values()))[0]


@contextmanager
def built(
    program: Sequence[str],
    seed: int,
    *,
    kills: int,
    life_s: float,
    moods: Mapping[str, int],
    moments: Mapping[str, int],
) -> Iterator[Harness]:
    """Make a world around a program. Forks: call it before there are threads."""
    truth = Truth(seed, begin_ms=SystemClock().now_ms(), calm_s=min(CALM_S, kills * life_s / 4))
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None))
        path, sink = Path(name, "probes.toml"), stack.enter_context(run_sink(Path(name), many_at_once=True))
        path.write_text(configured(web=stack.enter_context(run_targets(truth)), mail=sink.port))
        command = [*program, "--config", str(path), "--log-format", "json", "serve"]
        yield Harness(
            path=path,
            manager=stack.enter_context(Manager(Path(name), command)),
            sink=sink,
            truth=truth,
            chance=random.Random(seed),
            moods=moods,
            moments=moments,
            kills=kills,
            life_s=life_s,
        )


def killed(stack: ExitStack, *, kills: int, seed: int, worlds: int, life_s: float) -> tuple[list[Harness], Harness]:
    """Live through all worlds at once, and return them and the control's."""
    moods, moments = (MOODS, MOMENTS) if kills >= LEAST_LONG else (SHORT_MOODS, SHORT_MOMENTS)
    marks_first = (sys.executable, "-c", MARKS_FIRST)
    built_worlds = [
        built(PROBER, seed + number, kills=share, life_s=life_s, moods=moods, moments=moments)
        for number, share in enumerate(kills // worlds + (number < kills % worlds) for number in range(worlds))
    ]
    control = built(
        marks_first, seed, kills=CONTROL_KILLS, life_s=CONTROL_LIFE_S, moods={SLOW: 1}, moments={"running": 1}
    )
    harnesses = [stack.enter_context(each) for each in (*built_worlds, control)]
    with ThreadPoolExecutor(len(harnesses)) as pool:
        list(pool.map(Harness.run, harnesses))
    return harnesses[:-1], harnesses[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill the running service at random moments.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--worlds", type=int, default=8, help="how many services run at once")
    parser.add_argument("--life", type=float, default=8, help="how long a service usually runs, in seconds")
    asked = parser.parse_args()
    findings, lost, reference = Findings(), Findings(), Counter[str]()
    with ExitStack() as stack:
        harnesses, control = killed(stack, kills=asked.kills, seed=asked.seed, worlds=asked.worlds, life_s=asked.life)
        for harness in harnesses:
            reference += harness.judge(findings)
        control.judge(lost)
    if findings.repeats > max(REPEATS_BY_CHANCE, REPEATS_PER_MAIL * reference["mails"]):
        findings.twice.append(f"{findings.repeats} repeats among {reference['mails']} mails")
    parts = {"seed": asked.seed, "reference": reference, "findings": asdict(findings)}
    print(json.dumps({**parts, "control": {"lost": len(lost.lost)}}, indent=2))  # noqa: T201
    sys.exit(not findings.is_clean or not lost.lost)


if __name__ == "__main__":
    main()
