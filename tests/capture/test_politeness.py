"""How many at once, how soon again, when to stop asking; and that stopping is immediate."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.capture.client import Client
from archiver.capture.robots import parse_rules, read_rules
from archiver.model import Captured, Missed, Reason
from tests.capture.harness import QUICK, Book, fetch, fetch_all, target
from tests.servers import Connection, Request, drip, redirect, response, routes, sequence, serve, then_close, then_hang

OK = response(b"picture")


def slowly(connection: Connection, request: Request) -> None:
    time.sleep(0.02)
    connection.send(OK)


def test_one_host_sees_no_more_connections_than_its_limit() -> None:
    with serve(slowly) as web:
        outcomes, _ = fetch_all([web.url(f"/{i}") for i in range(30)], replace(QUICK, per_host=3))
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert web.peak_busy == 3
    assert web.peak_connections == web.connections == 3


@pytest.mark.parametrize(("host", "most"), [("few.example", 1), ("many.example", 6), ("other.example", 3)])
def test_a_host_sees_the_connections_that_are_told_for_it(host: str, most: int) -> None:
    full = threading.Barrier(most)

    def handler(connection: Connection, request: Request) -> None:
        full.wait(30)
        slowly(connection, request)

    with serve(handler) as web:
        settings = replace(QUICK, per_host=3, connect_to=(f"::127.0.0.1:{web.port}",))
        settings = replace(settings, host_connections={"Few.Example": 1, "many.example": 6})
        outcomes, _ = fetch_all([f"http://{host}/{i}" for i in range(12)], settings)
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert web.peak_busy == web.peak_connections == most


def test_one_address_behind_many_names_sees_no_more_than_one_host_would() -> None:
    with serve(slowly) as web:
        settings = replace(QUICK, per_host=4, connect_to=(f"::127.0.0.1:{web.port}",))
        outcomes, _ = fetch_all([f"http://h{i}.example/{j}" for i in range(20) for j in range(2)], settings)
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert web.peak_busy == 4


def test_all_hosts_together_see_no_more_than_the_limit_of_all() -> None:
    with serve(slowly, host="0.0.0.0") as web:
        urls = [f"http://127.0.0.{i}:{web.port}/{j}" for i in range(2, 12) for j in range(3)]
        outcomes, _ = fetch_all(urls, replace(QUICK, concurrency=5))
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert web.peak_busy == 5
    assert len(web.requests) == 30  # making room never closes a connection that is in use


def test_a_host_is_finished_on_its_connection_before_the_next_one_gets_its_place() -> None:
    with serve(slowly, host="0.0.0.0") as web:
        urls = [f"http://127.0.0.{host}:{web.port}/{j}" for j in range(6) for host in range(2, 12)]
        outcomes, _ = fetch_all(urls, replace(QUICK, concurrency=3))
    assert all(isinstance(outcome, Captured) for outcome in outcomes)
    assert web.connections < 20  # 60 requests to 10 hosts


def test_a_pause_between_two_requests_to_one_host_is_kept() -> None:
    with serve(routes({f"/{i}": OK for i in range(4)})) as web:
        _, book = fetch_all([web.url(f"/{i}") for i in range(4)], replace(QUICK, delay_s=0.3))
    stamps = sorted(kept.exchange.at for kept in book.kept)
    assert (stamps[-1] - stamps[0]).total_seconds() >= 0.6  # three pauses of 0.3 s, less what a busy machine adds to the first request


def test_the_pause_that_is_told_for_a_host_is_kept_there_only() -> None:
    with serve(routes({f"/{i}": OK for i in range(4)})) as web:
        settings = replace(
            QUICK, connect_to=(f"::127.0.0.1:{web.port}",), delay_s=60, host_delay_s={"slow.example": 0.3, "quick.example": 0}
        )
        _, book = fetch_all([f"http://{host}.example/{i}" for i in range(4) for host in ("slow", "quick")], settings)
    stamps = sorted(kept.exchange.at for kept in book.kept if "slow" in kept.exchange.url)
    assert (stamps[-1] - stamps[0]).total_seconds() >= 0.6
    assert len(book.kept) == 8, "nobody waited for the pause of all other hosts"


def test_a_host_that_keeps_failing_is_given_up_and_its_other_links_say_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcomes, book = fetch_all([f"http://127.0.0.1:{port}/{i}" for i in range(20)], replace(QUICK, host_failures_max=5, per_host=1))
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Missed)} == {Reason.NETWORK_ERROR}
    assert sum(event.name == "fetch" for event in book.events) == 5
    given_up = [outcome for outcome in outcomes if isinstance(outcome, Missed) and "given up" in outcome.detail]
    assert len(given_up) >= 15
    assert given_up[-1].detail.startswith(
        f"127.0.0.1:{port} was given up after 5 links in a row failed; the last: no connection to 127.0.0.1: "
    )
    assert outcomes[-1].attempts == 0


def test_a_host_that_cuts_every_body_short_is_given_up() -> None:
    with serve(then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")) as web:
        outcomes, book = fetch_all([web.url(f"/{i}") for i in range(20)], replace(QUICK, per_host=1))
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Missed)]
    assert len(reasons) == 20
    assert len(web.requests) == 5
    assert reasons.count(Reason.TRUNCATED) == len({kept.exchange.url for kept in book.kept})
    assert set(reasons) == {Reason.TRUNCATED, Reason.NETWORK_ERROR}


def test_nobody_waits_for_his_turn_at_a_host_that_was_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = replace(QUICK, host_failures_max=1, per_host=1, retries=0, delay_s=600)
    outcomes, _ = fetch_all([f"http://127.0.0.1:{port}/{i}" for i in range(50)], settings)  # hours, if they did
    assert all(isinstance(outcome, Missed) for outcome in outcomes)


def test_a_host_that_only_asks_to_be_left_alone_is_left_alone() -> None:
    with serve(lambda c, r: c.send(response(b"", "429 Too Many", [("Retry-After", "0")]))) as web:
        outcomes, _ = fetch_all([web.url(f"/{i}") for i in range(20)], replace(QUICK, host_failures_max=5, per_host=2))
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Missed)} == {Reason.HTTP_ERROR}
    assert len(web.requests) <= 6
    assert isinstance(outcomes[-1], Missed)
    assert outcomes[-1].detail == f"127.0.0.1:{web.port} was given up after 5 links in a row failed; the last: the server answered 429"


@pytest.mark.parametrize("status", ["500 Trouble", "503 Busy"])
def test_a_host_that_answers_every_link_with_an_error_of_its_own_is_given_up(status: str) -> None:
    with serve(lambda c, r: c.send(response(b"sorry", status))) as web:
        outcomes, _ = fetch_all([web.url(f"/{i}") for i in range(40)])
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Missed)} == {Reason.HTTP_ERROR}
    assert len(web.requests) <= 5 + QUICK.per_host - 1
    detail = f"127.0.0.1:{web.port} was given up after 5 links in a row failed; the last: the server answered {status[:3]}"
    assert sum(isinstance(outcome, Missed) and outcome.detail.startswith(detail[:30]) for outcome in outcomes) >= 40 - len(web.requests)
    assert isinstance(outcomes[-1], Missed)
    assert (outcomes[-1].detail, outcomes[-1].attempts) == (detail, 0)


def test_a_few_dead_links_do_not_cost_a_host_its_others() -> None:
    """What is dead is tried again while nothing else is left to ask; a link that only needs its third try still gets it."""
    steps: dict[str, object] = {f"/dead{i}": response(b"", "500 Trouble") for i in range(4)}
    steps["/late"] = sequence(*[response(b"", "503 Busy")] * 2, OK)
    with serve(routes(steps)) as web:  # type: ignore[arg-type]
        outcomes, _ = fetch_all([web.url("/ok"), *(web.url(path) for path in steps)], replace(QUICK, per_host=1))
    assert isinstance(outcomes[-1], Captured)


def test_a_dead_port_does_not_cost_another_port_of_its_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with serve(routes({"/a": OK})) as web:
        dead = [f"http://127.0.0.1:{port}/{i}" for i in range(12)]
        outcomes, _ = fetch_all([*dead, web.url("/a")], replace(QUICK, per_host=1))
    assert isinstance(outcomes[-1], Captured)


def test_a_host_that_answers_in_between_is_not_given_up() -> None:
    steps = {f"/{i}": (OK if i % 3 == 0 else lambda c, r: c.reset()) for i in range(12)}
    with serve(routes(steps)) as web:
        outcomes, _ = fetch_all([web.url(path) for path in steps], replace(QUICK, host_failures_max=4, per_host=1, retries=0))
    assert [isinstance(outcome, Captured) for outcome in outcomes] == [i % 3 == 0 for i in range(12)]
    assert not any("given up" in outcome.detail for outcome in outcomes if isinstance(outcome, Missed))


def test_other_hosts_go_on_while_one_hangs() -> None:
    with serve(then_hang()) as stuck, serve(routes({"/a": OK})) as web:
        settings = replace(QUICK, read_timeout_s=2.0, retries=0)
        urls = [stuck.url(f"/{i}", "127.0.0.1") for i in range(2)] + [web.url("/a")]
        outcomes, book = fetch_all(urls, settings)
    assert [type(outcome) for outcome in outcomes] == [Missed, Missed, Captured]
    answers = [event.url for event in book.events if event.name == "answer"]
    assert answers[0] == web.url("/a")


# --- stopping -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "handler",
    [then_hang(), then_hang(OK[:40]), drip(b"HTTP/1.1 200 OK\r\n\r\n", piece=b"x" * 300_000), redirect("/again")],
    ids=["silent", "half", "spooled", "waiting for a retry"],
)
def test_cancelling_is_immediate_and_leaves_nothing(handler: object) -> None:
    answer = handler if callable(handler) else lambda c, r: c.send(response(b"", "503 Busy", [("Retry-After", "60")]))
    settings = replace(QUICK, retry_after_cap_s=60, per_host=2)
    book = Book()

    async def run(url: str, folder: str) -> None:
        async with Client(settings, on_event=book.events.append, spool_dir=Path(folder), now=lambda: datetime.now(UTC)) as client:
            tasks = [asyncio.create_task(client.fetch(target(f"{url}{i}"), record=book.record)) for i in range(6)]
            await asyncio.sleep(0.3)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)

    with serve(answer) as web, tempfile.TemporaryDirectory() as folder:  # type: ignore[arg-type]
        asyncio.run(run(web.url("/"), folder))
        assert os.listdir(folder) == []  # noqa: PTH208 - a list, at once


# --- robots.txt -------------------------------------------------------------------------------------------------------------

OBEY = replace(QUICK, robots="obey")


def test_robots_are_not_asked_for_unless_chosen() -> None:
    with serve(routes({"/robots.txt": response(b"User-agent: *\nDisallow: /"), "/a": OK})) as web:
        outcome, _ = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert web.targets() == ["/a"]


def test_robots_are_obeyed_asked_for_once_and_archived() -> None:
    rules = response(b"User-agent: *\nDisallow: /private\n", headers=[("Content-Type", "text/plain")])
    with serve(routes({"/robots.txt": rules, "/a": OK, "/b": OK})) as web:
        outcomes, book = fetch_all([web.url("/a"), web.url("/private/x"), web.url("/b")], OBEY)
    assert [type(outcome) for outcome in outcomes] == [Captured, Missed, Captured]
    assert isinstance(outcomes[1], Missed)
    assert (outcomes[1].reason, outcomes[1].detail) == (Reason.BLOCKED, "robots.txt of 127.0.0.1 does not allow it")
    assert web.targets().count("/robots.txt") == 1
    assert book.of("/robots.txt")[0].response == rules


def test_robots_hold_for_every_hop() -> None:
    with serve(routes({"/robots.txt": response(b"User-agent: archiver\nDisallow: /b"), "/a": redirect("/b"), "/b": OK})) as web:
        outcome, _ = fetch(web.url("/a"), OBEY)
    assert isinstance(outcome, Missed)
    assert outcome.reason is Reason.BLOCKED
    assert [hop.status for hop in outcome.hops] == [302]


@pytest.mark.parametrize(("status", "open_"), [("404 None", True), ("403 No", True), ("500 Broken", False)])
def test_robots_that_cannot_be_had(status: str, open_: bool) -> None:
    with serve(routes({"/robots.txt": response(b"", status), "/a": OK})) as web:
        outcome, _ = fetch(web.url("/a"), OBEY)
    assert isinstance(outcome, Captured) is open_


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("User-agent: *\nDisallow: /\nAllow: /a", "/a/b", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: other\nUser-agent: Archiver\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: archiver\nDisallow: /x", "/a", True),
        ("User-agent: archiver\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: archiver\nDisallow: /b", "/b", False),
        ("user-agent : * # all\r\nDISALLOW: /*.gif$ # moving", "/a.gif", False),
        ("User-agent: *\nDisallow: /*.gif$", "/a.gif?x", True),
        ("User-agent: *\nDisallow: /a*b*c", "/a-b-c-d", False),
        ("User-agent: *\nDisallow: /a*b*c", "/a-c-b", True),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: /*a*$", "/ba", False),
        ("User-agent: *\nDisallow: /%7Ea", "/~a", False),
        ("User-agent: *\nDisallow: /ä", "/%C3%A4", False),
        ("User-agent: *\nDisallow: /a%2fb", "/a/b", True),
        ("User-agent: *\nDisallow: /a%2fb", "/a%2Fb", False),
        ("\ufeffUser-agent: *\nSitemap: /x\nDisallow: /a", "/a", False),
        ("Disallow: /", "/a", True),
        ("User-agent: *\nDisallow: *.php", "/a.php", False),
    ],
)
def test_robots_are_read_as_rfc_9309_says(text: str, path: str, allowed: bool) -> None:
    assert parse_rules(text).allow(path) is allowed


def test_robots_in_chunks_are_put_together() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nUser-agent: *\nDi\r\n9\r\nsallow: /\r\n0\r\n\r\n"
    assert not read_rules(200, raw).allow("/a")


@pytest.mark.parametrize("cut", [0, 9])
def test_robots_are_inflated(cut: int) -> None:
    packed = gzip.compress(b"User-agent: *\nDisallow: /b\n" + b"#\n" * 600_000, mtime=0)
    rules = response(packed[: len(packed) - cut], headers=[("Content-Encoding", "gzip")])
    with serve(routes({"/robots.txt": rules, "/a": OK, "/b": OK})) as web:
        outcomes, _ = fetch_all([web.url("/a"), web.url("/b")], OBEY)
    assert [type(outcome) for outcome in outcomes] == [Captured, Missed]


def test_x_robots_tag_is_noted() -> None:
    with serve(routes({"/a": response(b"x", headers=[("X-Robots-Tag", "noindex, noarchive")])})) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert book.kept[0].exchange.notes == ("X-Robots-Tag: noindex, noarchive",)
