"""What keeps a service well beside its rounds: old results go, a lost store comes home, a heartbeat is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from prober.app.heartbeat import Heartbeat, is_allowed
from prober.app.keeping import keep_house
from prober.core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prober.adapters.store.db import Store
    from prober.app.books import Books
    from prober.app.journal import Journal
    from prober.app.ports import Checker, Clock
    from prober.core.settings import Config

HOUSE_EVERY_S = 60.0
HEAL_EVERY_S = 10.0
BEAT_EVERY_S = 60.0


class Upkeep:
    """The chores of a service. ``on_healed`` is awaited when the store is back."""

    def __init__(
        self,
        config: Config,
        *,
        books: Books,
        clock: Clock,
        checker: Checker,
        journal: Journal,
        on_healed: Callable[[], Awaitable[None]],
    ) -> None:
        self._books = books
        self._clock = clock
        self._checker = checker
        self._journal = journal
        self._on_healed = on_healed
        self._may_beat = anyio.Event()
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Go on with another configuration."""
        self._config = config
        self._heartbeat: Heartbeat | None = None
        if config.heartbeat_url is not None:
            mask = Masker(config.secrets).mask
            self._heartbeat = Heartbeat(config.heartbeat_url, checker=self._checker, mask=mask, journal=self._journal)

    def was_judged(self) -> None:
        """Say that a round was committed in which something could be judged."""
        self._may_beat.set()

    async def run(self) -> None:
        """Do the chores until cancelled."""
        async with anyio.create_task_group() as chores:
            for chore in (self._keep_house, self._heal, self._beat):
                chores.start_soon(chore)

    async def _keep_house(self) -> None:
        while True:
            await anyio.sleep(HOUSE_EVERY_S)
            is_untidy = True
            while is_untidy:
                is_untidy = await self._books.write(self._tidy)
                await anyio.sleep(1)

    def _tidy(self, store: Store) -> bool:
        return keep_house(store, keep_ms=self._config.keep_ms, now_ms=self._clock.now_ms())

    async def _heal(self) -> None:
        while True:
            await anyio.sleep(HEAL_EVERY_S)
            self._books.notes.clear()  # they are for a run that ends: the log has them already
            if self._books.fault is not None and await self._books.heal():
                await self._on_healed()

    async def _beat(self) -> None:
        """Send a heartbeat after a committed round, at most once a minute and only while no alert is stuck."""
        while True:
            await self._may_beat.wait()
            may = await self._books.write(lambda store: is_allowed(store, self._clock.now_ms()))
            if self._heartbeat is not None and may:
                await self._heartbeat.beat()
            await anyio.sleep(BEAT_EVERY_S)
            self._may_beat = anyio.Event()
