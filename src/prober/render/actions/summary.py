"""The summary that the page of a run shows: how everything is, what is wrong, and how often we really look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.model import Outcome
from prober.render.actions.figures import (
    ROLES,
    UPTIMES,
    checked_at,
    left_out,
    observed,
    outcome,
    shown,
    state,
    uptimes,
    verdict,
)
from prober.render.actions.markdown import bullets, page, quoted, section, table
from prober.render.role import held
from prober.render.when import day_and_clock, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prober.core.cadence import Cadence
    from prober.core.model import Result
    from prober.core.report import ProbeStatus, StatusReport

_SIGNS: Final = {Outcome.OK: ".", Outcome.SLOW: "s", Outcome.FAILED: "x", Outcome.UNKNOWN: "?"}
_LEGEND: Final = "Checks of this run, the newest last: `.` ok, `s` slow, `x` failed, `?` not judged."
_MOST_CHECKS: Final = 30
_MOST_ITEMS: Final = 50
_MOST_CHARS: Final = 500


def step_summary(
    report: StatusReport,
    cadence: Cadence | None = None,
    results: Iterable[Result] = (),
    problems: Sequence[str] = (),
) -> str:
    """Return the summary of a run as Markdown; GitHub shows at most 1 MiB, and this is far from it.

    ``results`` are those of this run, oldest first; ``problems`` is what went wrong with the run itself.
    """
    seen = _seen(results)
    return page(
        [f"## {verdict(report)}"],
        [f"{day_and_clock(report.generated_at_ms)} from {quoted(report.location)}, {ROLES[report.role]}."],
        section("What is wrong with the monitoring", bullets([*_wrong(report, problems)], _MOST_ITEMS)),
        _probes(report, seen),
        left_out(report),
        [_LEGEND] if seen else [],
        section("Open incidents", bullets([*_incidents(report)], _MOST_ITEMS)),
        section("Observed cadence", observed(cadence)),
    )


def refusal(problems: Sequence[str], *, is_fork: bool = False) -> str:
    """Return the summary of a run that checked nothing; a fork has yet to be configured."""
    why = "not configured" if is_fork else "the configuration cannot be used"
    wrong = [quoted(problem, _MOST_CHARS) for problem in problems]
    return page([f"## Nothing was checked: {why}"], bullets(wrong, _MOST_ITEMS))


def _wrong(report: StatusReport, problems: Sequence[str]) -> Iterator[str]:
    yield from (quoted(problem, _MOST_CHARS) for problem in problems)
    if report.undelivered_alerts:
        yield f"alerts not delivered yet: {report.undelivered_alerts}; every run tries them again"
    for notice in report.notices:
        yield f"{quoted(notice.text, _MOST_CHARS)} since {day_and_clock(notice.since_ms)}"


def _probes(report: StatusReport, seen: Mapping[str, str]) -> Iterator[str]:
    if not report.probes:
        return
    titles = ["Probe", "State", *UPTIMES, "Last check", "Outcome"]
    yield from table([*titles, "This run"] if seen else titles, (_row(each, report, seen) for each in shown(report)))


def _row(probe: ProbeStatus, report: StatusReport, seen: Mapping[str, str]) -> Iterator[str]:
    last = probe.last
    yield from (
        quoted(probe.id),
        state(probe, report.generated_at_ms),
        *uptimes(probe),
        checked_at(last, report.generated_at_ms),
    )
    detail = last.detail if last else None
    yield f"{last.outcome}, {quoted(detail)}" if last and detail else outcome(last)
    if seen:
        yield f"`{seen[probe.id][-_MOST_CHECKS:]}`" if probe.id in seen else "-"


def _seen(results: Iterable[Result]) -> dict[str, str]:
    """Return a sign per check, by the ids of the probes."""
    seen: dict[str, str] = {}
    for result in results:
        seen[result.probe_id] = seen.get(result.probe_id, "") + _SIGNS[result.outcome]
    return seen


def _incidents(report: StatusReport) -> Iterator[str]:
    for probe in shown(report):
        for each in probe.open_incidents:
            lasted = words(report.generated_at_ms - each.started_at_ms)
            taken = f", acknowledged by {quoted(each.acknowledged_by)}" if each.acknowledged_by else ""
            cause = f", {quoted(each.detail)}" if each.detail else ""
            why = f", not told: {held(report.held[each.number], report.watcher)}" if each.number in report.held else ""
            yield f"incident {each.number}: {quoted(probe.id)} {each.kind} for {lasted}{taken}{cause}{why}"
