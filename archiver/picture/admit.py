"""Which payloads are decoded at all, and how large they may be: decided from the content's kind and the header, before any pixel."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from archiver.model import Reason

DECODERS: dict[str, tuple[str, str, int]] = {
    # format by content: (Pillow's name, its plugin, bytes per pixel that decoder and picture hold at the peak)
    "jpeg": ("JPEG", "JpegImagePlugin", 4),
    "png": ("PNG", "PngImagePlugin", 5),
    "gif": ("GIF", "GifImagePlugin", 9),
    "webp": ("WEBP", "WebPImagePlugin", 12),
    "avif": ("AVIF", "AvifImagePlugin", 12),
    "bmp": ("BMP", "BmpImagePlugin", 5),
    "tiff": ("TIFF", "TiffImagePlugin", 6),
    "ico": ("ICO", "IcoImagePlugin", 9),
    "jpeg2000": ("JPEG2000", "Jpeg2KImagePlugin", 18),
    "pnm": ("PPM", "PpmImagePlugin", 6),
    "heic": ("HEIF", "", 12),
}
"""The allow-list: nothing here starts a program or follows a reference. HEIC only where pillow-heif is installed."""

WITHOUT_DECODER = frozenset(
    ["svg", "svgz", "jxl", "psd", "cur", "dds", "eps", "qoi", "jxr", "exr", "hdr", "xcf", "bpg", "flif", "icns", "mng", "djvu", "wmf"]
)
"""Picture formats that are kept as bytes."""

MEMORY_MAX_BYTES = 144 * 2**20
"""Buffers of a decoder and of the decoded picture together, estimated from the header."""

LARGE_BYTES = 32 * 2**20
"""From here on one picture is decoded at a time, whatever the number of workers."""

JPEG_MAX_PX = 170_000_000
"""Even a JPEG that is scaled down while it is decoded must be read in full: about 200 million pixels a second."""

Refusal = tuple[Reason, str]


def refuse_kind(data: bytes, kind: str, heif_installed: bool) -> Refusal | None:
    """Why a payload of this kind is not decoded, or None when it is."""
    if not data:
        return Reason.EMPTY, "no bytes"
    if kind in WITHOUT_DECODER or (kind == "heic" and not heif_installed):
        return Reason.UNSUPPORTED, f"{kind} is kept but not decoded"
    if kind in DECODERS:
        return None
    if not kind and not any(data[:4096]):
        return Reason.CORRUPT, "only zero bytes"
    return Reason.NOT_IMAGE, f"the content is {kind}" if kind else "the content is no known picture format"


def cost_bytes(kind: str, width_px: int, height_px: int) -> int:
    """Bytes that the decoder and the decoded picture hold at the peak. JPEG is scaled down as it is decoded, row by row."""
    return width_px * height_px * DECODERS[kind][2]


def progressive_bytes(width_px: int, height_px: int, sampling: Sequence[tuple[int, int]]) -> int:
    """Bytes that libjpeg keeps of a JPEG in several scans: two for every coefficient, whatever the output scale.

    `sampling` holds the horizontal and vertical factors of its components (ISO 10918-1 B.2.2).
    """
    areas = [h * v for h, v in sampling] or [1, 1, 1]
    return 2 * width_px * height_px * sum(areas) // max(1, *areas)


def refuse_size(kind: str, width_px: int, height_px: int) -> Refusal | None:
    """Why a picture of this size is not decoded, or None. A JPEG has a limit of time here; its memory depends on its scans."""
    if kind != "jpeg":
        return refuse_bytes(cost_bytes(kind, width_px, height_px), width_px, height_px)
    if width_px * height_px > JPEG_MAX_PX:
        return Reason.UNSUPPORTED, f"{width_px}x{height_px} pixels would need too much time to decode"
    return None


def refuse_bytes(cost: int, width_px: int, height_px: int) -> Refusal | None:
    """Why a picture that needs so many bytes is not decoded, or None."""
    if cost > MEMORY_MAX_BYTES:
        return Reason.UNSUPPORTED, f"{width_px}x{height_px} pixels would need too much memory to decode"
    return None


def size_before_opening(data: bytes, kind: str) -> tuple[int, int]:
    """Width and height of what Pillow decodes, or makes room for, as soon as it opens it; (1, 1) where it waits."""
    try:
        return {"ico": _icon_size, "webp": _webp_size}[kind](data) if kind in {"ico", "webp"} else (1, 1)
    except struct.error:
        return 1, 1


def _webp_size(data: bytes) -> tuple[int, int]:
    """The canvas (RFC 9649 section 2.7.1), or the frame of a simple file (sections 2.5 and 3.4)."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        packed = struct.unpack_from("<I", data, 21)[0]
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _icon_size(data: bytes) -> tuple[int, int]:
    """The largest picture in an ICO file: its directory cannot say more than 256, the PNGs in it can.

    Directory entries of 16 bytes follow a head of 6, the offset of each picture at 12 in them; a PNG tells its size at 16.
    """
    largest = (256, 256)
    for entry in range(min(int.from_bytes(data[4:6], "little"), 256)):
        at = int.from_bytes(data[18 + 16 * entry : 22 + 16 * entry], "little")
        if data[at : at + 8] == b"\x89PNG\r\n\x1a\n":
            width, height = struct.unpack_from(">II", data, at + 16)
            largest = max(largest, (width, height), key=lambda size: size[0] * size[1])
    return largest
