from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.cadence import Cadence
from prober.core.model import Kind, Outcome
from prober.core.report import PlannedNow
from prober.render.actions import branch_readme, step_summary
from tests.core.any_alerts import texts as any_texts
from tests.render.actions.reports import (
    CADENCE,
    MIN,
    NOW,
    incident,
    probe,
    report,
    reports,
    result,
    structure,
    texts,
    trouble,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.core.model import Result
    from prober.core.report import ProbeStatus, ShownState, StatusReport
    from prober.core.sight import Role


FULL = """\
## `api` is down

2026-11-20 14:12:41 UTC from `status 503, expected 2xx`, standing in: nobody else is watching, so alerts are sent.

### What is wrong with the monitoring

- `the state was not saved`
- alerts not delivered yet: 2; every run tries them again
- `status 503, expected 2xx` since 2026-11-20 14:10:41 UTC

| Probe | State | Uptime 24 h | Coverage 24 h | Uptime 30 d | Coverage 30 d | Last check | Outcome | This run |
| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- |
| `api` | 🔴 down | 100 % | 61.2 % | 99.928 % | 58.0 % | 14:12:03 UTC | failed, `status 503, expected 2xx` | `.xxx` |
| `ready` | 🟡 slow | 100 % | 61.2 % | 99.928 % | 58.0 % | 14:12:03 UTC | slow | `s?` |
| `web` | 🟢 up | 100 % | 61.2 % | 99.928 % | 58.0 % | 14:12:03 UTC | ok, 61 ms | - |
| `old` | ⏸️ paused | no data | - | no data | - | never | - | - |

Checks of this run, the newest last: `.` ok, `s` slow, `x` failed, `?` not judged.

### Open incidents

- incident 43: `api` down for 12 min, `status 503, expected 2xx`
- incident 42: `ready` slow for 52 min, acknowledged by `status 503, expected 2xx`

### Observed cadence

489 runs in 7 d: 70 a day.
From the start of one to the start of the next: median 17 min, p90 38 min, p99 1 h 12 min, longest 1 h 31 min.
"""


def row_of(probe_id: str, markdown: str) -> list[str]:
    (line,) = [line for line in markdown.splitlines() if line.startswith(f"| `{probe_id}` |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_summary_has_its_documented_layout() -> None:
    results = [result("api", Outcome.OK), *[result("api", Outcome.FAILED)] * 3, result("ready", Outcome.SLOW)]
    results.append(result("ready", Outcome.UNKNOWN))
    assert step_summary(trouble(), CADENCE, results, ["the state was not saved"]) == FULL


def test_when_all_is_well_only_that_is_shown() -> None:
    assert step_summary(report(probe("api"), probe("web"))).splitlines() == [
        "## All 2 probes are up",
        "",
        "2026-11-20 14:12:41 UTC from `github-actions`, on watch.",
        "",
        "| Probe | State | Uptime 24 h | Coverage 24 h | Uptime 30 d | Coverage 30 d | Last check | Outcome |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |",
        "| `api` | 🟢 up | 100 % | 61.2 % | 99.928 % | 58.0 % | 14:12:03 UTC | ok, 61 ms |",
        "| `web` | 🟢 up | 100 % | 61.2 % | 99.928 % | 58.0 % | 14:12:03 UTC | ok, 61 ms |",
    ]


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([], "No probe is watched"),
        (["paused"], "No probe is watched"),
        (["up"], "`p0` is up"),
        (["up", "paused"], "`p0` is up"),
        (["up", "up"], "All 2 probes are up"),
        (["up", "down"], "`p1` is down"),
        (["down", "down"], "All 2 probes are down"),
        (["up", "down", "slow", "down"], "2 of 4 probes are down"),
        (["up", "slow", "unknown"], "`p1` is slow"),
        (["up", "unknown", "maintenance"], "`p1` is not judged yet"),
        (["up", "maintenance", "maintenance"], "2 of 3 probes are in maintenance"),
    ],
)
def test_the_title_is_the_worst_that_is_true(states: list[ShownState], said: str) -> None:
    seen = report(*(probe(f"p{number}", state) for number, state in enumerate(states)))
    assert step_summary(seen).splitlines()[0] == f"## {said}"
    assert branch_readme(seen).splitlines()[0] == f"# {said}"


def test_maintenance_says_until_when_and_not_why() -> None:
    planned = PlannedNow(since_ms=0, until_ms=NOW + 20 * MIN, reason="canary")
    seen = report(replace(probe("api", "maintenance"), maintenance=planned), probe("web", "maintenance"))
    for page in (step_summary(seen), branch_readme(seen)):
        assert row_of("api", page)[1] == "🔵 maintenance until 14:32:41 UTC"
        assert row_of("web", page)[1] == "🔵 maintenance"
        assert "canary" not in page


@pytest.mark.parametrize(
    ("role", "said"),
    [("active", "on watch."), ("standby", "on standby: somebody else is watching"), ("standing-in", "standing in:")],
)
def test_both_pages_say_who_is_watching(role: Role, said: str) -> None:
    for page in (step_summary, branch_readme):
        assert f", {said}" in page(report(probe("api"), role=role)).splitlines()[2]


def test_a_probe_for_which_we_stand_in_alone_says_so() -> None:
    seen = report(replace(probe("api"), role="standing-in"), probe("web"), role="standby")
    for page in (step_summary(seen), branch_readme(seen)):
        assert (row_of("api", page)[1], row_of("web", page)[1]) == ("🟢 up, standing in", "🟢 up")


def test_an_incident_that_is_not_told_says_why() -> None:
    down = probe("api", "down", result("api"), incident(42, "api", Kind.DOWN, 12))
    seen = replace(report(down), held={42: "standby"}, watcher="UptimeRobot")
    assert step_summary(seen).endswith("for 12 min, not told: UptimeRobot is watching\n")


@pytest.mark.parametrize(
    ("seen", "at", "outcome"),
    [
        (result("api", at_ms=NOW - 1439 * MIN), "14:13:41 UTC", "ok, 61 ms"),
        (result("api", at_ms=NOW - 1440 * MIN), "2026-11-19 14:12:41 UTC", "ok, 61 ms"),
        (result("api", Outcome.FAILED), "14:12:03 UTC", "failed, `status`"),
        (result("api", Outcome.UNKNOWN), "14:12:03 UTC", "unknown"),
    ],
)
def test_the_last_check_says_when_and_what(seen: Result, at: str, outcome: str) -> None:
    shown = replace(report(), probes=(replace(probe("api"), last=seen),))
    assert row_of("api", step_summary(shown))[6:] == [at, outcome]


def test_of_many_checks_the_newest_are_shown() -> None:
    results = [result("api", Outcome.FAILED)] * 5 + [result("api")] * 29
    assert row_of("api", step_summary(report(probe("api")), results=results))[-1] == f"`x{'.' * 29}`"


@pytest.mark.parametrize(
    ("cadence", "said"),
    [
        (None, None),
        (Cadence(), None),
        (Cadence(runs=1), "1 run in 0 s."),
        (Cadence(runs=1234, days=30, per_day=41.1), "1,234 runs in 30 d: 41 a day."),
    ],
)
def test_a_cadence_says_only_what_is_known(cadence: Cadence | None, said: str | None) -> None:
    lines = step_summary(report(probe("api")), cadence).splitlines()
    assert ("### Observed cadence" in lines) is (said is not None)
    assert said is None or lines[-1] == said


def many(number: int, said: str) -> Iterator[ProbeStatus]:
    for each in range(number):
        name = f"{each:04}{'x' * 60}"
        yield probe(name, "down", result(name, Outcome.FAILED, said), incident(each, name, Kind.DOWN, 12, said))


def test_the_greatest_trouble_fits_into_what_is_shown() -> None:
    said = "漢" * 1000
    shown = replace(report(*many(600, said)), undelivered_alerts=2)
    results = [result(each.id) for each in shown.probes for _ in range(40)]
    summary = step_summary(shown, CADENCE, results, [said] * 60)
    assert len(summary.encode()) < 1_048_576 * 0.9
    assert "\nAnd 100 more, none of them worse than the last one above.\n" in summary
    assert "\n- and 450 more\n" in summary
    assert "\n- and 11 more\n" in summary


def test_what_is_well_gives_way_to_what_is_not() -> None:
    shown = report(*(probe(f"p{each}") for each in range(500)), probe("last", "down"))
    assert step_summary(shown).splitlines()[6].startswith("| `last` | 🔴 down |")


@given(st.lists(texts, min_size=5, max_size=5), st.lists(texts, max_size=3))
def test_whatever_others_say_the_page_is_built_the_same(said: list[str], problems: list[str]) -> None:
    hostile = trouble(iter(f"{each}." for each in said).__next__)
    usual = trouble(iter("abcde").__next__)
    assert structure(step_summary(hostile, CADENCE, problems=problems)) == structure(
        step_summary(usual, CADENCE, problems=["x"] * len(problems))
    )


@given(reports)
def test_any_report_becomes_text_that_encodes(any_report: StatusReport) -> None:
    step_summary(any_report).encode()
    branch_readme(any_report).encode()


def test_the_page_of_the_branch_says_what_it_is() -> None:
    page = branch_readme(trouble(), CADENCE, branch="state")
    assert row_of("api", page)[-1] == "failed, `status`"
    assert "489 runs in 7 d" in page
    assert "$ prober actions fetch --branch state\n" in page
    for name in ("prober.db", "status.json", "README.md"):
        assert f"| `{name}` |" in page


@given(any_texts)
def test_the_page_of_the_branch_tells_nothing_that_others_said(text: str) -> None:
    numbers = count()
    canaries = [f"canary-{number}-{text}" for number in range(5)]
    page = branch_readme(replace(trouble(lambda: canaries[next(numbers)]), title="canary-title"), CADENCE)
    assert next(numbers) == len(canaries)
    assert "canary" not in page
    assert "canary" in step_summary(trouble(iter(canaries).__next__))
