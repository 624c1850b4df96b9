"""Addresses of strangers as links."""

from __future__ import annotations

import re

_WEB = re.compile(r"https?://[^\x00-\x20\x7f<>\"\\]+", re.IGNORECASE)


def href(url: str) -> str:
    """The URL when it is one a reader may follow (http or https, no control characters or blanks), else empty.

    >>> href("https://example.com/a%2Cb"), href("javascript:alert(1)"), href(" https://example.com")
    ('https://example.com/a%2Cb', '', '')
    """
    return url if _WEB.fullmatch(url) else ""
