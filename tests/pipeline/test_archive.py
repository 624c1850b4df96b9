"""The main job against the small web: every status, hash and hop as its truth says, in the WARC and in the report."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.errors import InputError, NothingFetched, OutputError, UsageError
from archiver.model import Event, FetchSettings
from archiver.pipeline import capturing
from archiver.pipeline.archive import archive
from archiver.pipeline.dedup import dedup
from archiver.pipeline.means import Means
from archiver.pipeline.rejudge import report as judge_again
from archiver.pipeline.retry import retry
from archiver.pipeline.settings import Settings
from archiver.report.changes import since
from archiver.report.json import schema
from archiver.report.terminal import summary
from archiver.warc.reader import Record, records
from archiver.warc.records import NOTE
from archiver.warc.verify import verify
from fixtures.web.serve import SmallWeb, load_truth, running
from tests.servers import redirect, response, routes, serve, then_hang
from tests.small_pictures import scene
from tests.small_web import POST, settings_for

TRUTH = load_truth()
BY_URL = {image["url"]: image for image in TRUTH["images"]}

pytestmark = pytest.mark.xdist_group("small-web")


@dataclass(frozen=True)
class Finished:
    """One archived post and what the small web saw of it."""

    web: SmallWeb
    folder: Path
    settings: Settings
    report: dict[str, Any]
    events: list[Event]
    asked: dict[str, int]

    @property
    def images(self) -> dict[str, dict[str, Any]]:
        return {image["url"]: image for image in self.report["images"]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("main-job") / "chairs"
    events: list[Event] = []
    with running() as web:
        settings = settings_for(web)
        archive(str(POST), folder, settings, Means(events.append))
        asked = {url: web.log.count(url) for url in BY_URL}
        yield Finished(web, folder, settings, json.loads((folder / "report.json").read_text()), events, asked)


def test_every_image_has_the_status_and_the_bytes_that_the_web_gave(finished: Finished) -> None:
    assert list(finished.images) == [image["url"] for image in TRUTH["images"]]
    for url, truth in BY_URL.items():
        image = finished.images[url]
        assert (url, image["status"]) == (url, truth["status"])
        if truth["status"] == "ok":
            found = (image["sha256"], image["bytes"], image["format"], image["width"], image["height"], image["final_url"])
            assert found == tuple(truth[key] for key in ("sha256", "bytes", "format", "width", "height", "final_url")), url


def test_every_target_is_fetched_once(finished: Finished) -> None:
    """Retries apart: those stand in the events, and only where one may help."""
    retried = {event.url for event in finished.events if event.name == "retry"}
    assert {url for url, count in finished.asked.items() if count > 1} <= retried | {url for url in BY_URL if BY_URL[url]["redirects"]}
    assert retried <= {url for url, truth in BY_URL.items() if truth["delivery"] in ("busy-once", "reset", "nothing")}


def test_hops_are_those_of_the_web(finished: Finished) -> None:
    for url, truth in BY_URL.items():
        hops = finished.images[url]["hops"]
        if truth["status"] == "ok" and truth["redirects"]:
            assert [hop["status"] for hop in hops] == [*(step["status"] for step in truth["redirects"]), 200], url


def test_the_copies_of_one_picture_are_one_cluster_and_the_series_stay_apart(finished: Finished) -> None:
    found = {frozenset(cluster["members"]) for cluster in finished.report["clusters"]}
    assert found == {frozenset(cluster) for cluster in TRUTH["clusters"]}


def test_the_report_obeys_its_schema(finished: Finished) -> None:
    jsonschema.Draft202012Validator(schema()).validate(finished.report)


def test_the_csv_has_one_row_per_image(finished: Finished) -> None:
    rows = list(csv.DictReader((finished.folder / "clusters.csv").read_text().splitlines()))
    assert [row["url"] for row in rows] == list(BY_URL)


def test_warcio_finds_nothing_wrong_with_the_archive(finished: Finished) -> None:
    for name in finished.report["warcs"]:
        checked = subprocess.run([sys.executable, "-m", "warcio", "check", str(finished.folder / name)], capture_output=True, text=True)
        assert "fail" not in checked.stdout.replace("payload digest failed", ""), checked.stdout


def test_the_records_named_in_the_report_are_the_ones_in_the_archive(finished: Finished) -> None:
    for url, image in finished.images.items():
        if image["warc"] is None:
            continue
        with (finished.folder / image["warc"]["file"]).open("rb") as file:
            file.seek(image["warc"]["offset"])
            record = next(iter(ArchiveIterator(file)))
            assert record.rec_headers["WARC-Record-ID"] == f"<{image['warc']['record_id']}>"
            assert record.rec_headers["WARC-Target-URI"] == (image["final_url"] or url)


def test_the_archive_names_no_local_path(finished: Finished) -> None:
    for name in finished.report["warcs"]:
        with (finished.folder / name).open("rb") as file:
            for record in ArchiveIterator(file):
                if record.rec_type in ("warcinfo", "metadata", "resource"):
                    assert str(POST.parent).encode() not in record.content_stream().read()


def test_judging_again_says_the_same(finished: Finished) -> None:
    before = (finished.folder / "report.json").read_bytes()
    judge_again(finished.folder, finished.settings, Means(print))
    after = json.loads((finished.folder / "report.json").read_bytes())
    assert after["clusters"] == finished.report["clusters"]
    assert [(image["url"], image["status"], image["sha256"]) for image in after["images"]] == [
        (image["url"], image["status"], image["sha256"]) for image in finished.report["images"]
    ]
    (finished.folder / "report.json").write_bytes(before)


def test_dedup_of_the_archive_finds_the_same_clusters(finished: Finished, tmp_path: Path) -> None:
    run = dedup([finished.folder], tmp_path / "again", Settings(), Means(lambda _: None))
    assert run.report is not None
    members = {
        frozenset(image.target.url for image in run.report.images if image.cluster == f"c{n}") for n in range(1, 1 + len(TRUTH["clusters"]))
    }
    assert members == {frozenset(BY_URL[url]["final_url"] for url in cluster) for cluster in TRUTH["clusters"]}


def test_retry_fetches_only_what_failed(finished: Finished) -> None:
    finished.web.log.clear()
    warcs = {path.name for path in finished.folder.glob("*.warc.gz")}
    retry(finished.folder, finished.settings, Means(lambda _: None))
    failed = {url for url, image in finished.images.items() if image["status"] not in ("ok", "unsupported")}
    assert {seen.url for seen in finished.web.log.requests} & set(BY_URL) <= failed
    report = json.loads((finished.folder / "report.json").read_text())
    assert {image["url"] for image in report["images"] if image["status"] == "ok"} >= {
        url for url, image in finished.images.items() if image["status"] == "ok"
    }
    (new,) = {path.name for path in finished.folder.glob("*.warc.gz")} - warcs
    assert new.endswith("-00001.warc.gz")


def test_the_same_command_again_captures_anew_with_revisits(finished: Finished) -> None:
    archive(str(POST), finished.folder, finished.settings, Means(lambda _: None))
    report = json.loads((finished.folder / "report.json").read_text())
    ok = [image for image in report["images"] if image["status"] == "ok"]
    assert len(ok) == sum(truth["status"] == "ok" for truth in BY_URL.values())
    assert {image["change"] for image in ok} == {"unchanged"}
    assert sum(image["revisit"] for image in ok) >= len(ok) - 2, "unchanged pictures are revisits (unless their framing differs)"


def test_a_post_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        archive(str(tmp_path / "none.md"), tmp_path / "out", Settings(), Means(print))
    assert not (tmp_path / "out").exists()


def test_a_post_without_pictures_says_so(tmp_path: Path) -> None:
    post = tmp_path / "words.md"
    post.write_text("only words\n")
    with pytest.raises(NothingFetched, match="links no pictures"):
        archive(str(post), tmp_path / "out", Settings(), Means(print))


def test_without_network_every_image_has_its_reason_and_the_post_is_kept(tmp_path: Path) -> None:
    nowhere = replace(Settings(), fetch=FetchSettings(resolve=("a.example:80:127.0.0.1",), retries=0))
    post = tmp_path / "post.md"
    post.write_text("![](http://a.example/1.png) ![](http://dead.invalid/2.png)\n")
    run = archive(str(post), tmp_path / "out", nowhere, Means(lambda _: None))
    assert run.report is not None
    assert [image.status for image in run.report.images] == ["blocked", "dns_error"]
    assert list((tmp_path / "out").glob("*.warc.gz"))


def loopback(**fetch: Any) -> Settings:
    return replace(Settings(), workers=1, fetch=FetchSettings(allow_addresses=("127.0.0.0/8",), backoff_base_s=0.01, **fetch))


def png(seed: int = 1) -> bytes:
    made = io.BytesIO()
    scene(seed, 120, 90).save(made, "PNG")
    return made.getvalue()


class CutOff(BaseException):
    """Like a KeyboardInterrupt, but asyncio does not let it break through its own cleaning up, into whatever runs then."""


def cut_off_at(url: str) -> Means:
    """The means of a run that ends in the middle of things: when `url` is to be asked."""

    def event(event: Event) -> None:
        if event.name == "fetch" and event.url == url:
            raise CutOff

    return Means(event)


def test_a_chain_of_redirects_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    answers = {"/a": redirect("/b"), "/b": redirect("/c"), "/c": response(png())}
    with serve(routes(answers)) as web:
        (tmp_path / "post.md").write_text(f"![]({web.url('/a')})\n")
        with pytest.raises(CutOff):
            archive(str(tmp_path / "post.md"), tmp_path / "out", loopback(), cut_off_at(web.url("/c")))
        run = archive(str(tmp_path / "post.md"), tmp_path / "out", loopback(), Means(lambda _: None))
        assert web.targets() == ["/a", "/b", "/c"]
    assert run.report is not None
    (image,) = run.report.images
    assert (image.status, [hop.status for hop in image.hops]) == ("ok", [302, 302, 200])


@pytest.mark.parametrize("answer", [response(b"User-agent: *\nDisallow: /b"), response(b"", "404 Not Found"), redirect("/rules")])
def test_a_run_that_goes_on_knows_the_robots_txt_that_it_got_and_the_next_capture_asks_anew(tmp_path: Path, answer: bytes) -> None:
    rules = {"/robots.txt": answer, "/rules": response(b"User-agent: *\nDisallow: /b")}
    with serve(routes({**rules, "/a": response(png()), "/b": response(png(2)), "/c": response(png(3))})) as web:
        (tmp_path / "post.md").write_text("".join(f"![]({web.url(path)})\n" for path in ("/a", "/b", "/c")))
        how, quiet = loopback(robots="obey", per_host=1), Means(lambda _: None)
        with pytest.raises(CutOff):
            archive(str(tmp_path / "post.md"), tmp_path / "out", how, cut_off_at(web.url("/c")))
        run = archive(str(tmp_path / "post.md"), tmp_path / "out", how, quiet)
        assert sorted(web.targets()) == sorted(set(web.targets()))
        asked = len(web.targets())
        archive(str(tmp_path / "post.md"), tmp_path / "out", how, quiet)
        assert web.targets()[asked] == "/robots.txt"
    assert run.report is not None
    forbidden = "ok" if b"404" in answer else "blocked"
    assert [image.status for image in run.report.images] == ["ok", forbidden, "ok"]
    assert [finding.line for finding in verify(tmp_path / "out")] == []


def test_a_retry_that_was_cut_off_goes_on_too(tmp_path: Path) -> None:
    with serve(routes({})) as web:
        (tmp_path / "post.md").write_text("".join(f"![]({web.url(path)})\n" for path in ("/a", "/b")))
        quiet = Means(lambda _: None)
        archive(str(tmp_path / "post.md"), tmp_path / "out", loopback(per_host=1), quiet)
        web.requests.clear()
        with pytest.raises(CutOff):
            retry(tmp_path / "out", loopback(per_host=1), cut_off_at(web.url("/b")))
        run = retry(tmp_path / "out", loopback(per_host=1), quiet)
        assert web.targets() == ["/a", "/b"]
        retry(tmp_path / "out", loopback(per_host=1), quiet)
        assert sorted(web.targets()) == ["/a", "/a", "/b", "/b"]
    assert run.report is not None
    assert [image.status for image in run.report.images] == ["http_error", "http_error"]


def test_a_report_of_a_capture_that_was_cut_off_leaves_it_to_be_gone_on_with(tmp_path: Path) -> None:
    post, out, quiet = tmp_path / "post.md", tmp_path / "out", Means(lambda _: None)
    one_by_one = loopback(per_host=1)
    with serve(routes({f"/{n}": response(png(n)) for n in range(1, 4)})) as web:
        urls = [web.url(f"/{n}") for n in range(1, 4)]
        post.write_text("".join(f"![]({url})\n" for url in urls))
        with pytest.raises(CutOff):
            archive(str(post), out, one_by_one, cut_off_at(urls[2]))
        (warc,) = (path.name for path in out.glob("*.warc.gz"))
        for _ in range(2):
            told = judge_again(out, one_by_one, quiet).report
            assert told is not None
            assert (told.warcs, told.unfinished, [image.status for image in told.images]) == (
                (warc,),
                (warc,),
                ["ok", "ok", "network_error"],
            )
            assert any("cut off" in line for line in summary(told))
            assert "The capture was cut off" in (out / "report.html").read_text()
        jsonschema.Draft202012Validator(schema()).validate(json.loads((out / "report.json").read_text()))
        with pytest.raises(InputError, match="was cut off; the same `archiver archive` again goes on with it"):
            retry(out, one_by_one, quiet)
        run = archive(str(post), out, one_by_one, quiet)
        assert web.targets() == ["/1", "/2", "/3"]
    assert run.report is not None
    assert (run.report.unfinished, [(image.status, image.change) for image in run.report.images]) == ((), [("ok", "")] * 3)
    assert [finding.line for finding in verify(out)] == []


def test_a_report_beside_a_cut_off_second_capture_is_of_the_finished_one(tmp_path: Path) -> None:
    post, out, quiet = tmp_path / "post.md", tmp_path / "out", Means(lambda _: None)
    one_by_one = loopback(per_host=1)
    pictures = {f"/{n}": response(png(n)) for n in range(1, 4)}
    with serve(routes(pictures)) as web:
        urls = [web.url(f"/{n}") for n in range(1, 4)]
        post.write_text("".join(f"![]({url})\n" for url in urls))
        first = archive(str(post), out, one_by_one, quiet).report
        assert first is not None
        web.requests.clear()
        pictures["/1"] = response(png(10))
        with pytest.raises(CutOff):
            archive(str(post), out, one_by_one, cut_off_at(urls[2]))
        told = judge_again(out, one_by_one, quiet).report
        assert told is not None
        assert (told.warcs, told.unfinished, [image.payload for image in told.images]) == (
            first.warcs,
            (),
            [image.payload for image in first.images],
        )
        with pytest.raises(InputError, match="was cut off"):
            retry(out, one_by_one, quiet)
        run = archive(str(post), out, one_by_one, quiet)
        assert web.targets() == ["/1", "/2", "/3"]
    assert run.report is not None
    assert [image.change for image in run.report.images] == ["different-picture", "unchanged", "unchanged"]


class OutOfIds:
    """The means of a run that ends when it is about to write the n-th record."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self) -> str:
        self.left -= 1
        if not self.left:
            raise CutOff
        return str(uuid.uuid4())


