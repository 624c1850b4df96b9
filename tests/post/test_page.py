"""The page that stands for a post in its archive."""

from archiver.post.html import Tree
from archiver.post.page import MAX_RENDERED_CHARS, render
from archiver.post.read import Document, read


def page_of(text: str, name: str = "post.md", base: str = "https://blog.example/p/") -> tuple[Document, str, Tree]:
    document = read(text.encode(), name, base_url=base)
    page = render(document.post, document.links, base=document.base)
    return document, page, Tree(page)


def sources(tree: Tree) -> list[str]:
    return [node.attributes.get("src") or "" for node in tree.css("img")]


def words(tree: Tree, query: str) -> str:
    node = tree.css_first(query)
    return node.text() if node else ""


def test_title_author_date_words_and_pictures():
    _, page, tree = page_of(
        '+++\ntitle = "A & <B>"\nauthor = "Ann"\ndate = 2020-01-02\n+++\n'
        "Some *words*.\n\n[ ![x](https://a.example/1%2C.jpg?a=1&b=*)](https://a.example/1%2C.jpg?a=1&b=*) A caption"
    )
    assert page.startswith("<!DOCTYPE html>")
    assert (words(tree, "title"), words(tree, "header h1"), words(tree, "header p")) == ("A & <B>", "A & <B>", "Ann · 2020-01-02")
    assert words(tree, "em") == "words"
    assert "A caption" in words(tree, "main")
    assert sources(tree) == ["https://a.example/1%2C.jpg?a=1&b=*"]
    assert '<meta charset="utf-8">' in page


def test_the_title_is_shown_once():
    _, _, tree = page_of("# A *title*\n\nwords")
    assert [node.text() for node in tree.css("h1")] == ["A title"]
    _, _, tree = page_of("---\ntitle: T\n---\n# A *title*\n\nwords")
    assert [node.text() for node in tree.css("h1")] == ["T", "A title"]


def test_pictures_the_text_does_not_show_stand_at_the_end():
    _, _, tree = page_of('---\nimage: /cover.jpg\n---\n![](in.jpg)\n\n{{< figure src="hugo.jpg" caption="From Hugo" >}}')
    assert sources(tree) == ["https://blog.example/p/in.jpg", "https://blog.example/cover.jpg", "https://blog.example/p/hugo.jpg"]
    assert words(tree, "figcaption") == "From Hugo"


def test_an_html_page_is_shown_without_what_runs_or_loads():
    hostile = """<html><head><title>T</title><base href="https://cdn.example/"><meta http-equiv=refresh content="0;url=//evil.example">
    <link rel=stylesheet href=//evil.example/s.css><script>alert(1)</script></head>
    <body onload=alert(1)><h2 style="x" onclick=alert(1)>Head</h2>
    <iframe src=//evil.example></iframe><form action=//evil.example><input name=x><p>kept words</p></form>
    <object data=//evil.example></object>
    <a href="javascript:alert(1)" onclick=x>js</a> <a href="/page" target=_top>page</a> <svg><script>alert(1)</script></svg>
    <img src=a.jpg onerror=alert(1) srcset="b.jpg 2x" style="x"> <img src=blank.gif data-src=c.jpg><noscript><img src=c.jpg></noscript>
    <custom-element>in custom</custom-element><video src=//evil.example/v.mp4 poster=p.jpg></video></body></html>"""
    document, page, tree = page_of(hostile, "page.html")
    main = tree.css_first("main")
    assert main is not None
    inner = main.html or ""
    assert "evil.example" not in page
    assert "alert" not in inner
    assert not [
        name for node in main.css("*") for name in node.attributes if name.startswith("on") or name in ("style", "srcset", "target")
    ]
    assert [node.attributes.get("href") for node in main.css("a")] == [None, "https://cdn.example/page"]
    assert "kept words" in inner
    assert "in custom" in inner
    assert {link.url for link in document.links} == set(sources(tree))
    assert sources(tree)[:2] == ["https://cdn.example/a.jpg", "https://cdn.example/c.jpg"]


def test_raw_html_in_markdown_is_made_harmless_too():
    _, page, _ = page_of(
        "<script>alert(1)</script>\n\nx <img src=x onerror=alert(1)> <b onclick=alert(1)>y</b>\n\n[z](javascript:alert(1))"
    )
    assert "alert" not in page


def test_hostile_captions_and_titles_are_words():
    _, _, tree = page_of(
        '---\ntitle: "</title><script>alert(1)</script>"\n---\n{{< figure src="a.jpg" caption="<script>alert(2)</script>" >}}'
    )
    assert not tree.css("script")
    assert words(tree, "figcaption") == "<script>alert(2)</script>"


def test_a_very_long_post_is_shown_as_plain_text_after_its_pictures():
    _, _, tree = page_of("![](a.jpg) cap\n\n" + "<b>word</b> " * (MAX_RENDERED_CHARS // 10))
    assert sources(tree) == ["https://blog.example/p/a.jpg"]
    assert words(tree, "figcaption") == "cap"
    assert words(tree, "main > pre").startswith("![](a.jpg) cap")


def test_a_picture_in_the_page_itself_stays():
    _, _, tree = page_of("![](data:image/png;base64,iVBORw0KGgo=) ![](data:image/svg+xml,<svg/onload=alert(1)>)")
    assert sources(tree) == ["data:image/png;base64,iVBORw0KGgo=", ""]
