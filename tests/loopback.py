"""Keeps the tests' own process at home: sockets reach loopback only, and no name but localhost resolves.

An audit hook sees every connect and every lookup, whichever library makes it. A forbidden connection fails the test,
even through ``except Exception``; a foreign name is simply unknown, as it would be on a machine without a network.
"""

from __future__ import annotations

import ipaddress
import socket
import sys

import pytest


def install() -> None:
    """Limit this process for good; an audit hook cannot be taken out again."""
    sys.addaudithook(_judge)


def _judge(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        if not _is_literal(_text(args[0])) and not _is_local_name(_text(args[0])):
            raise socket.gaierror(socket.EAI_NONAME, "the tests resolve no name but localhost")
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        if isinstance(address, tuple) and isinstance(address[0], str) and not _is_at_home(address[0]):
            pytest.fail(f"the tests may reach loopback only, not {address}")


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "localhost")


def _is_at_home(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback if _is_literal(host) else _is_local_name(host)


def _is_local_name(host: str) -> bool:
    return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
