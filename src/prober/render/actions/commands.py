"""Lines that a runner of jobs obeys: the few that are meant so, and all others made harmless.

A runner obeys a line that begins with ``::`` after white space, and ``##[`` anywhere in a line. It compares as people
of its language do, so characters that nobody sees may stand within: a space that is seen goes between.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from prober.core.model import Kind
from prober.core.text import clean, cut
from prober.render.when import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.core.model import Incident
    from prober.core.report import StatusReport

_MOST: Final = 10
_MOST_CHARS: Final = 500
_COLONS: Final = re.compile(r"^([^!-~]*:)(?=[^ -~]*:)")
_HASHES: Final = re.compile(r"#(?=[^ -~]*#[^ -~]*\[)")


def defused(text: str) -> str:
    """Return text of one or several lines of which no line is a command to the runner; what people read stays."""
    return "\n".join(map(_defused, text.split("\n")))


def annotate(report: StatusReport, problems: Sequence[str] = (), hints: Sequence[str] = ()) -> list[str]:
    """Return what deserves to be seen on the page of a run, worst first, as at most 10 commands of one line each.

    ``problems`` is what went wrong with the run itself, ``hints`` what would make it better. All is well: there are
    none.
    """
    told = [*_of_ourselves(report, problems), *_of_incidents(report, Kind.DOWN), *_of_incidents(report, Kind.SLOW)]
    return _at_most([*told, *(_command("warning", "prober", hint) for hint in hints)])


def complain(problems: Sequence[str]) -> list[str]:
    """Return why a run checked nothing, as at most 10 commands of one line each."""
    return _at_most([_command("error", "prober", problem) for problem in problems])


def _at_most(told: list[str]) -> list[str]:
    if len(told) > _MOST:
        more = len(told) - _MOST + 1
        told[_MOST - 1 :] = [_command("warning", f"{more} more", "see the summary of this run")]
    return told


def _of_ourselves(report: StatusReport, problems: Sequence[str]) -> Iterator[str]:
    for problem in problems:
        yield _command("error", "prober", problem)
    if report.undelivered_alerts:
        yield _command(
            "error", "prober", f"alerts not delivered yet: {report.undelivered_alerts}; every run tries them again"
        )
    for notice in report.notices:
        yield _command("warning", "prober", notice.text)


def _of_incidents(report: StatusReport, kind: Kind) -> Iterator[str]:
    level: Literal["error", "warning"] = "error" if kind is Kind.DOWN else "warning"
    for probe in report.probes:
        for incident in probe.open_incidents:
            if incident.kind is kind and probe.state != "maintenance":
                yield _command(level, f"{probe.id} is {kind}", _lasting(incident, report.generated_at_ms))


def _lasting(incident: Incident, now_ms: int) -> str:
    cause = f": {incident.detail}" if incident.detail else ""
    return f"incident {incident.number}, for {words(now_ms - incident.started_at_ms)}{cause}"


def _command(level: Literal["error", "warning"], title: str, message: str) -> str:
    named = _data(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={named}::{_data(message)}"


def _data(text: str) -> str:
    return cut(_defused(text), _MOST_CHARS).replace("%", "%25")


def _defused(line: str) -> str:
    return _HASHES.sub("# ", _COLONS.sub(r"\1 ", clean(line)))
