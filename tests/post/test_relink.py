"""A post's text with other addresses: all that is not a picture's address stays, character for character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.post.relink import relink

ONE, TWO = "https://a.example/one.jpg", "https://a.example/one.jpg?w=1&h=2"
NEW = {ONE: "images/1.jpg", TWO: "images/2.jpg"}
PROXY = f"https://proxy.example/?url={ONE}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"![x]({ONE})", "![x](images/1.jpg)"),
        (f"[![x]({ONE})]({TWO})", "[![x](images/1.jpg)](images/2.jpg)"),
        (f'<img src="{ONE}">', '<img src="images/1.jpg">'),
        (f"<img src={ONE}>", "<img src=images/1.jpg>"),
        ('<img src="https://a.example/one.jpg?w=1&amp;h=2">', '<img src="images/2.jpg">'),
        (f'<img srcset="{ONE} 1x, {TWO} 2x">', '<img srcset="images/1.jpg 1x, images/2.jpg 2x">'),
        (f"image: {ONE}\n", "image: images/1.jpg\n"),
        (f"[1]: {ONE}\n", "[1]: images/1.jpg\n"),
        (f"[1]: <{ONE}>\n", "[1]: <images/1.jpg>\n"),
        (f"![x]({ONE}#part)", "![x](images/1.jpg#part)"),
        (f"{ONE}, and on", "images/1.jpg, and on"),
        ("![x](one.jpg)", "![x](images/1.jpg)"),
        ("![x](/one.jpg)", "![x](images/1.jpg)"),
        (f"![x]({PROXY})", f"![x]({PROXY})"),
        (f"[words](https://other.example/?u={ONE})", f"[words](https://other.example/?u={ONE})"),
        (f"![x]({ONE}.old)", f"![x]({ONE}.old)"),
        (f"![x]({ONE}/more)", f"![x]({ONE}/more)"),
        ("Nothing here.", "Nothing here."),
    ],
)
def test_an_address_is_replaced_where_it_stands_as_a_whole(text: str, wanted: str) -> None:
    assert relink(text, [ONE, TWO, PROXY], NEW, base="https://a.example/")[0] == wanted


def test_it_says_what_was_replaced() -> None:
    _, done = relink(f"![x]({ONE})", [ONE, TWO], NEW)
    assert done == {ONE}


def test_the_base_of_a_page_would_lead_local_links_astray() -> None:
    text = f'<base href="https://a.example/"><img src="{ONE}">'
    assert relink(text, [ONE], NEW, is_html=True)[0] == '<img src="images/1.jpg">'


@given(st.text(), st.text())
def test_the_rest_of_the_text_stays(before: str, after: str) -> None:
    text = f"{before}\n![]({ONE})\n{after}"
    assert relink(text, [ONE], {ONE: ONE})[0] == text
    assert relink(text, [ONE], NEW)[0] == f"{before}\n![](images/1.jpg)\n{after}"


@given(st.text(alphabet=" ()<>\"'=,?&;#htps:/a.exmplonjg[]!{}\n"))
def test_no_text_ends_it(text: str) -> None:
    relink(text, [ONE, TWO], NEW, base="https://a.example/", is_html=True)
