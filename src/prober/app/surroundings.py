"""The world around a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.adapters.systemd import Systemd
    from prober.app.journal import Journal
    from prober.app.place import Place
    from prober.app.ports import Checker, Clock, OpenSession
    from prober.app.standby import Look
    from prober.core.settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a service needs of the world.

    ``load`` reads the configuration anew, or raises ConfigError with everything that is wrong with it. ``look`` returns
    what looks at whom we stand behind by it, ``mailer`` what opens sessions and keeps the given secrets out of all that
    it says.
    """

    load: Callable[[], Config]
    mailer: Callable[[Sequence[str]], OpenSession]
    clock: Clock
    checker: Checker
    look: Callable[[Config], Look | None]
    place: Place
    systemd: Systemd
    journal: Journal
