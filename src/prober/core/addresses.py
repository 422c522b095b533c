"""Which addresses we connect to: never a cloud's metadata service, and private ones only where that is allowed.

An IPv6 address can carry an IPv4 one (mapped, NAT64, 6to4, compatible). Such an address reaches whatever the inner one
reaches, so the stricter of the two judgements counts.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


class Reach(IntEnum):
    """Where an address leads, from harmless to forbidden."""

    PUBLIC = 0
    PRIVATE = 1
    NEVER = 2


_NEVER = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fe80::/10",
            "fd00:ec2::254",
        ),
    )
)
_PRIVATE = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "224.0.0.0/3",
            "::/128",
            "::1/128",
            "64:ff9b:1::/48",
            "fc00::/7",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)
_INNER_IN_LAST_BITS = tuple(map(ip_network, ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
_LAST_32_BITS = 0xFFFF_FFFF


def reach_of(address: str) -> Reach:
    """Judge an address literal. Raises `ValueError` when it is none."""
    return max(map(_reach, _meanings(ip_address(address))))


def _meanings(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    if isinstance(address, IPv4Address):
        return (address,)
    if address.sixtofour is not None:
        return address, address.sixtofour
    if any(address in network for network in _INNER_IN_LAST_BITS):
        return address, IPv4Address(int(address) & _LAST_32_BITS)
    return (address,)


def _reach(address: IPv4Address | IPv6Address) -> Reach:
    if any(address in network for network in _NEVER):
        return Reach.NEVER
    if any(address in network for network in _PRIVATE):
        return Reach.PRIVATE
    return Reach.PUBLIC
