"""What an author wrote as an address -> an absolute URL, or why not. Nothing absolute is ever re-quoted or normalised.

The rules of RFC 3986 section 5 for relative references, with what the WHATWG URL standard adds for browsers: white space around an
address and line breaks inside it are dropped, `\\` counts as `/` in a relative reference.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote, urljoin, urlsplit

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PLAIN_WEB = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*+(?::\d{1,5})?(?:[/?][^\s#]*+)?")
"""What nearly all absolute addresses are: nothing to take away and a host for certain."""
_PLAIN_PATH = re.compile(r"[\w%~-][\w%~.-]*+(?:/[\w%~-][\w%~.-]*+)*+")
"""What most relative addresses are: parts that no rule of section 5.2.4 takes away."""
_BREAKS = str.maketrans("", "", "\t\r\n")
_PICTURE_PATH = re.compile(r"\.(?:jpe?g|jpe|jfif|pjpeg|png|apng|gif|webp|avif|heic|heif|jxl|jp2|bmp|tiff?|svgz?|ico)$", re.IGNORECASE)
_PAGE_PATHS = (
    re.compile(r"/(?:wiki/|w/index\.php/)?[^/]*(?:File|Image|Datei|Fichier|Archivo|Bestand|Plik):[^/]*$"),
    re.compile(r"^/[^/]+/[^/]+/blob/"),
)
"""Pages about a picture whose address ends like a picture: MediaWiki description pages, a forge's file view."""

Kind = Literal["web", "data", "local", "unsupported"]


@dataclass(frozen=True, slots=True)
class Address:
    """An address after resolution."""

    kind: Kind
    url: str
    """`web`: the absolute URL without fragment; `data`: the whole data URL; else as written."""


def resolve(written: str, base: str) -> Address | None:
    """None when nothing is pointed at (empty, only a fragment).

    `base` is an absolute http(s) URL, or empty: then a relative reference is `local`.

    >>> resolve("../a%2Cb.jpg#top", "https://x.org/blog/post/")
    Address(kind='web', url='https://x.org/blog/a%2Cb.jpg')
    """
    if _PLAIN_WEB.fullmatch(written):
        return Address("web", written)
    if base and _PLAIN_PATH.fullmatch(written) and (folder := _folder(base)):
        return Address("web", folder + written)
    url = written.strip(" \t\r\n\f").translate(_BREAKS)
    if not url or url.startswith("#"):
        return None
    scheme = _SCHEME.match(url)
    name = scheme[1].lower() if scheme else ""
    if name == "data":
        return Address("data", url)
    url = url.partition("#")[0]
    if name in ("http", "https"):
        return Address("web" if _has_host(url) else "unsupported", url)
    if name == "file":
        return Address("local", url)
    if name:
        return Address("unsupported", url)
    return _relative(url, base)


@lru_cache(maxsize=16)
def _folder(base: str) -> str:
    """What stands before a relative path without dots; empty when `base` is none that `_relative` would take."""
    address = _relative("x", base)
    return address.url[:-1] if address.kind == "web" else ""


def _relative(url: str, base: str) -> Address:
    head, mark, query = url.partition("?")
    url = head.replace("\\", "/") + mark + query
    if url.startswith("//"):
        full = (base.partition(":")[0] if base else "https") + ":" + url
        return Address("web" if _has_host(full) else "unsupported", full)
    if "{" in url[:1] or "${" in url:  # an unfilled template
        return Address("unsupported", url)
    if not base:
        return Address("local", url)
    try:
        full = urljoin(base, url)
    except ValueError:
        return Address("unsupported", url)
    if mark and not query:  # section 5.2.2: an empty query is one; the library drops it
        full = full.partition("?")[0] + "?"
    return Address("web" if _has_host(full) else "unsupported", full)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def is_web(url: str) -> bool:
    """Whether `url` is an absolute http(s) URL with a host."""
    return url[:8].lower().startswith(("http://", "https://")) and _has_host(url)


def names_picture(url: str) -> bool:
    """Whether the path of `url` ends like a picture's, so that a link to it counts as a link to a picture.

    >>> names_picture("https://x.org/a.JPG?w=1"), names_picture("https://en.wikipedia.org/wiki/File:A.jpg")
    (True, False)
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return False
    return bool(_PICTURE_PATH.search(path)) and not any(page.search(path) for page in _PAGE_PATHS)


def slug(source: str) -> str:
    """A name for a folder or file, `[a-z0-9-]`, at most 80 characters: the stem of a file, the last words of a URL's path (its host
    when the path is empty). Where nothing is left (a title in another script), `post-` and eight digits of the source's SHA-256.
    Standard input is `stdin`.

    >>> slug("posts/Chair Exercises.md"), slug("https://x.org/2020/tips/?page=2")
    ('chair-exercises', 'tips')
    """
    if source == "-":
        return "stdin"
    if is_web(source):
        parts = urlsplit(source)
        words = unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.netloc
    else:
        words = source.replace("\\", "/").rstrip("/").rpartition("/")[2]
    stem = re.sub(r"\.(?:md|markdown|mdx|mkd|html?|xhtml|php|aspx?|txt)$", "", words, flags=re.IGNORECASE)
    kept = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:80].strip("-")
    return kept or "post-" + hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:8]
