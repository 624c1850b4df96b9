"""What the archive is given equals, byte for byte, what the server wrote and what it received."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from archiver.model import Captured, Missed, Reason
from tests.capture.harness import QUICK, fetch, fetch_all, with_ca
from tests.servers import (
    Connection,
    Handler,
    Request,
    certificate,
    chunked,
    redirect,
    response,
    routes,
    sequence,
    serve,
    then_close,
    then_cut,
    then_reset,
)

BODY = bytes(range(256)) * 40
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\ncontent-TYPE: image/png\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"

WHOLE = {
    "length": response(BODY),
    "odd case, order and spacing": b"HTTP/1.1  200  Fine Thing\r\nserver:x\r\nCONTENT-length :  3 \r\nX-Empty:\r\n\r\nabc",
    "latin-1 in head": "HTTP/1.1 200 Très bien\r\nX-Auteur: Zoë\r\nContent-Length: 3\r\n\r\nabc".encode("latin-1"),
    "utf-8 in head": "HTTP/1.1 200 OK\r\nX-Autor: Łukasz\r\nContent-Length: 3\r\n\r\nabc".encode(),
    "chunked": CHUNKED_HEAD + chunked(BODY[:1000], BODY[1000:]),
    "chunk extensions and trailers": CHUNKED_HEAD + chunked(b"abc", b"defg", extension=b';a="b; c" ;d', trailers=b"X-Sum: 1\r\nX-B: 2\r\n"),
    "chunks of one byte": CHUNKED_HEAD + chunked(*(bytes([b]) for b in BODY[:500])),
    "upper case and zero-padded sizes": CHUNKED_HEAD + b"000A\r\n0123456789\r\n000\r\n\r\n",
    "folded header": b"HTTP/1.1 200 OK\r\nX-Long: a\r\n  b\r\nContent-Length: 3\r\n\r\nabc",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Type: image/png\nContent-Length: 3\n\nabc",
    "bare LF in chunks": b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n",
    "length beside chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc"),
    "the same length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 90) for i in range(500)) + b"Content-Length: 1\r\n\r\na",
    "long header": b"HTTP/1.1 200 OK\r\nX-Long: " + b"v" * 100_000 + b"\r\nContent-Length: 1\r\n\r\na",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc",
    "control bytes in a header": b"HTTP/1.1 200 OK\r\nX-Bad: a\x00b\x7f\r\nContent-Length: 3\r\n\r\nabc",
    "206 without being asked": response(BODY, "206 Partial Content"),
}
TO_THE_END = {
    "http/1.0": b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n" + BODY,
    "http/1.1 without length": b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + BODY,
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: lots\r\n\r\n" + BODY,
    "a coding that is not chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n" + BODY,
    "trailers cut off": CHUNKED_HEAD + b"3\r\nabc\r\n0\r\n",
}


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_every_kind_of_response_is_kept_as_sent_over_one_connection(tls: bool, tmp_path: Path) -> None:
    table = {f"/{index}": raw for index, raw in enumerate(WHOLE.values())}
    context = certificate("127.0.0.1") if tls else None
    with serve(routes(table), tls=context) as web:
        settings = with_ca(tmp_path, replace(QUICK, per_host=1, concurrency=1))
        outcomes, book = fetch_all([web.url(path) for path in table], settings)
    assert [type(outcome) for outcome in outcomes] == [Captured] * len(table), [o for o in outcomes if isinstance(o, Missed)]
    assert web.connections == 1
    for kept, request in zip(book.kept, web.requests, strict=True):
        assert kept.response == table[request.target], request.target
        assert kept.exchange.request == request.head
        assert kept.exchange.truncated == ""
        assert kept.exchange.ip == "127.0.0.1"
        assert kept.exchange.protocol.startswith("http/1.1; tls/1." if tls else "http/1.1")


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("end", [then_close, then_cut], ids=["closed", "cut"])
@pytest.mark.parametrize("name", TO_THE_END)
def test_a_body_that_ends_with_the_connection_is_whole(tls: bool, end: Callable[..., Handler], name: str, tmp_path: Path) -> None:
    raw = TO_THE_END[name]
    with serve(end(raw), tls=certificate("127.0.0.1") if tls else None) as web:
        outcome, book = fetch(web.url("/a"), with_ca(tmp_path))
    assert isinstance(outcome, Captured), outcome
    assert [kept.response for kept in book.kept] == [raw]
    assert book.kept[0].exchange.truncated == ""


def test_bytes_that_come_one_by_one_make_the_same_record() -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc", b"de")
    with serve(lambda c, r: c.send(*(bytes([b]) for b in raw), pause_s=0.001)) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert book.kept[0].response == raw.partition(b"\r\n\r\n")[2]
    assert book.kept[0].body == b"abcde"


def test_interim_responses_are_dropped_and_noted() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
    interim = early + b"HTTP/1.1 100 Continue\r\n\r\n\r\n" + early  # each kind is named once, however many there are
    with serve(routes({"/a": interim + response(BODY), "/b": response(b"b")})) as web:
        outcomes, book = fetch_all([web.url("/a"), web.url("/b")], replace(QUICK, per_host=1))
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert book.of("/a")[0].response == response(BODY)
    assert book.of("/a")[0].exchange.notes == ("interim response dropped: 103", "interim response dropped: 100")
    assert book.of("/b")[0].response == response(b"b")
    assert web.connections == 1


def test_redirects_over_one_connection_have_their_own_records() -> None:
    table = {"/a": redirect("/b"), "/b": redirect("/c?x=1", "308 Permanent Redirect"), "/c?x=1": response(BODY)}
    with serve(routes(table)) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert [kept.response for kept in book.kept] == list(table.values())
    assert [kept.exchange.request for kept in book.kept] == [request.head for request in web.requests]
    assert [hop.status for hop in outcome.hops] == [302, 308, 200]
    assert web.connections == 1


def test_an_answer_to_nobody_on_an_idle_connection_is_not_taken_for_the_next_one() -> None:
    def answer_and_408(connection: Connection, request: Request) -> None:
        connection.send(response(b"first"))
        connection.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", pause_s=0)

    with serve(sequence(answer_and_408, response(b"second"))) as web:
        settings = replace(QUICK, per_host=1, delay_s=0.1)
        outcomes, book = fetch_all([web.url("/1"), web.url("/2")], settings)
    assert all(isinstance(outcome, Captured) for outcome in outcomes), outcomes
    assert [kept.response for kept in book.kept] == [response(b"first"), response(b"second")]
    assert web.connections == 2


def test_bytes_beyond_the_length_do_not_reach_the_record() -> None:
    with serve(sequence(response(b"abc") + b"surplus", response(b"second"))) as web:
        outcomes, book = fetch_all([web.url("/1"), web.url("/2")], replace(QUICK, per_host=1))
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert [kept.response for kept in book.kept] == [response(b"abc"), response(b"second")]
    assert web.connections == 2


def test_a_server_that_speaks_first_is_heard() -> None:
    with serve(lambda c, r: c.close(), greeting=lambda c: c.send(response(b"early"))) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert [kept.response for kept in book.kept] == [response(b"early")]
    assert book.kept[0].exchange.request.startswith(b"GET /a HTTP/1.1\r\n")


def test_what_a_server_says_of_its_content_cannot_command_a_terminal() -> None:
    raw = response(b"x", headers=[("Content-Type", "image/png\x1b[31m\x00"), ("Last-Modified", "\x07" * 1000)])
    with serve(routes({"/a": raw})) as web:
        outcome, book = fetch(web.url("/a"))
    assert book.kept[0].response == raw
    assert outcome.hops[0].content_type == "image/png\ufffd[31m"
    assert outcome.hops[0].last_modified.isprintable()


def test_a_large_body_goes_through_a_file_and_leaves_none() -> None:
    body = BODY * 400
    with serve(routes({"/a": response(body), "/b": CHUNKED_HEAD + chunked(body, body)})) as web:
        outcomes, book = fetch_all([web.url("/a"), web.url("/b")])  # the harness checks that the spool folder is empty
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert book.of("/a")[0].response == response(body)
    assert book.of("/b")[0].response == CHUNKED_HEAD + chunked(body, body)


@pytest.mark.parametrize("end", [then_close, then_reset], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "raw",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nabc", CHUNKED_HEAD + b"3\r\nabc\r\n5\r\nde", CHUNKED_HEAD + b"3\r\nabc\r\n"],
    ids=["length", "in a chunk", "between chunks"],
)
def test_a_body_cut_short_is_tried_again_and_kept(raw: bytes, end: Callable[..., Handler]) -> None:
    with serve(end(raw)) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Missed)
    assert (outcome.reason, outcome.attempts) == (Reason.TRUNCATED, 3)
    assert [kept.response for kept in book.kept] == [raw] * 3
    assert {kept.exchange.truncated for kept in book.kept} == {"disconnect"}
    assert outcome.hops[-1].stored is not None
    assert outcome.hops[-1].truncated == "disconnect"


@pytest.mark.parametrize(
    ("url", "line", "host"),
    [
        ("http://Bücher.example/ä?ö=%20", "GET /%C3%A4?%C3%B6=%20 HTTP/1.1", "xn--bcher-kva.example"),
        ("http://i❤.example", "GET / HTTP/1.1", "xn--i-7iq.example"),
        ("http://a_b.example?x", "GET /?x HTTP/1.1", "a_b.example"),
        ("http://a.example:8080/p?", "GET /p? HTTP/1.1", "a.example:8080"),
        ("http://a.example:80//x/../y;z*%2C?u=https%3A%2F%2Fb", "GET //x/../y;z*%2C?u=https%3A%2F%2Fb HTTP/1.1", "a.example"),
    ],
)
def test_the_request_line_and_the_record_name_the_same_url(url: str, line: str, host: str) -> None:
    with serve(lambda c, r: c.send(response(b"x"))) as web:
        outcome, book = fetch(url, replace(QUICK, connect_to=(f"::127.0.0.1:{web.port}",)))
    assert isinstance(outcome, Captured), outcome
    assert (web.requests[0].line, web.requests[0].host) == (line, host)
    assert book.kept[0].exchange.url == f"http://{host}{line.split(' ')[1]}"
    assert book.kept[0].exchange.request == web.requests[0].head
