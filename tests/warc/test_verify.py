"""`verify` finds every fault in the folder of broken archives and nothing in the sound ones."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.errors import InputError
from archiver.model import Archived
from archiver.warc import reader
from archiver.warc.findings import Finding
from archiver.warc.members import MEMBER_HEADER
from archiver.warc.records import IMAGE_URN
from archiver.warc.verify import verify
from tests.warc.make_fixtures import FAULTS, NAME, ROOT, Fault, make_all, members, pack, relisted, rezip
from tests.warc.making import START, exchange, ids, jpeg_like, response, writer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOOD = sorted(path for path in (ROOT / "good").rglob("*") if path.name.endswith((".warc", ".warc.gz", ".wacz")))


def errors(path: Path) -> list[Finding]:
    return [finding for finding in verify(path, now=NOW) if finding.severity == "error"]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_sound_archives_pass(path: Path) -> None:
    assert [finding.line for finding in errors(path)] == []


def test_our_own_archives_pass_without_a_word() -> None:
    assert [finding.line for finding in verify(ROOT / "good" / NAME, now=NOW)] == []
    assert [finding.line for finding in verify(ROOT / "good" / "sample.wacz", now=NOW)] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_finds_the_fault_and_nothing_else(fault: Fault) -> None:
    found = errors(ROOT / "broken" / fault.name)
    assert {finding.kind for finding in found} == set(fault.kinds), [finding.line for finding in found]


def test_a_finding_says_where(tmp_path: Path) -> None:
    (finding,) = errors(ROOT / "broken" / "wrong-block-digest.warc.gz")
    assert finding.file == "wrong-block-digest.warc.gz"
    assert finding.record_id.startswith("urn:uuid:")
    data = (ROOT / "broken" / finding.file).read_bytes()
    assert finding.offset is not None
    assert gzip.decompress(data[finding.offset :]).startswith(b"WARC/1.1")
    assert f"{finding.file} at {finding.offset} {finding.record_id}: " in finding.line


@pytest.mark.parametrize("place", ["first", "last"])
def test_damage_names_the_record_where_its_head_can_be_read(tmp_path: Path, place: str) -> None:
    raw = bytearray((ROOT / "good" / NAME).read_bytes())
    starts = [found.start() for found in re.finditer(re.escape(MEMBER_HEADER), raw)]
    record_id = re.search(rb"WARC-Record-ID: <([^>]+)>", members(bytes(raw))[2])
    assert record_id is not None
    raw[starts[2] + 12 if place == "first" else starts[3] - 1] ^= 0xFF
    (tmp_path / NAME).write_bytes(raw)
    found = next(finding for finding in verify(tmp_path / NAME, now=NOW) if finding.kind == "damaged")
    assert (found.offset, found.record_id) == (starts[2], "" if place == "first" else record_id[1].decode())
    following = [finding.detail for finding in verify(tmp_path / NAME, now=NOW) if record_id[1].decode() in finding.detail]
    assert following
    assert all(detail.endswith("which is not here" if place == "first" else "which is damaged") for detail in following)


def test_fixtures_are_what_the_script_makes(tmp_path: Path) -> None:
    """Golden: the format stands still. Members are compared inflated, because deflate libraries differ in their choices."""
    make_all(tmp_path)
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.relative_to(ROOT) for path in (ROOT / "broken").iterdir()} == {name for name in made if name.parts[0] == "broken"}
    golden = ROOT / "good" / NAME
    assert gzip.decompress(golden.read_bytes()) == gzip.decompress((tmp_path / "good" / NAME).read_bytes())
    with zipfile.ZipFile(ROOT / "good" / "sample.wacz") as old, zipfile.ZipFile(tmp_path / "good" / "sample.wacz") as new:
        assert old.namelist() == new.namelist()
        assert old.read("pages/pages.jsonl") == new.read("pages/pages.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive folder with a report, as a capture leaves it."""
    shutil.copy(ROOT / "good" / NAME, tmp_path)
    shutil.copy(ROOT / "good" / "sample.wacz", tmp_path)
    images = [
        {
            "url": item.url,
            "status": ("ok" if item.complete else "truncated") if item.status == 200 else "http_error",
            "http_status": item.status or None,
            "sha256": item.payload_sha256 or None,
            "bytes": item.size_bytes,
            "warc": {"file": item.ref.file, "offset": item.ref.offset, "length": item.ref.length, "record_id": item.ref.record_id},
        }
        for item in reader.responses([tmp_path / NAME])
        if isinstance(item, Archived)
    ]
    (tmp_path / "report.json").write_text(json.dumps({"warcs": [NAME], "images": [*images, GONE]}))
    return tmp_path