@pytest.mark.parametrize("kind", ["file", "page"])
@pytest.mark.parametrize("records_written", [1, 2, 3, 4, 5])
def test_wherever_the_first_records_end_the_archive_tells_at_last_how_its_post_was_read(
    tmp_path: Path, kind: str, records_written: int
) -> None:
    """`report` and `retry` read the post again by that."""
    out, quiet = tmp_path / "out", Means(lambda _: None)
    with serve(routes({"/1": response(png(1)), "/post": response(b"<img src=/1>", headers=[("Content-Type", "text/html")])})) as web:
        (tmp_path / "post.md").write_text(f"![]({web.url('/1')})\n")
        source = web.url("/post") if kind == "page" else str(tmp_path / "post.md")
        with pytest.raises(CutOff):
            archive(source, out, loopback(), replace(quiet, new_id=OutOfIds(records_written + 1)))
        archive(source, out, loopback(), quiet)
        told = judge_again(out, loopback(), quiet).report
    assert told is not None
    assert [image.status for image in told.images] == ["ok"]
    assert [finding.line for finding in verify(out)] == []


def test_a_post_that_was_edited_before_its_capture_went_on_stands_there_as_it_is_now(tmp_path: Path) -> None:
    post, out, quiet = tmp_path / "post.md", tmp_path / "out", Means(lambda _: None)
    with serve(routes({f"/{n}": response(png(n)) for n in range(1, 4)})) as web:
        post.write_text("".join(f"![]({web.url(path)})\n" for path in ("/1", "/2")))
        with pytest.raises(CutOff):
            archive(str(post), out, loopback(per_host=1), cut_off_at(web.url("/2")))
        post.write_text("".join(f"![]({web.url(path)})\n" for path in ("/1", "/3")))
        archive(str(post), out, loopback(), quiet)
        told = judge_again(out, loopback(), quiet).report
        assert told is not None
        assert [image.target.url for image in told.images] == [web.url("/1"), web.url("/3")]
        assert web.targets() == ["/1", "/3"]
    assert [finding.line for finding in verify(out)] == []


