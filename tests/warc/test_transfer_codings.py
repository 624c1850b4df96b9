"""Servers that compress in transfer though nobody asked them to (RFC 9112 section 7): kept as sent, decoded to be known."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from archiver.warc import reader
from archiver.warc.verify import verify
from tests.warc.making import exchange, writer

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 50
PACKED = gzip.compress(SVG, mtime=0)


def framed(body: bytes, *fields: str, chunks: bool = True) -> bytes:
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunks else body
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: image/svg+xml", *fields, "", ""]).encode() + body


CASES = {
    "gzip, then chunked": framed(PACKED, "Transfer-Encoding: gzip, chunked"),
    "in two fields": framed(PACKED, "Transfer-Encoding: X-GZip", "Transfer-Encoding: Chunked"),
    "to the end of the connection": framed(PACKED, "Transfer-Encoding: gzip", chunks=False),
    "over a content coding": framed(gzip.compress(PACKED), "Content-Encoding: gzip", "Transfer-Encoding: gzip, chunked"),
    "said and not done": framed(SVG, "Transfer-Encoding: gzip, chunked"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_transfer_coding_is_kept_as_sent_and_undone_to_know_the_payload(case: str, tmp_path: Path) -> None:
    w = writer(tmp_path)
    stored = w.write_exchange(exchange("https://e.example/a", CASES[case]))
    assert reader.payload(tmp_path, stored.ref) == SVG
    assert stored.payload_sha256 == hashlib.sha256(SVG).hexdigest()
    w.close()
    (warc,) = tmp_path.glob("*.warc.gz")
    assert CASES[case] in gzip.decompress(warc.read_bytes())
    assert not [finding.line for finding in verify(tmp_path) if finding.line.startswith("error")]


def test_the_compressed_bytes_for_themselves_are_another_payload(tmp_path: Path) -> None:
    w = writer(tmp_path)
    plain = w.write_exchange(exchange("https://e.example/svgz", framed(PACKED, f"Content-Length: {len(PACKED)}", chunks=False)))
    packed = w.write_exchange(exchange("https://e.example/svg", CASES["gzip, then chunked"]))
    w.close()
    assert not packed.revisit
    assert plain.payload_sha256 != packed.payload_sha256