GONE = {"url": "https://gone.example/", "status": "dns_error", "http_status": None, "warc": None}


def change_image(folder: Path, number: int, **values: object) -> str:
    """Make the report say something else of one image; its URL."""
    report = json.loads((folder / "report.json").read_text())
    report["images"][number] |= values
    (folder / "report.json").write_text(json.dumps(report))
    return str(report["images"][number]["url"])


def test_sound_folder_passes(folder: Path) -> None:
    assert list(verify(folder, now=NOW)) == []


@pytest.mark.parametrize(("key", "value"), [("sha256", "0" * 64), ("offset", 1), ("record_id", "urn:uuid:none"), ("file", "x.warc.gz")])
def test_report_that_says_otherwise(folder: Path, key: str, value: object) -> None:
    report = json.loads((folder / "report.json").read_text())
    image = report["images"][1]
    (image if key == "sha256" else image["warc"])[key] = value
    (folder / "report.json").write_text(json.dumps(report))
    (finding,) = errors(folder)
    assert (finding.kind, finding.file) == ("report", "report.json")
    assert image["url"] in finding.detail


@pytest.mark.parametrize(
    ("number", "values", "words"),
    [
        (1, {"bytes": 7}, "bytes, the report says 7"),
        (1, {"http_status": 404}, "the server answered 200, the report says 404"),
        (1, {"http_status": None, "status": "dns_error"}, "the server answered 200, the report says None"),
        (5, {"status": "ok"}, "the report calls it ok, the server answered 301"),
        (1, {"warc": None}, "the report calls it ok and names no record"),
        (-1, {"status": "ok"}, "the report calls it ok and names no record"),
        (1, {"sha256": None}, "neither its hash nor its size"),
        (1, {"bytes": None}, "neither its hash nor its size"),
        (1, {"status": "http_error"}, "an error of the server's, which answered 200"),
        (1, {"hops": [{"url": "https://a.example/old", "status": 302}]}, "no record tells that https://a.example/old answered 302"),
        (2, {"url": "https://a.example/a.png"}, "it stands there twice"),
    ],
)
def test_report_of_other_answers_than_the_archive_holds(folder: Path, number: int, values: dict[str, object], words: str) -> None:
    url = change_image(folder, number, **values)
    (finding,) = errors(folder)
    assert (finding.kind, finding.file) == ("report", "report.json")
    assert finding.detail.startswith(url)
    assert words in finding.detail


def test_report_that_leaves_a_picture_out(tmp_path: Path) -> None:
    w = writer(tmp_path)
    stored = w.write_exchange(exchange("https://a.example/a.png", response(jpeg_like(99))))
    for number, url in enumerate(("https://a.example/before.png", "https://a.example/a.png", "https://a.example/b.png")):
        w.write_metadata(IMAGE_URN + url, "application/json", b"{}", refers_to=stored.ref, at=START + timedelta(minutes=min(number, 1)))
    (name,) = w.close()
    (tmp_path / "report.json").write_text(json.dumps({"warcs": [name], "images": [{"url": "https://a.example/a.png"}]}))
    (finding,) = errors(tmp_path)
    assert finding.detail == "https://a.example/b.png: in the archive and not in the report"


