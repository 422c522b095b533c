"""The gate: who is told of an event. The rules never know whether people are told, and nobody else decides it.

What is about ourselves concerns everyone; what is about a probe, the channels that share a tag with it. The end of an
incident is told to those, and only those, who know of the incident, and always: also when nothing else may be told.

What is about a probe is held while somebody else is watching it, and while it is in maintenance. An incident that is
held is told when neither is so any more, if it is still open: at once when we stand in, after maintenance at the first
bad check. A reminder that falls due meanwhile is dropped, and a certificate waits for a check that is not held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from prober.core import standby
from prober.core.model import CertificateExpiring, Closed, ClosedAs, Event, Opened, Reminded
from prober.core.sight import Verdict
from prober.core.windows import is_active, last_end_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from prober.core.model import Incident, Probe
    from prober.core.settings import EmailChannel, Maintenance
    from prober.core.standby import Standing

Recipient: TypeAlias = tuple[str, str]
"""The id of a channel, and an address on it."""

HeldBy: TypeAlias = Literal["standby", "unsure", "maintenance", "paused", "false_positive"]
"""What keeps a thing from being told: that somebody else is watching its probe, or this is in maintenance or paused.

An incident may also be marked as a false positive.
"""


def admit(
    event: Event,
    *,
    channels: Sequence[EmailChannel],
    tags: Collection[str] | None,
    told: Collection[Recipient] = (),
    is_alerting: bool = True,
    is_held: bool = False,
) -> tuple[Recipient, ...]:
    """Return who is told of an event, in the order of the configuration.

    ``tags`` are those of the event's probe, None when there is none or it is no longer configured. ``told`` are those
    who know of the event's incident. Without ``is_alerting``, or when it ``is_held``, nothing is told but ends.
    """
    match event:
        case Closed(closed_as=ClosedAs.SUPERSEDED):
            return ()
        case Closed():
            return tuple(each for each in everyone(channels) if each in told)
        case _ if not is_alerting or is_held:
            return ()
        case Reminded(recipients=due):
            return tuple(each for each in everyone(channels) if each in due)
        case _:
            return tuple(each for channel in channels if wants(channel, tags) for each in of_channel(channel))


def is_held(event: Event, *, probe: Probe | None, standing: Standing | None, windows: Sequence[Maintenance]) -> bool:
    """Say whether an event is held back. ``standing`` is None when we stand behind nobody."""
    return held_by(event, probe=probe, standing=standing, windows=windows) is not None


def held_by(
    event: Event, *, probe: Probe | None, standing: Standing | None, windows: Sequence[Maintenance]
) -> HeldBy | None:
    """Return what holds an event back, as of when it happened; None when nothing does."""
    match event:
        case Opened() | Reminded() | CertificateExpiring():
            return _what_holds(event.probe_id, probe, standing, windows, event.at_ms)
        case _:
            return None


def is_silent(probe: Probe, *, standing: Standing | None, windows: Sequence[Maintenance], now_ms: int) -> bool:
    """Say whether nothing that befalls a probe now is told."""
    return _what_holds(probe.id, probe, standing, windows, now_ms) is not None


def incident_held_by(
    incident: Incident, *, probe: Probe | None, standing: Standing | None, windows: Sequence[Maintenance], now_ms: int
) -> HeldBy | None:
    """Return what holds an incident back that was not told as it opened; None when it only waits for a bad check."""
    if incident.false_positive:
        return "false_positive"
    if probe is not None and not probe.enabled:
        return "paused"
    return _what_holds(incident.probe_id, probe, standing, windows, now_ms)


def released_from_ms(
    incident: Incident,
    *,
    probe: Probe | None,
    standing: Standing | None,
    windows: Sequence[Maintenance],
    now_ms: int,
) -> int | None:
    """Return from when on a failed (slow) check lets an incident be told that was held; None while it still is.

    After maintenance that is its end: what the work has mended wakes nobody. Else no further check is needed, and it is
    the one that confirmed it. What is paused, or marked as a false positive, stays held.
    """
    if incident_held_by(incident, probe=probe, standing=standing, windows=windows, now_ms=now_ms) is not None:
        return None
    ended_ms = None if probe is None else last_end_ms(windows, probe, now_ms)
    return max(incident.confirmed_at_ms, ended_ms or 0)


def _what_holds(
    probe_id: str, probe: Probe | None, standing: Standing | None, windows: Sequence[Maintenance], at_ms: int
) -> HeldBy | None:
    if standing is not None and standby.is_held(standing, probe_id):
        return "standby" if standing.seen is Verdict.WATCHING else "unsure"
    return "maintenance" if _is_in_maintenance(probe, windows, at_ms) else None


def _is_in_maintenance(probe: Probe | None, windows: Sequence[Maintenance], at_ms: int) -> bool:
    return probe is not None and is_active(windows, probe, at_ms)


def wants(channel: EmailChannel, tags: Collection[str] | None) -> bool:
    """Say whether a channel is for a probe with these tags; a channel without any is for all."""
    return tags is None or not channel.tags or not set(channel.tags).isdisjoint(tags)


def everyone(channels: Sequence[EmailChannel]) -> tuple[Recipient, ...]:
    """Return every recipient of every channel."""
    return tuple(each for channel in channels for each in of_channel(channel))


def of_channel(channel: EmailChannel) -> tuple[Recipient, ...]:
    """Return the recipients of one channel."""
    return tuple((channel.id, address) for address in channel.to)
