"""Makes fixtures/warc: a good archive whose bytes hold the format still, and one small broken archive per fault.

    python tests/warc/run.py make_fixtures

Everything is made with a fixed clock and fixed ids. `good/foreign` is not made here: see its README.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from archiver.model import Hop, Missed, Reason, Target
from archiver.warc import wacz
from archiver.warc.records import digest_of, parse_fields
from archiver.warc.scan import scan_http
from tests.warc.making import START, chunked, clock, exchange, png, response, writer

ROOT = Path(__file__).resolve().parents[2] / "fixtures" / "warc"
NAME = "sample-20261122174100-00000.warc.gz"
PAGE = "https://post.example/sample/"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 0h9v9H0z'/></svg>" * 4
SECRET_REQUEST = b"GET /c.png HTTP/1.1\r\nHost: c.example\r\nCookie: id=secret\r\n\r\n"

Records = list[bytes]


def make_good(folder: Path) -> Path:
    """The sample archive and its WACZ; the WARC."""
    w = writer(folder, prefix=NAME.removesuffix("-00000.warc.gz"))
    mime = "Content-Type: image/png"
    w.write_resource(PAGE, "text/html; charset=utf-8", b"<!doctype html><title>Sample</title><img src='https://a.example/a.png'>")
    first = w.write_exchange(exchange("https://a.example/a.png", response(png(12, 8), mime)))
    w.write_exchange(
        exchange("https://a.example/b.svg", response(gzip.compress(SVG, mtime=0), "Content-Type: image/svg+xml", "Content-Encoding: gzip"))
    )
    w.write_exchange(
        exchange(
            "https://c.example/c.png", chunked(png(20, 10), mime, size=30, extension=";a=1"), request=SECRET_REQUEST, notes=("a note",)
        )
    )
    w.write_exchange(exchange("https://copy.example/a.png", response(png(12, 8), mime), at=START + timedelta(seconds=5)))
    moved = w.write_exchange(exchange("https://a.example/old", response(b"", "Location: /a.png", status="301 Moved"), status=301))
    w.write_exchange(
        exchange("https://a.example/cut.png", response(png(9, 9)[:40], mime, "Content-Length: 99", length=False), truncated="disconnect")
    )
    w.write_metadata("urn:image:1", "application/json", b'{"width": 12}', refers_to=first.ref)
    hop = Hop("https://a.example/old", 301, START, stored=moved)
    w.write_missed(Missed(Target("https://gone.example/d.png", ()), (hop,), START, Reason.DNS_ERROR, "the name does not exist", 3))
    w.write_resource(PAGE + "report.html", "text/html; charset=utf-8", b"<!doctype html><title>Report</title>")
    (name,) = w.close()
    pages = [wacz.Page(PAGE, "Sample", START, "text"), wacz.Page(PAGE + "report.html", "Report", START + timedelta(seconds=3))]
    info = wacz.WaczInfo(software="archiver/test", title="Sample")
    extra = {"report/report.html": b"<!doctype html><title>Report</title>", "report/report.json": b"{}"}
    wacz.write(folder, "sample.wacz", [folder / name], pages=pages, extra=extra, info=info, now=clock())
    return folder / name


# --- taking apart and putting together ------------------------------------------------------------------------------


def members(raw: bytes) -> Records:
    """The records of a WARC, inflated."""
    found = []
    while raw:
        inflate = zlib.decompressobj(31)
        found.append(inflate.decompress(raw))
        raw = inflate.unused_data
    return found


def pack(records: Records) -> bytes:
    return b"".join(gzip.compress(record, mtime=0) for record in records)


def split(record: bytes) -> tuple[bytes, bytes]:
    """(head without the empty line, block)"""
    head, _, rest = record.partition(b"\r\n\r\n")
    return head, rest[:-4]


def rebuild(head: bytes, block: bytes) -> bytes:
    """A record with Content-Length and digests that fit the block."""
    fields = parse_fields(head.partition(b"\r\n")[2])
    lines = [head.partition(b"\r\n")[0].decode()]
    for name, value in fields.items:
        fresh = {"Content-Length": str(len(block)), "WARC-Block-Digest": digest_of(block)}
        if fields.get("WARC-Type") == "response":
            fresh["WARC-Payload-Digest"] = scan_http([block]).payload_digest
        lines.append(f"{name}: {fresh.get(name, value)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def find(records: Records, kind: str, url: str) -> int:
    wanted = (f"WARC-Type: {kind}\r\n".encode(), f"WARC-Target-URI: {url}\r\n".encode())
    return next(n for n, record in enumerate(records) if all(line in record for line in wanted))


# --- faults in the WARC ---------------------------------------------------------------------------------------------


def flipped_inside(raw: bytes) -> bytes:
    at = raw.index(b"IDAT") + 6
    return raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :]


def flipped_outside(raw: bytes) -> bytes:
    """The first byte of the third gzip member's header."""
    at = len(raw) - len(_after(raw, 2))
    return raw[:at] + bytes([raw[at] ^ 0x01]) + raw[at + 1 :]


