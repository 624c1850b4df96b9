"""pywb, started for real, serves what we wrote: the same bytes, under the same odd URLs."""

from __future__ import annotations

import gzip
import http.client
import os
import re
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.warc import wacz
from tests.warc.making import clock, writer
from tests.warc.replay_cases import CASES, PAGE_AT, PAGE_URL, REDIRECT_URL, REPORT_URL, REVISITS, TRAILER_URL, Case, write_cases

BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def pywb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a running pywb with two collections: `c` of the WARCs, `w` of their WACZ."""
    folder = tmp_path_factory.mktemp("pywb")
    warcs = write_cases(writer(folder / "warcs", max_size_bytes=8000), folder / "warcs")
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    info = wacz.WaczInfo("archiver/test")
    packed = wacz.write(folder, "p.wacz", warcs, pages=[wacz.Page(PAGE_URL, "Chair", PAGE_AT)], extra={}, info=info, now=clock())
    adding = (["init", "c"], ["init", "w"], ["add", "c", *map(str, warcs)], ["add", "--unpack-wacz", "w", str(packed)])
    for command in adding:
        subprocess.run([BIN / "wb-manager", *command], cwd=folder, env=environment, check=True, capture_output=True)
    port = free_port()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [BIN / "wayback", "-b", "127.0.0.1", "-p", str(port)], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        for _ in range(400):
            assert server.poll() is None, (folder / "log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def get(port: int, url: str, moment: str = "20261122174200id_", collection: str = "c") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest("GET", f"/{collection}/{moment}/{url}", skip_accept_encoding=True)
        connection.putheader("Accept-Encoding", "gzip, deflate")
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        headers = {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
    match headers.get("content-encoding"):
        case "gzip":
            body = gzip.decompress(body)
        case "deflate":
            body = zlib.decompress(body)
    return answer.status, headers, body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.url)
def test_serves_every_picture(pywb: int, case: Case) -> None:
    status, headers, body = get(pywb, case.url)
    assert status == 200
    assert headers["content-type"] == "image/png"
    if case.url == TRAILER_URL:  # pywb takes the trailer section for content, which a picture bears
        assert len(body) - len(case.body) < 20
        body = body[: len(case.body)]
    assert body == case.body


@pytest.mark.parametrize("case", CASES[::4], ids=lambda case: case.url)
def test_serves_them_out_of_the_wacz(pywb: int, case: Case) -> None:
    assert get(pywb, case.url, collection="w")[2] == case.body


def test_serves_redirect_page_and_report(pywb: int) -> None:
    status, headers, _ = get(pywb, REDIRECT_URL)
    assert status == 301
    assert headers["location"].endswith(CASES[0].url)
    status, headers, body = get(pywb, PAGE_URL)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert CASES[0].url.encode() in body
    assert b"two pictures" in get(pywb, REPORT_URL)[2]


def test_page_is_rewritten_to_show_the_pictures(pywb: int) -> None:
    _, _, body = get(pywb, PAGE_URL, "20261122174200mp_")
    shown = re.findall(rb'<img src="[^"]*?/c/20261122174200im_/([^"]+)"', body)
    assert len(shown) == len(CASES) + 1


def test_revisits_are_what_is_served(pywb: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", pywb, timeout=60)
    for url in REVISITS:
        connection.request("GET", f"/c/cdx?url={url}&output=json")
        assert b'"mime": "warc/revisit"' in connection.getresponse().read()
    connection.close()
