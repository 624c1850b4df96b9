"""Pictures that site generators write in a notation of their own: Hugo, Jekyll, Obsidian, MDX.

Each notation becomes the HTML that the generator would make of it, as far as its pictures go. What cannot be known from the post alone
(a glob over a folder, a variable) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from archiver.post.stamps import STAMP

_NAMED = re.compile(r"""([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|`([^`]*)`|([^\s"'`<>=]+))""")
_WORD = re.compile(r""""((?:[^"\\]|\\.)*)"|'([^']*)'|`([^`]*)`|([^\s"'`]+)""")
_PICTURE_END = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp|tiff?|heic)(?:[?#].*)?$", re.IGNORECASE)
_SOURCES = ("src", "image_path", "url", "path", "file", "image", "img", "filename")
_SHORTCODE = re.compile(r"\{\{<[^{}]*>\}\}|\{\{%[^{}]*%\}\}|\{%[^{}]*%\}")
_OBSIDIAN = re.compile(r"!\[\[([^\[\]|\n]{1,1000})(?:\|([^\[\]\n]{0,1000}))?\]\]")

HUGO_NAMES = frozenset(
    ("figure", "img", "image", "picture", "pic", "imgproc", "gallery", "galleryimage", "photo", "lightbox", "thumbnail", "load-photoswipe")
)
JEKYLL_NAMES = frozenset(
    ("figure", "image", "img", "picture", "gallery", "responsive-image", "responsive_image", "thumbnail", "lightbox", "asset_img")
)
"""The last one is Hexo's."""

NEUTRAL = "\ufdd0"
"""Begins a line that must begin no block; a noncharacter, taken away again when the blocks are known."""

OPENINGS: dict[str, tuple[str, Callable[[str, int], str]]] = {}
"""Opening of a shortcode -> its closing and what makes HTML of the text between, given the line."""


def html_of(name: str, rest: str, line: int) -> str:
    """The `<figure>` for one shortcode: pictures by name (`src=`) or by position (`"a.jpg"`), link, caption."""
    named = {key.lower(): next((v for v in values if v), "") for key, *values in _NAMED.findall(rest)}
    sources = [named[key] for key in _SOURCES if named.get(key)][:1]
    if not sources:
        words = (next((v for v in found if v), "") for found in _WORD.findall(_NAMED.sub(" ", rest)))
        sources = [word for word in words if _PICTURE_END.search(word)]
    if name == "imgproc":
        sources = sources[:1]
    caption = named.get("caption") or named.get("title", "")
    pictures = "".join(_picture(src, named, line) for src in sources if "{{" not in src)
    return f"<figure>{pictures}<figcaption>{escape(caption)}</figcaption></figure>" if pictures else ""


def _picture(src: str, named: dict[str, str], line: int) -> str:
    image = f'<img {STAMP}={line} src="{escape(src)}" alt="{escape(named.get("alt", ""))}">'
    target = named.get("link", "")
    return f'<a {STAMP}={line} href="{escape(target)}">{image}</a>' if target else image


def _hugo(inside: str, line: int) -> str:
    name, *rest = inside.replace(NEUTRAL, "").strip().split(None, 1)[:2] or [""]
    return html_of(name.lower(), "".join(rest).rstrip("/"), line) if name.lower() in HUGO_NAMES else ""


def _jekyll(inside: str, line: int) -> str:
    words = inside.replace(NEUTRAL, "").strip().strip("-").split(None, 1)
    if len(words) == 2 and words[0] in ("include", "include_cached", "include_relative"):
        words = words[1].split(None, 1)
    if not words:
        return ""
    file = words[0].rpartition("/")[2].lower()
    name = file.removesuffix(".html").removesuffix(".liquid")
    if name not in JEKYLL_NAMES or len(words) != 2:
        return ""
    rest = words[1]
    if file.endswith(".liquid"):  # al-folio's figure makes `path` an address from the root of the site
        rest = re.sub(r"""\b(path=["']?+)(?!/|\w+:)""", r"\1/", rest)
    return html_of(name, rest, line)


OPENINGS.update({"{{<": (">}}", _hugo), "{{%": ("%}}", _hugo), "{%": ("%}", _jekyll)})


def expanded(html: str, first_line: int) -> str:
    """Raw HTML with its shortcodes made HTML; its first character stands in line `first_line`."""
    if "{{" not in html and "{%" not in html:
        return html
    out: list[str] = []
    at, line = 0, first_line
    for found in _SHORTCODE.finditer(html):
        line += html.count("\n", at, found.start())
        opening = found[0][:2] if found[0].startswith("{%") else found[0][:3]
        closing, make = OPENINGS[opening]
        # The line breaks stay, so that the lines of what follows stay too.
        out += (html[at : found.start()], make(found[0][len(opening) : -len(closing)], line), "\n" * found[0].count("\n"))
        line += found[0].count("\n")
        at = found.end()
    return "".join((*out, html[at:]))


def obsidian(text: str, at: int, line: int) -> tuple[str, int] | None:
    """`![[name.png|300]]` at `at`: the HTML and the end; None when there is none. A size after the bar is no alternative text."""
    found = _OBSIDIAN.match(text, at)
    if not found or text.startswith("(", found.end()):
        return None
    name, _, _ = found[1].strip().partition("#")
    alt = found[2] or ""
    if re.fullmatch(r"\s*\d+\s*(?:x\s*\d+\s*)?", alt):
        alt = ""
    if not _PICTURE_END.search(name):
        return None
    return f'<img {STAMP}={line} src="{escape(name)}" alt="{escape(alt)}">', found.end()