def _after(raw: bytes, count: int) -> bytes:
    for _ in range(count):
        inflate = zlib.decompressobj(31)
        inflate.decompress(raw)
        raw = inflate.unused_data
    return raw


def junk_between(raw: bytes) -> bytes:
    rest = _after(raw, 4)
    return raw[: len(raw) - len(rest)] + b"junk" + rest


def on_records(change: Callable[[Records], Records | None]) -> Callable[[bytes], bytes]:
    def changed(raw: bytes) -> bytes:
        records = members(raw)
        return pack(change(records) or records)

    return changed


def replace_in(kind: str, url: str, old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(records: Records) -> None:
        at = find(records, kind, url)
        assert old in records[at]
        records[at] = records[at].replace(old, new, 1)

    return on_records(change)


def without(kind: str, url: str, name: str) -> Callable[[Records], None]:
    """One field taken out of a record's head."""

    def change(records: Records) -> None:
        at = find(records, kind, url)
        head, block = split(records[at])
        lines = [line for line in head.split(b"\r\n") if not line.startswith(name.encode() + b":")]
        records[at] = b"\r\n".join(lines) + b"\r\n\r\n" + block + b"\r\n\r\n"

    return change


def remove(kind: str, url: str) -> Callable[[bytes], bytes]:
    return on_records(lambda records: [record for n, record in enumerate(records) if n != find(records, kind, url)])


def wrong_digest(name: bytes) -> Callable[[bytes], bytes]:
    def change(records: Records) -> None:
        at = find(records, "response", "https://a.example/a.png")
        start = records[at].index(name + b": sha256:") + len(name) + 9
        records[at] = records[at][:start] + b"AAAA" + records[at][start + 4 :]

    return on_records(change)


def dechunked(records: Records) -> None:
    at = find(records, "response", "https://c.example/c.png")
    head, block = split(records[at])
    http, _, _ = block.partition(b"\r\n\r\n")
    records[at] = rebuild(head, http + b"\r\n\r\n" + png(20, 10))


def decoded(records: Records) -> None:
    at = find(records, "response", "https://a.example/b.svg")
    head, block = split(records[at])
    http = block.partition(b"\r\n\r\n")[0].partition(b"\r\nContent-Length")[0]
    records[at] = rebuild(head, http + f"\r\nContent-Length: {len(SVG)}\r\n\r\n".encode() + SVG)


def duplicate_id(records: Records) -> None:
    records[-1] = records[-1].replace(records[-1].partition(b"<")[2][:45], records[1].partition(b"<")[2][:45], 1)


def revisit_of_revisit(records: Records) -> None:
    at = find(records, "revisit", "https://copy.example/a.png")
    second = records[at]
    for old, new in (
        (b"000000000009>", b"000000000077>"),
        (b"17:41:05Z", b"17:41:09Z"),
        (b"Refers-To-Target-URI: https://a", b"Refers-To-Target-URI: https://copy"),
        (b"Refers-To-Date: 2026-11-22T17:41:00Z", b"Refers-To-Date: 2026-11-22T17:41:05Z"),
    ):
        assert old in second
        second = second.replace(old, new, 1)
    records.append(second)


# --- faults in the WACZ ---------------------------------------------------------------------------------------------


def rezip(change: Callable[[dict[str, bytes]], None], method: int = zipfile.ZIP_STORED) -> Callable[[bytes], bytes]:
    def changed(raw: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(raw)) as old:
            files = {name: old.read(name) for name in old.namelist()}
        change(files)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as new:
            for name, content in files.items():
                new.writestr(zipfile.ZipInfo(name, (2026, 11, 22, 17, 41, 0)), content, compress_type=method)
        return out.getvalue()

    return changed


def relisted(files: dict[str, bytes]) -> None:
    """The manifest made right again after a change."""
    manifest = json.loads(files["datapackage.json"])
    for item in manifest["resources"]:
        content = files[item["path"]]
        item["hash"], item["bytes"] = f"sha256:{hashlib.sha256(content).hexdigest()}", len(content)
    files["datapackage.json"] = json.dumps(manifest).encode()
    digest = f"sha256:{hashlib.sha256(files['datapackage.json']).hexdigest()}"
    files["datapackage-digest.json"] = json.dumps({"path": "datapackage.json", "hash": digest}).encode()


def reindex(change: Callable[[bytes], bytes]) -> Callable[[dict[str, bytes]], None]:
    def changed(files: dict[str, bytes]) -> None:
        block = gzip.compress(change(gzip.decompress(files["indexes/index.cdx.gz"])), mtime=0)
        files["indexes/index.cdx.gz"] = block
        meta, place = files["indexes/index.idx"].decode().splitlines()
        place = place.partition("{")[0] + json.dumps({"offset": 0, "length": len(block)})
        files["indexes/index.idx"] = f"{meta}\n{place}\n".encode()
        relisted(files)

    return changed


def wrong_offset(index: bytes) -> bytes:
    lines = index.split(b"\n")
    at = next(n for n, line in enumerate(lines) if b"a.png" in line and b"image/png" in line)
    fields = json.loads(lines[at].split(b" ", 2)[2])
    lines[at] = lines[at].replace(f'"offset": "{fields["offset"]}"'.encode(), f'"offset": "{int(fields["offset"]) + 1}"'.encode())
    return b"\n".join(lines)


def swapped(files: dict[str, bytes]) -> None:
    """Another sound WARC under the same name."""
    with tempfile.TemporaryDirectory() as folder:
        w = writer(Path(folder), prefix="other")
        w.write_exchange(exchange("https://a.example/a.png", response(png(3, 3), "Content-Type: image/png")))
        files[f"archive/{NAME}"] = (Path(folder) / w.close()[0]).read_bytes()


def drop(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        del files[name]

    return change


def tampered_page(files: dict[str, bytes]) -> None:
    files["pages/pages.jsonl"] += b'{"url": "https://elsewhere.example/", "ts": "2026-11-22T17:41:00Z"}\n'


def damaged_pages(files: dict[str, bytes]) -> None:
    files["pages/pages.jsonl"] = b"no list"
    relisted(files)


@dataclass(frozen=True)
class Fault:
    """One broken archive: how it is made of the good one, and what `verify` must say of it."""

    name: str
    make: Callable[[bytes], bytes]
    kinds: tuple[str, ...]
    """The kinds of error that must be found; no other may be."""


A, B, COPY, CUT = (f"https://{name}" for name in ("a.example/a.png", "a.example/b.svg", "copy.example/a.png", "a.example/cut.png"))

FAULTS = (
    Fault("flipped-byte-inside-member.warc.gz", flipped_inside, ("damaged", "concurrent-to", "refers-to", "revisit")),
    Fault("flipped-byte-outside-member.warc.gz", flipped_outside, ("damaged", "concurrent-to", "refers-to", "revisit")),
    Fault("junk-between-members.warc.gz", junk_between, ("damaged",)),
    Fault("truncated.warc.gz", lambda raw: raw[:-60], ("damaged",)),
    Fault("wrong-block-digest.warc.gz", wrong_digest(b"WARC-Block-Digest"), ("block-digest",)),
    Fault("wrong-payload-digest.warc.gz", wrong_digest(b"WARC-Payload-Digest"), ("payload-digest", "revisit")),
    Fault("unreadable-digest.warc.gz", replace_in("resource", PAGE, b"Block-Digest: sha256:", b"Block-Digest: sha256:!"), ("digest",)),
    Fault("bare-record-id.warc.gz", replace_in("resource", PAGE + "report.html", b"Record-ID: <", b"Record-ID: "), ("record-id",)),
    Fault("dechunked-body.warc.gz", on_records(dechunked), ("http",)),
    Fault("decoded-body.warc.gz", on_records(decoded), ("http",)),
    Fault("one-member.warc.gz", lambda raw: gzip.compress(gzip.decompress(raw), mtime=0), ("member",)),
    Fault("missing-request.warc.gz", remove("request", A), ("request",)),
    Fault("missing-response.warc.gz", remove("response", B), ("concurrent-to",)),
    Fault("duplicate-id.warc.gz", on_records(duplicate_id), ("record-id",)),
    Fault(
        "dangling-revisit.warc.gz",
        replace_in("revisit", COPY, b"To-Target-URI: https://a", b"To-Target-URI: https://z"),
        ("revisit",),
    ),
    Fault("revisit-of-revisit.warc.gz", on_records(revisit_of_revisit), ("request", "revisit")),
    Fault("missing-warcinfo.warc.gz", on_records(lambda records: records[1:]), ("warcinfo",)),
    Fault("future-date.warc.gz", replace_in("resource", PAGE, b"WARC-Date: 2026", b"WARC-Date: 2062"), ("date",)),
    Fault("no-date.warc.gz", replace_in("resource", PAGE, b"WARC-Date: 2026-11-22T", b"WARC-Date: 2026-11-22 "), ("date",)),
    Fault("unmarked-cut.warc.gz", replace_in("response", CUT, b"WARC-Truncated: disconnect\r\n", b""), ("http-cut",)),
    Fault("wrong-content-length.warc.gz", replace_in("resource", PAGE, b"Content-Length: 7", b"Content-Length: 8"), ("damaged",)),
    Fault("missing-line-end.warc.gz", on_records(lambda records: [*records[:-1], records[-1][:-2]]), ("record-end",)),
    Fault("misspelt-profile.warc.gz", replace_in("revisit", COPY, b"identical-payload", b"identical-payloads"), ("revisit",)),
    Fault("revisit-without-date.warc.gz", on_records(without("revisit", COPY, "WARC-Refers-To-Date")), ("revisit",)),
    Fault(
        "dangling-metadata.warc.gz",
        replace_in("metadata", "urn:image:1", b"Refers-To: <urn:uuid:0", b"Refers-To: <urn:uuid:f"),
        ("refers-to",),
    ),
    Fault("no-block-digest.warc.gz", on_records(without("response", A, "WARC-Block-Digest")), ("digest-missing",)),
    Fault("no-payload-digest.warc.gz", on_records(without("response", A, "WARC-Payload-Digest")), ("digest-missing",)),
    Fault("unknown-version.warc.gz", replace_in("resource", PAGE, b"WARC/1.1", b"WARC/9.9"), ("version",)),
    Fault("missing-manifest-digest.wacz", rezip(drop("datapackage-digest.json")), ("manifest",)),
    Fault("wrong-cdxj-offset.wacz", rezip(reindex(wrong_offset)), ("index",)),
    Fault("wrong-cdxj-time.wacz", rezip(reindex(lambda index: index.replace(b" 20261122174105 ", b" 20261122174106 "))), ("index",)),
    Fault("wrong-cdxj-status.wacz", rezip(reindex(lambda index: index.replace(b'"status": "301"', b'"status": "200"'))), ("index",)),
    Fault(
        "wrong-cdxj-digest.wacz",
        rezip(reindex(lambda index: index.replace(b'"digest": "sha256:UA', b'"digest": "sha256:AU'))),
        ("index",),
    ),
    Fault("unsorted-index.wacz", rezip(reindex(lambda index: b"\n".join(index.split(b"\n")[-2::-1]) + b"\n")), ("index",)),
    Fault("deflated.wacz", rezip(lambda files: None, zipfile.ZIP_DEFLATED), ("deflated",)),
    Fault("swapped-warc.wacz", rezip(swapped), ("manifest", "index", "pages")),
    Fault("tampered-page.wacz", rezip(tampered_page), ("manifest", "pages")),
    Fault("missing-pages.wacz", rezip(drop("pages/pages.jsonl")), ("manifest", "pages")),
    Fault("damaged-pages.wacz", rezip(damaged_pages), ("pages",)),
    Fault("missing-manifest.wacz", rezip(drop("datapackage.json")), ("manifest",)),
)


def make_all(root: Path) -> None:
    shutil.rmtree(root / "broken", ignore_errors=True)
    (root / "broken").mkdir(parents=True)
    for path in (root / "good").glob("sample*"):
        path.unlink()
    warc = make_good(root / "good").read_bytes()
    packed = (root / "good" / "sample.wacz").read_bytes()
    for fault in FAULTS:
        (root / "broken" / fault.name).write_bytes(fault.make(packed if fault.name.endswith(".wacz") else warc))


if __name__ == "__main__":
    make_all(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
