from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from prober.core.facts import Phases
from prober.core.model import (
    CertificateExpiring,
    Closed,
    ClosedAs,
    Kind,
    Opened,
    Outcome,
    ProberBlind,
    Reason,
    Reminded,
    Result,
)
from prober.core.report import AlertTally, Gated
from prober.core.sight import Disagreed, KeyRejected, RoleChanged, Verdict
from prober.render import outcome

if TYPE_CHECKING:
    from prober.core.model import Event
    from prober.render.columns import Colour

T0 = 1_795_184_003_000  # 2026-11-20T14:13:23Z
SILENT = AlertTally()


def result(probe_id: str = "api", **fields: Any) -> Result:
    usual: dict[str, Any] = {"outcome": Outcome.OK, "latency_us": 61_200}
    return Result(probe_id=probe_id, location="here", at_ms=T0, **usual | fields)


def failed(detail: str = "status 503, expected 2xx", **fields: Any) -> Result:
    usual: dict[str, Any] = {"outcome": Outcome.FAILED, "reason": Reason.STATUS, "latency_us": None}
    return result(detail=detail, **usual | fields)


def opened(kind: Kind = Kind.DOWN) -> Opened:
    return Opened(probe_id="api", kind=kind, at_ms=T0, started_at_ms=T0, reason=None, detail=None, checks=3)


def closed(kind: Kind = Kind.DOWN, closed_as: ClosedAs = ClosedAs.RECOVERED) -> Closed:
    return Closed(probe_id="api", kind=kind, at_ms=T0, started_at_ms=T0, ended_at_ms=T0, closed_as=closed_as)


STANDING_IN = RoleChanged(at_ms=T0, role="standing-in", why=Verdict.STALE)
REMINDED = Reminded(probe_id="api", kind=Kind.DOWN, at_ms=T0, started_at_ms=T0, sequence=1, recipients=())
CERTIFICATE = CertificateExpiring(probe_id="api", at_ms=T0, fingerprint="f", not_after_ms=T0, stage_ms=1)


def test_each_check_is_a_line_with_a_sign_and_a_word() -> None:
    results = [
        result(),
        result("slow", outcome=Outcome.SLOW, latency_us=1_200_000),
        failed(probe_id="down"),
        result("blind", outcome=Outcome.UNKNOWN, latency_us=None, detail="we are offline"),
    ]
    assert outcome.run(results, [], SILENT).splitlines() == [
        "  14:13:23   api                + ok          61 ms",
        "  14:13:23   slow               ! slow      1200 ms",
        "  14:13:23   down               x failed              status 503, expected 2xx",
        "  14:13:23   blind              ? unknown             we are offline",
    ]


def test_without_a_check_nothing_was_due() -> None:
    assert outcome.run([], [], SILENT) == "  nothing was due\n"


def test_what_is_paused_is_said_instead_of_nothing() -> None:
    assert outcome.run([], [], SILENT, paused=["a", "b"]) == "  paused (enabled = false): a, b\n"
    assert outcome.run([result()], [], SILENT, paused=["a"]).splitlines()[1:] == ["  paused (enabled = false): a"]


def test_a_certificate_that_is_not_judged_is_said_once_per_probe_that_was_checked() -> None:
    lines = outcome.run([result(), result(), result("b")], [], SILENT, unverified={"api", "other"}).splitlines()
    assert lines[3:] == ["  api: certificate not verified (verify = false)"]


@pytest.mark.parametrize(
    ("event", "incident", "line"),
    [
        (opened(), 7, "  api is DOWN (incident 7)"),
        (closed(), 7, "  api is UP again (incident 7)"),
        (opened(Kind.SLOW), 8, "  api is SLOW (incident 8)"),
        (closed(Kind.SLOW), 8, "  api is fast again (incident 8)"),
        (closed(closed_as=ClosedAs.REMOVED), 7, "  api was removed from the configuration (incident 7)"),
        (CERTIFICATE, None, "  api has a certificate that ends soon"),
        (ProberBlind(at_ms=T0, since_ms=T0), None, "  prober: we are offline"),
        (REMINDED, 42, "  api is still not well: a reminder (incident 42)"),
        (closed(closed_as=ClosedAs.RESOLVED), 42, "  api was resolved (incident 42)"),
    ],
)
def test_each_event_is_a_line(event: Event, incident: int | None, line: str) -> None:
    assert outcome.run([result()], [(event, incident)], SILENT).splitlines()[1:] == [line]


