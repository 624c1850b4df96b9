"""Tags of MDX posts: HTML whose attributes may hold expressions in braces.

What can be known from the post is kept: strings, numbers, `require("./a.png")`. An expression under `src` stays in its braces, so that
the picture can be named as out of reach; every other expression (`style={{...}}`, `{...props}`, `onClick={...}`) is left out.
"""

from __future__ import annotations

import re
from html import escape

MAX_TAG_CHARS = 4000
MAX_FAILURES = 1000
"""Tags begun and never finished in one block; each may cost a look at `MAX_TAG_CHARS`."""


def _braced(depth: int) -> str:
    """A pattern for a balanced `{...}`, strings respected; possessive, so that it never looks twice."""
    deeper = f"|{_braced(depth - 1)}" if depth else ""
    return r"""\{(?:[^{}"'`]++|"[^"\n]*+"|'[^'\n]*+'|`[^`]*+`|["'`]""" + deeper + r")*+\}"


_VALUE = rf"""(?:"[^"]*+"|'[^']*+'|{_braced(4)}|[^\s"'=<>`{{}}]++)"""
# No group is captured inside a possessive repeat: Python 3.11 can fail on it (python/cpython issue 101955).
_TAG = re.compile(rf"(<[A-Za-z][\w.-]*+)((?:\s++(?:[\w:.@-]++(?:\s*+=\s*+{_VALUE})?+|{_braced(4)}))*+)(\s*+/?>)")
_ATTRIBUTE = re.compile(rf"\s++(?:([\w:.@-]++)(?:\s*+=\s*+({_VALUE}))?|{_braced(4)})")
_LITERAL = re.compile(r"""(?:require\(\s*)?(?:"([^"]*)"|'([^']*)'|`([^`$]*)`|(\d+))(?:\s*\)(?:\.default)?)?""")
_START = re.compile(r"<[A-Za-z]")


def element(text: str, at: int) -> tuple[str, int] | None:
    """The tag at `at` as HTML (`src={"a.png"}` -> `src="a.png"`) and its end; None when no whole tag stands there."""
    found = _TAG.match(text, at, at + MAX_TAG_CHARS)
    if not found:
        return None
    return found[1] + _ATTRIBUTE.sub(_attribute, found[2]) + found[3], found.end()


def plain(html: str) -> str:
    """Raw HTML with every such tag made HTML."""
    if "{" not in html:
        return html
    out: list[str] = []
    at = failures = 0
    while failures < MAX_FAILURES and (start := _START.search(html, at)):
        made, end = element(html, start.start()) or ("", 0)
        out += (html[at : start.start()], made or html[start.start() : start.end()])
        at = end or start.end()
        failures += not end
    return "".join((*out, html[at:]))


def _attribute(found: re.Match[str]) -> str:
    name, value = found[1], found[2] or ""
    if name and not value.startswith("{"):
        return found[0]
    breaks = "\n" * found[0].count("\n")
    literal = _LITERAL.fullmatch(value[1:-1].strip()) if name else None
    if literal:
        return f'{breaks} {name}="{escape(next((part for part in literal.groups() if part), ""))}"'
    return f'{breaks} src="{escape(value)}"' if name == "src" else breaks
