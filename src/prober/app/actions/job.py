"""What a run in a job is asked for, what it has to do with, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prober.app.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.app.asked import Report, Residence
    from prober.app.place import Place
    from prober.app.ports import Checker, Clock, OpenSession
    from prober.app.standby import Look
    from prober.core.cadence import Cadence
    from prober.core.model import Probe
    from prober.core.report import StatusReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for.

    ``deadline_ms`` bounds all checking, ``residence`` says when checks go on until then, ``is_drill`` sends a test.
    """

    remote: str
    branch: str
    deadline_ms: int
    residence: Residence = "standing-in"
    is_drill: bool = False
    journal: Journal = field(default_factory=Journal)
    on_wait: Callable[[Sequence[Probe], float], None] = lambda *_: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: the run itself, how everything is now, and how often this job came round lately.

    ``fault`` says why what happened may be forgotten, None that it is on the branch. ``is_whole`` is whether what was
    there before could be read. ``notes`` are what people should know, ``hints`` what they could do better.
    """

    report: Report
    status: StatusReport
    cadence: Cadence
    fault: str | None
    is_whole: bool
    notes: Sequence[str]
    hints: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a run has to do with."""

    place: Place
    clock: Clock
    checker: Checker
    open_session: OpenSession
    look: Look | None = None
