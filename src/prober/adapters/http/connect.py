"""Connect to the first of several addresses that answers (Happy Eyeballs, RFC 8305).

Families take turns, a further address is tried when the last one has failed or after 250 ms, and whoever answers
first wins. Only addresses that we may connect to take part. What a dead family costs is the target's time: its users
pay it too.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import anyio

from prober.adapters.http.failure import CheckError, from_os_error
from prober.adapters.http.timing import Timing, monotonic_ns
from prober.adapters.http.wire import Wire, ask_for_stamps
from prober.core.addresses import Reach, reach_of
from prober.core.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_reach_of = lru_cache(maxsize=4096)(reach_of)

_OPEN = frozenset({0, errno.EISCONN})
_PENDING = frozenset({errno.EINPROGRESS, errno.EALREADY})

_STAGGER_S = 0.25
_MOST_ADDRESSES = 16

# Offsets of tcpi_rtt (microseconds) and tcpi_total_retrans in Linux's struct tcp_info.
_TCP_INFO_BYTES = 104
_RTT = struct.Struct("@68xI28xI")

# The most telling failure of several: a host that refuses is there, one without a route says little.
_TELLING = (Reason.DESCRIPTORS, Reason.REFUSED, Reason.RESET, Reason.TIMEOUT, Reason.UNREACHABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One address under trial since ``began_ns``; ``is_open`` says that it connected at once."""

    sock: socket.socket
    peer: str
    began_ns: int
    is_stamped: bool
    is_open: bool


def permitted(addresses: Iterable[str], *, refuse_private: bool) -> list[str]:
    """Return the addresses that we may connect to. Raises `CheckError` when none is left."""
    reaches = {address: _reach_of(address) for address in addresses}
    most = Reach.PUBLIC if refuse_private else Reach.PRIVATE
    allowed = [address for address, reach in reaches.items() if reach <= most]
    if allowed:
        return allowed
    address, reach = min(reaches.items(), key=lambda pair: pair[1])
    if reach is Reach.PRIVATE:
        raise CheckError(Reason.ADDRESS, f"{address} is private (needs allow_private = true)")
    raise CheckError(Reason.ADDRESS, f"{address} is an address that is never connected to")


async def connect(addresses: Sequence[str], port: int, *, timing: Timing, kernel_stamps: bool) -> Wire:
    """Connect to one of ``addresses`` and count the time. Raises `CheckError` when none answers."""
    began_ns = monotonic_ns()
    if len(addresses) == 1:
        won = _begin(addresses[0], port, kernel_stamps=kernel_stamps)
        await _establish(won)
    else:
        won = await _race(_interleaved(addresses), port, kernel_stamps=kernel_stamps)
    now_ns = monotonic_ns()
    took_ns = won.began_ns - began_ns + _handshake_ns(won, now_ns)
    timing.connected(took_ns=took_ns, waited_ns=now_ns - began_ns)
    return Wire(won.sock, peer=won.peer, timing=timing, is_stamped=won.is_stamped)


def _begin(address: str, port: int, *, kernel_stamps: bool) -> Attempt:
    is_v6 = ":" in address
    peer = f"[{address}]:{port}" if is_v6 else f"{address}:{port}"
    try:
        sock = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise from_os_error(error, peer) from error
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        is_stamped = kernel_stamps and ask_for_stamps(sock)
        began_ns = monotonic_ns()
        refusal = sock.connect_ex((address, port))
        if refusal == errno.EINPROGRESS:
            # On loopback it is settled by now, and asking again is cheaper than waiting for the loop.
            refusal = sock.connect_ex((address, port))
        _raise_refusal(refusal, peer)
    except BaseException:
        sock.close()
        raise
    return Attempt(sock=sock, peer=peer, began_ns=began_ns, is_stamped=is_stamped, is_open=refusal in _OPEN)


async def _establish(attempt: Attempt) -> None:
    if attempt.is_open:
        return
    try:
        await anyio.wait_writable(attempt.sock)
        _raise_refusal(attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), attempt.peer)
    except BaseException:
        attempt.sock.close()
        raise


def _raise_refusal(refusal: int, peer: str) -> None:
    if refusal not in _OPEN and refusal not in _PENDING:
        raise from_os_error(OSError(refusal, os.strerror(refusal)), peer)


async def _race(addresses: Sequence[str], port: int, *, kernel_stamps: bool) -> Attempt:
    winners: list[Attempt] = []
    failures: list[CheckError] = []

    async def run(address: str, is_over: anyio.Event) -> None:
        try:
            attempt = _begin(address, port, kernel_stamps=kernel_stamps)
            await _establish(attempt)
        except CheckError as failure:
            failures.append(failure)
        else:
            winners.append(attempt)
            group.cancel_scope.cancel()
        is_over.set()

    try:
        async with anyio.create_task_group() as group:
            for address in addresses:
                is_over = anyio.Event()
                group.start_soon(run, address, is_over)
                with anyio.move_on_after(_STAGGER_S):
                    await is_over.wait()
    except BaseException:
        _close(winners)
        raise
    if not winners:
        raise min(failures, key=lambda failure: _TELLING.index(failure.reason))
    _close(winners[1:])
    return winners[0]


def _close(attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        attempt.sock.close()


def _interleaved(addresses: Sequence[str]) -> list[str]:
    is_v6_first = ":" in addresses[0]
    first = [address for address in addresses if (":" in address) is is_v6_first]
    second = [address for address in addresses if (":" in address) is not is_v6_first]
    turns = chain.from_iterable(zip_longest(first, second))
    return [address for address in turns if address is not None][:_MOST_ADDRESSES]


def _handshake_ns(won: Attempt, now_ns: int) -> int:
    """Return the kernel's round trip of the TCP handshake, or the wall time where that says more (a lost SYN)."""
    wall_ns = now_ns - won.began_ns
    if not won.is_stamped or sys.platform != "linux":
        return wall_ns
    info = won.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    if len(info) < _TCP_INFO_BYTES:
        return wall_ns
    rtt_us, retransmissions = _RTT.unpack_from(info)
    return wall_ns if retransmissions or not rtt_us else min(wall_ns, rtt_us * 1000)
