"""Which pictures an HTML page shows: one small page and its links per case, rows as in the Markdown cases."""

import pytest

from archiver.model import Link
from archiver.post.read import read

PAGE = "https://news.example/2020/story.html"
AT = "https://news.example/"


def row(link: Link) -> str:
    return f"{link.role} {link.line} {link.url}" + (f" | {link.caption}" if link.caption else "")


CASES = {
    "img": ('<img src="/a.jpg" title="T">', [f"image 1 {AT}a.jpg | T"]),
    "one picture with a style of its own": ("<a href=/p style=x><img src=/a.jpg style='width:9px' data-bg></a>", [f"image 1 {AT}a.jpg"]),
    "moving pictures and films of AMP": (
        "<amp-anim src=/a.gif></amp-anim><amp-video poster=/b.jpg></amp-video>",
        [f"image 1 {AT}a.gif", f"image 1 {AT}b.jpg"],
    ),
    "the picture of microdata": ("<link itemprop=image href=/a.jpg>", [f"og 1 {AT}a.jpg"]),
    "the bytes of an ImageObject before its page": (
        '<script type="application/ld+json">{"@graph": [{"@type": "ImageObject", "url": "/view", "contentUrl": "/a.jpg"}]}</script>',
        [f"og 1 {AT}a.jpg"],
    ),
    "attributes in any dress": ("<IMG\n SRC = /a.jpg\nALT='x'>", [f"image 1 {AT}a.jpg"]),
    "entities and space in an address": ('<img src=" /a.jpg?b=1&amp;c=&#50;\n">', [f"image 1 {AT}a.jpg?b=1&c=2"]),
    "words after a picture are no caption": ('<img src="/a.jpg"> words', [f"image 1 {AT}a.jpg"]),
    "figure": (
        "<figure><div><img src=/a.jpg></div><figcaption>The <b>cat</b>\n sat</figcaption></figure>",
        [f"image 1 {AT}a.jpg | The cat sat"],
    ),
    "WordPress caption": (
        "<div class='x wp-caption'><img src=/a.jpg><p class='wp-caption-text'>Cat</p></div>",
        [f"image 1 {AT}a.jpg | Cat"],
    ),
    "srcset": ("<img src=/s.jpg srcset='/s.jpg 300w, /l.jpg 900w, /m.jpg 600w'>", [f"image 1 {AT}s.jpg", f"srcset 1 {AT}l.jpg"]),
    "commas in a candidate": ("<img srcset='/w_1,h_2/a.jpg 1x,/w_2,h_4/a.jpg 2x'>", [f"srcset 1 {AT}w_2,h_4/a.jpg"]),
    "picture": (
        "<picture><source srcset=/a.avif><source srcset='/b.webp 1x'>\n<img src=/a.jpg></picture>",
        [f"srcset 1 {AT}a.avif", f"srcset 1 {AT}b.webp", f"image 2 {AT}a.jpg"],
    ),
    "a source of sound or film is no picture": ("<video><source src=/a.mp4 srcset=/b.jpg></video>", []),
    "lazy": (
        "<img src='data:image/gif;base64,R0lGOD' data-src=/a.jpg data-srcset='/b.jpg 2x'>",
        [f"image 1 {AT}a.jpg", f"srcset 1 {AT}b.jpg"],
    ),
    "lazy with a waiting picture": ("<img src=/img/spinner.gif data-lazy-src=/a.jpg>", [f"image 1 {AT}a.jpg"]),
    "lazy over a small preview": ("<img src=/small.jpg data-src=/a.jpg>", [f"image 1 {AT}a.jpg", f"image 1 {AT}small.jpg"]),
    "lazy with a name that ends as a waiting picture's": (
        "<img src=/i/lazy-loading.gif data-src=/a.jpg><img src='1x1.gif?v=/2' data-src=/b.jpg><img src=/x/Placeholder srcset=/c.jpg>",
        [f"image 1 {AT}a.jpg", f"image 1 {AT}b.jpg", f"srcset 1 {AT}c.jpg"],
    ),
    "a name that only begins as a waiting picture's": (
        "<img src=/up/loading-dock.jpg srcset='/up/b.jpg 2x'><img src=clear-sky.jpg data-src=/a.jpg><img src=/grey/cat.jpg srcset=/c.jpg>",
        [
            f"image 1 {AT}up/loading-dock.jpg",
            f"srcset 1 {AT}up/b.jpg",
            f"image 1 {AT}a.jpg",
            f"image 1 {AT}2020/clear-sky.jpg",
            f"image 1 {AT}grey/cat.jpg",
            f"srcset 1 {AT}c.jpg",
        ],
    ),
    "a picture of that name stays in its set": ("<img src=/sky-clear.jpg srcset='/sky-clear.jpg 1x'>", [f"srcset 1 {AT}sky-clear.jpg"]),
    "noscript": ("<noscript><img src=/a.jpg></noscript>", [f"image 1 {AT}a.jpg"]),
    "input, video, object": (
        "<input type=image src=/a.png><video poster=/b.jpg></video><object data=/c.png></object>",
        [f"image 1 {AT}a.png", f"image 1 {AT}b.jpg", f"image 1 {AT}c.png"],
    ),
    "head": (
        "<link rel='shortcut icon' href=/f.ico>\n<link rel=preload as=image href=/p.jpg>\n<link rel=image_src href=/i.jpg>"
        "<link rel=stylesheet href=/s.css>\n"
        "<meta property='og:image' content=/o.jpg><meta name='twitter:image' content=/t.jpg><meta name=description content=/no.jpg>",
        [f"og 1 {AT}f.ico", f"og 2 {AT}p.jpg", f"og 3 {AT}i.jpg", f"og 4 {AT}o.jpg", f"og 4 {AT}t.jpg"],
    ),
    "inline style": ("<p>\n<div style=\"color:red; background: url('/a(1).jpg')\">", [f"image 2 {AT}a(1).jpg"]),
    "style sheet": (
        "<style>\n/* url(/no.jpg) */ @font-face{src:url(/f.woff2)} @import url(/s.css);\n"
        '.a{background:url(/a.jpg) , url( "/b\\.jpg" )}\nb{filter:url(#x)}</style>',
        [f"image 3 {AT}a.jpg", f"image 3 {AT}b.jpg"],
    ),
    "image-set": (
        '<style>\na{background:image-set(\'/a.png\' 1x, url(/b.png) 2x,\n"/c.avif" type("image/avif"))}</style>',
        [f"image 2 {AT}a.png", f"image 2 {AT}b.png", f"image 3 {AT}c.avif"],
    ),
    "lazy background": (
        "<i data-bg=\"url('/a.jpg')\"></i><i data-bg=/b.jpg></i><i data-background-image=/c.jpg></i><i data-background=red></i>",
        [f"image 1 {AT}a.jpg", f"image 1 {AT}b.jpg", f"image 1 {AT}c.jpg"],
    ),
    "JSON-LD in CDATA": (
        '<script type="application/ld+json">//<![CDATA[\n{"image":"/a.jpg"}\n//]]></script>'
        '<script type="application/ld+json">/*<![CDATA[*/{"image":"/b.jpg"}/*]]>*/</script>',
        [f"og 1 {AT}a.jpg", f"og 3 {AT}b.jpg"],
    ),
    "old background": ("<table background=/a.gif><tr><td>x</table>", [f"image 1 {AT}a.gif"]),
    "svg image": ("<svg><image href=/a.jpg /><image xlink:href='/b.jpg'/></svg>", [f"image 1 {AT}a.jpg", f"image 1 {AT}b.jpg"]),
    "amp-img": ("<amp-img src=/a.jpg width=3></amp-img>", [f"image 1 {AT}a.jpg"]),
    "JSON-LD": (
        '<script type="application/ld+json">{"@graph":[{"@type":"Article",'
        '"image":["/a.jpg",{"@type":"ImageObject","url":"/b.jpg"}]}]}</script>',
        [f"og 1 {AT}a.jpg", f"og 1 {AT}b.jpg"],
    ),
    "broken JSON-LD": ('<script type="application/ld+json">{"image": "/a.jpg"</script><img src=/b.jpg>', [f"image 1 {AT}b.jpg"]),
    "thumbnail to full size": (
        "<a href=/full.jpg>\n<img src=/s.jpg></a><img src=/n.jpg>",
        [f"image 2 {AT}s.jpg", f"href 1 {AT}full.jpg", f"image 2 {AT}n.jpg"],
    ),
    "a picture that links to itself": ("<a href='/a.jpg?x&amp;y'><img src='/a.jpg?x&y'></a>", [f"image 1 {AT}a.jpg?x&y"]),
    "base": ("<base href='/pics/'><img src=a.jpg>", [f"image 1 {AT}pics/a.jpg"]),
    "not shown": (
        "<!-- <img src=/a.jpg> --><script>'<img src=/b.jpg>'</script><template><img src=/c.jpg></template>"
        "<textarea><img src=/d.jpg></textarea>",
        [],
    ),
    "counting pixel": ("<img src=/p.gif width=1 height=1px>", []),
    "an unclosed link counts once": ("<p><a href=/full.jpg>x<p>y<p>z", [f"href 1 {AT}full.jpg | x"]),
    "a tag in an attribute": ("<img alt='<img src=/no.jpg>' title='<b>' src=/a.jpg>", [f"image 1 {AT}a.jpg | <b>"]),
    "no address": ("<img><img src=''><img src='#'><a href='#x'><img src=' '></a>", []),
}


