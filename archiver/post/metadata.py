"""Who wrote an HTML page, when, and under which title: the places where publishers put it, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.post import candidates
from archiver.post.stamps import unstamp

if TYPE_CHECKING:
    from archiver.post.html import Tree

MAX_CHARS = 1000


def facts(tree: Tree) -> dict[str, str]:
    """`title`, `author` and `published` of a page; an unknown one is missing."""
    named = _named(tree)
    data = [candidates.json_ld(unstamp(node.text(strip=False))) for node in tree.css('script[type="application/ld+json"]')[:20]]
    time = tree.css_first("time[datetime]")
    found = {
        "title": _text(tree, "title") or named.get("og:title", "") or _text(tree, "h1"),
        "author": named.get("author", "") or _author(data) or named.get("article:author", "") or named.get("dc.creator", ""),
        "published": named.get("article:published_time", "")
        or candidates.json_word(data, "datePublished")
        or named.get("date", "")
        or named.get("datepublished", "")
        or ((time.attributes.get("datetime") or "") if time else ""),
    }
    return {name: " ".join(value.split())[:MAX_CHARS] for name, value in found.items() if value.strip()}


def _author(data: Any) -> str:
    return candidates.json_word(data, "author", "name")


def _named(tree: Tree) -> dict[str, str]:
    named: dict[str, str] = {}
    for node in tree.css("meta[content]")[:500]:
        for key in ("name", "property", "itemprop"):
            if name := (node.attributes.get(key) or "").strip().lower():
                named.setdefault(name, unstamp(node.attributes.get("content") or ""))
    return named


def _text(tree: Tree, query: str) -> str:
    node = tree.css_first(query)
    return unstamp(node.text()) if node else ""
