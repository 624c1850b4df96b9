"""What the network half is told of the whole post."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from archiver.capture.client import Client
from archiver.model import Captured, Missed, Outcome, Target
from archiver.pipeline.capturing import GARBAGE, Capture, collecting_seldom
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


def test_what_several_links_lead_to_is_fetched_once(tmp_path: Path) -> None:
    """Two redirect to it, one is it; and one way of two steps is walked by two."""
    table = {
        "/a": redirect("/there"),
        "/b": redirect("/there", "301 Moved"),
        "/c": redirect("/a"),
        "/there": response(b"picture"),
        "/gone": response(b"", "404 Not Found"),
        "/x": redirect("/gone"),
    }
    with serve(routes(table)) as web:
        outcomes = asyncio.run(_all([web.url(path) for path in ("/a", "/b", "/c", "/there", "/gone", "/x")], tmp_path))
    assert sorted(web.targets()) == sorted(table)
    captured = [outcome for outcome in outcomes if isinstance(outcome, Captured)]
    assert len(captured) == 4
    assert len({outcome.record for outcome in captured}) == 1
    assert [len(outcome.hops) for outcome in captured] == [2, 2, 3, 1]
    assert all(outcome.attempts == 1 for outcome in outcomes)
    missed = [outcome for outcome in outcomes if isinstance(outcome, Missed)]
    assert [outcome.detail for outcome in missed] == ["the server answered 404"] * 2


def test_a_log_in_in_one_link_is_not_shared_with_another(tmp_path: Path) -> None:
    with serve(routes({"/a": response(b"picture")})) as web:
        asyncio.run(_all([web.url("/a"), web.url("/a").replace("//", "//me:word@")], tmp_path))
    assert sorted("authorization" in request.headers for request in web.requests) == [False, True]


async def _all(urls: list[str], folder: Path) -> list[Outcome]:
    found: dict[str, Outcome] = {}
    ids = iter(range(10**6))
    writer = WarcWriter(folder, "p", WarcInfo("archiver", ""), now=lambda: datetime.now(UTC), new_id=lambda: str(next(ids)))
    try:
        with tempfile.TemporaryDirectory() as spool:
            async with Client(QUICK, on_event=lambda _: None, spool_dir=Path(spool), now=lambda: datetime.now(UTC)) as client:
                capture = Capture(client, writer)
                await capture.all([Target(url, ()) for url in urls], lambda outcome: found.__setitem__(outcome.target.url, outcome))
    finally:
        writer.close()
    return [found[url] for url in urls if url in found]


def test_the_collector_of_the_process_is_left_as_it_was() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(600, 7, 8)
        with collecting_seldom():
            assert gc.get_threshold() == (GARBAGE, 7, 8)
        assert gc.get_threshold() == (600, 7, 8)
        gc.set_threshold(0, 7, 8)
        with collecting_seldom():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
