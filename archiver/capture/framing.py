"""Where an HTTP/1 response begins and ends: pure, fed with bytes, free of I/O.

Rule 1: the bytes are never changed; this module only says where they belong.
Rule 2: it is at least as lenient as browsers (bare LF, folded lines, Transfer-Encoding beside Content-Length), since an
        archive keeps what servers really send, and strict where leniency would guess (two different lengths).
Rule 3: feeding a response in any partition gives the same result as feeding it at once.
Rule 4: every buffer in here is bounded.

RFC 9112 throughout; section numbers stand beside the checks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

HEAD_BYTES_MAX = 256 * 1024
"""All heads of one exchange together, interim responses included (browsers stop at the same size)."""
LINE_BYTES_MAX = 16 * 1024
TRAILER_BYTES_MAX = 64 * 1024
_HEAD_PIECE_BYTES = 4096

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/(\d)\.(\d)[ \t]+(\d{3})(?:[ \t][^\r\n]*)?\r?\n")
_CHUNK_START = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\n]{0,1000})?\r\n")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and header fields of one response."""

    version: tuple[int, int]
    status: int
    fields: tuple[tuple[str, str], ...]
    """Names in lower case, values latin-1, folded lines joined by a space."""

    def get(self, name: str) -> str:
        """All values of a field joined by a comma (RFC 9110 section 5.3); empty when it is missing."""
        return ", ".join(value for key, value in self.fields if key == name)

    def first(self, name: str) -> str:
        return next((value for key, value in self.fields if key == name), "")

    @property
    def persistent(self) -> bool:
        """Whether the connection may be used again (section 9.3)."""
        options = {token.strip().lower() for token in self.get("connection").split(",")}
        return "close" not in options if self.version >= (1, 1) else "keep-alive" in options


def parse_head(data: bytes) -> Head | None:
    """Read a complete head; None when the first line is no status line (section 4)."""
    match = _STATUS_LINE.match(data)
    if match is None:
        return None
    fields: list[tuple[str, list[str]]] = []
    for line in data[match.end() :].decode("latin-1").split("\n"):
        text = line.removesuffix("\r")
        if text[:1] in (" ", "\t") and fields:  # section 5.2: obsolete folding
            fields[-1][1].append(text.strip())
        elif ":" in text:
            name, _, value = text.partition(":")
            fields.append((name.strip().lower(), [value.strip(" \t\x00")]))
    joined = ((name, " ".join(filter(None, lines)).strip() if lines[1:] else lines[0]) for name, lines in fields)
    return Head((int(match[1]), int(match[2])), int(match[3]), tuple(joined))


class Body(Enum):
    """How the end of a body is known (section 6.3)."""

    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()
    CONTRADICTORY = auto()
    """Several lengths that differ: a body that cannot be told from what follows it."""


def body_kind(head: Head) -> tuple[Body, int]:
    """The framing of a response to GET, and its length for LENGTH."""
    if head.status < 200 or head.status in (204, 304):
        return Body.NONE, 0
    codings = [token.strip().lower() for token in head.get("transfer-encoding").split(",") if token.strip()]
    if codings and codings != ["identity"]:
        return (Body.CHUNKED, 0) if codings[-1] == "chunked" else (Body.CLOSE, 0)
    lengths = {token.strip() for token in head.get("content-length").split(",") if token.strip()}
    if len(lengths) > 1:
        return Body.CONTRADICTORY, 0
    if lengths:
        (text,) = lengths
        if text.isascii() and text.isdigit():
            return Body.LENGTH, int(text.lstrip("0")[:19] or "0")  # a number of more digits is beyond every limit all the same
    return Body.CLOSE, 0  # no usable length: what comes until the end


