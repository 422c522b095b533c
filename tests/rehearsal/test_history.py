"""Three hundred runs, four days of them, on one branch."""

from __future__ import annotations

import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.clock import SystemClock
from prober.adapters.github import Job
from prober.adapters.store.db import open_reader
from prober.app.actions.job import Asked
from prober.app.actions.run import run_in_job
from prober.core.model import Policy
from tests.app.world import HERE, OPS, channel, config, probe
from tests.rehearsal.host import BRANCH
from tests.simulation.conftest import _unmeasured  # noqa: F401 - what is measured here is measured elsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from prober.core.settings import Config
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

RUNS = 300
PROBES = 10
GAP_MS = 20 * 60_000


class LateClock(SystemClock):
    """Tell the true time, and how far the schedule has come."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


def is_out(run: int) -> bool:
    return run % 60 in range(30, 36)


def one_run(number: int, world: Config, remote: Path, folder: Path) -> None:
    job = Job(repository="acme/status", run=f"{number}.1", trigger="schedule", workspace=folder, temporary=folder)
    asked = Asked(remote=str(remote), branch=BRANCH, deadline_ms=60_000)
    outcome = run_in_job(world, job, asked, place=HERE, environ={"PROBER_STATE_KEY": "key-of-the-state"})
    assert outcome.fault is None
    assert len(outcome.report.results) == PROBES


@pytest.mark.timeout(600)
def test_ten_probes_over_three_hundred_runs_stay_one_commit_under_a_megabyte(
    tmp_path: Path, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prober.app.actions.run.SystemClock", LateClock)
    monkeypatch.setattr(LateClock, "ahead_ms", -RUNS * GAP_MS)
    smtp.login = None
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    probes = [probe(f"probe-{n}", url=web.url, policy=Policy(slow_ms=None)) for n in range(PROBES)]
    world = config(*probes, channels=(channel(OPS, server="127.0.0.1", port=smtp.port, security="none"),))
    for number in range(RUNS):
        web.status = 503 if is_out(number) else 200
        one_run(number, world, remote, tmp_path)
        LateClock.ahead_ms += GAP_MS
    command = ["git", "-C", str(remote), "rev-list", "--count", BRANCH]
    assert subprocess.run(command, check=True, capture_output=True).stdout == b"1\n"
    command = ["git", "-C", str(remote), "show", f"{BRANCH}:prober.db"]
    content = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(content) < 1_000_000
    (tmp_path / "prober.db").write_bytes(content)
    store = open_reader(tmp_path / "prober.db")
    assert store is not None
    with closing(store):
        count = {each: store.rows(f"SELECT count(*) FROM {each}")[0][0] for each in ("runs", "results", "incidents")}
    assert count == {"runs": RUNS, "results": RUNS * PROBES, "incidents": RUNS // 60 * PROBES}
