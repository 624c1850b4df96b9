from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.framing import HEAD_BYTES_MAX, Body, Framer, Head, decoded_body, parse_head
from tests.servers import chunked, response

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def state(framer: Framer) -> tuple[object, ...]:
    return (framer.head, framer.complete, framer.fault, framer.body_bytes, framer.preamble_bytes, framer.interim, framer.trailers)


def feed(raw: bytes, cuts: list[int]) -> tuple[Framer, int]:
    framer, taken, at = Framer(), 0, 0
    for cut in [*sorted(c % (len(raw) + 1) for c in cuts), len(raw)]:
        if not (framer.complete or framer.fault):
            taken += framer.feed(raw[at:cut])
        at = cut
    return framer, taken


bodies = st.binary(max_size=40)
chunk_bodies = st.lists(st.binary(min_size=1, max_size=20), max_size=6)
wholes = st.one_of(
    bodies.map(response),
    chunk_bodies.map(lambda chunks: INTERIM + HEAD + chunked(*chunks, extension=b";x=y", trailers=b"A: b\r\n")),
    st.binary(max_size=80),
    st.binary(max_size=40).map(lambda raw: HEAD + raw),
    st.binary(max_size=40).map(lambda raw: b"HTTP/1.1 200 OK\r\n" + raw + b"\r\n\r\nabc"),
)


@given(wholes, st.lists(st.integers(0, 200), max_size=8))
def test_the_partition_of_the_stream_does_not_matter(raw: bytes, cuts: list[int]) -> None:
    whole, taken = feed(raw, [])
    parts, taken_in_parts = feed(raw, cuts)
    if whole.fault:
        assert parts.fault
    else:
        assert state(parts) == state(whole)
        assert taken_in_parts == taken


def test_folded_lines_are_joined_by_one_space_each_and_empty_ones_by_none() -> None:
    head = parse_head(b"HTTP/1.1 200 OK\r\nA:\r\n b\r\n \r\n\t c \r\nD: e\r\n \r\n\r\n")
    assert head is not None
    assert head.fields == (("a", "b c"), ("d", "e"))


@given(chunk_bodies, st.binary(max_size=10))
def test_what_was_chunked_is_read_back_and_the_rest_is_left(chunks: list[bytes], rest: bytes) -> None:
    raw = INTERIM + HEAD + chunked(*chunks, extension=b' ; q="a"', trailers=b"T: 1\r\n")
    framer = Framer()
    assert framer.feed(raw + rest) == len(raw)
    assert framer.complete
    assert framer.body_bytes == sum(map(len, chunks))
    assert decoded_body(raw) == b"".join(chunks)


@given(bodies, st.binary(max_size=10))
def test_a_length_ends_the_body(body: bytes, rest: bytes) -> None:
    raw = response(body)
    framer = Framer()
    assert framer.feed(raw + rest) == len(raw)
    assert framer.complete
    assert decoded_body(raw + rest) == body


@given(st.binary())
def test_no_bytes_raise(raw: bytes) -> None:
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: "):
        framer = Framer()
        assert 0 <= framer.feed(prefix + raw) <= len(prefix + raw)
        framer.end()
        decoded_body(prefix + raw)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (b"", Body.CLOSE),
        (b"Content-Length: 5\r\n", Body.LENGTH),
        (b"Content-Length: 5, 5\r\n", Body.LENGTH),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", Body.CONTRADICTORY),
        (b"Content-Length: -5\r\n", Body.CLOSE),
        (b"Content-Length: +5\r\n", Body.CLOSE),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Body.CHUNKED),
        (b"Transfer-Encoding: gzip, chunked\r\n", Body.CHUNKED),
        (b"Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\n", Body.CHUNKED),
        (b"Transfer-Encoding: gzip\r\n", Body.CLOSE),
        (b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", Body.LENGTH),
    ],
)
def test_the_end_of_a_body_is_known_as_rfc_9112_says(fields: bytes, kind: Body) -> None:
    framer = Framer()
    framer.feed(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
    assert framer.kind is kind
    assert bool(framer.fault) is (kind is Body.CONTRADICTORY)


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_end_with_their_head(status: int) -> None:
    framer = Framer()
    raw = b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status
    assert framer.feed(raw + b"abc") == len(raw)
    assert framer.complete


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", "not an HTTP response"),
        (b"<html>", "not an HTTP response"),
        (b"HTTP/1.1 abc\r\n\r\n", "not an HTTP response"),
        (b"HTTP/2 200\r\n\r\n", "not an HTTP response"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "switched"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * HEAD_BYTES_MAX, "larger than"),
        (INTERIM * (HEAD_BYTES_MAX // len(INTERIM) + 1), "larger than"),
        (b"\r\n" * HEAD_BYTES_MAX, "larger than"),
        (HEAD + b"xyz\r\n", "no chunk size"),
        (HEAD + b"-3\r\nabc\r\n", "no chunk size"),
        (HEAD + b"3\r\nabcd\r\n", "no line break"),
        (HEAD + b"ffffffffffffffffff\r\n", "no chunk size"),
        (HEAD + b"3;" + b"x" * 20_000, "endless line"),
        (HEAD + b"0\r\n" + b"A: b\r\n" * 20_000, "trailer fields"),
    ],
)
def test_what_cannot_be_framed_is_named(raw: bytes, fault: str) -> None:
    framer = Framer()
    for at in range(0, len(raw), 4096):
        framer.feed(raw[at : at + 4096])
    assert fault in framer.fault
    assert framer.feed(b"more") == 0


def test_heads_are_read_leniently() -> None:
    head = parse_head(b"HTTP/1.0 404\nA : 1\nno colon\nB:\r\nA: 2\n\tmore\nC: \xe4\n\n")
    assert head == Head((1, 0), 404, (("a", "1"), ("b", ""), ("a", "2 more"), ("c", "ä")))
    assert head.get("a") == "1, 2 more"
    assert head.first("a") == "1"
    assert not head.persistent
