"""The Python interface: its examples run, and it gives what the command line gives."""

from __future__ import annotations

import ast
import asyncio
import base64
import doctest
import http.server
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import archiver
from archiver import api, model
from archiver.errors import InputError, UsageError
from archiver.model import Event
from tests.small_pictures import scene


def test_the_examples_in_the_docstrings_run() -> None:
    for module in (api, model):
        tried = doctest.testmod(module)
        assert tried.attempted
        assert not tried.failed


def test_the_example_in_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    assert example
    pictures = [io.BytesIO(), io.BytesIO()]
    for picture, optimize in zip(pictures, (False, True), strict=True):
        scene(1).save(picture, "PNG", optimize=optimize)
    lines = [f"![](data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()})" for picture in pictures]
    (tmp_path / "post.md").write_text("\n\n".join(lines))
    monkeypatch.chdir(tmp_path)
    exec(example[1], {})
    read, archived, judged = map(ast.literal_eval, capsys.readouterr().out.splitlines())
    assert read == ["https://example.org/blog/chair.jpg"]
    assert [(status, cluster) for status, _, cluster in archived] == [("ok", "c1"), ("ok", "c1")]
    assert [len(members) for members in judged] == [2]


def test_dedup_answers_with_the_report_that_it_writes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    scene(1).save(tmp_path / "in" / "a.png")
    scene(1).save(tmp_path / "in" / "b.png", optimize=True)
    scene(2).save(tmp_path / "in" / "c.png")
    for report in (
        archiver.dedup([tmp_path / "in"], tmp_path / "out"),
        asyncio.run(archiver.dedup_async([tmp_path / "in"], tmp_path / "out")),
    ):
        assert [(image.target.url, image.cluster) for image in report.images] == [("a.png", "c1"), ("b.png", "c1"), ("c.png", "")]
    assert (tmp_path / "out" / "report.html").is_file()


def test_what_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        archiver.archive(str(tmp_path / "none.md"), tmp_path / "out")


class Handler(http.server.BaseHTTPRequestHandler):
    """Pictures by number; one of them waits until it is let go."""

    let_go = threading.Event()

    def do_GET(self) -> None:
        if "slow" in self.path:
            self.let_go.wait(20)
        out = io.BytesIO()
        scene(len(self.path)).save(out, "PNG")
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(out.tell()))
        self.end_headers()
        self.wfile.write(out.getvalue())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    Handler.let_go.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Handler.let_go.set()
    server.shutdown()
    server.server_close()


LOOPBACK = archiver.FetchSettings(allow_addresses=("127.0.0.0/8",))


def test_settings_reach_the_run(site: str, tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    scene(9).save(tmp_path / "beside.png")
    post.write_text(f"![](beside.png)\n![]({site}/a)\n<img srcset='{site}/ab 1x, {site}/abc 2x'>")
    settings = archiver.Settings(fetch=LOOPBACK, local_images=True, srcset="all", wacz=False, operator="me")
    report = archiver.archive(str(post), tmp_path / "out", settings=settings)
    assert [(image.target.url.rpartition("/")[2], image.status) for image in report.images] == [
        ("beside.png", "ok"),
        ("a", "ok"),
        ("ab", "ok"),
        ("abc", "ok"),
    ]
    assert not list((tmp_path / "out").glob("*.wacz"))
    assert report.settings["operator"] == "me"


def test_several_posts_in_one_call(site: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.md").write_text(f"![]({site}/{name})")
    posts = [str(tmp_path / name) for name in ("one.md", "none.md", "two.md")]
    runs = archiver.archive_many(posts, tmp_path / "out", settings=archiver.Settings(fetch=LOOPBACK), jobs=2)
    assert [(run.folder.name, run.report is not None, run.error is None) for run in runs] == [
        ("one", True, True),
        ("none", False, False),
        ("two", True, True),
    ]
    assert (tmp_path / "out" / "overview.html").is_file()


def test_a_misspelt_word_is_an_error_of_ours() -> None:
    with pytest.raises(UsageError, match="strictness is one of lax, normal, strict"):
        archiver.Settings(strictness="sure")


def test_a_cancelled_run_ends_whole_and_the_next_one_goes_on(site: str, tmp_path: Path) -> None:
    post, folder = tmp_path / "post.md", tmp_path / "out"
    post.write_text(f"![]({site}/a)\n![]({site}/slow)\n")
    settings = archiver.Settings(fetch=LOOPBACK)
    seen = threading.Event()

    def watch(event: Event) -> None:
        if event.name == "captured":
            seen.set()

    async def cancelled() -> None:
        run = asyncio.create_task(archiver.archive_async(str(post), folder, settings=settings, on_event=watch))
        assert await asyncio.to_thread(seen.wait, 20)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(cancelled())
    assert [path.suffixes for path in folder.glob("*.warc*")] == [[".warc", ".gz"]]
    assert not (folder / "report.json").exists()
    Handler.let_go.set()
    told: list[Event] = []
    report = archiver.archive(str(post), folder, settings=settings, on_event=told.append)
    assert [image.status for image in report.images] == ["ok", "ok"]
    assert [event.url for event in told if event.name == "fetch"] == [f"{site}/slow"]


def test_a_run_that_is_being_judged_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(12):
        scene(number).save(tmp_path / "in" / f"{number}.png")
    begun = threading.Event()

    async def cancelled() -> None:
        run = asyncio.create_task(archiver.dedup_async([tmp_path / "in"], tmp_path / "out", on_event=lambda _: begun.set()))
        assert await asyncio.to_thread(begun.wait, 20)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(cancelled())
    assert not (tmp_path / "out" / "report.json").exists()
    assert len(archiver.dedup([tmp_path / "in"], tmp_path / "out").images) == 12
