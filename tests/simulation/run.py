"""Run simulations, each in a process of its own, and tell what came of them."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.case import Case
from tests.simulation.checker import all_broken
from tests.simulation.faults import make_faults
from tests.simulation.prober import Prober
from tests.simulation.world import DAY, HOUR, look, make_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.simulation.checker import Broken

LOCATIONS: Final = ("here", "there")
MEMORY: Final = Path("/dev/shm")
SHOWN: Final = 3
NEAR: Final = 6 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to simulate: so many probes for so many days, from one location; the core, or the whole of prober."""

    seed: str
    days: int
    probes: int
    location: str
    fury: int = 1
    is_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What came of a task, in ``seconds`` of one core. ``digest`` is of all that happened; ``broken`` must be empty."""

    task: Task
    checks: int
    seconds: float
    digest: str
    events: dict[str, int] = field(default_factory=dict)
    mails: int = 0
    stops: int = 0
    outages: int = 0
    broken: Sequence[str] = ()

    @property
    def per_second(self) -> int:
        return round(self.checks / self.seconds)


def simulate(task: Task, **mistakes: Any) -> Case:
    """Live through a world once, in the right way or with a mistake of `controls`."""
    world = make_world(task.seed, until=task.days * DAY, probes=task.probes, fury=task.fury)
    sight, faults = look(world, task.location), make_faults(world, task.location)
    journal = Prober(world, task.location, sight, faults, **mistakes).run()
    return Case(world=world, sight=sight, faults=faults, journal=journal)


def find(task: Task) -> Findings:
    """Simulate, and hold what happened against what is promised."""
    began = time.process_time()
    case, missing = _simulate_whole(task) if task.is_whole else (simulate(task), set[tuple[str, int]]())
    seconds = time.process_time() - began
    journal = case.journal
    lost = [f"seed {task.seed}: checks that were recorded are gone: {sorted(missing)[:SHOWN]}"] if missing else []
    return Findings(
        task=task,
        checks=journal.checks,
        seconds=seconds,
        digest=journal.digest(),
        events=dict(sorted(Counter(str(each.item.kind) for each in journal.events).items())),
        mails=len(journal.mails),
        stops=len(journal.stops),
        outages=sum(len(view.outages) for view in case.sight.views),
        broken=[*lost, *(line for broken in all_broken(case)[:SHOWN] for line in tell(task, case, broken))],
    )


def _simulate_whole(task: Task) -> tuple[Case, set[tuple[str, int]]]:
    from tests.simulation.stack import simulate_stack  # noqa: PLC0415  the core needs nothing of all that

    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        return simulate_stack(task, Path(folder))


def find_all(seeds: Sequence[str], *, probes: int, there: int | None = None, **how: Any) -> Iterator[Findings]:
    """Yield what is found for each seed and location, as it is known; ``there`` may watch fewer of the probes."""
    watched = {"here": probes, "there": probes if there is None else there}
    tasks = [Task(seed=seed, location=each, probes=watched[each], **how) for seed, each in product(seeds, LOCATIONS)]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as processes:
        for done in as_completed([processes.submit(find, task) for task in tasks]):
            yield done.result()


def tell(task: Task, case: Case, broken: Broken) -> Iterator[str]:
    """Yield what is needed to understand what went wrong: where it was, and what happened before."""
    journal, number = case.journal, broken.number
    yield f"seed {task.seed}, {task.location}, {when(broken.at)}, probe {number}: {broken.promise}: {broken.why}"
    since = broken.at - NEAR
    for name, found in (("way", case.sight.ways), ("mail", case.faults.moods), ("clock", case.faults.jumps)):
        yield from (
            f"  {name} {each.what} from {when(each.start)} to {when(each.end)}"
            for each in found
            if each.end >= since and each.start <= broken.at
        )
    for stop in (*journal.stops, *journal.lost):
        if stop.end >= since and stop.start <= broken.at:
            yield f"  {stop.what} from {when(stop.start)} to {when(stop.end)}"
    if number is None:
        return
    near = [each for each in journal.looks[number] if since <= each.at <= broken.at]
    yield "  checks " + " ".join(f"{each.sign}{when(each.at)}" for each in near[-12:])
    events = [each for each in journal.events if each.number == number and since <= each.at <= broken.at]
    known = {each.item.event for each in events}
    for each in events:
        yield f"  {when(each.at)} {each.item.kind} for {len(each.recipients)}: {each.item.event}"
    for mail in journal.mails:
        told = [item for item in mail.items if item.event in known]
        if told:
            yield f"  {when(mail.at)} mail to {mail.recipient[1]}: {', '.join(item.kind for item in told)}"


def when(at: int) -> str:
    """Return a true time for people."""
    days, rest = divmod(at, DAY)
    hours, rest = divmod(rest, HOUR)
    return f"{days}d{hours:02}h{rest // 60_000:02}m{rest % 60_000 / 1000:06.3f}s"
