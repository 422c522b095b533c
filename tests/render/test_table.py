from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.core.model import Incident, Kind, Outcome, Result, Severity
from prober.core.report import Day, Notice, PlannedNow, ProbeStatus, StatusReport, WindowFigures
from prober.core.uptime import Uptime
from prober.render.table import bars, status

if TYPE_CHECKING:
    from prober.core.gate import HeldBy
    from prober.core.report import ShownState
    from prober.core.sight import Role
    from prober.render.columns import Colour

NOW_MS = 1_795_183_961_000
ROUND_MS = NOW_MS - 38_000
GOOD, SPOILT, EMPTY = Day(uptime_percent=100), Day(uptime_percent=50, had_incident=True), Day()


def window(name: str, percent: float | None, coverage: float = 100, p50: float | None = None) -> WindowFigures:
    observed = 0 if percent is None else round(coverage * 1_000_000)
    uptime = Uptime(
        window_ms=100_000_000, observed_ms=observed, downtime_ms=round(observed * (100 - (percent or 0)) / 100)
    )
    latencies = {} if p50 is None else {"p50_us": p50, "p95_us": p50 * 1.2, "p99_us": p50 * 2}
    return WindowFigures(name=name, uptime=uptime, **latencies)


def probe(probe_id: str, state: ShownState, *windows: WindowFigures, days: tuple[Day, ...] = ()) -> ProbeStatus:
    last = Result(probe_id=probe_id, location="web-1", at_ms=ROUND_MS, outcome=Outcome.OK)
    return ProbeStatus(id=probe_id, name=probe_id.upper(), state=state, last=last, windows=windows, days=days)


def incident(probe_id: str, kind: Kind, minutes: int) -> Incident:
    started_ms = NOW_MS - minutes * 60_000
    return Incident(
        number=42,
        uid="u",
        probe_id=probe_id,
        location="web-1",
        kind=kind,
        severity=Severity.P1,
        started_at_ms=started_ms,
        confirmed_at_ms=started_ms,
        ended_at_ms=None,
        closed_as=None,
        announced_at_ms=None,
        acknowledged_at_ms=None,
        false_positive=False,
        reason=None,
        detail=None,
        checks=3,
    )


def report(*probes: ProbeStatus, title: str = "Acme") -> StatusReport:
    return StatusReport(title=title, location="web-1", generated_at_ms=NOW_MS, last_round_at_ms=ROUND_MS, probes=probes)


def acme() -> StatusReport:
    days = (GOOD,) * 90
    api = probe(
        "api",
        "up",
        window("24h", 100, p50=61_200),
        window("7d", 100),
        window("30d", 99.928),
        window("90d", 99.960),
        days=(*(GOOD,) * 17, SPOILT, *(GOOD,) * 72),
    )
    ready = replace(
        probe(
            "ready",
            "slow",
            window("24h", 100, p50=535_500),
            window("7d", 100),
            window("30d", 99.9175),
            window("90d", 99.9565),
            days=(*days[:89], Day(uptime_percent=100, had_incident=True)),
        ),
        open_incidents=(incident("ready", Kind.SLOW, 52),),
    )
    ws = probe(
        "ws",
        "up",
        window("24h", 100, p50=94_000),
        window("7d", 100),
        window("30d", 100, coverage=93.3),
        window("90d", 99.9112),
        days=(*(EMPTY,) * 10, *days[:80]),
    )
    return report(api, ready, ws)


def test_the_table_has_its_documented_layout() -> None:
    assert status(acme()).splitlines() == [
        "  Acme                                             last round 14:12:03 UTC (38 s ago)",
        "",
        "  PROBE        STATE    24 h      7 d       30 d      90 d      p50    p95    p99   90 DAYS",
        "  api          + up     100       100       99.928    99.960     61     73    122   ▇▇▇▁▇▇▇▇▇▇▇▇▇▇▇▇▇▇",
        "  ready        ! slow   100       100       99.917    99.956    535    642   1071   ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▅",
        "  ws           + up     100       100       100 *     99.911     94    112    188   ··▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇",
        "                                                                * measured 93.3 % of the time",
        "  open  #42 ready slow for 52 min",
    ]


