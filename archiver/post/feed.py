"""A feed or sitemap -> the addresses of its posts.

RSS 0.9-2.0, Atom (RFC 4287), sitemaps (sitemaps.org protocol) and JSON Feed. The XML is read as a stream that refuses entity
declarations, so a few lines cannot expand into gigabytes and nothing outside the document is asked for.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.parsers import expat

from archiver.post import urls

MAX_BYTES = 64 * 1024 * 1024
_ROOTS = frozenset(("rss", "feed", "RDF", "urlset", "sitemapindex"))
_ENTRIES = frozenset(("item", "entry", "url", "sitemap"))
_STRAY_ENTITY = re.compile(rb"(<!\[CDATA\[.*?(?:\]\]>|\Z))|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)", re.DOTALL)


class _Bomb(Exception):
    """The document declares entities."""


class _NotAFeed(Exception):
    """The root element is another."""


def feed(raw: bytes, url: str) -> tuple[str, ...] | None:
    """The posts listed at `url`, absolute, in the order of the feed, each once; None when `raw` is no feed.

    A sitemap index lists further sitemaps: their addresses are returned, each to be read in the same way. From a document that
    breaks off, what was read up to there.
    """
    if len(raw) > MAX_BYTES:
        return None
    head = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{"):
        found = _json_feed(raw)
    elif head.startswith(b"<") or raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        found = _xml_feed(raw)
    else:
        return None
    if found is None:
        return None
    addresses = (urls.resolve(written, url) for written in found)
    return tuple(dict.fromkeys(address.url for address in addresses if address and address.kind == "web"))


def _json_feed(raw: bytes) -> list[str] | None:
    try:
        data: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not str(data.get("version", "")).startswith("https://jsonfeed.org/version/"):
        return None
    items = data.get("items")
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [link for item in rows if isinstance(link := item.get("url") or item.get("external_url"), str)]


def _xml_feed(raw: bytes) -> list[str] | None:
    reading = _Reading()
    try:
        if reading.take(raw):
            return reading.found
        # Names that only HTML knows (`&nbsp;`) are common in feeds written by hand.
        again = _Reading()
        again.take(_STRAY_ENTITY.sub(lambda stray: stray[1] or b"&amp;", raw))
    except (_Bomb, _NotAFeed):
        return None
    best = max(reading, again, key=lambda one: len(one.found))
    return best.found if best.root else None


class _Reading:
    """One pass over the XML: for each entry its best address."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.root = ""
        self._entry = ""
        self._best: tuple[int, str] = (9, "")
        """(rank, address) of the entry being read; the lowest rank wins."""
        self._text: list[str] | None = None
        self._permanent = True

    def take(self, raw: bytes) -> bool:
        """Whether the document is well-formed to its end."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse
        parser.buffer_text = True
        try:
            parser.Parse(raw, True)
        except (expat.ExpatError, LookupError, ValueError):
            return False
        return True

    def _refuse(self, *_: object) -> None:
        raise _Bomb

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(" ")[2]
        if not self.root:
            if name not in _ROOTS:
                raise _NotAFeed
            self.root = name
        elif name in _ENTRIES and not self._entry:
            self._entry, self._best = name, (9, "")
        elif self._entry:
            self._inside(name, attributes)

    def _inside(self, name: str, attributes: dict[str, str]) -> None:
        if name == "link" and attributes.get("href"):
            relation = attributes.get("rel", "alternate")
            rank = {"alternate": 0, "self": 4}.get(relation)
            page = attributes.get("type", "text/html") in ("text/html", "application/xhtml+xml")
            if rank is not None:
                self._offer(rank if page else rank + 2, attributes["href"])
        elif name in ("link", "loc", "guid"):
            self._text = []
            self._permanent = attributes.get("isPermaLink", "true").lower() != "false"

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, qualified: str) -> None:
        name = qualified.rpartition(" ")[2]
        if self._text is not None and name in ("link", "loc", "guid"):
            text, self._text = "".join(self._text).strip(), None
            if name != "guid" or (self._permanent and urls.is_web(text)):
                self._offer(1 if name == "guid" else 0, text)
        elif name == self._entry:
            if self._best[1]:
                self.found.append(self._best[1])
            self._entry = ""

    def _offer(self, rank: int, address: str) -> None:
        # Image sitemaps nest `image:loc` in an entry: the first `loc` is the page's own.
        if address and rank < self._best[0]:
            self._best = (rank, address)
