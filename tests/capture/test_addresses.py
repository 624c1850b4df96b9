from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.addresses import forbidden, literal, ranges
from archiver.errors import UsageError

REFUSED = {
    "0.0.0.0": "this host",
    "0.1.2.3": "this host",
    "10.0.0.1": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "metadata",
    "169.254.169.254": "metadata",
    "169.254.1.1": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "protocol assignments",
    "192.0.2.1": "documentation",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "64:ff9b::7f00:1": "NAT64 of 127.0.0.1, loopback",
    "64:ff9b::a9fe:a9fe": "NAT64 of 169.254.169.254, cloud metadata",
    "64:ff9b:1::1": "NAT64",
    "2001:0:7f00:1::": "Teredo",
    "2002:7f00:1::1": "6to4",
    "2001:db8::1": "documentation",
    "fc00::1": "unique local",
    "fd00:ec2::254": "metadata",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "4000::1": "not globally reachable",
}


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_that_are_not_the_public_internet_are_refused_with_the_reason(address: str) -> None:
    assert REFUSED[address] in forbidden(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_public_addresses_are_not_refused(address: str) -> None:
    assert forbidden(address) == ""


def test_an_opened_range_opens_exactly_itself() -> None:
    allowed = ranges(["127.0.0.0/8", "fd00:1::/32"])
    assert forbidden("127.0.0.1", allowed) == ""
    assert forbidden("fd00:1::5", allowed) == ""
    for address in ("10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00:2::1", "126.0.0.1.1"):
        assert forbidden(address, allowed)


@pytest.mark.parametrize("spec", ["", "lan", "10.0.0.0/99", "10.0.0"])
def test_a_range_that_is_none_ends_with_a_clear_word(spec: str) -> None:
    with pytest.raises(UsageError, match="not an address range"):
        ranges([spec])


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_refused_wherever_the_standard_library_calls_it_private(address: ipaddress.IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        assert forbidden(str(address))


@given(st.ip_addresses(v=6))
def test_outside_2000_3_and_nat64_no_ipv6_address_is_open(address: ipaddress.IPv6Address) -> None:
    if address not in ipaddress.ip_network("2000::/3") and address not in ipaddress.ip_network("64:ff9b::/96"):
        assert forbidden(str(address))


def test_only_plain_literals_are_addresses() -> None:
    assert literal("example.com") is None
    assert literal("[::1]") == ipaddress.ip_address("::1")
    assert forbidden("example.com") == "not an IP address"
