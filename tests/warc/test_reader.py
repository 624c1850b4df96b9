"""Any WARC comes back: ours, others', whole and broken."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archiver.errors import InputError
from archiver.model import Archived, Reason
from archiver.warc import reader
from archiver.warc.http import Dechunker, HttpBody
from archiver.warc.reader import Broken, Record
from archiver.warc.scan import scan_http
from archiver.warc.stream import read_records
from tests.warc.make_fixtures import ROOT
from tests.warc.making import PREFIX, chunked, exchange, jpeg_like, png, response, writer

BODIES = {f"https://e.example/{n}": jpeg_like(4000 + n, n) for n in range(5)}


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    w = writer(tmp_path / "ours")
    for url, body in BODIES.items():
        w.write_exchange(exchange(url, response(body, "Content-Type: image/jpeg")))
    w.close()
    return tmp_path / "ours" / f"{PREFIX}-00000.warc.gz"


def archived(path: Path) -> list[Archived]:
    return [item for item in reader.responses([path]) if isinstance(item, Archived)]


def broken(path: Path) -> list[Broken]:
    return [item for item in reader.responses([path]) if isinstance(item, Broken)]


def payloads(path: Path) -> dict[str, bytes]:
    with reader.PayloadReader() as payload_reader:
        return {item.url: payload_reader.payload(path, item.payload_ref) for item in archived(path)}


@pytest.mark.parametrize(
    ("body", "length", "coding", "complete"),
    [
        (png(40, 30), 60, "gzip", True),  # as written from a library that decodes on its own
        (png(40, 30), 6000, "gzip", True),
        (png(40, 30), 60, "", True),
        (png(40, 30), 6000, "", False),
        (gzip.compress(png(40, 30))[:-9], 6000, "gzip", False),
        (b"brotli, perhaps", 6000, "br", False),
    ],
)
def test_a_body_that_was_stored_decoded_is_not_taken_for_cut(tmp_path: Path, body: bytes, length: int, coding: str, complete: bool) -> None:
    head = [("Content-Type", "image/png"), ("Content-Length", str(length)), *([("Content-Encoding", coding)] if coding else [])]
    with (tmp_path / "x.warc.gz").open("wb") as file:
        made = WARCWriter(file)
        http = StatusAndHeaders("200 OK", head, protocol="HTTP/1.1")
        made.write_record(made.create_warc_record("https://e.example/1.png", "response", payload=io.BytesIO(body), http_headers=http))
    (found,) = archived(tmp_path / "x.warc.gz")
    assert found.complete is complete
    if complete:
        assert payloads(tmp_path / "x.warc.gz") == {"https://e.example/1.png": body}


@pytest.mark.parametrize("shape", ["member per record", "plain", "one member", "wacz stored", "wacz deflated", "folder"])
def test_every_shape_gives_the_same_payloads(ours: Path, tmp_path: Path, shape: str) -> None:
    path = ours
    plain = gzip.decompress(ours.read_bytes())
    match shape:
        case "plain":
            path = tmp_path / "x.warc"
            path.write_bytes(plain)
        case "one member":
            path = tmp_path / "x.warc.gz"
            path.write_bytes(gzip.compress(plain))
        case "wacz stored" | "wacz deflated":
            path = tmp_path / "x.wacz"
            method = zipfile.ZIP_STORED if shape.endswith("stored") else zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(path, "w", method) as wacz:
                wacz.writestr("pages/pages.jsonl", "{}")
                wacz.write(ours, f"archive/{ours.name}")
        case "folder":
            path = ours.parent
    assert payloads(path) == BODIES
    assert broken(path) == []


def test_one_big_member_is_read_backwards_too(ours: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(gzip.compress(gzip.decompress(ours.read_bytes())))
    found = archived(path)
    with reader.PayloadReader() as payload_reader:
        for item in [*found[::-1], *found[::-1]]:
            assert payload_reader.payload(path, item.ref) == BODIES[item.url]


def test_wacz_beside_its_warcs_counts_once(ours: Path) -> None:
    with zipfile.ZipFile(ours.parent / "x.wacz", "w") as wacz:
        wacz.write(ours, f"archive/{ours.name}")
    assert len(archived(ours.parent)) == len(BODIES)


def test_decodes_chunks_and_content_codings(tmp_path: Path) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 50
    raw_deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    codings = {
        "gzip": gzip.compress(svg),
        "x-gzip": gzip.compress(svg[:99]) + gzip.compress(svg[99:]),
        "deflate": zlib.compress(svg),
        "deflate,gzip": gzip.compress(zlib.compress(svg)),
        "identity": svg,
    }
    w = writer(tmp_path)
    for name, body in {**codings, "Deflate": raw_deflate.compress(svg) + raw_deflate.flush()}.items():
        stored = w.write_exchange(exchange(f"https://e.example/{name}", chunked(body, f"Content-Encoding: {name}", size=11)))
        assert reader.payload(tmp_path, stored.ref) == svg, name
        assert stored.size_bytes == len(svg)
    w.close()
    assert len({item.payload_sha256 for item in archived(tmp_path)}) == 1
    assert all(item.complete for item in archived(tmp_path))


@pytest.mark.parametrize(
    ("coding", "body", "reason", "why"),
    [
        ("br", b"\x0b\x02\x80hello\x03", Reason.UNSUPPORTED, "coding br "),
        ("gzip", b"\xff\xd8\xffno gzip at all", Reason.CORRUPT, "cannot be undone"),
        ("gzip, br", b"???", Reason.UNSUPPORTED, "coding br "),
        ("z\x1bz", b"???", Reason.UNSUPPORTED, "coding z?z "),
    ],
)
def test_what_cannot_be_decoded_is_known_by_its_sent_bytes(tmp_path: Path, coding: str, body: bytes, reason: Reason, why: str) -> None:
    w = writer(tmp_path)
    stored = w.write_exchange(exchange("https://e.example/", response(body, f"Content-Encoding: {coding}")))
    w.close()
    assert reader.payload(tmp_path, stored.ref) == body
    assert archived(tmp_path)[0].complete  # its own framing says so
    with reader.PayloadReader() as payloads:
        found = payloads.read(tmp_path, stored.ref)
    assert (found.data, found.reason) == (body, reason)
    assert why in found.undecoded


def test_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.warc.http.MAX_DECODED_BYTES", 100_000)
    bomb = gzip.compress(bytes(1_000_000))
    w = writer(tmp_path)
    stored = w.write_exchange(exchange("https://e.example/", response(bomb, "Content-Encoding: gzip")))
    w.close()
    assert reader.payload(tmp_path, stored.ref) == bomb


def test_what_swells_beyond_a_limit_stays_as_it_was_sent(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(1_000_000))
    w = writer(tmp_path)
    stored = w.write_exchange(exchange("https://e.example/", response(bomb, "Content-Encoding: gzip")))
    w.close()
    with reader.PayloadReader() as payloads:
        found = payloads.read(tmp_path, stored.ref, limit_bytes=100_000)
        assert (found.data, found.reason, found.undecoded) == (bomb, Reason.TOO_LARGE, "the body decodes to more than 100000 bytes")
        assert len(payloads.read(tmp_path, stored.ref).data) == 1_000_000
        with pytest.raises(InputError, match="larger"):
            payloads.payload(tmp_path, stored.ref, limit_bytes=100_000)


def test_payload_limit_is_told(ours: Path) -> None:
    with pytest.raises(InputError, match="larger"):
        reader.payload(ours, archived(ours)[0].ref, limit_bytes=100)


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 700), st.integers(1, 900))
def test_dechunking_undoes_chunking_in_any_portions(body: bytes, size: int, portion: int) -> None:
    raw = chunked(body, size=size, extension=';q="a;b"', trailer="X-T: 1")
    http = HttpBody()
    out = b""
    for start in range(0, len(raw), portion):
        out += b"".join(bytes(part) for part in http.feed(raw[start : start + portion]))
    out += b"".join(bytes(part) for part in http.finish())
    assert out == body
    assert http.complete


@settings(deadline=None)
@given(st.binary(max_size=500), st.integers(1, 50))
def test_no_body_breaks_the_dechunker(body: bytes, portion: int) -> None:
    dechunker = Dechunker()
    out = b"".join(bytes(dechunker.feed(body[start : start + portion])) for start in range(0, len(body), portion)) + dechunker.finish()
    if dechunker.raw:
        assert out == body
    else:
        assert len(out) < max(1, len(body))


def test_hostile_shapes_cost_no_more_than_their_size() -> None:
    """Each of these took minutes when something in the way was copied once for each of its small parts."""
    head = b"HTTP/1.1 200 OK\r\n"
    tiny_chunks = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"
    folded = head + b"X: 1\r\n" + b" y\r\n" * 200_000 + b"\r\nbody"
    empty_members = head + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"") * 50_000
    assert scan_http([tiny_chunks]).size_bytes == 100_000
    assert scan_http([folded]).size_bytes == 4
    assert "too many" in scan_http([empty_members]).undecoded
    record = b"WARC/1.1\r\nWARC-Type: resource\r\n" + b"A: b\r\n" * 200_000 + b"Content-Length: 0\r\n\r\n\r\n\r\n"
    assert [type(item) for item in read_records(io.BytesIO(record), "x")] == [Broken], "a head of more than 1 MiB"
    small = gzip.compress(b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 0\r\n\r\n\r\n\r\n") * 20_000
    assert sum(1 for _ in read_records(io.BytesIO(small), "x")) == 20_000


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_response_breaks_the_scan(junk: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"):
        scan = scan_http([start + junk])
        assert scan.block_bytes == len(start + junk)


def test_write_then_read_is_the_identity_for_any_response_bytes(tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
    def law(blocks: list[bytes]) -> None:
        folder = tmp_path_factory.mktemp("law")
        w = writer(folder)
        for number, block in enumerate(blocks):
            w.write_exchange(exchange(f"https://e.example/{number}", b"HTTP/1.1 404 No\r\n" + block, status=404))
        w.close()
        read = []
        for record in reader.records(folder):
            assert isinstance(record, Record)
            if record.type == "response":
                read.append(b"".join(record.pieces()))
        assert read == [b"HTTP/1.1 404 No\r\n" + block for block in blocks]

    law()


@settings(deadline=None)
@given(st.data())
def test_no_damage_raises_and_records_before_it_survive(data: st.DataObject) -> None:
    whole = _five_records()
    ends = [record.finish() for record in read_records(io.BytesIO(whole), "x") if isinstance(record, Record)]
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= data.draw(st.integers(1, 255))
    found = list(_ids(bytes(flipped)))
    untouched = [end.record_id for end in ends if not end.offset <= at < end.offset + end.length]
    assert [name for name in found if name in untouched] == untouched


@settings(deadline=None)
@given(st.integers(0, 3000))
def test_truncation_costs_the_last_record_only(length: int) -> None:
    whole = _five_records()
    ends = [record.finish() for record in read_records(io.BytesIO(whole), "x") if isinstance(record, Record)]
    length = min(length, len(whole))
    expected = [end.record_id for end in ends if end.offset + end.length <= length]
    assert list(_ids(whole[:length])) == expected


def _five_records() -> bytes:
    text = b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:x:%d>\r\nContent-Length: 40\r\n\r\n" + b"WARC" * 10 + b"\r\n\r\n"
    return b"".join(gzip.compress(text % number, mtime=0) for number in range(5))


def _ids(raw: bytes) -> list[str]:
    found = []
    for record in read_records(io.BytesIO(raw), "x"):
        if isinstance(record, Record) and not isinstance(end := record.finish(), Broken):
            found.append(end.record_id)
    return found


@pytest.mark.parametrize(
    "wrong", [b"Content-Length: 4\r\n", b"Content-Length: 99999\r\n", b"Content-Length: x\r\n", b"\r\n", b"Content-Length: 39\r\n"]
)
@pytest.mark.parametrize("shape", ["member per record", "plain", "one member"])
def test_wrong_content_length_costs_its_record_only(wrong: bytes, shape: str) -> None:
    members = [gzip.decompress(part) for part in _split(_five_records())]
    members[2] = members[2].replace(b"Content-Length: 40\r\n", wrong)
    match shape:
        case "plain":
            raw = b"".join(members)
        case "one member":
            raw = gzip.compress(b"".join(members))
        case _:
            raw = b"".join(map(gzip.compress, members))
    ids = _ids(raw)
    if shape == "one member" and b"9999" in wrong:  # it swallows the rest of the only member
        assert ids == ["urn:x:0", "urn:x:1"]
    else:
        assert ids == ["urn:x:0", "urn:x:1", "urn:x:3", "urn:x:4"]
    assert any(isinstance(item, Broken) for item in read_records(io.BytesIO(raw), "x"))


def _split(raw: bytes) -> list[bytes]:
    ends = [record.finish() for record in read_records(io.BytesIO(raw), "x") if isinstance(record, Record)]
    return [raw[end.offset : end.offset + end.length] for end in ends]


def test_revisits_resolve_across_files_in_any_order(tmp_path: Path) -> None:
    body = png(3, 3)
    w = writer(tmp_path / "z")
    w.write_exchange(exchange("https://e.example/a", response(body, "Content-Type: image/png")))
    w.close()
    w = writer(tmp_path / "a", prefix="later", known=reader.known([tmp_path / "z"]))
    w.write_exchange(exchange("https://e.example/b", response(body, "Content-Type: image/png")))
    w.close()
    late, early = reader.responses([tmp_path / "z", tmp_path / "a"]), reader.responses([tmp_path / "a", tmp_path / "z"])
    first, second = ({item.url: item for item in items if isinstance(item, Archived)} for items in (late, early))
    assert first == second
    revisit = first["https://e.example/b"]
    assert (revisit.kind, revisit.size_bytes, revisit.complete) == ("revisit", len(body), True)
    assert reader.payload(Path(revisit.payload_source), revisit.payload_ref) == body
    (dangling,) = reader.responses([tmp_path / "a"])
    assert isinstance(dangling, Broken)
    assert "not here" in dangling.detail


def test_a_file_may_get_its_final_name_while_it_is_read(tmp_path: Path) -> None:
    w = writer(tmp_path)
    stored = w.write_exchange(exchange("https://e.example/a", response(png(3, 3), "Content-Type: image/png")))
    (source,) = reader.open_archive(tmp_path / stored.ref.file)
    assert source.path.name.endswith(".open")
    w.close()
    assert [record.type for record in reader.records(source) if isinstance(record, Record)] == ["warcinfo", "response", "request"]


def test_reads_what_warcio_writes(tmp_path: Path) -> None:
    path = tmp_path / "foreign.warc.gz"
    with path.open("wb") as file:
        warcio = WARCWriter(file, gzip=True, warc_version="WARC/1.0")
        warcio.write_record(warcio.create_warcinfo_record("f", {"software": "x"}))
        head = StatusAndHeaders("200 OK", [("Content-Type", "image/png"), ("Location", "/x")], protocol="HTTP/1.0")
        original = warcio.create_warc_record("http://e.example/", "response", payload=io.BytesIO(png(2, 2)), http_headers=head)
        warcio.write_record(original)
        digest, date = original.rec_headers["WARC-Payload-Digest"], original.rec_headers["WARC-Date"]
        warcio.write_record(warcio.create_revisit_record("http://e.example/2", digest, "http://e.example/", date, head))
    first, second = archived(path)
    assert (first.status, first.content_type, first.location, first.kind) == (200, "image/png", "/x", "response")
    assert second.payload_sha256 == first.payload_sha256
    assert second.payload_ref == first.ref


@pytest.mark.parametrize("name", ["none.warc.gz", "text.txt", "bad.wacz"])
def test_what_is_no_archive_is_said_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "bad.wacz").write_bytes(b"PK\x03\x04 but no more")
    with pytest.raises(InputError, match=name):
        list(reader.responses([tmp_path / name]))


@pytest.mark.parametrize("path", sorted((ROOT / "good" / "foreign").glob("*.warc*")), ids=lambda path: path.name)
def test_pictures_in_the_archives_of_other_tools(path: Path) -> None:
    expected = {"/a.png": png(30, 20), "/b.png": png(30, 20), "/c.png": png(31, 20), "/q.png?u=https%3A%2F%2Fx%2Fy": png(32, 20)}
    found = {}
    for item in archived(path):
        if item.content_type == "image/png" and item.status == 200:
            found[item.url.removeprefix("http://127.0.0.1:18200")] = reader.payload(path, item.payload_ref)
    assert found == expected
    assert broken(path) == []
