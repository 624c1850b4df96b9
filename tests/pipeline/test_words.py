"""The words of report.json: what every kind of answer comes to, from the socket to the report, and again from the archive alone."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from PIL import Image

from archiver.model import FetchSettings, Report
from archiver.pipeline.archive import archive
from archiver.pipeline.means import Means
from archiver.pipeline.rejudge import report as judge_again
from archiver.pipeline.settings import Settings
from tests.servers import Handler, Server, chunked, drip, flood, redirect, response, routes, serve, then_close, then_reset
from tests.small_pictures import scene

FETCH = FetchSettings(
    allow_addresses=("127.0.0.1/32",),
    max_body_bytes=500_000,
    backoff_base_s=0.01,
    min_speed_window_s=2.0,
    min_speed_bytes_s=1000,
    host_failures_max=0,
)
PAGE = b"<!doctype html><html><head><title>Parked</title></head><body>This name is for sale</body></html>"


def picture(name: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    scene(1).resize((300, 200)).convert(mode).save(out, name, **options)
    return out.getvalue()


def sixteen_bits() -> bytes:
    out = io.BytesIO()
    Image.frombytes("I;16", (256, 128), bytes(range(256)) * 256).save(out, "PNG")
    return out.getvalue()


def one_pixel() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1, 1)).save(out, "PNG")
    return out.getvalue()


def moving(name: str) -> bytes:
    return picture(name, save_all=True, append_images=[scene(seed).resize((300, 200)) for seed in (2, 3)])


def of(body: bytes, kind: str = "image/jpeg", status: str = "200 OK", **more: str) -> bytes:
    return response(body, status, [("Content-Type", kind), *((name.replace("_", "-"), value) for name, value in more.items())])


def damaged_gzip(data: bytes) -> bytes:
    packed = bytearray(gzip.compress(data))
    packed[len(packed) // 2 : len(packed) // 2 + 30] = bytes(30)
    return bytes(packed)


JPEG, PNG = picture("JPEG"), picture("PNG")
START = b"HTTP/1.1 200 OK\r\n"
WEB: dict[str, dict[str, bytes | Handler]] = {
    "ok": {
        "jpeg": of(JPEG),
        "right-picture-wrong-type": of(JPEG, "text/html"),
        "no-type": response(PNG, headers=[]),
        "one-pixel": of(one_pixel(), "image/png"),
        "gif-that-moves": of(moving("GIF"), "image/gif"),
        "webp-that-moves": of(moving("WEBP"), "image/webp"),
        "cmyk": of(picture("JPEG", "CMYK")),
        "sixteen-bits": of(sixteen_bits(), "image/png"),
        "avif": of(picture("AVIF"), "image/avif"),
        "http-1.0": then_close(b"HTTP/1.0 200 OK\r\n\r\n" + PNG),
        "bare-line-feeds": then_close(b"HTTP/1.1 200 OK\nContent-Type: image/png\n\n" + PNG),
        "chunked-with-length": START + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(PNG),
        "interim": b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + of(PNG),
        "controls-in-head": START + b"Content-Type: image/png\x00\x1b[31m\r\nX-\x07: \x00\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG,
        "to-utf-8": redirect("/ok/bild-ü".encode()),
        "bild-%C3%BC": of(PNG),
    },
    "http_error": {"404": of(PAGE, "text/html", "404 Not Found"), "500": of(b"", status="500 Trouble")},
    "not_image": {
        "soft-404": of(PAGE, "text/html"),
        "page-called-jpeg": of(PAGE),
        "to-home": redirect("/not_image/home"),
        "home": of(PAGE, "text/html"),
    },
    "empty": {"nothing": of(b""), "204": b"HTTP/1.1 204 No Content\r\n\r\n", "304": b"HTTP/1.1 304 Not Modified\r\n\r\n"},
    "truncated": {
        "cut": then_close(START + b"Content-Length: %d\r\n\r\n" % len(JPEG) + JPEG[:900]),
        "reset": then_reset(START + b"Content-Length: %d\r\n\r\n" % len(JPEG) + JPEG[:900]),
        "chunks": then_close(START + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"),
    },
    "corrupt": {
        "gzip": of(damaged_gzip(JPEG), Content_Encoding="gzip"),
        "garbage-called-png": of(bytes(range(7, 200)) * 9, "image/png"),
        "half-a-jpeg": of(JPEG[: len(JPEG) // 2]),
        "half-a-png": of(PNG[: len(PNG) // 2], "image/png"),
        "zeros": of(bytes(500), "image/png"),
    },
    "unsupported": {
        "svg": of(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml"),
        "jxl": of(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(200), "image/jxl"),
        "coding": of(b"\x1b\x03\x00" + bytes(50), Content_Encoding="br"),
    },
    "redirect_error": {
        "loop": redirect("/redirect_error/loop"),
        "nowhere": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "file": redirect("file:///etc/passwd"),
        "data": redirect("data:image/png,x"),
        "ftp": redirect("ftp://h/"),
    },
    "blocked": {
        "metadata": redirect("http://169.254.169.254/latest"),
        "ssh": redirect("http://127.0.0.1:22/"),
        "high-port": redirect("http://127.0.0.1:9999/"),
    },
    "too_large": {
        "endless": flood(START + b"\r\n"),
        "announced": flood(START + b"Content-Length: 200000000\r\n\r\n"),
        "head": flood(START, piece=b"X: " + b"y" * 4000 + b"\r\n"),
        "swells": of(gzip.compress(bytes(600_000)), Content_Encoding="gzip"),
    },
    "timeout": {"drip": drip(START + b"\r\n"), "slow-head": drip(START + b"X: ")},
    "network_error": {"ssh": then_close(b"SSH-2.0-x\r\n"), "closed": then_close()},
}
ELSEWHERE = {"http://127.0.0.1:1/": "blocked", "http://[::1]/x": "blocked", "http://2130706434/x": "blocked"}


def words(report: Report | None) -> dict[str, tuple[str, str]]:
    assert report is not None
    return {image.target.url: (image.status, image.error) for image in report.images}


def expected(web: Server) -> dict[str, str]:
    return {web.url(f"/{word}/{name}"): word for word, names in WEB.items() for name in names} | ELSEWHERE


def test_every_answer_comes_to_its_word(tmp_path: Path) -> None:
    settings = Settings(fetch=FETCH, workers=1)
    with serve(routes({f"/{word}/{name}": what for word, names in WEB.items() for name, what in names.items()})) as web:
        urls = expected(web)
        (tmp_path / "post.md").write_text("\n\n".join(f"![]({url})" for url in urls))
        run = archive(str(tmp_path / "post.md"), tmp_path / "out", settings, Means(lambda _: None))
    found = words(run.report)
    assert {url: status for url, (status, _) in found.items()} == urls
    assert all(error for status, error in found.values() if status != "ok")
    again = judge_again(tmp_path / "out", settings, Means(lambda _: None))
    assert words(again.report) == found
