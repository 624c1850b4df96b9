"""What an exchange held is let go of when it ends, not when the garbage collector comes by: it may hold a quarter of a megabyte."""

from __future__ import annotations

import asyncio
import gc
import ssl
import tempfile
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.capture.client import Client
from archiver.capture.tape import Tape
from tests.capture.harness import Book, target, with_ca
from tests.servers import Handler, certificate, response, self_signed, serve, then_close

HOSTS = [f"127.0.0.{n}" for n in range(2, 22)]
OK: Handler = lambda c, r: c.send(response(b"picture"))  # noqa: E731 - one of many
CASES: dict[str, tuple[Callable[[], ssl.SSLContext | None], Handler]] = {
    "kept alive": (lambda: None, OK),
    "cut short": (lambda: None, then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc")),
    "endless head": (lambda: None, then_close(b"HTTP/1.1 200 OK\r\n" + b"X-Bomb: yes and again\r\n" * 20_000)),
    "refused certificate": (self_signed, OK),
    "tls": (lambda: certificate(*HOSTS), OK),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_an_exchange_waits_for_the_garbage_collector(case: str, tmp_path: Path) -> None:
    tls, handler = CASES[case]
    settings = replace(with_ca(tmp_path), retries=0, concurrency=2, host_failures_max=0)

    async def run(urls: list[str]) -> list[int]:
        with tempfile.TemporaryDirectory() as folder:
            client = Client(settings, on_event=lambda _: None, spool_dir=Path(folder), now=lambda: datetime.now(UTC))
            async with client:
                gc.collect()
                gc.disable()
                try:
                    await asyncio.gather(*(client.fetch(target(url), record=Book().record) for url in urls))
                    held = gc.get_objects()
                finally:
                    gc.enable()
                return [sum(type(one) is kind for one in held) for kind in (Tape, SSLProtocol)]

    before = [sum(type(one) is kind for one in gc.get_objects()) for kind in (Tape, SSLProtocol)]
    with serve(handler, host="0.0.0.0", tls=tls()) as web:
        tapes, tunnels = asyncio.run(run([f"{web.scheme}://{host}:{web.port}/" for host in HOSTS]))
    assert tapes - before[0] == 0
    assert tunnels - before[1] <= 2  # those that are open