def test_report_of_files_and_groups_that_are_not_there(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    (folder / "report.json").write_text(
        json.dumps({**report, "clusters": [{"members": ["https://a.example/a.png", "https://no.example/"]}]})
    )
    assert [finding.detail for finding in errors(folder)] == [
        "https://no.example/: it stands in a group of copies and is none of the pictures"
    ]
    (folder / "report.json").write_text(json.dumps({**report, "warcs": [], "images": report["images"][1:2]}))
    (finding,) = errors(folder)
    assert finding.detail.endswith("its record stands in a file that the report does not name")


@pytest.mark.parametrize(
    ("name", "same_files", "severity"), [("report.json", True, "error"), ("clusters.csv", True, "error"), ("report.json", False, "warning")]
)
def test_the_report_in_the_wacz_is_the_one_beside_it(folder: Path, name: str, same_files: bool, severity: str) -> None:
    report = json.loads((folder / "report.json").read_text()) | {"wacz": "sample.wacz"}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "clusters.csv").write_text("a,b\n")

    def put(files: dict[str, bytes]) -> None:
        old = report if same_files else {**report, "warcs": []}
        files["report/report.json"], files["report/clusters.csv"] = json.dumps(old).encode(), b"a,b\n"
        manifest = json.loads(files["datapackage.json"])
        listed = {item["path"] for item in manifest["resources"]}
        manifest["resources"] += [{"path": path, "name": path[7:]} for path in files if path[:7] == "report/" and path not in listed]
        files["datapackage.json"] = json.dumps(manifest).encode()
        relisted(files)

    (folder / "sample.wacz").write_bytes(rezip(put)((folder / "sample.wacz").read_bytes()))
    if same_files:
        assert list(verify(folder, now=NOW)) == []
        (folder / name).write_text((folder / name).read_text() + " ")
    (finding,) = verify(folder, now=NOW)
    assert (finding.severity, finding.kind, finding.file) == (severity, "behind", f"sample.wacz/report/{name}")


@pytest.mark.parametrize(
    "text", ["{", "[" * 99999, "[]", "{}", '{"images": [1]}', '{"images": [], "warcs": [[]]}', '{"images": {}, "warcs": 1}']
)
def test_report_that_cannot_be_read(folder: Path, text: str) -> None:
    (folder / "report.json").write_text(text)
    assert [finding.kind for finding in errors(folder)] == ["report"]


def test_a_report_of_another_program_and_one_of_dedup(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    (folder / "report.json").write_text(json.dumps({**report, "warcs": [], "settings": {"inputs": [NAME]}}))
    assert list(verify(folder, now=NOW)) == []
    (folder / "report.json").write_text('{"score": 7}')
    assert list(verify(folder, now=NOW)) == []


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=3,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["warcs", "wacz", "unfinished", "settings", "clusters", "images"]),
    st.sampled_from(["url", "status", "http_status", "sha256", "bytes", "hops", "warc", "final_url"]),
    st.sampled_from(["file", "offset", "length", "record_id"]),
    ODD,
)
def test_whatever_a_report_says_is_told_not_raised(folder: Path, key: str, of_image: str, of_record: str, odd: object) -> None:
    whole = (folder / "report.json").read_text()
    report = json.loads(whole)
    image = report["images"][1]
    for changed in (
        {**report, key: odd},
        {**report, "images": [{**image, of_image: odd}]},
        {**report, "images": [{**image, "warc": {**image["warc"], of_record: odd}}]},
        {
            **report,
            "images": [{**image, "hops": [odd, {"url": odd, "status": odd}]}],
            "clusters": [odd, {"members": odd}, {"members": [odd]}],
        },
    ):
        (folder / "report.json").write_text(json.dumps(changed))
        list(verify(folder, now=NOW))
    (folder / "report.json").write_text(whole)


def test_swapped_warc_beside_the_wacz(folder: Path) -> None:
    (folder / "report.json").unlink()
    w = writer(folder / "other", prefix=NAME.removesuffix("-00000.warc.gz"))
    w.write_exchange(exchange("https://a.example/a.png", response(jpeg_like(99))))
    w.close()
    (folder / "other" / NAME).replace(folder / NAME)
    assert [finding.kind for finding in errors(folder)] == ["swapped"]


def test_a_wacz_of_an_earlier_capture_is_told(folder: Path) -> None:
    w = writer(folder, prefix="sample-20261123000000", new_id=ids(7000))
    w.write_exchange(exchange("https://a.example/z.png", response(jpeg_like(99))))
    (name,) = w.close()
    (finding,) = verify(folder, now=NOW)
    assert (finding.severity, finding.kind, finding.file) == ("warning", "behind", "sample.wacz")
    assert name in finding.detail


def test_unfinished_file_is_told(folder: Path) -> None:
    (folder / NAME).rename(folder / (NAME + ".open"))
    (folder / "sample.wacz").unlink()
    for path in (folder, folder / (NAME + ".open"), folder / NAME):
        (finding,) = verify(path, now=NOW)
        assert (finding.severity, finding.kind) == ("warning", "unfinished")


