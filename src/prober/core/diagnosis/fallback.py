"""The fallback on GitHub Actions: what its workflow passes on, when it ran last, and how often it gets to look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prober.core.cadence import planned_slot_ms
from prober.core.diagnosis.finding import Finding, fine, note, rough, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prober.core.cadence import Cadence

LATE_MS: Final = 3 * 3_600_000
LATE_SLOTS: Final = 3
SILENT_TIMES: Final = 8
FEW_SHARE: Final = 0.1
_MS_PER_DAY: Final = 86_400_000

_COMMAND: Final = re.compile(r"^[^#\n]*\bprober (.*)\bactions run\b([^#\n]*)", re.MULTILINE)
_OPTION: Final = r"{}[= ]+[\"']?([^\s\"']+)"
_CRON: Final = re.compile(r"^\s*- *cron: *[\"']?([^\"'#\n]+)", re.MULTILINE)
_VARIABLE: Final = re.compile(r"^\s+([A-Za-z_]\w*): *\$\{\{", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """What a workflow does with prober: for which configuration, on which branch and when, and what it passes on."""

    path: str
    config: str
    branch: str
    cron: str | None
    variables: frozenset[str]


def read_workflow(path: str, text: str) -> Workflow | None:
    """Return what a workflow says; None for one that never calls `prober actions run`."""
    command = _COMMAND.search(text)
    if command is None:
        return None
    cron = _CRON.search(text)
    return Workflow(
        path=path,
        config=_option("(?:-c|--config)", command[1]) or "probes.toml",
        branch=_option("--branch", command[2]) or "prober-state",
        cron=cron[1].strip() if cron else None,
        variables=frozenset(_VARIABLE.findall(text)),
    )


def judge_variables(workflow: Workflow, names: Iterable[str]) -> Finding:
    """Judge whether a workflow passes on all that the configuration asks for."""
    lacking = [name for name in names if name not in workflow.variables]
    if not lacking:
        return fine("fallback", f"{workflow.path} passes on every variable that the configuration asks for")
    return wrong(
        "fallback",
        f"{workflow.path} does not pass on {', '.join(lacking)}: its runs fail",
        'name them in its "env:", or have it made anew: prober setup actions --write --force; then set the secrets',
    )


def no_branch(branch: str, remote: str) -> Finding:
    """Return what to say where the fallback has left no state yet."""
    return note(
        "fallback",
        f"{remote} has no branch {branch}: it never ran to its end",
        'start it by hand: the repository\'s tab "Actions", ping, "Run workflow"; forks have to enable it there',
    )


def unknown_branch(branch: str, why: str, advice: str) -> Finding:
    """Return what to say where the state of the fallback cannot be had, or not be read."""
    return note("fallback", f"the branch {branch} could not be looked at: {why}", advice)


def judge_last_run(started_ms: int | None, cron: str | None, *, now_ms: int) -> Finding:
    """Judge when the fallback ran last: three hours are more than GitHub leaves between runs even at its worst."""
    if started_ms is None:
        return note("fallback", "its branch knows of no run", "the next one is recorded there")
    ago = f"its last run began {rough(max(now_ms - started_ms, 0))} ago"
    late_ms = max(LATE_MS, LATE_SLOTS * (_planned_gap_ms(cron, now_ms) or 0))
    if now_ms - started_ms <= late_ms:
        return fine("fallback", ago)
    advice = 'see the repository\'s tab "Actions"; after 60 days without activity GitHub switches a schedule off'
    if now_ms - started_ms <= SILENT_TIMES * late_ms:
        return note("fallback", ago, advice)
    return wrong("fallback", ago, advice)


def judge_cadence(cadence: Cadence, cron: str | None, *, now_ms: int) -> Finding:
    """Judge how often the fallback got to look; a schedule is promised by nobody."""
    if cadence.per_day is None or cadence.median_gap_ms is None or cadence.longest_gap_ms is None:
        return fine("fallback", f"{cadence.runs} run{'s' if cadence.runs != 1 else ''} so far, on less than a day")
    gap_ms = _planned_gap_ms(cron, now_ms)
    planned = f" of {_MS_PER_DAY // gap_ms} planned" if gap_ms else ""
    gaps = f"gaps of {rough(cadence.median_gap_ms)} in the median and {rough(cadence.longest_gap_ms)} at most"
    message = f"{cadence.per_day:.0f} runs a day{planned}, {gaps}"
    if gap_ms and cadence.per_day * gap_ms < FEW_SHARE * _MS_PER_DAY:
        return note("fallback", message, "give it a second trigger: docs/github-actions.md")
    return fine("fallback", message)


def _option(names: str, arguments: str) -> str | None:
    found = re.search(_OPTION.format(names), arguments)
    return found[1] if found else None


def _planned_gap_ms(cron: str | None, now_ms: int) -> int | None:
    """Return the time between the last two slots of a schedule."""
    slot_ms = planned_slot_ms(cron, now_ms) if cron else None
    before_ms = planned_slot_ms(cron, slot_ms - 1) if cron and slot_ms else None
    return slot_ms - before_ms if slot_ms and before_ms else None
