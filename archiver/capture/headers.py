"""What is said in a request, and what of it the archive may show.

Rule 1: the headers of every hop are built anew from its own URL; nothing is carried over from the hop before.
Rule 2: headers given for all requests go to the origin of the target only, never to where it redirects; headers given for a host go
        to that host, and outrank them.
Rule 3: cookies and passwords go to the hosts that their files name; there is no cookie jar, and there is never a Referer.
Rule 4: a secret is blanked before a request reaches the archive, and so is the userinfo of a `Location`, which is the only thing
        that is ever changed in a response.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

import archiver
from archiver.capture.cookies import Cookie, cookie_header
from archiver.capture.hosts import by_host
from archiver.capture.passwords import Password
from archiver.capture.urls import Place
from archiver.errors import UsageError
from archiver.model import FetchSettings

ACCEPT = "image/*,*/*;q=0.8"
"""Asks for originals: several proxies transcode to WebP or AVIF as soon as they are named."""
BLANK = b"[blanked]"
_PLAIN = frozenset({b"accept", b"accept-encoding", b"accept-language", b"user-agent", b"referer", b"range"})
"""Headers that say what was asked for, not who asked; an archive must show them."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_LOCATION = re.compile(
    rb"^location[ \t]*:(?:[\x00-\x09\x0b\x0c\x0e-\x20]|\r?\n[ \t])*"  # obsolete folding too (RFC 9112 section 5.2)
    rb"(?:https?:[/\\]*|[a-z][a-z0-9+.\-]*://|//)((?:[^/\\?#\r\n]|\r?\n[ \t])*)@",
    re.IGNORECASE | re.MULTILINE,
)
_SECRET_NAME = re.compile(rb"authori[sz]ation|cookie|token|secret|password|session|api-?key|auth", re.IGNORECASE)
_OWN_FRAMING = frozenset({"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "expect"})


class Speech:
    """Builds the headers of each request."""

    def __init__(self, settings: FetchSettings, cookies: tuple[Cookie, ...], passwords: tuple[Password, ...]) -> None:
        """Raises UsageError for a header that cannot be sent."""
        for name, value in [*settings.headers, *(pair for pairs in settings.host_headers.values() for pair in pairs)]:
            check_header(name, value)
        self._user_agent = user_agent(settings)
        check_header("User-Agent", self._user_agent)
        self._settings = settings
        self._cookies = cookies
        self._passwords = {password.host: password for password in passwords}
        self._host_headers = by_host(settings.host_headers)

    def headers(self, place: Place, first: Place, *, accept: str, now_s: float) -> list[tuple[str, str]]:
        """Header fields (without Host) for a request to `place` on the way from the target `first`; `now_s` is Unix time."""
        fields = {"User-Agent": self._user_agent, "Accept": accept, "Accept-Encoding": "gzip"}
        own = place.origin == first.origin
        for_host = self._host_headers.get(place.host, ())
        named = {name.lower() for name, _ in for_host}
        extra = [*((name, value) for name, value in (self._settings.headers if own else ()) if name.lower() not in named), *for_host]
        login = self._login(place, first if own else None)
        if login:
            fields["Authorization"] = login
        cookies = cookie_header(self._cookies, place.scheme, place.host, place.path, now_s)
        if cookies:
            fields["Cookie"] = cookies
        return _merged(fields, extra)

    def _login(self, place: Place, first: Place | None) -> str:
        """RFC 7617, from the target's own URL or from .netrc."""
        if first is not None and first.userinfo:
            user, _, word = first.userinfo.partition(":")
            return _basic(unquote_to_bytes(user), unquote_to_bytes(word))
        found = self._passwords.get(place.host)
        return _basic(found.user.encode(), found.word.encode()) if found else ""


def user_agent(settings: FetchSettings) -> str:
    """The program's own honest name, with an address to complain to when one is given."""
    contact = f" (+{settings.contact_url})" if settings.contact_url else ""
    return settings.user_agent or f"archiver/{archiver.__version__}{contact}"


def check_header(name: str, value: str) -> None:
    """Raises UsageError when the field cannot be sent or is ours to set (RFC 9110 section 5)."""
    if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise UsageError(f"not a usable header: {name!r}")
    if name.lower() in _OWN_FRAMING:
        raise UsageError(f"the header {name} belongs to the connection and cannot be set")


def blanked(request: bytes, settings: FetchSettings) -> bytes:
    """The request head with secret values replaced.

    Secret are log-ins, cookies, what is named like a key, and every header that the user gave; nothing is with `keep_secrets`.

    >>> blanked(b"GET / HTTP/1.1\\r\\nHost: h\\r\\nCookie: a=b\\r\\n\\r\\n", FetchSettings())
    b'GET / HTTP/1.1\\r\\nHost: h\\r\\nCookie: [blanked]\\r\\n\\r\\n'
    """
    if settings.keep_secrets:
        return request
    given = {name.lower().encode() for rows in (settings.headers, *settings.host_headers.values()) for name, _ in rows} - _PLAIN
    lines = request.split(b"\r\n")
    for index, line in enumerate(lines[1:], 1):
        name, colon, _ = line.partition(b":")
        if colon and (_SECRET_NAME.search(name) or name.strip().lower() in given):
            lines[index] = name + b": " + BLANK
    return b"\r\n".join(lines)


def without_userinfo(head: bytes) -> bytes:
    """The response head with an `x` for each byte of userinfo in a `Location`, so that every length in it stays right.

    >>> without_userinfo(b"HTTP/1.1 302 Found\\r\\nLocation: http://me:word@h.example/a@b\\r\\n\\r\\n")
    b'HTTP/1.1 302 Found\\r\\nLocation: http://xxxxxxx@h.example/a@b\\r\\n\\r\\n'
    """
    blanks = bytearray(head)
    for match in _LOCATION.finditer(head):
        start, end = match.span(1)
        blanks[start:end] = re.sub(rb"[^\r\n\t ]", b"x", head[start:end])
    return bytes(blanks)


def _basic(user: bytes, word: bytes) -> str:
    return "Basic " + b64encode(user + b":" + word).decode("ascii")


def _merged(fields: dict[str, str], extra: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Extra fields replace ours of the same name; an empty value takes the field away, as with curl."""
    given = list(extra)
    names = {name.lower() for name, _ in given}
    kept = [(name, value) for name, value in fields.items() if name.lower() not in names]
    return kept + [(name, value) for name, value in given if value]
