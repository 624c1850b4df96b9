"""What each element of HTML shows: its addresses as written, in the order a browser would ask for them.

One reader per element, in the table at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from archiver.model import Role
from archiver.post import candidates
from archiver.post.caption import Node
from archiver.post.stamps import unstamp
from archiver.post.urls import names_picture

Choice = Literal["all", "largest"]
Row = tuple[str, Role, int]
"""Address as written, role, line breaks between the start of the element and the address."""

_LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-original-src", "data-hi-res-src", "data-echo", "data-full-src")
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-original-set")
_LATE = frozenset((*_LAZY, *_LAZY_SETS, "srcset", "width"))
"""Without any of these an `<img>` shows its `src` and nothing else."""
_PLACEHOLDER = re.compile(
    r"data:|(?:[^?#]*[/_.-])?(?:placeholder|blank|spacer|loading|loader|spinner|lazy|transparent|pixel|1x1|gr[ae]y|clear)"
    r"(?:\.\w+)?(?:[?#].*)?\Z",
    re.IGNORECASE | re.DOTALL,
)
"""What stands in `src` until a script puts the picture there: a name that is such a word or ends with one, not `grey-cat.jpg`."""
BACKGROUNDS = ("background", "data-bg", "data-background", "data-background-image")
_BEHIND = frozenset(("style", *BACKGROUNDS))
_OPEN_GRAPH = frozenset(("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"))
_META = _OPEN_GRAPH | {"image", "thumbnail", "msapplication-tileimage"}
_ICONS = frozenset(("icon", "image_src", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "fluid-icon"))


class Element(NamedTuple):
    """One element to be read."""

    attributes: Mapping[str, str | None]
    choice: Choice
    node: Node

    def get(self, name: str) -> str:
        """The value of an attribute without the space around it; empty when it is missing."""
        return (self.attributes.get(name) or "").strip()


def _img(element: Element) -> Iterator[Row]:
    if _LATE.isdisjoint(element.attributes):
        if src := element.get("src"):
            yield src, Role.IMAGE, 0
        return
    if _counts_visits(element):
        return
    lazy = [value for name in _LAZY if (value := element.get(name))][:1]
    src = element.get("src")
    shown = [*lazy, src] if src and src not in lazy and not (_waits(element, lazy) and _PLACEHOLDER.match(src)) else lazy
    for url in shown:
        yield url, Role.IMAGE, 0
    yield from _sets(element, ("srcset", *_LAZY_SETS), shown)


def _waits(element: Element, lazy: list[str]) -> bool:
    """Whether the picture is named elsewhere than in `src`."""
    return bool(lazy) or any(element.get(name) for name in (*_LAZY_SETS, "srcset"))


def _counts_visits(element: Element) -> bool:
    """A counting pixel: declared to be at most 1 x 1."""
    return all(element.get(side).removesuffix("px") in ("0", "1") for side in ("width", "height"))


def _sets(element: Element, names: tuple[str, ...], shown: list[str]) -> Iterator[Row]:
    """Of each responsive set every candidate or the largest, without what is `shown` already."""
    for name in names:
        if not (value := element.get(name)):
            continue
        found = [(url, size) for url, size in candidates.srcset(value) if url[:5].lower() != "data:"]
        if element.choice == "largest" and found:
            found = [max(found, key=lambda pair: pair[1])]
        yield from ((url, Role.SRCSET, 0) for url, _ in found if url not in shown)


def _source(element: Element) -> Iterator[Row]:
    if element.node.parent and element.node.parent.tag == "picture":
        yield from _sets(element, ("srcset", *_LAZY_SETS), [])


def _video(element: Element) -> Iterator[Row]:
    if url := element.get("poster") or element.get("data-poster"):
        yield url, Role.IMAGE, 0


def _input(element: Element) -> Iterator[Row]:
    if element.get("type").lower() == "image" and (url := element.get("src")):
        yield url, Role.IMAGE, 0


def _link(element: Element) -> Iterator[Row]:
    relations = set(element.get("rel").lower().split())
    preload = "preload" in relations and element.get("as").lower() == "image"
    url = element.get("href")
    if url and (relations & _ICONS or preload or element.get("itemprop").lower() == "image"):
        yield url, Role.OG, 0
    if preload:
        yield from _sets(element, ("imagesrcset",), [url])


def _meta(element: Element) -> Iterator[Row]:
    names = {element.get(name).lower() for name in ("property", "name", "itemprop")}
    if names & _META and (url := element.get("content")):
        yield url, Role.OG, 0


def _svg_image(element: Element) -> Iterator[Row]:
    if url := element.get("href") or element.get("xlink:href"):
        yield url, Role.IMAGE, 0


def _script(element: Element) -> Iterator[Row]:
    if element.get("type").lower() == "application/ld+json":
        data = candidates.json_ld(unstamp(element.node.text()))
        yield from ((url, Role.OG, 0) for url in candidates.json_pictures(data))


def _style(element: Element) -> Iterator[Row]:
    yield from ((url, Role.IMAGE, breaks) for url, breaks in candidates.css(unstamp(element.node.text())))


def _object(element: Element) -> Iterator[Row]:
    url = element.get("data") or element.get("src")
    if url and (element.get("type").lower().startswith("image/") or names_picture(url)):
        yield url, Role.IMAGE, 0


def _only_behind(element: Element) -> Iterator[Row]:
    """Pictures behind an element: `style="background: url(...)"` and the old `background` attribute."""
    if _BEHIND.isdisjoint(element.attributes):
        return
    if style := element.get("style"):
        yield from ((url, Role.IMAGE, breaks) for url, breaks in candidates.css(style))
    for name in BACKGROUNDS:
        if background := element.get(name):
            if "(" in background and (urls := list(candidates.css(background))):
                yield from ((url, Role.IMAGE, breaks) for url, breaks in urls)
            elif name in ("background", "data-bg") or names_picture(background):
                yield background, Role.IMAGE, 0
            return


# The last two of the four like `img` are components of MDX: gatsby-plugin-image, next-image-export-optimizer.
READERS: dict[str, Callable[[Element], Iterator[Row]]] = {
    "img": _img,
    "amp-img": _img,
    "amp-anim": _img,
    "staticimage": _img,
    "exportedimage": _img,
    "source": _source,
    "video": _video,
    "amp-video": _video,
    "input": _input,
    "link": _link,
    "meta": _meta,
    "image": _svg_image,
    "script": _script,
    "style": _style,
    "object": _object,
    "embed": _object,
}


def rows(tag: str, element: Element) -> list[Row]:
    """Every picture that one element shows: by its own kind, then behind it."""
    read = READERS.get(tag)
    return [*(read(element) if read else ()), *_only_behind(element)]
