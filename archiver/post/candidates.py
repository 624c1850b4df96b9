"""The small languages inside HTML that name pictures: srcset, CSS, JSON-LD."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_CSS_HIDDEN = re.compile(r"/\*.*?(?:\*/|\Z)|@font-face\s*\{[^}]*\}?|@import[^;]*;?|@namespace[^;]*;?", re.DOTALL | re.IGNORECASE)
_CSS_URL = re.compile(r"""url\(\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|([^\s"'()]+))\s*\)""", re.IGNORECASE)
_CSS_SET = re.compile(r"""image-set\(((?:[^()"']++|"[^"\n]*+"|'[^'\n]*+'|\([^()]*+\))*+)\)""", re.IGNORECASE)
_CSS_STRING = re.compile(r"""(\([^()]*+\))|("[^"\n]*+"|'[^'\n]*+')""")
_CDATA = re.compile(r"\A\s*(?://|/\*)?\s*<!\[CDATA\[\s*(?:\*/)?|(?://|/\*)?\s*\]\]>\s*(?:\*/)?\s*\Z")
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n]?|(.))")
_NO_PICTURE = re.compile(r"\.(?:woff2?|ttf|otf|eot|css|js|mp4|webm|htc)(?:[?#].*)?$", re.IGNORECASE)
_DESCRIPTOR = re.compile(r"\s*([0-9.]+)([wxh])\b")
_JSON_KEYS = ("image", "thumbnailUrl", "thumbnail", "logo", "primaryImageOfPage", "associatedMedia", "photo", "screenshot")


def srcset(value: str) -> list[tuple[str, float]]:
    """(address, size) of each candidate, as the HTML standard's section 4.8.4.4 "Parsing a srcset attribute" cuts them; the size
    is the width in pixels or the density, 1 without a descriptor.

    >>> srcset("a,b.jpg 1x, c.jpg 800w")
    [('a,b.jpg', 1.0), ('c.jpg', 800.0)]
    """
    found, at = [], 0
    while at < len(value):
        start = re.compile(r"[\s,]*").match(value, at)
        at = start.end() if start else at
        word = re.compile(r"\S+").match(value, at)
        if not word:
            break
        at, url = word.end(), word[0]
        if url.endswith(","):
            found.append((url.rstrip(","), 1.0))
            continue
        end = _end_of_descriptors(value, at)
        size = _DESCRIPTOR.match(value, at, end)
        found.append((url, _number(size[1]) if size else 1.0))
        at = end + 1
    return found


def _end_of_descriptors(value: str, at: int) -> int:
    """The comma that ends the descriptors from `at` on; commas in parentheses do not count."""
    depth = 0
    for mark in re.compile(r"[(),]").finditer(value, at):
        if mark[0] == "," and not depth:
            return mark.start()
        depth = max(depth + {"(": 1, ")": -1}.get(mark[0], 0), 0)
    return len(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def css(text: str) -> Iterator[tuple[str, int]]:
    """(address, line breaks before it) of every `url()` that can show a picture: no fonts, imports or references into the document."""
    shown = _CSS_HIDDEN.sub(lambda hidden: "\n" * hidden[0].count("\n"), text)
    if "image-set(" in shown.lower():
        shown = _CSS_SET.sub(_with_urls, shown)
    lines = at = 0
    for found in _CSS_URL.finditer(shown):
        lines += shown.count("\n", at, found.start())
        at = found.start()
        url = _CSS_ESCAPE.sub(_unescaped, next((part for part in found.groups() if part), ""))
        if url and not url.startswith("#") and not _NO_PICTURE.search(url):
            yield url, lines


def _with_urls(found: re.Match[str]) -> str:
    """An `image-set()` whose bare strings are `url()` (CSS Images 4 section 2.4)."""
    return f"image-set({_CSS_STRING.sub(lambda part: part[1] or f'url({part[2]})', found[1])})"


def _unescaped(found: re.Match[str]) -> str:
    if not found[1]:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def json_ld(text: str) -> Any:
    """The data of a JSON-LD script, or None when it is not JSON."""
    try:
        return json.loads(_CDATA.sub("", text) if "CDATA" in text else text, strict=False)
    except (ValueError, RecursionError):
        return None


def json_pictures(data: Any, depth: int = 0) -> Iterator[str]:
    """Addresses under the schema.org properties that name pictures."""
    if depth > 12:
        return
    if isinstance(data, list):
        for item in data:
            yield from json_pictures(item, depth + 1)
    elif isinstance(data, dict):
        if data.get("@type") == "ImageObject":
            yield from _addresses({key: data.get(key) for key in ("url", "contentUrl") if data.get(key)}, depth)
        for key, value in data.items():
            if key in _JSON_KEYS:
                yield from _addresses(value, depth)
            elif isinstance(value, dict | list):
                yield from json_pictures(value, depth + 1)


def _addresses(value: Any, depth: int) -> Iterator[str]:
    if depth > 12:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _addresses(item, depth + 1)
    elif isinstance(value, dict):
        if value.get("@type", "ImageObject") == "ImageObject":
            first = next((value[key] for key in ("contentUrl", "url", "@id") if isinstance(value.get(key), str)), "")
            yield from _addresses(first, depth + 1) if first else ()
        else:
            yield from json_pictures(value, depth + 1)


def json_word(data: Any, *path: str, depth: int = 0) -> str:
    """The first text found under `path[0]` (then `path[1]` when that is a mapping) anywhere in JSON-LD data, or empty."""
    if depth > 6:
        return ""
    if isinstance(data, list):
        return next((word for item in data[:100] if (word := json_word(item, *path, depth=depth + 1))), "")
    if not isinstance(data, dict):
        return ""
    value = data.get(path[0])
    if isinstance(value, str):
        return value
    if len(path) > 1 and (word := json_word(value, *path[1:], depth=depth + 1)):
        return word
    return json_word(data.get("@graph"), *path, depth=depth + 1)
