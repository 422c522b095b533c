"""What holds back news of a probe: the gate says which, not only whether."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.core import gate
from prober.core.model import (
    CertificateExpiring,
    Closed,
    ClosedAs,
    Incident,
    Kind,
    Opened,
    Probe,
    ProberBlind,
    Severity,
)
from prober.core.settings import Maintenance
from prober.core.sight import Disagreed, KeyRejected, Verdict
from prober.core.standby import ProbeStanding, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.core.gate import HeldBy
    from prober.core.model import Event

AT_MS = 1_000_000
PROBE = Probe(id="api", name="API", url="https://api.example/", identity="1")
WORK = (Maintenance(start_ms=AT_MS - 1, duration_ms=2),)
WATCHED, UNSURE = Standing(seen=Verdict.WATCHING), Standing(seen=Verdict.OFFLINE)
OURS = Standing(probes={"api": ProbeStanding(is_ours=True)})
OPENED = Opened(probe_id="api", kind=Kind.DOWN, at_ms=AT_MS, started_at_ms=1, reason=None, detail=None, checks=3)
CLOSED = Closed(
    probe_id="api", kind=Kind.DOWN, at_ms=AT_MS, started_at_ms=1, ended_at_ms=AT_MS, closed_as=ClosedAs.RECOVERED
)
CERTIFICATE = CertificateExpiring(probe_id="api", at_ms=AT_MS, fingerprint="aa", not_after_ms=9, stage_ms=6)
INCIDENT = Incident(
    number=1,
    uid="u",
    probe_id="api",
    location="here",
    kind=Kind.DOWN,
    severity=Severity.P1,
    started_at_ms=1,
    confirmed_at_ms=2,
    checks=3,
    is_held=True,
)
DISAGREED = Disagreed(probe_id="api", at_ms=AT_MS, since_ms=1, started_at_ms=1)


@pytest.mark.parametrize(
    ("event", "standing", "windows", "expected"),
    [
        (OPENED, None, (), None),
        (OPENED, WATCHED, (), "standby"),
        (OPENED, WATCHED, WORK, "standby"),
        (OPENED, UNSURE, WORK, "unsure"),
        (OPENED, OURS, (), None),
        (OPENED, OURS, WORK, "maintenance"),
        (OPENED, None, WORK, "maintenance"),
        (CERTIFICATE, WATCHED, (), "standby"),
        (CLOSED, WATCHED, WORK, None),
        (DISAGREED, WATCHED, WORK, None),
        (KeyRejected(at_ms=AT_MS), WATCHED, WORK, None),
        (ProberBlind(at_ms=AT_MS, since_ms=1), WATCHED, WORK, None),
    ],
)
def test_an_event_is_held_by_who_watches_first_and_by_maintenance_then(
    event: Event, standing: Standing | None, windows: Sequence[Maintenance], expected: HeldBy | None
) -> None:
    assert gate.held_by(event, probe=PROBE, standing=standing, windows=windows) == expected
    assert gate.is_held(event, probe=PROBE, standing=standing, windows=windows) is (expected is not None)


@pytest.mark.parametrize(
    ("incident", "probe", "standing", "expected"),
    [
        (INCIDENT, PROBE, None, "maintenance"),
        (INCIDENT, PROBE, OURS, "maintenance"),
        (INCIDENT, PROBE, WATCHED, "standby"),
        (INCIDENT, replace(PROBE, enabled=False), WATCHED, "paused"),
        (replace(INCIDENT, false_positive=True), replace(PROBE, enabled=False), WATCHED, "false_positive"),
        (INCIDENT, None, None, None),
        (INCIDENT, None, WATCHED, "standby"),
    ],
)
def test_an_incident_is_held_by_what_will_not_pass_first(
    incident: Incident, probe: Probe | None, standing: Standing | None, expected: HeldBy | None
) -> None:
    assert gate.incident_held_by(incident, probe=probe, standing=standing, windows=WORK, now_ms=AT_MS) == expected
    released = gate.released_from_ms(incident, probe=probe, standing=standing, windows=WORK, now_ms=AT_MS)
    assert (released is None) is (expected is not None)
