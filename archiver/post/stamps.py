"""Line numbers for a parser that keeps none: every start tag is given its line as an attribute before the parse.

The parser then decides which of the stamped tags are real. A stamp that lands inside a comment, a script or an attribute's value does
no harm: the first two are not read, from values `unstamp` takes it away. One pass over the source, no search per element.
"""

from __future__ import annotations

import re

STAMP = "data-archiver-line"
_START = re.compile(r"\n|<[A-Za-z][^\s/>]*")
_STAMPED = re.compile(rf" {STAMP}=\d+")


def stamp(html: str, first_line: int = 1) -> str:
    """`html` with ` data-archiver-line=N` after the name of every start tag; line breaks are `\\n`."""
    line = first_line

    def mark(found: re.Match[str]) -> str:
        nonlocal line
        if found[0] == "\n":
            line += 1
            return "\n"
        return f"{found[0]} {STAMP}={line}"

    return _START.sub(mark, html)


def unstamp(value: str) -> str:
    return _STAMPED.sub("", value) if STAMP in value else value