def test_a_lying_server_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    w = writer(tmp_path)
    w.write_exchange(exchange("https://a.example/1", response(b"plain", "Content-Encoding: gzip")))
    w.write_exchange(exchange("https://a.example/2", response(b"not chunked", "Transfer-Encoding: chunked")))
    w.write_exchange(exchange("https://a.example/3", b"SSH-2.0-OpenSSH\r\n", status=0))
    w.write_exchange(exchange("https://a.example/4", response(b"5\r\nhello\r\nzz\r\n", "Transfer-Encoding: chunked", length=False)))
    w.close()
    found = list(verify(tmp_path, now=NOW))
    assert [(finding.severity, finding.kind) for finding in found] == [("warning", "http")] * 4


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"WARC/1.1\r\n", b"PK\x03\x04"])
def test_fragments_of_archives_are_told_not_raised(tmp_path: Path, content: bytes) -> None:
    for name in ("x.warc.gz", "x.wacz"):
        (tmp_path / name).write_bytes(content)
        assert errors(tmp_path / name)


def test_the_profile_of_a_draft_is_known(tmp_path: Path) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    (tmp_path / NAME).write_bytes(pack([record.replace(b"netpreserve.org/warc/1.1/", b"netpreserve.org/warc/0.18/") for record in records]))
    assert errors(tmp_path / NAME) == []


@pytest.mark.parametrize("byte", [3, 4, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("unknown_system", [True, False], ids=["ours", "another program's"])
def test_a_changed_gzip_header_is_told(tmp_path: Path, byte: int, unknown_system: bool) -> None:
    """Flags, time and system of a member stand under no checksum, and nobody reads them. What differs between programs is no proof of
    a change in an archive of others."""
    raw = bytearray((ROOT / "good" / NAME).read_bytes())
    starts = [found.start() for found in re.finditer(re.escape(MEMBER_HEADER), raw)]
    for start in [] if unknown_system else starts:
        raw[start + 9] = 3
    (tmp_path / NAME).write_bytes(raw)
    assert list(verify(tmp_path / NAME, now=NOW)) == []
    raw[starts[2] + byte] ^= 1
    (tmp_path / NAME).write_bytes(raw)
    (finding,) = verify(tmp_path / NAME, now=NOW)
    severity = "error" if unknown_system or byte < 8 else "warning"
    assert (finding.severity, finding.kind, finding.offset) == (severity, "member-header", starts[2])


def test_members_of_two_programs_may_lie_in_one_file(tmp_path: Path) -> None:
    raw = bytearray((ROOT / "good" / NAME).read_bytes())
    starts = [found.start() for found in re.finditer(re.escape(MEMBER_HEADER), raw)]
    assert len(starts) >= 12
    for start in starts[:3]:
        raw[start + 8 : start + 10] = b"\x02\x03"
    (tmp_path / NAME).write_bytes(raw)
    assert [(finding.severity, finding.kind) for finding in verify(tmp_path / NAME, now=NOW)] == [("warning", "member-header")] * 3


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_done_to_an_archive_is_told_not_raised(tmp_path: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(GOOD))
    raw = bytearray(whole.read_bytes())
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=12)):
        raw[at] = value
    start, end = data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, len(raw)))
    path = tmp_path / ("x" + "".join(whole.suffixes[-2:]))
    path.write_bytes(raw[:start] + raw[end:])
    try:
        list(verify(path, now=NOW))
    except InputError:
        return


def test_zip_headers_that_contradict_each_other(tmp_path: Path) -> None:
    raw = bytearray((ROOT / "good" / "sample.wacz").read_bytes())
    with zipfile.ZipFile(io.BytesIO(raw)) as wacz:
        at = wacz.getinfo("pages/pages.jsonl").header_offset
    raw[at + 14] ^= 1  # the checksum before the data; the one in the directory stays
    (tmp_path / "x.wacz").write_bytes(raw)
    assert [(finding.kind, finding.file) for finding in errors(tmp_path / "x.wacz")] == [("zip-headers", "x.wacz/pages/pages.jsonl")]


def test_nothing_to_verify(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError):
            list(verify(path))


def test_every_kind_of_finding_is_documented() -> None:
    code = "".join(path.read_text() for path in (ROOT.parents[1] / "archiver" / "warc").glob("*.py"))
    kinds = set(re.findall(r'\b(?:error|warning|told|_error)\("([a-z-]+)",', code)) | set(re.findall(r'Finding\("\w+", "([a-z-]+)"', code))
    assert len(kinds) > 20
    documented = (ROOT.parents[1] / "docs" / "archive-format.md").read_text()
    assert {kind for kind in kinds if f"`{kind}`" not in documented} == set()
