"""Addresses: what an author wrote stays what it is."""

import subprocess
import sys
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.post.urls import Address, names_picture, resolve, slug

REST = st.text(st.characters(min_codepoint=33, exclude_characters="#", exclude_categories=["Cs"]), max_size=30)


@given(st.sampled_from(["http://a.example/", "HTTPS://A.example:8443/"]), REST, st.sampled_from(["", "https://b.example/x/"]))
def test_an_absolute_address_is_never_changed(start: str, rest: str, base: str):
    written = (start + rest).strip()
    assert resolve(written, base) == Address("web", written)


@given(st.text(max_size=40), st.sampled_from(["", "https://b.example/x/y?z"]))
def test_anything_is_resolved_or_refused(written: str, base: str):
    found = resolve(written, base)
    assert found is None or found.kind in ("web", "data", "local", "unsupported")


@given(
    st.text(st.sampled_from("ab./%~-é:?\\"), max_size=12),
    st.sampled_from(["https://b.example", "http://b.example:8/x/../y?z/w", "https:///x/"]),
)
def test_a_plain_path_is_joined_as_the_library_joins_it(written: str, base: str):
    found = resolve(written, base)
    empty_query = written.partition("?")[1:] == ("?", "")  # which the library drops
    if found and found.kind == "web" and not written.startswith(("/", "\\")) and not empty_query:
        assert found.url == urljoin(base, written.partition("?")[0].replace("\\", "/") + "".join(written.partition("?")[1:]))


RESOLVED = [
    ("a.jpg", "web", "https://b.example/x/a.jpg"),
    ("./../a%2fb.jpg", "web", "https://b.example/a%2fb.jpg"),
    ("/a?b=c/../d", "web", "https://b.example/a?b=c/../d"),
    ("?q", "web", "https://b.example/x/y?q"),
    ("?", "web", "https://b.example/x/y?"),
    ("a.jpg?", "web", "https://b.example/x/a.jpg?"),
    ("../a.jpg?#b", "web", "https://b.example/a.jpg?"),
    ("//c.example/a.jpg", "web", "https://c.example/a.jpg"),
    ("img\\a.jpg", "web", "https://b.example/x/img/a.jpg"),
    (" https://c.example/a\n.jpg\t", "web", "https://c.example/a.jpg"),
    ("https:///a.jpg", "unsupported", "https:///a.jpg"),
    ("https://[::1/a.jpg", "unsupported", "https://[::1/a.jpg"),
    ("ftp://c.example/a.jpg", "unsupported", "ftp://c.example/a.jpg"),
    ("javascript:x", "unsupported", "javascript:x"),
    ("blob:https://c.example/1", "unsupported", "blob:https://c.example/1"),
    ("{{ page.image }}", "unsupported", "{{ page.image }}"),
    ("file:///a.jpg", "local", "file:///a.jpg"),
    ("data:image/png,x#y", "data", "data:image/png,x#y"),
]


@pytest.mark.parametrize(("written", "kind", "url"), RESOLVED)
def test_resolution(written: str, kind: str, url: str):
    found = resolve(written, "https://b.example/x/y?z")
    assert found is not None
    assert (found.kind, found.url) == (kind, url)


@pytest.mark.parametrize("written", ["", "  ", "#top", "\n"])
def test_what_points_at_nothing(written: str):
    assert resolve(written, "https://b.example/") is None


def test_which_addresses_name_pictures():
    for yes in ("https://a.example/x.jpg", "https://a.example/X.JPEG?y", "https://a.example/a.b/c.webp#d", "https://a.example/%2Fx.avif"):
        assert names_picture(yes), yes
    for no in (
        "https://a.example/",
        "https://a.example/x.html",
        "https://a.example/x?y.jpg",
        "https://a.example/jpg",
        "https://a.example/w/index.php/Image:X.png",
    ):
        assert not names_picture(no), no


def test_importing_the_room_imports_no_parser():
    code = "import sys, archiver.post.read, archiver.post.page, archiver.post.feed; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"markdown_it", "selectolax", "yaml", "PIL", "numpy", "aiohttp"} & {name.partition(".")[0] for name in modules}


def test_standard_input_has_a_name():
    assert slug("-") == "stdin"
