"""Exchanges and writers with injected clock and ids, so that every run of a test writes the same bytes."""

from __future__ import annotations

import io
import itertools
import random
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.model import Exchange
from archiver.warc.records import WarcInfo
from archiver.warc.writer import WarcWriter

START = datetime(2026, 11, 22, 17, 41, 0, tzinfo=UTC)
INFO = WarcInfo(
    software="archiver/test", operator="A. Curator", description="a capture made by a test", user_agent="archiver-test/1", robots="ignore"
)
PREFIX = "post-20261122174100"


def clock() -> Callable[[], datetime]:
    seconds = itertools.count()
    return lambda: START + timedelta(seconds=next(seconds))


def ids(start: int = 1) -> Callable[[], str]:
    numbers = itertools.count(start)
    return lambda: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012d}"


def writer(folder: Path, **options: Any) -> WarcWriter:
    prefix = options.pop("prefix", PREFIX)
    info = options.pop("info", INFO)
    return WarcWriter(folder, prefix, info, **{"now": clock(), "new_id": ids(), **options})


def resumed(open_file: Path, **options: Any) -> WarcWriter:
    return WarcWriter.resume(open_file, INFO, **{"now": clock(), "new_id": ids(5000), **options})


def response(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(body: bytes, *headers: str, size: int = 1000, extension: str = "", trailer: str = "") -> bytes:
    framed = b""
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        framed += f"{len(piece):x}{extension}\r\n".encode() + piece + b"\r\n"
    framed += b"0\r\n" + (trailer + "\r\n" if trailer else "").encode() + b"\r\n"
    return response(framed, *headers, "Transfer-Encoding: chunked", length=False)


def exchange(url: str, raw: bytes, *, status: int = 200, at: datetime = START, **more: Any) -> Exchange:
    rest = url.split("//", 1)[-1]
    host, slash, path = rest.partition("/")
    head = f"GET {slash or '/'}{path} HTTP/1.1\r\nHost: {host}\r\nAccept: image/*\r\n\r\n"
    request = more.pop("request", head.encode("utf-8", "replace"))
    values: dict[str, Any] = {"ip": "203.0.113.7", "truncated": "", "protocol": "http/1.1", **more}
    return Exchange(url=url, at=at, request=request, response=io.BytesIO(raw), status=status, **values)


def jpeg_like(size_bytes: int, seed: int = 1) -> bytes:
    """Bytes that begin like a JPEG and do not compress."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + random.Random(seed).randbytes(size_bytes - 11)


def png(width_px: int, height_px: int, colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    """A real PNG of one colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\x00" + bytes(colour) * width_px) * height_px
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
