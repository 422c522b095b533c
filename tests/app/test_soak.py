"""The running service holds no more in the end than in the beginning."""

from __future__ import annotations

import pytest

from tests.app.kill_service import run_harness


@pytest.mark.timeout(240)
def test_the_service_does_not_grow_while_everything_flaps_and_one_that_leaks_is_found_out() -> None:
    """Run the harness in a process of its own: one that has threads may not fork."""
    told = run_harness("tests.app.soak", "--minutes=0.3", "--seed=1")
    findings, control = told["findings"], told["control"]
    assert findings["samples"] > 20
    assert findings["done"].keys() >= {"reload", "mail", "status --json"}
    assert len(findings["outcomes"]) > 4
    assert findings["growing"] == []
    assert findings["broken"] == []
    assert control["growing"] == ["memory_kib", "descriptors", "threads", "tasks"]
