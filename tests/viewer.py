"""The system's Chromium, what pages are looked at with, and ReplayWeb.page on a server that answers the byte ranges it reads a WACZ by.

Viewer and checker are fetched by tests/install-tools; they are only ever used by these tests.
"""

from __future__ import annotations

import http.server
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import which
from typing import Any

from playwright.sync_api import Browser, Frame, Page, ViewportSize, sync_playwright

VIEWER = Path(__file__).resolve().parent / ".tools" / "replaywebpage"
AXE = Path(__file__).resolve().parent / ".tools" / "axe-core" / "axe.min.js"
WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
TYPES = {".js": "text/javascript", ".html": "text/html; charset=utf-8", ".wacz": "application/wacz"}


class Handler(http.server.BaseHTTPRequestHandler):
    """Files of one folder, with the byte ranges that the viewer reads a WACZ by."""

    protocol_version = "HTTP/1.1"

    def __init__(self, files: dict[str, bytes], *args: Any) -> None:
        self.files = files
        super().__init__(*args)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        data = self.files.get(path)
        if data is None:
            self.send_error(404)
            return
        start, stop = self._range(len(data))
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Type", TYPES.get(Path(path).suffix, "text/html; charset=utf-8"))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(stop - start))
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[start:stop])

    def _range(self, size: int) -> tuple[int, int]:
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if match is None:
            return 0, size
        if not match[1]:
            return max(0, size - int(match[2])), size
        return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size

    def log_message(self, *args: Any) -> None:
        pass


def embed(options: str = "") -> bytes:
    style = "<style>html, body { margin: 0; height: 100% } replay-web-page { display: block; height: 100% }</style>"
    viewer = f'<replay-web-page source="/p.wacz" replayBase="/replay/" {options}></replay-web-page>'
    return f'<!doctype html>{style}<script src="/ui.js"></script>{viewer}'.encode()


@contextmanager
def showing(packed: bytes, page_url: str, at: str) -> Iterator[str]:
    """The address of a site with the viewer: `/list` opens the page list, `/page` the page itself."""
    files = {
        "/ui.js": (VIEWER / "ui.js").read_bytes(),
        "/replay/sw.js": (VIEWER / "sw.js").read_bytes(),
        "/replay/": b'<!doctype html><script src="/ui.js"></script><replay-app-main></replay-app-main>',
        "/p.wacz": packed,
        "/list": embed(),
        "/page": embed(f'embed="replayonly" url="{page_url}" ts="{at}"'),
    }
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, files))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    assert CHROMIUM, "the browser tests need Chromium on the PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def violations(page: Page, within: str = "html") -> list[str]:
    """What axe-core finds wrong in a part of the page as it stands, by WCAG 2.2 AA and its best practices."""
    if not AXE.exists():
        subprocess.run([str(AXE.parents[2] / "install-tools")], check=True)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("([within, rules]) => axe.run(within, { runOnly: rules })", [within, rules])
    return [f"{entry['id']}: {node['html'][:200]}" for entry in found["violations"] for node in entry["nodes"]]


def replayed(page: Page, url: str) -> Frame:
    """The frame in which the viewer shows a page of the archive."""
    for _ in range(600):
        for frame in page.frames:
            if frame.url.endswith(f"mp_/{url}"):
                frame.wait_for_load_state("load")
                return frame
        page.wait_for_timeout(100)
    raise AssertionError([frame.url for frame in page.frames])


def shown_sizes(frame: Frame) -> dict[str, tuple[int, int]]:
    """URL -> width and height in pixels of every picture of a replayed page, as the browser decoded them; 0 where it could not."""
    for _ in range(600):
        if frame.evaluate("document.images.length && [...document.images].every(image => image.complete)"):
            break
        frame.page.wait_for_timeout(100)
    shown = frame.evaluate("[...document.images].map(image => [image.src, image.naturalWidth, image.naturalHeight])")
    return {src.partition("mp_/")[2] or src.partition("im_/")[2] or src: (width, height) for src, width, height in shown}
