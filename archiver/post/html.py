"""HTML -> every picture a visitor would see, in the order of the document, with line, caption and alternative text.

The only module that knows the HTML5 parser (lexbor through selectolax). It reads documents as a browser would: comments, scripts
and templates show nothing, `noscript` counts, a broken tag is mended by the rules of the standard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.model import Role
from archiver.post import elements
from archiver.post.bounds import bounded
from archiver.post.caption import caption_of
from archiver.post.elements import Choice, Element
from archiver.post.stamps import STAMP, stamp, unstamp
from archiver.post.urls import names_picture

Tree = LexborHTMLParser
Node = LexborNode

_INTEREST = f":is({', '.join((*elements.READERS, 'a', 'area', '[style]', *(f'[{name}]' for name in elements.BACKGROUNDS)))})"
"""One selector, for a list of them yields an element once for each that it fits: `<img style="...">` would be two pictures."""


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


def parse(stamped: str) -> Tree:
    """The tree of a document whose start tags carry their lines (`stamps.stamp`)."""
    return Tree(bounded(stamped))


def document(html: str, first_line: int = 1) -> Tree:
    """The tree of an HTML document whose first line is line `first_line`; line breaks are `\\n`."""
    return parse(stamp(html, first_line))


def base_of(tree: Tree) -> str:
    """The address in `<base href>`, or empty."""
    node = tree.css_first("base[href]")
    return (node.attributes.get("href") or "").strip() if node else ""


def written_by(node: Node) -> list[str]:
    """The addresses of an `img` as written, best first."""
    return [unstamp(written) for written, _, _ in elements.rows("img", Element(node.attributes, "largest", node))]


def pictures(tree: Tree, choice: Choice, *, following_text: bool) -> list[Found]:
    """Every picture of the document. `following_text`: the words after a picture on its line are its caption (Markdown).

    A link to a picture comes after the pictures it is laid around: the thumbnail, then the full size.
    """
    return _Reading(choice, following_text).run(tree)


class _Reading:
    def __init__(self, choice: Choice, following_text: bool) -> None:
        self.choice = choice
        self.following_text = following_text
        self.figures: dict[int, str] = {}
        self.linked: set[tuple[str, int]] = set()
        """Links seen: the parser repeats an unclosed `<a>` in every block that follows it."""

    def run(self, tree: Tree) -> list[Found]:
        keyed: list[tuple[float, Found]] = []
        for index, node in enumerate(tree.css(_INTEREST)):
            element = Element(node.attributes, self.choice, node)
            if node.tag in ("a", "area"):
                inside = node.css(_INTEREST) if _holds_elements(node) else []
                if link := self.link(node, element, [inner for inner in inside if inner.tag in ("img", "amp-img")]):
                    keyed.append((index + len(inside) - 0.5, link))
            keyed.extend((index, found) for found in self.shown(node, element))
        keyed.sort(key=lambda pair: pair[0])
        return [found for _, found in keyed]

    def shown(self, node: Node, element: Element) -> Iterator[Found]:
        rows = elements.rows(node.tag or "", element)
        if not rows:
            return
        line, caption, alt = _line(element), self.caption(node), unstamp(element.get("alt"))
        for written, role, breaks in rows:
            yield Found(unstamp(written), role, line + breaks, caption, alt)

    def caption(self, node: Node) -> str:
        return unstamp(caption_of(node, self.figures, following_text=self.following_text))

    def link(self, node: Node, element: Element, inner: list[Node]) -> Found | None:
        """The target of a link, when it is a picture of its own: by its name, or undecided when it is laid around pictures, `inner`."""
        written, line = unstamp(element.get("href")), _line(element)
        if not written or (written, line) in self.linked:
            return None
        if any(written in written_by(image) for image in inner):
            return None  # one picture that links to itself
        picture = names_picture(written)
        if not picture and not inner:
            return None
        self.linked.add((written, line))
        if inner:
            caption, alt = self.caption(inner[0]), unstamp((inner[0].attributes.get("alt") or "").strip())
        else:
            caption, alt = unstamp(" ".join(node.text().split()) or element.get("title")), ""
        return Found(written, Role.HREF, line, caption, alt, undecided=not picture)


def _holds_elements(node: Node) -> bool:
    """False for the many links that hold words only, which need not be searched."""
    child = node.child
    return child is not None and (child.tag != "-text" or child.next is not None)


def _line(element: Element) -> int:
    value = element.get(STAMP)
    return int(value) if value.isdecimal() and value.isascii() else 1
