"""Secrets that a user gave for the capture do not go into the archive."""

from __future__ import annotations

from collections.abc import Collection

SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
BLANKED = b"[blanked]"


def blank_secrets(request: bytes, names: Collection[str]) -> tuple[bytes, tuple[str, ...]]:
    """The request with the values of these headers (lower case) blanked, and the names that it concerned.

    >>> blank_secrets(b"GET / HTTP/1.1\\r\\nCookie: id=7\\r\\n\\r\\n", ["cookie"])
    (b'GET / HTTP/1.1\\r\\nCookie: [blanked]\\r\\n\\r\\n', ('Cookie',))
    """
    head, gap, body = request.partition(b"\r\n\r\n")
    lines, blanked = [], []
    for number, line in enumerate(head.split(b"\r\n")):
        name = line.partition(b":")[0]
        if number and name.strip().decode("latin-1").lower() in names:
            blanked.append(name.strip().decode("latin-1"))
            lines.append(name + b": " + BLANKED)
        else:
            lines.append(line)
    return b"\r\n".join(lines) + gap + body, tuple(blanked)
