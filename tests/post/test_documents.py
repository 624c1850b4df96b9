"""Documents as people have them: front matter, charsets, what cannot be read."""

from pathlib import PurePath

import pytest

from archiver.errors import InputError
from archiver.post.charset import MAX_BYTES
from archiver.post.read import plan, read

DIALECT = """+++
        
author = "Our Writers"
        
title = "Chair Exercises"
        
date = 2020-11-09T06:12:49.198602
        
+++
[ ![](https://a.example/media//x_1.jpg)](https://a.example/media//x_1.jpg) The Best Moves | A.com
[ ![](https://b.example/p.png?crop=0.689xw:0.893xh;0.112xw,0.107xh&resize=480:*)](https://b.example/p.png?crop=0.689xw:0.893xh;0.112xw,0.107xh&resize=480:*) Thoracic Stretch
[ ![](https://c.example/filters:no_upscale():max_bytes(150000):strip_icc()/U.jpg)](https://c.example/filters:no_upscale():max_bytes(150000):strip_icc()/U.jpg) Total  Body
[ ![](https://d.example/image?url=https%3A%2F%2Fe.example%2Fx.jpg&fit=750%2C500)](https://d.example/image?url=https%3A%2F%2Fe.example%2Fx.jpg&fit=750%2C500) Ends with …
"""  # noqa: E501, W293 - the dialect has blanks on its empty lines and long lines


def test_a_post_of_linked_pictures_with_captions():
    document = read(DIALECT.encode(), str(PurePath("posts") / "chair-exercises.md"))
    post = document.post
    assert (post.title, post.author, post.published) == ("Chair Exercises", "Our Writers", "2020-11-09T06:12:49.198602")
    assert post.url == "http://post.archiver.invalid/chair-exercises/"
    assert [(link.line, link.role, link.url, link.caption) for link in document.links] == [
        (10, "image", "https://a.example/media//x_1.jpg", "The Best Moves | A.com"),
        (11, "image", "https://b.example/p.png?crop=0.689xw:0.893xh;0.112xw,0.107xh&resize=480:*", "Thoracic Stretch"),
        (12, "image", "https://c.example/filters:no_upscale():max_bytes(150000):strip_icc()/U.jpg", "Total  Body"),
        (13, "image", "https://d.example/image?url=https%3A%2F%2Fe.example%2Fx.jpg&fit=750%2C500", "Ends with …"),
    ]
    assert len(plan(document.links)) == 4


FRONT = {
    "TOML": (
        '+++\ntitle = "T"\ndate = 2020-01-02\n[cover]\nimage = "https://a.example/c.jpg"\nalt = "A"\n+++\nx',
        ("T", "2020-01-02"),
        [(5, "c.jpg", "A")],
    ),
    "YAML": (
        "---\ntitle: T\ndate: 2020-01-02 03:04:05\nimages:\n  - https://a.example/1.jpg\n  - https://a.example/2.jpg\nfeatured_image: https://a.example/f.jpg\n---\n",
        ("T", "2020-01-02T03:04:05"),
        [(5, "1.jpg", ""), (6, "2.jpg", ""), (7, "f.jpg", "")],
    ),
    "JSON": ('{\n "title": "T",\n "date": "2020",\n "og_image": "https://a.example/o.jpg"\n}\n# x', ("T", "2020"), [(4, "o.jpg", "")]),
    "Jekyll header": (
        "---\nheader:\n  teaser: https://a.example/t.jpg\n  overlay_image: https://a.example/o.jpg\n---\n# H",
        ("H", ""),
        [(3, "t.jpg", ""), (4, "o.jpg", "")],
    ),
    "gallery of mappings": ("---\ngallery:\n- url: https://a.example/g.jpg\n  alt: G\n---\n", ("post", ""), [(3, "g.jpg", "G")]),
    "a switch and words are no pictures": ("---\ncover: true\nfeatured: yes\nheader: Hello\n---\n", ("post", ""), []),
    "a colon in a title": (
        "---\ntitle: One: two\ndate: 2020-01-02\nimage: https://a.example/i.jpg\n---\n",
        ("One: two", "2020-01-02"),
        [(4, "i.jpg", "")],
    ),
    "aliases are not followed": ("---\na: &a [x, x]\nb: &b [*a, *a]\ntitle: T\n---\n", ("T", ""), []),
    "a rule is no front matter": ("---\n\n# H\n\n---\n", ("H", ""), []),
    "not closed": ("+++\ntitle = 1\n# H", ("H", ""), []),
}


@pytest.mark.parametrize("name", FRONT)
def test_front_matter(name: str):
    text, (title, published), pictures = FRONT[name]
    document = read(text.encode(), "post.md")
    assert (document.post.title, document.post.published) == (title, published)
    assert [(link.line, link.url.rpartition("/")[2], link.alt) for link in document.links] == pictures
    assert all(link.role == "front-matter" for link in document.links)


