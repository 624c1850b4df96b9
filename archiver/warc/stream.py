"""Records out of any WARC file, one after the other, in constant memory.

Reads WARC 1.0 and 1.1, one gzip member per record, one gzip member for the whole file, and plain files. What is broken comes
out as `Broken` between the sound records: after damage in a member the reader goes on at the next member that starts with a
record, in a plain file at the next line that starts one.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from archiver.model import RecordRef
from archiver.warc.members import GZIP_MAGIC
from archiver.warc.records import Fields, bare_id, parse_fields

READ_BYTES = 256 * 1024
FIRST_PORTION_BYTES = 8 * 1024
"""Of each member; most members are small, and what zlib is given beyond the end of one has to be copied."""
MAX_PIECE_BYTES = 1024 * 1024
MAX_HEAD_BYTES = 1024 * 1024
HEADER_BYTES = 10

_VERSION = re.compile(rb"WARC/(\d+\.\d+)[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Broken:
    """A place in an archive that could not be read, with the reason."""

    file: str
    offset: int
    detail: str
    record_id: str = ""


class Damaged(Exception):  # never leaves this room; `Broken` is what callers see
    """The bytes of a gzip member cannot be inflated."""


class Members:
    """The decompressed bytes of a file, member by member; a plain file counts as one member."""

    def __init__(self, file: BinaryIO, offset: int = 0) -> None:
        self._file = file
        self._inflate: zlib._Decompress | None = None
        self._portion_bytes = FIRST_PORTION_BYTES
        self.seek(offset)

    def seek(self, offset: int) -> None:
        """Starts afresh at a member (or record, in a plain file)."""
        self._file.seek(offset)
        self._raw = self._file.read(READ_BYTES)
        self._next = 0
        """Index in `_raw` of the first byte not yet inflated."""
        self._raw_end = offset + len(self._raw)
        self.gzip = self._raw.startswith(b"\x1f\x8b")
        self.offset = offset
        """File offset of the current member."""
        self.header = b""
        """Of the current gzip member: the ten bytes that every one begins with (RFC 1952 section 2.3)."""
        self._out = b""
        self._at = 0
        self._ended = True

    @property
    def end_offset(self) -> int:
        """File offset of the first byte behind what was taken; exact at the end of a member and in plain files."""
        return self._raw_end - (len(self._raw) - self._next) - (0 if self.gzip else len(self._out) - self._at)

    def open_next(self) -> bool:
        """Goes to the member behind the current one. False at the end of the file. Raises Damaged when there is no member."""
        self.offset = self.end_offset
        self._out, self._at = b"", 0
        if self._next == len(self._raw) and not self._read_raw():
            return False
        if self.gzip:
            if len(self._raw) - self._next < HEADER_BYTES:
                self._read_raw()
            if not self._raw.startswith(GZIP_MAGIC, self._next):
                raise Damaged("these bytes are no gzip member")
            self.header = self._raw[self._next : self._next + HEADER_BYTES]
            self._inflate = zlib.decompressobj(31)
            self._portion_bytes = FIRST_PORTION_BYTES
        self._ended = False
        return True

    def take(self, limit: int) -> bytes | memoryview:
        """Up to `limit` bytes, empty at the end of the member. Raises Damaged."""
        if self._at == len(self._out) and not self._fill():
            return b""
        start, self._at = self._at, min(self._at + limit, len(self._out))
        if start == 0 and self._at == len(self._out):
            return self._out
        return memoryview(self._out)[start : self._at]

    def peek(self, count: int) -> bytes:
        """The next bytes without taking them, fewer at the end of the member. Raises Damaged."""
        while len(self._out) - self._at < count and self._fill():
            pass
        return self._out[self._at : self._at + count]

    def line(self, limit: int) -> bytes:
        """Up to and including the next line feed; without one at the end of the member or after `limit` bytes. Raises Damaged."""
        end = self._out.find(b"\n", self._at) + 1
        while not end and len(self._out) - self._at < limit and self._fill():
            end = self._out.find(b"\n", self._at) + 1
        stop = min(end or len(self._out), self._at + limit)
        start, self._at = self._at, stop
        return self._out[start:stop]

    def _read_raw(self) -> bool:
        more = self._file.read(READ_BYTES)
        self._raw, self._next = self._raw[self._next :] + more, 0
        self._raw_end += len(more)
        return bool(more)

    def _fill(self) -> bool:
        """Adds decompressed bytes behind what is not yet taken."""
        while not self._ended:
            piece = self._inflate_more() if self.gzip else self._plain_more()
            if piece:
                self._out = self._out[self._at :] + piece if self._at < len(self._out) else piece
                self._at = 0
                return True
        return False

    def _plain_more(self) -> bytes:
        if self._next == len(self._raw) and not self._read_raw():
            self._ended = True
        piece, self._next = self._raw[self._next :], len(self._raw)
        return piece

    def _inflate_more(self) -> bytes:
        assert self._inflate is not None
        if self._next == len(self._raw) and not self._read_raw():
            self._ended = True
            raise Damaged("the file ends inside a gzip member")
        portion = self._raw[self._next : self._next + self._portion_bytes]
        self._portion_bytes = READ_BYTES
        try:
            piece = self._inflate.decompress(portion, MAX_PIECE_BYTES)
        except zlib.error as error:
            self._ended = True
            raise Damaged(f"the gzip member is damaged: {str(error).partition(': ')[2] or error}") from None
        self._ended = self._inflate.eof
        left = self._inflate.unused_data if self._ended else self._inflate.unconsumed_tail
        self._next += len(portion) - len(left)
        return piece


class Record:
    """One record, its block still to be read. Valid until the iteration goes on."""

    def __init__(self, members: Members, file: str, offset: int, version: str, fields: Fields, length_bytes: int) -> None:
        self._members = members
        self.file = file
        self.offset = offset
        """Of the gzip member, or of the record in a plain file."""
        self.version = version
        self.fields = fields
        self.block_bytes = length_bytes
        """Content-Length."""
        self.strict_lines = True
        """All lines of the head end in CR and LF, as the standard asks (section 4)."""
        self.opens_member = False
        self.member_header = members.header
        self.closes_member = False
        """Known after `finish`."""
        self.trailer = b""
        """What stands between this record and the next, at most 64 bytes; known after `finish`."""
        self.damaged = False
        """The gzip member cannot be inflated to its end."""
        self._left_bytes = length_bytes
        self._end: RecordRef | Broken | None = None

    @property
    def plain(self) -> bool:
        """The file is not compressed."""
        return not self._members.gzip

    @property
    def type(self) -> str:
        return self.fields.get("WARC-Type").lower()

    @property
    def id(self) -> str:
        return bare_id(self.fields.get("WARC-Record-ID"))

    @property
    def url(self) -> str:
        return bare_id(self.fields.get("WARC-Target-URI"))

    def pieces(self) -> Iterator[bytes]:
        """The rest of the block. Ends early at damage; `finish` then tells of it."""
        while self._left_bytes and self._end is None:
            try:
                piece = self._members.take(self._left_bytes)
            except Damaged as error:
                self.damaged = True
                self._break(str(error))
                return
            if not piece:
                self._break(f"the record ends {self._left_bytes} bytes before its Content-Length")
                return
            self._left_bytes -= len(piece)
            yield bytes(piece)

    def finish(self) -> RecordRef | Broken:
        """Reads to the end of the record; where it stands, or what is wrong with its bytes."""
        if self._end is None:
            for _ in self.pieces():
                pass
        if self._end is None:
            try:
                self._read_trailer()
            except Damaged as error:
                self.damaged = True
                self._break(str(error))
        assert self._end is not None
        return self._end

    def _read_trailer(self) -> None:
        members = self._members
        trailer = b""
        while (byte := members.peek(1)) in (b"\r", b"\n") and len(trailer) < 64:
            trailer += byte
            members.take(1)
        self.trailer = trailer
        self.closes_member = not members.peek(1)
        if not self.closes_member and not members.peek(5).startswith(b"WARC/"):
            self._break("the block is longer than its Content-Length, or something else stands between two records")
            return
        whole = not members.gzip or (self.opens_member and self.closes_member)
        length = members.end_offset - self.offset if whole else 0
        self._end = RecordRef(self.file, self.offset, length, self.id)

    def _break(self, detail: str) -> None:
        self._end = Broken(self.file, self.offset, detail, self.id)


def read_records(file: BinaryIO, name: str, offset: int = 0) -> Iterator[Record | Broken]:
    """Every record from `offset` on, which must be 0 or the offset of a record. Each is finished before the next is made."""
    members = Members(file, offset)
    while True:
        try:
            if not members.open_next():
                return
            yield from _member_records(members, file, name)
        except Damaged as error:
            if str(error):
                yield Broken(name, members.offset, str(error), _legible_id(file, members.offset))
            found = _find_member(file, members.offset + 1)
            if found < 0:
                return
            members.seek(found)


def _member_records(members: Members, file: BinaryIO, name: str) -> Iterator[Record | Broken]:
    """The records of one member. Raises Damaged, without words when the record has already told."""
    first = True
    while members.peek(1):
        start = members.offset if members.gzip else members.end_offset
        record = _read_head(members, name, start)
        if isinstance(record, Broken):
            yield record
            _skip(members, file, start)
            continue
        record.opens_member, first = first or not members.gzip, False
        yield record
        end = record.finish()
        if isinstance(end, Broken):
            yield end
            if record.damaged:
                raise Damaged
            _skip(members, file, start)


def _skip(members: Members, file: BinaryIO, broken_offset: int) -> None:
    """Goes on at the next line that starts a record. A plain file is searched from the start of the broken record, which
    may have swallowed others by a wrong Content-Length."""
    if members.gzip:
        while members.peek(7) not in (b"WARC/1.", b""):
            members.line(MAX_HEAD_BYTES)
        return
    found = _search(file, broken_offset + 1, b"\nWARC/1.") + 1
    if not found:  # a gzip file with a damaged first byte
        found = _find_member(file, broken_offset + 1)
    members.seek(found if found > 0 else file.seek(0, 2))
    members.open_next()


def _read_head(members: Members, name: str, start: int) -> Record | Broken:
    line = members.line(256)
    version = _VERSION.fullmatch(line)
    if version is None:
        return Broken(name, start, "no record starts here")
    strict, head = line.endswith(b"\r\n"), bytearray()
    while len(head) < MAX_HEAD_BYTES:
        line = members.line(MAX_HEAD_BYTES)
        head += line
        strict = strict and line.endswith(b"\r\n")
        if not line.endswith(b"\n"):
            return Broken(name, start, "the record head does not end")
        if not line.strip(b"\r\n"):
            break
    fields = parse_fields(bytes(head))
    length = fields.get("Content-Length")
    if not (length.isascii() and length.isdigit()) or len(length) > 18:
        return Broken(name, start, "the record has no readable Content-Length", bare_id(fields.get("WARC-Record-ID")))
    record = Record(members, name, start, version[1].decode("ascii"), fields, int(length))
    record.strict_lines = strict
    return record


def _find_member(file: BinaryIO, offset: int) -> int:
    """The next gzip member whose content starts like a record (compressed data may hold the magic by chance)."""
    while (offset := _search(file, offset, GZIP_MAGIC)) >= 0:
        file.seek(offset)
        try:
            if zlib.decompressobj(31).decompress(file.read(4096), 64).startswith(b"WARC/"):
                return offset
        except zlib.error:
            pass
        offset += 1
    return -1


def _legible_id(file: BinaryIO, offset: int) -> str:
    """The record id in a damaged member, when its beginning can be inflated. No checksum vouches for it."""
    file.seek(offset)
    inflate, out = zlib.decompressobj(31), b""
    with contextlib.suppress(zlib.error):
        while b"\r\n\r\n" not in out and len(out) < MAX_HEAD_BYTES and (few := file.read(32)):
            out += inflate.decompress(few, MAX_HEAD_BYTES)
    return bare_id(parse_fields(out.partition(b"\r\n\r\n")[0]).get("WARC-Record-ID")) if out.startswith(b"WARC/") else ""


def _search(file: BinaryIO, offset: int, wanted: bytes) -> int:
    """File offset of the next occurrence, -1 without one."""
    file.seek(offset)
    held = b""
    while piece := file.read(READ_BYTES):
        held += piece
        at = held.find(wanted)
        if at >= 0:
            return offset + at
        keep = len(wanted) - 1
        offset += len(held) - keep
        held = held[-keep:]
    return -1
