"""Markdown -> a skeleton of HTML: everything that can show or name a picture, with the line it stands on.

Blocks are parsed by the CommonMark library (with GFM tables), so code blocks, quotes and lists mean what the
specification says; the text of each block by `inline`. Destinations stay byte for byte as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import TYPE_CHECKING, Any

from archiver.errors import InputError
from archiver.post import hidden, jsx, shortcodes, variables
from archiver.post.stamps import stamp

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from archiver.post.inline import References

_MAY_HOLD_PICTURE = re.compile(r"!\[|\]\(|\]\[|\]:|<[A-Za-z]|\{\{[<%]|\{%|https?://")
_TAG_OR_SHORTCODE = re.compile(r"<[A-Za-z]|\{\{[<%]|\{%")
MAX_TINY_LINES = 150_000
"""The block parser takes some 20 microseconds for a line, however short; next to nothing for an empty one."""
MAX_MARKS = 120_000
"""Marks of lists, quotes and headings; each costs the block parser some 13 to 35 microseconds."""
MAX_CELLS = 500_000
"""Cells of tables; each costs the block parser some 13 microseconds and a kilobyte."""
MAX_PLACES = 200_000
"""Pictures, links and tags; each costs some 20 to 35 microseconds."""
MAX_COSTLY = 100_000
"""Footnotes, shortcodes and definitions of addresses; each costs some 20 to 50 microseconds."""
MAX_NESTING = 60
"""Blocks within blocks; the parser calls itself for each level and reads nothing below the last."""
_NOTE = re.compile(r"^ {0,3}\[\^", re.MULTILINE)
_SHORTCODE = re.compile(r"\{\{[<%]|\{%")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,999}\]:", re.MULTILINE)
_FILLED = re.compile(r"^[ \t]*[^ \t\n]", re.MULTILINE)
_MARKERS = re.compile(r"^[\s>*+-]*(?:\d{1,9}[.)]\s)?", re.MULTILINE)
_LEADING = re.compile(r"^(?: *[>*+-]| {0,3}#{1,6})+", re.MULTILINE)
_RULED = re.compile(r"\|[ \t]*:?-|-:?[ \t]*\|")
"""What stands in the second row of a table and makes it one (GFM section 4.10)."""
_TAGS = {"paragraph": "p", "heading": "h1", "td": "p", "th": "p"}


def _as_written(url: str) -> str:
    return url


def _any_scheme(url: str) -> bool:  # noqa: ARG001 - the library's signature
    return True


def parser() -> MarkdownIt:
    """The CommonMark parser with GFM tables and strikethrough, that leaves destinations as the author wrote them."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    # The library's documented way to override; schemes are judged in urls.resolve.
    markdown.normalizeLink = _as_written  # type: ignore[method-assign]  # overriding is how it is meant
    markdown.validateLink = _any_scheme  # type: ignore[method-assign]  # the same
    return markdown


def may_hold_picture(body: str) -> bool:
    """False when no notation for a picture or link occurs in the text, so that nothing need be parsed."""
    return bool(_MAY_HOLD_PICTURE.search(body))


def skeleton(body: str, first_line: int = 1) -> str:
    """The HTML of a Markdown body (line breaks are `\\n`, no front matter) whose first line is line `first_line` of the document.

    Raises InputError for a text that could only be read in minutes: hundreds of thousands of tiny lines or unfinished links.
    """
    from markdown_it.token import Token

    from archiver.post import paragraphs
    from archiver.post.inline import References

    _measure(body)
    body = hidden.prepared(variables.filled(body), markdown=True)
    env: dict[str, Any] = {}
    tokens: list[Token] = []
    markdown = parser()
    paragraphs.enable(markdown)
    markdown.block.parse(body, markdown, env, tokens)
    references = References(env.get("references", {}), len(body))
    html = "".join([*_pieces(tokens, references, first_line), *_below(tokens, references, body, first_line)])
    return html.replace(shortcodes.NEUTRAL, "")


