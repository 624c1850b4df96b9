"""Several posts at a time: they do overlap, and every host still meets one visitor. On real sockets."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.errors import UsageError
from archiver.model import Archived, Event, FetchSettings
from archiver.pipeline import many
from archiver.pipeline.settings import Settings
from archiver.warc import reader
from tests.servers import Connection, Request, response, routes, serve, then_hang
from tests.small_pictures import scene

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = FetchSettings(allow_addresses=("127.0.0.0/8",), retries=0)
SVG = response(b"<svg xmlns='http://www.w3.org/2000/svg'/>", headers=[("Content-Type", "image/svg+xml")])
"""An answer that costs no decoding."""


def posts(folder: Path, address: Callable[[str], str], count: int, pictures: int) -> list[str]:
    """Posts `p0.md`, `p1.md`, ... that link `/p0/0`, `/p0/1`, ... at an address."""
    written = []
    for number in range(count):
        path = folder / f"p{number}.md"
        path.write_text("\n\n".join(f"![]({address(f'/p{number}/{picture}')})" for picture in range(pictures)))
        written.append(str(path))
    return written


def captured(folder: Path) -> set[str]:
    """The addresses of the answers in the WARCs of a folder, all of them read to the end."""
    assert not list(folder.glob("*.open"))
    found = set()
    for path in folder.glob("*.warc.gz"):
        with path.open("rb") as file:
            for record in ArchiveIterator(file):
                record.content_stream().read()
                if record.rec_type in ("response", "revisit"):
                    found.add(record.rec_headers.get_header("WARC-Target-URI"))
    return found


def answered(folder: Path) -> bool:
    """Whether the archive that is being written there holds an answer."""
    rows = [row for path in folder.glob("*.open") for row in reader.responses([path])]
    return any(isinstance(row, Archived) and row.kind != "resource" for row in rows)


def test_posts_wait_for_each_other_neither_in_fetching_nor_in_their_archives(tmp_path: Path) -> None:
    """Each post's first picture is answered only when all posts have asked for theirs."""
    met = threading.Barrier(3)

    def handler(connection: Connection, request: Request) -> None:
        if request.target.endswith("/0"):
            met.wait(30)
        connection.send(SVG)

    with serve(handler) as web:
        named = posts(tmp_path, web.url, 3, 4)
        runs = many.archive(named, tmp_path / "out", Settings(fetch=LOOPBACK), lambda _: None, jobs=3)
        assert not met.broken
        assert [run.source for run in runs] == named
        for number, run in enumerate(runs):
            assert run.error is None
            assert captured(run.folder) == {web.url(f"/p{number}/{picture}") for picture in range(4)}


@pytest.mark.parametrize(("per_host", "concurrency"), [(2, 24), (24, 3)], ids=["per host", "in all"])
def test_the_limits_hold_over_all_posts_together(per_host: int, concurrency: int, tmp_path: Path) -> None:
    most = min(per_host, concurrency)
    full = threading.Barrier(most)

    def handler(connection: Connection, request: Request) -> None:
        if request.target.endswith(("/0", "/1")):
            full.wait(30)  # as many at a time as the limit allows, and then
            time.sleep(0.02)  # time for more than that to come
        connection.send(SVG)

    with serve(handler) as web:
        fetch = replace(LOOPBACK, per_host=per_host, concurrency=concurrency)
        runs = many.archive(posts(tmp_path, web.url, 6, 4), tmp_path / "out", Settings(fetch=fetch), lambda _: None, jobs=6)
    assert [run.error for run in runs] == [None] * 6
    assert len(web.requests) == 24
    assert web.peak_busy == web.peak_connections == most
    assert web.connections == most, "connections are used again across posts"


