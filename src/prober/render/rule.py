"""The rule that fired, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.core.durations import format_duration
from prober.core.model import Closed, ClosedAs, Kind, Opened, Reminded

if TYPE_CHECKING:
    from prober.core.model import Probe


def rule(event: Opened | Closed | Reminded, probe: Probe | None) -> str:
    """Return the rule by which an incident is told, with the key that sets it; a removed ``probe`` is None."""
    match event:
        case Reminded():
            return "an incident that is open and not acknowledged is told again (remind)"
        case Closed(closed_as=ClosedAs.RESOLVED):
            return "a person ended the incident (prober incidents resolve)"
        case _:
            return _rule_of_checks(event, probe)


def _rule_of_checks(event: Opened | Closed, probe: Probe | None) -> str:
    if probe is None:
        return "the probe is no longer configured"
    policy = probe.policy
    limit = format_duration(policy.slow_ms) if policy.slow_ms else "no limit"
    match event:
        case Opened(kind=Kind.DOWN):
            return _counted(policy.failures, "failed ", "", "open", "failures")
        case Opened():
            return _counted(policy.slow_checks, "", f" above {limit}", "open", "slow_checks")
        case Closed(kind=Kind.DOWN):
            return _counted(policy.recoveries, "good ", "", "close", "recoveries")
    return _counted(policy.recoveries, "", f" at or below 80 % of {limit}", "close", "recoveries")


def _counted(count: int, sort: str, limit: str, verb: str, key: str) -> str:
    checks = f"1 {sort}check{limit} {verb}s" if count == 1 else f"{count} {sort}checks in a row{limit} {verb}"
    return f"{checks} an incident ({key} = {count})"
