"""Archives as Heritrix 3 and Browsertrix write them, put together byte for byte by their published conventions.

Nothing of the program under test is used here. The files were not made by those programs: these are the conventions that their
sources and the archives shown in their issues tell (record order and fields of Heritrix's record builders; fields, digests, HTTP heads,
index and package of Browsertrix's recorder and of warcio.js).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.warc.making import png

FIRST, SECOND, CODED, FRAMED, SHOT = png(40, 30), png(50, 20), png(33, 44), png(21, 12), png(64, 48)
SITE = "http://site.example"
Field = tuple[str, str]


def _sha1(data: bytes) -> str:
    return f"sha1:{base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()}"


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _head(start: str, *fields: str) -> bytes:
    return "\r\n".join([start, *fields, "", ""]).encode()


def _member(version: str, fields: Sequence[Field], block: bytes, system: int) -> bytes:
    head = _head(version, *(f"{name}: {value}" for name, value in fields), f"Content-Length: {len(block)}")
    raw = bytearray(gzip.compress(head + block + b"\r\n\r\n", mtime=0))
    raw[9] = system
    return bytes(raw)


# --- Heritrix 3 -----------------------------------------------------------------------------------------------------

HERITRIX_NAME = "WEB-20260312101500123-00000-4242~crawler.example~8443.warc.gz"
_NOT_MODIFIED = "http://netpreserve.org/warc/1.0/revisit/server-not-modified"
_IDENTICAL = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"


class Heritrix:
    """WARC/1.0; no block digests; the response first, then its request and a `metadata` record under the same URL."""

    def __init__(self) -> None:
        self._ids = (f"<urn:uuid:70000000-0000-4000-8000-{number:012d}>" for number in itertools.count())
        self._seconds = itertools.count()
        self.members: list[bytes] = []
        info = (
            "software: Heritrix/3.4.0 http://crawler.archive.org\r\nip: 192.0.2.9\r\nhostname: crawler.example\r\n"
            "format: WARC File Format 1.0\r\nconformsTo: http://bibnum.bnf.fr/WARC/WARC_ISO_28500_version1_latestdraft.pdf\r\n"
            "isPartOf: web\r\nrobots: obey\r\nhttp-header-user-agent: Mozilla/5.0 (compatible; heritrix/3.4.0)\r\n\r\n"
        )
        self._record("warcinfo", "", "application/warc-fields", info.encode(), ("WARC-Filename", HERITRIX_NAME))

    def _record(self, kind: str, url: str, content_type: str, block: bytes, *fields: Field, date: str = "") -> tuple[str, str]:
        own, date = next(self._ids), date or f"2026-03-12T10:15:{next(self._seconds):02d}Z"
        named = [("WARC-Type", kind), *([("WARC-Target-URI", url)] if url else []), ("WARC-Date", date), *fields]
        named += [("WARC-Record-ID", own), *([("Content-Type", content_type)] if content_type else [])]
        self.members.append(_member("WARC/1.0", named, block, system=0))
        return own, date

    def name_lookup(self, host: str) -> None:
        self._record(
            "response", f"dns:{host}", "text/dns", f"20260312101500\n{host}.\t60\tIN\tA\t192.0.2.7\n".encode(), _from("192.0.2.53")
        )

    def fetch(self, url: str, block: bytes, content: bytes, *fields: Field) -> tuple[str, str]:
        """`content`: what the digest is taken of: all that follows the HTTP head."""
        digest = ("WARC-Payload-Digest", _sha1(content))
        own, date = self._record("response", url, "application/http; msgtype=response", block, digest, _from("192.0.2.7"), *fields)
        self._beside(url, own, date)
        return own, date

    def revisit(self, url: str, profile: str, block: bytes, *fields: Field) -> None:
        told = (("WARC-Profile", profile), ("WARC-Truncated", "length"), *fields)
        self._beside(url, *self._record("revisit", url, "application/http; msgtype=response", block, *told))

    def _beside(self, url: str, own: str, date: str) -> None:
        concurrent = ("WARC-Concurrent-To", own)
        asked = _head(f"GET /{url.split('/', 3)[3]} HTTP/1.0", "User-Agent: Mozilla/5.0", "Connection: close", "Host: site.example")
        self._record("request", url, "application/http; msgtype=request", asked, concurrent, date=date)
        noted = f"via: {SITE}/\r\nhopsFromSeed: E\r\nfetchTimeMs: 12\r\ncharsetForLinkExtraction: UTF-8\r\n\r\n".encode()
        self._record("metadata", url, "application/warc-fields", noted, concurrent, date=date)


def _from(address: str) -> Field:
    return ("WARC-IP-Address", address)


def heritrix() -> bytes:
    """A page with pictures, plain, coded and chunked; the same bytes again under another URL and later; a cut one; a missing one."""
    made = Heritrix()
    made.name_lookup("site.example")
    image, ok = "Content-Type: image/png", "HTTP/1.1 200 OK"
    rules = b"User-agent: *\nDisallow:\n"
    made.fetch(f"{SITE}/robots.txt", _head(ok, "Content-Type: text/plain") + rules, rules)
    page = b"<img src=first.png>"
    made.fetch(f"{SITE}/", _head(ok, "Content-Type: text/html") + page, page)
    head = _head(ok, image, f"Content-Length: {len(FIRST)}", 'ETag: "1"')
    own, date = made.fetch(f"{SITE}/first.png", head + FIRST, FIRST)
    original = (("WARC-Refers-To-Target-URI", f"{SITE}/first.png"), ("WARC-Refers-To-Date", date), ("WARC-Refers-To", own))
    made.revisit(f"{SITE}/copy.png", _IDENTICAL, head, ("WARC-Payload-Digest", _sha1(FIRST)), *original)
    made.revisit(f"{SITE}/chained.png", _IDENTICAL, head, *original)  # the newer record builders leave the digest out
    made.revisit(f"{SITE}/older.png", _IDENTICAL, head, ("WARC-Payload-Digest", _sha1(FIRST)))
    made.revisit(f"{SITE}/first.png", _NOT_MODIFIED, b"", ("WARC-Etag", '"1"'))
    coded = gzip.compress(CODED, mtime=0)
    made.fetch(f"{SITE}/coded.png", _head(ok, image, "Content-Encoding: gzip", f"Content-Length: {len(coded)}") + coded, coded)
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(FRAMED), FRAMED)
    made.fetch(f"{SITE}/framed.png", _head(ok, image, "Transfer-Encoding: chunked") + framed, framed)
    made.fetch(
        f"{SITE}/cut.png", _head(ok, image, f"Content-Length: {len(SECOND)}") + SECOND[:50], SECOND[:50], ("WARC-Truncated", "length")
    )
    made.fetch(f"{SITE}/gone.png", _head("HTTP/1.1 404 Not Found", "Content-Type: text/html") + b"gone", b"gone")
    return b"".join(made.members)


HERITRIX_PICTURES = {
    f"{SITE}/first.png": FIRST,
    f"{SITE}/copy.png": FIRST,
    f"{SITE}/chained.png": FIRST,
    f"{SITE}/older.png": FIRST,
    f"{SITE}/coded.png": CODED,
    f"{SITE}/framed.png": FRAMED,
}


# --- Browsertrix ----------------------------------------------------------------------------------------------------


@dataclass
class Browsertrix:
    """WARC/1.1; times with milliseconds; hexadecimal SHA-256; bodies as the browser decoded them, their codings renamed in the head."""

    name: str
    start: int = 0
    data: bytes = b""
    index: list[tuple[str, str]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        info = "software: Browsertrix-Crawler 1.6.0 (with warcio.js 2.4.4)\r\nformat: WARC File Format 1.1\r\n"
        self._record("warcinfo", "", "application/warc-fields", info.encode(), (("WARC-Filename", self.name),))

    def _record(
        self, kind: str, url: str, content_type: str, block: bytes, fields: Sequence[Field], payload: bytes | None = None, date: str = ""
    ) -> tuple[str, str]:
        number = next(self._numbers)
        own = f"<urn:uuid:{self.start:08d}-0000-4000-8000-{number:012d}>"
        date = date or f"2026-03-12T10:{self.start:02d}:{number:02d}.{123 + number}Z"
        named = [*fields, *([("WARC-Target-URI", url)] if url else []), ("WARC-Date", date), ("WARC-Type", kind)]
        named += [("WARC-Record-ID", own), ("Content-Type", content_type)]
        if payload is not None:
            named += [("WARC-Payload-Digest", _sha256(payload)), ("WARC-Block-Digest", _sha256(block))]
        member = _member("WARC/1.1", named, block, system=3)
        if kind in ("response", "revisit", "resource"):
            self._list(url, date, kind, content_type, block, payload, len(member))
        self.data += member
        return own, date

    def _list(self, url: str, date: str, kind: str, content_type: str, block: bytes, payload: bytes | None, length: int) -> None:
        moment = "".join(filter(str.isdigit, date))[:14]
        http = block.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n") if kind != "resource" else []
        types = [line.partition(": ")[2] for line in http if line.lower().startswith("content-type:")]
        told: dict[str, object] = {"url": url, "mime": "warc/revisit" if kind == "revisit" else (types or [content_type])[0]}
        told |= {"status": int(http[0].split(" ")[1])} if http else {}
        told |= {"digest": _sha256(payload)} if payload is not None else {}
        told |= {"length": length, "offset": len(self.data), "filename": self.name}
        key = "example,site)/" + url.split("/", 3)[3] if url.startswith("http") else url
        self.index.append((f"{key} {moment}", json.dumps(told, separators=(",", ":"))))

    def fetch(self, url: str, status: str, body: bytes, *fields: str, resource: str = "image", method: str = "GET") -> tuple[str, str]:
        block = _head(status, *fields) + body
        own, date = self._record("response", url, "application/http; msgtype=response", block, self._about(resource), body)
        self._ask(url, own, date, resource, method)
        return own, date

    def revisit(self, url: str, refers_to: str, date: str, body: bytes, *fields: str) -> None:
        block = _head("HTTP/1.1 200 OK", *fields)
        profile = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
        told = (("WARC-Profile", profile), ("WARC-Refers-To-Target-URI", refers_to), ("WARC-Refers-To-Date", date))
        own, at = self._record("revisit", url, "application/http; msgtype=response", block, (*self._about("image"), *told), body)
        self._ask(url, own, at, "image", "GET")

    def note(self, kind: str, url: str, content_type: str, body: bytes) -> None:
        self._record("resource", f"urn:{kind}:{url}", content_type, body, (), body)

    def _about(self, resource: str) -> tuple[Field, ...]:
        told = json.dumps({"ipType": "Public", "cert": {"issuer": "R3", "ctc": "1"}})
        return (
            ("WARC-Page-ID", "5910275c-800e-4687-b4f1-04bcc965406a"),
            ("WARC-Protocol", "h2, tls/1.3"),
            ("WARC-Resource-Type", resource),
            ("WARC-JSON-Metadata", told),
        )

    def _ask(self, url: str, own: str, date: str, resource: str, method: str) -> None:
        block = _head(f"{method} /{url.split('/', 3)[3]} HTTP/1.1", "sec-ch-ua-platform: Linux", "user-agent: Mozilla/5.0") + b""
        fields = (("WARC-Concurrent-To", own), self._about(resource)[0], ("WARC-Resource-Type", resource))
        self._record("request", url, "application/http; msgtype=request", block, fields, b"", date)


PAGE = f"{SITE}/"


def browsertrix() -> tuple[Browsertrix, Browsertrix, Browsertrix]:
    """Two WARCs of two browsers, and one of what was noted about the page: screenshots, text, what it loaded."""
    one = Browsertrix("rec-20260312101500123-0.warc.gz", 1)
    two = Browsertrix("rec-20260312101500456-1.warc.gz", 2)
    notes = Browsertrix("screenshots-20260312101500789.warc.gz", 3)
    image = "content-type: image/png"
    one.fetch(
        PAGE, "HTTP/1.1 200 OK", b"<img src=first.png>", "content-type: text/html", "x-orig-content-encoding: br", resource="document"
    )
    _, date = one.fetch(f"{SITE}/first.png", "HTTP/1.1 200 OK", FIRST, image, f"content-length: {len(FIRST)}")
    # What is streamed keeps the length that the server told, which is that of the coded body: it may be more or less than what is stored.
    one.fetch(f"{SITE}/coded.png", "HTTP/1.1 200 OK", CODED, image, "x-orig-content-encoding: gzip", f"content-length: {len(CODED) + 23}")
    one.fetch(f"{SITE}/shrunk.png", "HTTP/1.1 200 OK", SECOND, image, "x-orig-content-encoding: br", f"content-length: {len(SECOND) - 9}")
    one.fetch(f"{SITE}/framed.png", "HTTP/1.1 200 ", FRAMED, image, "x-orig-transfer-encoding: chunked")
    one.fetch(f"{SITE}/api", "HTTP/1.1 200 OK", b"{}", "content-type: application/json", resource="xhr", method="POST")
    one.fetch(f"{SITE}/old.png", "HTTP/1.1 301 Moved Permanently", b"", f"location: {SITE}/first.png")
    two.revisit(f"{SITE}/copy.png", f"{SITE}/first.png", date, FIRST, image, f"content-length: {len(FIRST)}")
    two.revisit(f"{SITE}/later.png", f"{SITE}/first.png", date[:19] + ".000Z", FIRST, image)  # after a way through fourteen digits
    two.fetch(f"{SITE}/gone.png", "HTTP/1.1 404 Not Found", b"gone", "content-type: text/html")
    notes.note("pageinfo", PAGE, "application/json", b'{"pageid": "5910275c", "urls": {}}')
    notes.note("text", PAGE, "text/plain", b"a page")
    notes.note("view", PAGE, "image/png", SHOT)
    notes.note("thumbnail", PAGE, "image/png", SHOT)
    return one, two, notes


BROWSERTRIX_PICTURES = {
    f"{SITE}/first.png": FIRST,
    f"{SITE}/coded.png": CODED,
    f"{SITE}/shrunk.png": SECOND,
    f"{SITE}/framed.png": FRAMED,
    f"{SITE}/copy.png": FIRST,
    f"{SITE}/later.png": FIRST,
}

_LINES_PER_BLOCK = 4


def _compressed_index(lines: list[str]) -> tuple[bytes, str]:
    data, places = b"", ['!meta 0 {"format":"cdxj-gzip-1.0","filename":"index.cdx.gz"}']
    for start in range(0, len(lines), _LINES_PER_BLOCK):
        block = gzip.compress("".join(lines[start : start + _LINES_PER_BLOCK]).encode(), mtime=0)
        told = {"offset": len(data), "length": len(block), "digest": _sha256(block), "filename": "index.cdx.gz"}
        places.append(f"{lines[start].partition(' {')[0]} {json.dumps(told)}")
        data += block
    return data, "\n".join(places) + "\n"


class _Stream(io.RawIOBase):
    """A file that cannot be sought in: what is written goes on to somebody at once, and sizes follow the data (APPNOTE 4.3.9)."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.data += bytes(data)
        return len(data)


