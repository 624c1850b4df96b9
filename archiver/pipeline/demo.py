"""The demonstration: the fixture web on loopback, and the ordinary run against it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import InputError
from archiver.model import FetchSettings
from archiver.pipeline.archive import archive
from archiver.pipeline.means import Means, OnEvent
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@dataclass(frozen=True, slots=True)
class Web:
    """Where the small web listens."""

    connect_to: tuple[str, ...]
    ca_file: str


def demo(where: Path, on_event: OnEvent) -> Run:
    """Archive the sample post. Raises InputError outside a checkout: the pictures are not part of the installed package."""
    post = FIXTURES / "posts" / "chair-exercises.md"
    if not post.is_file():
        raise InputError("the demonstration needs the project's checkout, with its folder fixtures/")
    with serve() as web:
        fetch = FetchSettings(
            connect_to=web.connect_to, ca_file=web.ca_file, allow_addresses=("127.0.0.0/8",), backoff_base_s=0.1, total_timeout_s=20.0
        )
        return archive(str(post), where, Settings(fetch=fetch, operator="archiver demo"), Means(on_event))


@contextmanager
def serve() -> Iterator[Web]:
    """The fixture web for the time of a `with` block."""
    command = [sys.executable, str(FIXTURES / "web" / "serve.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line:
                raise InputError("the small web of the demonstration did not start")
            told = json.loads(line)
            yield Web(tuple(told["connect_to"]), told["ca_file"])
        finally:
            server.terminate()
