"""Laws of the reader, on generated and on hostile posts."""

from html import escape

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from archiver.errors import InputError
from archiver.post import html, markdown, paragraphs
from archiver.post.page import render
from archiver.post.read import Document, plan, read

MARKS = ["!", "[", "]", "(", ")", "a", "b", "\\", "`", "``", "<", ">", "*", "_", " ", "\n", "\n\n", '"', "'", "- ", "> ", "    ", "|", "é"]
WHOLE = [
    "<x:y>",
    "![a](b)",
    "[a]: u\n",
    "[b]: <v> 't'\n",
    "[a]",
    "[b][a]",
    "](u)",
    "<b>",
    "-->",
    "&amp;",
    "![",
    "<a href=q>",
    "</a>",
    "<img src=z>",
]
NOTATIONS = [
    "<!--",
    "{{< figure src='c.jpg' >}}",
    "{% include figure x.png %}",
    "![[o.png|3]]",
    "<Image src={'m.png'} />",
    "{",
    "https://a.example/h.jpg",
    "{% raw %}",
    "{% endraw %}",
    "{{< highlight x >}}",
    "{{< /highlight >}}",
    "{/*",
    "*/}",
    "%%",
    "<img a={b} src=",
    "\n[^1]: ",
    "{{ site.baseurl }}/",
    "{{ 'a.jpg' | relative_url }}",
    "{% link a.jpg %}",
    "\nimport x from './a.jpg'\n",
    "<Image src={x} />",
]
HTML = ["<table>", "<svg>", "<style>", "<script>", "<noscript>", "<p style='background:url(s.png)'>", "<picture><source srcset='p.jpg 2x'>"]
HEADS = [
    "+++\n",
    "---\n",
    "image: f.jpg\n",
    "images: &x [*x, a]\n",
    "cover: *y\n",
    "<!doctype html>",
    "<base href=//b.example/>",
    "<a href=full.jpg>",
    "\ufeff",
    "\x00",
    "\r\n",
]
HEADS += ["images: &x [*x, a]\n", "cover: *y\n"]
SCRAPS = st.sampled_from(MARKS + WHOLE)
MARKDOWN = st.lists(SCRAPS, max_size=16).map("".join)
MORE = st.sampled_from(NOTATIONS + HTML + HEADS)
POSTS = st.lists(SCRAPS | MORE, max_size=20).map("".join)
NAMES = st.sampled_from(["post.md", "page.html", "-", "https://a.example/x"])


def sources(page: str) -> list[str]:
    return [node.attributes.get("src") or "" for node in html.Tree(page).css("img")]


@settings(max_examples=200, deadline=None)
@given(MARKDOWN)
def test_the_pictures_are_those_of_the_commonmark_library(text: str):
    # Two known differences, both faults of the library against CommonMark 0.31: what it does after `](<` without an end,
    # and `--->` as the end of a comment.
    assume("](<" not in text)
    assume("--->" not in text)
    assert sources(markdown.skeleton(text)) == sources(markdown.parser().render(text))


STARTS = st.sampled_from(
    ["a", "- ", "1. ", "12", "> ", "# ", "#", "    ", "  ", "===", "---", "--", "| a |", "|--|", ":-", "a | b", "-|-", "[a]: u", "[a](u)",
     "[![a", "![", "**b**", "* ", "***", "_a_", "___", "`", "```", "~~~", "<div>", "<b>", "<!-- ", "+ ", "\\", "\t", ""]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(STARTS, STARTS), max_size=8))
def test_a_plain_paragraph_is_a_paragraph_of_the_commonmark_library(lines: list[tuple[str, str]]):
    text = "\n".join(start + more for start, more in lines)
    quick, slow = markdown.parser(), markdown.parser()
    paragraphs.enable(quick)
    assert shapes(quick, text) == shapes(slow, text)


def shapes(parser: MarkdownIt, text: str) -> list[tuple[str, str, object]]:
    env: dict[str, object] = {}
    tokens: list[Token] = []
    parser.block.parse(text, parser, env, tokens)
    found = []
    for token in tokens:
        if token.type == paragraphs.PLAIN:
            found += [("paragraph_open", "", token.map), ("inline", token.content, token.map), ("paragraph_close", "", None)]
        else:
            found.append((token.type, token.content, token.map))
    return [*found, ("references", repr(env.get("references")), None)]


def read_or_refuse(raw: bytes, name: str) -> Document | None:
    try:
        return read(raw, name, base_url="https://base.example/dir/")
    except InputError:
        return None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), NAMES)
def test_any_bytes_are_read_or_refused(raw: bytes, name: str):
    read_or_refuse(raw, name)


@settings(max_examples=200, deadline=None)
@given(POSTS, NAMES)
def test_reading_twice_gives_the_same(text: str, name: str):
    first = read_or_refuse(text.encode(), name)
    assert first == read_or_refuse(text.encode(), name)


@settings(max_examples=200, deadline=None)
@given(POSTS, NAMES)
def test_links_are_absolute_and_stand_on_a_line_of_the_post(text: str, name: str):
    document = read_or_refuse(text.encode(), name)
    assume(document is not None)
    assert document is not None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    for link in document.links:
        assert link.url.lower().startswith(("http://", "https://"))
        assert "#" not in link.url
        assert 1 <= link.line <= lines


@settings(max_examples=200, deadline=None)
@given(POSTS, NAMES)
def test_the_rendered_page_shows_every_target_and_runs_nothing(text: str, name: str):
    document = read_or_refuse(text.encode(), name)
    assume(document is not None)
    assert document is not None
    page = render(document.post, document.links, base=document.base)
    shown = set(sources(page))
    assert {target.url for target in plan(document.links)} <= shown
    tree = html.Tree(page)
    assert not tree.css("script, iframe, object, base, link, form, svg, noscript, template, [onerror], [onload], [srcset]")
    assert all(node.attributes.get("href", "").startswith(("http://", "https://")) for node in tree.css("a[href]"))


