"""The text of one Markdown block -> HTML that keeps its pictures, links, raw HTML, line breaks and words.

Rules (CommonMark 0.31 section 6; bracket matching is the specification's appendix "look for link or image"):
1. A backslash makes the next punctuation mark plain; code spans, autolinks and raw HTML bind tighter than brackets.
2. `[` and `![` wait on a stack; `]` looks for a destination `(...)`, then for a reference.
3. No link in a link: when a link is made, every waiting `[` below it is dead. An image may hold a link.
4. Emphasis changes no picture and is left as written.
Every search for a closing mark remembers its result, so the pass is linear where a parser that looks ahead is quadratic
(a million `[`, unclosed comments, unclosed code spans). Destinations, titles and labels are read by the CommonMark library.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from html import escape, unescape
from typing import Any, NamedTuple

from markdown_it.common.utils import normalizeReference
from markdown_it.helpers import parseLinkDestination, parseLinkTitle

from archiver.errors import InputError
from archiver.post import jsx, shortcodes
from archiver.post.stamps import STAMP, stamp

_SPECIAL = re.compile(r"[\\`<\[\]]|!(?=\[)|\{(?=\{[<%]|%)|(?<!\w)https?://")
_AUTOLINK = re.compile(r"<([a-zA-Z][a-zA-Z0-9+.\-]{1,31}:[^<>\x00-\x20]*)>")
_BARE = re.compile(r"https?://[^\s<>\"]+")
_TAG = re.compile(
    r"""(<[A-Za-z][A-Za-z0-9-]*+)((?:\s++[A-Za-z_:][\w:.-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?+)*+\s*+/?>)|</[A-Za-z][A-Za-z0-9-]*+\s*+>""",
    re.ASCII,
)
"""Open and closing tags (CommonMark 0.31 section 6.6); possessive, so that a tag of a million attributes costs no memory."""
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
_SPACE = re.compile(r"[ \t\n]*")
_PLAIN_DESTINATION = re.compile(r"([^\s<>()\\&\x00-\x20\x7f]++)\)")
"""A destination without title, escape, entity or parentheses: what nearly all are."""
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_HIDDEN = ((re.compile(r"<!--"), "-->"), (re.compile(r"<\?"), "?>"), (re.compile(r"<!\[CDATA\["), "]]>"), (re.compile(r"<![A-Za-z]"), ">"))
"""Raw HTML that shows nothing: opening and closing mark."""
MAX_ALT_CHARS = 2000
MAX_OPEN = 100_000
"""Brackets that wait for their end in one block."""
MAX_UNFINISHED = 100_000
"""Links begun and never finished in one block; each costs a search of its own."""

MIN_EXPANDED_CHARS = 5_000_000
"""What references may write out in any document, however short; a longer one may write out four times its own length."""


class References:
    """The link reference definitions of a document. Every use writes its destination out, so their sum is bounded (as cmark does)."""

    def __init__(self, definitions: Mapping[str, Mapping[str, Any]], document_chars: int) -> None:
        self._definitions = definitions
        self._left = max(MIN_EXPANDED_CHARS, 4 * document_chars)

    def __bool__(self) -> bool:
        return bool(self._definitions)

    def target(self, label: str) -> tuple[str, str] | None:
        """(destination, title) of a label, None when it has no definition. Raises InputError when the uses become too much."""
        found = self._definitions.get(normalizeReference(label)) if label.strip() else None
        if not found:
            return None
        url, title = str(found["href"]), str(found["title"])
        self._left -= len(url) + len(title)
        if self._left < 0:
            raise InputError("the post uses long addresses by reference so often that millions of characters result; no person wrote that")
        return url, title


class _Bracket(NamedTuple):
    slot: int
    """Index of the opening mark in the output."""
    after: int
    """Position in the text behind the opening mark."""
    image: bool


class _Scan:
    """One pass over one block."""

    def __init__(self, text: str, references: References, first_line: int) -> None:
        self.text = text
        self.references = references
        self.out: list[str] = []
        self.brackets: list[_Bracket] = []
        self.open_links = 0
        self.dead = 0
        """Waiting `[` below this height of the stack can no longer become links (rule 3)."""
        self.unfinished = 0
        self.jsx_failures = 0
        self._first_line = first_line
        self._breaks: list[int] | None = None
        self._next: dict[str, int] = {}
        self._runs: dict[int, list[int]] | None = None

    def run(self) -> str:
        text, at = self.text, 0
        while found := _SPECIAL.search(text, at):
            start = found.start()
            if start > at:
                self.out.append(_shown(text[at:start]))
            at = _STEPS.get(text[start], _Scan._bare)(self, start)
        self.out.append(_shown(text[at:]))
        return "".join(self.out)

    def line(self, at: int) -> int:
        """The line of a position."""
        if self._breaks is None:
            self._breaks = [found.start() for found in re.finditer("\n", self.text)]
        return self._first_line + bisect_left(self._breaks, at)

    def _find(self, mark: str, at: int) -> int:
        """The next `mark` from `at` on, -1 for none; asked for in rising order, so each stretch is searched once per mark."""
        known = self._next.get(mark, -2)
        if known == -1 or known >= at:
            return known
        self._next[mark] = found = self.text.find(mark, at)
        return found

    def _escape(self, at: int) -> int:
        after = self.text[at + 1 : at + 2]
        if after in _PUNCTUATION:
            self.out.append(escape(after, quote=False))
            return at + 2
        self.out.append("\\" if after != "\n" else "")
        return at + 1

    def _code(self, at: int) -> int:
        if self._runs is None:
            self._runs = {}
            for run in re.finditer(r"`+", self.text):
                self._runs.setdefault(len(run[0]), []).append(run.start())
        end = at
        while self.text.startswith("`", end):
            end += 1
        starts = self._runs.get(end - at, [])
        closing = bisect_left(starts, end)
        if closing == len(starts):
            self.out.append(self.text[at:end])
            return end
        self.out.append(escape(self.text[end : starts[closing]], quote=False))
        return starts[closing] + end - at

    def _angle(self, at: int) -> int:
        text = self.text
        if self._find(">", at) < 0:
            self.out.append("&lt;")
            return at + 1
        if auto := _AUTOLINK.match(text, at):
            url = escape(auto[1])
            self.out.append(f'<a {STAMP}={self.line(at)} href="{url}">{url}</a>')
            return auto.end()
        tag = _TAG.match(text, at)
        if (not tag or "{" in tag[0]) and (element := self._jsx(at)):
            self.out.append(stamp(element[0], self.line(at)))
            return element[1]
        if tag:
            self.out.append(f"{tag[1]} {STAMP}={self.line(at)}{tag[2]}" if tag[1] else tag[0])
            return tag.end()
        for opening, closing in _HIDDEN:
            if opened := opening.match(text, at):
                # `<!-->` and `<!--->` are whole comments (CommonMark 0.31 section 6.6).
                end = self._find(closing, at + 2 if closing == "-->" else opened.end())
                if end >= 0:
                    return end + len(closing)
                break
        self.out.append("&lt;")
        return at + 1

    def _jsx(self, at: int) -> tuple[str, int] | None:
        if not self.text[at + 1 : at + 2].isalpha() or self._find("{", at) < 0 or self.jsx_failures >= jsx.MAX_FAILURES:
            return None
        element = jsx.element(self.text, at)
        self.jsx_failures += element is None
        return element

    def _brace(self, at: int) -> int:
        for opening, (closing, make) in shortcodes.OPENINGS.items():
            if self.text.startswith(opening, at):
                end = self._find(closing, at + len(opening))
                if end < 0:
                    break
                self.out.append(make(self.text[at + len(opening) : end], self.line(at)))
                return end + len(closing)
        self.out.append("{")
        return at + 1

    def _bare(self, at: int) -> int:
        """A bare web address (GFM section 6.9): a link, except inside brackets that may become one."""
        found = _BARE.match(self.text, at)
        if not found or self.open_links:
            self.out.append(self.text[at : at + 4])
            return at + 4
        url = found[0].partition("](")[0].rstrip("?!.,:*_~'")
        closing = len(url) - len(url.rstrip(")"))
        surplus = min(max(url.count(")") - url.count("("), 0), closing)
        url = url[: len(url) - surplus]
        self.out.append(f'<a {STAMP}={self.line(at)} href="{escape(url)}">{escape(url)}</a>')
        return at + len(url)

    def _open(self, at: int) -> int:
        image = self.text[at] == "!"
        if self._find("]", at) < 0:
            self.out.append(self.text[at : at + 1 + image])
            return at + 1 + image
        if self.text.startswith("![[", at) and (embed := shortcodes.obsidian(self.text, at, self.line(at))):
            self.out.append(embed[0])
            return embed[1]
        after = at + (2 if image else 1)
        if len(self.brackets) >= MAX_OPEN:
            raise InputError(f"one paragraph leaves more than {MAX_OPEN:,} brackets open; it is no text a person wrote")
        self.brackets.append(_Bracket(len(self.out), after, image))
        self.open_links += not image
        self.out.append(self.text[at:after])
        return after

    def _close(self, at: int) -> int:
        if not self.brackets:
            self.out.append("]")
            return at + 1
        bracket = self.brackets.pop()
        self.open_links -= not bracket.image
        alive = bracket.image or len(self.brackets) >= self.dead
        self.dead = min(self.dead, len(self.brackets))
        target = self._target(bracket, at) if alive else None
        if target is None:
            self.out.append("]")
            return at + 1
        url, title, end = target
        if bracket.image:
            alt = _plain(self.out[bracket.slot + 1 :])
            del self.out[bracket.slot :]
            line = self.line(bracket.after)
            named = f' title="{escape(title)}"' if title else ""
            self.out.append(f'<img {STAMP}={line} src="{escape(url)}" alt="{escape(alt)}"{named}>')
        else:
            self.out[bracket.slot] = f'<a {STAMP}={self.line(bracket.after)} href="{escape(url)}" title="{escape(title)}">'
            self.out.append("</a>")
            self.dead = len(self.brackets)
        return end

    def _target(self, bracket: _Bracket, at: int) -> tuple[str, str, int] | None:
        """(destination, title, end) of the bracket that closes at `at`: inline, else by reference (sections 6.3 and 6.4)."""
        text, after = self.text, at + 1
        if text.startswith("(", after) and self._find(")", after) >= 0:
            if found := _destination(text, after + 1):
                return found
            self.unfinished += 1
            if self.unfinished > MAX_UNFINISHED:
                raise InputError(
                    f"one paragraph has more than {MAX_UNFINISHED:,} links that are never finished; it is no text a person wrote"
                )
        if not self.references:
            return None
        end = after
        label = text[bracket.after : at] if at - bracket.after <= 999 else ""
        if text.startswith("[", after) and (named := _LABEL.match(text, after)):
            end = named.end()
            label = named[1] or label
        reference = self.references.target(label)
        return (*reference, end) if reference else None


_STEPS: dict[str, Callable[[_Scan, int], int]] = {
    "\\": _Scan._escape,
    "`": _Scan._code,
    "<": _Scan._angle,
    "!": _Scan._open,
    "[": _Scan._open,
    "]": _Scan._close,
    "{": _Scan._brace,
}


def _destination(text: str, at: int) -> tuple[str, str, int] | None:
    """(destination, title, end) of an inline link whose `(` stands before `at`."""
    if plain := _PLAIN_DESTINATION.match(text, at):
        return plain[1], "", plain.end()
    size = len(text)
    at = _skip(text, at)
    url, title = "", ""
    found = parseLinkDestination(text, at, size)
    if found.ok:
        url, at = found.str, found.pos
        spaced = _skip(text, at)
        if spaced > at and text[spaced : spaced + 1] in ('"', "'", "("):
            named = parseLinkTitle(text, spaced, size, None)
            if named.ok:
                title, spaced = named.str, _skip(text, named.pos)
        at = spaced
    return (url, title, at + 1) if text.startswith(")", at) else None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _plain(pieces: list[str]) -> str:
    """The words of already made HTML, for an alternative text: inner pictures stand for their own (section 6.4)."""
    html = "".join(pieces[:MAX_ALT_CHARS])[: 4 * MAX_ALT_CHARS]
    if "<" not in html and "&" not in html:
        return html[:MAX_ALT_CHARS]
    html = re.sub(r'<img [^>]*? alt="([^"]*)"[^>]*>', r"\1", html)
    return unescape(re.sub(r"<[^>]*>", "", html))[:MAX_ALT_CHARS]


def _shown(text: str) -> str:
    """Plain text as HTML. Character references mean the same in both languages and stay."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def html_of(text: str, references: References, first_line: int) -> str:
    """The HTML of one block's text; its first character stands in line `first_line` of the document."""
    return _Scan(text, references, first_line).run() if _SPECIAL.search(text) else _shown(text)
