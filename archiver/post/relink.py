"""A post's text with other addresses for its pictures; every other character stays as its author wrote it. Pure.

An address is replaced where it stands as a whole: in a Markdown link, an attribute, a front matter value, alone on a line. One that is
only a part of another address (a resizing proxy names its original) is left alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping

from archiver.post import urls

_TOKEN = re.compile(r"[^\s<>\"'()\[\]`,|={}]+")
_BEFORE = re.compile(r"(?:^|[\s\"'(<\[>|,]|\b(?:src|href|srcset|poster|content|data-[a-z-]+)=)$", re.IGNORECASE)
_AFTER = re.compile(r"$|[\s\"'>)\]|#}]|[.,;](?:\s|$)")
_BASE_TAG = re.compile(r"<base\b[^>]*>", re.IGNORECASE)
_LOOK_BACK = 40


def relink(
    text: str, links: Collection[str], new: Mapping[str, str], *, base: str = "", is_html: bool = False
) -> tuple[str, frozenset[str]]:
    """(the text, the links that were replaced somewhere).

    `links` are all addresses of pictures in the text, absolute; `new` maps those to be replaced to what stands there instead;
    `base` is what relative references resolve against. In HTML, a `<base>` is taken out: the new addresses are relative.
    """
    written = _written(text, links, base)
    if not written:
        return text, frozenset()
    pattern = re.compile("|".join(re.escape(form) for form in sorted(written, key=lambda form: (-len(form), form))))
    done: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        url = written[match[0]]
        if url not in new or not _whole(text, match):
            return match[0]
        done.add(url)
        return new[url]

    out = pattern.sub(replaced, text)
    return (_BASE_TAG.sub("", out) if is_html else out), frozenset(done)


def _whole(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    before = text[max(0, start - _LOOK_BACK) : start]
    return bool(_BEFORE.search(before)) and bool(_AFTER.match(text[end : end + 2]))


def _written(text: str, links: Collection[str], base: str) -> dict[str, str]:
    """Every way in which a link may stand in the text -> the link."""
    known = set(links)
    forms = {form: url for url in known for form in (url, html.escape(url), html.escape(url, quote=False))}
    for token in set(_TOKEN.findall(text)):
        if token not in forms:
            address = urls.resolve(html.unescape(token), base)
            if address is not None and address.kind == "web" and address.url in known and "#" not in token:
                forms[token] = address.url
    return forms
