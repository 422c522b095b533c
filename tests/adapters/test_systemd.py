"""What the service manager hears, on a real datagram socket."""

from __future__ import annotations

import os
import resource
import socket
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from prober.adapters.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Listen = Callable[[str], socket.socket]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Listen as systemd does, under a path or an abstract name."""
    opened: list[socket.socket] = []

    def bind(name: str) -> socket.socket:
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        opened.append(manager)
        manager.bind("\0" + name[1:] if name.startswith("@") else name)
        manager.setblocking(False)
        return manager

    yield bind
    for each in opened:
        each.close()


@pytest.fixture(params=["path", "abstract"])
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@prober-{uuid4()}"


def told_by(environ: Mapping[str, str]) -> Systemd:
    return Systemd(environ, monotonic_ns=lambda: 7_654_321_987)


@pytest.mark.parametrize(
    ("tell", "heard"),
    [
        (lambda systemd: systemd.ready("50 probes"), b"READY=1\nSTATUS=50 probes"),
        (lambda systemd: systemd.status("round 7: all is well"), b"STATUS=round 7: all is well"),
        (lambda systemd: systemd.reloading(), b"RELOADING=1\nMONOTONIC_USEC=7654321"),
        (lambda systemd: systemd.stopping(), b"STOPPING=1"),
        (lambda systemd: systemd.feed(), b"WATCHDOG=1"),
    ],
)
def test_each_word_arrives_as_one_datagram(
    listen: Listen, name: str, tell: Callable[[Systemd], None], heard: bytes
) -> None:
    manager = listen(name)
    with closing(told_by({"NOTIFY_SOCKET": name})) as systemd:
        assert systemd.is_listening
        tell(systemd)
        assert manager.recv(4096) == heard
        with pytest.raises(BlockingIOError):
            manager.recv(4096)


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("one\nREADY=1", b"STATUS=one READY=1"),
        ("\x1b[31mred\x00", b"STATUS=red"),
        ("half \ud800", "STATUS=half \ufffd".encode()),
        ("\N{GRINNING FACE}" * 5_000, b"STATUS=" + "\N{GRINNING FACE}".encode() * 256),
    ],
)
def test_a_status_is_one_short_line_of_utf8(listen: Listen, name: str, text: str, heard: bytes) -> None:
    manager = listen(name)
    with closing(told_by({"NOTIFY_SOCKET": name})) as systemd:
        systemd.status(text)
    assert manager.recv(8192) == heard


def all_words(systemd: Systemd) -> None:
    systemd.ready("well")
    systemd.status("well")
    systemd.reloading()
    systemd.feed()
    systemd.stopping()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_manager_nothing_is_told_and_nothing_fails(environ: Mapping[str, str]) -> None:
    systemd = told_by(environ)
    assert not systemd.is_listening
    all_words(systemd)
    systemd.close()


@pytest.mark.parametrize("broken", ["absent", "regular file", "name too long", "abstract without a listener"])
def test_a_socket_that_is_none_fails_nothing(tmp_path: Path, broken: str) -> None:
    (tmp_path / "regular").touch()
    names = {
        "absent": str(tmp_path / "absent"),
        "regular file": str(tmp_path / "regular"),
        "name too long": "/" + "n" * 500,
        "abstract without a listener": f"@prober-{uuid4()}",
    }
    with closing(told_by({"NOTIFY_SOCKET": names[broken]})) as systemd:
        all_words(systemd)


def test_a_manager_that_was_away_hears_us_again(listen: Listen, tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    listen(name).close()
    with closing(told_by({"NOTIFY_SOCKET": name})) as systemd:
        systemd.feed()
        (tmp_path / "notify").unlink()
        manager = listen(name)
        systemd.status("still here")
    assert manager.recv(4096) == b"STATUS=still here"


def fill(address: str) -> None:
    """Send until a sender of its own finds no room: one alone may have filled only its own buffer."""
    is_full = False
    while not is_full:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler, suppress(BlockingIOError):
            filler.setblocking(False)
            is_full = True
            while filler.sendto(b"", address) == 0:
                is_full = False


def test_a_manager_that_reads_nothing_does_not_hold_us_for_ever(listen: Listen, name: str) -> None:
    manager = listen(name)
    with closing(told_by({"NOTIFY_SOCKET": name})) as systemd:
        fill("\0" + name[1:] if name.startswith("@") else name)
        systemd.feed()
    heard = set[bytes]()
    with suppress(BlockingIOError):
        while True:
            heard.add(manager.recv(4096))
    assert heard == {b""}


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for each in taken:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_words_come_through_when_no_descriptor_is_left(listen: Listen, name: str) -> None:
    manager = listen(name)
    with closing(told_by({"NOTIFY_SOCKET": name})) as systemd, no_descriptor_left():
        systemd.feed()
    assert manager.recv(4096) == b"WATCHDOG=1"


def test_a_descriptor_that_cannot_be_had_at_the_start_fails_nothing(tmp_path: Path) -> None:
    with no_descriptor_left():
        systemd = told_by({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert not systemd.is_listening
    all_words(systemd)


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}, 180.0),
        ({"WATCHDOG_USEC": "180000000"}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_PID": str(os.getpid())}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "5s"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_or_none(environ: Mapping[str, str], watchdog_s: float | None) -> None:
    assert told_by(environ).watchdog_s == watchdog_s
