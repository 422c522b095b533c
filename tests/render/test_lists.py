from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.core.alerts import AlertKind
from prober.core.model import ClosedAs, Incident, Kind, Reason, Severity
from prober.core.people import Action, Note
from prober.core.report import AlertOfIncident, Story, WaitingAlert
from prober.render.lists import alerts, incident, incidents

if TYPE_CHECKING:
    from typing import Any

    from prober.core.gate import HeldBy
    from prober.core.report import AlertFate
    from prober.render.columns import Colour

NOW_MS = 1_795_183_923_000
OPEN = Incident(
    number=42,
    uid="0b5e",
    probe_id="api",
    location="web-1",
    kind=Kind.DOWN,
    severity=Severity.P0,
    started_at_ms=NOW_MS - 3_900_000,
    confirmed_at_ms=NOW_MS - 3_600_000,
    reason=Reason.STATUS,
    detail="status 503, expected 2xx\x1b[2J",
    checks=3,
)
OVER = replace(
    OPEN,
    number=7,
    kind=Kind.SLOW,
    ended_at_ms=NOW_MS - 3_000_000,
    closed_as=ClosedAs.RECOVERED,
    announced_at_ms=NOW_MS - 3_600_000,
    reason=None,
    detail=None,
)
WAITING = WaitingAlert(
    number=3,
    kind=AlertKind.DOWN,
    probe_id="api",
    incident=42,
    channel="email",
    recipient="ops@acme.example",
    queued_at_ms=NOW_MS - 120_000,
    attempts=4,
    next_attempt_at_ms=NOW_MS + 60_000,
    last_error="451 later\r\n",
)


def in_brackets(word: str, colour: Colour) -> str:
    return f"<{colour}>{word}</>"


def test_incidents_are_one_line_each_in_the_order_given() -> None:
    assert incidents([OPEN, OVER], now_ms=NOW_MS).splitlines() == [
        "   #   PROBE   KIND   SEV   STATE         STARTED                   LASTED   WHY",
        "  42   api     down   P0    x open        2026-11-20 13:07:03 UTC    1h05m   status 503, expected 2xx",
        "   7   api     slow   P0    + recovered   2026-11-20 13:07:03 UTC      15m   slow responses",
    ]


def test_what_is_held_says_why_below_the_list() -> None:
    held = [replace(OPEN, number=number, is_held=True) for number in (44, 43, 42, 41)]
    why: dict[int, HeldBy | None] = {44: "standby", 43: "maintenance", 42: "standby", 41: None}
    lines = incidents([*held, OVER], now_ms=NOW_MS, held=why, watcher="UptimeRobot").splitlines()
    assert "   x open, held   " in lines[1]
    assert lines[6:] == [
        "  held  #44, #42: UptimeRobot is watching",
        "  held  #43: maintenance",
        "  held  #41: until the next bad check",
    ]


def test_an_incident_that_is_held_says_why() -> None:
    story = Story(incident=replace(OPEN, is_held=True), held_by="standby", watcher="UptimeRobot")
    shown = incident(story, now_ms=NOW_MS)
    assert shown.startswith("  #42  api down   x open, held\n")
    assert "    announced     not announced\n    held          UptimeRobot is watching\n" in shown
    assert "held" not in incident(replace(story, incident=OPEN), now_ms=NOW_MS)


def test_an_incident_that_was_held_until_it_was_over_says_so() -> None:
    over = replace(OPEN, is_held=True, ended_at_ms=NOW_MS, closed_as=ClosedAs.RECOVERED, announced_at_ms=None)
    shown = incident(Story(incident=over), now_ms=NOW_MS)
    assert "never told" in shown
    assert "announced     not announced: it was held back until it was over\n" in shown


def test_without_incidents_the_list_says_so() -> None:
    assert incidents([], now_ms=NOW_MS) == "no incidents\n"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "<red>x open</>"),
        ({"kind": Kind.SLOW}, "<yellow>! open</>"),
        ({"acknowledged_at_ms": NOW_MS}, "<red>x open, acknowledged</>"),
        ({"false_positive": True}, "<red>x open, false positive</>"),
        ({"ended_at_ms": NOW_MS, "closed_as": ClosedAs.SUPERSEDED}, "+ superseded"),
        (
            {
                "ended_at_ms": NOW_MS,
                "closed_as": ClosedAs.REMOVED,
                "acknowledged_at_ms": NOW_MS,
                "false_positive": True,
            },
            "+ removed, false positive",
        ),
    ],
)
def test_the_state_of_an_incident_is_told_in_words_and_a_sign(changes: dict[str, Any], state: str) -> None:
    changed = replace(OPEN, **changes)
    assert state in incidents([changed], now_ms=NOW_MS, paint=in_brackets)
    assert state in incident(Story(incident=changed), now_ms=NOW_MS, paint=in_brackets)


def test_an_incident_that_began_in_maintenance_says_so_and_why() -> None:
    assert "x open, in maintenance " in incidents([OPEN, OVER], now_ms=NOW_MS, in_maintenance={OPEN.number})
    assert "recovered, in" not in incidents([OPEN, OVER], now_ms=NOW_MS, in_maintenance={OPEN.number})
    story = Story(incident=OVER, in_maintenance=True, maintenance_reason="Weekly\u202e deploy")
    assert incident(story, now_ms=NOW_MS).splitlines()[0] == "  #7  api slow   + recovered, in maintenance"
    assert "    maintenance   Weekly deploy\n" in incident(story, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (["sent", "waiting"], ""),
        (["waiting", "merged"], ": queued, not accepted yet"),
        (["dropped", "closed"], ": queued, never sent"),
    ],
)
def test_what_no_server_has_accepted_is_not_called_announced(states: list[AlertFate], said: str) -> None:
    alerts = tuple(
        AlertOfIncident(kind=AlertKind.DOWN, channel="email", recipient="a", queued_at_ms=NOW_MS, state=state)
        for state in states
    )
    shown = incident(Story(incident=OVER, alerts=alerts), now_ms=NOW_MS)
    assert f"    announced     2026-11-20 13:12:03 UTC{said}\n" in shown


