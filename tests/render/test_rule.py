"""The rule that fired, as an alert says it."""

from __future__ import annotations

import pytest

from prober.core.model import Closed, ClosedAs, Kind, Opened, Policy, Probe, Reminded
from prober.render.rule import rule

POLICY = Policy(failures=3, recoveries=1, slow_ms=1500, slow_checks=4)
API = Probe(id="api", name="api", url="https://api.example/", identity="1", policy=POLICY)
NEVER_SLOW = Probe(id="api", name="api", url="https://api.example/", identity="1", policy=Policy(slow_ms=None))


def opened(kind: Kind) -> Opened:
    return Opened(probe_id="api", kind=kind, at_ms=3, started_at_ms=1, reason=None, detail=None, checks=3)


def closed(kind: Kind, as_: ClosedAs = ClosedAs.RECOVERED) -> Closed:
    return Closed(probe_id="api", kind=kind, at_ms=9, started_at_ms=1, ended_at_ms=8, closed_as=as_)


REMINDED = Reminded(probe_id="api", kind=Kind.DOWN, at_ms=9, started_at_ms=1, sequence=1, recipients=())


@pytest.mark.parametrize(
    ("event", "probe", "said"),
    [
        (opened(Kind.DOWN), API, "3 failed checks in a row open an incident (failures = 3)"),
        (opened(Kind.SLOW), API, "4 checks in a row above 1s500ms open an incident (slow_checks = 4)"),
        (closed(Kind.DOWN), API, "1 good check closes an incident (recoveries = 1)"),
        (closed(Kind.SLOW), API, "1 check at or below 80 % of 1s500ms closes an incident (recoveries = 1)"),
        (
            closed(Kind.SLOW),
            NEVER_SLOW,
            "2 checks in a row at or below 80 % of no limit close an incident (recoveries = 2)",
        ),
        (closed(Kind.DOWN, ClosedAs.REMOVED), None, "the probe is no longer configured"),
        (closed(Kind.DOWN, ClosedAs.RESOLVED), API, "a person ended the incident (prober incidents resolve)"),
        (REMINDED, API, "an incident that is open and not acknowledged is told again (remind)"),
    ],
)
def test_the_rule_is_said_with_the_key_that_sets_it(
    event: Opened | Closed | Reminded, probe: Probe | None, said: str
) -> None:
    assert rule(event, probe) == said
