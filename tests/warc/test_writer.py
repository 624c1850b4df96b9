"""What the writer writes is what other tools read, and it survives full disks and kills."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from datetime import timedelta
from pathlib import Path

import fastwarc.warc
import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.errors import OutputError
from archiver.model import Archived, Hop, Link, Missed, Reason, Role, Target
from archiver.warc import cdxj, reader
from archiver.warc.reader import Record, records
from archiver.warc.records import parse_digest
from tests.warc.making import PREFIX, START, chunked, exchange, jpeg_like, png, response, resumed, writer

URL = "https://example.org/a/b%2Cc.jpg?url=https%3A%2F%2Fx.example%2F&*;"


def blocks(path: Path) -> list[tuple[str, dict[str, str], bytes]]:
    found = []
    for record in records(path):
        assert isinstance(record, Record)
        block = b"".join(record.pieces())
        record.finish()
        found.append((record.type, dict(record.fields.items), block))
    return found


def test_exchange_is_written_byte_for_byte(tmp_path: Path) -> None:
    raw = response(jpeg_like(5000), "content-TYPE: image/jpeg", "X-Odd: caf\xe9", "Date: now")
    w = writer(tmp_path)
    stored = w.write_exchange(exchange(URL, raw))
    assert w.close() == (f"{PREFIX}-00000.warc.gz",)
    info, answer, request = blocks(tmp_path / f"{PREFIX}-00000.warc.gz")
    assert info[0] == "warcinfo"
    assert b"conformsTo: http://iipc.github.io/" in info[2]
    assert b"operator: A. Curator\r\n" in info[2]
    assert answer[2] == raw
    assert answer[1]["WARC-Target-URI"] == URL
    assert answer[1]["WARC-Warcinfo-ID"] == request[1]["WARC-Warcinfo-ID"] == info[1]["WARC-Record-ID"]
    assert request[2].startswith(b"GET /a/b%2Cc.jpg?url=https%3A%2F%2Fx.example%2F&*; HTTP/1.1\r\n")
    assert request[1]["WARC-Concurrent-To"] == answer[1]["WARC-Record-ID"] == f"<{stored.ref.record_id}>"
    assert stored.payload_sha256 == hashlib.sha256(jpeg_like(5000)).hexdigest()


@pytest.mark.parametrize("url", ["https://e.example/x\r\nWARC-Type: evil", "https://e.example/ü", "https://e.example/\ud800"])
def test_no_url_breaks_the_head(tmp_path: Path, url: str) -> None:
    w = writer(tmp_path)
    w.write_exchange(exchange(url, response(b"x" * 9), request=b"GET / HTTP/1.1\r\n\r\n"))
    w.write_missed(Missed(Target(url, ()), (), START, Reason.TIMEOUT, "too slow"))
    w.close()
    assert len(cdxj.index([tmp_path])) == 1
    assert [kind for kind, _, _ in blocks(tmp_path / f"{PREFIX}-00000.warc.gz")] == ["warcinfo", "response", "request", "metadata"]


def test_fragment_never_reaches_the_archive(tmp_path: Path) -> None:
    w = writer(tmp_path)
    w.write_exchange(exchange("https://e.example/p#top", response(b"x")))
    w.close()
    assert blocks(tmp_path / f"{PREFIX}-00000.warc.gz")[1][1]["WARC-Target-URI"] == "https://e.example/p"


def test_each_record_is_one_member_stored_for_media_deflated_for_text(tmp_path: Path) -> None:
    w = writer(tmp_path)
    media = w.write_exchange(exchange("https://e.example/1.txt", response(jpeg_like(200_000), "Content-Type: text/plain")))
    text = w.write_exchange(exchange("https://e.example/2.jpg", response(b"<svg>" * 20_000, "Content-Type: image/jpeg")))
    w.close()
    data = (tmp_path / media.ref.file).read_bytes()
    for ref in (media.ref, text.ref):
        assert gzip.decompress(data[ref.offset : ref.offset + ref.length]).endswith(b"\r\n\r\n")
        inflate = zlib.decompressobj(31)
        inflate.decompress(data[ref.offset : ref.offset + ref.length])
        assert inflate.eof
        assert not inflate.unused_data
    assert 200_000 < media.ref.length < 201_500
    assert text.ref.length < 3000


def test_other_tools_read_it_and_agree_with_every_digest(tmp_path: Path) -> None:
    w = writer(tmp_path)
    body = jpeg_like(3000)
    other = jpeg_like(3000, 2)
    w.write_exchange(exchange("https://e.example/plain", response(body, "Content-Type: image/jpeg")))
    w.write_exchange(exchange("https://e.example/gzip", response(gzip.compress(b"<p>" * 500), "Content-Encoding: gzip")))
    w.write_exchange(exchange("https://e.example/chunked", chunked(other, "Content-Type: image/jpeg", extension=";a=b", trailer="X: y")))
    w.write_exchange(exchange("https://e.example/again", response(body, "Content-Type: image/jpeg")))
    w.write_resource("https://e.example/report.html", "text/html; charset=utf-8", b"<p>report")
    w.close()
    path = tmp_path / f"{PREFIX}-00000.warc.gz"
    with path.open("rb") as file:
        warcio = []
        for record in ArchiveIterator(file, check_digests=True):
            record.raw_stream.read()
            warcio.append((record.rec_type, record.digest_checker.passed, record.rec_headers["WARC-Target-URI"]))
    failed = [entry for entry in warcio if entry[1] is False]
    assert failed == [("response", False, "https://e.example/chunked")], "warcio takes the payload digest over the chunk framing"
    assert [kind for kind, _, _ in warcio] == ["warcinfo", *["response", "request"] * 3, "revisit", "request", "resource"]
    with path.open("rb") as file:
        fast = [record.verify_block_digest() for record in fastwarc.warc.ArchiveIterator(file, parse_http=False)]
    assert fast == [True] * 10


def test_payload_digest_covers_the_dechunked_still_encoded_body(tmp_path: Path) -> None:
    coded = gzip.compress(b"<svg/>" * 999, mtime=0)
    w = writer(tmp_path)
    w.write_exchange(exchange("https://e.example/", chunked(coded, "Content-Encoding: gzip", size=7)))
    w.close()
    parsed = parse_digest(blocks(tmp_path / f"{PREFIX}-00000.warc.gz")[1][1]["WARC-Payload-Digest"])
    assert parsed == ("sha256", hashlib.sha256(coded).digest())


def test_same_payload_becomes_a_revisit_of_the_original_never_of_a_revisit(tmp_path: Path) -> None:
    body = png(9, 9)
    w = writer(tmp_path)
    first, second, third = (w.write_exchange(exchange(f"https://e.example/{n}", response(body, f"X-N: {n}"))) for n in range(3))
    w.close()
    assert (first.revisit, second.revisit, third.revisit) == (False, True, True)
    assert first.payload_ref == second.payload_ref == third.payload_ref == first.ref
    found = blocks(tmp_path / f"{PREFIX}-00000.warc.gz")
    revisit = found[5]
    assert revisit[0] == "revisit"
    assert revisit[2] == response(body, "X-N: 2")[: -len(body)]
    assert revisit[1]["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    assert revisit[1]["WARC-Refers-To-Target-URI"] == "https://e.example/0"
    assert revisit[1]["WARC-Refers-To-Date"] == found[1][1]["WARC-Date"]
    assert revisit[1]["WARC-Payload-Digest"] == found[1][1]["WARC-Payload-Digest"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (exchange("https://e.example/1", response(b"")), exchange("https://e.example/2", response(b""))),
        (exchange("https://e.example/1", response(b"gone", status="404 No"), status=404),) * 2,
        (exchange("https://e.example/1", response(b"part", status="206 Part"), status=206),) * 2,
        (exchange("https://e.example/1", response(b"cut", "Content-Length: 9", length=False), truncated="disconnect"),) * 2,
        (exchange("https://e.example/1", chunked(b"body")), exchange("https://e.example/2", response(b"body"))),
        (exchange("https://e.example/1", response(b"body")), exchange("https://e.example/2", response(b"body", "Content-Encoding: br"))),
    ],
    ids=["empty", "not found", "partial", "truncated", "chunks under a plain head", "other coding"],
)
def test_no_revisit_where_a_viewer_could_not_replay_it(tmp_path: Path, first, second) -> None:
    w = writer(tmp_path)
    assert [w.write_exchange(first).revisit, w.write_exchange(second).revisit] == [False, False]
    w.close()


def test_known_payloads_of_the_folder_are_revisited_by_the_next_file(tmp_path: Path) -> None:
    body = png(5, 5)
    w = writer(tmp_path)
    original = w.write_exchange(exchange("https://e.example/a", response(body)))
    w.close()
    later = writer(tmp_path, serial=1, known=reader.known([tmp_path]))
    again = later.write_exchange(exchange("https://e.example/a", response(body), at=START + timedelta(days=1)))
    assert later.close() == (f"{PREFIX}-00001.warc.gz",)
    assert again.revisit
    assert again.payload_ref == original.ref


def test_truncated_body_is_kept_and_marked(tmp_path: Path) -> None:
    raw = response(b"half", "Content-Length: 8", length=False)
    w = writer(tmp_path)
    w.write_exchange(exchange("https://e.example/", raw, truncated="length"))
    w.close()
    _, fields, block = blocks(tmp_path / f"{PREFIX}-00000.warc.gz")[1]
    assert fields["WARC-Truncated"] == "length"
    assert block == raw
    (archived,) = reader.responses([tmp_path])
    assert isinstance(archived, Archived)
    assert not archived.complete


def test_secrets_are_blanked_and_the_record_says_so(tmp_path: Path) -> None:
    request = b"GET / HTTP/1.1\r\nHost: e.example\r\nauthorization: Bearer s3cret\r\nCookie: id=s3cret\r\n\r\n"
    w = writer(tmp_path / "blank")
    w.write_exchange(exchange("https://e.example/", response(b"x"), request=request))
    w.close()
    kept = writer(tmp_path / "keep", keep_secrets=True)
    kept.write_exchange(exchange("https://e.example/", response(b"x"), request=request))
    kept.close()
    _, fields, block = blocks(tmp_path / "blank")[2]
    assert b"s3cret" not in block
    assert block.count(b"[blanked]") == 2
    assert fields["Archiver-Note"] == "values blanked: authorization, Cookie"
    assert blocks(tmp_path / "keep")[2][2] == request


def test_failure_is_a_metadata_record_that_reads_back(tmp_path: Path) -> None:
    target = Target("https://gone.example/x.jpg", (Link("https://gone.example/x.jpg", Role.IMAGE, 3, "", ""),))
    hop = Hop("https://gone.example/x.jpg", 301, START)
    w = writer(tmp_path)
    w.write_missed(Missed(target, (hop,), START, Reason.DNS_ERROR, "no such host\nreally", 3))
    w.close()
    kind, fields, block = blocks(tmp_path / f"{PREFIX}-00000.warc.gz")[1]
    assert (kind, fields["Content-Type"]) == ("metadata", "application/warc-fields")
    assert fields["WARC-Target-URI"] == "urn:missed:https://gone.example/x.jpg"
    assert b"via: 301 https://gone.example/x.jpg\r\n" in block
    (miss,) = reader.missed([tmp_path])
    assert (miss.url, miss.reason, miss.detail, miss.attempts, miss.at) == (target.url, Reason.DNS_ERROR, "no such host really", 3, START)


def test_failure_tells_no_password(tmp_path: Path) -> None:
    w = writer(tmp_path)
    w.write_missed(Missed(Target("https://me:s3cret@gone.example/x", ()), (), START, Reason.TIMEOUT, "too slow"))
    w.close()
    assert b"s3cret" not in gzip.decompress((tmp_path / f"{PREFIX}-00000.warc.gz").read_bytes())
    assert [miss.url for miss in reader.missed([tmp_path])] == ["https://gone.example/x"]


def test_record_is_readable_as_soon_as_it_is_written(tmp_path: Path) -> None:
    w = writer(tmp_path)
    for number in range(3):
        body = jpeg_like(70_000, number)
        stored = w.write_exchange(exchange(f"https://e.example/{number}", chunked(body)))
        assert reader.payload(tmp_path, stored.payload_ref) == body
        assert reader.payload(tmp_path / stored.ref.file, stored.payload_ref) == body
    assert not list(tmp_path.glob("*.warc.gz"))
    w.close()
    assert reader.payload(tmp_path / stored.ref.file, stored.payload_ref) == body


def test_rolls_over_between_groups_and_loses_nothing(tmp_path: Path) -> None:
    w = writer(tmp_path, max_size_bytes=30_000)
    bodies = {f"https://e.example/{n}": jpeg_like(9_000 + n, n) for n in range(10)}
    refs = {url: w.write_exchange(exchange(url, response(body))).ref for url, body in bodies.items()}
    big = w.write_exchange(exchange("https://e.example/big", response(jpeg_like(90_000, 77))))
    files = w.close()
    assert len(files) > 3
    assert [name[-13:-8] for name in files] == [f"{n:05d}" for n in range(len(files))]
    for name in files:
        kinds = [kind for kind, _, _ in blocks(tmp_path / name)]
        assert kinds[0] == "warcinfo"
        assert kinds.count("warcinfo") == 1
        assert (tmp_path / name).stat().st_size <= 30_000 or name == big.ref.file
    assert {url: reader.payload(tmp_path, ref) for url, ref in refs.items()} == bodies


def test_same_input_writes_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        w = writer(tmp_path / name)
        w.write_exchange(exchange("https://e.example/", response(b"hello" * 99)))
        w.write_resource("https://e.example/r", "text/plain", b"x")
        (file,) = w.close()
        made.append((tmp_path / name / file).read_bytes())
    assert made[0] == made[1]


def test_one_url_twice_in_a_second_gets_two_dates(tmp_path: Path) -> None:
    w = writer(tmp_path)
    w.write_exchange(exchange("https://e.example/", response(b"busy", status="503 Busy"), status=503))
    w.write_exchange(exchange("https://e.example/", response(b"fine")))
    w.close()
    dates = [fields["WARC-Date"] for kind, fields, _ in blocks(tmp_path / f"{PREFIX}-00000.warc.gz") if kind == "response"]
    assert dates == ["2026-11-22T17:41:00Z", "2026-11-22T17:41:01Z"]


@pytest.mark.parametrize("cut_bytes", [1, 9, 30, 200, 700, 1200, 5000])
def test_resume_trims_a_torn_end_and_goes_on(tmp_path: Path, cut_bytes: int) -> None:
    w = writer(tmp_path)
    urls = [f"https://e.example/{n}" for n in range(4)]
    for n, url in enumerate(urls):
        w.write_exchange(exchange(url, response(jpeg_like(900, n))))
    open_file = tmp_path / f"{PREFIX}-00000.warc.gz.open"
    os.truncate(open_file, open_file.stat().st_size - cut_bytes)
    again = resumed(open_file)
    have = {item.url for item in reader.responses([tmp_path]) if isinstance(item, Archived)}
    assert have == set(urls[: len(have)])
    assert len(have) < 4
    copy = again.write_exchange(exchange("https://e.example/copy", response(jpeg_like(900, 0))))
    assert copy.revisit == (urls[0] in have)
    for n, url in enumerate(urls):
        if url not in have:
            again.write_exchange(exchange(url, response(jpeg_like(900, n))))
    (name,) = again.close()
    found = list(reader.responses([tmp_path]))
    assert {item.url for item in found if isinstance(item, Archived)} == {*urls, "https://e.example/copy"}
    assert len({fields["WARC-Record-ID"] for _, fields, _ in blocks(tmp_path / name)}) == len(blocks(tmp_path / name))
    assert blocks(tmp_path / name)[0][0] == "warcinfo"


def test_response_without_its_request_counts_neither_before_nor_after_resuming(tmp_path: Path) -> None:
    w = writer(tmp_path)
    w.write_exchange(exchange("https://e.example/1", response(b"one" * 99)))
    second = w.write_exchange(exchange("https://e.example/2", response(b"two" * 99)))
    open_file = tmp_path / f"{PREFIX}-00000.warc.gz.open"
    os.truncate(open_file, second.ref.offset + second.ref.length + 20)
    urls = [[item.url for item in reader.responses([tmp_path]) if isinstance(item, Archived)]]
    urls.append([payload.url for payload in reader.known([tmp_path])])
    resumed(open_file).close()
    urls.append([item.url for item in reader.responses([tmp_path]) if isinstance(item, Archived)])
    assert urls == [["https://e.example/1"]] * 3


def test_resume_of_nothing_starts_afresh(tmp_path: Path) -> None:
    open_file = tmp_path / f"{PREFIX}-00002.warc.gz.open"
    open_file.write_bytes(b"\x1f\x8b\x08torn")
    w = resumed(open_file)
    w.write_resource("https://e.example/", "text/plain", b"x")
    assert w.close() == (f"{PREFIX}-00002.warc.gz",)
    assert [kind for kind, _, _ in blocks(tmp_path)] == ["warcinfo", "resource"]


def test_a_group_that_fails_is_taken_back(tmp_path: Path) -> None:
    class Failing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            Failing.reads += 1
            if Failing.reads > 3:
                raise OSError(28, "No space left on device")
            return super().read(1500)

    w = writer(tmp_path)
    good = w.write_exchange(exchange("https://e.example/good", response(b"good")))
    bad = exchange("https://e.example/bad", b"")
    object.__setattr__(bad, "response", Failing(response(jpeg_like(2500))))
    with pytest.raises(OutputError, match="No space left"):
        w.write_exchange(bad)
    w.close()
    assert [kind for kind, _, _ in blocks(tmp_path)] == ["warcinfo", "response", "request"]
    assert reader.payload(tmp_path, good.ref) == b"good"


def test_complete_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}-00000.warc.gz").write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists"):
        writer(tmp_path).write_resource("https://e.example/", "text/plain", b"x")
    assert (tmp_path / f"{PREFIX}-00000.warc.gz").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == [f"{PREFIX}-00000.warc.gz"]


def test_metadata_never_stands_under_the_url_of_a_picture(tmp_path: Path) -> None:
    w = writer(tmp_path)
    stored = w.write_exchange(exchange("https://e.example/a.png", response(png(2, 2))))
    with pytest.raises(ValueError, match=r"https://e\.example/a\.png"):
        w.write_metadata("https://e.example/a.png", "application/json", b"{}", refers_to=stored.ref)
    w.close()


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="cannot write"):
        writer(tmp_path / "file").write_resource("https://e.example/", "text/plain", b"x")
    with pytest.raises(OutputError, match="cannot go on"):
        resumed(tmp_path / f"{PREFIX}-00000.warc.gz.open")
