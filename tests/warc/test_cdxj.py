"""Our index is the index that other tools make."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import surt as reference
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archiver.model import Missed, Reason, Target
from archiver.warc import cdxj
from archiver.warc.surt import surt
from tests.warc.make_fixtures import ROOT
from tests.warc.making import START, chunked, exchange, jpeg_like, png, response, writer

URLS = [
    "http://example.com",
    "https://www.example.com:443/",
    "http://WWW2.Example.COM:8080/A/./b/../C//d/?Q=1&a=2&b",
    "https://e.example/a%2Cb%252C.jpg?url=https%3A%2F%2Fx.example%2Fy%3Fz&*;",
    "https://e.example/x?jsessionid=0123456789abcdef0123456789abcdef&k=v",
    "https://e.example/x?a=1&PHPSESSID=0123456789abcdef0123456789abcdef",
    "https://e.example/x?b=2&sid=0123456789abcdef0123456789abcdef&a=1",
    "https://e.example/(S(4hqa0555fwsecu455xqckv45))/mileg.aspx",
    "https://user:pw@e.example/p?",
    "https://bücher.example/ä?ö=ü",
    "http://https://e.example/twice",
    "http://93.184.216.34/x/",
    "http://16843009/",
    "https://e.example//double//slash/",
    "https://e.example/a b+c",
    "https://e.example/../up",
    "urn:missed:https://e.example/A?b=2&a=1",
    "urn:uuid:1234",
    "https://e.example/?a&&b=&=c",
    "https://e.example:99999x/",
]


@pytest.mark.parametrize("url", URLS)
def test_key_is_that_of_the_wayback_tools(url: str) -> None:
    try:
        expected = reference.surt(url)
    except ValueError:
        expected = url  # what cdxj-indexer does then
    assert surt(url) == expected


@settings(deadline=None)
@given(st.text(alphabet="abAB019-._~/%?&=;+,*()!' 2Fé#:@", max_size=40))
@example("%2525/..%2f")
def test_key_agrees_on_any_path_and_query(rest: str) -> None:
    assert surt(f"https://e.example/{rest}") == reference.surt(f"https://e.example/{rest}")


def test_a_host_that_is_far_too_long_stays_as_it_is() -> None:
    url = "http://" + "".join(chr(0x4E00 + index % 20_000) for index in range(80_000)) + "/"  # to encode it would take half an hour
    assert surt(url) == url


def cdxj_indexer(*files: Path) -> list[str]:
    """In a process of its own: the `wacz` package changes the indexer for everyone who imports it."""
    tool = Path(sys.executable).with_name("cdxj-indexer")
    done = subprocess.run([tool, "--sort", *files], check=True, capture_output=True, text=True)
    return done.stdout.splitlines(keepends=True)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    w = writer(tmp_path, max_size_bytes=20_000)
    body = jpeg_like(4000)
    for number, url in enumerate(URLS[:-1]):
        w.write_exchange(exchange(url, response(body, f"Content-Type: image/jpeg; n={number}")))
    w.write_exchange(exchange("https://e.example/c", chunked(png(3, 3), "content-type: image/png ")))
    w.write_exchange(exchange("https://e.example/r", response(b"", "Location: /x", status="302 Found"), status=302))
    w.write_exchange(exchange("https://e.example/n", response(jpeg_like(30_000, 9), "content-type: ", status="404 Not Found"), status=404))
    ref = w.write_resource("https://e.example/report.html", "text/html; charset=utf-8", b"<p>")
    w.write_metadata("urn:image:1", "application/json", b"{}", refers_to=ref)
    w.write_missed(Missed(Target("https://gone.example/", ()), (), START, Reason.TIMEOUT, "too slow"))
    return [tmp_path / name for name in w.close()]


def test_lines_are_those_of_cdxj_indexer(files: list[Path]) -> None:
    assert len(files) > 1
    assert cdxj.index(files) == cdxj_indexer(*files)


def test_offsets_lead_to_the_record(files: list[Path]) -> None:
    for line in cdxj.index(files):
        fields = json.loads(line.split(" ", 2)[2])
        data = next(file for file in files if file.name == fields["filename"]).read_bytes()
        start = int(fields["offset"])
        record = gzip.decompress(data[start : start + int(fields["length"])])
        assert f"WARC-Target-URI: {fields['url']}\r\n".encode() in record


def test_compressed_index_is_found_by_its_places() -> None:
    lines = [f"com,example)/{n:05d} 20260101000000 {{}}\n" for n in range(1000)]
    data, places = cdxj.compress(lines, "index.cdx.gz")
    meta, *blocks = places.splitlines()
    assert meta == '!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}'
    assert len(blocks) == 4
    for number, place in enumerate(blocks):
        at = json.loads(place.split(" ", 2)[2])
        text = gzip.decompress(data[at["offset"] : at["offset"] + at["length"]]).decode()
        assert text.splitlines(keepends=True) == lines[number * 300 : number * 300 + 300]


@pytest.mark.parametrize("path", sorted((ROOT / "good").rglob("*.warc*")), ids=lambda path: path.name)
def test_lines_of_others_archives_too(path: Path) -> None:
    assert cdxj.index([path]) == cdxj_indexer(path)