def test_a_report_of_a_retry_that_was_cut_off_leaves_it_to_be_gone_on_with(tmp_path: Path) -> None:
    with serve(routes({})) as web:
        (tmp_path / "post.md").write_text("".join(f"![]({web.url(path)})\n" for path in ("/a", "/b")))
        quiet, one_by_one = Means(lambda _: None), loopback(per_host=1)
        archive(str(tmp_path / "post.md"), tmp_path / "out", one_by_one, quiet)
        web.requests.clear()
        with pytest.raises(CutOff):
            retry(tmp_path / "out", one_by_one, cut_off_at(web.url("/b")))
        told = judge_again(tmp_path / "out", one_by_one, quiet).report
        assert told is not None
        assert (len(told.warcs), told.unfinished) == (2, told.warcs[1:])
        retry(tmp_path / "out", one_by_one, quiet)
        assert web.targets() == ["/a", "/b"]


@pytest.mark.parametrize("wacz", [True, False])
def test_a_retry_makes_a_wacz_where_the_capture_did_and_passes_over_archives_of_others(tmp_path: Path, wacz: bool) -> None:
    with serve(routes({})) as web:
        (tmp_path / "post.md").write_text(f"![]({web.url('/a')})\n")
        settings, quiet, out = replace(loopback(), wacz=wacz), Means(lambda _: None), tmp_path / "out"
        archive(str(tmp_path / "post.md"), out, settings, quiet)
        (warc,) = out.glob("*.warc.gz")
        shutil.copy(next((Path(__file__).parents[2] / "fixtures" / "warc" / "good" / "foreign").glob("*.warc.gz")), out / "theirs.warc.gz")
        command = [sys.executable, "-m", "archiver", "retry", str(out), "-q", "--allow-address", "127.0.0.0/8"]
        assert subprocess.run(command, check=False).returncode == 4
        reports = [judge_again(out, loopback(), quiet).report, archive(str(tmp_path / "post.md"), out, settings, quiet).report]
        assert web.targets() == ["/a", "/a", "/a"]
    assert all(report is not None and "theirs.warc.gz" not in report.warcs for report in reports)
    assert [name for path in out.glob("*.wacz") for name in zipfile.ZipFile(path).namelist() if "theirs" in name] == []
    assert bool(list(out.glob("*.wacz"))) is wacz
    assert {warc.name, warc.name.replace("-00000.", "-00001.")} < {path.name for path in out.glob("post-*.warc.gz")}


