"""Which addresses are never connected to, and which only where private ones are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.addresses import Reach, reach_of

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

NEVER = """
169.254.0.0 169.254.169.254 169.254.255.255 100.100.100.200 168.63.129.16 192.0.0.192
fe80:: fe80::1 febf:ffff::1 fe80::1%eth0 fd00:ec2::254
::ffff:169.254.169.254 ::ffff:100.100.100.200 64:ff9b::169.254.169.254 64:ff9b::a83f:8110
64:ff9b:1::169.254.169.254 ::169.254.169.254 2002:a9fe:a9fe::1
"""
PRIVATE = """
0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 172.16.0.1 172.31.255.255 192.0.0.8 192.168.1.1 198.18.0.1
224.0.0.1 255.255.255.255 :: ::1 fc00::1 fdff::1 fd00:ec2::253 fec0::1 ff02::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::127.0.0.1 2002:7f00:1:: 64:ff9b:1::8.8.8.8
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 168.63.129.17 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 223.255.255.255
2606:4700::1111 fe00::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1
"""


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        (address, reach)
        for reach, listed in ((Reach.NEVER, NEVER), (Reach.PRIVATE, PRIVATE), (Reach.PUBLIC, PUBLIC))
        for address in listed.split()
    ],
)
def test_an_address_leads_where_the_table_says(address: str, reach: Reach) -> None:
    assert reach_of(address) is reach


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_no_milder_than_bare(inner: IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::", "::"):
        assert reach_of(f"{prefix}{inner}") >= reach_of(str(inner))


@given(st.ip_addresses(v=6))
def test_every_ipv6_address_is_judged(address: IPv6Address) -> None:
    assert reach_of(str(address)) in Reach


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="localhost"):
        reach_of("localhost")
