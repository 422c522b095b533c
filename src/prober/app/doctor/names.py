"""Every name that prober will have to look up, looked up."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from prober.adapters.config.addresses import ascii_host
from prober.adapters.http.lookup import Answer, ThreadedLookup
from prober.core.diagnosis.network import judge_lost_names, judge_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.core.diagnosis import Finding
    from prober.core.settings import Config

LOOKUP_S: Final = 6.0


class Names:
    """The names in a configuration. They are looked up once, at the same time; some need to know what came of it."""

    def __init__(self, config: Config) -> None:
        self._hosts = list(dict.fromkeys(host for host in _hosts(config) if not _is_address(host)))
        self._found: dict[str, Answer] = {}
        self._lost: dict[str, str] = {}
        self._is_done = anyio.Event()

    async def look(self) -> list[Finding]:
        """Look all names up, and return what came of it."""
        lookup = ThreadedLookup()
        async with anyio.create_task_group() as tasks:
            for host in self._hosts:
                tasks.start_soon(self._find, host, lookup)
        lookup.close()
        self._is_done.set()
        found = [(host, answer.addresses, answer.took_ns // 1_000_000) for host, answer in self._found.items()]
        return judge_lost_names([(host, self._lost[host]) for host in self._hosts if host in self._lost]) + judge_names(
            found
        )

    async def why_lost(self, host: str) -> str | None:
        """Return why a name could not be found, None when it was, as soon as that is known."""
        await self._is_done.wait()
        return self._lost.get(host)

    async def _find(self, host: str, lookup: ThreadedLookup) -> None:
        try:
            with anyio.fail_after(LOOKUP_S):
                self._found[host] = await lookup(ascii_host(host))
        except TimeoutError:
            self._lost[host] = f"no answer within {LOOKUP_S:g} s"
        except (OSError, UnicodeError) as error:
            self._lost[host] = str(getattr(error, "strerror", None) or error)


def host_of(url: str) -> str:
    """Return the host of a valid url."""
    return urlsplit(url).hostname or ""


def _hosts(config: Config) -> Iterator[str]:
    yield from (host_of(probe.url) for probe in config.probes if probe.enabled)
    yield from (channel.server for channel in config.channels)
    yield from map(host_of, config.connectivity_urls)
    if config.standby:
        yield host_of(config.standby.url)
    if config.heartbeat_url:
        yield host_of(config.heartbeat_url)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
