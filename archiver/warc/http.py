"""HTTP/1.x messages as they lie in a record: head, chunk framing, content codings (RFC 9110, RFC 9112).

Pure and streaming: feed bytes in any portions, get payload bytes out. Hostile input never raises; what is wrong is told by
`fault`. Where a server contradicts itself we read as the viewers do: a body that does not start with a chunk line is not chunked.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archiver.model import Reason
from archiver.warc.records import Fields, read_fields

MAX_HEAD_BYTES = 1024 * 1024
MAX_CHUNK_LINE_BYTES = 16 * 1024
PIECE_BYTES = 1024 * 1024
PORTION_BYTES = 32 * 1024
MAX_GZIP_MEMBERS = 4096
MAX_DECODED_BYTES = 256 * 1024 * 1024
"""A body that decodes to more than this is a bomb; it is then treated as not decodable. No setting: identities hang on it."""

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(rb"(?:HTTP/\d+(?:\.\d+)?|h[23])[ \t]+(\d{1,3})(?:[ \t]+([^\r\n]*))?", re.IGNORECASE)
"""Also as crawlers in a browser write it, which tells them `h2`, `http/1.1` and at times no more of the status than 0."""
_CHUNK_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")

DECODABLE = ("gzip", "x-gzip", "deflate")


@dataclass(frozen=True, slots=True)
class HttpHead:
    """A response head."""

    status: int
    reason: str
    fields: Fields
    length_bytes: int
    """Up to and including the blank line."""

    @property
    def chunked(self) -> bool:
        codings = ",".join(self.fields.all("Transfer-Encoding")).lower()
        return codings.rpartition(",")[2].strip() == "chunked"

    @property
    def content_codings(self) -> tuple[str, ...]:
        """In the order in which they were applied, `identity` left out."""
        names = ",".join(self.fields.all("Content-Encoding")).lower().split(",")
        return tuple(name for name in map(str.strip, names) if name not in ("", "identity", "none"))

    @property
    def codings(self) -> tuple[str, ...]:
        """All that was done to the payload, in order: content codings, then transfer codings other than chunked (RFC 9112 section 7),
        which some servers use unasked."""
        names = ",".join(self.fields.all("Transfer-Encoding")).lower().split(",")
        return self.content_codings + tuple(name for name in map(str.strip, names) if name not in ("", "identity", "chunked"))

    @property
    def content_length(self) -> int | None:
        """None when there is none, when it is no number, when several disagree, or when it is that of a body which the archive does not
        hold: what a browser hands on is decoded, and its head kept with the coding renamed (Browsertrix, ArchiveWeb.page)."""
        if self.fields.get("X-Orig-Content-Encoding"):
            return None
        values = {part.strip() for value in self.fields.all("Content-Length") for part in value.split(",")}
        text = values.pop() if len(values) == 1 else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def head_end(data: bytes | bytearray) -> int:
    """Length of the head including its blank line, -1 when it is not complete in `data`."""
    match = _HEAD_END.search(data)
    return match.end() if match else -1


def parse_head(raw: bytes) -> HttpHead | None:
    """Reads a whole response head, bare line feeds and junk lines included; None when there is no status line."""
    status = _STATUS_LINE.match(raw)
    if status is None:
        return None
    return HttpHead(int(status[1]), (status[2] or b"").decode("latin-1").strip(), _fields(raw), len(raw))


def parse_request_head(raw: bytes) -> HttpHead:
    """Reads a whole request head; its status is 0."""
    return HttpHead(0, "", _fields(raw), len(raw))


def _fields(head: bytes) -> Fields:
    return Fields(read_fields(head.decode("latin-1").split("\n")[1:]))


class Dechunker:
    """Takes chunk framing off (RFC 9112 section 7.1)."""

    def __init__(self) -> None:
        self.fault = ""
        self.complete = False
        """The last chunk and its trailer section were seen."""
        self.raw = False
        """The body does not start with a chunk line: it is passed on as it is."""
        self._line = b""
        self._left_bytes = 0
        self._state = self._size
        self._started = False

    def feed(self, data: bytes) -> bytes | memoryview:
        """The payload in the next portion of the body. One piece for each portion, however small the chunks are."""
        view, at = memoryview(data), 0
        pieces: list[bytes | memoryview] = []
        while at < len(data) and not (self.complete or self.fault or self.raw):
            if self._left_bytes:
                piece = view[at : at + self._left_bytes]
                pieces.append(piece)
                at += len(piece)
                self._left_bytes -= len(piece)
            else:
                at = self._take_line(data, self._take_whole_chunks(data, view, at, pieces))
        if self.raw:
            pieces += [self._flush_line(), view[at:]]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> bytes:
        """Ends the body: what was held back of a body that never was chunked comes out."""
        if not self._started:
            self._mark_raw()
        return self._flush_line() if self.raw else b""

    def _flush_line(self) -> bytes:
        line, self._line = self._line, b""
        return line

    def _take_whole_chunks(self, data: bytes, view: memoryview, at: int, pieces: list[bytes | memoryview]) -> int:
        """The quick way over chunks that lie in this portion with all their framing; stops before the first other thing."""
        if self._line or self._state != self._size:
            return at
        while match := _CHUNK_LINE.match(data, at):
            start = match.end()
            end = start + int(match[1], 16)
            if end == start or data[end : end + 2] != b"\r\n":
                break
            pieces.append(view[start:end])
            at, self._started = end + 2, True
        return at

    def _take_line(self, data: bytes, at: int) -> int:
        """Reads on in a line of the framing; where it ends, or where the portion ends."""
        limit = at + MAX_CHUNK_LINE_BYTES - len(self._line)
        end = data.find(b"\n", at, limit) + 1
        if not end:
            self._line += data[at:limit]
            if limit <= len(data):
                self._fail("a chunk line does not end")
            return min(limit, len(data))
        line, self._line = self._line + data[at:end], b""
        self._state(line)
        return end

    def _fail(self, detail: str) -> None:
        if self._started:
            self.fault = detail
        else:
            self._mark_raw()

    def _mark_raw(self) -> None:
        self.raw = bool(self._line)
        self._started = True

    def _size(self, line: bytes) -> None:
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            if not self._started:
                self._line = line
            self._fail("a chunk line is no chunk line")
            return
        self._started = True
        self._left_bytes = int(match[1], 16)
        self._state = self._data_end if self._left_bytes else self._trailer

    def _data_end(self, line: bytes) -> None:
        if line.rstrip(b"\r\n"):
            self.fault = "a chunk is longer than its size says"
        self._state = self._size

    def _trailer(self, line: bytes) -> None:
        self.complete = not line.rstrip(b"\r\n")


class Inflater:
    """Undoes one `gzip` or `deflate` coding (RFC 9110 section 8.4.1); raw deflate, which some servers send, included."""

    def __init__(self, coding: str) -> None:
        self.fault = ""
        self.ended = False
        self._members = 1
        self._gzip = coding != "deflate"
        self._inflate = zlib.decompressobj(31) if self._gzip else None

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        """In small portions: what zlib is given beyond the end of a member has to be copied."""
        for start in range(0, len(data), PORTION_BYTES):
            yield from self._inflate_portion(data[start : start + PORTION_BYTES])

    def _inflate_portion(self, data: bytes | memoryview) -> Iterator[bytes]:
        while data and not self.fault:
            if self.ended and not self._next_member(bytes(data[:2])):
                return
            if self._inflate is None:
                zlib_wrapped = data[0] & 0x0F == 8
                self._inflate = zlib.decompressobj(15 if zlib_wrapped else -15)
            try:
                out = self._inflate.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                self.fault = f"the content coding cannot be undone: {error}"
                return
            self.ended = self._inflate.eof
            data = self._inflate.unused_data if self.ended else self._inflate.unconsumed_tail
            if out:
                yield out

    def _next_member(self, start: bytes) -> bool:
        """gzip allows several members in a row (RFC 1952 section 2.2); anything else behind the end is ignored."""
        if not self._gzip or start[:1] != b"\x1f":
            return False
        self._members += 1
        if self._members > MAX_GZIP_MEMBERS:
            self.fault = "the body is made of too many gzip members"
            return False
        self._inflate = zlib.decompressobj(31)
        self.ended = False
        return True


class Decoder:
    """Undoes all codings of a head, the last applied first."""

    def __init__(self, codings: tuple[str, ...]) -> None:
        unknown = [name for name in codings if name not in DECODABLE]
        self._fault = f"the content coding {_shown(unknown[0])} is not decoded" if unknown else ""
        self._reason = Reason.UNSUPPORTED
        self._steps = [] if unknown else [Inflater(name) for name in reversed(codings)]
        self._decoded_bytes = 0

    @property
    def identity(self) -> bool:
        return not self._steps and not self._fault

    @property
    def fault(self) -> str:
        """Why the payload stays as it was sent; empty when it can be decoded."""
        return self._fault or next((step.fault for step in self._steps if step.fault), "")

    @property
    def reason(self) -> Reason:
        """What a payload with this `fault` is called when it is no picture as it was sent."""
        return self._reason if self._fault else Reason.CORRUPT

    @property
    def ended(self) -> bool:
        """Every coding reached its own end mark."""
        return all(step.ended for step in self._steps)

    def feed(self, data: bytes | memoryview, step: int = 0) -> Iterator[bytes | memoryview]:
        if self._fault:
            return
        if step == len(self._steps):
            self._decoded_bytes += len(data)
            if self._decoded_bytes > MAX_DECODED_BYTES:
                self._fault, self._reason = f"the body decodes to more than {MAX_DECODED_BYTES} bytes", Reason.TOO_LARGE
                return
            yield data
            return
        for piece in self._steps[step].feed(data):
            yield from self.feed(piece, step + 1)


def _shown(coding: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in coding[:40])


class HttpBody:
    """Splits the block of an HTTP record into head and payload; payload pieces come de-chunked, still content-encoded."""

    def __init__(self, on_framed: Callable[[bytes], None] | None = None, parse: Callable[[bytes], HttpHead | None] = parse_head) -> None:
        """`on_framed` gets every byte of a body that should be chunked, framing included. `parse` reads the head."""
        self._parse = parse
        self.head: HttpHead | None = None
        self.fault = ""
        self._on_framed = on_framed
        self._start = bytearray()
        self._in_head = True
        self._dechunker: Dechunker | None = None
        self.body_bytes = 0
        """Bytes behind the head, framing included."""

    @property
    def dechunked(self) -> bool:
        return self._dechunker is not None and not self._dechunker.raw

    @property
    def unchunked(self) -> bool:
        """The head says chunked and the body is not."""
        return self._dechunker is not None and self._dechunker.raw

    @property
    def complete(self) -> bool:
        """The body ends where its own framing says (a body without framing ends with the connection)."""
        if self.head is None or self.fault:
            return False
        if self._dechunker is not None and not self._dechunker.raw:
            return self._dechunker.complete
        length = None if self._dechunker else self.head.content_length
        return length is None or length == self.body_bytes

    def feed(self, data: bytes) -> Iterator[bytes | memoryview]:
        if self._in_head:
            self._start += data
            end = head_end(self._start)
            if end < 0 and len(self._start) <= MAX_HEAD_BYTES:
                return
            self._close_head(end)
            if self.head is None:
                return
            data = bytes(memoryview(self._start)[end:])
            self._start = bytearray()
        if self.head is not None and data:
            yield from self._body(data)

    def finish(self) -> Iterator[bytes | memoryview]:
        """Ends the block. A head that was cut off is still a head, without a body."""
        if self._in_head:
            self._close_head(len(self._start))
            self.fault = self.fault or "the HTTP head does not end"
        if self._dechunker is not None:
            if rest := self._dechunker.finish():
                yield rest
            self.fault = self.fault or self._dechunker.fault

    def _close_head(self, end: int) -> None:
        self._in_head = False
        self.head = self._parse(bytes(self._start[:end])) if end >= 0 else None
        if self.head is None:
            self.fault = "the block does not start with an HTTP head"
        elif self.head.chunked:
            self._dechunker = Dechunker()

    def _body(self, data: bytes) -> Iterator[bytes | memoryview]:
        self.body_bytes += len(data)
        if self._dechunker is None:
            yield data
        else:
            if self._on_framed is not None:
                self._on_framed(data)
            if piece := self._dechunker.feed(data):
                yield piece
            self.fault = self._dechunker.fault
