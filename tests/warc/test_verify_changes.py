"""`verify` finds what somebody changed on purpose, with the digests made right again where they could be."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.warc.findings import Finding
from archiver.warc.verify import verify
from tests.warc.make_fixtures import NAME, ROOT, members, pack, rebuild, reindex, relisted, rezip, split

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def errors(path: Path) -> list[Finding]:
    return [finding for finding in verify(path, now=NOW) if finding.severity == "error"]


def base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode()


CHANGED = "https://a.example/a.png"


@pytest.mark.parametrize(
    ("old", "new", "severity", "words"),
    [
        (b"WARC-Target-URI: https://a.example/a.png", b"WARC-Target-URI: https://a.example/z.png", "error", "is of https://a.example/"),
        (b"WARC-IP-Address: 203.0.113.7", b"WARC-IP-Address: 203.0.113.8", "error", "is from 203.0.113."),
        (b"WARC-Date: 2026-11-22T17:41", b"WARC-Date: 2026-11-20T17:41", "error", "is dated 2026-11-2"),
        (b"WARC-Date: 2026-11-22T17:41:00", b"WARC-Date: 2026-11-22T17:41:01", "warning", "is dated 2026-11-22"),
    ],
)
def test_a_request_and_its_answer_are_one_event(tmp_path: Path, old: bytes, new: bytes, severity: str, words: str) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: request" in record and CHANGED.encode() in record)
    assert old in records[at]
    (tmp_path / NAME).write_bytes(pack([*records[:at], records[at].replace(old, new, 1), *records[at + 1 :]]))
    *more, finding = verify(tmp_path / NAME, now=NOW)
    assert (finding.severity, finding.kind) == (severity, "concurrent-to")
    assert words in finding.detail
    assert finding.record_id.encode() in records[at]
    assert [other.kind for other in more] == (["request"] if b"URI" in old else [])


def lines(name: bytes, value: bytes, more: bytes = b"") -> Callable[[bytes], bytes]:
    return lambda record: re.sub(rb"(" + name + rb": )[^\r]*", rb"\g<1>" + value + more, record, count=1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda record: record.replace(b"\r\n", b"\n", 1), ("error", "head")),
        (lambda record: record.replace(b"WARC-Date", b"WARC-Type: response\r\nWARC-Date", 1), ("error", "head")),
        (lines(b"WARC-Target-URI", b"<https://a.example/a.png>"), ("warning", "target")),
        (lines(b"WARC-IP-Address", b"203.0.113.777"), ("error", "ip")),
        (lines(b"\nContent-Type", b"text/plain"), ("warning", "content-type")),
        (lines(b"\nContent-Type", b"application/http; msgtype=request"), ("error", "content-type")),
        (lines(b"\nContent-Type", b"application/http", b"\r\nWARC-Truncated: length"), ("warning", "truncated")),
        (lines(b"WARC-Block-Digest", b"crc99:ABC"), ("error", "digest-missing")),
    ],
)
def test_heads_that_are_not_as_they_should_be(tmp_path: Path, change: Callable[[bytes], bytes], told: tuple[str, str]) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: response" in record and CHANGED.encode() in record)
    changed = change(records[at])
    assert changed != records[at]
    (tmp_path / NAME).write_bytes(pack([*records[:at], changed, *records[at + 1 :]]))
    found = [(finding.severity, finding.kind) for finding in verify(tmp_path / NAME, now=NOW)]
    assert told in found
    assert set(found) <= {told, ("error", "concurrent-to"), ("warning", "digest")}


@pytest.mark.parametrize("line", [b"GET http://a.example/%61.png HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT a.example:443 HTTP/1.1", b"?"])
def test_request_lines_of_others(tmp_path: Path, line: bytes) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: request" in record and CHANGED.encode() in record)
    head, block = split(records[at])
    records[at] = rebuild(head, line + block[block.index(b"\r\n") :])
    (tmp_path / NAME).write_bytes(pack(records))
    assert list(verify(tmp_path / NAME, now=NOW)) == []
    records[at] = rebuild(head, b"GET /b.png HTTP/1.1" + block[block.index(b"\r\n") :])
    (tmp_path / NAME).write_bytes(pack(records))
    (finding,) = verify(tmp_path / NAME, now=NOW)
    assert (finding.severity, finding.kind) == ("warning", "request")


def test_a_path_that_holds_an_address_is_the_path_that_was_asked_for(tmp_path: Path) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: request" in record and CHANGED.encode() in record)
    head, block = split(records[at])
    within = b"/fetch/http://b.example/b.png"
    asked = b"GET " + within + b" HTTP/1.1" + block[block.index(b"\r\n") :]
    records[at] = rebuild(head.replace(CHANGED.encode(), b"https://a.example" + within), asked)
    (tmp_path / NAME).write_bytes(pack(records))
    assert "request" not in [finding.kind for finding in verify(tmp_path / NAME, now=NOW) if finding.severity == "warning"]


def test_a_long_path_is_compared_at_once(tmp_path: Path) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: request" in record and CHANGED.encode() in record)
    head, block = split(records[at])
    records[at] = rebuild(head, b"GET /" + b"q" * 1_000_000 + b" HTTP/1.1" + block[block.index(b"\r\n") :])
    (tmp_path / NAME).write_bytes(pack(records))
    (finding,) = verify(tmp_path / NAME, now=NOW)
    assert finding.kind == "request"
    assert len(finding.line) < 2000


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("spelling", [bytes.hex, lambda raw: raw.hex().upper(), base32, lambda raw: base32(raw).lower().rstrip("=")])
def test_digests_however_they_are_spelt(tmp_path: Path, algorithm: str, spelling: Callable[[bytes], str]) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: response" in record and CHANGED.encode() in record)
    right = hashlib.new(algorithm, split(records[at])[1]).digest()
    for digest, expected in ((right, []), (right[::-1], ["block-digest"])):
        label = f"{algorithm}:{spelling(digest)}".encode()
        (tmp_path / NAME).write_bytes(pack([*records[:at], lines(b"WARC-Block-Digest", label)(records[at]), *records[at + 1 :]]))
        assert [finding.kind for finding in verify(tmp_path / NAME, now=NOW)] == expected


def test_dates_before_the_web(tmp_path: Path) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    records[0] = records[0].replace(b"WARC-Date: 2026", b"WARC-Date: 1926")
    (tmp_path / NAME).write_bytes(pack(records))
    assert [(finding.kind, finding.offset) for finding in errors(tmp_path / NAME)] == [("date", 0)]
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: resource" in record)
    records[at] = records[at].replace(b"WARC-Date: 2026", b"WARC-Date: 1980")
    (tmp_path / NAME).write_bytes(pack(records))
    assert [(finding.severity, finding.kind) for finding in verify(tmp_path / NAME, now=NOW)] == [("warning", "date")]


def test_a_file_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "other.warc.gz").write_bytes((ROOT / "good" / NAME).read_bytes())
    (finding,) = verify(tmp_path / "other.warc.gz", now=NOW)
    assert (finding.severity, finding.kind, finding.offset) == ("warning", "warcinfo", 0)
    assert NAME in finding.detail


def test_records_put_in_another_order(tmp_path: Path) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: revisit" in record)
    (tmp_path / NAME).write_bytes(pack([records[0], records[at], *records[1:at], *records[at + 1 :]]))
    (finding,) = verify(tmp_path / NAME, now=NOW)
    assert (finding.severity, finding.kind) == ("warning", "revisit")
    assert "another order" in finding.detail


def test_a_revisit_that_names_two_originals(tmp_path: Path) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: revisit" in record)
    other = next(record for record in records if b"WARC-Type: response" in record and b"c.example/c.png" in record)
    named = re.search(rb"WARC-Refers-To: <([^>]+)>", records[at])
    wrong = re.search(rb"WARC-Record-ID: <([^>]+)>", other)
    assert named
    assert wrong
    records[at] = records[at].replace(named[1], wrong[1])
    (tmp_path / NAME).write_bytes(pack(records))
    assert [(finding.kind, finding.detail) for finding in errors(tmp_path / NAME)] == [
        ("revisit", "WARC-Refers-To names another record than WARC-Refers-To-Target-URI and -Date")
    ]


def change_manifest(**values: object) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files["datapackage.json"] = json.dumps({**json.loads(files["datapackage.json"]), **values}).encode()
        relisted(files)

    return change


def change_places(change: Callable[[bytes], bytes]) -> Callable[[dict[str, bytes]], None]:
    def changed(files: dict[str, bytes]) -> None:
        files["indexes/index.idx"] = change(files["indexes/index.idx"])
        relisted(files)

    return changed


def list_twice(files: dict[str, bytes]) -> None:
    resources = json.loads(files["datapackage.json"])["resources"]
    change_manifest(resources=[*resources, resources[0]])(files)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (reindex(lambda index: index.replace(b'"mime": "warc/revisit"', b'"mime": "image/png"')), "index", "image/png"),
        (reindex(lambda index: index.replace(b'"mime": "image/png"', b'"mime": "text/html"', 1)), "index", "text/html"),
        (reindex(lambda index: index.replace(b'"digest": "sha256:UA', b'"digest": "AU')), "index", "the index says AU"),
        (reindex(lambda index: re.sub(rb"(?m)^example,a\)/a.png", b"example,a)/A.png", index)), "index", "under a key"),
        (reindex(lambda index: index + index.splitlines(keepends=True)[-1]), "index", "stand there twice"),
        (change_places(lambda places: places.splitlines(keepends=True)[0]), "index", "leads to 0 of"),
        (change_manifest(mainPageUrl="https://no.example/"), "pages", "main page https://no.example/"),
        (change_manifest(wacz_version=""), "manifest", "does not tell its version"),
        (list_twice, "manifest", "more than once"),
    ],
)
def test_a_wacz_that_says_otherwise(tmp_path: Path, change: Callable[[dict[str, bytes]], None], kind: str, words: str) -> None:
    (tmp_path / "x.wacz").write_bytes(rezip(change)((ROOT / "good" / "sample.wacz").read_bytes()))
    found = [finding for finding in errors(tmp_path / "x.wacz") if words in finding.detail]
    assert {finding.kind for finding in found} == {kind}


def test_digests_that_are_not_known_here_are_no_fault(tmp_path: Path) -> None:
    records = [re.sub(rb"Digest: sha256:", b"Digest: blake3:", record) for record in members((ROOT / "good" / NAME).read_bytes())]
    (tmp_path / NAME).write_bytes(pack(records))
    found = list(verify(tmp_path / NAME, now=NOW))
    assert {(finding.severity, finding.kind) for finding in found} == {("warning", "digest")}


@pytest.mark.parametrize(("version", "severity"), [(b"WARC/1.0", "warning"), (b"WARC/1.1", "error")])
def test_a_revisit_without_a_digest(tmp_path: Path, version: bytes, severity: str) -> None:
    records = members((ROOT / "good" / NAME).read_bytes())
    at = next(n for n, record in enumerate(records) if b"WARC-Type: revisit" in record)
    records[at] = re.sub(rb"WARC-Payload-Digest: [^\r]*\r\n", b"", records[at]).replace(b"WARC/1.1\r", version + b"\r", 1)
    (tmp_path / NAME).write_bytes(pack(records))
    (finding,) = verify(tmp_path / NAME, now=NOW)
    assert (finding.severity, finding.kind) == (severity, "revisit")