def test_the_next_capture_says_what_changed(tmp_path: Path) -> None:
    post, out, quiet = tmp_path / "post.md", tmp_path / "out", Means(lambda _: None)
    pictures = {f"/{n}": response(png(n)) for n in range(1, 5)}
    with serve(routes(pictures)) as web:
        urls = [web.url(path) for path in pictures]
        post.write_text("".join(f"![]({url})\n" for url in urls))
        archive(str(post), out, loopback(), quiet)
        pictures |= {"/2": response(b"none", "404 Not Found"), "/3": response(png(30)), "/5": response(png(5))}
        post.write_text("".join(f"![]({web.url(path)})\n" for path in ("/1", "/2", "/3", "/5")))
        run = archive(str(post), out, loopback(), quiet)
        again = retry(out, loopback(), quiet)
    for report in (run.report, again.report):
        assert report is not None
        assert [image.change for image in report.images] == ["unchanged", "gone", "different-picture", "new"]
        assert report.removed == (urls[3],)
        assert [change.heading for change in since(report)][:2] == ["Gone: there was a picture then", "No longer in the post"]
        assert any(urls[3] in line for line in summary(report))
    assert "No longer in the post" in (out / "report.html").read_text()
    jsonschema.Draft202012Validator(schema()).validate(json.loads((out / "report.json").read_text()))
    assert [finding.line for finding in verify(out)] == []


