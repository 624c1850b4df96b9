"""The words that belong to a picture: what follows it on its line, else its figure's caption, else its title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

MAX_CHARS = 4000
_MAX_STEPS = 200
_MAX_CLIMB = 8
_INLINE = {"a", "b", "em", "i", "span", "strong", "picture", "u", "small", "mark", "del", "s", "sub", "sup", "code", "font", "noscript"}
_EMPHASIS = re.compile(r"(?<![\w*_~])(\*{1,3}|_{1,3}|~~)(?=\S)(.+?)(?<=\S)\1(?![\w*_~])")


class Node(Protocol):
    """What is needed of an element or text in a parsed document."""

    @property
    def tag(self) -> str | None: ...
    @property
    def attributes(self) -> dict[str, str | None]: ...
    @property
    def parent(self) -> Node | None: ...
    @property
    def next(self) -> Node | None: ...
    @property
    def child(self) -> Node | None: ...
    @property
    def mem_id(self) -> int: ...
    @property
    def text_content(self) -> str | None: ...
    def text(self) -> str: ...
    def css_first(self, query: str) -> Node | None: ...


def caption_of(node: Node, figures: dict[int, str], *, following_text: bool) -> str:
    """`figures` remembers the captions of figures and of what lies in them, so that a gallery of a hundred thousand pictures is
    searched once.
    """
    if following_text and (text := _following(node)):
        return text
    return _figure(node, figures) or (node.attributes.get("title") or "").strip()


def _following(node: Node) -> str:
    """The text behind the picture up to the end of its source line, the next picture or the next block; emphasis marks removed."""
    parts: list[str] = []
    for piece in _after(node):
        before, line_break, _ = piece.partition("\n")
        parts.append(before)
        if line_break:
            break
    text = "".join(parts)[:MAX_CHARS].strip()
    if not text:
        return ""
    for _ in range(2):  # bold in italics
        text = _EMPHASIS.sub(r"\2", text)
    return text


def _after(node: Node) -> Iterator[str]:
    """Texts in document order from behind `node` on, within its block."""
    current = _next(node)
    for _ in range(_MAX_STEPS):
        if current is None:
            return
        if current.tag == "-text":
            yield current.text_content or ""
        elif current.tag not in _INLINE:
            return
        elif current.child is not None:
            current = current.child
            continue
        current = _next(current)


def _next(node: Node) -> Node | None:
    """What follows in the document; None at the end of the block."""
    while node.next is None:
        if node.parent is None or node.parent.tag not in _INLINE:
            return None
        node = node.parent
    return node.next


def _figure(node: Node, figures: dict[int, str]) -> str:
    """The caption of the figure around a picture (also WordPress' `wp-caption` box)."""
    above = node.parent
    if above is None:
        return ""
    if above.mem_id not in figures:
        figures[above.mem_id] = _caption_around(above)
    return figures[above.mem_id]


def _caption_around(above: Node | None) -> str:
    for _ in range(_MAX_CLIMB):
        if above is None:
            return ""
        boxed = above.tag != "figure" and "wp-caption" in (above.attributes.get("class") or "").split()
        if above.tag == "figure" or boxed:
            words = above.css_first(".wp-caption-text" if boxed else "figcaption")
            if caption := " ".join((words.text() if words else "").split())[:MAX_CHARS]:
                return caption
        above = above.parent
    return ""
