"""Feeds and sitemaps -> posts."""

import pytest

from archiver.post.feed import feed

URL = "https://blog.example/feed.xml"
RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>B</title>
<link>https://blog.example/</link><atom:link rel="self" href="https://blog.example/feed.xml"/>
<item><title>One</title><link>https://blog.example/1?a=1&amp;b=2#x</link><guid isPermaLink="false">tag:1</guid></item>
<item><guid>https://blog.example/2</guid></item>
<item><link><![CDATA[ /3?a=1&b=2 ]]></link></item>
<item><link>https://blog.example/1?a=1&amp;b=2</link></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><link href="/"/><entry><link rel="self" href="/api/1"/>
<link rel="enclosure" href="/1.mp3"/><link href="/1" rel="alternate" type="text/html"/></entry><entry><link href="2"/></entry></feed>"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://blog.example/1</loc><image:image><image:loc>https://blog.example/1.jpg</image:loc></image:image></url>
<url><loc> https://blog.example/2 </loc></url></urlset>"""
INDEX = "<sitemapindex><sitemap><loc>https://blog.example/s1.xml</loc></sitemap></sitemapindex>"
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<item rdf:about="x"><link>https://blog.example/1</link></item></rdf:RDF>"""
JSON = '{"version": "https://jsonfeed.org/version/1.1", "items": [{"url": "https://blog.example/1"}, {"external_url": "/2"}, {"id": 3}]}'

CASES = {
    "RSS": (RSS, ["1?a=1&b=2", "2", "3?a=1&b=2"]),
    "Atom": (ATOM, ["1", "2"]),
    "sitemap": (SITEMAP, ["1", "2"]),
    "sitemap index": (INDEX, ["s1.xml"]),
    "RDF": (RDF, ["1"]),
    "JSON Feed": (JSON, ["1", "2"]),
    "names of HTML": (RSS.replace("One", "One&nbsp;&copy; B & C"), ["1?a=1&b=2", "2", "3?a=1&b=2"]),
    "broken off": (SITEMAP[: SITEMAP.index("<url><loc> ")], ["1"]),
}


@pytest.mark.parametrize("name", CASES)
def test_posts_of_a_feed(name: str):
    text, expected = CASES[name]
    assert feed(text.encode(), URL) == tuple(f"https://blog.example/{path}" for path in expected)


def test_feeds_in_other_encodings():
    assert feed(SITEMAP.encode("utf-16"), URL) == ("https://blog.example/1", "https://blog.example/2")
    assert feed(b'<?xml version="1.0" encoding="ISO-8859-1"?>' + RDF.replace("/1<", "/\xfc<").encode("latin-1"), URL) == (
        "https://blog.example/ü",
    )


BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><rss><item><link>https://x.example/&b;</link></item></rss>'
OUTSIDE = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><link>https://x.example/&x;</link></item></rss>'


@pytest.mark.parametrize(
    "text", ["", "# A post", "<html><body>x", "{}", "[1]", "<p>", '{"version": 1}', BOMB, OUTSIDE, "<svg/>", "<" * 100_000]
)
def test_what_is_no_feed(text: str):
    assert feed(text.encode(), URL) is None
