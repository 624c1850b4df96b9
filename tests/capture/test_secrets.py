"""Nothing leaks: what goes to which host, and what of it the archive and the log may show."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

import archiver
from archiver.capture.client import Client
from archiver.capture.cookies import cookie_header, read_cookies
from archiver.capture.framing import parse_head
from archiver.capture.headers import blanked, without_userinfo
from archiver.capture.passwords import read_passwords
from archiver.errors import UsageError
from archiver.model import Captured, FetchSettings
from tests.capture.harness import QUICK, fetch, fetch_all
from tests.servers import Server, redirect, response, routes, serve

OK = response(b"picture")
PRIVATE = {"authorization", "cookie", "x-token", "referer", "accept-language"}


def hosts(web: Server, *names: str) -> tuple[str, ...]:
    return tuple(f"{name}:80:127.0.0.1:{web.port}" for name in names)


def test_an_ordinary_request_says_who_we_are_and_no_more() -> None:
    with serve(routes({"/a?b": OK})) as web:
        _, book = fetch("http://Pictures.example/a?b", replace(QUICK, connect_to=hosts(web, ""), contact_url="https://me.example/bot"))
    agent = f"archiver/{archiver.__version__} (+https://me.example/bot)"
    expected = (
        f"GET /a?b HTTP/1.1\r\nHost: pictures.example\r\nUser-Agent: {agent}\r\nAccept: image/*,*/*;q=0.8\r\nAccept-Encoding: gzip\r\n\r\n"
    )
    assert web.requests[0].head == expected.encode()
    assert book.kept[0].exchange.request == expected.encode()


def test_headers_for_all_requests_stay_with_the_origin_of_the_target() -> None:
    with serve(routes({"/c": OK})) as other, serve(routes({"/a": redirect("/b"), "/b": redirect(other.url("/c"))})) as web:
        settings = replace(QUICK, headers=(("X-Token", "s3cret"), ("Accept-Language", "de")))
        outcome, book = fetch(web.url("/a"), settings, ports={other.port})
    assert isinstance(outcome, Captured)
    assert [request.headers.get("x-token") for request in web.requests] == ["s3cret", "s3cret"]
    assert not PRIVATE & other.requests[0].headers.keys()
    assert all(b"s3cret" not in kept.exchange.request for kept in book.kept)
    assert b"X-Token: [blanked]\r\nAccept-Language: de" in book.kept[0].exchange.request


def test_headers_for_one_host_go_to_that_host_wherever_it_comes_in_the_chain() -> None:
    with serve(routes({"/a": redirect("http://two.example/b"), "/b": redirect("http://three.example/c"), "/c": OK})) as web:
        settings = replace(
            QUICK, connect_to=hosts(web, ""), host_headers={"Two.example": (("Referer", "http://two.example/"), ("User-Agent", "x"))}
        )
        fetch("http://one.example/a", settings)
    assert ["referer" in request.headers for request in web.requests] == [False, True, False]
    assert [request.headers["user-agent"] == "x" for request in web.requests] == [False, True, False]


def test_headers_for_one_host_outrank_those_for_all() -> None:
    with serve(routes({"/a": OK, "/b": OK})) as web:
        settings = replace(QUICK, connect_to=hosts(web, ""), headers=(("X-Word", "all"), ("X-Gone", "all")))
        settings = replace(settings, host_headers={"one.example": (("x-word", "one"), ("X-Gone", ""))})
        fetch_all(["http://one.example/a", "http://two.example/b"], settings)
    told = {request.host: (request.headers.get("x-word"), request.headers.get("x-gone")) for request in web.requests}
    assert told == {"one.example": ("one", None), "two.example": ("all", "all")}
    assert all(request.head.lower().count(b"x-word") == 1 for request in web.requests)


def test_cookies_for_one_host_go_nowhere_else_whatever_their_file_says(tmp_path: Path) -> None:
    (tmp_path / "jar.txt").write_text(".site.example\tTRUE\t/\tFALSE\t0\twide\t1\n")
    with serve(routes({"/a": redirect("http://b.site.example/b"), "/b": OK})) as web:
        fetch(
            "http://A.site.example/a", replace(QUICK, connect_to=hosts(web, ""), host_cookies={"a.site.example": str(tmp_path / "jar.txt")})
        )
    assert [request.headers.get("cookie") for request in web.requests] == ["wide=1", None]


@pytest.mark.parametrize(("name", "value"), [("host_headers", ()), ("host_cookies", "f"), ("host_connections", 1), ("host_delay_s", 1.0)])
@pytest.mark.parametrize("host", ["", "http://a.example", "a.example:80", "a b"])
def test_settings_for_what_is_no_host_are_refused(name: str, value: object, host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no host"):
        Client(replace(QUICK, **{name: {host: value}}), on_event=print, spool_dir=tmp_path, now=None)  # type: ignore[arg-type]


def test_what_a_server_sets_is_never_sent_back() -> None:
    set_cookie = response(b"x", "302 Found", [("Location", "http://b.site.example/b"), ("Set-Cookie", "id=1; Domain=site.example; Path=/")])
    with serve(routes({"/a": set_cookie, "/b": OK})) as web:
        settings = replace(QUICK, connect_to=hosts(web, ""))
        fetch_all(["http://a.site.example/a", "http://a.site.example/b"], settings)
    assert len(web.requests) == 3
    assert not any("cookie" in request.headers for request in web.requests)


COOKIES = """# Netscape HTTP Cookie File
site.example\tFALSE\t/\tFALSE\t0\thost\t1
.wide.example\tTRUE\t/in\tFALSE\t4102444800\twide\t2
#HttpOnly_site.example\tFALSE\t/\tFALSE\t0\thidden\t3
site.example\tFALSE\t/\tTRUE\t0\tsafe\t4
site.example\tFALSE\t/\tFALSE\t1000000000\told\t5
site.example\tFALSE\t/deep\tFALSE\t0\tdeep\t6
.test\tTRUE\t/\tFALSE\t0\ttop\t7
"""


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://site.example/", "host=1; hidden=3"),
        ("http://site.example/deep/x?y", "deep=6; host=1; hidden=3"),
        ("http://site.example/deeper", "host=1; hidden=3"),
        ("https://site.example/", "host=1; hidden=3; safe=4"),
        ("http://sub.site.example/", ""),
        ("http://evilsite.example/", ""),
        ("http://wide.example/in", "wide=2"),
        ("http://a.wide.example/in/x", "wide=2"),
        ("http://a.wide.example/inner", ""),
        ("http://notwide.example/in", ""),
        ("http://anybody.test/", ""),
        ("http://test/", "top=7"),
    ],
)
def test_cookies_go_where_the_file_says(url: str, sent: str, tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(COOKIES)
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    assert cookie_header(read_cookies(str(file)), scheme, host, "/" + path, 1_700_000_000) == sent


def test_cookies_are_scoped_on_the_wire_and_blanked_in_the_archive(tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text("\ufeff" + COOKIES)  # as some editors save it
    with serve(routes({"/a": redirect("http://other.example/b"), "/b": redirect("http://site.example/c"), "/c": OK})) as web:
        _, book = fetch("http://site.example/a", replace(QUICK, connect_to=hosts(web, ""), cookies_file=str(file)))
    assert [request.headers.get("cookie") for request in web.requests] == ["host=1; hidden=3", None, "host=1; hidden=3"]
    assert b"Cookie: [blanked]\r\n" in book.kept[0].exchange.request
    assert all(b"hidden=3" not in kept.exchange.request for kept in book.kept)


@pytest.mark.parametrize(
    "text", ["site.example TRUE / FALSE 0 a b", "a\tb", "h\tTRUE\t/\tFALSE\tsoon\ta\tb", "h\tTRUE\t/\tFALSE\t0\ta\tb;c"]
)
def test_a_file_that_holds_no_cookies_says_where(text: str, tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text("# x\n" + text + "\n")
    with pytest.raises(UsageError, match="line 2: not a cookie"):
        read_cookies(str(file))
    with pytest.raises(UsageError, match="cannot read the cookies file"):
        read_cookies(str(tmp_path / "none"))


def test_passwords_of_netrc_go_to_their_hosts_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine site.example login me password w0rd\ndefault login any password thing\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with serve(routes({"/a": redirect("http://other.example/b"), "/b": OK})) as web:
        settings = replace(QUICK, connect_to=hosts(web, ""))
        _, book = fetch("http://site.example/a", replace(settings, netrc=True))
        fetch("http://site.example/a", settings)
    login = "Basic " + b64encode(b"me:w0rd").decode()
    assert [request.headers.get("authorization") for request in web.requests] == [login, None, None, None]
    assert b"Authorization: [blanked]" in book.kept[0].exchange.request


def test_a_missing_netrc_is_none_and_a_broken_one_an_error(tmp_path: Path) -> None:
    assert read_passwords(tmp_path / "none") == ()
    (tmp_path / "broken").write_text("machine\nlogin x password\n")
    with pytest.raises(UsageError, match="cannot read"):
        read_passwords(tmp_path / "broken")


def test_userinfo_of_a_target_is_used_there_and_shown_nowhere() -> None:
    with serve(routes({"/c": OK})) as other, serve(routes({"/a": redirect("/b"), "/b": redirect(other.url("/c"))})) as web:
        url = web.url("/a").replace("http://", "http://me:w%40rd@")
        outcome, book = fetch(url, ports={other.port})
    assert isinstance(outcome, Captured)
    login = "Basic " + b64encode(b"me:w@rd").decode()
    assert [request.headers.get("authorization") for request in web.requests] == [login, login]
    assert "authorization" not in other.requests[0].headers
    shown = repr([(kept.exchange, kept.response) for kept in book.kept]) + repr(book.events) + repr(outcome.hops)
    assert "w%40rd" not in shown
    assert login not in shown


def test_userinfo_of_a_redirect_is_dropped() -> None:
    with serve(routes({"/b": OK})) as web, serve(routes({"/a": redirect(web.url("/b").replace("//", "//me:w0rd@"))})) as first:
        outcome, book = fetch(first.url("/a"), ports={web.port})
    assert isinstance(outcome, Captured)
    assert "authorization" not in web.requests[0].headers
    sent = redirect(web.url("/b").replace("//", "//me:w0rd@"))
    assert book.kept[0].response == sent.replace(b"me:w0rd", b"xxxxxxx")
    assert book.kept[0].exchange.notes == ("userinfo blanked: Location",)
    assert "w0rd" not in repr(outcome.hops) + repr(book.events) + repr([(kept.exchange, kept.response) for kept in book.kept])


def test_userinfo_of_a_redirect_is_kept_where_secrets_shall_be() -> None:
    sent = redirect("http://me:w0rd@127.0.0.1:1/b")
    with serve(routes({"/a": sent})) as web:
        _, book = fetch(web.url("/a"), replace(QUICK, keep_secrets=True))
    assert (book.kept[0].response, book.kept[0].exchange.notes) == (sent, ())


@pytest.mark.parametrize(
    "location",
    [
        "http://me:w0rd@h.example/",
        "HTTPS://w0rd@h.example",
        "//me:w0rd@h.example/x",
        "http:me:w0rd@h.example/",
        "https:\\\\me:w0rd@h.example/",
        "ftp://me:w0rd@h.example/",
        " \t\x00http://me:w0rd@h.example/",
        "http://a@b:w0rd@h.example/c@d",
        "\r\n http://me:w0\r\n\trd@h.example/",
        "http://me:w0rd@:bad/",
    ],
)
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_no_spelling_of_userinfo_in_a_location_is_kept(location: str, newline: str) -> None:
    head = newline.join(["HTTP/1.1 302 Found", "Content-Length: 0", f"LOCATION:{location}", "X-Mail: me@h.example", "", ""]).encode(
        "latin-1"
    )
    shown = without_userinfo(head)
    assert b"w0" not in shown
    assert b"rd@" not in shown
    assert len(shown) == len(head)
    assert b"X-Mail: me@h.example" in shown
    assert parse_head(shown) is not None


@pytest.mark.parametrize(
    "location", ["photo@2x.jpg", "/a@b.jpg", "?a@b", "http://h.example/@me", "http://h.example?q=a@b", "mailto:a@b", ""]
)
def test_a_location_without_userinfo_is_kept_as_sent(location: str) -> None:
    sent = redirect(location)
    assert without_userinfo(sent) == sent


@pytest.mark.parametrize(
    "header", [("X-A", "b\r\nX-C: d"), ("X A", "b"), ("", "b"), ("X-A", "b\x00"), ("Host", "other.example"), ("X-Ü", "b")]
)
def test_headers_that_cannot_be_sent_are_refused_at_once(header: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="header"):
        Client(replace(QUICK, headers=(header,)), on_event=print, spool_dir=tmp_path, now=None)  # type: ignore[arg-type]


def test_an_empty_value_takes_one_of_our_headers_away() -> None:
    with serve(routes({"/a": OK})) as web:
        fetch(web.url("/a"), replace(QUICK, headers=(("Accept-Encoding", ""), ("accept", "image/webp"))))
    assert "accept-encoding" not in web.requests[0].headers
    assert web.requests[0].headers["accept"] == "image/webp"


@pytest.mark.parametrize(("keep", "kept"), [(False, False), (True, True)])
def test_what_the_user_gave_is_blanked_unless_it_shall_be_kept(keep: bool, kept: bool) -> None:
    given = FetchSettings(headers=(("X-Key", "hush"), ("Accept-Language", "de")), keep_secrets=keep)
    request = blanked(b"GET / HTTP/1.1\r\nX-Key: hush\r\nAccept-Language: de\r\n\r\n", given)
    assert (b"hush" in request) is kept
    assert b"Accept-Language: de" in request
