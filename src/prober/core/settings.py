"""The whole configuration as a value, resolved and judged valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from prober.core.model import Probe

UPTIMEROBOT: Final = "https://api.uptimerobot.com/v2/"
"""Where UptimeRobot answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel:
    """A way to people by SMTP: the ``[alert.<id>]`` table with secrets resolved. ``remind_ms`` None never reminds."""

    id: str
    to: tuple[str, ...]
    sender: str
    server: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    remind_ms: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """The domain that its messages come from."""
        return self.sender.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """Whom we stand behind: the ``[standby]`` table. ``url`` is where they are asked, at most once in ``every_ms``."""

    behind: Literal["uptimerobot", "prober"]
    url: str
    api_key: str | None = field(default=None, repr=False)
    every_ms: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A planned window: one ``[[maintenance]]`` table. It begins at ``start_ms``, or whenever ``cron`` says so.

    ``cron`` is read on the clock of ``timezone``. Without ``probe_ids`` and ``tags`` it is for all probes.
    """

    duration_ms: int
    cron: str | None = None
    start_ms: int | None = None
    timezone: str = "UTC"
    probe_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of ``probes.toml``, resolved and judged valid.

    ``path`` is the file, None without one. ``store_path`` is ``[store] path``, already relative to the file.
    ``keep_ms`` is how long single results are kept, ``secrets`` are the values to mask everywhere.
    """

    path: str | None
    title: str
    location: str
    probes: tuple[Probe, ...]
    channels: tuple[EmailChannel, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    connectivity_urls: tuple[str, ...] = ()
    standby: Standby | None = None
    heartbeat_url: str | None = field(default=None, repr=False)
    store_path: str | None = None
    keep_ms: int = 90 * 86_400_000
    secrets: tuple[str, ...] = field(default=(), repr=False)