@pytest.mark.parametrize("name", CASES)
def test_html(name: str):
    text, expected = CASES[name]
    document = read(text.encode(), PAGE)
    assert [row(link) for link in document.links] == expected


def test_shortcodes_count_in_the_source_of_a_site_generator_only():
    page = '<html>\n{% include figure.html src="/a.jpg" %}'
    assert [row(link) for link in read(f"---\ntitle: T\n---\n{page}".encode(), PAGE).links] == [f"image 5 {AT}a.jpg"]
    assert read(page.encode(), PAGE).links == ()


def test_comments_of_a_site_generator_count_in_its_source_only():
    page = "<html>\n{% comment %}\n<img src=/x.jpg>{% endcomment %}<img src=/a.jpg>"
    assert [row(link) for link in read(f"---\ntitle: T\n---\n{page}".encode(), PAGE).links] == [f"image 6 {AT}a.jpg"]
    assert len(read(page.encode(), PAGE).links) == 2


def test_a_link_around_a_picture_may_lead_to_a_picture_or_a_page():
    document = read(b"<a href='https://photos.example/show?id=5'><img src='https://a.example/s.jpg'></a>", "page.html")
    assert [link.url for link in document.links] == ["https://a.example/s.jpg"]
    assert [link.url for link in document.undecided] == ["https://photos.example/show?id=5"]


