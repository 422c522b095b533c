"""What ``prober incidents`` and ``prober alerts`` print."""

from __future__ import annotations

from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from prober.core.model import Kind
from prober.core.text import clean, cut
from prober.render import role
from prober.render.columns import Colour, Column, Paint, fold, lay_out, plain
from prober.render.timeline import timeline
from prober.render.when import day_and_clock, short, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from prober.core.gate import HeldBy
    from prober.core.model import Incident
    from prober.core.report import Story, WaitingAlert


def incidents(
    listed: Sequence[Incident],
    *,
    now_ms: int,
    in_maintenance: Collection[int] = (),
    held: Mapping[int, HeldBy | None] = MappingProxyType({}),
    watcher: str | None = None,
    paint: Paint = plain,
    width: int | None = None,
) -> str:
    """Return one line per incident, in the order given, and below them why some are held.

    Those of the numbers in ``in_maintenance`` began in maintenance. ``watcher`` is whom we stand behind.
    """
    if not listed:
        return "no incidents\n"
    states = [_state(each, in_maintenance=each.number in in_maintenance) for each in listed]
    columns = [
        Column(title="#", cells=[str(each.number) for each in listed], gap=2, is_right=True),
        Column(title="PROBE", cells=[clean(each.probe_id) for each in listed]),
        Column(title="KIND", cells=[each.kind for each in listed]),
        Column(title="SEV", cells=[each.severity for each in listed]),
        Column(title="STATE", cells=states, colours=list(map(_colour, listed))),
        Column(title="STARTED", cells=[day_and_clock(each.started_at_ms) for each in listed]),
        Column(title="LASTED", cells=[short(_lasted_ms(each, now_ms)) for each in listed], is_right=True),
        Column(title="WHY", cells=[cut(_why(each), 80) for each in listed], can_shrink=True),
    ]
    notes = chain.from_iterable(fold(line, width, hang=" " * 8) for line in _held(held, watcher))
    return _joined([*lay_out(columns, paint=paint, width=width, keeps_all=True), *notes])


def _held(held: Mapping[int, HeldBy | None], watcher: str | None) -> Iterator[str]:
    """Yield why incidents are held, those together that are so for the same reason."""
    together: dict[str, list[int]] = {}
    for number, held_by in held.items():
        together.setdefault(role.held(held_by, watcher), []).append(number)
    for why, numbers in together.items():
        yield f"  held  {', '.join(f'#{number}' for number in numbers)}: {why}"


def incident(story: Story, *, now_ms: int, paint: Paint = plain, width: int | None = None) -> str:
    """Return all that is known of one incident: how it is, and what happened, in order."""
    shown = story.incident
    colour = _colour(shown)
    state = _state(shown, in_maintenance=story.in_maintenance)
    title = f"  #{shown.number}  {clean(shown.probe_id)} {shown.kind}   {paint(state, colour) if colour else state}"
    acknowledged = _at(shown.acknowledged_at_ms)
    by = "" if shown.acknowledged_by is None else f" by {clean(shown.acknowledged_by)}"
    facts = {
        "severity": shown.severity,
        "why": _why(shown),
        "checks": f"{shown.checks}{' in a row' if shown.checks > 1 else ''}",
        "location": clean(shown.location),
        "started": day_and_clock(shown.started_at_ms),
        "maintenance": clean(story.maintenance_reason or ""),
        "confirmed": day_and_clock(shown.confirmed_at_ms),
        "announced": _announced(story),
        "held": role.held(story.held_by, story.watcher) if shown.is_held else None,
        "acknowledged": acknowledged and f"{acknowledged}{by}",
        "ended": _at(shown.ended_at_ms),
        "lasted": words(_lasted_ms(shown, now_ms)),
        "id": shown.uid,
    }
    known = [fold(f"    {name:<14}{fact}", width, hang=" " * 18) for name, fact in facts.items() if fact]
    told = [fold(f"    {line}", width, hang=" " * 29) for line in timeline(story)]
    return _joined([title, *chain.from_iterable([*known, [""], *told] if told else known)])


def alerts(waiting: Sequence[WaitingAlert], *, now_ms: int, width: int | None = None) -> str:
    """Return one line per alert that was not accepted, in the order given."""
    if not waiting:
        return "no alert is waiting\n"
    columns = [
        Column(title="#", cells=[str(each.number) for each in waiting], gap=2, is_right=True),
        Column(title="ALERT", cells=[each.kind for each in waiting]),
        Column(title="PROBE", cells=[clean(each.probe_id or "-") for each in waiting]),
        Column(title="TO", cells=[f"{clean(each.recipient)} ({clean(each.channel)})" for each in waiting]),
        Column(title="STATE", cells=[each.state for each in waiting]),
        Column(title="QUEUED", cells=[f"{words(now_ms - each.queued_at_ms)} ago" for each in waiting]),
        Column(title="TRIED", cells=[f"{each.attempts} x" for each in waiting], is_right=True),
        Column(title="NEXT", cells=[_next(each, now_ms) for each in waiting]),
        Column(title="LAST ANSWER", cells=[cut(clean(each.last_error or "-"), 80) for each in waiting]),
    ]
    return _joined(lay_out(columns, width=width, keeps_all=True))


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _state(shown: Incident, *, in_maintenance: bool) -> str:
    return ", ".join([*_state_words(shown), *(["in maintenance"] if in_maintenance else [])])


def _state_words(shown: Incident) -> Iterator[str]:
    if shown.closed_as is not None:
        yield f"+ {shown.closed_as}"
    else:
        yield "x open" if shown.kind is Kind.DOWN else "! open"
        if shown.acknowledged_at_ms is not None:
            yield "acknowledged"
    if shown.is_held:
        yield "held" if shown.ended_at_ms is None else "never told"
    if shown.false_positive:
        yield "false positive"


def _colour(shown: Incident) -> Colour | None:
    if shown.ended_at_ms is not None:
        return None
    return "red" if shown.kind is Kind.DOWN else "yellow"


def _announced(story: Story) -> str:
    """Return when people were told, or what keeps that they are."""
    at, states = _at(story.incident.announced_at_ms), {alert.state for alert in story.alerts}
    if at is None:
        is_over = story.incident.is_held and story.incident.ended_at_ms is not None
        return "not announced: it was held back until it was over" if is_over else "not announced"
    if not states or "sent" in states:
        return at
    return f"{at}: queued, {'not accepted yet' if 'waiting' in states else 'never sent'}"


def _lasted_ms(shown: Incident, now_ms: int) -> int:
    return (now_ms if shown.ended_at_ms is None else shown.ended_at_ms) - shown.started_at_ms


def _why(shown: Incident) -> str:
    return clean(shown.detail or shown.reason or "slow responses")


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else day_and_clock(at_ms)


def _next(waiting: WaitingAlert, now_ms: int) -> str:
    if waiting.next_attempt_at_ms is None:
        return "-"
    left_ms = waiting.next_attempt_at_ms - now_ms
    return f"in {words(left_ms)}" if left_ms > 0 else "now"
