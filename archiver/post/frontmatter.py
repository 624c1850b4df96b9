"""The block of TOML, YAML or JSON at the head of a document (Hugo, Jekyll, Obsidian): its facts and its pictures.

A block that cannot be read costs its facts only, never the post. YAML goes through the safe loader, and aliases are counted before they
are followed: ten lines of nested aliases can stand for gigabytes.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

MAX_CHARS = 64 * 1024
"""A longer block is taken for text: PyYAML reads some 100 KB in a second."""

MAX_NODES = 20_000
"""Values that a block of YAML may stand for with every alias written out."""

PICTURE_KEYS = (
    "image", "images", "cover", "coverimage", "featuredimage", "featured", "featureimage", "ogimage", "thumbnail", "thumbnailimage",
    "thumb", "banner", "bannerimage", "hero", "heroimage", "headerimage", "teaser", "teaserimage", "overlayimage", "header", "splash",
    "photo", "mainimage", "previewimage", "twitterimage", "socialimage", "shareimage", "opengraph", "og", "gallery", "resources",
    "params",
)  # fmt: skip
"""Keys, compared in lower case and without `_ - : .` (`heroImage`, `og:image`), under which site generators and themes name pictures."""
_INNER_KEYS = (*PICTURE_KEYS, "src", "url", "path", "imagepath", "file", "feature", "background", "full")
_PICTURE_END = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp|tiff?|heic)(?:[?#].*)?$", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?:/|\.{0,2})/\S+")
_LOOSE_KEYS = frozenset(
    ("cover", "featured", "header", "params", "opengraph", "og", "resources", "hero", "banner", "teaser", "splash", "photo", "gallery")
)
"""Keys that may also hold words or switches: a text under them counts only when it looks like an address."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands before the body."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    """The block as written, fences included."""
    body_line: int = 1
    """1-based line of the document at which the body begins."""


def split(text: str) -> tuple[FrontMatter, str]:
    """The front matter of a document (line breaks are `\\n`) and its body."""
    blank = len(text) - len(text.lstrip("\n \t"))
    head = text[blank : blank + MAX_CHARS]
    for fence, load in (("+++", _toml), ("---", _yaml)):
        found = re.match(rf"{re.escape(fence)}[ \t]*\n(?:(.*?)\n)??[ \t]*{re.escape(fence)}[ \t]*(?:\n|\Z)", head, re.DOTALL)
        if found:
            fields = load(found[1] or "")
            if fields or not (found[1] or "").strip():
                return _divided(text, blank + found.end(), fields)
    if head.startswith("{"):
        return _json(text, blank, head)
    return FrontMatter(), text


def _divided(text: str, end: int, fields: Mapping[str, Any]) -> tuple[FrontMatter, str]:
    return FrontMatter(fields, text[:end], 1 + text.count("\n", 0, end)), text[end:]


def _toml(block: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(block)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return _plain(block, "=")


def _yaml(block: str) -> Mapping[str, Any]:
    import yaml

    if block.count("[") + block.count("{") > 500:  # deep nesting takes the parser time square to its depth
        return _plain(block, ":")
    try:
        if "*" in block and _expanded_nodes(yaml.compose(block, yaml.SafeLoader), {}) > MAX_NODES:
            return _plain(block, ":")
        loaded = yaml.safe_load(block)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, KeyError, AttributeError):
        return _plain(block, ":")
    return loaded if isinstance(loaded, dict) else {}


def _expanded_nodes(node: Any, sizes: dict[int, int]) -> int:
    """How many nodes `node` stands for with every alias written out. Raises ValueError for one that holds itself."""
    import yaml

    if not isinstance(node, yaml.CollectionNode):
        return 1
    if (known := sizes.get(id(node))) is not None:
        if not known:
            raise ValueError("an alias within its own anchor")
        return known
    sizes[id(node)] = 0
    parts = [part for entry in node.value for part in (entry if isinstance(entry, tuple) else (entry,))]
    sizes[id(node)] = 1 + sum(_expanded_nodes(part, sizes) for part in parts)
    return sizes[id(node)]


def _json(text: str, blank: int, head: str) -> tuple[FrontMatter, str]:
    try:
        fields, end = json.JSONDecoder().raw_decode(head)
    except (ValueError, RecursionError):
        return FrontMatter(), text
    if not isinstance(fields, dict) or not fields:
        return FrontMatter(), text
    if head[end : end + 1] == "\n":
        end += 1
    return _divided(text, blank + end, fields)


def _plain(block: str, sign: str) -> Mapping[str, Any]:
    """The `key = value` lines of a block that is not well-formed: a colon in an unquoted YAML title is common."""
    lines = re.findall(rf"^[ \t]*([\w-]+)[ \t]*{sign}[ \t]*([^\s*&].*?)[ \t]*$", block, re.MULTILINE)
    return {key: value.strip("\"'") for key, value in lines}


def word(fields: Mapping[str, Any], *keys: str) -> str:
    """The first of `keys` that holds something, as text: dates as ISO 8601, lists joined by commas, mappings by their `name`."""
    lowered = {str(key).lower(): value for key, value in fields.items()}
    for key in keys:
        if text := _text(lowered.get(key)):
            return text
    return ""


def _text(value: object) -> str:
    match value:
        case None | bool():
            return ""
        case datetime() | date() | time():
            return value.isoformat()
        case list():
            return ", ".join(text for text in map(_text, value[:50]) if text)
        case dict():
            return _text(value.get("name") or value.get("title"))
        case _:
            return " ".join(str(value).split())


def pictures(front: FrontMatter) -> Iterator[tuple[str, int, str]]:
    """(address, 1-based line, alt) of every picture that the front matter names, in its order."""
    place = 0
    for address, alt in _named(front.fields, PICTURE_KEYS, 0):
        found = front.text.find(address, place)
        if found < 0:
            found = max(front.text.find(address), 0)
        else:
            place = found + len(address)
        yield address, 1 + front.text.count("\n", 0, found), alt


def _named(fields: Mapping[Any, Any], keys: tuple[str, ...], depth: int) -> Iterator[tuple[str, str]]:
    if depth > 4:
        return
    alt = next((str(v) for k, v in fields.items() if str(k).lower() in ("alt", "image_alt", "caption") and isinstance(v, str)), "")
    for key, value in fields.items():
        name = re.sub(r"[-_:.\s]", "", str(key).lower())
        if name in keys:
            yield from _values(name, value, alt, depth)


def _looks_like_address(text: str) -> bool:
    return bool(_PICTURE_END.search(text) or _ADDRESS.fullmatch(text))


def _values(key: str, value: object, alt: str, depth: int) -> Iterator[tuple[str, str]]:
    match value:
        case str() if value.strip() and value.strip()[0] not in "![|>" and (key not in _LOOSE_KEYS or _looks_like_address(value.strip())):
            yield value.strip(), alt
        case list():
            for item in value:
                yield from _values(key, item, alt, depth)
        case dict():
            yield from _named(value, _INNER_KEYS, depth + 1)
        case _:
            return
