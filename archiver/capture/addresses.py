"""Which addresses may be connected to.

Links are written by strangers, so an address inside our own network is never opened unless the user names its range.
The table follows the IANA special-purpose registries (RFC 6890); what is not listed must still be globally reachable.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from archiver.errors import UsageError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TABLE = (
    ("0.0.0.0/8", "this host (RFC 791)"),
    ("10.0.0.0/8", "private (RFC 1918)"),
    ("100.64.0.0/10", "shared, carrier-grade NAT (RFC 6598)"),
    ("127.0.0.0/8", "loopback (RFC 1122)"),
    ("168.63.129.16/32", "cloud metadata (Azure)"),
    ("169.254.169.254/32", "cloud metadata (link-local, RFC 3927)"),
    ("169.254.0.0/16", "link-local (RFC 3927)"),
    ("172.16.0.0/12", "private (RFC 1918)"),
    ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
    ("192.0.2.0/24", "documentation (RFC 5737)"),
    ("192.88.99.0/24", "6to4 relay (RFC 7526)"),
    ("192.168.0.0/16", "private (RFC 1918)"),
    ("198.18.0.0/15", "benchmarking (RFC 2544)"),
    ("198.51.100.0/24", "documentation (RFC 5737)"),
    ("203.0.113.0/24", "documentation (RFC 5737)"),
    ("224.0.0.0/4", "multicast (RFC 5771)"),
    ("255.255.255.255/32", "broadcast (RFC 919)"),
    ("240.0.0.0/4", "reserved (RFC 1112)"),
    ("::/128", "unspecified (RFC 4291)"),
    ("::1/128", "loopback (RFC 4291)"),
    ("::ffff:0:0/96", "IPv4-mapped (RFC 4291)"),
    ("::/96", "IPv4-compatible (RFC 4291)"),
    ("64:ff9b:1::/48", "local NAT64 (RFC 8215)"),
    ("100::/64", "discard (RFC 6666)"),
    ("2001::/32", "Teredo (RFC 4380)"),
    ("2001:db8::/32", "documentation (RFC 3849)"),
    ("3fff::/20", "documentation (RFC 9637)"),
    ("2002::/16", "6to4 (RFC 3056)"),
    ("fd00:ec2::254/128", "cloud metadata (AWS)"),
    ("fc00::/7", "unique local (RFC 4193)"),
    ("fe80::/10", "link-local (RFC 4291)"),
    ("fec0::/10", "site-local (RFC 3879)"),
    ("ff00::/8", "multicast (RFC 4291)"),
)
_FORBIDDEN: tuple[tuple[Network, str], ...] = tuple((ipaddress.ip_network(net), why) for net, why in _TABLE)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # the only part of IPv6 that IANA has opened
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: on an IPv6-only network the way to the IPv4 internet


def ranges(specs: Iterable[str]) -> tuple[Network, ...]:
    """CIDR ranges or single addresses. Raises UsageError for anything else."""
    out: list[Network] = []
    for spec in specs:
        try:
            out.append(ipaddress.ip_network(spec.strip().strip("[]"), strict=False))
        except ValueError:
            raise UsageError(f"not an address range: {spec!r} (write 192.0.2.0/24 or 2001:db8::/32)") from None
    return tuple(out)


def forbidden(address: str, allowed: tuple[Network, ...] = ()) -> str:
    """Why `address` (in its plain spelling) may not be connected to, or the empty string.

    >>> forbidden("127.0.0.1")
    'loopback (RFC 1122)'
    >>> forbidden("64:ff9b::a00:1")
    'NAT64 of 10.0.0.1, private (RFC 1918)'
    """
    ip = literal(address)
    if ip is None:
        return "not an IP address"
    if any(ip in network for network in allowed):
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip in _NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        why = _reserved(inner)
        return f"NAT64 of {inner}, {why}" if why else ""
    return _reserved(ip)


def literal(host: str) -> IPAddress | None:
    """The address a plain literal names (brackets and zone ignored), or None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _reserved(ip: IPAddress) -> str:
    for network, why in _FORBIDDEN:
        if ip in network:
            return why
    outside = isinstance(ip, ipaddress.IPv6Address) and ip not in _GLOBAL_UNICAST
    if outside or not ip.is_global or ip.is_multicast:
        return "not globally reachable (IANA special-purpose registry)"
    return ""
