"""No kill of the running service loses an alert or invents one."""

from __future__ import annotations

import pytest

from tests.app.kill_service import run_harness


@pytest.mark.timeout(240)
def test_no_kill_of_the_service_loses_invents_or_alters_an_alert_and_marking_before_sending_does() -> None:
    """Run the harness in a process of its own: one that has threads may not fork."""
    told = run_harness("tests.app.kill", "--kills=10", "--worlds=1", "--life=0.7", "--seed=2")
    reference, findings, control = told["reference"], told["findings"], told["control"]
    assert reference.keys() >= {"running", "results", "outages", "told", "mails"}
    assert findings["kills"] == 10
    assert findings["lost"] == []
    assert findings["invented"] == []
    assert findings["twice"] == []
    assert findings["broken"] == []
    assert control["lost"] > 0
