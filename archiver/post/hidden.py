"""What must be known of a post before Markdown divides it into blocks: notations of site generators that reach over lines.

1. Code and comments of the generators show nothing: Liquid `highlight`, `codeblock`, `comment`; Hugo `highlight` and `{{/* */}}`;
   MDX `{/* */}`; Obsidian `%% %%`. In Liquid `raw` only the notations of generators are plain text, Markdown goes on.
2. A shortcode over several lines is one thing, whatever its lines begin with.
3. Markdown's own code and comments come first: what stands in them stays as it is.
4. A footnote is an item of a list: Markdown alone takes `[^1]: ![](a.jpg)` for the definition of an address.
5. No line is added or lost, and what takes the place of a line (`NEUTRAL`) begins no block.
"""

from __future__ import annotations

import re

from archiver.post.shortcodes import NEUTRAL

_MAY_CONCERN = re.compile(r"\{[{%]|\{\s*/\*|%%|^ {0,3}\[\^", re.MULTILINE)
_MARK = re.compile(
    r"""(?P<escape>\\[\\`{%<])
    |(?P<fence>^(?:[ \t>*+-]|\d{1,9}[.)])*+(?:`{3,}+(?=[^`\n]*$)|~{3,}+))
    |(?P<code>`++)
    |(?P<comment><!--)
    |(?P<liquid>\{%-?\s*(?:highlight|codeblock|comment|raw)\b[^{}]{0,500}?%\})
    |(?P<hugo>\{\{[<%]\s*highlight\b[^{}]{0,500}?[>%]\}\})
    |(?P<note>\{\{?-?\s*/\*)
    |(?P<line>(?<![\w%/.=:])%%(?!%)[^\n]+?%%(?![\w%]))
    |(?P<lines>^[ ]{0,3}%%(?!%))
    |(?P<footnote>^[ ]{0,3}\[\^[^\]\s]{1,200}\]:[ \t]*)
    |(?P<shortcode>\{\{<[^{}]*>\}\}|\{\{%[^{}]*%\}\}|\{%[^{}]*%\})""",
    re.MULTILINE | re.VERBOSE,
)
_MARKDOWN_ONLY = frozenset(("escape", "fence", "code", "line", "lines", "footnote"))
_LIQUID_NAME = re.compile(r"\w+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_FENCE_LINE = re.compile(r"\n[ \t>]*(?:```|~~~)")
_NOTE_END = re.compile(r"\*/\s*-?\}")
_GENERATED = re.compile(r"\{(?=[{%])")
MAX_SPAN_CHARS = 1000
"""A longer code span is not looked for."""


def prepared(text: str, *, markdown: bool) -> str:
    """`text` with those notations taken out or held together. Without `markdown` it is HTML: rule 3 is for comments only."""
    return _Pass(text, markdown).run() if _MAY_CONCERN.search(text) else text


class _Pass:
    """One pass from left to right; a closing mark that was not found once is not looked for again."""

    def __init__(self, text: str, markdown: bool) -> None:
        self.text = text
        self.markdown = markdown
        self.out: list[str] = []
        self.missing: set[str] = set()

    def run(self) -> str:
        at = 0
        while found := _MARK.search(self.text, at):
            kind = found.lastgroup or ""
            # Where a mark means nothing, the search goes on behind its first character.
            end = 0 if kind in _MARKDOWN_ONLY and not self.markdown else self._end(kind, found)
            end = max(end, found.start() + 1)
            self.out += (self.text[at : found.start()], self._instead(kind, self.text[found.start() : end]))
            at = end
        return "".join((*self.out, self.text[at:]))

    def _end(self, kind: str, found: re.Match[str]) -> int:
        """Where the thing that begins with this mark ends; 0 when it is none."""
        match kind:
            case "fence":
                mark = found[0].lstrip(" \t>*+-.)0123456789")
                return self._closing(rf"^[ \t>]*{mark}[`~]*[ \t]*$", found.end()) or len(self.text)
            case "code":
                return self._span(found)
            case "comment":
                return self._closing("-->", found.start() + 2)
            case "liquid":
                name = _LIQUID_NAME.search(found[0])
                return self._closing(rf"\{{%-?\s*end{name[0] if name else ''}\s*-?%\}}", found.end())
            case "hugo":
                return self._closing(r"\{\{[<%]\s*/\s*highlight\s*[>%]\}\}", found.end())
            case "note":
                end = _NOTE_END.match(self.text, max(self._closing(r"\*/", found.end()) - 2, 0))
                return end.end() + self.text.startswith("}", end.end()) * found[0].startswith("{{") if end else 0
            case "lines":
                return self._closing(r"%%[ \t]*$", found.end())
            case _:
                return found.end()

    def _closing(self, pattern: str, at: int) -> int:
        """The end of the next match; 0 for none."""
        if pattern in self.missing:
            return 0
        found = re.compile(pattern, re.MULTILINE).search(self.text, at)
        if not found:
            self.missing.add(pattern)
        return found.end() if found else 0

    def _span(self, opening: re.Match[str]) -> int:
        """The end of a code span: as many backticks again, in the same paragraph; else that of the backticks."""
        blank = _BLANK_LINE.search(self.text, opening.end(), opening.end() + MAX_SPAN_CHARS)
        end = blank.start() if blank else opening.end() + MAX_SPAN_CHARS
        closing = re.compile(rf"(?<!`){opening[0]}(?!`)").search(self.text, opening.end(), end)
        return closing.end() if closing else opening.end()

    def _instead(self, kind: str, whole: str) -> str:
        if len(whole) == 1 or kind in ("escape", "fence", "code", "comment"):
            return whole
        if kind == "footnote":
            return "- "
        if kind == "shortcode":
            together = self.markdown and "\n" in whole and not _BLANK_LINE.search(whole) and not _FENCE_LINE.search(whole)
            return whole.replace("\n", f"\n{NEUTRAL}") if together else whole
        if kind == "liquid" and (name := _LIQUID_NAME.search(whole)) and name[0] == "raw":
            return _raw(whole)
        neutral = NEUTRAL if self.markdown else ""
        return neutral + f"\n{neutral}" * whole.count("\n")


def _raw(whole: str) -> str:
    """A Liquid `raw` block whose inside no longer looks like the notation of a generator."""
    start, end = whole.index("%}") + 2, whole.rindex("{%")
    return whole[:start] + _GENERATED.sub("&#123;", whole[start:end]) + whole[end:]
