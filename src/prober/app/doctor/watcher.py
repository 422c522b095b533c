"""Whom we stand behind, looked at once, as a round looks at it; nothing of it is kept."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.http import Fetcher
from prober.adapters.store.standings import find_standing
from prober.app.daemon import in_daemon_thread
from prober.app.reading import open_readers
from prober.app.role import location_shown
from prober.app.standby import looking
from prober.core.diagnosis.service import patience_ms
from prober.core.diagnosis.watcher import judge_last_look, judge_sight
from prober.core.sight import Unreachable
from prober.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from prober.core.diagnosis import Finding
    from prober.core.settings import Config
    from prober.core.sight import Sight

LOOK_S: Final = 10.0
STORE_S: Final = 3.0


async def look_at_standby(config: Config, place: Path | None) -> list[Finding]:
    """Look at whom we stand behind, and at when we looked last; nothing without ``[standby]``."""
    if config.standby is None:
        return []
    sight = await _look(config)
    probes = [probe for probe in config.probes if probe.enabled]
    now_ms = SystemClock().now_ms()
    return [*judge_sight(sight, config.standby, probes, now_ms=now_ms), *await _last_look(config, place, now_ms)]


async def _look(config: Config) -> Sight:
    with anyio.move_on_after(LOOK_S):
        async with Fetcher() as fetch:
            if (look := looking(config, fetch)) is not None:
                return await look()
    return Unreachable(why=f"no answer within {LOOK_S:g} s")


async def _last_look(config: Config, place: Path | None, now_ms: int) -> list[Finding]:
    """Judge the last look that the store knows of; a store that cannot be read is told of already."""
    try:
        looked_ms = await in_daemon_thread(partial(_looked_ms, config, place), within_s=STORE_S)
    except (StoreError, TimeoutError):
        return []
    patience = patience_ms([config.standby.every_ms if config.standby else 0, *(p.interval_ms for p in config.probes)])
    return [judge_last_look(looked_ms, now_ms=now_ms, patience_ms=patience)]


def _looked_ms(config: Config, place: Path | None) -> int | None:
    if place is None:
        return None
    with open_readers(place) as stores:
        standing = find_standing(stores[0], location_shown(stores[0], config)) if stores else None
        return None if standing is None else standing.looked_ms