@pytest.mark.parametrize(
    ("event", "incident", "line"),
    [
        (STANDING_IN, None, "  prober: STANDING IN for UptimeRobot (stale)"),
        (replace(STANDING_IN, probe_ids=("api", "web")), None, "  api, web: STANDING IN for UptimeRobot (stale)"),
        (replace(STANDING_IN, role="standby"), None, "  prober: standing by behind UptimeRobot"),
        (KeyRejected(at_ms=T0), None, "  prober: UptimeRobot does not accept our key, so we tell"),
        (
            Disagreed(probe_id="api", at_ms=T0, since_ms=T0, started_at_ms=T0),
            7,
            "  api: UptimeRobot says that it is up (incident 7)",
        ),
        (opened(), 7, "  api is DOWN (incident 7), not told: UptimeRobot is watching"),
        (opened(Kind.SLOW), 8, "  api is SLOW (incident 8), not told: maintenance"),
        (opened(), 9, "  api is DOWN (incident 9)"),
        (closed(), 7, "  api is UP again (incident 7)"),
    ],
)
def test_behind_somebody_it_says_our_role_and_what_is_not_told(event: Event, incident: int | None, line: str) -> None:
    gated = Gated(held={7: "standby", 8: "maintenance"}, watcher="UptimeRobot")
    assert outcome.run([result()], [(event, incident)], SILENT, gated=gated).splitlines()[1:] == [line]


def test_a_role_of_many_probes_is_folded_to_the_terminal() -> None:
    changed = replace(STANDING_IN, probe_ids=tuple(f"probe-{number}" for number in range(9)))
    lines = outcome.run([result()], [(changed, None)], SILENT, width=60).splitlines()[1:]
    assert max(map(len, lines)) <= 60
    assert lines[-1] == "    side (stale)"


def test_what_is_told_to_nobody_is_no_line() -> None:
    superseded = closed(Kind.SLOW, ClosedAs.SUPERSEDED)
    assert outcome.run([result()], [(superseded, 1)], SILENT).count("\n") == 1


@pytest.mark.parametrize(
    ("tally", "line"),
    [
        (AlertTally(queued=2, accepted=2), "  alerts: 2 queued, 2 accepted by the mail server"),
        (AlertTally(queued=1, failed=1), "  alerts: 1 queued, 0 accepted by the mail server, 1 waiting"),
        (AlertTally(accepted=1), "  alerts: 0 queued, 1 accepted by the mail server"),
    ],
)
def test_alerts_are_counted_where_there_are_any(tally: AlertTally, line: str) -> None:
    assert outcome.run([result()], [], tally).splitlines()[1:] == [line]


def test_what_a_server_said_cannot_act_or_fill_the_screen() -> None:
    shown = outcome.run([failed(f"\x1b[2Jgot\n{'x' * 500}")], [], SILENT)
    assert "\x1b" not in shown
    assert shown.count("\n") == 1
    assert len(shown) < 160


def test_colour_is_only_added() -> None:
    painted: list[tuple[str, Colour]] = []

    def paint(word: str, colour: Colour) -> str:
        painted.append((word.strip(), colour))
        return word

    results = [result(), failed()]
    assert outcome.run(results, [], SILENT, paint=paint) == outcome.run(results, [], SILENT)
    assert painted == [("+ ok", "green"), ("x failed", "red")]


def test_a_narrow_terminal_gets_the_detail_below_the_check() -> None:
    detail = "we are offline: no connectivity url answered either (connection refused by 127.0.0.1:1)"
    assert outcome.run([failed(detail), result()], [], SILENT, width=60).splitlines() == [
        "  14:13:23   api                x failed",
        "    we are offline: no connectivity url answered either",
        "        (connection refused by 127.0.0.1:1)",
        "  14:13:23   api                + ok       61 ms",
    ]


@pytest.mark.parametrize(
    ("results", "events", "tally", "is_notable"),
    [
        ([result()], [], SILENT, False),
        ([], [], SILENT, False),
        ([result()], [(closed(closed_as=ClosedAs.SUPERSEDED), 1)], SILENT, False),
        ([result(), failed()], [], SILENT, True),
        ([result(outcome=Outcome.SLOW)], [], SILENT, True),
        ([result()], [(closed(), 1)], SILENT, True),
        ([result()], [], AlertTally(queued=1), True),
        ([result()], [], AlertTally(accepted=1), True),
        ([result()], [], AlertTally(failed=1), True),
    ],
)
def test_a_run_is_notable_when_anything_but_good_checks_happened(
    results: list[Result], events: list[tuple[Event, int | None]], tally: AlertTally, is_notable: bool
) -> None:
    assert outcome.is_notable(results, events, tally) == is_notable


def test_the_time_of_a_check_is_told_phase_by_phase() -> None:
    spent = Phases(dns_us=1_000, connect_us=2_040, tls_us=19_000, wait_us=26_000, body_us=500, lag_us=90)
    assert outcome.phases(result(phases=spent, clock="kernel")) == (
        "api: dns 1.0, connect 2.0, tls 19.0, wait 26.0, read 0.5, our own lag 0.1 ms (kernel clock)"
    )


@pytest.mark.parametrize("phases", [None, Phases()])
def test_a_check_that_got_nowhere_has_no_phases(phases: Phases | None) -> None:
    assert outcome.phases(failed(phases=phases)) == "api: no time was measured"


def test_what_was_held_until_now_is_said_where_it_is_told() -> None:
    shown = outcome.run([], [], AlertTally(queued=1, accepted=1), gated=Gated(released=[("api", 7)]))
    assert "  api: incident 7 is told now; it was held until then\n" in shown
