from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from archiver.capture.client import Client
from archiver.errors import UsageError
from archiver.model import Captured, FetchSettings, Missed, Reason
from tests.capture.harness import QUICK, fetch, fetch_all, with_ca
from tests.servers import Connection, certificate, http_proxy, redirect, response, routes, serve, socks5_proxy, then_close

OK = response(b"picture")
CLOSED = replace(QUICK, allow_addresses=())


def test_http_through_a_proxy_is_kept_as_it_was_said() -> None:
    table = {"/a?x=%2C": OK, "/r": redirect("/a?x=%2C")}
    with serve(routes(table)) as web, serve(http_proxy(lambda name, port: ("127.0.0.1", web.port))) as proxy:
        outcome, book = fetch("http://site.example/r", replace(CLOSED, proxy=proxy.url("")))
    assert isinstance(outcome, Captured), outcome
    assert [kept.response for kept in book.kept] == [redirect("/a?x=%2C"), OK]
    assert book.kept[1].exchange.request.startswith(b"GET http://site.example/a?x=%2C HTTP/1.1\r\nHost: site.example\r\n")
    assert [kept.exchange.ip for kept in book.kept] == ["", ""]
    assert book.kept[0].exchange.notes == ("through a proxy",)


def test_https_through_a_proxy_is_a_tunnel_that_leaves_no_trace(tmp_path: Path) -> None:
    with ExitStack() as stack:
        web = stack.enter_context(serve(routes({"/a": OK, "/b": OK}), tls=certificate("site.example")))
        proxy = stack.enter_context(serve(http_proxy(lambda name, port: ("127.0.0.1", web.port))))
        settings = with_ca(tmp_path, replace(CLOSED, proxy=proxy.url(""), per_host=1))
        outcomes, book = fetch_all(["https://site.example/a", "https://site.example/b"], settings)
    assert all(isinstance(outcome, Captured) for outcome in outcomes), outcomes
    assert [request.line for request in proxy.requests] == ["CONNECT site.example:443 HTTP/1.1"]
    for kept, request in zip(book.kept, web.requests, strict=True):
        assert kept.exchange.request == request.head
        assert kept.response == OK


def test_through_an_https_proxy(tmp_path: Path) -> None:
    with serve(routes({"/a": OK})) as web:
        proxy_handler = http_proxy(lambda name, port: ("127.0.0.1", web.port))
        with serve(proxy_handler, tls=certificate("127.0.0.1")) as proxy:
            outcome, book = fetch("http://site.example/a", with_ca(tmp_path, replace(CLOSED, proxy=proxy.url(""))))
    assert isinstance(outcome, Captured), outcome
    assert book.kept[0].response == OK


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_what_is_written_as_a_closed_address_is_not_asked_of_a_proxy(scheme: str) -> None:
    hosts = ["127.0.0.1", "0x7f.1", "[::1]", "169.254.169.254", "localhost", "a.localhost."]
    with serve(then_close()) as proxy:
        settings = replace(CLOSED, proxy=f"{scheme}://127.0.0.1:{proxy.port}")
        outcomes, _ = fetch_all([f"http://{host}/a" for host in hosts], settings)
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Missed)] == [Reason.BLOCKED] * len(hosts)
    assert proxy.connections == 0


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_through_a_socks_proxy_that_looks_names_up(tls: bool, tmp_path: Path) -> None:
    names: list[str] = []
    with ExitStack() as stack:
        web = stack.enter_context(serve(routes({"/a": OK, "/b": OK}), tls=certificate("site.example") if tls else None))
        greeting = socks5_proxy(lambda name, port: ("127.0.0.1", web.port), names)
        proxy = stack.enter_context(serve(then_close(), greeting=greeting))
        settings = with_ca(tmp_path, replace(CLOSED, proxy=f"socks5://127.0.0.1:{proxy.port}", per_host=1))
        outcomes, book = fetch_all([f"{web.scheme}://site.example/{path}" for path in "ab"], settings)
    assert all(isinstance(outcome, Captured) for outcome in outcomes), outcomes
    assert names == ["site.example"]
    assert [kept.response for kept in book.kept] == [OK, OK]
    assert [kept.exchange.request for kept in book.kept] == [request.head for request in web.requests]


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_is_not_there(scheme: str) -> None:
    with serve(then_close()) as gone:
        pass
    outcome, _ = fetch("http://site.example/a", replace(CLOSED, proxy=f"{scheme}://127.0.0.1:{gone.port}"))
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.NETWORK_ERROR
    assert "proxy" in outcome.detail


def test_a_proxy_that_refuses() -> None:
    with serve(then_close(response(b"", "407 Proxy Authentication Required"))) as proxy:
        outcome, book = fetch("https://site.example/a", replace(CLOSED, proxy=proxy.url("")))
    assert isinstance(outcome, Missed)
    assert outcome.detail == "the proxy refused to connect to site.example: 407"
    assert book.kept == []


def test_a_socks_proxy_that_cannot_reach_the_host() -> None:
    with serve(then_close(), greeting=socks5_proxy(lambda name, port: ("127.0.0.1", 1), [])) as proxy:
        outcome, _ = fetch("http://site.example/a", replace(CLOSED, proxy=f"socks5://127.0.0.1:{proxy.port}"))
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.NETWORK_ERROR


def test_the_password_of_a_proxy_stays_out_of_the_archive() -> None:
    with serve(routes({"/a": OK})) as web, serve(http_proxy(lambda name, port: ("127.0.0.1", web.port))) as proxy:
        settings = replace(CLOSED, proxy=f"http://me:w0rd@127.0.0.1:{proxy.port}")
        outcome, book = fetch("http://site.example/a", settings)
    assert isinstance(outcome, Captured)
    assert "proxy-authorization" in proxy.requests[0].headers
    assert b"Proxy-Authorization: [blanked]" in book.kept[0].exchange.request


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "http://", "http://a b"])
def test_an_unusable_proxy_ends_with_a_clear_word(proxy: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a usable proxy"):
        Client(FetchSettings(proxy=proxy), on_event=print, spool_dir=tmp_path, now=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["proxy", "host"])
def test_a_handshake_behind_a_socks_proxy_that_hangs_times_out(where: str) -> None:
    """The proxy's own talk, or the TLS handshake of the host behind it."""

    def hang(connection: Connection) -> None:
        while connection.sock.recv(4096):
            pass

    with serve(then_close(), greeting=hang) as web:
        greeting = hang if where == "proxy" else socks5_proxy(lambda name, port: ("127.0.0.1", web.port), [])
        with serve(then_close(), greeting=greeting) as proxy:
            settings = replace(CLOSED, proxy=f"socks5://127.0.0.1:{proxy.port}", connect_timeout_s=0.4, retries=0)
            outcome, book = fetch("https://site.example/a", settings)
    assert isinstance(outcome, Missed)
    assert (outcome.reason, outcome.detail) == (Reason.TIMEOUT, "no connection to site.example within 0.4 s")
    assert book.took_s < 10
