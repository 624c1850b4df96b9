"""Is a URL the address of a copy that somebody scaled on the way, told from its spelling alone?

The patterns are the documented URL forms of the services named beside them.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

_HOSTS = re.compile(
    r"""^(?:
      i[0-9]\.wp\.com                        # Jetpack Photon
    | .*\.pinimg\.com                        # Pinterest: every size is re-encoded
    | i\d?\.ytimg\.com | img\.youtube\.com   # video stills
    | (?:images\.)?weserv\.nl | wsrv\.nl
    | encrypted-tbn\d\.gstatic\.com | tse\d+\.mm\.bing\.net | external-content\.duckduckgo\.com   # search previews
    | external.*\.fbcdn\.net
    | .*\.imageresizer\.io | images\d*-focus-opensocial\.googleusercontent\.com
    )$""",
    re.VERBOSE | re.IGNORECASE,
)

_PATHS = re.compile(
    r"""
      /thumbs?/ | /thumbnails?/ | /\d+px-                         # MediaWiki and galleries
    | -\d{2,4}x\d{2,4}\.\w{3,4}$                                  # WordPress sizes
    | [_/](?:c|w|h|q)_[\w:.]+(?:,[a-z]+_[\w:.]+)*/                # Cloudinary, Wix
    | /cdn-cgi/image/ | /_next/image | /_vercel/image
    | /(?:max|fit|resize)[:/](?:[a-z]+:)?\d{2,4}(?:/|:)           # Medium
    | /[sw]\d{2,4}(?:-[a-z0-9-]+)?/ | =[swh]\d{2,4}(?:-[a-z0-9-]+)?$   # Blogger, Google
    | \._(?:S[XYLS]|U[XYLS]|A[CA])[\w,]*_\.                       # Amazon
    | _\d{2,4}x(?:\d{2,4})?(?:_crop_\w+)?\.\w{3,4}$               # Shopify
    """,
    re.VERBOSE,
)

_SIZE_KEYS = frozenset(
    {"w", "h", "width", "height", "resize", "fit", "size", "crop", "rect", "maxwidth", "maxheight", "imwidth", "sz", "wid"}
)


def is_resized(url: str) -> bool:
    """True when the address names a scaled or re-encoded copy rather than the file itself.

    >>> is_resized("https://i0.wp.com/site.org/a.jpg?resize=300%2C200"), is_resized("https://site.org/a.jpg")
    (True, False)
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if _HOSTS.match(parts.hostname or "") or _PATHS.search(parts.path):
        return True
    return any(key.lower() in _SIZE_KEYS and any(c.isdigit() for c in value) for key, value in parse_qsl(parts.query))
