"""What ``prober compare`` prints."""

from __future__ import annotations

import json

from prober.core.compare import Compared, Comparison, Outage, Pairing, Side
from prober.core.uptime import Period
from prober.render.comparison import shape, table

NOW_MS = 1_795_183_923_000
MIN_MS = 60_000
WINDOW = Period(from_ms=NOW_MS - 30 * 86_400_000, to_ms=NOW_MS)
OVER = Outage(started_at_ms=NOW_MS - 90 * MIN_MS, ended_at_ms=NOW_MS - 60 * MIN_MS)
OPEN = Outage(started_at_ms=NOW_MS - 12 * MIN_MS)
BOTH = Compared(
    probe_id="api",
    monitor="API\x1b[2J",
    ours=Side(uptime_percent=99.92886, downtime_ms=31 * MIN_MS, p50_us=61_240),
    theirs=Side(uptime_percent=99.93, downtime_ms=30 * MIN_MS, p50_us=118_000),
    coverage_percent=99.79,
    outages=Pairing(both=((OVER, OVER),), only_ours=(OPEN,), only_theirs=(OVER,)),
)
ALONE = Compared(probe_id="ready", ours=Side(), coverage_percent=0.0)


def test_a_probe_has_a_line_with_both_sides() -> None:
    assert table(Comparison(window=WINDOW, probes=(BOTH, ALONE))).splitlines() == [
        "  30 d until 2026-11-20 14:12:03 UTC",
        "",
        "  PROBE         UPTIME  THEIRS   DOWN  THEIRS   BOTH  ONLY OURS  ONLY THEIRS   P50  THEIRS   COVERAGE",
        "  api           99.928  99.930    31m     30m      1          1            1    61     118     99.7 %",
        "  ready        no data       -     0s       -      -          -            -     -       -        0 %",
        "",
        "  only ours    2026-11-20 14:00:03 UTC  api for 12m, still down",
        "  only theirs  2026-11-20 12:42:03 UTC  api for 30m",
        "  no monitor   ready: neither uptimerobot_id nor the URL fits one",
    ]


def test_where_both_tell_the_same_nothing_follows() -> None:
    same = Compared(probe_id="api", monitor="API", ours=Side(uptime_percent=100), theirs=Side(uptime_percent=100))
    lines = table(Comparison(window=WINDOW, probes=(same,))).splitlines()
    assert lines[-1].split() == ["api", "100", "100", "0s", "0s", "0", "0", "0", "-", "-", "-"]


def test_no_probes_are_said_to_be_none() -> None:
    assert table(Comparison(window=WINDOW)).splitlines()[-1] == "  no probes"


def test_a_narrow_terminal_gets_the_rest_below() -> None:
    lines = table(Comparison(window=WINDOW, probes=(BOTH,)), width=50).splitlines()
    assert max(map(len, lines)) <= 50
    assert any("coverage: 99.7 %" in line for line in lines)


def test_of_many_the_newest_are_listed_and_the_rest_counted() -> None:
    many = tuple(Outage(started_at_ms=NOW_MS - n * 3_600_000, ended_at_ms=NOW_MS) for n in range(30, 0, -1))
    loud = Compared(probe_id="api", monitor="API", ours=Side(), theirs=Side(), outages=Pairing(only_theirs=many))
    listed = table(Comparison(window=WINDOW, probes=(loud,))).splitlines()[5:]
    assert len(listed) == 21
    assert listed[0] == "  only theirs  2026-11-20 13:12:03 UTC  api for 1h00m"
    assert listed[-1] == "  and 10 more that only one side saw: add --json"


def test_json_holds_every_figure_and_outage() -> None:
    assert json.loads(shape(Comparison(window=WINDOW, probes=(BOTH, ALONE)))) == {
        "schema": 1,
        "from": "2026-10-21T14:12:03Z",
        "to": "2026-11-20T14:12:03Z",
        "probes": [
            {
                "id": "api",
                "monitor": "API",
                "coverage_percent": 99.79,
                "ours": {"uptime_percent": 99.92886, "downtime_s": 1860, "latency_ms": {"p50": 61.24}},
                "theirs": {"uptime_percent": 99.93, "downtime_s": 1800, "latency_ms": {"p50": 118}},
                "incidents": {
                    "both": [
                        {
                            "ours": {"started_at": "2026-11-20T12:42:03Z", "ended_at": "2026-11-20T13:12:03Z"},
                            "theirs": {"started_at": "2026-11-20T12:42:03Z", "ended_at": "2026-11-20T13:12:03Z"},
                        }
                    ],
                    "only_ours": [{"started_at": "2026-11-20T14:00:03Z", "ended_at": None}],
                    "only_theirs": [{"started_at": "2026-11-20T12:42:03Z", "ended_at": "2026-11-20T13:12:03Z"}],
                },
            },
            {
                "id": "ready",
                "monitor": None,
                "coverage_percent": 0,
                "ours": {"uptime_percent": None, "downtime_s": 0, "latency_ms": {"p50": None}},
                "theirs": None,
                "incidents": {"both": [], "only_ours": [], "only_theirs": []},
            },
        ],
    }
