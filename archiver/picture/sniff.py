"""What a payload is, told from its first bytes and never from its name or its Content-Type.

The signatures are those of the formats' own specifications: PNG (ISO 15948 5.2), JPEG (ISO 10918-1 B.1.1.3: SOI and a further
marker), GIF89a, RIFF/WebP (RFC 9649), ISO base media files (ISO 14496-12 4.3: `ftyp` and its brands), TIFF 6.0 section 2, JPEG 2000
(ISO 15444-1 I.5.1), JPEG XL (ISO 18181-2).
"""

from __future__ import annotations

import re
import zlib

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0\x08\0\0\0", "tiff"),
    (b"MM\0+\0\x08\0\0", "tiff"),
    (b"\0\0\x01\0", "ico"),
    (b"\0\0\x02\0", "cur"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xff\x0a", "jxl"),
    (b"8BPS", "psd"),
    (b"qoif", "qoi"),
    (b"DDS ", "dds"),
    (b"II\xbc\x01", "jxr"),
    (b"v/1\x01", "exr"),
    (b"#?RADIANCE", "hdr"),
    (b"gimp xcf ", "xcf"),
    (b"BPG\xfb", "bpg"),
    (b"FLIF", "flif"),
    (b"icns", "icns"),
    (b"\x8aMNG\r\n\x1a\n", "mng"),
    (b"AT&TFORM", "djvu"),
    (b"\xd7\xcd\xc6\x9a", "wmf"),
    (b"%PDF-", "pdf"),
    (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"\x1a\x45\xdf\xa3", "webm"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"OggS", "ogg"),
    (b"FLV\x01", "flv"),
)

_BRANDS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"avif", b"avis"), "avif"),
    ((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"), "heic"),
    ((b"mif1", b"msf1"), "heic"),
)

_PNM = re.compile(rb"P[1-6][\s#]")
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]|<script[\s>]|<title[\s>]|<meta\s|<div[\s>]|<p[\s>]", re.IGNORECASE)
_SVG = re.compile(rb"<(?:[\w-]+:)?svg[\s>/]", re.IGNORECASE)
_TEXT_WINDOW_BYTES = 4096
_PACKED_WINDOW_BYTES = 65_536


def sniff(data: bytes) -> str:
    """The format of `data` by content, lower case, or empty when nothing is recognised.

    Pictures: jpeg, png, gif, webp, avif, bmp, tiff, ico, cur, jpeg2000, pnm, heic, jxl, psd, qoi, dds, jxr, exr, hdr, xcf, bpg,
    flif, icns, mng, djvu, wmf, svg, svgz. Others: html, xml, json, text, pdf, eps, video kinds, gzip, zip.
    """
    for magic, name in _MAGIC:
        if data.startswith(magic) and not (name in ("ico", "cur") and data[4:6] == b"\0\0"):  # none of no pictures: a TGA begins so
            return "svgz" if name == "gzip" and _packs_svg(data) else name
    if data[:4] == b"RIFF":
        return "webp" if data[8:12] == b"WEBP" else "riff"
    if data[4:8] == b"ftyp":
        return _brand(data)
    if _PNM.match(data[:3]):
        return "pnm"
    return _sniff_text(data[:_TEXT_WINDOW_BYTES])


def _brand(data: bytes) -> str:
    size = min(int.from_bytes(data[:4], "big"), 256, len(data))
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, size, 4))}
    for known, name in _BRANDS:
        if brands.intersection(known):
            return name
    return "mp4"


def _packs_svg(data: bytes) -> bool:
    """Whether this gzip file is an SVG: some servers send such files as they lie there, without saying that they are compressed."""
    try:
        start = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data[:_PACKED_WINDOW_BYTES], _TEXT_WINDOW_BYTES)
    except zlib.error:
        return False
    return _sniff_text(start) == "svg"


def _sniff_text(head: bytes) -> str:
    text = _decode_wide(head).lstrip(b"\xef\xbb\xbf \t\r\n\x0c")
    if not text or b"\0" in text:
        return ""
    if text.startswith(b"<"):
        return _sniff_markup(text)
    if _HTML.search(text) and b"</" in text:
        return "html"
    if text[:1] in b"{[" and text.rstrip()[-1:] in b'}],"':
        return "json"
    return "text" if _is_text(text) else ""


def _decode_wide(head: bytes) -> bytes:
    """UTF-16 with a byte order mark, as servers of old ASP pages send it, becomes UTF-8."""
    for mark, codec in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(codec, "ignore").encode()
    return head


def _sniff_markup(text: bytes) -> str:
    svg, html = _SVG.search(text), _HTML.search(text)
    if svg and (html is None or svg.start() < html.start()):
        return "svg"
    if html:
        return "html"
    return "xml" if text.startswith((b"<?xml", b"<!DOCTYPE", b"<!--")) or b"</" in text else "text"


def _is_text(text: bytes) -> bool:
    """No control bytes beside white space, and UTF-8 or a single-byte alphabet that is mostly ASCII."""
    if any(byte < 32 and byte not in b"\t\r\n\x0c\x1b" for byte in text):
        return False
    try:
        text[:-4].decode("utf-8") if len(text) > 4 else text.decode("utf-8")
    except UnicodeDecodeError:
        return sum(byte < 128 for byte in text) > 0.8 * len(text)
    return True
