"""The facts of an alert as named rows: those its kind has, in the order of reading, each figure with its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.core.alerts import AlertFacts, AlertKind
from prober.render.subject import is_about_speed
from prober.render.watchers import last_sign
from prober.render.when import day_and_clock, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.core.alerts import Figures, Percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact with its name."""

    label: str
    value: str


def identity(facts: AlertFacts) -> Iterator[Row]:
    """Return what the alert is about, and since when."""
    name = facts.probe_name
    yield from named(
        ("Severity", facts.severity),
        ("Probe", f"{facts.probe_id} ({name})" if name and name != facts.probe_id else facts.probe_id),
        ("URL", facts.url),
        ("Certificate", None if facts.verify else "not verified (verify = false)"),
        ("Incident", facts.incident),
    )
    yield from _times(facts)
    if is_about_speed(facts):
        limit = None if facts.slow_ms is None else f"{facts.slow_ms:,} ms"
        yield from named(("Limit", limit), ("Last response", ms(facts.latency_now_us)))
    if facts.kind is AlertKind.TEST:
        recipients = ", ".join(facts.recipients)
        yield from named(("Relay", facts.relay), ("Sender", facts.sender), ("Recipients", recipients))


def history(facts: AlertFacts) -> Iterator[Row]:
    """Return how the probe did before, and over time."""
    is_of_incident = facts.incident is not None
    if is_of_incident:
        label = "Last good check" if facts.ended_at_ms is None else "Last good before"
        yield from named((label, _at(facts.last_good_at_ms)))
    for figures in facts.figures:
        yield Row(label=f"Uptime {figures.window}", value=_uptime(figures))
    for seen in _different(facts.percentiles):
        yield Row(label=f"p50/p95/p99 {seen.window}", value=_percentiles(seen))
    if is_of_incident and facts.latency_before_us is not None:
        trouble = "it got slow" if is_about_speed(facts) else "the failure"
        yield Row(label="Response time", value=f"{ms(facts.latency_before_us)} just before {trouble}")


def surroundings(facts: AlertFacts) -> Iterator[Row]:
    """Return what else is going on, and where this comes from."""
    none = None if facts.probe_id is None else "none"
    yield from named(
        ("Other probes down", ", ".join(facts.others_down) or none),
        ("Connectivity", facts.connectivity),
        ("Role", facts.role),
        ("Location", facts.location),
        ("Sent from", facts.origin),
    )


def named(*pairs: tuple[str, object]) -> Iterator[Row]:
    """Return a row for each pair that has something to say."""
    return (Row(label=label, value=str(value)) for label, value in pairs if value is not None and value != "")


def ms(latency_us: int | None) -> str | None:
    """Return a latency in whole milliseconds."""
    return None if latency_us is None else f"{latency_us // 1000:,} ms"


def _times(facts: AlertFacts) -> Iterator[Row]:
    match facts.kind:
        case AlertKind.DOWN | AlertKind.SLOW:
            first = "First failure" if facts.kind is AlertKind.DOWN else "First slow check"
            yield from named((first, _at(facts.started_at_ms)), ("Confirmed", _at(facts.confirmed_at_ms)))
            if facts.was_held:
                yield Row(label="Held until now", value="somebody else was watching, or it was in maintenance")
        case AlertKind.REMINDER:
            yield from named(
                ("Started", _at(facts.started_at_ms)),
                ("Confirmed", _at(facts.confirmed_at_ms)),
                ("Lasting", _lasting(facts)),
                ("Failed checks", None if is_about_speed(facts) else facts.failed_checks),
                ("Acknowledged", "by nobody yet"),
            )
        case AlertKind.RECOVERED | AlertKind.SLOW_OVER | AlertKind.REMOVED | AlertKind.RESOLVED:
            yield from named(
                ("Started", _at(facts.started_at_ms)),
                ("Confirmed", _at(facts.confirmed_at_ms)),
                ("Acknowledged", _acknowledged(facts)),
                ("Ended", _at(facts.ended_at_ms)),
                ("Resolved by", facts.resolved_by),
                ("Note", facts.resolved_note),
                ("Duration", _duration(facts)),
                ("Failed checks", None if is_about_speed(facts) else facts.failed_checks),
                ("Budget", _budget(facts)),
            )
        case AlertKind.CERTIFICATE:
            yield from named(("Certificate ends", _at(facts.certificate_not_after_ms)))
        case AlertKind.STANDING_IN | AlertKind.STANDING_BY:
            yield from named(("Probes", ", ".join(facts.probes) or "all"), ("Last sign of life", last_sign(facts)))
        case AlertKind.BLIND:
            yield from named(("Blind since", _at(facts.started_at_ms)), ("Noticed", _at(facts.confirmed_at_ms)))
        case _:
            return


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else day_and_clock(at_ms)


def _acknowledged(facts: AlertFacts) -> str | None:
    if facts.acknowledged_at_ms is None:
        return None
    return f"by {facts.acknowledged_by or 'somebody'} at {day_and_clock(facts.acknowledged_at_ms)}"


def _lasting(facts: AlertFacts) -> str | None:
    return None if facts.started_at_ms is None else words(facts.queued_at_ms - facts.started_at_ms)


def _duration(facts: AlertFacts) -> str | None:
    if facts.started_at_ms is None or facts.ended_at_ms is None:
        return None
    return words(facts.ended_at_ms - facts.started_at_ms)


def _budget(facts: AlertFacts) -> str | None:
    if facts.budget_used_percent is None:
        return None
    target = "" if facts.target_percent is None else f" (target {facts.target_percent:g} %)"
    return f"{facts.budget_used_percent:.1f} % of the 30-day budget used{target}"


def _uptime(figures: Figures) -> str:
    if figures.uptime_percent is None:
        return "no data"
    coverage = figures.coverage_percent
    return _floored(figures.uptime_percent) + ("" if coverage is None else f", coverage {_floored(coverage)}")


def _different(percentiles: Sequence[Percentiles]) -> list[Percentiles]:
    """Leave out the last 24 hours where they are shown as "today", to be compared with another day."""
    is_compared = any(seen.window == "today" for seen in percentiles)
    return [seen for seen in percentiles if not (is_compared and seen.window == "24h")]


def _floored(percent: float) -> str:
    return f"{int(percent * 1000) / 1000:g} %"


def _percentiles(seen: Percentiles) -> str:
    if seen.p50_us is None or seen.p95_us is None or seen.p99_us is None:
        return "no data"
    return " / ".join(f"{value // 1000:,}" for value in (seen.p50_us, seen.p95_us, seen.p99_us)) + " ms"
