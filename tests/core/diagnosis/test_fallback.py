from __future__ import annotations

from pathlib import Path

import pytest

from prober.core.cadence import Cadence, measure
from prober.core.diagnosis.fallback import (
    Workflow,
    judge_cadence,
    judge_last_run,
    judge_variables,
    no_branch,
    read_workflow,
    unknown_branch,
)

MIN = 60_000
HOUR = 60 * MIN
DAY = 24 * HOUR
NOW = 1_790_000_000_000
EVERY_5_MIN = "3-58/5 * * * *"
DAILY = "7 5 * * *"
OURS = Path(__file__).parents[3] / ".github" / "workflows" / "ping.yml"

WORKFLOW = """\
on:
  schedule:
    - cron: '7 5 * * *' # once
jobs:
  one:
    steps:
      # prober -c none.toml actions run --branch none
      - run: exec prober -c ops/probes.toml actions run --branch=kept --deadline 50m
        env:
          TOKEN: ${{ secrets.ANOTHER }}
          FIXED: "1"
"""


def workflow() -> Workflow:
    found = read_workflow("ping.yml", WORKFLOW)
    assert found
    return found


def test_a_workflow_says_what_it_runs_and_what_it_passes_on() -> None:
    assert workflow() == Workflow(
        path="ping.yml", config="ops/probes.toml", branch="kept", cron=DAILY, variables=frozenset({"TOKEN"})
    )


def test_what_a_workflow_leaves_out_is_as_the_program_has_it() -> None:
    found = read_workflow("ping.yml", "      - run: prober actions run\n")
    assert found == Workflow(
        path="ping.yml", config="probes.toml", branch="prober-state", cron=None, variables=frozenset()
    )


@pytest.mark.parametrize("text", ["", "run: prober run", "# prober actions run", "run: make # prober actions run"])
def test_a_workflow_that_does_not_call_us_is_none_of_ours(text: str) -> None:
    assert read_workflow("ping.yml", text) is None


def test_the_workflow_of_this_repository_is_understood() -> None:
    found = read_workflow("ping.yml", OURS.read_text())
    assert found
    assert (found.config, found.branch, found.cron) == ("probes.toml", "prober-state", EVERY_5_MIN)
    assert found.variables >= {"PROBER_STATE_KEY", "GITHUB_TOKEN", "SMTP_PASSWORD"}


def test_a_variable_that_is_not_passed_on_is_wrong() -> None:
    assert judge_variables(workflow(), []).state == "ok"
    assert judge_variables(workflow(), ["TOKEN"]).state == "ok"
    finding = judge_variables(workflow(), ["TOKEN", "FIXED", "OTHER"])
    assert (finding.state, finding.message) == ("wrong", "ping.yml does not pass on FIXED, OTHER: its runs fail")


@pytest.mark.parametrize(
    ("cron", "ago_ms", "state"),
    [
        (EVERY_5_MIN, 0, "ok"),
        (EVERY_5_MIN, -5 * MIN, "ok"),
        (EVERY_5_MIN, 3 * HOUR, "ok"),
        (EVERY_5_MIN, 3 * HOUR + 1, "note"),
        (EVERY_5_MIN, DAY, "note"),
        (EVERY_5_MIN, DAY + 1, "wrong"),
        (None, 3 * HOUR, "ok"),
        ("not a cron", DAY + 1, "wrong"),
        (DAILY, 3 * DAY, "ok"),
        (DAILY, 3 * DAY + 1, "note"),
        (DAILY, 24 * DAY + 1, "wrong"),
    ],
)
def test_a_run_is_late_after_hours_or_three_slots_of_its_schedule(cron: str | None, ago_ms: int, state: str) -> None:
    assert judge_last_run(NOW - ago_ms, cron, now_ms=NOW).state == state


def test_a_silent_fallback_is_told_with_its_age() -> None:
    finding = judge_last_run(NOW - 50 * HOUR, EVERY_5_MIN, now_ms=NOW)
    assert finding.message == "its last run began 2d2h ago"
    assert "60 days" in (finding.advice or "")
    assert judge_last_run(None, EVERY_5_MIN, now_ms=NOW).state == "note"


def cadence(every_ms: int) -> Cadence:
    return measure(range(NOW - 8 * DAY, NOW, every_ms), since_ms=NOW - 7 * DAY, now_ms=NOW)


@pytest.mark.parametrize(
    ("every_min", "cron", "state", "message"),
    [
        (20, EVERY_5_MIN, "ok", "72 runs a day of 288 planned, gaps of 20m in the median and 20m at most"),
        (120, None, "ok", "12 runs a day, gaps of 2h in the median and 2h at most"),
        (60, EVERY_5_MIN, "note", "24 runs a day of 288 planned, gaps of 1h in the median and 1h at most"),
        (60, "5 * * * *", "ok", "24 runs a day of 24 planned, gaps of 1h in the median and 1h at most"),
    ],
)
def test_how_often_it_looks_is_told_beside_what_was_planned(
    every_min: int, cron: str | None, state: str, message: str
) -> None:
    finding = judge_cadence(cadence(every_min * MIN), cron, now_ms=NOW)
    assert (finding.state, finding.message) == (state, message)


@pytest.mark.parametrize(("starts", "said"), [((), "0 runs so far"), ((1,), "1 run so far"), ((2, 1), "2 runs so far")])
def test_on_the_first_day_runs_are_only_counted(starts: tuple[int, ...], said: str) -> None:
    young = measure([NOW - hours * HOUR for hours in starts], since_ms=NOW - 7 * DAY, now_ms=NOW)
    finding = judge_cadence(young, EVERY_5_MIN, now_ms=NOW)
    assert (finding.state, finding.message) == ("ok", f"{said}, on less than a day")


def test_a_branch_that_is_not_there_says_how_to_begin() -> None:
    assert no_branch("kept", "origin").message == "origin has no branch kept: it never ran to its end"
    assert unknown_branch("kept", "no network", "wait").message == "the branch kept could not be looked at: no network"