@pytest.mark.parametrize(
    ("state", "sign"),
    [("up", "+"), ("slow", "!"), ("down", "x"), ("unknown", "?"), ("paused", "-"), ("maintenance", "~")],
)
def test_a_state_is_a_word_and_a_sign_with_or_without_colour(state: ShownState, sign: str) -> None:
    def in_brackets(word: str, colour: Colour) -> str:
        return f"<{colour}>{word}</>"

    one = report(probe("api", state))
    assert f"{sign} {state}" in status(one)
    assert f">{sign} {state}" in status(one, paint=in_brackets)


def test_before_the_first_check_there_is_nothing_to_show() -> None:
    new = replace(probe("api", "unknown"), last=None)
    assert status(replace(report(new), last_round_at_ms=None)) == "no checks yet\n"


def test_checks_without_a_complete_round_are_shown() -> None:
    text = status(replace(report(probe("api", "up")), last_round_at_ms=None))
    assert text.splitlines()[0].endswith("no round yet")
    assert "+ up" in text


def test_a_round_over_no_probes_says_so() -> None:
    assert status(report()).splitlines()[2:] == ["  no probes"]


def test_what_was_not_observed_is_no_data_and_no_figure() -> None:
    line = status(report(probe("api", "up", window("24h", None)))).splitlines()[3]
    assert line == "  api          + up     no data      -      -      -"


def test_a_window_named_by_dates_keeps_its_name() -> None:
    assert "since 2026-11-01" in status(report(probe("api", "up", window("since 2026-11-01", 100))))


def test_different_coverages_share_one_footnote() -> None:
    text = status(report(probe("a", "up", window("24h", 100, 80.05)), probe("b", "up", window("24h", 100, 93.39))))
    assert text.splitlines()[-1].strip() == "* measured 80.0 to 93.3 % of the time"


def test_full_coverage_has_no_footnote() -> None:
    assert "*" not in status(report(probe("api", "up", window("24h", 100, 99.7))))


def test_a_long_id_widens_its_column() -> None:
    lines = status(report(probe("a" * 30, "up"), probe("b", "down"))).splitlines()
    assert lines[3].index("+ up") == lines[4].index("x down") == 35


def test_a_narrow_terminal_gets_fewer_columns_and_every_state() -> None:
    lines = status(acme(), width=80).splitlines()[2:6]
    assert max(map(len, lines)) <= 80
    assert [line.split()[1:3] for line in lines[1:]] == [["+", "up"], ["!", "slow"], ["+", "up"]]


def test_a_narrow_terminal_breaks_no_note() -> None:
    note = Notice(name="configuration", since_ms=ROUND_MS, text="the old configuration is in force: 2 problems, api")
    told = replace(acme(), notices=(note,))
    assert status(told, width=80).splitlines()[6:] == [
        " " * 51 + "* measured 93.3 % of the time",
        "  open  #42 ready slow for 52 min",
        "  note  the old configuration is in force: 2 problems, api (since 2026-11-20",
        "        14:12:03 UTC)",
    ]
    assert status(told, width=60).splitlines()[6] == " " * 31 + "* measured 93.3 % of the time"
    assert status(told, width=20).splitlines()[6:8] == ["  * measured 93.3 %", "    of the time"]


def test_a_hostile_title_moves_no_cursor() -> None:
    first = status(report(probe("api", "up"), title="A\x1b[2Jc\nme\u202e 漢")).splitlines()[0]
    assert first.startswith("  Ac me 漢  ")


def test_what_needs_attention_stands_below_the_table() -> None:
    down = replace(probe("api", "down"), open_incidents=(incident("api", Kind.DOWN, 65),), verify=False)
    old = Notice(name="configuration", since_ms=ROUND_MS, text="the old configuration\nis in force")
    lines = status(replace(report(down), undelivered_alerts=2, notices=(old,))).splitlines()
    assert lines[-4:] == [
        "  note  api: its certificate is not verified (verify = false)",
        "  open  #42 api down for 1 h 5 min",
        "  mail  2 not delivered yet, see: prober alerts list",
        "  note  the old configuration is in force (since 2026-11-20 14:12:03 UTC)",
    ]


