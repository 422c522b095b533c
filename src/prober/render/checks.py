"""What ``prober check`` prints: each check with where its time went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.durations import format_duration
from prober.core.model import Outcome
from prober.core.text import clean, cut
from prober.render.columns import Colour, Column, Paint, cells_of, lay_out, plain
from prober.render.when import day_and_clock, local_day_and_clock, milliseconds, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.core.facts import Phases
    from prober.core.model import Result
    from prober.core.report import Checked
    from prober.core.settings import Maintenance
    from prober.core.uptime import Span

_WORDS: Final[dict[Outcome, tuple[str, Colour]]] = {
    Outcome.OK: ("UP", "green"),
    Outcome.SLOW: ("SLOW", "yellow"),
    Outcome.FAILED: ("FAILED", "red"),
    Outcome.UNKNOWN: ("UNKNOWN", "dim"),
}
_DAY_MS: Final = 86_400_000
_KB: Final = 1024


def checks(checked: Sequence[Checked], *, notes: Sequence[str] = (), paint: Paint = plain) -> str:
    """Return one paragraph per check, then the notes, then that nothing came of it."""
    lines: list[str] = []
    for summary, each in zip(_summaries(checked, paint), checked, strict=True):
        lines += [summary, *(f"    {detail}" for detail in _details(each))]
    lines += [f"  {note}" for note in (*notes, "nothing stored, nobody told")]
    return "".join(f"{line}\n" for line in lines)


def next_maintenance(window: Maintenance, span: Span | None, now_ms: int) -> str:
    """Return whom a maintenance window is for, and which of its times is under way or comes next."""
    named = [*window.probe_ids, *(f"tag {tag}" for tag in window.tags)]
    whom = clean(", ".join(named)) or "all probes"
    why = "" if window.reason is None else f", {clean(window.reason)}"
    if span is None:
        return f"maintenance of {whom}: none is to come{why}"
    begins = "now" if span[0] <= now_ms else f"from {day_and_clock(span[0])}"
    return f"maintenance of {whom}: {begins} until {day_and_clock(span[1])}{_there(window, span)}{why}"


def _there(window: Maintenance, span: Span) -> str:
    """Return what a span is on the clock of the window's place, unless that is UTC."""
    if window.timezone == "UTC":
        return ""
    begins, ends = (local_day_and_clock(at_ms, window.timezone) for at_ms in span)
    return f" ({begins} until {ends} in {window.timezone})"


def _summaries(checked: Sequence[Checked], paint: Paint) -> list[str]:
    results = [each.result for each in checked]
    states = [_WORDS[result.outcome] for result in results]
    ids = max((cells_of(clean(each.id)) for each in checked if each.id is not None), default=0)
    return lay_out(
        [
            Column(title="", cells=[_name(each, ids) for each in checked], least=42, gap=2),
            Column(title="", cells=[word for word, _ in states], colours=[colour for _, colour in states]),
            Column(title="", cells=[str(result.status or "") for result in results]),
            Column(title="", cells=[_latency(result) for result in results], is_right=True),
        ],
        paint=paint,
    )[1:]


def _name(checked: Checked, width: int) -> str:
    if checked.id is None:
        return clean(checked.label)
    shown = clean(checked.id)
    return f"{shown}{' ' * (width - cells_of(shown))}   {clean(checked.label)}"


def _latency(result: Result) -> str:
    return "" if result.latency_us is None else f"{milliseconds(result.latency_us)} ms"


def _details(checked: Checked) -> Iterator[str]:
    result = checked.result
    if result.detail:
        yield clean(result.detail)
    if result.phases is not None and result.phases.latency_us:
        yield _phases(result.phases)
    seen = "   ".join((*_certificate(checked), *_body(checked)))
    if seen:
        yield seen
    if result.excerpt:
        yield f"the server said: {clean(result.excerpt)}"
    if checked.worst_alert_ms is not None:
        yield f"an outage is told of after {format_duration(checked.worst_alert_ms)} at the latest"


def _phases(phases: Phases) -> str:
    tls = f"   tls {milliseconds(phases.tls_us)}" if phases.tls_us else ""
    return (
        f"dns+connect {milliseconds(phases.dns_us + phases.connect_us)}{tls}"
        f"   wait {milliseconds(phases.wait_us)}   read {milliseconds(phases.body_us)} ms"
    )


def _certificate(checked: Checked) -> Iterator[str]:
    certificate = checked.result.certificate
    if not checked.verify:
        yield "certificate not verified (verify = false)"
    elif certificate is not None:
        left_ms = certificate.not_after_ms - checked.result.at_ms
        left = f"{left_ms // _DAY_MS} days" if left_ms >= 2 * _DAY_MS else words(left_ms)
        yield f"certificate {left} left" if left_ms > 0 else "certificate expired"


def _body(checked: Checked) -> Iterator[str]:
    if checked.result.status is None:
        return
    kind = _kind(checked.content_type)
    size = f"{checked.body_bytes} B" if checked.body_bytes < _KB else f"{checked.body_bytes / _KB:.1f} KiB"
    yield f"body {'over ' if checked.body_is_cut else ''}{size}{kind and f' {kind}'}"


def _kind(content_type: str | None) -> str:
    """Return the short name of a media type: ``json`` of ``application/problem+json; charset=utf-8``."""
    media_type = (content_type or "").partition(";")[0]
    return cut(clean(media_type).rpartition("/")[2].rpartition("+")[2].strip(), 20)
