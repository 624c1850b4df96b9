"""What keeps the time of the HTML parser in proportion to the document.

Its time grows with the square of the depth of nesting and of the number of attributes in one tag (measured: a megabyte of `<div>`
takes three minutes). Browsers cut nesting at 512; here elements beyond `MAX_DEPTH` are left out and what they hold is kept, so no
picture is lost.
"""

from __future__ import annotations

import re

MAX_DEPTH = 1000
MAX_ATTRIBUTES = 2000

_TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/]*)[^<>]*>")
_SCRIPT = re.compile(r"<script\b[^<>]*>.*?</script", re.IGNORECASE | re.DOTALL)
_LONG = re.compile(r"<[A-Za-z][^<>]{20000,}>")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "amp-img", "image")
_SELF_ENDED = ("a", "p", "li", "td", "tr", "th", "dd", "dt", "option")
_FLAT = frozenset((*_VOID, *_SELF_ENDED))
"""Elements that add no depth: they hold nothing, or end where the next of their kind begins."""
_RAW = frozenset(("script", "style", "title", "textarea", "body", "head", "html"))
"""Never left out: without their tags their content would be read as markup."""
_KEPT = (
    "a|amp-img|area|base|body|br|embed|figcaption|figure|head|html|image|img|input|link|meta|noscript|object|picture|script|source|style|svg"
    "|template|textarea|title|video"
)
_IDLE = re.compile(rf"</?(?!(?:{_KEPT})[\s/>])[A-Za-z](?:[^<>](?!style=|background|data-bg=))*>", re.IGNORECASE)
"""Tags of elements that show no picture themselves."""


def bounded(html: str) -> str:
    """`html` itself when it is of an ordinary shape; else without idle tags, and without elements nested too deep."""
    html = _LONG.sub(_few_attributes, html)
    if _depth(html) <= MAX_DEPTH:
        return html
    html = _IDLE.sub("", html)
    return html if _depth(html) <= MAX_DEPTH else _capped(html)


def _few_attributes(tag: re.Match[str]) -> str:
    return "" if len(_QUOTED.sub("", tag[0]).split(None, MAX_ATTRIBUTES)) > MAX_ATTRIBUTES else tag[0]


def _depth(html: str) -> int:
    """The deepest nesting, by counting tags: too high where end tags are left to the parser, never too low by much."""
    end = html.lower().rfind("</script")
    markup = _SCRIPT.sub("", html[: end + 8]) + html[end + 8 :] if end >= 0 else html
    deepest = depth = 0
    for close, name in _TAG.findall(markup):
        if name.lower() in _FLAT:
            continue
        depth = max(depth - 1, 0) if close else depth + 1
        deepest = max(depth, deepest)
    return deepest


def _capped(html: str) -> str:
    depth = over = 0

    def keep(tag: re.Match[str]) -> str:
        nonlocal depth, over
        name = tag[2].lower()
        if name in _FLAT or name in _RAW:
            return tag[0]
        if tag[1]:
            if over:
                over -= 1
                return ""
            depth = max(depth - 1, 0)
            return tag[0]
        if depth >= MAX_DEPTH:
            over += 1
            return f"<br{tag[0][1 + len(name) :]}" if "style=" in tag[0] or "background=" in tag[0] else ""
        depth += 1
        return tag[0]

    return _TAG.sub(keep, html)
