"""The captures that both viewers must replay: redirects, revisits, chunks, content codings, odd query strings."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from archiver.warc.writer import WarcWriter
from tests.warc.making import START, chunked, exchange, png, response

PAGE_URL = "https://post.example/chair/"
REPORT_URL = "https://post.example/chair/report.html"
PAGE_AT = START + timedelta(minutes=1)
"""Viewers show of each picture the capture that is nearest in time to that of the page: the page is dated after all of them."""


@dataclass(frozen=True)
class Case:
    url: str
    body: bytes
    raw: bytes
    size_px: tuple[int, int]


def _case(number: int, url: str, *, shape: str = "") -> Case:
    width_px, height_px = 20 + number, 40 + 2 * number
    body = png(width_px, height_px, (number * 9 % 256, 80, 160))
    mime = "Content-Type: image/png"
    match shape:
        case "chunked":
            raw = chunked(body, mime, size=37)
        case "extension":
            raw = chunked(body, mime, size=37, extension=";x=1")
        case "trailer":
            raw = chunked(body, mime, size=37, trailer="X-T: 1")
        case "gzip":
            raw = response(gzip.compress(body), mime, "Content-Encoding: gzip")
        case "deflate":
            raw = response(zlib.compress(body), mime, "Content-Encoding: deflate")
        case "chunked gzip":
            raw = chunked(gzip.compress(body), mime, "Content-Encoding: gzip", size=50)
        case "close":
            raw = response(body, mime, length=False)
        case _:
            raw = response(body, mime)
    return Case(url, body, raw, (width_px, height_px))


CASES = (
    _case(0, "https://a.example/plain.png"),
    _case(1, "https://a.example/chunked.png", shape="chunked"),
    _case(2, "https://a.example/gzip.png", shape="gzip"),
    _case(3, "https://a.example/deflate.png", shape="deflate"),
    _case(4, "https://a.example/both.png", shape="chunked gzip"),
    _case(5, "http://a.example/until-close.png", shape="close"),
    _case(6, "https://b.example/x.png?url=https%3A%2F%2Fc.example%2Fy.png%3Fz%3D1&w=640&h="),
    _case(7, "https://b.example/x.png?url=https%3A%2F%2Fc.example%2Fy.png%3Fz%3D2&w=640&h="),
    _case(8, "https://b.example/fit/c/1200/900/1*abc-DEF.png"),
    _case(9, "https://b.example/a%2Cb;v=2/(c)/d.png"),
    _case(10, "https://b.example//double//slash.png?1"),
    _case(11, "https://b.example/CaseSensitive.PNG?Q=A"),
    _case(12, "https://b.example/after-503.png"),
    _case(0, "https://copy.example/same-as-plain.png"),
    _case(1, "https://copy.example/same-as-chunked.png", shape="chunked"),
    _case(0, "https://copy.example/plain-as-chunked.png", shape="chunked"),
    _case(1, "https://copy.example/chunked-as-plain.png"),
    _case(13, "https://copy.example/trailer.png", shape="trailer"),
    _case(14, "https://copy.example/extension.png", shape="extension"),
)
BUSY_URL = CASES[12].url
TRAILER_URL = CASES[-2].url
BEYOND_REPLAYWEB = (CASES[3].url, CASES[-1].url)
"""ReplayWeb.page 2.5.3 undoes neither `Content-Encoding: deflate` nor chunks with extensions. The archive keeps them as they were sent."""
REVISITS = tuple(case.url for case in CASES[13:16])
REDIRECT_URL = "https://a.example/moved"


def write_cases(writer: WarcWriter, folder: Path) -> list[Path]:
    """Writes the page, its pictures and a report; the WARC files."""
    images = "".join(f'<img src="{case.url.replace("&", "&amp;")}">' for case in CASES)
    page = f"<!doctype html><title>Chair</title>{images}<img src='{REDIRECT_URL}'>"
    writer.write_resource(PAGE_URL, "text/html; charset=utf-8", page.encode(), at=PAGE_AT)
    busy = response(b"busy", "Content-Type: text/plain", status="503 Busy")
    writer.write_exchange(exchange(BUSY_URL, busy, status=503, at=START))
    for number, case in enumerate(CASES):
        stored = writer.write_exchange(exchange(case.url, case.raw, at=START + timedelta(seconds=number % 3)))
        assert stored.revisit == (case.url in REVISITS), case.url
        writer.write_metadata(f"urn:image:{stored.payload_sha256}:{number}", "application/json", b'{"w": 1}', refers_to=stored.ref)
    moved = response(b"", f"Location: {CASES[0].url}", status="301 Moved")
    writer.write_exchange(exchange(REDIRECT_URL, moved, status=301))
    writer.write_resource(REPORT_URL, "text/html; charset=utf-8", b"<!doctype html><title>Report</title><p id='r'>two pictures", at=PAGE_AT)
    return [folder / name for name in writer.close()]
