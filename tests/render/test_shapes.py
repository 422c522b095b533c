from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.core.alerts import AlertKind
from prober.core.model import (
    CertificateExpiring,
    Closed,
    ClosedAs,
    Incident,
    Kind,
    Opened,
    Outcome,
    ProberBlind,
    Reason,
    Reminded,
    Result,
    Severity,
)
from prober.core.people import Action, Note
from prober.core.report import (
    AlertOfIncident,
    AlertTally,
    Notice,
    PlannedNow,
    ProbeStatus,
    StatusReport,
    Story,
    WaitingAlert,
    WindowFigures,
)
from prober.core.sight import Disagreed, KeyRejected, RoleChanged, Verdict
from prober.core.uptime import Counts, Uptime
from prober.render import shapes

if TYPE_CHECKING:
    from prober.core.model import Event

AT_MS = 1_795_183_923_000
RESULT = Result(
    probe_id="api",
    location="web-1",
    at_ms=AT_MS,
    outcome=Outcome.OK,
    status=200,
    latency_us=61_200,
    interval_ms=300_000,
)
BROKEN = Result(
    probe_id="db", location="web-1", at_ms=AT_MS, outcome=Outcome.FAILED, reason=Reason.DNS, detail="no such \x1bname"
)
INCIDENT = Incident(
    number=42,
    uid="u",
    probe_id="api",
    location="web-1",
    kind=Kind.DOWN,
    severity=Severity.P1,
    started_at_ms=AT_MS,
    confirmed_at_ms=AT_MS + 600_000,
    reason=Reason.STATUS,
    detail="status 503, expected 2xx",
    checks=3,
)
SHOWN_INCIDENT = {
    "number": 42,
    "probe": "api",
    "kind": "down",
    "severity": "P1",
    "started_at": "2026-11-20T14:12:03Z",
    "confirmed_at": "2026-11-20T14:22:03Z",
    "ended_at": None,
    "announced_at": None,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "closed_as": None,
    "held": False,
    "false_positive": False,
    "in_maintenance": False,
    "reason": "status",
    "detail": "status 503, expected 2xx",
    "checks": 3,
}


def opened(kind: Kind) -> Opened:
    return Opened(probe_id="api", kind=kind, at_ms=AT_MS, started_at_ms=0, reason=None, detail=None, checks=3)


def closed(kind: Kind, closed_as: ClosedAs) -> Closed:
    return Closed(probe_id="api", kind=kind, at_ms=AT_MS, started_at_ms=0, ended_at_ms=1, closed_as=closed_as)


def test_status_has_its_documented_shape() -> None:
    uptime = Uptime(
        window_ms=86_400_000,
        observed_ms=86_400_000,
        downtime_ms=86_400,
        checks=Counts(ok=280, slow=4, failed=3, unknown=1),
    )
    probe = ProbeStatus(
        id="api",
        name="A\nPI",
        state="up",
        since_ms=AT_MS - 1000,
        last=RESULT,
        open_incidents=(INCIDENT,),
        target_percent=99.9,
        windows=(WindowFigures(name="24h", uptime=uptime, p50_us=61_000, p95_us=73_100, p99_us=88_400),),
    )
    report = StatusReport(
        title="Acme",
        location="web-1",
        generated_at_ms=AT_MS + 38_500,
        last_round_at_ms=AT_MS,
        notices=(Notice(name="configuration", since_ms=AT_MS, text="old\nconfiguration"),),
        probes=(probe,),
    )
    assert json.loads(shapes.status(report)) == {
        "schema": 1,
        "generated_at": "2026-11-20T14:12:41.500Z",
        "role": "active",
        "location": "web-1",
        "last_round_at": "2026-11-20T14:12:03Z",
        "undelivered_alerts": 0,
        "notices": [{"name": "configuration", "since": "2026-11-20T14:12:03Z", "text": "old configuration"}],
        "probes": [
            {
                "id": "api",
                "name": "A PI",
                "state": "up",
                "since": "2026-11-20T14:12:02Z",
                "maintenance": None,
                "verify": True,
                "last_check": {
                    "at": "2026-11-20T14:12:03Z",
                    "outcome": "ok",
                    "reason": None,
                    "detail": None,
                    "status": 200,
                    "latency_ms": 61.2,
                },
                "open_incidents": [42],
                "target_percent": 99.9,
                "windows": {
                    "24h": {
                        "uptime_percent": 99.9,
                        "coverage_percent": 100.0,
                        "downtime_s": 86.4,
                        "checks": {"total": 288, "ok": 280, "slow": 4, "failed": 3, "unknown": 1},
                        "latency_ms": {"p50": 61.0, "p95": 73.1, "p99": 88.4},
                    }
                },
            }
        ],
    }