def test_a_folder_keeps_to_its_post(tmp_path: Path) -> None:
    """Another post would leave the WACZ of the first one beside its own, and call its pictures removed."""
    with serve(routes({"/1": response(png(1))})) as web:
        for name in ("one.md", "two.md"):
            (tmp_path / name).write_text(f"![]({web.url('/1')})\n")
        archive(str(tmp_path / "one.md"), tmp_path / "out", loopback(), Means(lambda _: None))
        before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        with pytest.raises(UsageError, match="holds the archive of one; name another folder for two"):
            archive(str(tmp_path / "two.md"), tmp_path / "out", loopback(), Means(lambda _: None))
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_what_is_captured_is_brought_to_the_disk_while_the_rest_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails is found out then, and not when the run is over."""
    monkeypatch.setattr(capturing, "SETTLE_EVERY_S", 0.01)
    brought: list[int] = []

    def fdatasync(number: int) -> None:
        brought.append(os.fstat(number).st_size)
        if len(brought) == 2:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with serve(routes({"/1": response(png(1)), "/2": then_hang(hang_s=20)})) as web:
        (tmp_path / "post.md").write_text(f"![]({web.url('/1')})\n![]({web.url('/2')})\n")
        with pytest.raises(OutputError, match=r"cannot write .*open: Input/output error"):
            archive(str(tmp_path / "post.md"), tmp_path / "out", loopback(), Means(lambda _: None))
    assert len(brought) == 2


def test_a_secret_stands_nowhere_in_the_folder_and_the_record_says_that_it_is_left_out(tmp_path: Path) -> None:
    secret = "k33p-me-out"
    with serve(routes({"/1": response(png(1))})) as web:
        (tmp_path / "post.md").write_text(f"![]({web.url('/1')})\n")
        given = (("Cookie", f"id={secret}"), ("X-Token", secret))
        archive(str(tmp_path / "post.md"), tmp_path / "out", loopback(headers=given), Means(lambda _: None))
        assert secret in web.requests[0].head.decode()
    for path in (tmp_path / "out").iterdir():
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert secret.encode() not in data, path.name
    (warc,) = (tmp_path / "out").glob("*.warc.gz")
    (notes,) = [record.fields.all(NOTE) for record in records(warc) if isinstance(record, Record) and record.type == "request"]
    assert notes == ("values blanked: Cookie, X-Token",)
    assert [finding.line for finding in verify(tmp_path / "out")] == []