def test_an_incident_is_shown_with_all_that_is_known() -> None:
    assert incident(Story(incident=OVER), now_ms=NOW_MS).splitlines() == [
        "  #7  api slow   + recovered",
        "    severity      P0",
        "    why           slow responses",
        "    checks        3 in a row",
        "    location      web-1",
        "    started       2026-11-20 13:07:03 UTC",
        "    confirmed     2026-11-20 13:12:03 UTC",
        "    announced     2026-11-20 13:12:03 UTC",
        "    ended         2026-11-20 13:22:03 UTC",
        "    lasted        15 min",
        "    id            0b5e",
    ]


def test_who_acknowledged_stands_beside_when() -> None:
    taken = replace(OPEN, acknowledged_at_ms=NOW_MS - 60_000, acknowledged_by="ann\x1b[2J")
    assert "    acknowledged  2026-11-20 14:11:03 UTC by ann\n" in incident(Story(incident=taken), now_ms=NOW_MS)


def test_what_happened_stands_below_what_is() -> None:
    story = Story(incident=OVER, notes=(Note(at_ms=NOW_MS, who="ann", action=Action.NOTED, text="a router died"),))
    assert incident(story, now_ms=NOW_MS).endswith(
        "    id            0b5e\n\n    2026-11-20 14:12:03 UTC  noted by ann: a router died\n"
    )


def test_one_check_is_no_row_of_checks() -> None:
    assert "    checks        1\n" in incident(Story(incident=replace(OVER, checks=1)), now_ms=NOW_MS)


def test_an_incident_nobody_was_told_of_says_so() -> None:
    assert "announced     not announced" in incident(Story(incident=OPEN), now_ms=NOW_MS)


def test_waiting_alerts_say_to_whom_since_when_and_why_still() -> None:
    bare = replace(
        WAITING, number=4, kind=AlertKind.BLIND, probe_id=None, attempts=0, next_attempt_at_ms=None, last_error=None
    )
    assert alerts([WAITING, bare], now_ms=NOW_MS).splitlines() == [
        "  #   ALERT          PROBE   TO                         STATE     QUEUED      TRIED   NEXT       LAST ANSWER",
        "  3   down           api     ops@acme.example (email)   waiting   2 min ago     4 x   in 1 min   451 later",
        "  4   prober_blind   -       ops@acme.example (email)   waiting   2 min ago     0 x   -          -",
    ]


def test_a_narrow_terminal_gets_all_of_a_waiting_alert_in_two_lines() -> None:
    answer = "450 4.2.0 the mailbox is being moved, come again tomorrow at noon"
    refused = replace(WAITING, number=12, last_error=answer)
    lines = alerts([WAITING, refused], now_ms=NOW_MS, width=80).splitlines()
    assert lines == [
        "   #   ALERT   PROBE   TO                         STATE     QUEUED      TRIED",
        "   3   down    api     ops@acme.example (email)   waiting   2 min ago     4 x",
        "    next: in 1 min    last answer: 451 later",
        "  12   down    api     ops@acme.example (email)   waiting   2 min ago     4 x",
        "    next: in 1 min",
        "    last answer: 450 4.2.0 the mailbox is being moved, come again tomorrow at",
        "        noon",
    ]


def test_a_narrow_terminal_gets_the_reason_of_an_incident_below_it() -> None:
    assert incidents([OPEN], now_ms=NOW_MS, width=80).splitlines() == [
        "   #   PROBE   KIND   SEV   STATE    STARTED                   LASTED",
        "  42   api     down   P0    x open   2026-11-20 13:07:03 UTC    1h05m",
        "    why: status 503, expected 2xx",
    ]


def test_what_is_known_of_an_incident_is_folded_to_the_terminal() -> None:
    detail = "websocket.connected: expected true, got false, and so it was for the whole of the day"
    said = "the provider confirms that a router died, and has sent somebody to replace it"
    note = Note(at_ms=NOW_MS, who="ann", action=Action.NOTED, text=said)
    shown = incident(Story(incident=replace(OVER, detail=detail), notes=(note,)), now_ms=NOW_MS, width=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert "    why           websocket.connected: expected true, got false, and so it was\n" in shown
    assert "\n                  for the whole of the day\n" in shown
    assert shown.endswith(
        "    2026-11-20 14:12:03 UTC  noted by ann: the provider confirms that a router\n"
        "                             died, and has sent somebody to replace it\n"
    )


def test_an_alert_that_was_closed_is_said_to_be() -> None:
    line = alerts([replace(WAITING, state="closed", next_attempt_at_ms=None)], now_ms=NOW_MS).splitlines()[1]
    assert "   closed   2 min ago     4 x   -      451 later" in line


def test_an_alert_that_is_due_is_next_now() -> None:
    assert "   now   " in alerts([replace(WAITING, next_attempt_at_ms=NOW_MS)], now_ms=NOW_MS)


def test_without_waiting_alerts_the_list_says_so() -> None:
    assert alerts([], now_ms=NOW_MS) == "no alert is waiting\n"
