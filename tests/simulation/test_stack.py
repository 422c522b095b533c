"""Days of faults for the whole of prober: the real service, store and delivery keep the promises of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.app import service
from tests.app.crash import MarksFirst
from tests.simulation.checker import all_broken
from tests.simulation.run import Task, tell
from tests.simulation.stack import simulate_stack

if TYPE_CHECKING:
    from pathlib import Path

DAYS = Task(seed="3", days=2, probes=6, location="here", fury=24)


@pytest.mark.timeout(300)
def test_days_of_faults_break_no_promise_and_lose_no_check(tmp_path: Path) -> None:
    case, missing = simulate_stack(DAYS, tmp_path)
    assert [line for broken in all_broken(case) for line in tell(DAYS, case, broken)] == []
    assert missing == set()
    assert case.journal.checks > 1_000
    assert len(case.journal.stops) > 1
    assert len(case.journal.acts) > 0
    assert len(case.journal.changes) > 1
    assert len(case.journal.mails) > 50


@pytest.mark.timeout(300)
def test_without_connectivity_urls_our_own_network_raises_false_alarms(tmp_path: Path) -> None:
    case, _ = simulate_stack(DAYS, tmp_path, connectivity_urls=())
    assert {"confirmed", "blind"} <= {broken.promise for broken in all_broken(case)}


@pytest.mark.timeout(300)
def test_a_delivery_that_marks_before_it_sends_loses_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "Delivery", MarksFirst)
    case, _ = simulate_stack(DAYS, tmp_path)
    assert "mail" in {broken.promise for broken in all_broken(case)}
