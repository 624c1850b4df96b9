"""The page that stands for a post in its archive: the document as a reader saw it, made harmless.

Pictures stand under the exact addresses they are archived under; whatever could run, load or redirect is left out. Allowed elements and
attributes are listed, everything else falls away (its words stay). A picture that the document shows in a way which does not survive this
(a shortcode, a style sheet, a preview image) stands at the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import TYPE_CHECKING

from archiver.model import Link, Post
from archiver.post import frontmatter, urls

if TYPE_CHECKING:
    from archiver.post.html import Node, Tree

MAX_RENDERED_CHARS = 500_000
"""Longer Markdown is shown as plain text after its pictures; laying it out would take minutes."""
MAX_PAGE_CHARS = 4_000_000
"""The same for HTML."""
_MAX_BRACKETS_IN_BLOCK = 20_000

_WORDS = (
    "a abbr article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption "
    "figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p picture pre q rp rt ruby s samp section small span "
    "strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr"
)
_ALLOWED = frozenset(_WORDS.split())
_DROPPED = (
    "script, style, iframe, frame, frameset, object, embed, applet, input, select, textarea, link, meta, base, title, "
    "template, svg, math, video, audio, canvas, source, noembed, noframes, xmp, plaintext, portal"
)
_ATTRIBUTES = frozenset({"alt", "title", "width", "height", "colspan", "rowspan", "align", "start", "datetime", "lang", "dir"})

_STYLE = (
    "body{max-width:48rem;margin:2rem auto;padding:0 1rem;font:1rem/1.55 Georgia,serif;color:#1b1b1b;background:#fff}"
    "img{max-width:100%;height:auto}header{border-bottom:1px solid #ccc;margin-bottom:1.5rem}header p{color:#555}"
    "figure{margin:1.5rem 0}figcaption{color:#555;font-size:.9rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}"
)


def render(post: Post, links: Sequence[Link], *, base: str = "") -> str:
    """The page as `text/html; charset=utf-8`: title, author, date, text, and every linked picture as `<img src>` under its exact URL.

    `base` is what relative references were resolved against (`Document.base`); without it, `post.url`.
    """
    targets = {link.url: link for link in reversed(links)}
    front, body = frontmatter.split(post.text.replace("\r\n", "\n").replace("\r", "\n"))
    shown: set[str] = set()
    inner = _inner(post, body, targets, base or post.url, shown, front.body_line)
    rest = "".join(_figure(link) for url, link in reversed(targets.items()) if url not in shown)
    if rest:
        rest = f"<section><h2>Pictures</h2>\n{rest}</section>\n" if inner else rest
    plain = "" if inner is not None else f"<pre>{escape(body)}</pre>\n"
    return _frame(post, f"{inner or ''}\n{rest}{plain}", titled=_titled(inner or "", post.title))


def _titled(inner: str, title: str) -> bool:
    """Whether the document shows its title itself."""
    found = re.search(r"<h1[^>]*>(.{1,2000}?)</h1>", inner, re.DOTALL)
    return found is not None and unescape(re.sub(r"<[^>]*>", "", found[1])).split() == title.split()


def _frame(post: Post, content: str, *, titled: bool) -> str:
    byline = " · ".join(escape(part) for part in (post.author, post.published) if part)
    heading = "" if titled else f"<h1>{escape(post.title)}</h1>"
    byline = f"<p>{byline}</p>" if byline else ""
    header = f"<header>{heading}{byline}</header>\n" if heading or byline else ""
    return (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(post.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{header}<main>\n{content}</main>\n</body>\n</html>\n"
    )


def _figure(link: Link) -> str:
    caption = f"<figcaption>{escape(link.caption)}</figcaption>" if link.caption else ""
    return f'<figure><img src="{escape(link.url)}" alt="{escape(link.alt)}">{caption}</figure>\n'


def _inner(post: Post, body: str, targets: dict[str, Link], base: str, shown: set[str], line: int) -> str | None:
    """The harmless document, with the addresses it shows added to `shown`; None when it is better shown as plain text."""
    from archiver.post import html, markdown

    if post.kind == "html":
        source = body
    elif len(body) <= MAX_RENDERED_CHARS and not _knotted(body):
        source = str(markdown.parser().render(body))
    else:
        return None
    if len(source) > MAX_PAGE_CHARS:
        return None
    tree = html.document(source, line)
    if declared := urls.resolve(html.base_of(tree), base):
        base = declared.url if declared.kind == "web" else base
    return _harmless(tree, targets, base, shown)


def _knotted(body: str) -> bool:
    """Whether one block has so many brackets left open that laying it out would take time square to their number."""
    return any(block.count("[") - block.count("]") > 500 or block.count("[") > _MAX_BRACKETS_IN_BLOCK for block in body.split("\n\n"))


def _harmless(tree: Tree, targets: dict[str, Link], base: str, shown: set[str]) -> str:
    body = tree.body
    if body is None:
        return ""
    rows = [(node, _address(node, targets, base)) for node in body.css("img, amp-img")]
    addresses = {node.mem_id: address for node, address in rows}
    for node in body.css(_DROPPED):
        node.decompose()
    for node in body.css("*"):
        if node.mem_id == body.mem_id:
            continue
        if node.tag not in _ALLOWED:
            node.unwrap(delete_empty=True)
        elif node.tag == "img":
            _show(node, addresses.get(node.mem_id, ""), shown)
        else:
            _strip(node, base)
    return body.inner_html or ""


def _address(node: Node, targets: dict[str, Link], base: str) -> str:
    """The archived address of an element's picture, else its data URL, else nothing."""
    from archiver.post import html

    for written in html.written_by(node):
        address = urls.resolve(written, base)
        if address and (
            address.url in targets or address.url.startswith(("data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp"))
        ):
            return address.url
    return ""


def _show(node: Node, address: str, shown: set[str]) -> None:
    _strip(node, "")
    if address:
        node.attrs["src"] = address
        shown.add(address)


def _strip(node: Node, base: str) -> None:
    target = urls.resolve(node.attributes.get("href") or "", base) if node.tag == "a" else None
    for name in list(node.attributes):
        if name not in _ATTRIBUTES:
            del node.attrs[name]
    if target and target.kind == "web":
        node.attrs["href"] = target.url
        node.attrs["rel"] = "noopener noreferrer"
