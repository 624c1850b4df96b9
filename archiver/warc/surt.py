"""The sort-friendly key of a URL, as the wayback family builds it for its indexes: host reversed, case and session ids gone.

The rules are facts of the index format (CDXJ: "searchable URI"); two tools that disagree on them cannot read each other's index.
The key is lossy on purpose: it is for looking up, never for telling two URLs apart.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

DEFAULT_PORTS = {"http": 80, "https": 443}

_PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("#", "").replace("%", "")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_REPEATED_SCHEME = re.compile(r"(?:https?://)*(https?://)")
_PARTS = re.compile(r"(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?")
_HOST_MAX = 1000
_WWW = re.compile(r"www\d*\.")
_PATH_SESSION = re.compile(r"(.*/)(?:(?:\([a-z]\([0-9a-z]{24}\)\)|\((?:[a-z]\([0-9a-z]{24}\))+\)|\([0-9a-z]{24}\))/)([^?]+\.aspx.*)", re.I)
_QUERY_SESSIONS = tuple(
    re.compile(rf"(.*){session}(?:&(.*))?", re.I)
    for session in (
        "jsessionid=[0-9a-z]{32}",
        "phpsessid=[0-9a-z]{32}",
        "sid=[0-9a-z]{32}",
        "aspsessionid[a-z]{8}=[a-z]{24}",
        "cfid=[^&]+&cftoken=[^&]+",
    )
)


def surt(url: str) -> str:
    """The index key of a URL; the URL itself where it cannot be taken apart.

    >>> surt("https://www.Example.org:443/A//b/?z=1&a=%2C")
    'org,example)/a/b?a=,&z=1'
    """
    text = re.sub(r"[\n\r\t]", "", url.strip())
    if not text:
        return "-"
    text = text if _SCHEME.match(text) else f"http://{text}"
    text = _REPEATED_SCHEME.sub(r"\1", text, count=1) if text.startswith("http") else text
    scheme, _, rest = text.partition(":")
    match = _PARTS.match(rest)
    assert match is not None
    authority, path, query = match[1] or "", match[2], match[3] or ""
    if scheme.startswith("http") and not authority:
        authority, _, path = path.lstrip("/").partition("/")
        path = f"/{path}"
    try:
        host = _host(authority, scheme) if authority else ""
    except ValueError:
        return url
    key = f"{host})" if host else f"{scheme}:"
    return key + _path(path, bool(host)) + (f"?{_query(query)}" if query else "")


def _host(authority: str, scheme: str) -> str:
    """Raises ValueError when the port is no number, or the host none that can be encoded."""
    name, colon, port = authority.rpartition("@")[2].rstrip(":").partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        raise ValueError(port)
    host = _unescape(name).decode("utf-8", "ignore").replace("..", ".").strip(".").lower()
    if not host.isascii():
        if len(host) > _HOST_MAX:  # to encode a longer one takes time that grows with its square
            raise ValueError(host[:_HOST_MAX])
        host = host.encode("idna").decode("ascii")
    if host.isdigit():
        host = str(ipaddress.IPv4Address(int(host) & 0xFFFFFFFF))
    host = _escape(host.encode("ascii"))
    host = _WWW.sub("", host, count=1) if _WWW.match(host) else host
    shown_port = f":{int(port)}" if port and int(port) != DEFAULT_PORTS.get(scheme.lower(), 0) else ""
    return ",".join(reversed(host.split("."))) + shown_port


def _path(path: str, has_host: bool) -> str:
    plain = _unescape(path)
    if has_host:
        plain = _normal(plain)
    text = _escape(plain).lower()
    session = _PATH_SESSION.fullmatch(text)
    text = session[1] + session[2] if session else text
    return text[:-1] if len(text) > 1 and text.endswith("/") else text


def _normal(path: bytes) -> bytes:
    """Dot segments and empty segments taken out (RFC 3986 section 5.2.4, and the habit of the indexes)."""
    kept: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment == b".." and kept:
            kept.pop()
        elif segment != b".":
            kept.append(segment)
    if not kept:
        return b"/"
    return b"/" + b"".join(segment + b"/" for segment in kept[:-1] if segment) + kept[-1]


def _query(query: str) -> str:
    text = _escape(_unescape(query))
    for pattern in _QUERY_SESSIONS:
        match = pattern.fullmatch(text)
        text = match[1] + (match[2] or "") if match else text
    pairs = [tuple(part.split("=", 1)) for part in text.lower().split("&")]
    return "&".join("=".join(pair) for pair in sorted(pairs))


def _unescape(text: str) -> bytes:
    raw = text.encode("utf-8")
    while (plain := unquote_to_bytes(raw)) != raw:
        raw = plain
    return raw


def _escape(raw: bytes) -> str:
    return quote_from_bytes(raw, safe=_PRINTABLE)
