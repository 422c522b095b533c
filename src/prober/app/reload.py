"""What a running service can change to, and how it says that it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.app.record import refuse_foreign
from prober.errors import ConfigError

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.core.settings import Config


def refuse_change(store: Store, *, before: Config, after: Config) -> None:
    """Raise ConfigError for what a running service cannot change to."""
    refuse_foreign(store, after)
    if after.location != before.location:
        raise ConfigError(
            f"the location was {before.location} and is now {after.location}: that takes a restart of the service"
        )
    if after.store_path != before.store_path:
        raise ConfigError("[store] path is another one now: that takes a restart of the service")


def first_line(error: ConfigError) -> str:
    """Return the first problem, and where the others are told."""
    first, *more = str(error).splitlines()
    return f"{first}. See: prober check --offline" if more else first
