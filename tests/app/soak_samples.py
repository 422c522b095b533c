"""What a process holds, sampled from outside, and whether it grows."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.app.kill_service import Manager

# By how much the floor of the last quarter may lie above that of the second: a share of it, and so many besides.
ALLOWED_SHARE: Final = 0.1
ALLOWED: Final = {"descriptors": 5, "threads": 2, "tasks": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The lower decile of what was held in each quarter: what is held at rest, whatever flaps."""

    first: int
    second: int
    third: int
    last: int
    grows: bool


def sample(manager: Manager, tasks: Path) -> dict[str, int]:
    """Return what the process holds now; its tasks as of when it was last asked, for it may be busy."""
    process = Path(f"/proc/{manager.pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    held = {
        "memory_kib": int(status["VmRSS"].split()[0]),
        "descriptors": len(list((process / "fd").iterdir())),
        "threads": int(status["Threads"]),
    }
    counted = tasks.read_text().split() if tasks.exists() else []
    manager.signal(signal.SIGUSR1)
    return held | {"tasks": int(counted[-1])} if counted else held


def floors(samples: Sequence[Mapping[str, int]], *, memory_kib: int) -> dict[str, Floor]:
    """Judge the growth of each thing that was sampled."""
    judged = {}
    for name, besides in {"memory_kib": memory_kib, **ALLOWED}.items():
        values = [each[name] for each in samples if name in each]
        first, second, third, last = map(_floor, _quarters(values))
        grows = last > second * (1 + ALLOWED_SHARE) + besides
        judged[name] = Floor(first=first, second=second, third=third, last=last, grows=grows)
    return judged


def _quarters(values: Sequence[int]) -> Iterator[Sequence[int]]:
    return (values[len(values) * quarter // 4 : len(values) * (quarter + 1) // 4] for quarter in range(4))


def _floor(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 10]
