"""What the network half is told of the whole post."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from archiver.capture.client import Client
from archiver.model import Captured, Outcome, Target
from archiver.pipeline.capturing import Capture
from archiver.warc.records import WarcInfo
from archiver.warc.writer import WarcWriter
from tests.capture.harness import QUICK
from tests.servers import redirect, response, routes, serve


def test_redirects_may_open_the_ports_of_all_the_post_links_and_no_other(tmp_path: Path) -> None:
    """Also those of links that need not be fetched any more."""
    with serve(routes({"/b": response(b"picture")})) as other, serve(routes({"/a": redirect(other.url("/b"))})) as web:
        target = Target(web.url("/a"), ())
        alone = asyncio.run(_one(target, (target,), tmp_path / "1"))
        among = asyncio.run(_one(target, (target, Target(other.url("/x"), ())), tmp_path / "2"))
    assert isinstance(among, Captured)
    assert not isinstance(alone, Captured)
    assert f"port {other.port}" in alone.detail


async def _one(target: Target, named: tuple[Target, ...], folder: Path) -> Outcome:
    ids = iter(range(10**6))
    writer = WarcWriter(folder, "p", WarcInfo("archiver", ""), now=lambda: datetime.now(UTC), new_id=lambda: str(next(ids)))
    try:
        with tempfile.TemporaryDirectory() as spool:
            async with Client(QUICK, on_event=lambda _: None, spool_dir=Path(spool), now=lambda: datetime.now(UTC)) as client:
                capture = Capture(client, writer)
                capture.named(named)
                return await capture.one(target)
    finally:
        writer.close()
