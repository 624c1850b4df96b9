"""CPU seconds for writing, reading and verifying, against warcio in the same run; peak memory for a large file.

    python benchmarks/warc.py [--large-gb 2]

The payloads begin like JPEGs and do not compress, as pictures do.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archiver.model import Archived, Exchange
from archiver.warc import cdxj, reader
from archiver.warc.records import WarcInfo
from archiver.warc.verify import verify
from archiver.warc.writer import WarcWriter

COUNT = 40
SIZE_BYTES = 1_000_000
HEADERS = [("Content-Type", "image/jpeg"), ("Content-Length", str(SIZE_BYTES)), ("Server", "bench")]


def jpeg_like(seed: int) -> bytes:
    return b"\xff\xd8\xff\xe0" + random.Random(seed).randbytes(SIZE_BYTES - 4)


def raw_response(body: bytes) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in HEADERS), "", ""]).encode() + body


def write_ours(folder: Path, bodies: list[bytes]) -> Path:
    w = WarcWriter(folder, "bench", WarcInfo("bench"), now=lambda: datetime.now(UTC), new_id=lambda: f"urn:uuid:{uuid4()}")
    for number, body in enumerate(bodies):
        w.write_exchange(exchange(number, raw_response(body)))
    return folder / w.close()[0]


def exchange(number: int, raw: bytes) -> Exchange:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    url = f"https://bench.example/{number}.jpg"
    request = f"GET /{number}.jpg HTTP/1.1\r\nHost: bench.example\r\n\r\n".encode()
    return Exchange(url, at, "192.0.2.1", request, io.BytesIO(raw), 200, "", "http/1.1")


def write_warcio(folder: Path, bodies: list[bytes]) -> Path:
    path = folder / "warcio.warc.gz"
    with path.open("wb") as file:
        w = WARCWriter(file, gzip=True)
        for number, body in enumerate(bodies):
            head = StatusAndHeaders("200 OK", HEADERS, protocol="HTTP/1.1")
            url = f"https://bench.example/{number}.jpg"
            response = w.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=head)
            request = w.create_warc_record(
                url, "request", http_headers=StatusAndHeaders(f"GET /{number}.jpg HTTP/1.1", [("Host", "b")], is_http_request=True)
            )
            w.write_request_response_pair(request, response)
    return path


def check_warcio(path: Path) -> None:
    Checker(argparse.Namespace(inputs=[str(path)], verbose=False)).process_all()


def read_warcio(path: Path) -> None:
    with path.open("rb") as file:
        for record in ArchiveIterator(file):
            record.content_stream().read()


def read_ours(path: Path) -> None:
    with reader.PayloadReader() as payloads:
        for item in list(reader.responses([path])):
            assert isinstance(item, Archived)
            payloads.payload(path, item.payload_ref)


def cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


LARGE = """
import resource, sys
sys.path.insert(0, {root!r})
sys.path.insert(0, {here!r})
from pathlib import Path
import warc as bench
from archiver.warc import cdxj, reader
from archiver.warc.verify import verify
folder = Path({folder!r})
body = bench.jpeg_like(1)
def bodies():
    for n in range({count}):
        yield n.to_bytes(4, "big") + body[4:]
path = bench.write_ours(folder, bodies())
assert not list(verify(path))
assert len(cdxj.index([path])) == {count}
assert sum(1 for _ in reader.responses([path])) == {count}
print(path.stat().st_size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def large(gigabytes: float) -> dict[str, float]:
    """Writes, verifies, indexes and lists one large WARC in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(__file__).resolve().parent
        code = LARGE.format(root=str(here.parent), here=str(here), folder=folder, count=int(gigabytes * 1e9 / SIZE_BYTES))
        size, peak_kib = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    return {"size_mb": round(int(size) / 1e6), "peak_memory_mb": round(int(peak_kib) / 1024)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large-gb", type=float, default=0.0)
    large_gb = parser.parse_args().large_gb
    bodies = [jpeg_like(seed) for seed in range(COUNT)]
    mb = COUNT * SIZE_BYTES / 1e6
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, theirs = folder / "bench-00000.warc.gz", folder / "warcio.warc.gz"
        seconds = {
            "write ours": cpu_s(lambda: write_ours(folder, bodies)),
            "write warcio": cpu_s(lambda: write_warcio(folder, bodies)),
            "verify ours": cpu_s(lambda: list(verify(ours))),
            "check warcio": cpu_s(lambda: check_warcio(ours)),
            "read ours": cpu_s(lambda: read_ours(ours)),
            "read warcio": cpu_s(lambda: read_warcio(ours)),
            "index ours": cpu_s(lambda: cdxj.index([ours])),
        }
        result = {
            "payload_mb": mb,
            "mb_per_cpu_s": {what: round(mb / value) for what, value in seconds.items()},
            "write_ratio": round(seconds["write warcio"] / seconds["write ours"], 1),
            "verify_ratio": round(seconds["check warcio"] / seconds["verify ours"], 1),
            "size_ratio": round(ours.stat().st_size / theirs.stat().st_size, 4),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    if large_gb:
        result["large"] = large(large_gb)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
