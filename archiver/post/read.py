"""A document -> Post and its Links; Links -> Targets.

Nothing is fetched and no file is opened. What the program cannot fetch is named too, so that no picture of a post is passed over in
silence: `data:` pictures, local files, other schemes.
"""

from __future__ import annotations

import base64
import binascii
import gc
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from archiver.errors import InputError
from archiver.model import Link, Post, Role, Target
from archiver.post import charset, frontmatter, urls
from archiver.post.urls import slug

if TYPE_CHECKING:
    from archiver.post.html import Found

__all__ = ["DataImage", "Document", "LocalImage", "plan", "read", "slug"]

NOWHERE = "http://post.archiver.invalid/"
"""Where a post without a web address stands in its archive (`.invalid` never resolves, RFC 2606 section 2)."""


MAX_PICTURES = 300_000
"""More places of pictures are refused, unless the post is so long that each has 40 characters."""
_HALVES = re.compile("[\ud800-\udfff]")
_HTML_START = re.compile(
    r"(?:\s|<\?xml[^>]{0,200}\?>|<!--(?:[^-]|-(?!->)){0,5000}-->)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class DataImage:
    """A picture that the post carries in itself as a `data:` URL (RFC 2397)."""

    link: Link
    """Its `url` is the data URL as written."""
    content_type: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class LocalImage:
    """A picture that lies beside the post on disk."""

    link: Link
    """Its `url` is the reference as written, without fragment."""
    path: str
    """Relative to the folder of the post, `/` between parts, no `..`, percent-escapes decoded. Symbolic links are the opener's care."""


@dataclass(frozen=True, slots=True)
class Document:
    """All that one reading of a document yields."""

    post: Post
    links: tuple[Link, ...]
    """Pictures to fetch, in the order of the document; every url is absolute http(s)."""
    unsupported: tuple[Link, ...] = ()
    """Pictures under other schemes, and relative references without a base; urls as written."""
    data_images: tuple[DataImage, ...] = ()
    local_images: tuple[LocalImage, ...] = ()
    base: str = ""
    """What relative references were resolved against; empty when there is nothing."""
    undecided: tuple[Link, ...] = ()
    """Links around pictures (role href) whose address does not tell whether it is a picture or a page."""


def read(
    raw: bytes,
    source: str,
    *,
    page_url: str = "",
    base_url: str = "",
    content_type: str = "",
    srcset: Literal["all", "largest"] = "largest",
    local_images: bool = False,
    folders: Sequence[str] = (),
) -> Document:
    """Read a post: Markdown (CommonMark, GFM tables, front matter, the shortcodes of common site generators) or HTML.

    `source` is what the user named (path, `-`, URL); its ending and `content_type` tell the kind of document, else its beginning does.
    `page_url` is the address the page stands under in the archive, `base_url` what relative references are resolved against when it
    differs. With `local_images`, relative references without a base and `file:` URLs under the post's folder are local pictures;
    `folders` are the absolute paths of that folder, without and with its symbolic links (otherwise what an absolute `source` says).
    Raises InputError when the document cannot be read as text.
    """
    with _uncollected():
        return _read(raw, source, page_url, base_url, content_type, srcset, (folders or _folder_of(source)) if local_images else None)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: it walks over the millions of small values of a long post again and again, and finds none."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _read(
    raw: bytes,
    source: str,
    page_url: str,
    base_url: str,
    content_type: str,
    srcset: Literal["all", "largest"],
    folders: Sequence[str] | None,
) -> Document:
    text = charset.decode(raw, source, content_type)
    front, body = frontmatter.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    url = page_url or (source if urls.is_web(source) else f"{NOWHERE}{slug(source)}/")
    base = base_url or page_url or (source if urls.is_web(source) else "")
    if _is_html(body, source, content_type):
        facts, found, base = _html(body, front.body_line, base, srcset, generated=bool(front.text))
        kind: Literal["markdown", "html"] = "html"
    else:
        try:
            facts, found = _markdown(body, front.body_line, srcset)
        except InputError as refusal:
            raise InputError(f"{source}: {refusal}") from None
        kind = "markdown"
    facts = {name: _whole_characters(value) for name, value in {**facts, **_front_facts(front.fields)}.items()}
    post = Post(
        source=source,
        kind=kind,
        url=url,
        title=facts.get("title") or ("" if source == "-" else _stem(source)),
        author=facts.get("author", ""),
        published=facts.get("published", ""),
        text=text,
        raw=raw,
    )
    return _sorted_out(post, [*_front_pictures(front), *found], base, source, folders)


def plan(links: Sequence[Link]) -> tuple[Target, ...]:
    """One target per URL with all the links to it, in the order of first appearance."""
    by_url: dict[str, list[Link]] = {}
    for link in links:
        by_url.setdefault(link.url, []).append(link)
    return tuple(Target(url, tuple(same)) for url, same in by_url.items())


def _is_html(body: str, source: str, content_type: str) -> bool:
    mime = content_type.partition(";")[0].strip().lower()
    if mime in ("text/html", "application/xhtml+xml"):
        return True
    if mime in ("text/markdown", "text/x-markdown"):
        return False
    name = (urlsplit(source).path if urls.is_web(source) else source).lower()
    if name.endswith((".md", ".markdown", ".mdx", ".mkd", ".mdown")):
        return False
    if name.endswith((".html", ".htm", ".xhtml")):
        return True
    return bool(_HTML_START.match(body[:8192]))


