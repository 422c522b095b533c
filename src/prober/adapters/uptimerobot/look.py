"""One look at UptimeRobot: what it watches, and how fresh what it knows is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prober.adapters.uptimerobot import laundry
from prober.adapters.uptimerobot.calls import RefusedError, all_monitors
from prober.core.sight import Seen, Watch

if TYPE_CHECKING:
    from prober.adapters.uptimerobot.calls import Ask
    from prober.core.sight import Sight, WatchState

_SWITCHES: Final = {"logs": 1, "logs_limit": 1, "response_times": 1, "response_times_limit": 1}
_STATES: Final[dict[int | None, WatchState]] = {0: "paused", 1: "pending", 2: "up", 8: "down", 9: "down"}
_LONGEST_INTERVAL_S: Final = 366 * 86_400


async def look(fetch: Ask, *, url: str, api_key: str) -> Sight:
    """Return what UptimeRobot watches now, or why that cannot be seen; never half of it."""
    try:
        monitors = await all_monitors(fetch, url=url, api_key=api_key, switches=_SWITCHES)
    except RefusedError as refused:
        return refused.sight
    return Seen(watches=tuple(watch for each in monitors if (watch := watch_of(each)) is not None))


def watch_of(monitor: dict[str, Any]) -> Watch | None:
    """Return a monitor, None if it does not even say which one it is."""
    if (number := laundry.whole(monitor.get("id"))) is None:
        return None
    interval_s = laundry.whole(monitor.get("interval"))
    return Watch(
        key=str(number),
        name=laundry.text(monitor.get("friendly_name")),
        # A number that we do not know says nothing that could be relied upon.
        state=_STATES.get(laundry.whole(monitor.get("status")), "paused"),
        url=laundry.url(monitor.get("url")),
        interval_ms=interval_s * 1000 if interval_s and 0 < interval_s <= _LONGEST_INTERVAL_S else None,
        newest_ms=_newest_ms(monitor.get("response_times")),
        logged_ms=_newest_ms(monitor.get("logs")),
    )


def _newest_ms(entries: object) -> int | None:
    if not isinstance(entries, list):
        return None
    moments = [laundry.moment_ms(each.get("datetime")) for each in entries if isinstance(each, dict)]
    return max((each for each in moments if each is not None), default=None)