def test_what_is_unknown_is_null() -> None:
    probe = ProbeStatus(id="api", name="API", state="unknown", windows=(WindowFigures(name="24h", uptime=Uptime()),))
    shape = json.loads(shapes.status(StatusReport(title="", location="", generated_at_ms=AT_MS, probes=(probe,))))
    assert shape["last_round_at"] is None
    shown = shape["probes"][0]
    assert (shown["since"], shown["last_check"], shown["target_percent"]) == (None, None, None)
    assert shown["windows"]["24h"] == {
        "uptime_percent": None,
        "coverage_percent": None,
        "downtime_s": 0,
        "checks": {"total": 0, "ok": 0, "slow": 0, "failed": 0, "unknown": 0},
        "latency_ms": {"p50": None, "p95": None, "p99": None},
    }


def test_a_probe_says_its_role_only_where_it_differs() -> None:
    probe = ProbeStatus(id="api", name="API", state="up")
    report = StatusReport(
        title="", location="", generated_at_ms=AT_MS, role="standby", probes=(probe, replace(probe, role="standing-in"))
    )
    shape = json.loads(shapes.status(report))
    assert shape["role"] == "standby"
    assert [shown.get("role") for shown in shape["probes"]] == [None, "standing-in"]


def test_a_probe_says_until_when_it_is_in_maintenance_and_why() -> None:
    planned = PlannedNow(since_ms=AT_MS - 1000, until_ms=AT_MS, reason="Weekly\u202e deploy")
    probe = ProbeStatus(id="api", name="API", state="maintenance", since_ms=planned.since_ms, maintenance=planned)
    always = replace(probe, maintenance=PlannedNow(since_ms=None, until_ms=None))
    shown = json.loads(
        shapes.status(StatusReport(title="", location="", generated_at_ms=AT_MS, probes=(probe, always)))
    )
    assert [each["maintenance"] for each in shown["probes"]] == [
        {"until": "2026-11-20T14:12:03Z", "reason": "Weekly deploy"},
        {"until": None, "reason": None},
    ]


def test_an_incident_says_whether_it_began_in_maintenance() -> None:
    listed = json.loads(shapes.incidents([INCIDENT, replace(INCIDENT, number=41)], in_maintenance={41}))["incidents"]
    assert {each["number"]: each["in_maintenance"] for each in listed} == {42: False, 41: True}
    shown = json.loads(shapes.incident(Story(incident=INCIDENT, in_maintenance=True)))
    assert shown["incident"]["in_maintenance"] is True


def test_run_has_its_documented_shape() -> None:
    events: list[tuple[Event, int | None]] = [
        (opened(Kind.DOWN), 42),
        (opened(Kind.SLOW), 43),
        (closed(Kind.SLOW, ClosedAs.SUPERSEDED), 41),
        (ProberBlind(at_ms=AT_MS, since_ms=0), None),
    ]
    shape = json.loads(
        shapes.run([RESULT, BROKEN], events, AlertTally(queued=2, accepted=1, failed=1), unverified={"db"}, held={43})
    )
    at = "2026-11-20T14:12:03Z"
    assert shape == {
        "schema": 1,
        "results": [
            {
                "id": "api",
                "at": at,
                "outcome": "ok",
                "reason": None,
                "detail": None,
                "status": 200,
                "latency_ms": 61.2,
                "verify": True,
            },
            {
                "id": "db",
                "at": at,
                "outcome": "failed",
                "reason": "dns",
                "detail": "no such ame",
                "status": None,
                "latency_ms": None,
                "verify": False,
            },
        ],
        "events": [
            {"kind": "down_opened", "probe": "api", "incident": 42, "at": at, "held": False},
            {"kind": "slow_opened", "probe": "api", "incident": 43, "at": at, "held": True},
            {"kind": "prober_blind", "probe": None, "incident": None, "at": at, "held": False},
        ],
        "alerts": {"queued": 2, "accepted": 1, "failed": 1},
    }


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (opened(Kind.DOWN), "down_opened"),
        (opened(Kind.SLOW), "slow_opened"),
        (closed(Kind.DOWN, ClosedAs.RECOVERED), "down_recovered"),
        (closed(Kind.SLOW, ClosedAs.RECOVERED), "slow_over"),
        (closed(Kind.DOWN, ClosedAs.REMOVED), "removed"),
        (closed(Kind.SLOW, ClosedAs.REMOVED), "removed"),
        (closed(Kind.SLOW, ClosedAs.SUPERSEDED), None),
        (closed(Kind.DOWN, ClosedAs.RESOLVED), "resolved"),
        (
            Reminded(probe_id="api", kind=Kind.DOWN, at_ms=AT_MS, started_at_ms=0, sequence=1, recipients=()),
            "reminded",
        ),
        (
            CertificateExpiring(probe_id="api", at_ms=AT_MS, fingerprint="ab", not_after_ms=1, stage_ms=1),
            "certificate_expiring",
        ),
        (ProberBlind(at_ms=AT_MS, since_ms=0), "prober_blind"),
        (RoleChanged(at_ms=AT_MS, role="standing-in", why=Verdict.STALE), "standing_in"),
        (RoleChanged(at_ms=AT_MS, role="standby", why=Verdict.WATCHING), "standing_by"),
        (KeyRejected(at_ms=AT_MS), "key_rejected"),
        (Disagreed(probe_id="api", at_ms=AT_MS, since_ms=0, started_at_ms=0), "disagreement"),
    ],
)
def test_every_event_has_its_word(event: Event, word: str | None) -> None:
    assert shapes.event_word(event) == word


