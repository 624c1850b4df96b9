"""One pass over a block: its digests, the identity of its payload, and what the payload looks like.

The identity of a payload is the SHA-256 of the body after de-chunking and content-decoding. A body that cannot be decoded
(brotli, a bomb, plain bytes under `Content-Encoding: gzip`) is known by its bytes as they were sent, and `undecoded` says why.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from archiver.warc.http import DECODABLE, Decoder, HttpBody, HttpHead, parse_head
from archiver.warc.records import digest_label

READ_BYTES = 1024 * 1024
SAMPLE_BYTES = 16 * 1024

Observer = Callable[[bytes | memoryview], None]


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over an HTTP block tells."""

    head: HttpHead | None
    head_raw: bytes
    block_bytes: int
    block_digest: str
    payload_digest: str
    """Label over the de-chunked, still content-encoded body; empty without a head."""
    payload_bytes: int
    """Length of that body."""
    sha256: str
    """Hex identity of the decoded payload; empty when there is no payload."""
    size_bytes: int
    """Length of the decoded payload."""
    sample: bytes
    """First bytes of the payload, still content-encoded."""
    framed: bool
    """The body ends where its framing says."""
    complete: bool
    """The same, and its content coding comes to its end, too."""
    dechunked: bool
    unchunked: bool
    """The head says chunked and the body is not."""
    body_bytes: int
    """Everything behind the head, framing included."""
    undecoded: str
    """Why the content coding could not be undone; empty when it could."""
    fault: str
    """What is wrong with head or framing."""

    @property
    def ends_by_framing(self) -> bool:
        """The head says where the body ends; without that it ends with the connection."""
        return self.dechunked or (self.head is not None and self.head.content_length is not None)

    @property
    def contradiction(self) -> str:
        """Where the head says one thing and the bytes say another, in words; empty when they agree."""
        if self.head is None:
            return self.fault
        if self.unchunked:
            return "the head says Transfer-Encoding: chunked, the body is not chunked"
        if self.undecoded and not set(self.head.codings) - set(DECODABLE):
            field = "Content-Encoding" if self.head.codings == self.head.content_codings else "Transfer-Encoding"
            return f"the head says {field}: {', '.join(self.head.codings)}, the body is something else"
        return self.fault


def read_pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while piece := read(READ_BYTES):
        yield piece


class PayloadTally:
    """Digest, identity and size of one payload that is fed in pieces."""

    def __init__(self, on_payload: Observer | None = None) -> None:
        self._on_payload = on_payload
        self.encoded = hashlib.sha256()
        self.encoded_bytes = 0
        self.sample = b""
        self._decoder: Decoder | None = None
        self._decoded = hashlib.sha256()
        self._decoded_bytes = 0

    def feed(self, head: HttpHead, piece: bytes | memoryview) -> None:
        if self._decoder is None:
            self._decoder = Decoder(head.codings)
        self.encoded.update(piece)
        if self._on_payload is not None:
            self._on_payload(piece)
        self.encoded_bytes += len(piece)
        if len(self.sample) < SAMPLE_BYTES:
            self.sample += bytes(piece[: SAMPLE_BYTES - len(self.sample)])
        if not self._decoder.identity:
            for part in self._decoder.feed(piece):
                self._decoded.update(part)
                self._decoded_bytes += len(part)

    @property
    def undecoded(self) -> str:
        return self._decoder.fault if self._decoder else ""

    @property
    def decoded_whole(self) -> bool:
        return self._decoder is None or (not self._decoder.fault and self._decoder.ended)

    def identity(self) -> tuple[str, int]:
        """(hex SHA-256, length) of the decoded payload; of the encoded one where it cannot be decoded."""
        decoder = self._decoder
        if decoder is None or decoder.identity or decoder.fault:
            return (self.encoded.hexdigest() if self.encoded_bytes else ""), self.encoded_bytes
        return (self._decoded.hexdigest() if self._decoded_bytes else ""), self._decoded_bytes


def scan_http(
    pieces: Iterable[bytes],
    *,
    on_block: Observer | None = None,
    on_framed: Observer | None = None,
    on_payload: Observer | None = None,
    parse: Callable[[bytes], HttpHead | None] = parse_head,
) -> Scan:
    """Reads a whole `application/http` block, that of a response unless `parse` reads another head.

    The observers get every byte of the block, of a chunked body with its framing, of the de-chunked payload.
    """
    block = hashlib.sha256()
    block_bytes = 0
    start = b""
    body = HttpBody(on_framed, parse)
    tally = PayloadTally(on_payload)
    for piece in pieces:
        block.update(piece)
        if on_block is not None:
            on_block(piece)
        block_bytes += len(piece)
        if body.head is None:
            start += piece
        for part in body.feed(piece):
            assert body.head is not None
            tally.feed(body.head, part)
    for part in body.finish():
        assert body.head is not None
        tally.feed(body.head, part)
    sha256, size_bytes = tally.identity()
    return Scan(
        head=body.head,
        head_raw=start[: body.head.length_bytes] if body.head else b"",
        block_bytes=block_bytes,
        block_digest=digest_label(block.digest()),
        payload_digest=digest_label(tally.encoded.digest()) if body.head else "",
        payload_bytes=tally.encoded_bytes,
        sha256=sha256,
        size_bytes=size_bytes,
        sample=tally.sample,
        framed=body.complete,
        complete=body.complete and tally.decoded_whole,
        dechunked=body.dechunked,
        unchunked=body.unchunked,
        body_bytes=body.body_bytes,
        undecoded=tally.undecoded,
        fault=body.fault,
    )


def scan_plain(pieces: Iterable[bytes]) -> Scan:
    """Reads a block that is its own payload: a `resource`."""
    digest = hashlib.sha256()
    size_bytes = 0
    sample = b""
    for piece in pieces:
        digest.update(piece)
        size_bytes += len(piece)
        sample = sample or piece[:SAMPLE_BYTES]
    label = digest_label(digest.digest())
    sha256 = digest.hexdigest() if size_bytes else ""
    return Scan(None, b"", size_bytes, label, label, size_bytes, sha256, size_bytes, sample, True, True, False, False, size_bytes, "", "")


def encoded(pieces: Iterable[bytes], body: HttpBody | None = None) -> Iterator[bytes | memoryview]:
    """The payload of an HTTP block, de-chunked and still content-encoded."""
    body = body or HttpBody()
    for piece in pieces:
        yield from body.feed(piece)
    yield from body.finish()


def is_compressed(sample: bytes) -> bool:
    """Whether another deflate would gain next to nothing, by trying it on the first bytes."""
    return len(sample) >= 64 and len(zlib.compress(sample, 1)) > 0.95 * len(sample)
