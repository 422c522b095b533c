"""Jobs behind another monitor: what one saw the next goes on from, and who stays on the machine for how long."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.app.actions.world import BRANCH, FIVE_MIN_MS, Jobs, git
from tests.app.looks import BEHIND, Looks
from tests.app.world import QUICK, probe

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
EVERY_MS = 30
INTERVAL_MS = 300
RESIDENT = probe(policy=QUICK, interval_ms=INTERVAL_MS, timeout_ms=100)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    known = Jobs(tmp_path)
    known.configure(probes=(probe(policy=QUICK),), standby=replace(BEHIND, every_ms=EVERY_MS))
    return known


def looking(jobs: Jobs, script: str) -> Looks:
    looks = Looks(jobs.clock, script)
    jobs.look = looks
    return looks


async def later(jobs: Jobs, history: str, looks: str, **asked: object) -> list[str]:
    """Run a job one interval later, which has a moment, and return the first words of the mails that it sent."""
    jobs.clock.set_by_ms += FIVE_MIN_MS
    looking(jobs, looks)
    before = len(jobs.mail.accepted)
    await jobs.run(history, **{"deadline_ms": 2_000, **asked})  # type: ignore[arg-type]
    return [re.split(r":| for | P1| after ", each)[0] for each in jobs.mail.subjects()[before:]]


async def test_an_outage_is_held_told_by_the_job_that_finds_them_silent_and_ended_by_another(jobs: Jobs) -> None:
    assert await later(jobs, ".", "F") == []
    assert await later(jobs, "x", "F") == []
    assert jobs.status()["undelivered_alerts"] == 0
    assert await later(jobs, "x", "S") == ["[PROBER] UptimeRobot silent", "[DOWN"]
    assert await later(jobs, "x", "S") == []
    assert await later(jobs, "x", "FFF") == ["[PROBER] UptimeRobot is back"]
    assert await later(jobs, ".", "F") == ["[UP"]


async def test_looks_of_two_jobs_count_together(jobs: Jobs) -> None:
    jobs.configure(standby=replace(BEHIND, every_ms=60_000))
    assert await later(jobs, "x", "F") == []
    assert await later(jobs, "x", "S") == []
    assert await later(jobs, "x", "S") == ["[PROBER] UptimeRobot silent", "[DOWN"]


async def test_a_job_looks_no_sooner_than_the_one_before_allows(jobs: Jobs) -> None:
    jobs.configure(standby=replace(BEHIND, every_ms=4 * FIVE_MIN_MS))
    await later(jobs, ".", "F")
    for seen in (0, 0, 0, 1):
        await later(jobs, ".", "F")
        assert isinstance(jobs.look, Looks)
        assert len(jobs.look.at_ms) == seen


async def test_a_job_goes_on_at_its_intervals_while_nobody_else_watches(jobs: Jobs) -> None:
    jobs.configure(probes=(RESIDENT,))
    assert len(await _resident(jobs, "." * 9, "FSS", deadline_ms=5_000)) >= 3
    assert len(await _resident(jobs, "." * 9, "S", deadline_ms=5_000)) >= 3


async def test_a_job_that_is_resident_tells_what_falls_meanwhile(jobs: Jobs) -> None:
    jobs.configure(probes=(RESIDENT,))
    told = await later(jobs, "..xxxxxxxxxx.", "S", deadline_ms=8_000)  # a mail waits for the intent to be saved
    assert told == ["[PROBER] UptimeRobot silent", "[DOWN", "[UP"]


async def test_a_job_ends_soon_once_somebody_else_watches_again(jobs: Jobs) -> None:
    jobs.configure(probes=(RESIDENT,))
    assert await later(jobs, ".", "S") == ["[PROBER] UptimeRobot silent"]
    began = anyio.current_time()
    assert await later(jobs, "." * 99, "SSFFF", deadline_ms=20_000) == ["[PROBER] UptimeRobot is back"]
    assert anyio.current_time() - began < 10


@pytest.mark.parametrize("looks", ["F", "K", "L"])
async def test_a_job_is_short_while_they_watch_or_nobody_can_say(jobs: Jobs, looks: str) -> None:
    jobs.configure(probes=(RESIDENT,))
    await later(jobs, ".", "F")
    began = anyio.current_time()
    assert len(await _resident(jobs, "." * 99, looks, deadline_ms=20_000)) == 1
    assert anyio.current_time() - began < 10


async def test_a_key_that_is_refused_is_told_by_one_job_a_day(jobs: Jobs) -> None:
    told = [await later(jobs, "x", "K") for _ in range(3)]
    assert told == [["[PROBER] UptimeRobot rejects our key", "[DOWN"], [], []]


async def test_the_branch_tells_the_role_and_nothing_of_the_key(jobs: Jobs) -> None:
    await later(jobs, "x", "S")
    for name in ("prober.db", "status.json", "README.md"):
        assert b"a key" not in jobs.file(name)
    assert git(jobs.remote, "rev-list", "--count", BRANCH).strip() == b"1"


async def _resident(jobs: Jobs, history: str, looks: str, *, deadline_ms: int) -> list[object]:
    jobs.clock.set_by_ms += FIVE_MIN_MS
    looking(jobs, looks)
    outcome = await jobs.run(history, deadline_ms=deadline_ms)
    return list(outcome.report.results)