def browsertrix_wacz(change: Callable[[dict[str, bytes]], None] = lambda _: None, *, digest: bool = True) -> bytes:
    """All of it as one WACZ. `change`: what is done to the files before they are listed."""
    warcs = browsertrix()
    lines = sorted(f"{key} {told}\n" for warc in warcs for key, told in warc.index)
    index, places = _compressed_index(lines)
    page = {"id": "5910275c", "url": PAGE, "title": "A page", "loadState": 4, "mime": "text/html", "seed": True, "status": 200, "depth": 0}
    more = {"id": "6920", "url": f"{SITE}/first.png", "loadState": 2, "status": 200, "ts": "2026-03-12T10:15:09.001Z", "depth": 1}
    files = {f"archive/{warc.name}": warc.data for warc in warcs}
    files |= {
        "indexes/index.cdx.gz": index,
        "indexes/index.idx": places.encode(),
        "pages/pages.jsonl": _json_lines(
            {"format": "json-pages-1.0", "id": "pages", "title": "Seed Pages", "hasText": "false"},
            {**page, "ts": "2026-03-12T10:15:03.003Z"},
        ),
        "pages/extraPages.jsonl": _json_lines({"format": "json-pages-1.0", "id": "extra", "title": "Non-Seed Pages"}, more),
        "logs/crawl-20260312101500.log": b'{"logLevel":"info","context":"general","message":"Seeds"}\n',
        "fuzzy.json": b'{"rules": []}',
    }
    change(files)
    resources = [
        {"name": name.split("/")[-1].lower(), "path": name, "bytes": len(data), "hash": _sha256(data)} for name, data in files.items()
    ]
    told = {"resources": resources, "created": "2026-03-12T10:16:00Z", "wacz_version": "1.1.1", "software": "Browsertrix-Crawler 1.6.0"}
    files["datapackage.json"] = json.dumps(told, indent=2).encode()
    if digest:
        attested = {"path": "datapackage.json", "hash": _sha256(files["datapackage.json"])}
        files["datapackage-digest.json"] = json.dumps(attested, indent=2).encode()
    out = _Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as wacz:
        for name, data in files.items():
            wacz.writestr(zipfile.ZipInfo(name, (2026, 3, 12, 10, 16, 0)), data)
    return out.data


def _json_lines(*rows: dict[str, object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
