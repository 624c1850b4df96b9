"""What a WACZ adds to its WARCs and must get right: manifest, index, pages, and members that can be read in place (WACZ 1.1.1)."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from archiver.warc.findings import Facts, Finding
from archiver.warc.records import RECORD_END, parse_digest, second_of
from archiver.warc.sources import ARCHIVE_FOLDER, ZIP_FAULTS, local_header
from archiver.warc.wacz import DATAPACKAGE, DATAPACKAGE_DIGEST, INDEX_PLACES, PAGES

MAX_TEXT_BYTES = 512 * 1024 * 1024
"""An index or manifest larger than this is not read."""

PAGES_FOLDER = "pages/"
_UNLISTED = (DATAPACKAGE, DATAPACKAGE_DIGEST)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


class WaczCheck:
    """Checks one WACZ against the records that were read from it."""

    def __init__(self, path: Path, label: str, wacz: zipfile.ZipFile) -> None:
        self._path = path
        self._label = label
        self._wacz = wacz
        self._names = {info.filename: info for info in wacz.infolist() if not info.filename.endswith("/")}
        self._manifest = self._json(DATAPACKAGE)
        self._ours = str((self._manifest or {}).get("software", "")).startswith("archiver")
        """What the standard leaves open is settled in what we write, so that its absence tells of a change."""

    def check(self, records: Iterable[Facts]) -> Iterator[Finding]:
        facts = list(records)
        yield from self._check_members()
        yield from self._check_manifest()
        yield from self._check_index(facts)
        yield from self._check_pages({item.url for item in facts})

    def _error(self, kind: str, member: str, detail: str) -> Finding:
        return Finding("error", kind, f"{self._label}/{member}" if member else self._label, None, "", detail)

    def _note(self, kind: str, member: str, detail: str) -> Finding:
        """An error in our own, a warning in those of others."""
        return self._error(kind, member, detail) if self._ours else Finding("warning", kind, f"{self._label}/{member}", None, "", detail)

    def _check_members(self) -> Iterator[Finding]:
        for name, info in self._names.items():
            yield from self._check_header(name, info)
            if _in_place(name) and info.compress_type != zipfile.ZIP_STORED:
                yield self._error("deflated", name, "the file is compressed inside the WACZ; viewers cannot read it in place")
        if not any(name.startswith(ARCHIVE_FOLDER) for name in self._names):
            yield self._error("wacz", "", "the WACZ holds no WARC")

    def _check_header(self, name: str, info: zipfile.ZipInfo) -> Iterator[Finding]:
        """Some readers go by the header before a file, others by the directory at the end of the zip."""
        try:
            header = local_header(self._path, info)
        except zipfile.BadZipFile as error:
            yield self._error("damaged", name, str(error))
            return
        sizes = (info.compress_size, info.file_size)
        alike = header.method == info.compress_type and header.crc in (None, info.CRC) and header.sizes in (None, sizes)
        if not alike or (info.compress_type == zipfile.ZIP_STORED and sizes[0] != sizes[1]):
            yield self._error("zip-headers", name, "the two zip headers of the file contradict each other")
        elif _in_place(name) and header.data_offset != info.header_offset + 30 + len(info.filename.encode()) + len(info.extra):
            detail = "the two zip headers of the file differ in length; ReplayWeb.page then reads at the wrong place"
            yield Finding("warning", "zip-headers", f"{self._label}/{name}", None, "", detail)

    def _text(self, name: str) -> bytes | None:
        info = self._names.get(name)
        if info is None or info.file_size > MAX_TEXT_BYTES:
            return None
        try:
            return self._wacz.read(name)
        except ZIP_FAULTS:
            return None

    def _json(self, name: str) -> dict[str, Any] | None:
        raw = self._text(name)
        try:
            value = json.loads(raw) if raw is not None else None
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    # --- manifest ---------------------------------------------------------------------------------------------------

    def _check_manifest(self) -> Iterator[Finding]:
        manifest = self._manifest
        if manifest is None:
            yield self._error("manifest", DATAPACKAGE, "the manifest is missing or cannot be read")
            return
        yield from self._check_manifest_digest()
        listed = {str(item.get("path")): item for item in manifest.get("resources", ()) if isinstance(item, dict)}
        for name in self._names:
            if name not in listed and name not in _UNLISTED:
                yield self._error("manifest", name, "the file is not listed in the manifest")
        for name, item in listed.items():
            yield from self._check_resource(name, item)

    def _check_resource(self, name: str, item: dict[str, Any]) -> Iterator[Finding]:
        info = self._names.get(name)
        if info is None:
            yield self._error("manifest", name, "the manifest lists a file that is not in the WACZ")
            return
        algorithm, _, expected = str(item.get("hash", "")).partition(":")
        if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake"):
            yield self._error("manifest", name, f"the manifest gives no hash that can be checked: {item.get('hash')!r}")
            return
        digest = hashlib.new(algorithm, usedforsecurity=False)
        try:
            with self._wacz.open(info) as member:
                while chunk := member.read(1024 * 1024):
                    digest.update(chunk)
        except ZIP_FAULTS as error:
            yield self._error("damaged", name, f"the file in the WACZ is damaged: {error}")
            return
        if digest.hexdigest() != expected.lower():
            yield self._error("manifest", name, "the file is not the one whose hash stands in the manifest")
        if item.get("bytes") not in (None, info.file_size):
            yield self._error("manifest", name, f"the file has {info.file_size} bytes, the manifest says {item['bytes']}")

    def _check_manifest_digest(self) -> Iterator[Finding]:
        if DATAPACKAGE_DIGEST not in self._names:
            yield self._note(
                "manifest", DATAPACKAGE_DIGEST, "the digest of the manifest is missing; nothing tells whether that was changed"
            )
            return
        told = self._json(DATAPACKAGE_DIGEST) or {}
        raw = self._text(DATAPACKAGE) or b""
        if told.get("hash") != f"sha256:{hashlib.sha256(raw).hexdigest()}":
            yield self._error("manifest", DATAPACKAGE_DIGEST, "the manifest is not the one whose hash stands here")

    # --- index ------------------------------------------------------------------------------------------------------

    def _check_index(self, records: list[Facts]) -> Iterator[Finding]:
        names = [name for name in self._names if name.startswith("indexes/") and name.endswith((".cdx.gz", ".cdx", ".cdxj"))]
        if not names:
            yield self._error("index", "indexes/", "the WACZ holds no index")
            return
        places = {(facts.warc, facts.offset): facts for facts in records}
        covered: set[tuple[str, int]] = set()
        for name in names:
            lines, finding = self._lines(name)
            if finding:
                yield finding
            if lines != sorted(lines):
                yield self._error("index", name, "the index is not sorted")
            for line in lines:
                yield from self._check_line(name, line, places, covered)
        for place, facts in places.items():
            if facts.type in ("response", "revisit", "resource") and facts.http | (facts.type == "resource") and place not in covered:
                yield facts.error("index", "the record is not in the index")
        yield from self._check_places()

    def _lines(self, name: str) -> tuple[list[bytes], Finding | None]:
        raw = self._text(name)
        try:
            if raw is None:
                raise ValueError
            text = gzip.decompress(raw) if name.endswith(".gz") else raw
        except (OSError, EOFError, ValueError, zlib.error):
            return [], self._error("index", name, "the index cannot be read")
        return [line for line in text.split(b"\n") if line and not line.startswith((b"!", b" CDX"))], None

    def _check_line(self, name: str, line: bytes, places: dict[tuple[str, int], Facts], covered: set[tuple[str, int]]) -> Iterator[Finding]:
        try:
            fields = json.loads(line.split(b" ", 2)[2])
            place = (Path(fields["filename"]).name, int(fields["offset"]))
            length, url = int(fields["length"]), str(fields["url"])
        except (IndexError, ValueError, KeyError, TypeError, RecursionError):
            yield self._error("index", name, f"an index line cannot be read: {line[:100]!r}")
            return
        facts = places.get(place)
        if facts is None:
            yield self._error("index", name, f"the index says that {url} stands in {place[0]} at {place[1]}; no record starts there")
            return
        covered.add(place)
        if facts.url.replace(" ", "%20") != url and fields.get("method", "GET") == "GET":
            yield self._error("index", name, f"the index says {url} for {place[0]} at {place[1]}; the record there is of {facts.url}")
        elif facts.length and length not in _lengths(facts):
            yield self._error("index", name, f"the index says {length} bytes for {url}; the record has {facts.length}")
        elif detail := _other_capture(line, fields, facts):
            yield self._error("index", name, f"the index says {detail} for {url}; the record does not")

    def _check_places(self) -> Iterator[Finding]:
        """Each line of index.idx must lead to a gzip member that begins with the line it names."""
        places = self._text(INDEX_PLACES)
        if places is None:
            return
        data = self._text("indexes/index.cdx.gz") or b""
        for line in places.decode("utf-8", "replace").splitlines():
            if line.startswith("!"):
                continue
            prefix, _, told = line.partition("{")
            try:
                at = json.loads("{" + told)
                block = zlib.decompress(data[at["offset"] : at["offset"] + at["length"]], wbits=31)
            except (ValueError, KeyError, TypeError, RecursionError, zlib.error):
                yield self._error("index", INDEX_PLACES, f"a block of the index cannot be found: {line[:100]}")
                continue
            if not block.startswith(prefix.strip().encode()):
                yield self._error("index", INDEX_PLACES, f"a block of the index begins with another line: {line[:100]}")

    # --- pages ------------------------------------------------------------------------------------------------------

    def _check_pages(self, urls: set[str]) -> Iterator[Finding]:
        if PAGES not in self._names:
            yield self._note("pages", PAGES, "there is no page list; viewers open nothing by themselves")
        for name in self._names:
            if name.startswith(PAGES_FOLDER) and name.endswith(".jsonl"):
                yield from self._check_page_list(name, urls)

    def _check_page_list(self, name: str, urls: set[str]) -> Iterator[Finding]:
        raw = self._text(name) or b""
        try:
            header, *pages = [json.loads(line) for line in raw.decode("utf-8").split("\n") if line.strip()]
            listed = [(str(page["url"]), str(page["ts"])) for page in pages]
        except (ValueError, KeyError, TypeError, RecursionError):
            yield self._error("pages", name, "the page list cannot be read")
            return
        if not isinstance(header, dict) or "format" not in header:
            yield self._error("pages", name, "the page list has no header line")
        for url, moment in listed:
            if url.partition("#")[0] not in urls:
                yield self._note("pages", name, f"the page {url} is not in the archive")
            if not _MOMENT.match(moment):
                yield self._error("pages", name, f"the page {url} has no date: {moment!r}")


def _other_capture(line: bytes, fields: dict[str, Any], facts: Facts) -> str:
    """Where an index line tells another time, status or payload than its record, in words."""
    moment = line.split(b" ", 2)[1].decode("ascii", "replace")
    if not second_of(facts.date).startswith(moment[:14]):
        return moment
    told = parse_digest(str(fields.get("digest", "")))
    if told and (declared := parse_digest(facts.payload_digest)) and told[0] == declared[0] and told != declared:
        return str(fields["digest"])
    status = str(fields.get("status", ""))
    return f"status {status}" if facts.status and status.isdigit() and int(status) != facts.status else ""


def _in_place(name: str) -> bool:
    """Viewers read these at their offsets, without unpacking the WACZ."""
    return name.startswith(ARCHIVE_FOLDER) or name.endswith(".cdx.gz")


def _lengths(facts: Facts) -> tuple[int, int]:
    """In an uncompressed WARC the tools leave the line ends behind the block out of the length."""
    return facts.length, facts.length - (0 if facts.warc.endswith(".gz") else len(RECORD_END))
