"""How many frames a payload has, counted from its structure: no frame is decoded and hostile files cost no more than the cap."""

from __future__ import annotations

import struct

FRAMES_MAX = 10_000
"""Counting stops here; a file that claims more is reported with this number."""


def count(data: bytes, kind: str) -> int:
    """Frames of an animation, pages of a TIFF; 1 for everything else, and for files too damaged to tell."""
    counter = {"gif": _gif, "png": _apng, "webp": _webp, "tiff": _tiff, "avif": _avif}.get(kind)
    if counter is None:
        return 1
    try:
        found = counter(data)
    except (IndexError, struct.error):
        return 1
    return max(1, min(found, FRAMES_MAX))


def _gif(data: bytes) -> int:
    """Image descriptors (0x2C) of a GIF, walking over sub-blocks (GIF89a sections 15 to 23)."""
    at = 13 + _palette_bytes(data[10])
    found = 0
    while at < len(data) and found < FRAMES_MAX:
        marker = data[at]
        if marker == 0x21:
            at = _skip_blocks(data, at + 2)
        elif marker == 0x2C:
            found += 1
            at = _skip_blocks(data, at + 11 + _palette_bytes(data[at + 9]))
        else:
            break
    return found


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    end = len(data)
    while at < end and (size := data[at]):
        at += size + 1
    return at + 1


def _apng(data: bytes) -> int:
    """`num_frames` of the acTL chunk, which stands before the first IDAT (PNG third edition, 11.3.6.1)."""
    at = 8
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"acTL":
            return int(struct.unpack_from(">I", data, at + 8)[0])
        if name == b"IDAT":
            break
        at += 12 + size
    return 1


def _webp(data: bytes) -> int:
    """ANMF chunks of an extended WebP (RFC 9649 section 2.7.1.1)."""
    if data[12:16] != b"VP8X" or not data[20] & 2:
        return 1
    at, found = 12, 0
    while at + 8 <= len(data) and found < FRAMES_MAX:
        name, size = struct.unpack_from("<4sI", data, at)
        found += name == b"ANMF"
        at += 8 + size + (size & 1)
    return found


def _tiff(data: bytes) -> int:
    """Image file directories of a TIFF; one seen twice ends the walk (TIFF 6.0 section 2; BigTIFF with 8-byte offsets)."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    offset, counter, entry_bytes = (order + "Q", order + "Q", 20) if big else (order + "I", order + "H", 12)
    at = struct.unpack_from(offset, data, 8 if big else 4)[0]
    seen: set[int] = set()
    while 0 < at < len(data) and at not in seen and len(seen) < FRAMES_MAX:
        seen.add(at)
        entries = struct.unpack_from(counter, data, at)[0]
        following = at + struct.calcsize(counter) + entries * entry_bytes
        if following + struct.calcsize(offset) > len(data):
            break
        at = struct.unpack_from(offset, data, following)[0]
    return len(seen)


def _avif(data: bytes) -> int:
    """Samples of the first track of an AVIF sequence: `stsz` holds their number (ISO 14496-12 8.7.3)."""
    if b"avis" not in data[8:64]:
        return 1
    at = data.find(b"stsz")
    return int(struct.unpack_from(">I", data, at + 12)[0]) if at > 0 else 1
