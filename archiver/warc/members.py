"""Gzip members, one per record (WARC 1.1 annex D, RFC 1952): written here, and the decision how hard to compress.

Media that is already compressed goes into stored blocks (deflate level 0): every reader understands them, they are 0.01% larger
than the data and cost a checksum instead of a compression. Text is deflated at level 6.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable

from archiver.warc.scan import is_compressed

LEVEL_STORED = 0
LEVEL_TEXT = 6
GZIP_MAGIC = b"\x1f\x8b\x08"

MEMBER_HEADER = GZIP_MAGIC + b"\x00\x00\x00\x00\x00\x00\xff"
"""No flags, no time, unknown system: the same record always makes the same member."""
_STORED_MAX_BYTES = 65535
_LAST_STORED = b"\x01\x00\x00\xff\xff"

_COMPRESSED_STARTS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"\x1f\x8b",  # gzip, as a file or as content coding
    b"PK\x03\x04",
    b"\x28\xb5\x2f\xfd",  # zstd
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"wOF2",
    b"\xff\x0a",  # JPEG XL codestream
    b"\x00\x00\x00\x0cJXL ",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
)


def level_for(sample: bytes) -> int:
    """The level for a record, judged by the first bytes of its payload and not by what a header claims."""
    media = sample.startswith(_COMPRESSED_STARTS) or sample[4:8] == b"ftyp" or (sample[:4] == b"RIFF" and sample[8:12] == b"WEBP")
    return LEVEL_STORED if media or is_compressed(sample) else LEVEL_TEXT


def write_member(write: Callable[[bytes], None], pieces: Iterable[bytes | memoryview], level: int) -> None:
    """Writes the pieces as one member. Pieces should be large: each costs one call of `write`."""
    if level == LEVEL_STORED:
        _write_stored(write, pieces)
        return
    deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc, size = 0, 0
    write(MEMBER_HEADER)
    for piece in pieces:
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        if out := deflate.compress(piece):
            write(out)
    write(deflate.flush() + struct.pack("<II", crc, size & 0xFFFFFFFF))


def _write_stored(write: Callable[[bytes], None], pieces: Iterable[bytes | memoryview]) -> None:
    """Stored blocks (RFC 1951 section 3.2.4), closed by an empty last one, so that the size need not be known before."""
    crc, size = 0, 0
    write(MEMBER_HEADER)
    for piece in pieces:
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        view = memoryview(piece)
        parts: list[bytes | memoryview] = []
        for start in range(0, len(view), _STORED_MAX_BYTES):
            block = view[start : start + _STORED_MAX_BYTES]
            parts += [struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF), block]
        write(b"".join(parts))
    write(_LAST_STORED + struct.pack("<II", crc, size & 0xFFFFFFFF))