PICTURE = "![](https://a.example/a.jpg)"
HOSTILE = {
    "brackets": "[" * 90_000 + PICTURE + "]" * 90_000,
    "unclosed brackets": "[" * 90_000 + "a " + PICTURE,
    "nested links": "[" * 50_000 + PICTURE + "](u)" * 50_000,
    "nested images": PICTURE + "![" * 50_000 + "a" + "](https://a.example/b.jpg)" * 50_000,
    "emphasis": "*a **b _c __d " * 10_000 + PICTURE,
    "backticks of every length": PICTURE + " ".join("`" * n for n in range(1, 900)),
    "unclosed comments": PICTURE + "a <!-- " * 60_000,
    "unclosed instructions": PICTURE + "a <? " * 60_000,
    "unclosed tags": PICTURE + "<a b='" * 60_000,
    "unclosed destinations": PICTURE + "[a](<b" * 60_000,
    "unclosed titles": PICTURE + '[a](b "' * 60_000,
    "unclosed shortcodes": PICTURE + "{{< figure " * 60_000,
    "unclosed expressions": PICTURE + "<a b={{ " * 60_000,
    "unclosed expressions in a block": "<div>" + "<a b={{ " * 60_000 + "\n\n" + PICTURE,
    "unclosed comments of generators": PICTURE + "{% comment %} {{/* {/* %% x\n" * 30_000,
    "unclosed code of generators": PICTURE + "\n%% {{< highlight x >}} `` {% raw %} `" * 20_000,
    "quotes in quotes": ">" * 100_000 + PICTURE,
    "lists in lists": "".join("  " * n + "- a\n" for n in range(300)) + "\n" + PICTURE,
    "a tag of many attributes": PICTURE + "<img" + " b" * 100_000 + ">",
    "attributes without end": PICTURE + "\n\n<p>\n<img " + " ".join(f"a{n}" for n in range(100_000)) + ">",
    "open elements": "<div>" * 100_000 + "\n\n" + PICTURE,
    "open styled elements": "<html>" + '<div style="background:url(https://a.example/a.jpg)">' * 5_000,
    "open formatting": "".join(f"<font x={n}><p>" for n in range(30_000)) + "\n\n" + PICTURE,
    "open figures": "<figure>" * 50_000 + "<img src=https://a.example/a.jpg>",
    "a bare address and its brackets": PICTURE + " https://a.example/a.jpg" + ")" * 200_000,
    "unclosed variables": PICTURE + "{{ a | b " * 60_000 + "{% link " * 60_000,
    "unclosed sets": "<html><style>" + "a{background:image-set(" * 50_000 + "</style><img src=https://a.example/a.jpg>",
    "footnotes": "[^1]: a\n" * 50_000 + "\n" + PICTURE,
    "deep YAML": "---\na: " + "[" * 30_000 + "\n---\n" + PICTURE,
    "deep JSON": '<html><script type="application/ld+json">' + "[" * 100_000 + "</script><img src=https://a.example/a.jpg>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_posts_cost_no_more_than_their_length(name: str):
    """Each of these takes minutes where time grows with the square of the length."""
    document = read(HOSTILE[name].encode(), "post.md" if "<html>" not in HOSTILE[name] else "post.html")
    assert "https://a.example/a.jpg" in {target.url for target in plan(document.links)}
    page = render(document.post, document.links, base=document.base)
    assert f'src="{escape("https://a.example/a.jpg")}"' in page


@pytest.mark.parametrize(
    "scrap",
    [
        "![a](b.jpg)\n",
        "![a] ",
        "[^1]: ![a](b.jpg) words, words, words\n\n",
        '{{< img src="a.jpg" >}}\n\n',
        "[abcdef]: b.jpg\n",
        "[![a](s.jpg)](f.jpg)\n\n",
        "# a\n\n",
        "- a\n  - b\n",
        "- ![a](images/b.jpg) some words\n",
        "<a href='f.jpg'>x\n\n",
    ],
)
def test_hundreds_of_thousands_of_marks_are_refused_in_one_sentence(scrap: str):
    with pytest.raises(InputError, match=r"^post.md: the post has [\d,]+ .*; it is no text a person wrote$"):
        read(("[a]: b.jpg\n\n" + scrap * (5_000_000 // len(scrap))).encode(), "post.md")


def test_more_pictures_than_a_page_can_have_are_refused():
    with pytest.raises(InputError, match="more than 300,000 places"):
        read(('<html><script type="application/ld+json">{"image":[' + '"b.jpg",' * 300_001 + '""]}</script>').encode(), "post.html")


def test_a_hundred_thousand_pictures():
    text = "".join(f"![p{n}](https://a.example/{n}.jpg) caption {n}\n" for n in range(100_000))
    links = read(text.encode(), "post.md").links
    assert len(plan(links)) == 100_000
    assert (links[-1].line, links[-1].caption) == (100_000, "caption 99999")


def test_a_hundred_thousand_pictures_in_paragraphs_of_their_own():
    assert len(read(("![a](https://a.example/b.jpg)\n\n" * 100_000).encode(), "post.md").links) == 100_000


def test_a_picture_carried_in_the_post_may_be_used_again_and_again():
    text = "![dot] " * 50 + "\n\n[dot]: data:image/png;base64," + "iVBORw0K" * 5_000
    assert len(read(text.encode(), "post.md").data_images) == 50
