"""Archives by the conventions of Heritrix and Browsertrix are read whole and called sound."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.model import Archived
from archiver.warc import reader
from archiver.warc.verify import verify
from tests.warc.foreign import BROWSERTRIX_PICTURES, HERITRIX_NAME, HERITRIX_PICTURES, browsertrix, browsertrix_wacz, heritrix

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def heritrix_file(tmp_path: Path) -> Path:
    (tmp_path / HERITRIX_NAME).write_bytes(heritrix())
    return tmp_path / HERITRIX_NAME


def heritrix_open(tmp_path: Path) -> Path:
    path = heritrix_file(tmp_path)
    return path.rename(path.with_name(path.name + ".open"))


def browsertrix_folder(tmp_path: Path) -> Path:
    for warc in browsertrix():
        (tmp_path / warc.name).write_bytes(warc.data)
    return tmp_path


def packed(tmp_path: Path) -> Path:
    (tmp_path / "crawl.wacz").write_bytes(browsertrix_wacz())
    return tmp_path / "crawl.wacz"


CASES = [
    (heritrix_file, HERITRIX_PICTURES),
    (heritrix_open, HERITRIX_PICTURES),
    (browsertrix_folder, BROWSERTRIX_PICTURES),
    (packed, BROWSERTRIX_PICTURES),
]


@pytest.mark.parametrize(("make", "pictures"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_picture_is_read(tmp_path: Path, make: Callable[[Path], Path], pictures: Mapping[str, bytes]) -> None:
    rows = list(reader.responses([make(tmp_path)]))
    assert all(isinstance(row, Archived) for row in rows), rows
    whole = {row.url: row.payload_sha256 for row in rows if isinstance(row, Archived) and row.complete and row.status in (200, 304)}
    assert {url: whole.get(url) for url in pictures} == {url: hashlib.sha256(data).hexdigest() for url, data in pictures.items()}


@pytest.mark.parametrize("make", [make for make, _ in CASES], ids=lambda make: make.__name__)
def test_they_are_sound(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    found = list(verify(make(tmp_path), now=NOW))
    assert [finding.line for finding in found if finding.severity == "error"] == []


def test_what_a_wacz_of_others_may_leave_out(tmp_path: Path) -> None:
    def without_pages(files: dict[str, bytes]) -> None:
        del files["pages/pages.jsonl"]
        files["pages/extraPages.jsonl"] += b'{"url": "http://site.example/never", "ts": "2026-03-12T10:15:09Z"}\n'

    (tmp_path / "crawl.wacz").write_bytes(browsertrix_wacz(without_pages, digest=False))
    found = list(verify(tmp_path / "crawl.wacz", now=NOW))
    told = [(finding.severity, finding.kind, finding.file.partition("/")[2]) for finding in found]
    assert told == [
        ("warning", "manifest", "datapackage-digest.json"),
        ("warning", "pages", "pages/pages.jsonl"),
        ("warning", "pages", "pages/extraPages.jsonl"),
    ]


@pytest.mark.parametrize("name", ["pages/pages.jsonl", "pages/extraPages.jsonl"])
def test_every_page_list_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "crawl.wacz").write_bytes(browsertrix_wacz(lambda files: files.update({name: files[name] + b"{}\n"})))
    assert [(finding.kind, finding.detail) for finding in verify(tmp_path / "crawl.wacz", now=NOW) if finding.severity == "error"] == [
        ("pages", "the page list cannot be read")
    ]
