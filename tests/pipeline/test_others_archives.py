"""`dedup` makes the report of archives by the conventions of other crawlers."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from archiver.errors import InputError, UsageError
from archiver.model import Report
from archiver.pipeline import present
from archiver.pipeline.dedup import dedup
from archiver.pipeline.means import Means
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings
from tests.warc.foreign import (
    BROWSERTRIX_PICTURES,
    FIRST,
    HERITRIX_NAME,
    HERITRIX_PICTURES,
    SITE,
    Browsertrix,
    browsertrix_wacz,
    heritrix,
)


def judged(path: Path, content: bytes, tmp_path: Path) -> Report:
    path.write_bytes(content)
    report = dedup([path], tmp_path / "out", Settings(workers=1), Means(lambda _: None)).report
    assert report is not None
    return report


@pytest.mark.parametrize("name", [HERITRIX_NAME, HERITRIX_NAME + ".open"])
def test_heritrix(tmp_path: Path, name: str) -> None:
    report = judged(tmp_path / name, heritrix(), tmp_path)
    shown = {image.target.url: (image.status, image.payload) for image in report.images}
    assert shown.pop(f"{SITE}/cut.png")[0] == "truncated"
    assert shown == {url: ("ok", hashlib.sha256(data).hexdigest()) for url, data in HERITRIX_PICTURES.items()}
    assert report.skipped == ()


def test_browsertrix(tmp_path: Path) -> None:
    report = judged(tmp_path / "crawl.wacz", browsertrix_wacz(), tmp_path)
    shown = {image.target.url: (image.status, image.payload) for image in report.images}
    assert shown == {url: ("ok", hashlib.sha256(data).hexdigest()) for url, data in BROWSERTRIX_PICTURES.items()}
    assert report.skipped == ()


@pytest.mark.parametrize("start", ["http/1.1 200 OK", "h2 200 ", "h3 200", "HTTP/1.1 0 OK", "HTTP/2 200"])
def test_heads_as_browsers_tell_them(tmp_path: Path, start: str) -> None:
    made = Browsertrix("rec-0.warc.gz")
    made.fetch(f"{SITE}/first", start, FIRST, "content-type: image/png")
    assert [image.status for image in judged(tmp_path / made.name, made.data, tmp_path).images] == ["ok"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.warc.gz", b"", "empty.warc.gz at byte 0: the file holds no record"),
        ("text.warc", b"hello", "text.warc at byte 0: no record starts here"),
        ("text.warc.gz", gzip.compress(b"hello", mtime=0), "text.warc.gz at byte 0: no record starts here"),
        ("cut.wacz", b"PK\x03\x04", "cut.wacz is no readable WACZ: File is not a zip file"),
        ("text.txt", b"hello", "text.txt is neither a WARC nor a WACZ"),
        ("cut.warc.gz", heritrix()[:200], "cut.warc.gz at byte 0: the file ends inside a gzip member"),
    ],
)
def test_what_cannot_be_read_at_all_ends_the_run_and_beside_others_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    out = tmp_path / "out"
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason):
        dedup([tmp_path / name], out, Settings(workers=1), Means(lambda _: None))
    assert not (out / "report.json").exists()
    (tmp_path / HERITRIX_NAME).write_bytes(heritrix())
    report = dedup([tmp_path / name, tmp_path / HERITRIX_NAME], out, Settings(workers=1), Means(lambda _: None)).report
    assert report is not None
    (skipped,) = report.skipped
    assert skipped.endswith(reason)
    assert present.failures(Run("these", out, report))[-2:] == ["Passed over: 1", f"  {skipped}"]
    assert len(report.images) == len(HERITRIX_PICTURES) + 1


def test_an_archive_without_pictures_is_no_fault(tmp_path: Path) -> None:
    made = Browsertrix("rec-0.warc.gz")
    made.fetch(f"{SITE}/page", "HTTP/1.1 200 OK", b"<p>", "content-type: text/html")
    assert judged(tmp_path / made.name, made.data, tmp_path).images == ()


def test_the_report_of_an_archive_is_not_written_over(tmp_path: Path) -> None:
    made = Browsertrix("post-20261122174100-00000.warc.gz")  # a name of ours
    (tmp_path / made.name).write_bytes(made.data)
    with pytest.raises(UsageError, match="holds an archive"):
        dedup([tmp_path / made.name], tmp_path, Settings(workers=1), Means(lambda _: None))
    assert [path.name for path in tmp_path.iterdir()] == [made.name]
