"""Servers that answer wrongly, late, partly or not at all: the right word for each, and the bytes that did arrive."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from archiver.capture.client import Client
from archiver.errors import OutputError
from archiver.model import Captured, Missed, Outcome, Reason
from tests.capture.harness import QUICK, Book, fetch, fetch_all, target, with_ca
from tests.servers import (
    Connection,
    Handler,
    Request,
    certificate,
    chunked,
    drip,
    flood,
    full_port,
    redirect,
    response,
    routes,
    sequence,
    serve,
    then_close,
    then_hang,
    then_reset,
)

OK = response(b"picture")
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ONCE = replace(QUICK, retries=0)
STRICT = replace(ONCE, min_speed_window_s=0.4, min_speed_bytes_s=1000)
SILENT = replace(ONCE, read_timeout_s=0.5)


def missed(outcome: object) -> Missed:
    assert isinstance(outcome, Missed), outcome
    return outcome


# --- statuses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["400 Bad", "401 Login", "403 No", "404 Not Found", "410 Gone", "451 Legal", "300 Choose"])
def test_a_final_error_is_asked_once_and_its_answer_kept(status: str) -> None:
    raw = response(b"<html>sorry</html>", status, [("Content-Type", "text/html")])
    with serve(routes({"/a": raw})) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.HTTP_ERROR
    assert status[:3] in missed(outcome).detail
    assert [kept.response for kept in book.kept] == [raw]
    assert (outcome.attempts, outcome.hops[-1].status, outcome.hops[-1].content_type) == (1, int(status[:3]), "text/html")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520])
def test_what_may_recover_is_asked_again_and_every_answer_kept(status: int) -> None:
    bad = response(b"later", f"{status} Later")
    with serve(sequence(bad, bad, OK)) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert outcome.attempts == 3
    assert [kept.response for kept in book.kept] == [bad, bad, OK]
    assert [event.name for event in book.events].count("retry") == 2


def test_retries_end() -> None:
    with serve(sequence(response(b"", "503 Busy"))) as web:
        outcome, _ = fetch(web.url("/a"), replace(QUICK, retries=1))
    assert (missed(outcome).reason, outcome.attempts, len(web.requests)) == (Reason.HTTP_ERROR, 2, 2)


@pytest.mark.parametrize("raw", [response(b""), b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 Same\r\n\r\n", CHUNKED_HEAD + chunked()])
def test_no_body_is_empty(raw: bytes) -> None:
    with serve(routes({"/a": raw})) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.EMPTY
    assert [kept.response for kept in book.kept] == [raw]


def test_a_body_that_is_empty_after_decoding_is_empty() -> None:
    raw = response(gzip.compress(b""), headers=[("Content-Encoding", "gzip")])
    with serve(routes({"/a": raw})) as web:
        outcome, _ = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.EMPTY


def test_a_picture_that_calls_itself_something_else_is_none_of_the_clients_business() -> None:
    with serve(routes({"/a": response(b"\x89PNG", headers=[("Content-Type", "text/html")]), "/b": response(b"x", headers=[])})) as web:
        outcomes, _ = fetch_all([web.url("/a"), web.url("/b")])
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert [outcome.hops[-1].content_type for outcome in outcomes] == ["text/html", ""]


# --- Retry-After --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_retry_after_is_waited_for_and_named(as_date: bool) -> None:
    value = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True) if as_date else "100"
    with serve(sequence(response(b"", "429 Slow down", [("Retry-After", value)]), OK)) as web:
        outcome, book = fetch(web.url("/a"), replace(QUICK, retry_after_cap_s=0.2))
    assert isinstance(outcome, Captured)
    (event,) = (event for event in book.events if event.name == "retry")
    assert event.fields["wait_s"] == 0.2


def test_a_host_that_asks_for_a_pause_is_left_alone_by_all_its_targets() -> None:
    with serve(sequence(response(b"", "429 Slow down", [("Retry-After", "1")]), OK)) as web:
        settings = replace(QUICK, per_host=1, retry_after_cap_s=0.3)
        stamps: list[float] = []
        outcomes, book = fetch_all([web.url(f"/{i}") for i in range(3)], settings)
    stamps = [kept.exchange.at.timestamp() for kept in book.kept]
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert stamps[1] - stamps[0] >= 0.25


# --- connections --------------------------------------------------------------------------------------------------------


def test_a_closed_port_is_a_network_error_and_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome, book = fetch(f"http://127.0.0.1:{port}/a")
    assert missed(outcome).reason is Reason.NETWORK_ERROR
    assert "refused" in missed(outcome).detail.lower()
    assert outcome.attempts == 3
    assert book.kept == []
    assert [hop.status for hop in outcome.hops] == [0]


@pytest.mark.parametrize("end", [then_close(), then_reset()], ids=["closed", "reset"])
def test_a_connection_that_ends_before_an_answer_recovers(end: Handler) -> None:
    with serve(sequence(end, end, OK)) as web:
        outcome, _ = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert (outcome.attempts, web.connections) == (3, 3)


def test_a_connection_that_always_ends_before_an_answer_is_a_network_error() -> None:
    with serve(then_close()) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.NETWORK_ERROR
    assert missed(outcome).detail == "the server closed the connection before it had answered"
    assert book.kept == []


def test_a_partial_answer_outranks_none_at_all() -> None:
    partial = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    with serve(sequence(then_close(partial), then_close())) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.TRUNCATED
    assert missed(outcome).detail == "the server closed the connection after 3 of 10 bytes"
    assert outcome.hops[-1].stored is not None
    assert len(book.kept) == 1


def test_a_kept_connection_closed_under_us_is_replaced_silently() -> None:
    def answer_and_go(connection: Connection, request: Request) -> None:
        connection.send(OK)
        connection.read_head()
        connection.cut()

    with serve(sequence(answer_and_go, OK)) as web:
        outcomes, book = fetch_all([web.url("/1"), web.url("/2")], replace(QUICK, per_host=1, retries=0))
    assert [type(outcome) for outcome in outcomes] == [Captured, Captured]
    assert [outcome.attempts for outcome in outcomes] == [1, 1]
    assert web.connections == 2
    assert not [event for event in book.events if event.name == "retry"]


def test_a_408_that_crosses_the_next_request_is_not_its_answer() -> None:
    timed_out = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with serve(sequence(OK, then_close(timed_out), OK)) as web:
        outcomes, book = fetch_all([web.url("/1"), web.url("/2")], replace(QUICK, per_host=1, retries=0))
    assert [type(outcome) for outcome in outcomes] == [Captured, Captured]
    assert [kept.response for kept in book.kept] == [OK, OK]
    assert web.connections == 2


def test_an_end_of_the_answer_before_that_comes_late_does_not_cost_the_next_link() -> None:
    def answer_too_much(connection: Connection, request: Request) -> None:
        connection.send(OK)
        connection.read_head()
        connection.send(b"more than the length said")

    with serve(sequence(answer_too_much, OK)) as web:
        outcomes, book = fetch_all([web.url("/1"), web.url("/2")], replace(QUICK, per_host=1, retries=0))
    assert [type(outcome) for outcome in outcomes] == [Captured, Captured]
    assert [kept.response for kept in book.kept] == [OK, OK]
    assert web.connections == 2


def test_a_request_is_repeated_once_and_on_a_new_connection_when_all_kept_ones_close(tmp_path: Path) -> None:
    together = threading.Barrier(3)

    def answer_and_go(connection: Connection, request: Request) -> None:
        if request.target.startswith("/first"):
            together.wait(20)
            connection.send(OK)
        elif connection.number < 3:
            connection.cut()
        else:
            connection.send(OK)

    async def run() -> Outcome:
        settings = replace(QUICK, per_host=3, retries=0)
        async with Client(settings, on_event=print, spool_dir=tmp_path, now=lambda: datetime.now(UTC)) as client:
            await asyncio.gather(*(client.fetch(target(web.url(f"/first{n}")), record=Book().record) for n in range(3)))
            return await client.fetch(target(web.url("/last")), record=Book().record)

    with serve(answer_and_go) as web:
        outcome = asyncio.run(run())
    assert isinstance(outcome, Captured)
    assert web.targets().count("/last") == 2
    assert web.connections == 4


def test_connections_are_used_again() -> None:
    with serve(routes({f"/{i}": OK for i in range(20)})) as web:
        outcomes, _ = fetch_all([web.url(f"/{i}") for i in range(20)], replace(QUICK, per_host=2))
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert web.connections == 2


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.6\r\n", b"<html>hello</html>", b"HTTP/1.1 abc\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46"]
)
def test_what_is_not_http_is_a_network_error(raw: bytes) -> None:
    with serve(then_close(raw)) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.NETWORK_ERROR
    assert missed(outcome).detail == "not an HTTP response"
    assert (len(web.requests), book.kept) == (1, [])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (CHUNKED_HEAD + b"3\r\nabc\r\nzz\r\n", Reason.TRUNCATED),
        (CHUNKED_HEAD + b"3\r\nabcdef\r\n", Reason.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", Reason.NETWORK_ERROR),
    ],
    ids=["bad size", "no line break", "two lengths"],
)
def test_broken_framing_is_kept_as_far_as_it_came(raw: bytes, reason: Reason) -> None:
    with serve(then_close(raw)) as web:
        outcome, book = fetch(web.url("/a"), ONCE)
    assert missed(outcome).reason is reason
    assert raw.startswith(book.kept[0].response)
    assert book.kept[0].response.startswith(raw.partition(b"\r\n\r\n")[0])
    assert book.kept[0].exchange.truncated == "disconnect"


def test_an_error_page_cut_short_is_still_the_error() -> None:
    with serve(then_close(b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nabc")) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.HTTP_ERROR
    assert book.kept[0].exchange.truncated == "disconnect"


def test_a_redirect_cut_short_still_leads_on() -> None:
    cut = then_close(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 10\r\n\r\nabc")
    with serve(routes({"/a": cut, "/b": OK})) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert [kept.exchange.truncated for kept in book.kept] == ["disconnect", ""]


# --- slow and endless ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "detail", "kept"),
    [
        (then_hang(), "nothing came for 0.5 s", 0),
        (then_hang(b"HTTP/1.1 200 OK\r\nX: "), "nothing came for 0.5 s before a complete response head", 0),
        (then_hang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), "nothing came for 0.5 s after 3 of 9 bytes", 1),
        (drip(b"HTTP/1.1 200 OK\r\nX: "), "slower than 1000 bytes/s over 0.4 s before a complete response head", 0),
        (drip(b"HTTP/1.1 200 OK\r\n\r\n"), "slower than 1000 bytes/s over 0.4 s after", 1),
        (drip(CHUNKED_HEAD, piece=b"1\r\nx\r\n"), "slower than 1000 bytes/s over 0.4 s after", 1),
        (drip(b"", piece=b"HTTP/1.1 103 Early\r\n\r\n"), "slower than 1000 bytes/s over 0.4 s", 0),
    ],
    ids=["silent", "half a head", "half a body", "slow head", "slow body", "slow chunks", "endless interim"],
)
def test_the_slow_end_with_a_timeout(handler: Handler, detail: str, kept: int) -> None:
    with serve(handler) as web:
        outcome, book = fetch(web.url("/a"), SILENT if "nothing" in detail else STRICT)
    assert missed(outcome).reason is Reason.TIMEOUT
    assert missed(outcome).detail.startswith(detail)
    assert [entry.exchange.truncated for entry in book.kept] == ["time"] * kept


def test_what_is_not_slow_but_never_ends_meets_the_total_time() -> None:
    with serve(drip(b"HTTP/1.1 200 OK\r\n\r\n", pause_s=0.02, piece=b"x" * 1000)) as web:
        outcome, book = fetch(web.url("/a"), replace(ONCE, total_timeout_s=1.5))
    assert missed(outcome).reason is Reason.TIMEOUT
    assert missed(outcome).detail.startswith("not finished within 1.5 s after")
    assert book.kept[0].exchange.truncated == "time"
    assert outcome.attempts == 1


def test_a_server_that_was_silent_once_is_asked_again() -> None:
    with serve(sequence(then_hang(), OK)) as web:
        outcome, _ = fetch(web.url("/a"), replace(QUICK, read_timeout_s=1.0))
    assert isinstance(outcome, Captured)
    assert outcome.attempts == 2


def test_a_server_that_was_slow_is_not_asked_again() -> None:
    with serve(drip(b"HTTP/1.1 200 OK\r\n\r\n")) as web:
        outcome, _ = fetch(web.url("/a"), replace(STRICT, retries=2))
    assert (missed(outcome).reason, outcome.attempts) == (Reason.TIMEOUT, 1)


@pytest.mark.parametrize(
    "handler",
    [flood(b"HTTP/1.1 200 OK\r\n\r\n"), flood(CHUNKED_HEAD, piece=b"10000\r\n" + b"x" * 65536 + b"\r\n")],
    ids=["plain", "chunked"],
)
def test_an_endless_body_ends_at_the_limit(handler: Handler) -> None:
    with serve(handler) as web:
        outcome, book = fetch(web.url("/a"), replace(QUICK, max_body_bytes=1_000_000))
    assert missed(outcome).reason is Reason.TOO_LARGE
    assert (outcome.attempts, len(book.kept)) == (1, 1)
    assert book.kept[0].exchange.truncated == "length"
    assert len(book.kept[0].response.partition(b"\r\n\r\n")[2]) == 1_000_000


def test_a_full_disk_is_our_own_trouble_and_ends_the_run() -> None:
    body = b"x" * 2_000_000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serve(routes({"/a": response(body), "/small": OK})) as web:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
            with pytest.raises(OutputError, match="cannot keep what arrives in"):
                fetch(web.url("/a"))
            outcome, _ = fetch(web.url("/small"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(outcome, Captured)


def test_a_body_announced_too_large_is_not_fetched() -> None:
    with serve(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n", pause_s=0.01)) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).detail == "the server announces 209715200 bytes, the limit is 67108864"
    assert len(book.kept[0].response) < 1000


def test_a_length_of_more_digits_than_any_machine_counts_is_too_large() -> None:
    with serve(then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nabc")) as web:
        outcome, _ = fetch(web.url("/a"), ONCE)
    assert missed(outcome).reason is Reason.TOO_LARGE


@pytest.mark.parametrize("size", [999, 1000, 1001])
def test_the_limit_is_the_largest_body_that_passes(size: int) -> None:
    raw = {"/length": response(b"x" * size), "/chunked": CHUNKED_HEAD + chunked(*[b"x"] * size)}
    with serve(routes(raw)) as web:
        outcomes, _ = fetch_all([web.url(path) for path in raw], replace(QUICK, max_body_bytes=1000))
    assert [isinstance(outcome, Captured) for outcome in outcomes] == [size <= 1000] * 2


def test_endless_chunk_framing_is_bounded_too() -> None:
    with serve(flood(CHUNKED_HEAD, piece=(b"1;" + b"x" * 10_000 + b"\r\nx\r\n") * 10)) as web:
        outcome, book = fetch(web.url("/a"), replace(QUICK, max_body_bytes=1_000_000))
    assert missed(outcome).reason is Reason.TOO_LARGE
    assert "bytes of chunk framing around" in missed(outcome).detail
    assert len(book.kept[0].response) <= 1_500_000


@pytest.mark.parametrize(
    "piece",
    [b"X: " + b"v" * 1000 + b"\r\n", b"v" * 1000, b"\r\n" * 500, b"HTTP/1.1 103 Early\r\n\r\n" * 50],
    ids=["fields", "line", "blank", "interim"],
)
def test_a_head_without_end_is_bounded(piece: bytes) -> None:
    start = b"" if piece[:1] in b"\rH" else b"HTTP/1.1 200 OK\r\nX: "
    with serve(flood(start, piece=piece)) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.TOO_LARGE
    assert missed(outcome).detail == "response head larger than 262144 bytes"
    assert book.kept == []


def test_a_gzip_bomb_stays_folded() -> None:
    raw = response(gzip.compress(bytes(20_000_000)), headers=[("Content-Encoding", "gzip")])
    with serve(routes({"/a": raw})) as web:
        outcome, book = fetch(web.url("/a"), replace(QUICK, max_body_bytes=19_999_999))
    assert missed(outcome).reason is Reason.TOO_LARGE
    assert missed(outcome).detail == "20000000 bytes once its encoding is undone, the limit is 19999999"
    assert book.kept[0].response == raw


def test_a_connection_that_is_never_accepted_times_out() -> None:
    with full_port("127.0.0.1") as port:
        outcome, _ = fetch(f"http://127.0.0.1:{port}/a", replace(ONCE, connect_timeout_s=0.3))
    assert missed(outcome).reason is Reason.TIMEOUT
    assert missed(outcome).detail == "no connection to 127.0.0.1 within 0.3 s"


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize(("size", "count"), [(5_000, 12), (600_000, 2)], ids=["many small", "few large"])
def test_limit_rate_holds_for_all_connections_together(size: int, count: int, tls: bool, tmp_path: Path) -> None:
    settings = with_ca(tmp_path, replace(QUICK, limit_rate_bytes_s=size * count * 2, per_host=2))
    table = {f"/{i}": response(b"x" * size) for i in range(count)}
    with serve(routes(table), tls=certificate("127.0.0.1") if tls else None) as web:
        outcomes, book = fetch_all([web.url(f"/{i}") for i in range(count)], settings)
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert book.took_s >= 0.3  # 0.5 s at the limit, less what the last answers still owe


def test_many_targets_with_every_fault_among_them_all_come_to_an_end() -> None:
    """1,000 targets on 40 hosts, 4 % of each fault: all accounted for, within the limits, nothing left behind."""
    good = response(b"x" * 20_000)
    faults: dict[int, bytes | Handler] = {
        0: then_reset(),
        1: then_close(good[:5_000]),
        2: response(b"gone", "404 Not Found"),
        3: response(b"busy", "503 Busy"),
        4: redirect("/34"),
        5: redirect("5"),
        6: then_close(b"SSH-2.0-x\r\n"),
        7: CHUNKED_HEAD + b"zz\r\n",
        8: response(b""),
    }

    def handle(connection: Connection, request: Request) -> None:
        what = faults.get(int(request.target.strip("/")) % 25, good)
        what(connection, request) if callable(what) else connection.send(what)

    with serve(handle, host="0.0.0.0") as web:
        urls = [f"http://127.0.{i // 25}.7:{web.port}/{i}" for i in range(1_000)]
        outcomes, _ = fetch_all(urls, replace(QUICK, retries=1, host_failures_max=50))
    counts = Counter(outcome.reason if isinstance(outcome, Missed) else "ok" for outcome in outcomes)
    assert counts == {
        "ok": 17 * 40,
        Reason.NETWORK_ERROR: 80,
        Reason.TRUNCATED: 80,
        Reason.HTTP_ERROR: 80,
        Reason.REDIRECT_ERROR: 40,
        Reason.EMPTY: 40,
    }
    assert web.peak_busy <= QUICK.concurrency


def test_the_log_tells_what_happened_to_a_link() -> None:
    with serve(routes({"/a": redirect("/b"), "/b": sequence(response(b"", "503 Busy"), OK)})) as web:
        _, book = fetch(web.url("/a"))
    told = [(event.name, event.url.rpartition("/")[2], event.fields.get("attempt"), event.fields.get("reason")) for event in book.events]
    assert told == [
        ("fetch", "a", 1, None),
        ("answer", "a", 1, None),
        ("redirect", "a", None, None),
        ("fetch", "b", 1, None),
        ("answer", "b", 1, "http_error"),
        ("retry", "b", 1, "http_error"),
        ("fetch", "b", 2, None),
        ("answer", "b", 2, None),
    ]
    assert {event.fields["host"] for event in book.events} == {"127.0.0.1"}
    assert book.events[-1].fields["size_bytes"] == len(b"picture")
