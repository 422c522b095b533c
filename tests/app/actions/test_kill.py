"""No end of a job, at whatever step, loses an alert or tells it under another name."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.timeout(300)
def test_no_kill_of_a_job_loses_an_alert_and_without_saving_the_intent_the_repeat_is_another_mail() -> None:
    """Run the harness in a process of its own: one that has threads may not fork."""
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    program = [sys.executable, "-m", "tests.app.actions.kill"]
    done = subprocess.run(program, env=unmeasured, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    control, asked = found.pop("control"), found.pop("asked")
    assert (asked["kills"], asked["lost"], asked["renamed"]) == (0, [], [])
    assert asked["slowest_s"] < 7
    for each in found.values():
        assert each["kills"] == each["tried"] > 10
        assert (each["lost"], each["renamed"]) == ([], [])
        assert each["repeats"] > 0
    assert control["lost"] == []
    assert control["renamed"]
