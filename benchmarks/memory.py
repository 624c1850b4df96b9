"""Peak memory of all processes of a run together, against the largest and worst pictures a web can hold.

    python benchmarks/memory.py [--workers 0 1 2 4 8] [--copies 3] [--only KIND ...]

A server of its own process gives every kind of picture that is just small enough to be decoded, and those that are too large: bombs,
endless bodies, a million frames. `archiver archive` takes them all in one run. Its processes are looked at every 15 ms and their
proportional set sizes (PSS: what they share counts once) added up. Linux only.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MB = 400
LOOK_S = 0.015


def scene(width: int, height: int, mode: str) -> Image.Image:
    """A picture with something to see, quickly made: a small noisy one enlarged."""
    small = np.random.default_rng(width * height).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST).convert(mode)


SAVED: dict[str, tuple[int, int, str, str, dict[str, object]]] = {
    # width, height, mode, format, options: each just below what is refused for its cost
    "png": (6400, 4400, "RGB", "PNG", {"compress_level": 1}),
    "png-wide": (30000, 300, "L", "PNG", {}),
    "jpeg-progressive": (8000, 5900, "RGB", "JPEG", {"quality": 60, "progressive": True}),
    "jpeg": (12000, 13800, "RGB", "JPEG", {"quality": 40}),
    "webp": (4000, 2900, "RGB", "WEBP", {"quality": 60, "method": 0}),
    "avif": (4000, 2900, "RGB", "AVIF", {"quality": 50, "speed": 10}),
    "bmp": (5000, 4000, "RGB", "BMP", {}),
    "tiff": (5000, 4200, "RGB", "TIFF", {}),
    "gif": (4000, 4000, "P", "GIF", {}),
    "jpeg2000": (2800, 2800, "RGB", "JPEG2000", {}),
}


def made(kind: str, number: int) -> bytes:
    """One payload; `number` makes copies differ."""
    if kind in SAVED:
        width, height, mode, name, options = SAVED[kind]
        out = io.BytesIO()
        scene(width, height + 8 * number, mode).save(out, name, **options)
        return out.getvalue()
    if kind == "gif-frames":
        return gif_of_frames(1_000_000 + number)
    if kind == "bomb-png":
        return png_of_nothing(30000, 30000 + number)
    if kind == "bomb-gzip":
        return gzip.compress(bytes([number]) + bytes(60 * 2**20))
    if kind == "bomb-gzip-large":
        return gzip.compress(bytes([number]) + bytes(500 * 2**20))
    return b""


def png_of_nothing(width: int, height: int) -> bytes:
    """All black: a few megabytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    packer = zlib.compressobj(9)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    rows = packer.compress(bytes(100 * (3 * width + 1))) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = start + rows * (height // 100) + b"\x03\x00"
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def gif_of_frames(count: int) -> bytes:
    """Every frame one pixel: 24 bytes each."""
    frame = b"\x21\xf9\x04\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
    return b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" + frame * count + b"\x3b"


TROUBLE = ("endless", "announced", "header-bomb", "drip")
KINDS = [*SAVED, "gif-frames", "bomb-png", "bomb-gzip", "bomb-gzip-large", *TROUBLE]


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    payloads: dict[str, Path] = {}  # noqa: RUF012 - filled before serving

    def do_GET(self) -> None:
        kind = self.path.strip("/").rpartition("-")[0]
        with suppress(OSError):
            if kind in TROUBLE:
                self.trouble(kind)
                return
            size = self.payloads[self.path].stat().st_size
            self.send_response(200)
            if kind.startswith("bomb-gzip"):
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", "image/x")
            self.send_header("Content-Length", str(size))
            self.end_headers()
            with self.payloads[self.path].open("rb") as file:
                self.connection.sendfile(file)

    def trouble(self, kind: str) -> None:
        self.close_connection = True
        starts = {"announced": b"Content-Length: 200000000\r\n\r\n", "header-bomb": b"", "endless": b"\r\n", "drip": b"\r\n"}
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + starts[kind])
        piece = b"X-Bomb: " + b"x" * 4000 + b"\r\n" if kind == "header-bomb" else b"x" * (1 if kind == "drip" else 65536)
        while True:
            self.wfile.write(piece)
            time.sleep(0.2 if kind == "drip" else 0)

    def log_message(self, *_: object) -> None:
        pass


class Threads(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def serve(folder: Path) -> None:
    Web.payloads = {f"/{path.name}": path for path in folder.iterdir()}
    with Threads(("127.0.0.1", 0), Web) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    os._exit(0)


def tree(root: int) -> Iterator[int]:
    """The process and all below it."""
    yield root
    with suppress(OSError):
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def pss_kib(pid: int) -> int:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def run(urls: list[str], workers: int, folder: Path) -> dict[str, object]:
    post = folder / "post.md"
    post.write_text("".join(f"![{n}]({url})\n\n" for n, url in enumerate(urls)))
    out = folder / f"out-{workers}"
    command = [sys.executable, "-m", "archiver", "archive", str(post), "-o", str(out), "-q", "--allow-address", "127.0.0.0/8"]
    command += ["--workers", str(workers), "--timeout", "45", "--retries", "0"]
    began = time.monotonic()
    peak: list[int] = [0]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            now = [pss_kib(pid) for pid in tree(process.pid)]
            peak = max(peak, now, key=sum)
            time.sleep(LOOK_S)
        said = process.stderr.read().decode() if process.stderr else ""
    if not (out / "report.json").exists():
        raise SystemExit(said)
    images = json.loads((out / "report.json").read_text())["images"]
    statuses: dict[str, Counter[str]] = {}
    for image in images:
        statuses.setdefault(image["url"].rpartition("/")[2].rpartition("-")[0], Counter())[image["status"]] += 1
    return {
        "workers": workers,
        "peak_mb": sum(peak) * 1024 // 10**6,
        "each_mb": [one * 1024 // 10**6 for one in peak],
        "wall_s": round(time.monotonic() - began, 1),
        "statuses": {kind: dict(found) for kind, found in statuses.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 4, 8])
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    with tempfile.TemporaryDirectory() as name:
        payloads = Path(name, "payloads")
        payloads.mkdir()
        paths = [f"{kind}-{number}" for number in range(options.copies) for kind in options.only]
        for path in paths:
            kind, _, number = path.rpartition("-")
            (payloads / path).write_bytes(made(kind, int(number)))
        server = subprocess.Popen([sys.executable, __file__, "--serve", str(payloads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            found = [run([f"http://127.0.0.1:{port}/{path}" for path in paths], count, Path(name)) for count in options.workers]
        finally:
            server.stdin.close()
            server.wait(10)
    print(json.dumps(found, indent=2))
    return 1 if any(row["peak_mb"] > LIMIT_MB for row in found) else 0  # type: ignore[operator]  # rows hold words too


if __name__ == "__main__":
    sys.exit(main())
