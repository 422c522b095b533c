"""Whether they are watching, by one answer of theirs: in general, and each probe of ours.

A monitor that is up takes samples, so its newest one says whether it still does. One that is down takes none: it is
being watched as long as any that is up is, and where none is up, as long as anything happened lately.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prober.core.model import Probe
    from prober.core.sight import Watch

FRESH_MS: Final = 900_000
FRESH_INTERVALS: Final = 3
FUTURE_MS: Final = 120_000


def match(probes: Iterable[Probe], watches: Sequence[Watch], *, by_id: bool = False) -> dict[str, Watch]:
    """Return what they watch for us, by the id of our probe: linked by ``uptimerobot_id``, else by the URL.

    Of several for one URL, one that is not paused. ``by_id`` links by the same id instead, as two probers do.
    """
    by_key = {watch.key: watch for watch in watches}
    if by_id:
        return {probe.id: by_key[probe.id] for probe in probes if probe.id in by_key}
    busiest_last = [*_of(watches, is_busy=False), *_of(watches, is_busy=True)]
    by_url = {_plain(watch.url): watch for watch in busiest_last if watch.url is not None}
    found = ((probe.id, by_key.get(str(probe.uptimerobot_id)) or by_url.get(_plain(probe.url))) for probe in probes)
    return {probe_id: watch for probe_id, watch in found if watch is not None}


def _of(watches: Sequence[Watch], *, is_busy: bool) -> Iterable[Watch]:
    return (watch for watch in reversed(watches) if (watch.state in {"up", "down"}) is is_busy)


def is_fresh(at_ms: int | None, interval_ms: int, now_ms: int) -> bool:
    """Say whether something that they did is recent: at most three intervals or 15 minutes ago, and not to come."""
    if at_ms is None or at_ms > now_ms + FUTURE_MS:
        return False
    return now_ms - at_ms <= max(FRESH_INTERVALS * interval_ms, FRESH_MS)


class Answered:
    """What one answer says: of all that they watch, and of each probe."""

    def __init__(self, watches: Sequence[Watch], probes: Sequence[Probe], *, now_ms: int, by_id: bool = False) -> None:
        self._watches = watches
        self._by_id = by_id
        self.probes = probes
        self.matched = match(probes, watches, by_id=by_id)
        self._ours_ms = {self.matched[each.id].key: each.interval_ms for each in probes if each.id in self.matched}
        self.now_ms = now_ms
        self.is_watching = self._is_watching()

    def is_named(self, probe: Probe) -> bool:
        """Say whether a probe names one of their monitors, be it there or not."""
        return not self._by_id and probe.uptimerobot_id is not None

    def alive_ms(self) -> int | None:
        """Return their newest sign of life."""
        signs = (at_ms for watch in self._watches for at_ms in (watch.newest_ms, watch.logged_ms))
        return max((at_ms for at_ms in signs if at_ms is not None and at_ms <= self.now_ms + FUTURE_MS), default=None)

    def says(self, probe: Probe) -> Literal["up", "down"] | None:
        """Return what they say of a probe that they are watching, None when they are not."""
        watch = self.matched.get(probe.id)
        if watch is None or not self.is_watching:
            return None
        if watch.state == "up":
            return "up" if self._is_recent(watch, watch.newest_ms) else None
        return "down" if watch.state == "down" else None

    def _is_watching(self) -> bool:
        up = [watch for watch in self._watches if watch.state == "up"]
        if up:
            return any(self._is_recent(watch, watch.newest_ms) for watch in up)
        if not any(watch.state == "down" for watch in self._watches):
            return False
        return any(
            self._is_recent(watch, at_ms) for watch in self._watches for at_ms in (watch.newest_ms, watch.logged_ms)
        )

    def _is_recent(self, watch: Watch, at_ms: int | None) -> bool:
        return is_fresh(at_ms, watch.interval_ms or self._ours_ms.get(watch.key, 0), self.now_ms)


def _plain(url: str) -> str:
    """Return a URL as it is compared: scheme and host in lower case, no fragment, and a path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    path, host = parts.path or "/", parts.netloc.lower()
    return parts._replace(scheme=parts.scheme.lower(), netloc=host, path=path, fragment="").geturl()
