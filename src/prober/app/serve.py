"""A service from start to end: lock, store, signals, the work; what `prober serve` does."""

from __future__ import annotations

import os
import signal
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import anyio

from prober import __version__
from prober.adapters.clock import SystemClock
from prober.adapters.descriptors import raise_limit
from prober.adapters.http import Fetcher, HttpChecker
from prober.adapters.lock import Held
from prober.adapters.mail import SmtpMailer
from prober.adapters.systemd import Systemd
from prober.app.books import open_books
from prober.app.oneshot import Occupied, occupied
from prober.app.service import Service
from prober.app.standby import looking
from prober.app.standin import Unlocked, lock_store
from prober.app.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from prober.app.books import Books
    from prober.app.journal import Journal
    from prober.app.place import Place
    from prober.app.ports import OpenSession
    from prober.core.settings import Config

MOST_AT_ONCE = 1_000
SPARE_DESCRIPTORS = 64


def serve(
    config: Config,
    *,
    path: Path,
    load: Callable[[], Config],
    place: Place,
    journal: Journal,
    adopt: bool = False,
    refuse_private: bool = False,
) -> Occupied | None:
    """Serve until SIGINT or SIGTERM, and return None; or return at once where another process is at work already.

    ``load`` reads the configuration anew on SIGHUP. Raises ConfigError for a store of other probes, and StoreError
    when the holder of the lock has done nothing for long.
    """
    with _hearing_early(journal) as asked:
        clock = SystemClock()
        lock = lock_store(path, command="serve", now_ms=clock.now_ms())
        if isinstance(lock, Held):
            return occupied(lock, path, config, clock.now_ms())
        with lock, closing(Systemd(os.environ, monotonic_ns=clock.monotonic_ns)) as systemd:
            journal.started(version=__version__, location=config.location, probes=len(config.probes), store=path)
            if isinstance(lock, Unlocked):
                journal.unlocked(lock.why)
            with closing(
                open_books(
                    path, config=config, place=place, clock=clock, journal=journal, is_alerting=True, adopt=adopt
                )
            ) as books:
                anyio.run(_serve, config, books, load, place, journal, systemd, refuse_private, asked)
    return None


class _ToldEarlyError(BaseException):
    """A signal came before anybody listened to signals."""


@contextmanager
def _hearing_early(journal: Journal) -> Iterator[list[int]]:
    """Hear signals before the event loop listens, while a busy store is waited for, say: end well on one to stop.

    What is yielded fills with the signals that ask for anything else, to be raised again when somebody listens.
    """
    asked: list[int] = []

    def end(number: int, _: object) -> NoReturn:
        raise _ToldEarlyError(signal.Signals(number).name)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda number, _: asked.append(number))
    try:
        yield asked
    except _ToldEarlyError as told:
        journal.signal_received(str(told), meaning="stopping before anything was checked")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _serve(
    config: Config,
    books: Books,
    load: Callable[[], Config],
    place: Place,
    journal: Journal,
    systemd: Systemd,
    refuse_private: bool,
    asked: Sequence[int],
) -> None:
    clock = SystemClock()
    at_once = min(MOST_AT_ONCE, max(raise_limit() - SPARE_DESCRIPTORS, 1))
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        for number in set(asked):
            signal.raise_signal(number)
        async with (
            HttpChecker(now_ms=clock.now_ms, refuse_private=refuse_private, max_in_flight=at_once) as checker,
            Fetcher() as fetch,
        ):
            around = Surroundings(
                load=load,
                mailer=_mailer,
                clock=clock,
                checker=checker,
                look=partial(looking, fetch=fetch),
                place=place,
                systemd=systemd,
                journal=journal,
            )
            await Service(config, books, around).run(signals)


def _mailer(secrets: Sequence[str]) -> OpenSession:
    return partial(SmtpMailer, secrets=secrets)