class Framer:
    """Follows one response from its first byte to its end.

    `feed` returns how many of the bytes belong to this exchange (less than given once the response is complete).
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        """The final head, once it has arrived."""
        self.preamble_bytes = 0
        """Bytes before the final head: interim responses (section 15.2 of RFC 9110) and stray empty lines."""
        self.head_bytes = 0
        self.interim: list[int] = []
        """Statuses of the interim responses."""
        self.complete = False
        self.fault = ""
        """Why the peer's bytes cannot be framed any further; nothing is taken after that."""
        self.body_bytes = 0
        """Payload bytes so far, without chunk framing."""
        self.kind = Body.NONE
        self.length_bytes = 0
        self.trailers = False
        """Whether the last chunk was seen, so that only trailer fields may be missing."""
        self._held = bytearray()
        self._chunk_left = -1
        self._trailer_bytes = 0

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        return bool(self.head or self._held or self.preamble_bytes)

    @property
    def held(self) -> bytes:
        """Bytes of an unfinished head."""
        return bytes(self._held) if self.head is None else b""

    def feed(self, data: bytes | memoryview) -> int:
        """Take bytes from the wire; `complete` and `fault` say where that leads."""
        if self.complete or self.fault:
            return 0
        at = 0
        while self.head is None and not self.fault and at < len(data):
            at = self._feed_head(data, at)
        return at if self.head is None or self.complete or self.fault else self._feed_body(data, at)

    def _feed_head(self, data: bytes | memoryview, at: int) -> int:
        """A head is looked for a piece at a time, so that a body behind it is not copied."""
        before = len(self._held)
        self._held += data[at : at + _HEAD_PIECE_BYTES]
        taken = len(self._held) - before
        end = self._find_final_head(before)
        if end is None:
            return at + taken
        beyond = len(self._held) - end
        self._held.clear()
        return at + taken - beyond

    def end(self) -> bool:
        """The peer has closed: whether the response is whole. A missing end of the trailers is forgiven, as browsers do."""
        if self.head is not None and (self.kind is Body.CLOSE or self.trailers):
            self.complete = True
        return self.complete

    def _find_final_head(self, searched: int) -> int | None:
        """Offset in the held bytes at which the body begins; drops interim heads and empty lines before the status line."""
        from_byte = max(0, searched - 3)
        while not self.fault:
            if self._held.startswith((b"\r", b"\n")):
                self._drop(len(self._held) - len(self._held.lstrip(b"\r\n")))
                from_byte = 0
            match = _HEAD_END.search(self._held, from_byte)
            if self.preamble_bytes + (match.end() if match else len(self._held)) > HEAD_BYTES_MAX:
                self.fault = f"response head larger than {HEAD_BYTES_MAX} bytes"
            elif match is None:
                if not self._held.startswith(b"HTTP/"[: len(self._held)]):
                    self.fault = "not an HTTP response"
                return None
            elif self._take_head(match.end()):
                return match.end()
            from_byte = 0
        return None

    def _take_head(self, size: int) -> bool:
        """Read the head in the first `size` held bytes; True when it is the final one."""
        head = parse_head(bytes(self._held[:size]))
        if head is None:
            self.fault = "not an HTTP response"
        elif head.status == 101:
            self.fault = "the server switched protocols"
        elif 100 <= head.status < 200:
            self.interim.append(head.status)
            self._drop(size)
        else:
            self._begin(head, size)
            return True
        return False

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self.preamble_bytes += count

    def _begin(self, head: Head, size: int) -> None:
        kind, length = body_kind(head)
        self.head, self.head_bytes = head, size
        self.kind, self.length_bytes = kind, length
        self.complete = kind is Body.NONE or (kind is Body.LENGTH and length == 0)
        if kind is Body.CONTRADICTORY:
            self.fault = "several Content-Length fields that contradict each other"

    def _feed_body(self, data: bytes | memoryview, at: int) -> int:
        """Takes what lies in `data` from `at` on; returns where it stopped."""
        if self.kind is Body.CHUNKED:
            return self._feed_chunks(bytes(data), at)
        size = len(data) - at
        if self.kind is Body.LENGTH:
            size = min(size, self.length_bytes - self.body_bytes)
            self.complete = self.body_bytes + size == self.length_bytes
        self.body_bytes += size
        return at + size

    def _feed_chunks(self, data: bytes, at: int) -> int:
        """Section 7.1. `_chunk_left`: -1 a size line is due, 0 the line break after a chunk, otherwise data still to come."""
        while at < len(data) and not self.complete and not self.fault:
            if self._chunk_left < 0 and not self._held and not self.trailers:
                at = self._whole_chunks(data, at)
                if at == len(data):
                    break
            if self._chunk_left > 0:
                size = min(self._chunk_left, len(data) - at)
                self._chunk_left -= size
                self.body_bytes += size
                at += size
                continue
            newline = data.find(b"\n", at)
            upto = newline + 1 if newline >= 0 else len(data)
            self._held += data[at:upto]
            at = upto
            if len(self._held) > LINE_BYTES_MAX:
                self.fault = "endless line in the chunk framing"
            elif newline >= 0:
                line = bytes(self._held)
                self._held.clear()
                self._chunk_line(line)
        return at

    def _whole_chunks(self, data: bytes, at: int) -> int:
        """The quick way through chunks that lie in `data` from their size line to their line break."""
        while match := _CHUNK_START.match(data, at):
            size = int(match[1], 16)
            end = match.end() + size
            if not size or data[end : end + 2] != b"\r\n":
                break
            self.body_bytes += size
            at = end + 2
        return at

    def _chunk_line(self, line: bytes) -> None:
        if self.trailers:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > TRAILER_BYTES_MAX:
                self.fault = f"trailer fields larger than {TRAILER_BYTES_MAX} bytes"
            self.complete = line in (b"\r\n", b"\n")
        elif self._chunk_left == 0:
            if line not in (b"\r\n", b"\n"):
                self.fault = "broken chunk framing: no line break after a chunk"
            self._chunk_left = -1
        else:
            match = _CHUNK_SIZE.fullmatch(line)
            if match is None:
                self.fault = "broken chunk framing: no chunk size"
                return
            self._chunk_left = int(match[1], 16)
            self.trailers = self._chunk_left == 0


def decoded_body(raw: bytes) -> bytes:
    """The body of a raw response without chunk framing, as far as it came (content coding untouched)."""
    framer = Framer()
    framer.feed(raw)
    if framer.head is None:
        return b""
    body = raw[framer.preamble_bytes + framer.head_bytes :]
    if framer.kind is not Body.CHUNKED:
        return body[: framer.body_bytes]
    out = bytearray()
    while (line := body.find(b"\n")) >= 0 and (match := _CHUNK_SIZE.fullmatch(body[: line + 1])):
        size = int(match[1], 16)
        if not size:
            break
        out += body[line + 1 : line + 1 + size]
        body = body[line + 1 + size :].removeprefix(b"\r").removeprefix(b"\n")
    return bytes(out)
