"""What is still open, and whom to remind of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.adapters.store import audience, incidents
from prober.core import due

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.core.model import Reminded
    from prober.core.settings import Config


def due_reminders(store: Store, config: Config, now_ms: int) -> list[Reminded]:
    """Return the reminders that are due here; of a probe that is paused or was removed nothing is known, so none."""
    if all(channel.remind_ms is None for channel in config.channels):
        return []
    watched = {probe.id: probe.tags for probe in config.probes if probe.enabled}
    known = incidents.open_incidents(store, config.location)
    standing = [each for each in known if each.probe_id in watched and due.may_remind(each)]
    if not standing:
        return []
    heard = audience.heard(store, [each.number for each in standing])
    return [
        reminder
        for each in reversed(standing)
        for reminder in due.remind(
            each, heard[each.number], channels=config.channels, tags=watched[each.probe_id], now_ms=now_ms
        )
    ]
