"""A connected socket that knows when its bytes arrived.

On Linux ``SO_TIMESTAMPNS`` makes every ``recvmsg`` deliver, beside the bytes, the nanosecond at which the last of
them came in. The stamp is the kernel's: however late we come to read, it says what the target did.
"""

from __future__ import annotations

import socket
import struct
import sys

import anyio

from prober.adapters.http.failure import from_os_error
from prober.adapters.http.timing import Timing, monotonic_ns

READ_BYTES = 16 * 1024

# 35 on Linux, where Python 3.11 does not name it; the message comes back with the same number.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) if sys.platform == "linux" else 0
_NS_PER_S = 1_000_000_000


def ask_for_stamps(sock: socket.socket) -> bool:
    """Have the kernel stamp what arrives at ``sock``; say whether it will."""
    if not _ANCILLARY_BYTES:
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


class Wire:
    """Send and receive over a connected non-blocking socket.

    After `receive`, ``arrived_ns`` and ``read_ns`` are the moments at which the last of its bytes came in and at
    which we took them.
    """

    __slots__ = ("_is_stamped", "_sock", "_timing", "arrived_ns", "peer", "read_ns")

    def __init__(self, sock: socket.socket, *, peer: str, timing: Timing, is_stamped: bool) -> None:
        self._sock = sock
        self._timing = timing
        self._is_stamped = is_stamped
        self.peer = peer
        self.arrived_ns = self.read_ns = 0

    async def send(self, data: bytes) -> int:
        """Send all of ``data`` and return when that began. Raises `CheckError`."""
        began_ns = monotonic_ns()
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._sock)
            except OSError as error:
                raise from_os_error(error, self.peer) from error
        return began_ns

    async def receive(self, most: int = READ_BYTES) -> bytes:
        """Wait for bytes and take up to ``most`` of them; none means that the peer has closed. Raises `CheckError`."""
        while True:
            # Never without waiting: a peer that always has more to say must not keep us from everybody else.
            await anyio.wait_readable(self._sock)
            try:
                data, stamp_ns = self._take(most)
            except BlockingIOError:
                continue
            except OSError as error:
                raise from_os_error(error, self.peer) from error
            if data:
                self.read_ns = monotonic_ns()
                self.arrived_ns = self._timing.arrival_ns(stamp_ns, self.read_ns)
            return data

    def _take(self, most: int) -> tuple[bytes, int | None]:
        if not self._is_stamped:
            return self._sock.recv(most), None
        data, ancillary, _, _ = self._sock.recvmsg(most, _ANCILLARY_BYTES)
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(payload) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(payload)
                return data, seconds * _NS_PER_S + nanoseconds
        return data, None

    def close(self) -> None:
        """Let go of the socket at once, whatever the peer thinks of it."""
        self._sock.close()
