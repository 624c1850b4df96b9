"""HTML -> every picture a visitor would see, in the order of the document, with line, caption and alternative text.

The only module that knows the HTML5 parser (lexbor through selectolax). It reads documents as a browser would: comments, scripts
and templates show nothing, `noscript` counts, a broken tag is mended by the rules of the standard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.errors import InputError
from archiver.model import Role
from archiver.post import candidates
from archiver.post.caption import caption_of
from archiver.post.stamps import STAMP, stamp, unstamp
from archiver.post.urls import names_picture

MAX_DEPTH = 1000
"""Deeper documents are flattened first: the parser's time grows with the square of the depth (browsers stop at 512)."""

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "amp-img", "image")
)
_SELF_ENDED = frozenset(("p", "li", "td", "tr", "th", "dd", "dt", "option"))
"""Ended by the next of their kind: like elements that hold nothing, they add no depth."""
_KEPT = (
    "a|amp-img|area|base|body|br|embed|figcaption|figure|head|html|image|img|input|link|meta|noscript|object|picture|script|source|style|svg"
    "|template|textarea|title|video"
)
_FLATTENED = re.compile(rf"</?(?!(?:{_KEPT})[\s/>])[A-Za-z](?:[^<>](?!style=|background=))*>", re.IGNORECASE)

_INTEREST = "img, amp-img, source, video, input, link, meta, image, a, area, script, style, object, embed, [style], [background]"
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-original-src", "data-hi-res-src", "data-echo", "data-full-src")
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-original-set")
_PLACEHOLDER = re.compile(
    r"^data:|(?:^|[/_.-])(?:placeholder|blank|spacer|loading|loader|spinner|lazy|transparent|pixel|1x1|gr[ae]y|clear)\b[^/]*$",
    re.IGNORECASE,
)
"""What stands in `src` until a script puts the picture there."""
_META = frozenset(
    (
        "og:image",
        "og:image:url",
        "og:image:secure_url",
        "twitter:image",
        "twitter:image:src",
        "image",
        "thumbnail",
        "msapplication-tileimage",
    )
)
_ICONS = {"icon", "image_src", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "fluid-icon"}

Tree = LexborHTMLParser
Node = LexborNode
Choice = Literal["all", "largest"]


@dataclass(frozen=True, slots=True)
class Found:
    """One address in a document, as written."""

    written: str
    role: Role
    line: int
    caption: str
    alt: str
    undecided: bool = False
    """The target of a link around a picture whose address does not tell whether it is a picture."""


def parse(html: str, source: str) -> Tree:
    """The document as a tree, every element stamped with its line (`html` has stamps already when it is a Markdown skeleton).

    Raises InputError when elements are nested deeper than any reader can follow.
    """
    if _depth(html) > MAX_DEPTH:
        html = _FLATTENED.sub("", html)
        if _depth(html) > MAX_DEPTH:
            raise InputError(f"{source} nests its elements more than {MAX_DEPTH:,} deep; it is no page a browser would show.")
    return Tree(html)


def _depth(html: str) -> int:
    deepest = depth = 0
    for found in _TAG.finditer(html):
        name = found[2].lower()
        if name in _VOID or name in _SELF_ENDED:
            continue
        depth = max(depth - 1, 0) if found[1] else depth + 1
        deepest = max(depth, deepest)
    return deepest


def stamped(html: str, first_line: int = 1) -> str:
    """An HTML document ready for `parse`."""
    return stamp(html, first_line)


def base_of(tree: Tree) -> str:
    """The address in `<base href>`, or empty."""
    node = tree.css_first("base[href]")
    return _get(node, "href").strip() if node else ""


def pictures(tree: Tree, choice: Choice, *, following_text: bool) -> Iterator[Found]:
    """Every picture of the document. `following_text`: the words after a picture on its line are its caption (Markdown)."""
    keyed: list[tuple[float, Found]] = []
    figures: dict[int, str] = {}
    for index, node in enumerate(tree.css(_INTEREST)):
        read = _READERS.get(node.tag or "")
        key = float(index)
        caption: str | None = None
        for written, role, shift in [*(read(node, choice) if read else ()), *_styled(node)]:
            if role in (Role.HREF,):
                key = index + len(node.css(_INTEREST)) - 0.5
                keyed.extend((key, link) for link in _linked(node, written, figures, following_text))
                continue
            if caption is None:
                caption = _caption(node, figures, following_text)
            keyed.append((key, Found(unstamp(written), role, _line(node) + shift, caption, unstamp(_get(node, "alt").strip()))))
    keyed.sort(key=lambda pair: pair[0])
    return (found for _, found in keyed)


Row = tuple[str, Role, int]
"""Address as written, role, line breaks between the start of the element and the address."""


def _img(node: Node, choice: Choice) -> Iterator[Row]:
    if _tiny(node):
        return
    lazy = [value for name in _LAZY if (value := _get(node, name).strip())][:1]
    src = _get(node, "src").strip()
    shown = [*lazy, src] if src and src not in lazy and not (_waiting(node, lazy) and _PLACEHOLDER.search(src)) else lazy
    yield from ((url, Role.IMAGE, 0) for url in shown)
    yield from _sets(node, choice, shown)


