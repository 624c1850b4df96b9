"""A feed or sitemap stands for the posts it lists. It is read, not archived: the posts are."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from archiver.errors import NothingFetched
from archiver.model import Missed, Target
from archiver.pipeline import capturing, document, surveying
from archiver.pipeline.discretion import bare
from archiver.pipeline.means import Means
from archiver.pipeline.settings import Settings
from archiver.post.feed import feed
from archiver.warc import reader
from archiver.warc.writer import WarcWriter

LIKELY = re.compile(r"(?:/(?:feed|rss|atom)/?|\.(?:rss|atom|xml)|/feed\.json|sitemap[^/]*\.xml(?:\.gz)?)$", re.IGNORECASE)
"""Paths that feeds and sitemaps have; any other address is taken for a post."""


def looks_like_feed(source: str) -> bool:
    """Whether the address of a source is one that feeds have.

    >>> looks_like_feed("https://example.org/blog/feed/"), looks_like_feed("https://example.org/blog/chairs/")
    (True, False)
    """
    return document.is_url(source) and bool(LIKELY.search(urlsplit(source).path))


def posts_of(url: str, settings: Settings, means: Means) -> tuple[str, ...] | None:
    """The posts that a feed or sitemap lists, in its order; None when it is none. Raises NothingFetched."""
    page = fetch(url, settings, means)
    return feed(page.raw, page.url)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One payload that was fetched for reading only."""

    raw: bytes
    url: str
    """The address it came from at last."""
    content_type: str


def fetch(url: str, settings: Settings, means: Means) -> Fetched:
    """Raises NothingFetched."""
    with tempfile.TemporaryDirectory(prefix="archiver-fetch-") as at:
        folder = Path(at)
        writer = WarcWriter(folder, "fetch", surveying.warcinfo(url, settings), now=means.now, new_id=means.new_id)
        outcome = capturing.alone(lambda client: capturing.Capture(client, writer).one(Target(url, ())), settings.fetch, means)
        writer.close()
        if isinstance(outcome, Missed):
            raise NothingFetched(f"{bare(url)} could not be fetched: {outcome.detail}")
        last = outcome.hops[-1]
        return Fetched(reader.payload(folder, outcome.payload_ref), last.url, last.content_type)
