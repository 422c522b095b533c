"""No order of crashes loses an alert or invents one."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def test_no_kill_loses_invents_or_alters_an_alert_and_marking_before_sending_does() -> None:
    """Run the harness once, and in a process of its own: one that has threads may not fork."""
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    program = [sys.executable, "-m", "tests.app.crash", "--stride=30"]
    done = subprocess.run(program, env=unmeasured, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    reference, findings, control = (json.loads(done.stdout)[part] for part in ("reference", "findings", "control"))
    assert reference["steps"] > 1000
    assert reference.keys() >= {"DOWN", "UP", "SLOW", "OK", "CERT", "several", "merged", "cut"}
    assert all(reference.values())
    assert findings["worlds"] > 50
    assert findings["kills"] > findings["worlds"]
    assert findings["lost"] == []
    assert findings["invented"] == []
    assert findings["twice"] == []
    assert findings["broken"] == []
    assert 0 < findings["repeats"] <= findings["kills"]
    assert control["lost"]
