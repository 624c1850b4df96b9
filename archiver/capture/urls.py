"""URLs as they go over the wire: path and query exactly as written, hosts in ASCII, no userinfo, no fragment.

No library that rebuilds URLs is used here: `%2C`, `*`, `;`, `//`, `..` and a doubled question mark reach the server as the
author wrote them. Only what cannot stand in a request line (spaces, controls, non-ASCII) is percent-encoded as UTF-8.
Hosts follow the URL standard (https://url.spec.whatwg.org/#host-parsing), so that every spelling of an address
(decimal, hexadecimal, octal, full-width digits) becomes that address before it is judged.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import idna

from archiver.capture.policy import Refusal
from archiver.model import Reason

_PORTS = {"http": 80, "https": 443}
_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(?:#.*)?", re.DOTALL)  # RFC 3986 appendix B
_HOST_FORBIDDEN = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")
_HOST_MAX = 254
_WRITTEN_MAX = 1000
"""Characters of a host before it is mapped, which drops some: to map and encode a longer one takes time that grows with its square."""
_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class Place:
    """An http(s) URL taken apart for one request."""

    scheme: str
    host: str
    """Lower case ASCII: a name, a dotted IPv4 address, or an IPv6 address without brackets."""
    port: int
    path: str
    """Path and query as they stand in the request line."""
    userinfo: str = ""
    """`user:password` as written, still percent-encoded; never part of `url`."""
    url: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", f"{self.scheme}://{self.authority}{self.path}")  # once: it is asked for at every step

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Place | Refusal:
    """Take an absolute URL apart. A Refusal says why it cannot be asked for at all."""
    match = _PARTS.fullmatch(url.strip())
    scheme, authority, path, query = match.groups() if match else (None, None, "", None)
    scheme = (scheme or "").lower()
    if scheme not in _PORTS:
        return Refusal(Reason.BLOCKED, f"{scheme or 'no scheme'}: only http and https are fetched")
    userinfo, _, hostport = (authority or "").rpartition("@")
    host, port = _split_port(hostport)
    ascii_host = host_ascii(host)
    if ascii_host is None or port is None:
        return Refusal(Reason.NETWORK_ERROR, f"not a usable address: {visible(hostport)}")
    return Place(scheme, ascii_host, port or _PORTS[scheme], wire_path((path or "/") + (query or "")), userinfo)


def follow(base: Place, location: bytes) -> Place | Refusal:
    """Where a `Location` header leads (RFC 9110 section 10.2.2), resolved as RFC 3986 section 5.2 says; userinfo is dropped.

    Bytes outside ASCII are taken as UTF-8 where they are that, and are sent on percent-encoded byte for byte otherwise.
    """
    text = "".join(chr(b) if 0x20 <= b < 0x7F else f"%{b:02X}" for b in location.strip(b" \t"))
    if not text:
        return Refusal(Reason.REDIRECT_ERROR, "redirect without a Location")
    place = parse(resolve(base, text))
    if isinstance(place, Refusal):
        return Refusal(Reason.REDIRECT_ERROR, f"redirect to {visible(_bare(text))} refused: {place.detail}")
    return Place(place.scheme, place.host, place.port, place.path)


def resolve(base: Place, reference: str) -> str:
    """RFC 3986 section 5.2.2; dot segments are removed from relative references only."""
    match = _PARTS.fullmatch(reference)
    scheme, authority, path, query = match.groups() if match else (None, None, "", None)
    if scheme and (authority is not None or scheme.lower() not in _PORTS):
        return reference
    if scheme:  # `https:path` and `https:/path`: browsers read both as an authority when the slashes are missing
        return f"{scheme}://{path.lstrip('/')}{query or ''}"
    if authority is not None:
        return f"{base.scheme}:{reference}"
    start = f"{base.scheme}://{base.authority}"
    base_path, _, base_query = base.path.partition("?")
    if not path:
        return start + base_path + (query if query is not None else f"?{base_query}" if base_query else "")
    merged = path if path.startswith("/") else base_path.rpartition("/")[0] + "/" + path
    return start + _without_dots(merged) + (query or "")


def wire_path(path: str) -> str:
    """Percent-encode exactly what cannot stand in a request line.

    >>> wire_path("/a b/%2C*;//../é?x=%41")
    '/a%20b/%2C*;//../%C3%A9?x=%41'
    """
    whole = path if path.startswith("/") else "/" + path
    return re.sub(r"[^!-~]", lambda m: "".join(f"%{b:02X}" for b in m[0].encode("utf-8", "surrogatepass")), whole)


@lru_cache(maxsize=4096)
def host_ascii(host: str) -> str | None:
    """The host as it is looked up: lower case, IDNA (UTS 46), addresses in their plain spelling; None when it is no host."""
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(host[1:-1])) if "%" not in host else None
        except ValueError:
            return None
    name = unquote_to_bytes(host).decode("utf-8", "replace") if "%" in host else host
    if not name.isascii():
        name = _idna(name) if len(name) <= _WRITTEN_MAX else ""
    name = name.lower()
    if not name or len(name) > _HOST_MAX or _HOST_FORBIDDEN.search(name):
        return None
    labels = name.removesuffix(".").split(".")
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        return _ipv4(labels)
    return name if all(len(label) <= 63 for label in labels) and all(labels) else None


def visible(text: str) -> str:
    """Text from outside as it may stand in a message: no controls, not endless."""
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text[: _SHOWN_MAX + 1])
    return clean if len(clean) <= _SHOWN_MAX else clean[:_SHOWN_MAX] + "…"


def _bare(url: str) -> str:
    """For showing: without what may be userinfo, also where slashes are missing, which browsers forgive."""
    return re.sub(r"^((?:[A-Za-z][A-Za-z0-9+.\-]*:)?[/\\]*)[^/\\?#]*@", r"\1", url)


def _idna(name: str) -> str:
    try:
        mapped = idna.uts46_remap(name, std3_rules=False)
    except idna.IDNAError:
        mapped = unicodedata.normalize("NFKC", name).lower()
    if len(mapped) > _HOST_MAX:  # it grows when it is encoded
        return ""
    mapped = re.sub("[\u3002\uff0e\uff61]", ".", mapped)
    return ".".join(_label(label) for label in mapped.split("."))


def _label(label: str) -> str:
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return "xn--" + label.encode("punycode", "replace").decode("ascii")  # what IDNA 2008 forbids is still looked up by browsers


def _ipv4(labels: list[str]) -> str | None:
    """https://url.spec.whatwg.org/#concept-ipv4-parser: 127.1, 0x7f.1, 017700000001 and 2130706433 are all 127.0.0.1."""
    if not 1 <= len(labels) <= 4:
        return None
    try:
        numbers = [_ipv4_number(label) for label in labels]
    except ValueError:
        return None
    *high, last = numbers
    if any(n > 255 for n in high) or last >= 256 ** (5 - len(numbers)):
        return None
    return str(ipaddress.IPv4Address(sum(n << 8 * (3 - i) for i, n in enumerate(high)) + last))


def _ipv4_number(label: str) -> int:
    if len(label) > 64:
        raise ValueError(label)
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if len(label) > 1 and label.startswith("0") else 10)


def _split_port(hostport: str) -> tuple[str, int | None]:
    """Host and port; port 0 when none is written, None when it is no port."""
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{0,5}))?", hostport)
    if match is None:
        return hostport, None
    digits = match[2]
    port = int(digits) if digits else 0
    return match[1], port if port <= 65535 and not (digits and port == 0) else None


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, leaving empty segments alone."""
    out: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "..":
            out = out[:-1]
        elif segment != ".":
            out.append(segment)
            continue
        if last:
            out.append("")
    return "/" + "/".join(out)
