"""What a WACZ adds to its WARCs and must get right: manifest, index, pages, and members that can be read in place (WACZ 1.1.1)."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from archiver.warc.check_index import IndexCheck
from archiver.warc.findings import Facts, Finding
from archiver.warc.package import Package
from archiver.warc.sources import ARCHIVE_FOLDER, ZIP_FAULTS, local_header
from archiver.warc.wacz import DATAPACKAGE, DATAPACKAGE_DIGEST, PAGES

PAGES_FOLDER = "pages/"
_UNLISTED = (DATAPACKAGE, DATAPACKAGE_DIGEST)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


class WaczCheck:
    """Checks one WACZ against the records that were read from it."""

    def __init__(self, package: Package) -> None:
        self._package = package

    def check(self, records: Iterable[Facts]) -> Iterator[Finding]:
        facts = list(records)
        yield from self._check_members()
        yield from self._check_manifest()
        yield from IndexCheck(self._package, facts).check()
        yield from self._check_pages({item.url for item in facts})

    def _check_members(self) -> Iterator[Finding]:
        for name, info in self._package.names.items():
            yield from self._check_header(name, info)
            if _in_place(name) and info.compress_type != zipfile.ZIP_STORED:
                yield self._package.error("deflated", name, "the file is compressed inside the WACZ; viewers cannot read it in place")
        if not any(name.startswith(ARCHIVE_FOLDER) for name in self._package.names):
            yield self._package.error("wacz", "", "the WACZ holds no WARC")

    def _check_header(self, name: str, info: zipfile.ZipInfo) -> Iterator[Finding]:
        """Some readers go by the header before a file, others by the directory at the end of the zip."""
        try:
            header = local_header(self._package.path, info)
        except zipfile.BadZipFile as error:
            yield self._package.error("damaged", name, str(error))
            return
        sizes = (info.compress_size, info.file_size)
        alike = header.method == info.compress_type and header.crc in (None, info.CRC) and header.sizes in (None, sizes)
        if not alike or (info.compress_type == zipfile.ZIP_STORED and sizes[0] != sizes[1]):
            yield self._package.error("zip-headers", name, "the two zip headers of the file contradict each other")
        elif _in_place(name) and header.data_offset != info.header_offset + 30 + len(info.filename.encode()) + len(info.extra):
            detail = "the two zip headers of the file differ in length; ReplayWeb.page then reads at the wrong place"
            yield self._package.warning("zip-headers", name, detail)

    # --- manifest ---------------------------------------------------------------------------------------------------

    def _check_manifest(self) -> Iterator[Finding]:
        manifest = self._package.manifest
        if manifest is None:
            yield self._package.error("manifest", DATAPACKAGE, "the manifest is missing or cannot be read")
            return
        yield from self._check_manifest_digest()
        told = manifest.get("resources")
        items = [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []
        listed = {str(item.get("path")): item for item in items}
        if len(listed) < len(items):
            yield self._package.error("manifest", DATAPACKAGE, "a file is listed more than once")
        if not manifest.get("wacz_version"):
            yield self._package.error("manifest", DATAPACKAGE, "the manifest does not tell its version")
        for name in self._package.names:
            if name not in listed and name not in _UNLISTED:
                yield self._package.error("manifest", name, "the file is not listed in the manifest")
        for name, item in listed.items():
            yield from self._check_resource(name, item)

    def _check_resource(self, name: str, item: dict[str, Any]) -> Iterator[Finding]:
        info = self._package.names.get(name)
        if info is None:
            yield self._package.error("manifest", name, "the manifest lists a file that is not in the WACZ")
            return
        algorithm, _, expected = str(item.get("hash", "")).partition(":")
        if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake"):
            yield self._package.error("manifest", name, f"the manifest gives no hash that can be checked: {item.get('hash')!r}")
            return
        digest = hashlib.new(algorithm, usedforsecurity=False)
        try:
            with self._package.wacz.open(info) as member:
                while chunk := member.read(1024 * 1024):
                    digest.update(chunk)
        except ZIP_FAULTS as error:
            yield self._package.error("damaged", name, f"the file in the WACZ is damaged: {error}")
            return
        if digest.hexdigest() != expected.lower():
            yield self._package.error("manifest", name, "the file is not the one whose hash stands in the manifest")
        if item.get("bytes") not in (None, info.file_size):
            yield self._package.error("manifest", name, f"the file has {info.file_size} bytes, the manifest says {item['bytes']}")

    def _check_manifest_digest(self) -> Iterator[Finding]:
        if DATAPACKAGE_DIGEST not in self._package.names:
            yield self._package.note(
                "manifest", DATAPACKAGE_DIGEST, "the digest of the manifest is missing; nothing tells whether that was changed"
            )
            return
        told = self._package.json(DATAPACKAGE_DIGEST) or {}
        raw = self._package.text(DATAPACKAGE) or b""
        if told.get("hash") != f"sha256:{hashlib.sha256(raw).hexdigest()}":
            yield self._package.error("manifest", DATAPACKAGE_DIGEST, "the manifest is not the one whose hash stands here")

    # --- pages ------------------------------------------------------------------------------------------------------

    def _check_pages(self, urls: set[str]) -> Iterator[Finding]:
        main = str((self._package.manifest or {}).get("mainPageUrl") or "").partition("#")[0]
        if main and main not in urls:
            yield self._package.note("pages", DATAPACKAGE, f"the main page {main} is not in the archive")
        if PAGES not in self._package.names:
            yield self._package.note("pages", PAGES, "there is no page list; viewers open nothing by themselves")
        for name in self._package.names:
            if name.startswith(PAGES_FOLDER) and name.endswith(".jsonl"):
                yield from self._check_page_list(name, urls)

    def _check_page_list(self, name: str, urls: set[str]) -> Iterator[Finding]:
        raw = self._package.text(name) or b""
        try:
            header, *pages = [json.loads(line) for line in raw.decode("utf-8").split("\n") if line.strip()]
            listed = [(str(page["url"]), str(page["ts"])) for page in pages]
        except (ValueError, KeyError, TypeError, RecursionError):
            yield self._package.error("pages", name, "the page list cannot be read")
            return
        if not isinstance(header, dict) or "format" not in header:
            yield self._package.error("pages", name, "the page list has no header line")
        for url, moment in listed:
            if url.partition("#")[0] not in urls:
                yield self._package.note("pages", name, f"the page {url} is not in the archive")
            if not _MOMENT.match(moment):
                yield self._package.error("pages", name, f"the page {url} has no date: {moment!r}")


def _in_place(name: str) -> bool:
    """Viewers read these at their offsets, without unpacking the WACZ."""
    return name.startswith(ARCHIVE_FOLDER) or name.endswith(".cdx.gz")
