"""A block rule for the CommonMark library that knows a plain paragraph by the beginnings of its lines.

The library asks eleven rules for every paragraph and six for every further line of it; for a post of a hundred thousand short
paragraphs that is most of the time. Here a line whose first character begins no block costs one look. Wherever there is a doubt (an
underline that makes a heading, the second row of a table, a definition) the rule steps back and the library decides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it.common.utils import mdTrim

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock

PLAIN = "plain_paragraph"
"""Type of the one token for such a paragraph; its text is in `content`."""

_PLAIN_LINE = re.compile(r"""[^\s#>*+\-=_~`<|:\[\d]|\*{1,2}[^\s*_-]|_[^\s_*-]|`[^`]|\d++[^.)\d]|\[(?=[!\[])|\[[^\]\n]{0,200}\]\(""")
"""The beginning of a line that begins no block (CommonMark 0.31 section 4) and makes the line above it no heading, table or definition."""
_UNDERLINE = re.compile(r"[=|:\-][=|:\- \t]*(?:\n|\Z)")
"""What makes a heading of the line above it, or a table."""


def enable(markdown: MarkdownIt) -> None:
    """Ask this rule before all others."""
    markdown.block.ruler.before("table", PLAIN, _paragraph)


def _paragraph(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:  # noqa: ARG001 - the library's signature
    if silent or state.sCount[start_line] - state.blkIndent > 3 or not _plain(state, start_line):
        return False
    line, terminators = start_line + 1, state.md.block.ruler.getRules("paragraph")
    outer, state.parentType = state.parentType, "paragraph"
    try:
        while line < state.lineMax and not state.isEmpty(line):
            if not _plain(state, line):
                if _doubtful(state, line):
                    return False
                if any(rule(state, line, state.lineMax, True) for rule in terminators):
                    break
            line += 1
    finally:
        state.parentType = outer
    token = state.push(PLAIN, "", 0)
    token.content = mdTrim(state.getLines(start_line, line, state.blkIndent, False))
    token.map = [start_line, line]
    state.line = line
    return True


def _plain(state: StateBlock, line: int) -> bool:
    return _PLAIN_LINE.match(state.src, state.bMarks[line] + state.tShift[line]) is not None


def _doubtful(state: StateBlock, line: int) -> bool:
    """Lines at which the library's paragraph has rules of its own: continued lazily, or underlining."""
    indent = state.sCount[line]
    return indent < 0 or indent - state.blkIndent > 3 or _UNDERLINE.match(state.src, state.bMarks[line] + state.tShift[line]) is not None
