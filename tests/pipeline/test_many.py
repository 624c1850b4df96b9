"""Several posts, feeds, pictures that a post carries, likely originals: on real sockets."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.errors import NothingFetched
from archiver.model import Event, FetchSettings
from archiver.pipeline import many
from archiver.pipeline.archive import archive
from archiver.pipeline.means import Means
from archiver.pipeline.planned import simulate
from archiver.pipeline.rejudge import report as judge_again
from archiver.pipeline.retry import retry
from archiver.pipeline.settings import Settings
from tests.small_pictures import scene


def jpeg(seed: int, size: tuple[int, int] = (480, 360), quality: int = 85) -> bytes:
    out = io.BytesIO()
    scene(seed).resize(size).save(out, "JPEG", quality=quality)
    return out.getvalue()


PAGES: dict[str, tuple[str, bytes]] = {
    "/a.jpg": ("image/jpeg", jpeg(1)),
    "/a-again.jpg": ("image/jpeg", jpeg(1, quality=60)),
    "/b.jpg": ("image/jpeg", jpeg(2)),
    "/photo-300x225.jpg": ("image/jpeg", jpeg(3, (300, 225))),
    "/photo.jpg": ("image/jpeg", jpeg(3)),
    "/other-300x225.jpg": ("image/jpeg", jpeg(4, (300, 225))),
    "/other.jpg": ("image/jpeg", jpeg(5)),
    "/page": ("text/html", b"<title>Page</title><p>words, no picture</p>"),
    "/view?id=1": ("image/jpeg", jpeg(6)),
    "/post/1": ("text/html", b'<title>One</title><img src="/a.jpg" alt="first">'),
    "/post/2": ("text/html", b'<title>Two</title><img src="/a-again.jpg"><img src="/b.jpg">'),
    "/feed.xml": (
        "application/rss+xml",
        b"<rss version='2.0'><channel><item><link>/post/1</link></item><item><link>/post/2</link></item><item><link>/none</link></item>"
        b"</channel></rss>",
    ),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, body = PAGES.get(self.path, ("text/plain", b""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with contextlib.closing(server.socket):
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def settings(**more: object) -> Settings:
    return Settings(fetch=FetchSettings(allow_addresses=("127.0.0.0/8",), retries=0), **more)  # type: ignore[arg-type]  # keywords of the dataclass


def quiet() -> Means:
    return Means(lambda _: None)


def test_a_feed_stands_for_its_posts_and_the_overview_finds_what_they_share(site: str, tmp_path: Path) -> None:
    runs = many.archive([f"{site}/feed.xml"], tmp_path, settings(), lambda _: None)
    assert [bool(run.error) for run in runs] == [False, False, True], "the failure of one post does not stop the others"
    overview = json.loads((tmp_path / "overview.json").read_text())
    assert len(overview["posts"]) == 3
    assert (tmp_path / "overview.html").is_file()
    shared = json.dumps(overview)
    assert "/a.jpg" in shared
    assert "/a-again.jpg" in shared


def test_the_limit_bounds_a_feed(site: str, tmp_path: Path) -> None:
    runs = many.archive([f"{site}/feed.xml"], tmp_path, settings(), lambda _: None, limit=1)
    assert [run.source for run in runs] == [f"{site}/post/1"]


def test_a_page_on_the_web_is_archived_as_it_was_answered(site: str, tmp_path: Path) -> None:
    run = archive(f"{site}/post/2", tmp_path / "two", settings(), quiet())
    assert run.report is not None
    assert [image.target.url for image in run.report.images] == [f"{site}/a-again.jpg", f"{site}/b.jpg"]
    assert run.report.post is not None
    assert run.report.post.title == "Two"
    again = judge_again(tmp_path / "two", settings(), quiet())
    assert again.report is not None
    assert [image.payload for image in again.report.images] == [image.payload for image in run.report.images]


def test_what_a_post_carries_or_has_beside_it_is_archived(site: str, tmp_path: Path) -> None:
    (tmp_path / "beside.jpg").write_bytes(jpeg(7))
    (tmp_path / "secret").mkdir()
    carried = base64.b64encode(jpeg(8)).decode()
    post = tmp_path / "post.md"
    post.write_text(f"![](beside.jpg)\n\n![]({site}/a.jpg)\n\n![](data:image/jpeg;base64,{carried})\n\n![](ftp://a.example/x.jpg)\n")
    run = archive(str(post), tmp_path / "out", settings(local_images=True), quiet())
    assert run.report is not None
    assert [image.status for image in run.report.images] == ["ok", "ok", "ok", "unsupported"]
    again = judge_again(tmp_path / "out", settings(), quiet())
    assert again.report is not None
    assert [(image.status, image.payload) for image in again.report.images] == [
        (image.status, image.payload) for image in run.report.images
    ]


@pytest.mark.parametrize("source", ["blog/post.md", "link/post.md", "{}/blog/post.md"])
def test_file_addresses_reach_below_the_folder_of_the_post_only(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blog = tmp_path / "blog"
    (blog / "my pics").mkdir(parents=True)
    (tmp_path / "link").symlink_to(blog)
    (blog / "my pics" / "a.jpg").write_bytes(jpeg(7))
    (tmp_path / "secret.jpg").write_bytes(jpeg(8))
    (blog / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    named = [blog / "my%20pics" / "a.jpg", blog / "out.jpg", tmp_path / "secret.jpg", blog / ".." / "secret.jpg"]
    (blog / "post.md").write_text("\n".join(f"![](file://{path})" for path in named))
    monkeypatch.chdir(tmp_path)
    run = archive(source.format(tmp_path), tmp_path / "out", settings(local_images=True), quiet())
    assert run.report is not None
    assert [image.status for image in run.report.images] == ["ok", "blocked", "unsupported", "unsupported"]


def test_a_link_around_a_picture_counts_when_it_leads_to_one(site: str, tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    post.write_text(f"[![]({site}/a.jpg)]({site}/view?id=1)\n[![]({site}/b.jpg)]({site}/page)\n")
    run = archive(str(post), tmp_path / "out", settings(), quiet())
    assert run.report is not None
    assert [image.target.url for image in run.report.images] == [f"{site}/a.jpg", f"{site}/view?id=1", f"{site}/b.jpg"]


def test_a_simulated_run_asks_for_pages_and_lists_only(site: str, tmp_path: Path) -> None:
    plans = list(simulate([f"{site}/feed.xml", f"{site}/none.xml"], settings(), quiet(), limit=2))
    assert [(plan.source, [link.url for link in plan.links]) for plan in plans] == [
        (f"{site}/post/1", [f"{site}/a.jpg"]),
        (f"{site}/post/2", [f"{site}/a-again.jpg", f"{site}/b.jpg"]),
        (f"{site}/none.xml", []),
    ]
    assert [plan.error is None for plan in plans] == [True, True, False]
    assert not list(tmp_path.iterdir())


def test_a_likely_original_counts_only_when_it_is_the_same_picture_and_larger(site: str, tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    post.write_text(f"![]({site}/photo-300x225.jpg)\n![]({site}/other-300x225.jpg)\n")
    run = archive(str(post), tmp_path / "out", settings(originals=True), quiet())
    assert run.report is not None
    assert [(image.target.url, image.keeper) for image in run.report.images] == [
        (f"{site}/photo-300x225.jpg", False),
        (f"{site}/photo.jpg", True),
        (f"{site}/other-300x225.jpg", False),
    ]


def test_a_second_capture_says_what_changed_and_later_runs_remember(site: str, tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    post.write_text(f"![]({site}/same.jpg) ![]({site}/packed.jpg) ![]({site}/other.jpg) ![]({site}/gone.jpg) ![]({site}/new.jpg)\n")
    first = {"/same.jpg": jpeg(11), "/packed.jpg": jpeg(12), "/other.jpg": jpeg(13), "/gone.jpg": jpeg(14)}
    second = {"/same.jpg": jpeg(11), "/packed.jpg": jpeg(12, quality=50), "/other.jpg": jpeg(15), "/new.jpg": jpeg(16)}
    kept = dict(PAGES)
    try:
        for served in (first, second):
            for path in ("/gone.jpg", "/new.jpg"):
                PAGES.pop(path, None)
            PAGES.update({path: ("image/jpeg", body) for path, body in served.items()})
            archive(str(post), tmp_path / "out", settings(), quiet())
        changes = ["unchanged", "different-bytes", "different-picture", "gone", "new"]
        assert changes_in(tmp_path / "out") == changes
        judge_again(tmp_path / "out", settings(), quiet())
        assert changes_in(tmp_path / "out") == changes
        retry(tmp_path / "out", settings(), quiet())
        assert changes_in(tmp_path / "out") == changes
    finally:
        PAGES.clear()
        PAGES.update(kept)


def changes_in(folder: Path) -> list[str]:
    return [image["change"] for image in json.loads((folder / "report.json").read_text())["images"]]


def test_a_login_in_an_address_is_kept_nowhere(site: str, tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    secret = site.replace("http://", "http://me:pssst@")
    others = "![](http://me:pssst@dead.invalid/x.jpg) ![](http://me:pssst@[bad/x.png) ![](ftp://me:pssst@old.invalid/x.png)"
    post.write_text(f"![]({secret}/a.jpg) ![]({secret}/none.jpg) {others}\n")
    events: list[Event] = []
    run = archive(str(post), tmp_path / "out", settings(), Means(events.append))
    assert run.report is not None
    assert [image.status for image in run.report.images][:3] == ["ok", "http_error", "dns_error"]
    assert "pssst" not in str(events)
    assert "pssst" not in str(run.report)
    for path in (tmp_path / "out").rglob("*"):
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = b"".join(
                record.raw_stream.read() + str(record.rec_headers.headers).encode()
                for record in ArchiveIterator(io.BytesIO(data), no_record_parse=True)
            )
        assert b"pssst" not in data, path.name


def test_a_page_that_is_not_there_ends_the_run(site: str, tmp_path: Path) -> None:
    with pytest.raises(NothingFetched, match="404"):
        archive(f"{site}/none", tmp_path / "out", settings(), quiet())