TEXT = "# Größe – €\n\n![ß](https://a.example/ü.jpg) Größe\n"
CHARSETS = {
    "utf-8": (TEXT.encode(), ""),
    "utf-8 with mark": (TEXT.encode("utf-8-sig"), ""),
    "utf-16 with mark": (TEXT.encode("utf-16"), ""),
    "utf-16 without mark": (TEXT.encode("utf-16-le"), ""),
    "utf-16-be without mark": (TEXT.encode("utf-16-be"), ""),
    "utf-32": (TEXT.encode("utf-32"), ""),
    "windows-1252, nothing said": (TEXT.encode("cp1252"), ""),
    "windows-1252, said to be latin-1": (TEXT.encode("cp1252"), "text/markdown; charset=ISO-8859-1"),
    "mac roman, said by the transport": (TEXT.encode("mac_roman"), 'text/plain; charset="macintosh"'),
}


@pytest.mark.parametrize("name", CHARSETS)
def test_charsets(name: str):
    raw, content_type = CHARSETS[name]
    document = read(raw, "post.md", content_type=content_type)
    (link,) = document.links
    assert (document.post.title, link.url, link.alt, link.caption) == ("Größe – €", "https://a.example/ü.jpg", "ß", "Größe")
    assert document.post.raw == raw


def test_the_charset_a_page_declares():
    page = '<meta charset="windows-1251"><title>Привет</title>'.encode("cp1251")
    assert read(page, "page.html").post.title == "Привет"
    page = '<meta http-equiv="content-type" content="text/html; charset=shift_jis"><title>日本</title>'.encode("shift_jis")
    assert read(page, "page.html").post.title == "日本"


def test_half_characters_are_replaced():
    document = read(b'{"title": "a\\ud800b", "image": "https://a.example/\\udfff.jpg"}\n# x', "post.md")
    assert document.post.title == "a\ufffdb"
    assert document.links[0].url == "https://a.example/\ufffd.jpg"


def test_labels_mean_what_pages_mean_by_them():
    assert read('<meta charset="shift_jis"><title>①</title>'.encode("cp932"), "p.html").post.title == "①"
    assert read('<meta charset="gb2312"><title>喆</title>'.encode("gbk"), "p.html").post.title == "喆"
    assert read(b"# +AGE-", "p.md", content_type="text/markdown; charset=utf-7").post.title == "+AGE-"
    assert read(b"# x", "p.md", content_type="text/markdown; charset=no-such").post.title == "x"


def test_a_heading_gives_its_words():
    heading = b"# ![](a.png) A **bold** [link](https://a.example/) to `code_x` &amp; snake_case \\* <b>b</b> {#id} #\n"
    assert read(heading, "post.md").post.title == "A bold link to code_x & snake_case * b"
    assert read(b"```\n# no\n```\n\nTitle\n=====\n", "post.md").post.title == "Title"


def test_a_stray_nul_and_a_wrong_byte_do_not_cost_the_post():
    document = read(b"# A\x00B\n\n" + b"words " * 40 + b"![](https://a.example/a.jpg)", "post.md")
    assert (document.post.title, len(document.links)) == ("A\ufffdB", 1)
    assert "\ufffd" in read(b"<meta charset=utf-8><title>" + b"x" * 100 + b"\xff</title>", "p.html").post.title


REFUSED = {
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "", "PNG picture"),
    "a PDF": (b"%PDF-1.4\n", "", "PDF"),
    "bytes": (bytes(range(32)) * 10, "", "not text"),
    "another charset than said": (b"\xe4\xf6\xfc" * 50, "text/plain; charset=utf-8", "UTF-8"),
    "too large": (b" " * (MAX_BYTES + 1), "", "67,108,864"),
    "a million tiny lines": (b"![](a)" + b"- a\n" * 200_000, "", "200,000 lines"),
    "a million tiny cells": (
        b"![](a)\n\n" + b"|a" * 1000 + b"\n" + b"|-" * 1000 + b"\n" + (b"|x" * 1000 + b"\n") * 1000,
        "",
        "1,002,000 cells",
    ),
    "lists in lists without end": (b"![](a)\n" + b"- " * 300_000, "", "300,000 marks"),
    "open brackets without end": (b"![" * 200_000 + b"](x)", "", "brackets"),
    "a long address used without end": (b"[x]: " + b"y" * 40_000 + b"\n\n" + b"![x]" * 12_000, "", "by reference"),
    "links without end": (b"[a](" * 110_000 + b")", "", "never finished"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(name: str):
    raw, content_type, word = REFUSED[name]
    with pytest.raises(InputError) as caught:
        read(raw, "post.md", content_type=content_type)
    sentence = str(caught.value)
    assert word in sentence
    assert not sentence.endswith(".")
    assert "\n" not in sentence


def test_an_empty_post_and_one_without_pictures_are_documents_without_links():
    for raw in (b"", b"\n\n", b"# Words only\n\nand [a link](https://a.example/)\n"):
        assert read(raw, "post.md").links == ()
