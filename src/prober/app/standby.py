"""Stand behind another monitor: look at it beside the rounds, and tell in our own name only while it does not watch.

A look has a deadline of its own and delays neither a check nor an alert: until it has come to something, what the looks
before it came to is in force. What it changes is one transaction with what that releases.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

import anyio

from prober.adapters import prober_status, uptimerobot
from prober.adapters.store import incidents, standings
from prober.adapters.store.standings import LookRow
from prober.adapters.store.states import all_states
from prober.app.announce import Announcer, Told
from prober.app.facts import Scene
from prober.app.role import where_we_stand
from prober.core import standby
from prober.core.masking import Masker
from prober.core.sight import Limited, Rejected, Seen, Sight, Unreachable, Verdict
from prober.core.standby import Standing
from prober.core.windows import is_active
from prober.render.when import words

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.app.books import Books
    from prober.app.journal import Journal
    from prober.app.place import Place
    from prober.app.ports import Clock, Fetch
    from prober.core.settings import Config

Look: TypeAlias = Callable[[], Awaitable[Sight]]

LOOK_WITHIN_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look changed: where we stand after it, what was told of it, and how many alerts that queued."""

    standing: Standing
    told: tuple[Told, ...]
    queued: int
    released: tuple[tuple[str, int], ...] = ()


def looking(config: Config, fetch: Fetch) -> Look | None:
    """Return what looks at whom we stand behind, None when we stand behind nobody."""
    known = config.standby
    if known is None:
        return None
    match known.behind:
        case "uptimerobot":
            return partial(uptimerobot.look, fetch, url=known.url, api_key=known.api_key or "")
        case "prober":
            return partial(prober_status.look, fetch, url=known.url)
    assert_never(known.behind)


def release_held(store: Store, config: Config, announcer: Announcer) -> None:
    """Tell of all that is open and was held back until now, unless it is still to be."""
    for each in incidents.held_incidents(store, config.location):
        announcer.release(each)


def record_look(
    store: Store, sight: Sight, *, config: Config, place: Place, now_ms: int, is_online: bool, is_alerting: bool
) -> Looked:
    """Keep what a look came to, and queue the alerts that it causes."""
    mask = Masker(config.secrets).mask
    with store.transaction():
        before = where_we_stand(store, config) or Standing()
        after, caused = standby.follow(
            before,
            sight,
            probes=[probe for probe in config.probes if probe.enabled],
            down_since=_down_since(store, config, now_ms),
            now_ms=now_ms,
            is_online=is_online,
            by_id=config.standby is not None and config.standby.behind == "prober",
        )
        after = after if is_alerting else standby.untold(after, before)
        standings.save_standing(store, config.location, after)
        standings.save_look(store, _row(sight, after, config.location, now_ms, mask))
        scene = Scene(
            store=store,
            config=config,
            now_ms=now_ms,
            origin=place.origin,
            is_reachable=None,
            mask=mask,
            standing=after,
        )
        announcer = Announcer(scene, is_alerting=is_alerting)
        told = [each for event in caused if (each := announcer.tell(event)) is not None]
        if is_alerting:
            release_held(store, config, announcer)
    return Looked(standing=after, told=tuple(told), queued=announcer.queued, released=tuple(announcer.released))


class Lookout:
    """Looks at the other side, as often as allowed, until cancelled. ``standing`` is what that has come to."""

    def __init__(
        self,
        look: Look,
        *,
        config: Config,
        books: Books,
        clock: Clock,
        journal: Journal,
        record: Callable[..., Looked],
        is_online: Callable[[int], Awaitable[bool]],
        on_looked: Callable[[Looked], None],
    ) -> None:
        """Take what to look with.

        ``record`` is `record_look` with what stays the same. ``is_online`` says whether anything answers us, or has
        since a time.
        """
        self._look = look
        self._config = config
        self._books = books
        self._clock = clock
        self._journal = journal
        self._record = record
        self._is_online = is_online
        self._on_looked = on_looked
        self._is_looking = True
        self.standing = Standing()

    def may_change(self, within_s: float) -> bool:
        """Say whether a role may change within so many seconds: a look is under way, or one of several is due then."""
        if self._is_looking:
            return True
        return standby.is_pending(self.standing) and self.due_s() <= within_s

    def due_s(self) -> float:
        """Return in how many seconds the next look is due; not more than 0 while one is under way."""
        every_ms = self._config.standby.every_ms if self._config.standby else 0
        now_ms = self._clock.now_ms()
        return (standby.next_look_ms(self.standing, every_ms, now_ms) - now_ms) / 1000

    async def run(self) -> None:
        """Look, again and again."""
        known = await self._books.write(partial(where_we_stand, config=self._config))
        self.standing = known or self.standing
        while True:
            self._is_looking = self.due_s() <= 0
            if not self._is_looking:
                await anyio.sleep(self.due_s())
                continue
            await self._look_once()

    async def _look_once(self) -> None:
        began_ms, sight = self._clock.now_ms(), await self._ask()
        is_online = not isinstance(sight, Unreachable) or await self._is_online(began_ms)
        with anyio.CancelScope(shield=True):
            looked = await self._books.write(
                lambda store: self._record(store, sight, now_ms=self._clock.now_ms(), is_online=is_online)
            )
        self.standing, self._is_looking = looked.standing, False
        self._journal.looked(looked.standing, said(sight))
        self._journal.round_recorded((), looked.told, looked.queued)
        self._on_looked(looked)

    async def _ask(self) -> Sight:
        with anyio.move_on_after(LOOK_WITHIN_S):
            return await self._look()
        return Unreachable(why=f"no answer within {LOOK_WITHIN_S:.0f} s")


def said(sight: Sight) -> str | None:
    """Return what was wrong with a look, in our own words; None when they answered."""
    match sight:
        case Unreachable(why=why) | Rejected(why=why):
            return why
        case Limited(wait_ms=wait_ms):
            return f"asked to come back in {words(wait_ms)}"
        case Seen():
            return None


def _down_since(store: Store, config: Config, now_ms: int) -> dict[str, int]:
    """Return the start of each down incident that may be told: nobody is to contradict what is in maintenance."""
    known = all_states(store, config.location)
    return {
        probe.id: state.down_since_ms
        for probe in config.probes
        if (state := known.get(probe.id)) is not None
        and state.down_since_ms is not None
        and not is_active(config.maintenance, probe, now_ms)
    }


def _row(sight: Sight, after: Standing, location: str, now_ms: int, mask: Callable[[str], str]) -> LookRow:
    why = said(sight)
    return LookRow(
        location=location,
        at_ms=now_ms,
        seen=after.seen or Verdict.UNREACHABLE,
        role=after.role,
        monitors=len(sight.watches) if isinstance(sight, Seen) else None,
        newest_at_ms=after.alive_ms,
        why=None if why is None else mask(why),
    )
