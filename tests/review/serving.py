"""The review's server on a folder, for the time of a `with` block, in a thread of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archiver.review.desk import Desk
from archiver.review.server import Server

TOKEN = "t0ken-t0ken-t0ken-t0ken"


@dataclass(frozen=True)
class Served:
    """Where a review is served."""

    url: str
    folder: Path

    @property
    def origin(self) -> str:
        return f"http://{urlsplit(self.url).netloc}"

    @property
    def root(self) -> str:
        return urlsplit(self.url).path.rstrip("/")

    def ask(self, method: str, path: str, *, host: str = "", headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        """One request as a program may send it; `path` as it goes over the wire."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or urlsplit(self.url).netloc)
            for name, value in {**({"Content-Length": str(len(body))} if body else {}), **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", f"{self.root}/{path}")

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """As the page itself asks."""
        return self.ask(
            "POST",
            f"{self.root}/{path}",
            headers={"Origin": self.origin, "Content-Type": "application/json", **headers},
            body=json.dumps(body).encode(),
        )


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def served(folder: Path, token: str = TOKEN) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(task: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(task, loop).result(30)

    async def made(desk: Desk) -> Server:
        return Server(desk, token)

    with Desk(folder) as desk:
        server = run(made(desk))
        runner = run(server.start(0))
        try:
            yield Served(server.url, folder)
        finally:
            run(runner.cleanup())
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()
