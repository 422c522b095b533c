"""Many targets behind a few doors that flap, and a network that goes away as a whole now and then."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from prober.adapters.clock import SystemClock
from tests.app.kill_truth import WELL, Truth
from tests.servers.certificates import server_context
from tests.servers.raw import Handler, serving

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from tests.servers.raw import Peer

REFUSING: Final = "refuse"
TROUBLES: Final = (REFUSING, "hang", "reset", "slow", "503", "garbage", "drip", "cut")
SILENT: Final = "silent"
SLOW_S: Final = 0.3
LOOK_EVERY_S: Final = 0.05
FINE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
SAID: Final = {
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\nout of order",
    "garbage": b"\x00\xff" * 5_000,
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\nfine",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How each door is, unless there is a blackout: then all are silent."""

    doors: Truth
    blackouts: Truth

    def mood(self, door: str) -> str:
        now_ms = SystemClock().now_ms()
        if self.blackouts.mood("network", now_ms) != WELL:
            return SILENT
        return self.doors.mood(door, now_ms)


@contextmanager
def run_doors(network: Network, doors: Mapping[str, bool]) -> Iterator[dict[str, int]]:
    """Serve behind each door, True for those with TLS, and yield the ports. Forks: call it before there are threads."""
    with ExitStack() as stack:
        held = {door: stack.enter_context(_held()) for door in doors}
        ports = {door: sock.getsockname()[1] for door, sock in held.items()}
        context = server_context("good")
        pid = os.fork()
        if pid == 0:
            anyio.run(_keep_all, network, {ports[door]: (door, context if doors[door] else None) for door in doors})
        try:
            yield ports
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _held() -> socket.socket:
    """Take a port without listening, so that it refuses and is nobody else's while its door is shut."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


async def _keep_all(network: Network, doors: Mapping[int, tuple[str, ssl.SSLContext | None]]) -> None:
    async with anyio.create_task_group() as keepers:
        for port, (door, tls) in doors.items():
            mood = partial(network.mood, door)
            keepers.start_soon(_keep, mood, partial(_show, mood, tls), port)


async def _keep(mood: Callable[[], str], show: Handler, port: int) -> None:
    while True:
        while mood() == REFUSING:  # noqa: ASYNC110  time alone decides
            await anyio.sleep(LOOK_EVERY_S)
        async with serving(show, port=port):
            while mood() != REFUSING:  # noqa: ASYNC110
                await anyio.sleep(LOOK_EVERY_S)


async def _show(mood: Callable[[], str], tls: ssl.SSLContext | None, peer: Peer) -> None:
    now = mood()
    if now == SILENT:
        while True:
            await peer.receive()
    if now == "reset":
        peer.reset()
        return
    if tls is not None:
        await peer.start_tls(tls)
    await peer.request()
    match now:
        case "hang":
            await peer.receive()
        case "drip":
            await peer.drip(FINE)
        case _:
            await anyio.sleep(SLOW_S if now == "slow" else 0)
            await peer.send(SAID.get(now, FINE))