@pytest.mark.parametrize(
    ("role", "since_ms", "said"),
    [
        ("standby", ROUND_MS, "<dim>standing by behind UptimeRobot</>"),
        ("standing-in", ROUND_MS, "<yellow>STANDING IN for UptimeRobot since 14:12:03 UTC</>"),
        (
            "standing-in",
            ROUND_MS - 2 * 86_400_000,
            "<yellow>STANDING IN for UptimeRobot since 2026-11-18 14:12:03 UTC</>",
        ),
        ("standing-in", None, "<yellow>STANDING IN for UptimeRobot</>"),
    ],
)
def test_our_role_stands_below_the_title(role: Role, since_ms: int | None, said: str) -> None:
    seen = replace(report(probe("api", "up")), role=role, role_since_ms=since_ms, watcher="UptimeRobot")
    lines = status(seen, paint=lambda word, colour: f"<{colour}>{word}</>").splitlines()
    assert lines[1:3] == [f"  {said}", ""]
    assert status(report(probe("api", "up"))).splitlines()[1] == ""


def test_a_probe_for_which_we_stand_in_alone_is_marked() -> None:
    alone = replace(probe("ready", "up"), role="standing-in")
    seen = replace(report(probe("api", "up"), alone), role="standby", watcher="UptimeRobot")
    lines = status(seen).splitlines()
    assert [line.split()[:4] for line in lines[4:6]] == [["api", "+", "up", "-"], ["ready", "+", "up", "^"]]
    assert lines[6:] == ["  ^ standing in: UptimeRobot does not watch it"]
    assert status(replace(seen, watcher=None)).endswith("^ standing in: somebody else does not watch it\n")


@pytest.mark.parametrize(
    ("held_by", "why"),
    [
        ("standby", "UptimeRobot is watching"),
        ("maintenance", "maintenance"),
        ("paused", "the probe is paused"),
        ("false_positive", "a false positive"),
        (None, "until the next bad check"),
    ],
)
def test_an_open_incident_that_is_held_says_why(held_by: HeldBy | None, why: str) -> None:
    down = replace(probe("api", "down"), open_incidents=(incident("api", Kind.DOWN, 65),))
    lines = status(replace(report(down), held={42: held_by}, watcher="UptimeRobot")).splitlines()
    assert lines[-1] == f"  open  #42 api down for 1 h 5 min, held: {why}"


def planned(probe_id: str, minutes: int | None, reason: str | None = None) -> ProbeStatus:
    until_ms = None if minutes is None else NOW_MS + minutes * 60_000
    return replace(probe(probe_id, "maintenance"), maintenance=PlannedNow(since_ms=0, until_ms=until_ms, reason=reason))


def test_maintenance_is_said_once_with_its_end_and_why() -> None:
    probes = [planned(f"p{number}", 20, "Weekly\u202e deploy") for number in range(7)]
    elsewhere = replace(
        planned("q", 20, "Weekly\u202e deploy"), maintenance=PlannedNow(since_ms=9, until_ms=NOW_MS + 1)
    )
    lines = status(report(*probes, elsewhere, planned("r", 2 * 1440), planned("s", None))).splitlines()
    assert lines[3].startswith("  p0           ~ maintenance")
    assert lines[-4:] == [
        "  note  p0, p1, p2, p3, p4 and 2 more: in maintenance until 14:32:41 UTC, Weekly deploy",
        "  note  q: in maintenance until 14:12:41 UTC",
        "  note  r: in maintenance until 2026-11-22 14:12:41 UTC",
        "  note  s: in maintenance",
    ]


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        ([], ""),
        ([GOOD], "▇"),
        ([GOOD] * 18, "▇" * 18),
        ([EMPTY] * 18, "·" * 18),
        ([GOOD] * 18 + [SPOILT], "▇" * 9 + "▁"),
        ([EMPTY, GOOD] * 18, "▇" * 18),
        ([GOOD, SPOILT] * 18, "▁" * 18),
        ([Day(uptime_percent=percent) for percent in (99.95, 99.5, 96, 91, 12, 0)], "▆▄▃▂▁▁"),
        ([Day(uptime_percent=percent, had_incident=True) for percent in (100, 99.95, 99.5)], "▅▅▄"),
    ],
)
def test_a_bar_is_as_high_as_its_worst_day(days: list[Day], shown: str) -> None:
    assert bars(days) == shown


def test_the_header_fits_a_narrow_terminal() -> None:
    header = status(acme(), width=60).splitlines()[0]
    assert len(header) <= 60
    assert header.endswith("ago)")
