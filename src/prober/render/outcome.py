"""What ``prober run`` prints: a line per check, what it caused, and what became of the alerts."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from prober.core.model import Opened, Outcome, probe_of
from prober.core.report import AlertTally, Gated
from prober.core.sight import Disagreed, KeyRejected, RoleChanged
from prober.core.text import clean, cut
from prober.render.columns import Colour, Column, Paint, fold, lay_out, plain
from prober.render.role import held
from prober.render.shapes import event_word
from prober.render.when import clock, milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from prober.core.model import Event, Result

_SIGNS: Final[dict[Outcome, tuple[str, Colour]]] = {
    Outcome.OK: ("+ ok", "green"),
    Outcome.SLOW: ("! slow", "yellow"),
    Outcome.FAILED: ("x failed", "red"),
    Outcome.UNKNOWN: ("? unknown", "dim"),
}
_WORDS: Final = {
    "down_opened": "is DOWN",
    "down_recovered": "is UP again",
    "slow_opened": "is SLOW",
    "slow_over": "is fast again",
    "removed": "was removed from the configuration",
    "resolved": "was resolved",
    "reminded": "is still not well: a reminder",
    "certificate_expiring": "has a certificate that ends soon",
    "prober_blind": "we are offline",
}
_OPEN: Final = Gated()


def run(
    results: Sequence[Result],
    events: Iterable[tuple[Event, int | None]],
    alerts: AlertTally,
    *,
    unverified: Collection[str] = (),
    paused: Sequence[str] = (),
    gated: Gated = _OPEN,
    paint: Paint = plain,
    width: int | None = None,
) -> str:
    """Return what a run did. Each event comes with the number of its incident, if it has one.

    ``unverified`` are the ids of probes whose certificates are not judged, ``paused`` of those that were left out.
    """
    said = (_event(event, incident, gated) for event, incident in events)
    told = list(chain.from_iterable(fold(line, width, hang=" " * 4) for line in said if line is not None))
    seen = _checks(results, paint, width) if results or not paused else []
    released = [
        f"  {clean(probe)}: incident {number} is told now; it was held until then" for probe, number in gated.released
    ]
    lines = [*seen, *_notes(results, unverified, paused), *told, *released, *_alerts(alerts)]
    return "".join(f"{line}\n" for line in lines)


def is_notable(results: Iterable[Result], events: Iterable[tuple[Event, int | None]], alerts: AlertTally) -> bool:
    """Say whether a run did or saw anything but good checks."""
    return (
        any(result.outcome is not Outcome.OK for result in results)
        or any(event_word(event) is not None for event, _ in events)
        or bool(alerts.queued or alerts.accepted or alerts.failed)
    )


def phases(result: Result) -> str:
    """Return where the time of a check went, and how late we were ourselves."""
    spent = result.phases
    if spent is None or not spent.latency_us + spent.lag_us:
        return f"{clean(result.probe_id)}: no time was measured"
    named = {
        "dns": spent.dns_us,
        "connect": spent.connect_us,
        "tls": spent.tls_us,
        "wait": spent.wait_us,
        "read": spent.body_us,
        "our own lag": spent.lag_us,
    }
    figures = ", ".join(f"{name} {amount_us / 1000:.1f}" for name, amount_us in named.items())
    return f"{clean(result.probe_id)}: {figures} ms ({result.clock} clock)"


def _checks(results: Sequence[Result], paint: Paint, width: int | None) -> list[str]:
    if not results:
        return ["  nothing was due"]
    signs = [_SIGNS[result.outcome] for result in results]
    columns = [
        Column(title="", cells=[clock(result.at_ms).removesuffix(" UTC") for result in results], gap=2),
        Column(title="", cells=[clean(result.probe_id) for result in results], least=16),
        Column(title="", cells=[word for word, _ in signs], colours=[colour for _, colour in signs]),
        Column(title="", cells=[_latency(result) for result in results], is_right=True),
        Column(title="", cells=[cut(clean(result.detail or ""), 100) for result in results]),
    ]
    return lay_out(columns, paint=paint, width=width, keeps_all=True)[1:]


def _notes(results: Sequence[Result], unverified: Collection[str], paused: Sequence[str]) -> Iterator[str]:
    for probe_id in dict.fromkeys(result.probe_id for result in results):
        if probe_id in unverified:
            yield f"  {clean(probe_id)}: certificate not verified (verify = false)"
    if paused:
        yield f"  paused (enabled = false): {clean(', '.join(paused))}"


def _latency(result: Result) -> str:
    return "" if result.latency_us is None else f"{milliseconds(result.latency_us)} ms"


def _event(event: Event, incident: int | None, gated: Gated) -> str | None:
    watcher = gated.watcher or "the other side"
    number = "" if incident is None else f" (incident {incident})"
    match event:
        case RoleChanged(role=role, probe_ids=probe_ids, why=why):
            what = f"STANDING IN for {watcher} ({why})" if role == "standing-in" else f"standing by behind {watcher}"
            return f"  {clean(', '.join(probe_ids)) or 'prober'}: {what}"
        case KeyRejected():
            return f"  prober: {watcher} does not accept our key, so we tell"
        case Disagreed(probe_id=probe_id):
            return f"  {clean(probe_id)}: {watcher} says that it is up{number}"
    word = event_word(event)
    if word is None:
        return None
    held_by = gated.held.get(incident or 0) if isinstance(event, Opened) else None
    untold = f", not told: {held(held_by, gated.watcher)}" if held_by else ""
    return f"  {clean(probe_of(event) or 'prober:')} {_WORDS[word]}{number}{untold}"


def _alerts(alerts: AlertTally) -> list[str]:
    if not (alerts.queued or alerts.accepted or alerts.failed):
        return []
    waiting = f", {alerts.failed} waiting" if alerts.failed else ""
    return [f"  alerts: {alerts.queued} queued, {alerts.accepted} accepted by the mail server{waiting}"]
