"""A mail server in a process of its own, which outlives those that talk to it and writes down what it took.

Its mood is what a client greets it by, or one that it was put into. It talks to one client after the other, so whoever
is served knows that all those before have been heard out; unless it is to serve many at once.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FINE: Final = "fine.test"
GREYLISTING: Final = "greylisting.test"
REFUSING: Final = "refusing.test"
CUTTING: Final = "cutting.test"
SLOW: Final = "slow.test"
CLOSED: Final = "closed.test"
REFUSALS: Final = {GREYLISTING: "450 4.2.0 come again", REFUSING: "550 5.1.1 never heard of"}
SLOW_S: Final = 0.1

_writing = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One message that the server took; ``is_cut`` says that its client was never told so."""

    recipient: str
    content: bytes
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A running server and its book."""

    port: int
    book: Path

    def all_taken(self) -> list[Taken]:
        """Return what was taken from all clients that came before this call."""
        with socket.create_connection(("127.0.0.1", self.port)) as line:
            line.recv(100)
        lines = self.book.read_text().splitlines() if self.book.exists() else []
        return [
            Taken(recipient=to, content=content.encode("latin-1"), is_cut=is_cut)
            for to, content, is_cut in map(json.loads, lines)
        ]

    def forget(self) -> None:
        """Begin a new book."""
        self.book.write_text("")

    def put_into(self, mood: str) -> None:
        """Have every client from now on meet this mood, whatever it greets by; ``CLOSED`` hangs up on it."""
        _mood_file(self.book).write_text(mood)


def _mood_file(book: Path) -> Path:
    return book.with_name(f"{book.name}.mood")


@contextmanager
def run_sink(folder: Path, *, many_at_once: bool = False) -> Iterator[Sink]:
    """Serve on a free port of 127.0.0.1 until the end. Forks: call it before there are threads."""
    book = folder / "book"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pid = os.fork()
        if pid == 0:
            _serve(listener, book, many_at_once=many_at_once)
        try:
            yield Sink(port=listener.getsockname()[1], book=book)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _serve(listener: socket.socket, book: Path, *, many_at_once: bool) -> None:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if many_at_once:
            threading.Thread(target=_attend, args=(client, book), daemon=True).start()
        else:
            _attend(client, book)


def _attend(client: socket.socket, book: Path) -> None:
    with client, client.makefile("rb") as line, suppress(OSError):
        _talk(client, line, book)


def _talk(client: socket.socket, line: BinaryIO, book: Path) -> None:
    given = _mood_file(book).read_text() if _mood_file(book).exists() else ""
    if given == CLOSED:
        return
    client.sendall(b"220 sink.test ESMTP\r\n")
    mood, recipient = FINE, ""
    while command := line.readline().decode().strip():
        reply = "250 fine"
        match command.upper().split()[0]:
            case "EHLO":
                mood = given or command.split()[1]
            case "RCPT":
                time.sleep(SLOW_S if mood == SLOW else 0)
                recipient = command.partition("<")[2].partition(">")[0]
                reply = REFUSALS.get(mood, reply)
            case "DATA":
                client.sendall(b"354 go on\r\n")
                content = _content(line)
                if content is None:
                    return
                with _writing, book.open("a") as written:
                    written.write(json.dumps([recipient, content.decode("latin-1"), mood == CUTTING]) + "\n")
                if mood == CUTTING:
                    return
        client.sendall(f"{reply}\r\n".encode())


def _content(line: BinaryIO) -> bytes | None:
    """Return a message, or None when its client died before the end of it."""
    received: list[bytes] = []
    while each := line.readline():
        if each == b".\r\n":
            return b"".join(received)
        received.append(each.removeprefix(b".") if each.startswith(b"..") else each)
    return None