def test_check_has_results_alone() -> None:
    shape = json.loads(shapes.check([RESULT]))
    assert shape.keys() == {"schema", "results"}
    assert [(result["id"], result["verify"]) for result in shape["results"]] == [("api", True)]
    unverified = json.loads(shapes.check([RESULT], unverified={"api"}))
    assert unverified["results"][0]["verify"] is False


def test_settings_have_a_shape() -> None:
    shown = json.loads(
        shapes.settings([("title", '"Ac\u202eme"', "probes.toml:1"), ("probe.a.failures", "3", "built in")])
    )
    assert shown == {
        "schema": 1,
        "settings": [
            {"key": "title", "value": '"Acme"', "origin": "probes.toml:1"},
            {"key": "probe.a.failures", "value": "3", "origin": "built in"},
        ],
    }


def test_incidents_come_newest_first() -> None:
    newer = replace(INCIDENT, number=50, started_at_ms=AT_MS + 1)
    shape = json.loads(shapes.incidents([replace(INCIDENT, number=41), INCIDENT, newer]))
    assert [each["number"] for each in shape["incidents"]] == [50, 42, 41]
    assert shape["incidents"][1] == SHOWN_INCIDENT


def test_one_incident_has_the_same_shape_as_in_the_list() -> None:
    over = replace(INCIDENT, ended_at_ms=AT_MS, closed_as=ClosedAs.RECOVERED)
    assert json.loads(shapes.incident(Story(incident=INCIDENT)))["incident"] == SHOWN_INCIDENT
    assert json.loads(shapes.incident(Story(incident=over)))["incident"]["closed_as"] == "recovered"


def test_one_incident_comes_with_what_people_did_and_were_told() -> None:
    note = Note(at_ms=AT_MS, who="ann\x1b", action=Action.ACKNOWLEDGED, text="on\nit")
    alert = AlertOfIncident(
        kind=AlertKind.DOWN, channel="email", recipient="ops@acme.example", queued_at_ms=AT_MS, state="waiting"
    )
    taken = replace(INCIDENT, acknowledged_at_ms=AT_MS, acknowledged_by="ann")
    bare = Note(at_ms=AT_MS, who="ann", action=Action.MARKED)
    shape = json.loads(shapes.incident(Story(incident=taken, notes=(note, bare), alerts=(alert,))))
    assert shape["incident"]["acknowledged_by"] == "ann"
    assert shape["notes"] == [
        {"at": "2026-11-20T14:12:03Z", "who": "ann", "action": "acknowledged", "text": "on it"},
        {"at": "2026-11-20T14:12:03Z", "who": "ann", "action": "false_positive", "text": None},
    ]
    assert shape["alerts"] == [
        {
            "kind": "down",
            "channel": "email",
            "recipient": "ops@acme.example",
            "queued_at": "2026-11-20T14:12:03Z",
            "sent_at": None,
            "state": "waiting",
        }
    ]


def test_waiting_alerts_have_a_shape() -> None:
    waiting = WaitingAlert(
        number=3,
        kind=AlertKind.DOWN,
        probe_id="api",
        incident=42,
        channel="email",
        recipient="ops@acme.example",
        queued_at_ms=AT_MS,
        attempts=1,
        last_error="451\r\n",
    )
    assert json.loads(shapes.alerts([waiting])) == {
        "schema": 1,
        "alerts": [
            {
                "number": 3,
                "kind": "down",
                "probe": "api",
                "incident": 42,
                "channel": "email",
                "recipient": "ops@acme.example",
                "state": "waiting",
                "queued_at": "2026-11-20T14:12:03Z",
                "attempts": 1,
                "next_attempt_at": None,
                "last_error": "451 ",
            }
        ],
    }


def test_the_output_is_ascii_and_ends_its_line() -> None:
    text = shapes.check([replace(BROKEN, detail="größer \ud800")])
    assert text.isascii()
    assert text.endswith("}\n")
