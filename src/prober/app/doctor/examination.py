"""The whole examination: every family of things, in the order in which a person reads about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from prober.adapters.clock import SystemClock
from prober.app.daemon import in_daemon_thread
from prober.app.doctor.configuration import look_at_configuration
from prober.app.doctor.fallback import look_at_fallback
from prober.app.doctor.mail import look_at_mail
from prober.app.doctor.names import Names, host_of
from prober.app.doctor.network import look_at_clock, look_at_connectivity
from prober.app.doctor.store import look_at_store
from prober.app.doctor.watcher import look_at_standby
from prober.core.diagnosis import Finding, wrong
from prober.core.diagnosis.service import judge_heartbeat
from prober.core.masking import Masker
from prober.core.text import scrub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from prober.adapters.config.outline import Outline
    from prober.core.settings import Config
    from prober.errors import ConfigError

STORE_S: Final = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be examined.

    Without a valid configuration ``problem`` says why, and ``outline`` what can be read of it all the same. ``place``
    is where the store is, and ``place_reason`` why there; None, nothing says where.
    """

    config: Config | None
    problem: ConfigError | None
    config_path: Path | None
    outline: Outline | None
    place: Path | None
    place_reason: str
    refuse_private: bool = False


def examine(subject: Subject) -> list[Finding]:
    """Return what was found, of everything that was looked at. Takes 15 s at most, whatever hangs."""
    findings = look_at_configuration(subject.config_path, subject.config, subject.problem, subject.outline)
    findings += anyio.run(_look_around, subject)
    mask = Masker(subject.config.secrets if subject.config else ()).mask
    return [replace(each, message=scrub(each.message, mask)) for each in findings]


async def _look_around(subject: Subject) -> list[Finding]:
    looks: list[Callable[[], Awaitable[list[Finding]]]] = [
        partial(_store, subject),
        partial(look_at_fallback, subject.config_path, subject.outline),
    ]
    if subject.config is not None:
        config, names = subject.config, Names(subject.config)
        looks += [
            names.look,
            partial(look_at_connectivity, config, refuse_private=subject.refuse_private),
            partial(look_at_clock, config, refuse_private=subject.refuse_private),
            partial(look_at_mail, config, names),
            partial(look_at_standby, config, subject.place),
            partial(_heartbeat, config),
        ]
    found: dict[int, list[Finding]] = {}

    async def take(number: int, look: Callable[[], Awaitable[list[Finding]]]) -> None:
        found[number] = await look()

    async with anyio.create_task_group() as tasks:
        for number, look in enumerate(looks):
            tasks.start_soon(take, number, look)
    return [finding for number in range(len(looks)) for finding in found[number]]


async def _store(subject: Subject) -> list[Finding]:
    look = partial(
        look_at_store,
        subject.place,
        subject.place_reason,
        config_path=subject.config_path,
        intervals_ms=[probe.interval_ms for probe in subject.config.probes] if subject.config else [],
        now_ms=SystemClock().now_ms(),
    )
    try:
        return await in_daemon_thread(look, within_s=STORE_S)
    except TimeoutError:
        message = f"{subject.place}: its disk does not answer within {STORE_S:g} s"
        return [wrong("store", message, "look at the disk, or the network behind it; name another store with --db")]


async def _heartbeat(config: Config) -> list[Finding]:
    return [judge_heartbeat(config.heartbeat_url and host_of(config.heartbeat_url))]
