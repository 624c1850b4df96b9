"""Secrets that a user gave for the capture do not go into the archive."""

from __future__ import annotations

import re
from collections.abc import Collection

_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")

SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
BLANKED = b"[blanked]"


def blank_secrets(request: bytes, names: Collection[str]) -> tuple[bytes, tuple[str, ...]]:
    """The request with the values of these headers (lower case) blanked, and the names of all whose values are: whoever made the request
    may have blanked more.

    >>> blank_secrets(b"GET / HTTP/1.1\\r\\nCookie: id=7\\r\\n\\r\\n", ["cookie"])
    (b'GET / HTTP/1.1\\r\\nCookie: [blanked]\\r\\n\\r\\n', ('Cookie',))
    """
    head, gap, body = request.partition(b"\r\n\r\n")
    lines, blanked = [], []
    for number, line in enumerate(head.split(b"\r\n")):
        name, _, value = line.partition(b":")
        if number and value.strip() == BLANKED:
            blanked.append(name.strip().decode("latin-1"))
            lines.append(line)
        elif number and name.strip().decode("latin-1").lower() in names:
            blanked.append(name.strip().decode("latin-1"))
            lines.append(name + b": " + BLANKED)
        else:
            lines.append(line)
    return b"\r\n".join(lines) + gap + body, tuple(blanked)


def without_userinfo(url: str) -> str:
    """The URL without `user:password@`, as it goes over the wire (RFC 9110 section 4.2.4).

    >>> without_userinfo("https://me:secret@host.example/a@b")
    'https://host.example/a@b'
    """
    return _USERINFO.sub(r"\1", url)