def _html(
    body: str, line: int, base: str, srcset: Literal["all", "largest"], *, generated: bool
) -> tuple[dict[str, str], Iterable[Found], str]:
    from archiver.post import hidden, html, metadata, shortcodes, variables

    # Only a page with front matter is the source of a site generator, whose shortcodes mean something.
    if generated:
        body = shortcodes.expanded(hidden.prepared(variables.filled(body), markdown=False), line)
    tree = html.document(body, line)
    if declared := urls.resolve(html.base_of(tree), base):
        base = declared.url if declared.kind == "web" else base
    return metadata.facts(tree), html.pictures(tree, srcset, following_text=False), base


def _markdown(body: str, line: int, srcset: Literal["all", "largest"]) -> tuple[dict[str, str], Iterable[Found]]:
    from archiver.post import markdown

    facts = {"title": markdown.first_heading(body)}
    if not markdown.may_hold_picture(body):
        return facts, ()
    from archiver.post import html

    tree = html.parse(markdown.skeleton(body, line))
    return facts, html.pictures(tree, srcset, following_text=True)


def _front_facts(fields: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "title": frontmatter.word(fields, "title"),
        "author": frontmatter.word(fields, "author", "authors", "by", "writer"),
        "published": frontmatter.word(fields, "date", "published", "publishdate", "pubdate", "published_at", "created"),
    }
    return {name: value for name, value in facts.items() if value}


def _front_pictures(front: frontmatter.FrontMatter) -> Iterable[Found]:
    rows = list(frontmatter.pictures(front))
    if not rows:
        return []
    from archiver.post.html import Found

    return [Found(address, Role.FRONT_MATTER, line, "", alt) for address, line, alt in rows]


def _stem(source: str) -> str:
    name = (urlsplit(source).path if urls.is_web(source) else source.replace("\\", "/")).rstrip("/").rpartition("/")[2]
    return unquote(name).rpartition(".")[0] or unquote(name) or source


def _whole_characters(text: str) -> str:
    """JSON and YAML can name halves of a character (`\\ud800`), which no file and no request can hold."""
    return text if text.isascii() else _HALVES.sub("\ufffd", text)


def _sorted_out(post: Post, found: Iterable[Found], base: str, source: str, folders: Sequence[str] | None) -> Document:
    """Each picture to where it belongs: to be fetched, carried in the post, on disk, or out of reach."""
    links: list[Link] = []
    undecided: list[Link] = []
    unsupported: list[Link] = []
    data: list[DataImage] = []
    local: list[LocalImage] = []
    seen: dict[str, urls.Address | None] = {}
    for count, item in enumerate(found):
        if count == MAX_PICTURES and len(post.text) < 40 * count:
            raise InputError(
                f"{source} names a picture at more than {count:,} places in {len(post.text):,} characters; no person wrote that"
            )
        if item.written not in seen:
            seen[item.written] = urls.resolve(item.written, base)
        address = seen[item.written]
        if address is None:
            continue
        link = Link(_whole_characters(address.url), item.role, item.line, _whole_characters(item.caption), _whole_characters(item.alt))
        if address.kind == "web":
            (undecided if item.undecided else links).append(link)
        elif item.undecided or (item.role is Role.HREF and address.kind == "unsupported"):
            continue
        elif address.kind == "data" and (carried := _carried(link)):
            data.append(carried)
        elif folders is not None and (beside := _beside(link, source, folders)):
            local.append(beside)
        else:
            unsupported.append(link)
    known = {link.url for link in links}
    unsure = tuple(link for link in undecided if link.url not in known)
    return Document(post, tuple(links), tuple(unsupported), tuple(data), tuple(local), base, unsure)


def _folder_of(source: str) -> tuple[str, ...]:
    folder = source.replace("\\", "/").rpartition("/")[0]
    return (folder,) if folder.startswith("/") else ()


def _carried(link: Link) -> DataImage | None:
    """RFC 2397: data:[<mediatype>][;base64],<data>."""
    head, comma, body = link.url[5:].partition(",")
    kind, *parameters = [part.strip().lower() for part in head.split(";")]
    if not comma or not kind.startswith("image/"):
        return None
    try:
        payload = base64.b64decode(unquote_to_bytes(body), validate=False) if "base64" in parameters else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        return None
    return DataImage(link, kind, payload) if payload else None


def _beside(link: Link, source: str, folders: Sequence[str]) -> LocalImage | None:
    """The path of a local picture when it stays under the folder of the post (whose path is `source`)."""
    if urls.is_web(source):
        return None
    path = link.url.partition("?")[0]
    if path.lower().startswith("file:"):
        path = re.sub(r"^file:(?://(?:localhost)?)?(?=/)", "", path, flags=re.IGNORECASE)
        inside = (unquote(path).removeprefix(f"{folder}/") for folder in folders if unquote(path).startswith(f"{folder}/"))
        path = quote(next(inside, ".."))
    parts = [part for part in unquote(path).replace("\\", "/").split("/") if part != "."]
    if not parts or not parts[0] or ".." in parts or "\x00" in path or ":" in parts[0]:
        return None
    return LocalImage(replace(link), "/".join(part for part in parts if part))
