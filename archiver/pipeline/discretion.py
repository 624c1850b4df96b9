"""Log-ins that an author wrote into addresses (`https://name:word@host/`) are used for fetching and kept nowhere."""

from __future__ import annotations

import re
from dataclasses import replace

from archiver.model import Captured, Hop, Missed, Outcome, Post, Target

_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}:(?:\\?/){2})[^/\\\s?#\"'<>()@]*(?:@[^/\\\s?#\"'<>()@]*)*@")
_USERINFO_BYTES = re.compile(_USERINFO.pattern.encode(), re.IGNORECASE)


def bare(text: str) -> str:
    """The text without the userinfo (RFC 3986 section 3.2.1) of the addresses in it, also those that are not fetched (`ftp:`).

    >>> bare("see https://me:word@a.example/x.png and https://b.example/@me")
    'see https://a.example/x.png and https://b.example/@me'
    """
    return _USERINFO.sub(r"\1", text)


def post(found: Post) -> Post:
    """The post as it may be kept."""
    return replace(found, source=bare(found.source), url=bare(found.url), text=bare(found.text), raw=_USERINFO_BYTES.sub(rb"\1", found.raw))


def outcome(found: Outcome) -> Outcome:
    """The outcome as it may be kept."""
    kept, hops = target(found.target), tuple(_hop(hop) for hop in found.hops)
    match found:
        case Captured():
            return replace(found, target=kept, hops=hops)
        case Missed():
            return replace(found, target=kept, hops=hops, detail=bare(found.detail))


def target(found: Target) -> Target:
    """The target as it may be kept."""
    if bare(found.url) == found.url:
        return found
    return Target(bare(found.url), tuple(replace(link, url=bare(link.url)) for link in found.links))


def _hop(found: Hop) -> Hop:
    return found if bare(found.url) == found.url else replace(found, url=bare(found.url))
