"""CPU and memory of the downloader, beside `curl --parallel` on the same list.

    python benchmarks/capture.py [--targets 5000] [--hosts 500]

A server of its own process answers on 127.0.0.0/8 with pictures of 60 kB. What goes wrong in the web is played by `load.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from archiver.capture.client import Client  # noqa: E402  (after the path it is found on)
from archiver.model import Captured, Exchange, FetchSettings, RecordRef, Stored, Target  # noqa: E402  (after the path it is found on)
from archiver.pipeline.capturing import collecting_seldom  # noqa: E402  (after the path it is found on)

BODY = b"\xff\xd8" + bytes(range(256)) * 235
PICTURE = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(PICTURE)
            await writer.drain()
    writer.close()


async def serve() -> None:
    server = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


async def record(exchange: Exchange) -> Stored:
    size = len(exchange.response.read())
    ref = RecordRef("-", 0, size, "urn:uuid:0")
    return Stored(ref, "0", size, ref, revisit=False)


async def fetch_all(urls: list[str], settings: FetchSettings, folder: Path) -> Counter[str]:
    client = Client(settings, on_event=lambda _: None, spool_dir=folder, now=lambda: datetime.now(UTC))
    async with client:
        outcomes = await asyncio.gather(*(client.fetch(Target(url, ()), record=record) for url in urls))
    return Counter("ok" if isinstance(outcome, Captured) else str(outcome.reason) for outcome in outcomes)


def curl_cpu_s(urls: list[str], folder: Path) -> float:
    config = folder / "urls"
    config.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["curl", "--silent", "--parallel", "--parallel-max", "24", "--config", str(config)], check=True, stderr=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=5000)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    port = int(server.stdout.readline())
    hosts = [f"127.0.{1 + i % options.hosts // 250}.{1 + i % options.hosts % 250}" for i in range(options.targets)]
    urls = [f"http://{host}:{port}/{i}" for i, host in enumerate(hosts)]
    settings = FetchSettings(allow_addresses=("127.0.0.0/8",))
    try:
        with tempfile.TemporaryDirectory() as folder:
            rss_kib, cpu_s, wall_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time(), time.monotonic()
            with collecting_seldom():
                counts = asyncio.run(fetch_all(urls, settings, Path(folder)))
            found = {
                "outcomes": dict(counts),
                "cpu_ms_per_target": round((time.process_time() - cpu_s) * 1000 / len(urls), 3),
                "wall_s": round(time.monotonic() - wall_s, 1),
                "grown_by_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rss_kib) // 1024,
            }
            if shutil.which("curl"):
                found["curl_cpu_ms_per_target"] = round(curl_cpu_s(urls, Path(folder)) * 1000 / len(urls), 3)
    finally:
        server.stdin.close()
        server.wait(10)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