def written_by(node: Node) -> list[str]:
    """The addresses of an `img` as written, best first."""
    return [written for written, _, _ in _img(node, "largest")]


def _waiting(node: Node, lazy: list[str]) -> bool:
    return bool(lazy) or any(_get(node, name) for name in (*_LAZY_SETS, "srcset"))


def _tiny(node: Node) -> bool:
    """A counting pixel: declared to be at most 1 x 1."""
    return all(_get(node, side).strip().removesuffix("px") in ("0", "1") for side in ("width", "height"))


def _sets(node: Node, choice: Choice, shown: list[str]) -> Iterator[Row]:
    for name in ("srcset", *_LAZY_SETS):
        found = [(url, size) for url, size in candidates.srcset(_get(node, name)) if not _PLACEHOLDER.match(url)]
        if choice == "largest" and found:
            found = [max(found, key=lambda pair: pair[1])]
        yield from ((url, Role.SRCSET, 0) for url, _ in found if url not in shown)


def _source(node: Node, choice: Choice) -> Iterator[Row]:
    if node.parent and node.parent.tag == "picture":
        yield from _sets(node, choice, [])


def _video(node: Node, _: Choice) -> Iterator[Row]:
    yield from ((url, Role.IMAGE, 0) for name in ("poster", "data-poster") if (url := _get(node, name).strip()))


def _input(node: Node, _: Choice) -> Iterator[Row]:
    if _get(node, "type").lower() == "image" and (url := _get(node, "src")):
        yield url, Role.IMAGE, 0


def _link(node: Node, choice: Choice) -> Iterator[Row]:
    relations = set(_get(node, "rel").lower().split())
    preload = "preload" in relations and _get(node, "as").lower() == "image"
    if (relations & _ICONS or preload) and (url := _get(node, "href")):
        yield url, Role.OG, 0
    if preload and (found := candidates.srcset(_get(node, "imagesrcset"))):
        best = [max(found, key=lambda pair: pair[1])] if choice == "largest" else found
        yield from ((url, Role.SRCSET, 0) for url, _ in best)


def _meta(node: Node, _: Choice) -> Iterator[Row]:
    names = {_get(node, name).strip().lower() for name in ("property", "name", "itemprop")}
    if names & _META and (url := _get(node, "content").strip()):
        yield url, Role.OG, 0


def _svg_image(node: Node, _: Choice) -> Iterator[Row]:
    if url := _get(node, "href") or _get(node, "xlink:href"):
        yield url, Role.IMAGE, 0


def _anchor(node: Node, _: Choice) -> Iterator[Row]:
    if url := _get(node, "href").strip():
        yield url, Role.HREF, 0


def _script(node: Node, _: Choice) -> Iterator[Row]:
    if _get(node, "type").lower() == "application/ld+json":
        data = candidates.json_ld(unstamp(node.text(strip=False)))
        yield from ((url, Role.OG, 0) for url in candidates.json_pictures(data))


def _style(node: Node, _: Choice) -> Iterator[Row]:
    yield from ((url, Role.IMAGE, lines) for url, lines in candidates.css(unstamp(node.text(strip=False))))


def _object(node: Node, _: Choice) -> Iterator[Row]:
    url = _get(node, "data") or _get(node, "src")
    if url and (_get(node, "type").lower().startswith("image/") or names_picture(url)):
        yield url, Role.IMAGE, 0


def _styled(node: Node) -> Iterator[Row]:
    """Pictures behind an element: `style="background: url(...)"` and the old `background` attribute."""
    if style := _get(node, "style"):
        yield from ((url, Role.IMAGE, lines) for url, lines in candidates.css(style))
    if background := _get(node, "background").strip() or _get(node, "data-bg").strip():
        yield background, Role.IMAGE, 0


_READERS: dict[str, Callable[[Node, Choice], Iterator[Row]]] = {
    "img": _img,
    "amp-img": _img,
    "source": _source,
    "video": _video,
    "input": _input,
    "link": _link,
    "meta": _meta,
    "image": _svg_image,
    "a": _anchor,
    "area": _anchor,
    "script": _script,
    "style": _style,
    "object": _object,
    "embed": _object,
}


def _linked(node: Node, written: str, figures: dict[int, str], following_text: bool) -> Iterator[Found]:
    """The target of a link, when it is a picture of its own: by its name, or undecided when the link holds a picture."""
    inner = node.css("img, amp-img")
    if any(written in (_get(image, "src").strip(), *(_get(image, name).strip() for name in _LAZY)) for image in inner):
        return
    picture = names_picture(written)
    if not picture and not inner:
        return
    subject = inner[0] if inner else node
    caption = _caption(subject, figures, following_text) if inner else (node.text(strip=True) or _get(node, "title").strip())
    yield Found(unstamp(written), Role.HREF, _line(node), caption, unstamp(_get(subject, "alt").strip()), undecided=not picture)


def _caption(node: Node, figures: dict[int, str], following_text: bool) -> str:
    return unstamp(caption_of(node, figures, following_text=following_text))


def _line(node: Node) -> int:
    value = _get(node, STAMP)
    return int(value) if value.isdecimal() and value.isascii() else 1


def _get(node: Node | None, name: str) -> str:
    return (node.attributes.get(name) or "") if node else ""
