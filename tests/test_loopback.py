from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 9), ("2001:db8::1", 9), ("0.0.0.0", 9)])
def test_a_connection_that_leaves_the_machine_fails_the_test(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as leaving:
        for attempt in (leaving.connect, leaving.connect_ex, lambda target: leaving.sendto(b"", target)):
            with pytest.raises(pytest.fail.Exception, match="loopback only"):
                attempt(address)


def test_a_connection_to_loopback_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()


@pytest.mark.parametrize("name", ["example.com", b"example.com", "localhost.example.com"])
def test_no_name_but_localhost_resolves(name: str | bytes) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(name, 80)


@pytest.mark.parametrize("name", ["localhost", b"127.0.0.1", "::1", "192.0.2.1", None])
def test_literals_and_localhost_resolve(name: str | bytes | None) -> None:
    assert socket.getaddrinfo(name, 80)
