"""A WACZ that other tools accept, made the same way every time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from archiver.errors import InputError, OutputError
from archiver.model import Archived
from archiver.warc import reader, wacz
from archiver.warc.wacz import Page, WaczInfo
from tests.warc.making import START, chunked, clock, exchange, jpeg_like, png, response, writer

INFO = WaczInfo(software="archiver/test", title="Chair — exercises", description="made by a test")
PAGES = [Page("https://post.example/p/", "The post “p”", START, "words"), Page("https://post.example/p/report.html", "Report", START)]
EXTRA = {"report/report.html": b"<p>", "report/report.json": b'{"errors": 1}', "report/clusters.csv": b"a,b\n\n1\n"}


@pytest.fixture
def warcs(tmp_path: Path) -> list[Path]:
    w = writer(tmp_path, max_size_bytes=12_000)
    w.write_resource(PAGES[0].url, "text/html; charset=utf-8", b"<p>page", at=START)
    for number in range(3):
        w.write_exchange(exchange(f"https://e.example/{number}.jpg", response(jpeg_like(6000, number % 2), "Content-Type: image/jpeg")))
    w.write_exchange(exchange("https://e.example/c.png", chunked(png(4, 4), "Content-Type: image/png")))
    w.write_resource(PAGES[1].url, "text/html; charset=utf-8", b"<p>report", at=START)
    return [tmp_path / name for name in w.close()]


def make(folder: Path, warcs: list[Path], **options) -> Path:
    return wacz.write(folder, "p.wacz", warcs, **{"pages": PAGES, "extra": EXTRA, "info": INFO, "now": clock(), **options})


def test_wacz_validate_has_nothing_to_say(tmp_path: Path, warcs: list[Path]) -> None:
    path = make(tmp_path, warcs)
    done = subprocess.run([Path(sys.executable).with_name("wacz"), "validate", "-f", path], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n") == ["", "Version detected as 1.1.1", "Validation succeeded, the passed WACZ is valid", ""], (
        done.stdout + done.stderr
    )
    assert done.returncode == 0


def test_holds_the_same_warcs_stored(tmp_path: Path, warcs: list[Path]) -> None:
    path = make(tmp_path, warcs)
    with zipfile.ZipFile(path) as file:
        stored = {info.filename for info in file.infolist() if info.compress_type == zipfile.ZIP_STORED}
        assert stored == {*(f"archive/{warc.name}" for warc in warcs), "indexes/index.cdx.gz"}
        assert [file.read(f"archive/{warc.name}") for warc in warcs] == [warc.read_bytes() for warc in warcs]
    assert [item.url for item in reader.responses([path])] == [item.url for item in reader.responses(warcs)]
    for item in reader.responses([path]):
        assert isinstance(item, Archived)
        assert hashlib.sha256(reader.payload(path, item.payload_ref)).hexdigest() == item.payload_sha256


def test_manifest_lists_every_file_with_its_hash(tmp_path: Path, warcs: list[Path]) -> None:
    with zipfile.ZipFile(make(tmp_path, warcs)) as file:
        manifest = json.loads(file.read("datapackage.json"))
        digest = json.loads(file.read("datapackage-digest.json"))
        assert digest == {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(file.read('datapackage.json')).hexdigest()}"}
        listed = {item["path"]: (item["hash"], item["bytes"]) for item in manifest["resources"]}
        for name in set(file.namelist()) - {"datapackage.json", "datapackage-digest.json"}:
            content = file.read(name)
            assert listed.pop(name) == (f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))
        assert listed == {}
    assert (manifest["title"], manifest["mainPageUrl"], manifest["mainPageDate"]) == (INFO.title, PAGES[0].url, "2026-11-22T17:41:00Z")
    assert manifest["wacz_version"] == "1.1.1"


def test_page_list(tmp_path: Path, warcs: list[Path]) -> None:
    with zipfile.ZipFile(make(tmp_path, warcs)) as file:
        header, *pages = map(json.loads, file.read("pages/pages.jsonl").decode().splitlines())
    assert header["format"] == "json-pages-1.0"
    assert [(page["url"], page["title"], page["ts"]) for page in pages] == [(p.url, p.title, "2026-11-22T17:41:00Z") for p in PAGES]
    assert pages[0]["text"] == "words"


def test_same_input_same_bytes(tmp_path: Path, warcs: list[Path]) -> None:
    first = make(tmp_path, warcs).read_bytes()
    assert make(tmp_path, warcs).read_bytes() == first


@pytest.mark.parametrize("path", ["report.html", "a/b/c.html", "archive/x.txt"])
def test_extra_files_are_one_folder_deep(tmp_path: Path, warcs: list[Path], path: str) -> None:
    with pytest.raises(ValueError, match="folder"):
        make(tmp_path, warcs, extra={path: b""})


def test_failure_leaves_the_former_file_and_no_part(tmp_path: Path, warcs: list[Path]) -> None:
    before = make(tmp_path, warcs).read_bytes()
    with pytest.raises(InputError):
        make(tmp_path, [*warcs, tmp_path / "none.warc.gz"])
    with pytest.raises(InputError):
        make(tmp_path, warcs, extra={"report/x": tmp_path / "none"})
    with pytest.raises(OutputError):
        make(tmp_path / "nowhere", warcs)
    assert (tmp_path / "p.wacz").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