def test_title_author_and_date_from_the_head():
    page = (
        b"<html><head><title>A\n title</title><meta name=author content='Ann B.'>"
        b"<meta property='article:published_time' content='2020-11-09T06:12:49Z'></head><body><h1>Other</h1>"
    )
    post = read(page, PAGE).post
    assert (post.kind, post.title, post.author, post.published) == ("html", "A title", "Ann B.", "2020-11-09T06:12:49Z")
    assert post.url == PAGE


def test_title_author_and_date_from_json_ld():
    page = b"""<h1>Head</h1><script type="application/ld+json">
    {"@graph": [{"@type": "WebSite"}, {"author": [{"name": "Ann"}], "datePublished": "2020-01-02"}]}</script>"""
    post = read(page, "page.html").post
    assert (post.title, post.author, post.published) == ("Head", "Ann", "2020-01-02")


def test_the_kind_of_document_is_told_by_type_name_or_beginning():
    assert read(b"<p>x", "-", content_type="text/html; charset=utf-8").post.kind == "html"
    assert read(b"<p>x", "https://a.example/b.html?c").post.kind == "html"
    assert read(b"<!-- x -->\n<!DOCTYPE html><p>x", "-").post.kind == "html"
    assert read(b"<html>", "notes.md").post.kind == "markdown"
    assert read(b"# x", "-").post.kind == "markdown"
    assert read(b"---\ntitle: T\n---\n<html><img src='https://a.example/a.jpg'>", "-").post.kind == "html"
