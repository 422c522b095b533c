"""Sample alerts that the rendering tests share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from prober.core.alerts import AlertFacts, AlertKind, CheckLine, Figures, Percentiles
from prober.core.model import Outcome, Reason, Severity
from prober.core.sight import Verdict
from prober.render.message import Envelope

MIN: Final = 60_000
FAILED_AT: Final = 1_795_206_011_000  # 2026-11-20 20:20:11 UTC
QUEUED_AT: Final = FAILED_AT + 2 * MIN + 1_000

ENVELOPE: Final = Envelope(
    sender="prober@acme.example",
    recipient="ops@acme.example",
    message_id="<4f1c2a90b7d34e55a1c0ffee12345678@acme.example>",
    in_reply_to=None,
    date_ms=QUEUED_AT,
    list_id="<prober.acme.example>",
    first_tried_at_ms=QUEUED_AT + 400,
)

DOWN: Final = AlertFacts(
    kind=AlertKind.DOWN,
    queued_at_ms=QUEUED_AT,
    location="web-1",
    origin="web-1.acme.example",
    probe_id="api",
    probe_name="Public API",
    url="https://api.acme.example/api/health",
    severity=Severity.P0,
    incident=42,
    started_at_ms=FAILED_AT,
    confirmed_at_ms=QUEUED_AT - 500,
    reason=Reason.STATUS,
    detail="status 503, expected 2xx",
    checks=3,
    rule="3 failed checks in a row open an incident (failures = 3)",
    checks_before=(
        CheckLine(at_ms=FAILED_AT - 10 * MIN, outcome=Outcome.OK, latency_us=61_200),
        CheckLine(at_ms=FAILED_AT - 5 * MIN, outcome=Outcome.SLOW, detail="1.204 s, limit 1 s", latency_us=1_204_000),
        *(
            CheckLine(
                at_ms=FAILED_AT + n * MIN,
                outcome=Outcome.FAILED,
                reason=Reason.STATUS,
                detail="status 503, expected 2xx",
            )
            for n in range(3)
        ),
    ),
    excerpt='{"status":"not ready","database":{"connected":false,"error":"connection refused"}}',
    last_good_at_ms=FAILED_AT - 5 * MIN,
    figures=(
        Figures(window="24h", uptime_percent=99.9996, coverage_percent=99.7),
        Figures(window="30d", uptime_percent=99.928, coverage_percent=98.2),
    ),
    percentiles=(Percentiles(window="24h", p50_us=61_000, p95_us=73_900, p99_us=1_071_000),),
    latency_before_us=1_204_000,
    slow_ms=1000,
    target_percent=99.9,
    others_down=("web", "db"),
    connectivity="our own network is fine",
    runbook="https://wiki.acme.example/runbook#service-down",
    dashboard="https://status.acme.example",
)
RECOVERED: Final = replace(
    DOWN,
    kind=AlertKind.RECOVERED,
    queued_at_ms=FAILED_AT + 74 * MIN,
    ended_at_ms=FAILED_AT + 72 * MIN,
    failed_checks=71,
    budget_used_percent=166.66,
    rule="2 good checks in a row close an incident (recoveries = 2)",
    excerpt=None,
    others_down=(),
)
MERGED: Final = replace(RECOVERED, ended_at_ms=FAILED_AT + 20 * MIN, is_merged=True)
REMOVED: Final = replace(RECOVERED, kind=AlertKind.REMOVED, url=None, rule="the probe is no longer configured")
SLOW: Final = replace(
    DOWN,
    kind=AlertKind.SLOW,
    severity=Severity.P1,
    incident=43,
    reason=None,
    detail="1.834 s, limit 1 s",
    latency_now_us=1_834_000,
    checks_before=tuple(
        CheckLine(at_ms=FAILED_AT + n * MIN, outcome=Outcome.SLOW, detail="1.834 s, limit 1 s", latency_us=1_834_000)
        for n in range(3)
    ),
    excerpt=None,
    latency_before_us=240_000,
    percentiles=(
        *DOWN.percentiles,
        Percentiles(window="today", p50_us=64_000, p95_us=1_900_000, p99_us=2_100_000),
        Percentiles(window="7 days ago", p50_us=58_000, p95_us=70_000, p99_us=91_000),
    ),
)
SLOW_OVER: Final = replace(
    SLOW,
    kind=AlertKind.SLOW_OVER,
    queued_at_ms=FAILED_AT + 74 * MIN,
    ended_at_ms=FAILED_AT + 72 * MIN,
    latency_now_us=240_000,
)
REMINDER: Final = replace(
    DOWN,
    kind=AlertKind.REMINDER,
    queued_at_ms=FAILED_AT + 65 * MIN,
    failed_checks=63,
    rule="an incident that is open and not acknowledged is told again (remind)",
    remind_ms=60 * MIN,
)
STILL_SLOW: Final = replace(
    SLOW, kind=AlertKind.REMINDER, queued_at_ms=FAILED_AT + 65 * MIN, rule=REMINDER.rule, remind_ms=60 * MIN
)
RESOLVED: Final = replace(
    RECOVERED,
    kind=AlertKind.RESOLVED,
    rule="a person ended the incident (prober incidents resolve)",
    acknowledged_by="bob",
    acknowledged_at_ms=FAILED_AT + 10 * MIN,
    resolved_by="ann",
    resolved_note="the check was wrong",
    connectivity=None,
)
_OURS: Final[dict[str, Any]] = {"queued_at_ms": QUEUED_AT, "location": "web-1", "origin": "web-1.acme.example"}
CERTIFICATE: Final = AlertFacts(
    kind=AlertKind.CERTIFICATE,
    probe_id="api",
    severity=Severity.P2,
    url="https://api.acme.example/api/health",
    certificate_not_after_ms=QUEUED_AT + 13 * 24 * 60 * MIN,
    rule="less than 14d left",
    runbook="https://wiki.acme.example/runbook#certificates",
    **_OURS,
)
BLIND: Final = AlertFacts(kind=AlertKind.BLIND, started_at_ms=QUEUED_AT - 12 * MIN, confirmed_at_ms=QUEUED_AT, **_OURS)
STORE: Final = AlertFacts(kind=AlertKind.STORE, detail="prober.db.corrupt-20261120T202000Z", **_OURS)
_WATCHER: Final[dict[str, Any]] = {"watcher": "UptimeRobot", **_OURS}
STANDING_IN: Final = AlertFacts(
    kind=AlertKind.STANDING_IN,
    role="standing-in",
    severity=Severity.P2,
    watched_as=Verdict.STALE,
    started_at_ms=QUEUED_AT - 21 * MIN,
    **_WATCHER,
)
STANDING_IN_FOR_ONE: Final = replace(STANDING_IN, started_at_ms=None, probes=("api",))
STANDING_BY: Final = replace(STANDING_IN, kind=AlertKind.STANDING_BY, role="standby", watched_as=Verdict.WATCHING)
KEY: Final = AlertFacts(kind=AlertKind.KEY, role="standing-in", severity=Severity.P2, **_WATCHER)
DISAGREEMENT: Final = replace(
    DOWN,
    kind=AlertKind.DISAGREEMENT,
    role="standby",
    severity=Severity.P3,
    watcher="UptimeRobot",
    confirmed_at_ms=QUEUED_AT - 11 * MIN,
    started_at_ms=QUEUED_AT - 14 * MIN,
)
SAMPLE: Final = replace(DOWN, probe_id="test-sample", incident=0)
TEST: Final = AlertFacts(
    kind=AlertKind.TEST,
    relay="smtp.acme.example:587 (starttls)",
    sender="prober@acme.example",
    recipients=("ops@acme.example", "oncall@acme.example"),
    **_OURS,
)


def batch(down: int, up: int = 0, *, number: int = 7) -> AlertFacts:
    """Return one mail that stands for many alerts."""
    names = ["api", "web", "db", *(f"shop-{n}" for n in range(down + up))]
    members = tuple(
        replace(DOWN if n < down else RECOVERED, probe_id=names[n], incident=100 + n) for n in range(down + up)
    )
    return AlertFacts(kind=AlertKind.SEVERAL, members=members, batch=number, **_OURS)


SEVERAL: Final = batch(14)
ALL: Final = (
    *(DOWN, REMINDER, RECOVERED, MERGED, REMOVED, RESOLVED, SLOW, STILL_SLOW, SLOW_OVER),
    *(CERTIFICATE, BLIND, STORE, TEST, SEVERAL),
    *(STANDING_IN, STANDING_IN_FOR_ONE, STANDING_BY, KEY, DISAGREEMENT),
)
