from __future__ import annotations

import gzip
import hashlib
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from archiver.model import Reason, Unreadable
from archiver.picture.admit import LARGE_BYTES, MEMORY_MAX_BYTES, progressive_bytes, refuse_size
from archiver.picture.decode import Decoded, decode
from archiver.picture.frames import FRAMES_MAX, count

sys.path.append(str(Path(__file__).parent))
from pictures import encode, scene

ROOT = Path(__file__).resolve().parents[2]
SMALL = scene(90, 60)


def refused(data: bytes) -> Unreadable:
    found = decode(data)
    assert isinstance(found, Unreadable), found
    assert found.payload == hashlib.sha256(data).hexdigest()
    assert found.detail
    return found


def png_of(width: int, height: int, compressed: bytes, color_type: int = 2) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


def gif_of(frames: int, width: int = 1, height: int = 1) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b"\x3b"


@pytest.mark.parametrize(
    ("data", "reason", "kind"),
    [
        (b"", Reason.EMPTY, ""),
        (bytes(5000), Reason.CORRUPT, ""),
        (b"<!DOCTYPE html><html><body>gone</body></html>", Reason.NOT_IMAGE, "html"),
        (b"\xef\xbb\xbf\n  <HTML><head></head></html>", Reason.NOT_IMAGE, "html"),
        ("\ufeff<html><body>x</body></html>".encode("utf-16-le"), Reason.NOT_IMAGE, "html"),
        (b"<script>location='/'</script>", Reason.NOT_IMAGE, "html"),
        (b'{"error": "not found"}', Reason.NOT_IMAGE, "json"),
        (b"Not Found", Reason.NOT_IMAGE, "text"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", Reason.NOT_IMAGE, "xml"),
        (b"%PDF-1.7\n", Reason.NOT_IMAGE, "pdf"),
        (b"\0\0\0\x18ftypisom\0\0\x02\0isommp42", Reason.NOT_IMAGE, "mp4"),
        (b"\x1a\x45\xdf\xa3webm", Reason.NOT_IMAGE, "webm"),
        (b"\x01\x02\x03\x04random\xff\xfe", Reason.NOT_IMAGE, ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Reason.UNSUPPORTED, "svg"),
        (b"<?xml version='1.0'?><!-- made --><svg:svg xmlns:svg='http://www.w3.org/2000/svg'/>", Reason.UNSUPPORTED, "svg"),
        (gzip.compress(b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", mtime=0), Reason.UNSUPPORTED, "svgz"),
        (gzip.compress(bytes(9_000_000), mtime=0), Reason.NOT_IMAGE, "gzip"),
        (b"\x1f\x8b\x08damaged", Reason.NOT_IMAGE, "gzip"),
        (b"v/1\x01\x02" + bytes(40), Reason.UNSUPPORTED, "exr"),
        (b"8BPS\0\x01" + bytes(40), Reason.UNSUPPORTED, "psd"),
        (b"\xff\x0a" + bytes(20), Reason.UNSUPPORTED, "jxl"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", Reason.UNSUPPORTED, "eps"),
        (b"\xff\xd8\xff", Reason.CORRUPT, "jpeg"),
        (b"\x89PNG\r\n\x1a\n", Reason.CORRUPT, "png"),
        (b"GIF89a", Reason.CORRUPT, "gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", Reason.CORRUPT, "webp"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", Reason.CORRUPT, "avif"),
    ],
)
def test_what_is_no_picture_is_told_with_its_reason(data: bytes, reason: Reason, kind: str) -> None:
    found = refused(data)
    assert (found.reason, found.format) == (reason, kind)


def test_heic_is_kept_without_a_decoder() -> None:
    found = decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60))
    assert isinstance(found, Unreadable)
    assert found.format == "heic"
    assert found.reason in {Reason.UNSUPPORTED, Reason.CORRUPT}  # corrupt where pillow-heif is installed


def test_html_that_shows_an_svg_is_html() -> None:
    assert refused(b"<!doctype html><html><body><svg></svg></body></html>").format == "html"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "JPEG2000", "PPM", "ICO"])
def test_a_picture_cut_short_is_corrupt(format: str) -> None:
    data = encode(SMALL, format)
    for share in (0.3, 0.6, 0.9):
        assert refused(data[: int(len(data) * share)]).reason is Reason.CORRUPT


def test_a_large_jpeg_cut_short_is_corrupt_also_where_it_is_drafted() -> None:
    data = encode(scene(2000, 1000), "JPEG", quality=80)
    assert refused(data[: len(data) // 2]).reason is Reason.CORRUPT


def test_a_jpeg_followed_by_rubbish_is_a_jpeg() -> None:
    assert isinstance(decode(encode(SMALL, "JPEG") + b"<!-- advertisement -->" * 100), Decoded)


@pytest.mark.parametrize(
    "data",
    [
        png_of(30_000, 30_000, zlib.compress(bytes(1000))),
        b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\0\xff\xff\0" + bytes(8),
        png_of(2**31 - 1, 2**31 - 1, b""),
        png_of(9000, 9000, zlib.compress(bytes(9000 * 100), 9)),
        gif_of(1, 65_535, 65_535),
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 54, 40, 30_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"P6 40000 40000 255\n" + bytes(10),
    ],
    ids=["png-30000", "webp-65536", "png-largest", "png-81-megapixels", "gif-65535", "bmp-30000", "ppm-40000"],
)
def test_bombs_are_refused_by_their_header(data: bytes) -> None:
    assert refused(data).reason in {Reason.UNSUPPORTED, Reason.CORRUPT}


def test_a_jpeg_of_30000_by_30000_is_refused_by_its_header() -> None:
    data = bytearray(encode(SMALL, "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 30_000, 30_000)
    found = refused(bytes(data))
    assert found.reason is Reason.UNSUPPORTED


def test_an_icon_with_a_bomb_in_it_is_refused() -> None:
    bomb = png_of(12_000, 12_000, zlib.compress(bytes(1000)), 6)
    data = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(bomb), 22) + bomb
    assert refused(data).reason is Reason.UNSUPPORTED


BOMBS = """
import resource, struct, sys, zlib
sys.path[:0] = [{root!r}, {here!r}]
import numpy, PIL.Image, PIL.PngImagePlugin, PIL.GifImagePlugin
from archiver.picture.decode import decode
from test_decode_hostile import gif_of, png_of
packer = zlib.compressobj(1)
packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(decode(png_of(1_000_000, 1000, packed)).reason.value)
print(decode(png_of(30_000, 30_000, packed)).reason.value)
print(decode(gif_of(300_000)).frames)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_bombs_take_neither_memory_nor_every_frame() -> None:
    code = BOMBS.format(root=str(ROOT), here=str(Path(__file__).parent))
    lines = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert lines[:3] == ["unsupported", "unsupported", str(FRAMES_MAX)]
    assert int(lines[3]) < 60  # MB


def test_frames_of_damaged_files_are_counted_without_harm() -> None:
    gif = gif_of(50)
    assert count(gif, "gif") == 50
    assert [count(gif[:length], "gif") >= 1 for length in range(len(gif))] == [True] * len(gif)
    for kind in ("gif", "png", "webp", "tiff", "avif", "jpeg"):
        assert count(b"", kind) == 1


def test_a_tiff_whose_directories_go_in_a_circle_has_an_end() -> None:
    assert count(b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0", "tiff") == 1


def test_the_limits_let_ordinary_pictures_pass() -> None:
    for kind in ("png", "bmp", "tiff"):
        assert refuse_size(kind, 5000, 4000) is None
    assert refuse_size("webp", 4032, 3024) is None
    assert refuse_size("jpeg", 12_000, 9_000) is None
    assert progressive_bytes(6000, 4000, [(2, 2), (1, 1), (1, 1)]) < MEMORY_MAX_BYTES < progressive_bytes(12_000, 9_000, [(1, 1)] * 3)


def test_large_pictures_ask_to_be_alone_and_small_ones_do_not() -> None:
    asked = []

    @contextmanager
    def alone() -> Iterator[None]:
        asked.append(True)
        yield

    for image in (SMALL, Image.new("L", (1200, 800))):
        decode(encode(image), alone)
        decode(encode(image, "JPEG", progressive=True), alone)
    decode(encode(Image.new("RGB", (5000, 5000)), "JPEG"), alone)
    assert not asked
    side = int((LARGE_BYTES / 5) ** 0.5) + 1
    decode(encode(Image.new("L", (side, side)), compress_level=1), alone)
    decode(encode(Image.new("RGB", (3600, 3600)), "JPEG", progressive=True), alone)
    assert asked == [True, True]


SAMPLES = {
    format: encode(SMALL, format, **options)
    for format, options in {
        "JPEG": {"quality": 70},
        "PNG": {},
        "GIF": {},
        "WEBP": {},
        "BMP": {},
        "TIFF": {"compression": "tiff_lzw"},
        "ICO": {},
        "PPM": {},
    }.items()
}


@settings(max_examples=250, deadline=None)
@given(data=st.data(), format=st.sampled_from(sorted(SAMPLES)))
def test_damaged_pictures_are_values_and_never_exceptions(data: st.DataObject, format: str) -> None:
    content = bytearray(SAMPLES[format])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(1, len(content))) :]
    found = decode(bytes(content))
    assert isinstance(found, Decoded) or " object at 0x" not in found.detail


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"II*\0", b"BM", b"<", b"\0\0\1\0"])
)
def test_rubbish_is_never_an_exception(rubbish: bytes, head: bytes) -> None:
    assert isinstance(decode(head + rubbish), Decoded | Unreadable)


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "damaged").glob("*")), ids=lambda path: path.name)
def test_files_that_once_did_harm_are_values_now(path: Path) -> None:
    assert isinstance(decode(path.read_bytes()), Decoded | Unreadable)


def test_a_format_that_starts_programs_is_not_even_opened() -> None:
    assert refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n").reason is Reason.UNSUPPORTED
    code = (
        "import sys; from archiver.picture.decode import decode; decode(sys.stdin.buffer.read())\n"
        "from PIL import Image; print(*sorted(Image.OPEN))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=encode(SMALL, "TIFF"), check=True, capture_output=True)
    assert set(done.stdout.decode().split()) == {"BMP", "DIB", "GIF", "JPEG", "PNG", "PPM", "TIFF"}
