from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.policy import Refusal
from archiver.capture.urls import Place, follow, host_ascii, parse, visible, wire_path
from archiver.model import Reason

VISIBLE = "".join(c for c in string.printable if "!" <= c <= "~")


def place(url: str) -> Place:
    found = parse(url)
    assert isinstance(found, Place), found
    return found


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://h.example", "/"),
        ("http://h.example?", "/?"),
        ("http://h.example/p?", "/p?"),
        ("http://h.example/p?a=b?c=d", "/p?a=b?c=d"),
        ("http://h.example//evil/../x/./y", "//evil/../x/./y"),
        ("http://h.example/a%2Cb*c;d,(e)'f\"<g>|{h}\\^`", "/a%2Cb*c;d,(e)'f\"<g>|{h}\\^`"),
        ("http://h.example/x?url=https%3A%2F%2Fi.example%2Fa%252F&b=%zz", "/x?url=https%3A%2F%2Fi.example%2Fa%252F&b=%zz"),
        ("http://h.example/x?u=http://i.example:80/@b", "/x?u=http://i.example:80/@b"),
        ("http://h.example/ä b\t.png#frag", "/%C3%A4%20b%09.png"),
        ("http://h.example/a\r\nX: y", "/a%0D%0AX:%20y"),
    ],
)
def test_path_and_query_stay_as_written(url: str, path: str) -> None:
    assert place(url).path == path


@given(st.text(alphabet=VISIBLE.replace("#", "")))
def test_visible_ascii_is_never_touched(path: str) -> None:
    assert wire_path("/" + path) == "/" + path
    assert place("http://h.example/" + path.rstrip()).path == "/" + path


@given(st.text())
def test_nothing_unspeakable_reaches_the_wire(text: str) -> None:
    assert all("!" <= c <= "~" for c in wire_path(text))
    assert wire_path(wire_path(text)) == wire_path(text)


@given(st.text())
def test_parsing_never_raises_and_is_idempotent(text: str) -> None:
    for url in (text, "http://" + text, "https://h.example/" + text, "http://[" + text, f"http://{text}:80/"):
        found = parse(url)
        if isinstance(found, Place):
            assert place(found.url) == Place(found.scheme, found.host, found.port, found.path)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("Example.COM", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER。example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("i❤.example", "xn--i-7iq.example"),
        ("under_score.example", "under_score.example"),
        ("%65xample.com", "example.com"),
        ("h.example.", "h.example."),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7F.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.0.0.0x1", "127.0.0.1"),
        ("１２７.０.０.１", "127.0.0.1"),
        ("127。0。0。1", "127.0.0.1"),
        ("①②⑦.0.0.1", "127.0.0.1"),
        ("%31%32%37.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
    ],
)
def test_hosts_are_named_in_one_way(written: str, host: str) -> None:
    assert host_ascii(written) == host


@pytest.mark.parametrize(
    "written",
    ["", "a b", "a%00b", "256.1.1.1", "1.2.3.4.5", "0x1g.1.", "a..b", ".", "[::1", "[fe80::1%25eth0]", "a" * 64 + ".x", "4294967296"],
)
def test_what_is_no_host_is_refused(written: str) -> None:
    assert host_ascii(written) is None


def test_a_host_that_is_far_too_long_is_refused_at_once() -> None:
    letters = "".join(chr(0x4E00 + index % 20_000) for index in range(80_000))  # to encode it would take half an hour
    assert host_ascii(letters) is None
    assert host_ascii(letters[:900]) is None
    assert host_ascii("a" + "\u0300\u0316" * 100_000) is None
    assert host_ascii("b\u00fc" + "\u00ad" * 300 + "cher.example") == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "url", ["", "a.png", "//h.example/a", "ftp://h.example/a", "file:///etc/passwd", "data:image/png;base64,", "javascript:x"]
)
def test_only_http_is_fetched(url: str) -> None:
    found = parse(url)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.BLOCKED


@pytest.mark.parametrize(
    "url", ["http://", "http:///a", "http://h.example:99999/", "http://h.example:x/", "http://h.example:0/", "http://a b/"]
)
def test_an_unusable_address_says_so(url: str) -> None:
    found = parse(url)
    assert isinstance(found, Refusal)
    assert found.detail.startswith("not a usable address")


def test_userinfo_is_kept_apart() -> None:
    found = place("https://user:p%40ss@w@h.example:8443/a@b")
    assert (found.userinfo, found.host, found.port, found.url) == ("user:p%40ss@w", "h.example", 8443, "https://h.example:8443/a@b")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (b"http://i.example/x", "http://i.example/x"),
        (b"HTTPS://I.example", "https://i.example/"),
        (b"//i.example/x", "http://i.example/x"),
        (b"/x", "http://h.example/x"),
        (b"x?y=1#z", "http://h.example/a//b/x?y=1"),
        (b"../x", "http://h.example/a//x"),
        (b"../../../../x", "http://h.example/x"),
        (b"./", "http://h.example/a//b/"),
        (b"?y", "http://h.example/a//b/c?y"),
        (b"#z", "http://h.example/a//b/c?q"),
        (b"/a/../b", "http://h.example/b"),
        (b"http://i.example/a/../b", "http://i.example/a/../b"),
        (b"http://u:p@i.example/x", "http://i.example/x"),
        (b"/\xc3\xa4", "http://h.example/%C3%A4"),
        (b"/\xe4", "http://h.example/%E4"),
        (b"/a b", "http://h.example/a%20b"),
        (b" /x ", "http://h.example/x"),
        (b"http:/i.example/x", "http://i.example/x"),
        (b"http://b\xc3\xbccher.example/", "http://xn--bcher-kva.example/"),
        (b"http://2130706433/", "http://127.0.0.1/"),
    ],
)
def test_locations_are_resolved_without_rewriting(location: bytes, url: str) -> None:
    found = follow(place("http://h.example/a//b/c?q"), location)
    assert isinstance(found, Place), found
    assert found.url == url
    assert found.userinfo == ""


@pytest.mark.parametrize(
    "location", [b"", b"  ", b"file:///etc/passwd", b"ftp://u:secret@h.example/", b"data:,x", b"http://", b"https://u:secret@/"]
)
def test_other_locations_are_refused_without_leaking(location: bytes) -> None:
    found = follow(place("http://h.example/a"), location)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.REDIRECT_ERROR
    assert "secret" not in found.detail


@given(st.binary())
def test_no_location_raises(location: bytes) -> None:
    found = follow(place("http://h.example/a/b?c"), location)
    assert isinstance(found, Refusal) or all("!" <= c <= "~" for c in found.path)


@given(st.text())
def test_messages_hold_no_control_characters(text: str) -> None:
    assert visible(text).isprintable()
    assert len(visible(text)) <= 201


@pytest.mark.parametrize(
    "location",
    ["ftp://me:w0rd@h/", "//me:w0rd@h:99999/", "http:me:w0rd@h:0/", "https:/me:w0rd@h:99999/", "http:\\\\me:w0rd@h:0", "me:w0rd@h"],
)
def test_a_refused_redirect_shows_no_userinfo(location: str) -> None:
    found = follow(Place("http", "a.example", 80, "/"), location.encode())
    assert isinstance(found, Refusal)
    assert "w0rd" not in found.detail