def _measure(body: str) -> None:
    lines = len(_FILLED.findall(body))
    if lines > MAX_TINY_LINES and len(body) < 12 * lines:
        raise InputError(f"the post has {lines:,} lines of {len(body) / lines:.0f} characters each; it is no text a person wrote")
    marks = sum(len(found[0].replace(" ", "").rstrip("#")) or 1 for found in _LEADING.finditer(body))
    if marks > MAX_MARKS and len(body) < 36 * marks:
        raise InputError(
            f"the post has {marks:,} marks of lists, quotes and headings in {len(body):,} characters; it is no text a person wrote"
        )
    places = max(body.count("!["), body.count("](") + body.count("][")) + len(_TAG_OR_SHORTCODE.findall(body))
    if places > MAX_PLACES and len(body) < 20 * places:
        raise InputError(f"the post has {places:,} pictures, links and tags in {len(body):,} characters; it is no text a person wrote")
    for name, mark in (("footnotes", _NOTE), ("shortcodes", _SHORTCODE), ("definitions of addresses", _DEFINITION)):
        count = len(mark.findall(body))
        if count > MAX_COSTLY and len(body) < (30 if mark is _DEFINITION else 45) * count:
            raise InputError(f"the post has {count:,} {name} in {len(body):,} characters; it is no text a person wrote")
    cells = body.count("|") if _RULED.search(body) else 0
    if cells > MAX_CELLS and len(body) < 12 * cells:
        raise InputError(f"the post has {cells:,} cells of tables in {len(body):,} characters; it is no text a person wrote")


def _below(tokens: list[Any], references: References, body: str, first_line: int) -> Iterator[str]:
    """What the block parser left unread because it is nested too deep: its paragraphs, without telling code from text."""
    from archiver.post import inline

    deep = [token.map for token in tokens if token.nesting == 1 and token.map and token.level >= MAX_NESTING - 1]
    if not deep:
        return
    lines, done = body.split("\n"), 0
    for start, end in deep:
        if start >= done:
            text = _MARKERS.sub("", "\n".join(lines[start:end]))
            yield f"<p>{inline.html_of(text, references, first_line + start)}</p>\n"
            done = end


def _pieces(tokens: list[Any], references: References, first_line: int) -> Iterator[str]:
    from archiver.post import inline, paragraphs

    for token in tokens:
        line = first_line + (token.map[0] if token.map else 0)
        if token.type == paragraphs.PLAIN:
            yield f"<p>{inline.html_of(token.content, references, line)}</p>\n"
        elif token.type == "inline":
            yield inline.html_of(token.content, references, line)
        elif token.type == "html_block":
            yield stamp(shortcodes.expanded(jsx.plain(token.content), line), line)
        else:
            name, _, side = token.type.rpartition("_")
            if tag := _TAGS.get(name):
                yield f"<{tag}>" if side == "open" else f"</{tag}>\n"


def first_heading(body: str) -> str:
    """The first ATX or setext heading of level 1 or 2 outside code fences, its words only, or empty. Only the first 64 KiB are read."""
    head = re.sub(r"^ {0,3}(```|~~~).*?^ {0,3}\1", "", body[: 64 * 1024], flags=re.MULTILINE | re.DOTALL)
    found = re.search(r"^ {0,3}#{1,2}[ \t]+(\S.*?)[ \t]*#*[ \t]*$|^ {0,3}(\S.*)\n {0,3}(?:={2,}|-{3,})[ \t]*$", head, re.MULTILINE)
    return _words((found[1] or found[2])[:1000]) if found else ""


def _words(heading: str) -> str:
    """A heading without its pictures, tags, the addresses of its links and its marks of emphasis and code."""
    text = re.sub(r"<[^<>]*>|!\[[^\[\]]*\]\([^()]*\)|\{#[\w-]+\}", "", heading)
    text = re.sub(r"\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])", r"\1", text)
    return unescape(re.sub(r"(?<!\\)(?:\*+|`+|(?<!\w)_+|_+(?!\w))|\\(?=[!-/:-@\[-`{-~])", "", text)).strip()
