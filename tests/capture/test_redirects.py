from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from archiver.model import Captured, Missed, Reason
from tests.capture.harness import QUICK, fetch, with_ca
from tests.servers import certificate, redirect, response, routes, serve

OK = response(b"picture")


def missed(outcome: object) -> Missed:
    assert isinstance(outcome, Missed), outcome
    return outcome


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_is_followed(status: int) -> None:
    with serve(routes({"/a": redirect("/b", f"{status} There"), "/b": OK})) as web:
        outcome, book = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert [(hop.url, hop.status) for hop in outcome.hops] == [(web.url("/a"), status), (web.url("/b"), 200)]
    assert all(hop.stored is not None for hop in outcome.hops)
    assert [event.detail for event in book.events if event.name == "redirect"] == [web.url("/b")]


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("b?x=%2C", "/dir/b?x=%2C"),
        ("../b", "/b"),
        ("?x", "/dir/a?x"),
        ("/b#frag", "/b"),
        ("/ü b", "/%C3%BC%20b"),
        (b"/\xfc", "/%FC"),
    ],
)
def test_locations_reach_the_wire_as_they_should(location: str | bytes, asked: str) -> None:
    with serve(routes({"/dir/a": redirect(location), asked: OK})) as web:
        outcome, _ = fetch(web.url("/dir/a"))
    assert isinstance(outcome, Captured), outcome
    assert web.targets() == ["/dir/a", asked]


def test_from_http_to_https_and_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        plain = stack.enter_context(serve(routes({"/end": OK})))
        safe = stack.enter_context(serve(routes({"/b": redirect(plain.url("/end"))}), tls=certificate("127.0.0.1")))
        first = stack.enter_context(serve(routes({"/a": redirect(safe.url("/b"))})))
        outcome, _ = fetch(first.url("/a"), with_ca(tmp_path), ports={safe.port, plain.port})
    assert isinstance(outcome, Captured), outcome
    assert [hop.url.partition(":")[0] for hop in outcome.hops] == ["http", "https", "http"]


def test_a_loop_ends_with_its_first_repetition() -> None:
    with serve(routes({"/a": redirect("/b"), "/b": redirect("/a")})) as web:
        outcome, _ = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.REDIRECT_ERROR
    assert "loop" in missed(outcome).detail
    assert web.targets() == ["/a", "/b"]


def test_a_chain_ends_at_the_limit() -> None:
    with serve(routes({f"/{i}": redirect(f"/{i + 1}") for i in range(30)})) as web:
        outcome, _ = fetch(web.url("/0"), replace(QUICK, max_redirects=4))
    assert missed(outcome).reason is Reason.REDIRECT_ERROR
    assert missed(outcome).detail == "more than 4 redirects"
    assert (len(web.requests), len(outcome.hops)) == (5, 5)


def test_a_redirect_without_location() -> None:
    with serve(routes({"/a": response(b"", "302 Found")})) as web:
        outcome, book = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.REDIRECT_ERROR
    assert missed(outcome).detail == "redirect without a Location"
    assert len(book.kept) == 1


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:image/png;base64,AAAA", "javascript:alert(1)", "http://"]
)
def test_only_http_is_followed(location: str) -> None:
    with serve(routes({"/a": redirect(location)})) as web:
        outcome, _ = fetch(web.url("/a"))
    assert missed(outcome).reason is Reason.REDIRECT_ERROR
    assert len(web.requests) == 1


def test_a_retry_repeats_the_hop_that_failed_and_counts_for_the_whole_chain() -> None:
    steps = iter([response(b"", "503 Busy"), response(b"", "503 Busy"), OK])
    with serve(routes({"/a": redirect("/b"), "/b": lambda c, r: c.send(next(steps))})) as web:
        outcome, _ = fetch(web.url("/a"))
    assert isinstance(outcome, Captured)
    assert web.targets() == ["/a", "/b", "/b", "/b"]


def test_lines_in_a_location_cannot_forge_a_request() -> None:
    with serve(routes({"/a": redirect(b"/b\x0bX: y\x00\x7f\t"), "/b%0BX:%20y%00%7F": OK})) as web:
        outcome, _ = fetch(web.url("/a"))
    assert isinstance(outcome, Captured), outcome
    assert "x" not in web.requests[1].headers
