"""Runs the client against servers and keeps what it recorded."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import os
import tempfile
import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from archiver.capture.client import Client
from archiver.capture.framing import Framer, decoded_body
from archiver.model import Event, Exchange, FetchSettings, Outcome, RecordRef, Stored, Target
from tests.servers import ca_pem

LOOPBACK = ("127.0.0.0/8", "::1/128")
QUICK = FetchSettings(
    allow_addresses=LOOPBACK,
    backoff_base_s=0.01,
    backoff_cap_s=0.05,
    retry_after_cap_s=0.2,
    connect_timeout_s=20.0,
    read_timeout_s=20.0,
    total_timeout_s=60.0,
)


def target(url: str) -> Target:
    return Target(url, ())


@dataclass
class Kept:
    """One recorded exchange, its response read out."""

    exchange: Exchange
    response: bytes

    @property
    def body(self) -> bytes:
        return decoded_body(self.response)


@dataclass
class Book:
    """Stands where the archive stands: takes exchanges, gives them a place and the hash of their payload."""

    kept: list[Kept] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    took_s: float = 0.0

    async def record(self, exchange: Exchange) -> Stored:
        raw = exchange.response.read()
        assert exchange.response.seek(0) == 0
        self.kept.append(Kept(exchange, raw))
        payload = _payload(raw)
        ref = RecordRef("book.warc.gz", len(self.kept), len(raw), f"urn:uuid:{len(self.kept)}")
        return Stored(ref, hashlib.sha256(payload).hexdigest() if payload else "", len(payload), ref, revisit=False)

    def of(self, path: str) -> list[Kept]:
        return [kept for kept in self.kept if kept.exchange.url.endswith(path)]


def _payload(raw: bytes) -> bytes:
    framer = Framer()
    framer.feed(raw)
    body = decoded_body(raw)
    if framer.head and framer.head.get("content-encoding") == "gzip":
        try:
            return gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return body
    return body


def with_ca(tmp_path: Path, settings: FetchSettings = QUICK) -> FetchSettings:
    file = tmp_path / "ca.pem"
    file.write_bytes(ca_pem())
    return replace(settings, ca_file=str(file))


def fetch_all(
    urls: list[str], settings: FetchSettings = QUICK, book: Book | None = None, ports: Collection[int] = ()
) -> tuple[list[Outcome], Book]:
    """All at once, as the pipeline does. `ports`: what the post names beside those of the targets themselves."""
    book = book or Book()

    async def run() -> list[Outcome]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        with tempfile.TemporaryDirectory() as folder:
            async with Client(
                settings,
                on_event=book.events.append,
                spool_dir=Path(folder),
                now=lambda: datetime.now(UTC),
                chance=lambda: 0.5,
            ) as client:
                began = time.monotonic()
                outcomes = await asyncio.gather(*(client.fetch(target(url), record=book.record, ports=ports) for url in urls))
                book.took_s = time.monotonic() - began
                assert os.listdir(folder) == []  # noqa: PTH208 - a list, at once
                return list(outcomes)

    troubles: list[object] = []
    outcomes = asyncio.run(run())
    if len(urls) > 1:
        gc.collect()  # a forgotten exception is reported when its future is collected
    assert troubles == []
    return outcomes, book


def fetch(url: str, settings: FetchSettings = QUICK, ports: Collection[int] = ()) -> tuple[Outcome, Book]:
    outcomes, book = fetch_all([url], settings, ports=ports)
    return outcomes[0], book