def test_one_job_is_one_post_at_a_time(tmp_path: Path) -> None:
    events: list[Event] = []
    with serve(lambda connection, request: connection.send(SVG)) as web:
        many.archive(posts(tmp_path, web.url, 3, 3), tmp_path / "out", Settings(fetch=LOOPBACK), events.append)
        asked = [target.split("/")[1] for target in web.targets()]
    assert asked == sorted(asked)
    totals = [event.fields["total"] for event in events if event.detail == "Fetching"]
    assert totals == [3, 6, 9], "what is to be fetched adds up over the posts"


def test_a_post_that_fails_costs_no_other_its_archive(tmp_path: Path) -> None:
    (tmp_path / "words.md").write_text("no pictures")
    with serve(routes({"/p0/0": SVG, "/p1/0": SVG, "/page": response(b"gone", "410 Gone")})) as web:
        named = [*posts(tmp_path, web.url, 2, 1), str(tmp_path / "words.md"), web.url("/page"), str(tmp_path / "none.md")]
        runs = many.archive(named, tmp_path / "out", Settings(fetch=LOOPBACK), lambda _: None, jobs=5)
    assert [bool(run.error) for run in runs] == [False, False, True, True, True]
    assert (tmp_path / "out" / "overview.json").is_file()


def test_what_no_client_can_use_ends_the_run_before_anything_is_fetched(tmp_path: Path) -> None:
    settings = Settings(fetch=replace(LOOPBACK, allow_addresses=("10.0.0.0/99",)))
    with serve(routes({})) as web:
        named = posts(tmp_path, web.url, 2, 1)
        with pytest.raises(UsageError, match=r"10\.0\.0\.0/99"):
            many.archive(named, tmp_path / "out", settings, lambda _: None, jobs=2)
    assert not web.requests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_every_archive_readable(number: signal.Signals, tmp_path: Path) -> None:
    table = {f"/p{post}/{picture}": SVG if picture < 3 else then_hang() for post in range(3) for picture in range(5)}
    with serve(routes(table)) as web:
        named = posts(tmp_path, web.url, 4, 5)
        options = ["-o", "out", "--jobs", "3", "--per-host", "8", "--allow-address", "127.0.0.0/8", "-q"]
        command = [sys.executable, "-m", "archiver", "archive", *named, *options]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as run:
            deadline = time.monotonic() + 60
            while len(web.requests) < 14 and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            # The last of these may still be on their way to the archive of their post.
            while (
                not all(answered(tmp_path / "out" / f"p{post}") for post in range(3)) and run.poll() is None and time.monotonic() < deadline
            ):
                time.sleep(0.01)
            run.send_signal(number)
            assert run.stderr is not None
            said = run.stderr.read().decode()
            assert (run.wait(timeout=60), said.strip()) == (
                130,
                "interrupted: what was fetched is kept; the same command again goes on from there",
            )
        kept = [captured(tmp_path / "out" / f"p{post}") for post in range(3)]
    assert all(kept), "what had come stays"
    assert not (tmp_path / "out" / "p3").exists()
    assert not list(tmp_path.glob("out/*/report.json"))


def children() -> set[str]:
    """Process numbers of the workers that this process has."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                if b"archiver.pipeline.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.add(child)
    return found


def test_posts_share_their_worker_processes(tmp_path: Path) -> None:
    met, seen = threading.Barrier(6), set[int]()

    def handler(connection: Connection, request: Request) -> None:
        met.wait(30)
        drawn = io.BytesIO()
        scene(int(request.target[2]), 60, 40).save(drawn, "PNG")
        connection.send(response(drawn.getvalue()))

    def on_event(event: Event) -> None:
        if event.name == "measured":
            seen.add(len(children()))

    with serve(handler) as web:
        settings = Settings(fetch=replace(LOOPBACK, per_host=6), workers=2)
        runs = many.archive(posts(tmp_path, web.url, 6, 1), tmp_path / "out", settings, on_event, jobs=6)
    assert [run.report.images[0].status for run in runs if run.report] == ["ok"] * 6
    assert 0 < max(seen) <= 2
