"""Alerts of every shape, with texts as hostile as texts get."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from prober.core.alerts import AlertFacts, AlertKind, CheckLine, Figures, Percentiles
from prober.core.model import Outcome, Reason, Severity

ATTACKS: Final = (
    "\r\nBcc: evil@evil.example\r\n\r\n",
    "</td><script>alert(1)</script>",
    "=?utf-8?q?=0D=0ABcc:_evil@evil.example?=",
    "\u202egro.elpmaxe\u202c",
    "\ud800\udfff",
    "{{ 7 * 7 }}{% include 'x' %}",
    "\x00\x1b[2J\x85\u2028",
    "\ufdfa" * 60,
    "--=_boundary--\r\n.\r\n",
)
texts: Final = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.sampled_from(ATTACKS),
    st.builds(str.__add__, st.text(max_size=10), st.sampled_from(ATTACKS)),
)
numbers: Final = st.integers(min_value=0, max_value=10**12)
instants: Final = st.integers(min_value=0, max_value=4_000_000_000_000)
shares: Final = st.floats(min_value=0, max_value=100)
lines: Final = st.builds(
    CheckLine,
    at_ms=instants,
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from(Reason),
    detail=st.none() | texts,
    latency_us=st.none() | numbers,
)
figures: Final = st.builds(
    Figures, window=texts, uptime_percent=st.none() | shares, coverage_percent=st.none() | shares
)
percentiles: Final = st.builds(
    Percentiles, window=texts, p50_us=st.none() | numbers, p95_us=st.none() | numbers, p99_us=st.none() | numbers
)


NO_MEMBERS: Final[st.SearchStrategy[tuple[AlertFacts, ...]]] = st.just(())


def alerts(members: st.SearchStrategy[tuple[AlertFacts, ...]] = NO_MEMBERS) -> st.SearchStrategy[AlertFacts]:
    """Return alerts of every kind, a tenth of the fields wrong for it."""
    some = {name: st.none() | texts for name in ("probe_id", "probe_name", "url", "detail", "excerpt", "connectivity")}
    links = {name: st.none() | texts.map("https://".__add__) | texts for name in ("runbook", "dashboard")}
    times = {name: st.none() | instants for name in ("started_at_ms", "confirmed_at_ms", "ended_at_ms")}
    few = {name: st.lists(texts, max_size=3).map(tuple) for name in ("others_down", "recipients")}
    return st.builds(
        AlertFacts,
        kind=st.sampled_from(AlertKind),
        queued_at_ms=instants,
        location=texts,
        origin=texts,
        role=texts,
        verify=st.booleans(),
        severity=st.none() | st.sampled_from(Severity),
        incident=st.none() | numbers,
        reason=st.none() | st.sampled_from(Reason),
        checks=numbers,
        failed_checks=numbers,
        rule=texts,
        checks_before=st.lists(lines, max_size=3).map(tuple),
        last_good_at_ms=st.none() | instants,
        figures=st.lists(figures, max_size=2).map(tuple),
        percentiles=st.lists(percentiles, max_size=2).map(tuple),
        latency_before_us=st.none() | numbers,
        latency_now_us=st.none() | numbers,
        slow_ms=st.none() | numbers,
        target_percent=st.none() | shares,
        budget_used_percent=st.none() | shares,
        certificate_not_after_ms=st.none() | instants,
        remind_ms=st.none() | numbers,
        acknowledged_by=st.none() | texts,
        acknowledged_at_ms=st.none() | instants,
        resolved_by=st.none() | texts,
        resolved_note=st.none() | texts,
        is_merged=st.booleans(),
        relay=st.none() | texts,
        sender=st.none() | texts,
        batch=st.none() | numbers,
        members=members,
        **some,
        **links,
        **times,
        **few,
    )


any_alert: Final = alerts(NO_MEMBERS | st.lists(alerts(), max_size=6).map(tuple))
