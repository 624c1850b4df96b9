"""Names in a post that stand for addresses, filled in where the post itself tells what they mean.

1. Liquid (Jekyll, before Markdown): `{{ site.baseurl }}/a.jpg`, `{{ "/a.jpg" | relative_url }}`, `{% link a.jpg %}`. The site's own root
   is where the post stands, so `site.url` and `site.baseurl` are empty.
2. MDX: `import hero from './hero.jpg'`, then `<Image src={hero} />`.

What only the generator knows (`{{ page.cover }}`) loses its spaces, so that Markdown sees an address there and the picture can be named
as out of reach. No line is added or lost.
"""

from __future__ import annotations

import re

_LIQUID = re.compile(r"\{\{-?[ \t]*([^{}<>%\n*/ \t][^{}<>\n]{0,300}?)[ \t]*-?\}\}|\{%-?[ \t]*link[ \t]+([^\s{}%]{1,300})[ \t]*-?%\}")
_FILTERS = r"(?:relative_url|absolute_url|prepend:\s*site\.(?:base)?url|escape|uri_escape|strip)"
_LITERAL = re.compile(rf"""(?:"([^"]*)"|'([^']*)')(?:\s*\|\s*{_FILTERS})*""")
_ROOT = re.compile(rf"site\.(?:base)?url(?:\s*\|\s*{_FILTERS})*|(?:''|\"\")")
_COMPUTED = re.compile(r"[A-Za-z_][\w.\[\]-]*(?:\s*\|[^|\"'()]*)*")
_IMPORT = re.compile(
    r"""^(?:import\s+(?:\*\s+as\s+)?(\w+)\s+from\s+|(?:export\s+)?const\s+(\w+)\s*=\s*require\(\s*)["']([^"'\n]+)["']""", re.MULTILINE
)
_USE = re.compile(r"(\s(?:src|poster|href)=)\{\s*(\w+)(?:\.src|\.default)?\s*\}")


def filled(text: str) -> str:
    """`text` with the addresses that such names stand for."""
    if "{{" in text or "{%" in text:
        text = _LIQUID.sub(_liquid, text)
    if "={" in text and (imported := {found[1] or found[2]: found[3] for found in _IMPORT.finditer(text)}):
        text = _USE.sub(lambda use: f'{use[1]}"{imported[use[2]]}"' if use[2] in imported else use[0], text)
    return text


def _liquid(found: re.Match[str]) -> str:
    if found[2]:
        return "/" + found[2].lstrip("/")
    inside = found[1]
    if literal := _LITERAL.fullmatch(inside):
        return literal[1] or literal[2] or ""
    if _ROOT.fullmatch(inside):
        return ""
    return "{{" + re.sub(r"\s+", "", inside) + "}}" if _COMPUTED.fullmatch(inside) else found[0]
