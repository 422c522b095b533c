"""Reports of jobs that the tests share: one of everything, and any at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, get_args

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from prober.core.cadence import Cadence
from prober.core.model import Incident, Kind, Outcome, Reason, Result, Severity
from prober.core.report import Notice, PlannedNow, ProbeStatus, ShownState, StatusReport, WindowFigures
from prober.core.sight import Role
from prober.core.uptime import Uptime
from tests.core.any_alerts import texts as any_texts

if TYPE_CHECKING:
    from collections.abc import Callable

MIN: Final = 60_000
NOW: Final = 1_795_183_961_000  # 2026-11-20 14:12:41 UTC
ROUND: Final = NOW - 38_000

CADENCE: Final = Cadence(
    runs=489,
    days=7,
    per_day=69.86,
    median_gap_ms=17 * MIN,
    p90_gap_ms=38 * MIN,
    p99_gap_ms=72 * MIN,
    longest_gap_ms=91 * MIN,
)

MARKDOWN_ATTACKS: Final = (
    "`",
    "``` \n```",
    "| a | b |",
    "\\|",
    "\\`",
    "\n\n# title\n\n- item",
    "<script>alert(1)</script>",
    "<!--",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "https://evil.example www.evil.example",
    "@everyone #1 $`x`$ $$x$$",
    "&#96;&#124;",
    "\u2028\r\x0b",
)
texts: Final = any_texts | st.lists(st.sampled_from(MARKDOWN_ATTACKS) | st.text(max_size=5), max_size=5).map("".join)


RENDERER: Final = MarkdownIt("commonmark").enable("table")


def structure(*lines: str) -> list[tuple[str, ...]]:
    """Return of what a text in Markdown is made, blocks and what stands in them, without the words."""
    tokens = RENDERER.parse("\n".join(lines))
    return [(token.type, *(each.type for each in token.children or ())) for token in tokens]


def result(probe_id: str, outcome: Outcome = Outcome.OK, detail: str | None = None, at_ms: int = ROUND) -> Result:
    reason = Reason.STATUS if outcome is Outcome.FAILED else None
    latency_us = 61_200 if outcome is Outcome.OK else None
    return Result(
        probe_id=probe_id,
        location="github-actions",
        at_ms=at_ms,
        outcome=outcome,
        reason=reason,
        detail=detail,
        latency_us=latency_us,
    )


def incident(number: int, probe_id: str, kind: Kind, minutes: int, detail: str | None = None) -> Incident:
    return Incident(
        number=number,
        uid=f"uid-{number}",
        probe_id=probe_id,
        location="github-actions",
        kind=kind,
        severity=Severity.P1,
        started_at_ms=NOW - minutes * MIN,
        confirmed_at_ms=NOW - minutes * MIN,
        checks=3,
        detail=detail,
    )


def window(name: str, percent: float | None, coverage: float = 61.25) -> WindowFigures:
    observed = 0 if percent is None else round(coverage * 1_000_000)
    downtime = round(observed * (100 - (percent or 0)) / 100)
    return WindowFigures(name=name, uptime=Uptime(window_ms=100_000_000, observed_ms=observed, downtime_ms=downtime))


def probe(probe_id: str, state: ShownState = "up", last: Result | None = None, *incidents: Incident) -> ProbeStatus:
    windows = (window("24h", 100), window("7d", 100), window("30d", 99.928_8, 58))
    last = result(probe_id) if last is None else last
    return ProbeStatus(
        id=probe_id, name=probe_id.upper(), state=state, last=last, windows=windows, open_incidents=incidents
    )


def report(*probes: ProbeStatus, role: Role = "active") -> StatusReport:
    return StatusReport(
        title="Acme",
        location="github-actions",
        generated_at_ms=NOW,
        role=role,
        last_round_at_ms=ROUND,
        probes=probes,
    )


def trouble(said: Callable[[], str] = lambda: "status 503, expected 2xx") -> StatusReport:
    """Return a report with everything in it; ``said`` is what others say, asked anew each time."""
    taken = replace(incident(42, "ready", Kind.SLOW, 52), acknowledged_by=said())
    down = incident(43, "api", Kind.DOWN, 12, said())
    notice = Notice(name="mail", since_ms=NOW - 2 * MIN, text=said())
    probes = (
        probe("web"),
        probe("ready", "slow", result("ready", Outcome.SLOW), taken),
        probe("api", "down", result("api", Outcome.FAILED, said()), down),
        replace(probe("old", "paused"), last=None, windows=()),
    )
    return replace(report(*probes, role="standing-in"), undelivered_alerts=2, notices=(notice,), location=said())


incidents: Final = st.builds(
    incident, st.integers(1, 99), texts, st.sampled_from(Kind), st.integers(-5, 10**6), st.none() | texts
)
reports: Final = st.builds(
    StatusReport,
    title=texts,
    location=texts,
    generated_at_ms=st.integers(0, 4_000_000_000_000),
    role=st.sampled_from(get_args(Role)),
    undelivered_alerts=st.integers(0, 9),
    notices=st.lists(st.builds(Notice, name=texts, since_ms=st.just(0), text=texts), max_size=8).map(tuple),
    probes=st.lists(
        st.builds(
            ProbeStatus,
            id=texts,
            name=texts,
            state=st.sampled_from(get_args(ShownState)),
            last=st.none() | st.builds(result, texts, st.sampled_from(Outcome), st.none() | texts, st.just(0)),
            open_incidents=st.lists(incidents, max_size=3).map(tuple),
            maintenance=st.none()
            | st.builds(PlannedNow, since_ms=st.none(), until_ms=st.none() | st.integers(0, 9**14), reason=texts),
        ),
        max_size=6,
    ).map(tuple),
)
