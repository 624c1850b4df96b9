"""WARCs -> one WACZ 1.1.1: the same files, stored as they are, with an index, a page list and a manifest, for viewers.

Written as `.part` and renamed when it is complete. The same input and the same clock make the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from archiver.errors import InputError, OutputError
from archiver.warc.cdxj import compress, index
from archiver.warc.records import warc_date
from archiver.warc.sources import ARCHIVE_FOLDER, Source

WACZ_VERSION = "1.1.1"
PART_SUFFIX = ".part"
INDEX_DATA = "indexes/index.cdx.gz"
INDEX_PLACES = "indexes/index.idx"
PAGES = "pages/pages.jsonl"
DATAPACKAGE = "datapackage.json"
DATAPACKAGE_DIGEST = "datapackage-digest.json"

_COPY_BYTES = 1024 * 1024
_GUESSED_SUFFIXES = (".json", ".csv", ".yaml")
"""Data-package validators guess from these names what a file is: a `report.json` must then be one of theirs. `type: file` says no."""


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the page list, from which viewers open the archive."""

    url: str
    title: str
    at: datetime
    """The `WARC-Date` of the record that holds the page."""
    text: str = ""
    """For the viewers' full-text search."""


@dataclass(frozen=True, slots=True)
class WaczInfo:
    """What the manifest says of the whole."""

    software: str
    title: str = ""
    description: str = ""


def write(
    folder: Path,
    name: str,
    warcs: Sequence[Path],
    *,
    pages: Sequence[Page],
    extra: Mapping[str, bytes | Path],
    info: WaczInfo,
    now: Callable[[], datetime],
) -> Path:
    """Writes `folder/name` over whatever WACZ stood there and returns its path; the first page is the main page.

    `warcs`: complete WARC files with distinct names. `extra`: path inside the WACZ -> content; each path is exactly one folder
    deep (`report/report.html`), because other validators know files no other way.
    Raises InputError when a WARC cannot be read, OutputError when the WACZ cannot be written, ValueError on a bad `extra` path.
    """
    for path in extra:
        if len(PurePosixPath(path).parts) != 2 or path.split("/")[0] in ("archive", "indexes", "pages"):
            raise ValueError(f"{path!r} is not exactly one folder of its own deep")
    final = folder / name
    part = final.with_name(name + PART_SUFFIX)
    try:
        _write_part(part, warcs, pages, extra, info, now().astimezone(UTC))
        part.replace(final)
    except OSError as error:
        raise OutputError(f"cannot write {final}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return final


def _write_part(
    part: Path, warcs: Sequence[Path], pages: Sequence[Page], extra: Mapping[str, bytes | Path], info: WaczInfo, at: datetime
) -> None:
    sources = [Source(path.name, path) for path in warcs]
    data, places = compress(index(sources), PurePosixPath(INDEX_DATA).name)
    with part.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, strict_timestamps=False) as wacz:
        package = _Package(wacz, at)
        for source in sources:
            with source.open() as warc:
                package.add(ARCHIVE_FOLDER + source.name, _chunks(warc), stored=True, expected_bytes=source.path.stat().st_size)
        package.add(INDEX_DATA, [data], stored=True)
        package.add(INDEX_PLACES, [places.encode("utf-8")])
        package.add(PAGES, [_page_list(pages)])
        for path, content in extra.items():
            package.add(path, [content] if isinstance(content, bytes) else _file_chunks(content))
        package.close(info, pages)


class _Package:
    """A zip whose members are listed with their hashes."""

    def __init__(self, wacz: zipfile.ZipFile, at: datetime) -> None:
        self._wacz = wacz
        self._at = at
        self._resources: list[dict[str, str | int]] = []

    def add(self, path: str, chunks: Iterator[bytes] | list[bytes], *, stored: bool = False, expected_bytes: int = 0) -> None:
        digest, size_bytes = self._put(path, chunks, stored, expected_bytes)
        name = PurePosixPath(path).name.lower()
        listed: dict[str, str | int] = {"name": name, "path": path, "hash": f"sha256:{digest}", "bytes": size_bytes}
        if PurePosixPath(path).suffix in _GUESSED_SUFFIXES:
            listed["type"] = "file"
        self._resources.append(listed)

    def close(self, info: WaczInfo, pages: Sequence[Page]) -> None:
        told = {
            "profile": "data-package",
            "resources": self._resources,
            "title": info.title,
            "description": info.description,
            "mainPageUrl": pages[0].url if pages else "",
            "mainPageDate": warc_date(pages[0].at) if pages else "",
            "created": warc_date(self._at),
            "wacz_version": WACZ_VERSION,
            "software": info.software,
        }
        manifest = _json({name: value for name, value in told.items() if value != ""})
        digest, _ = self._put(DATAPACKAGE, [manifest], stored=False)
        self._put(DATAPACKAGE_DIGEST, [_json({"path": DATAPACKAGE, "hash": f"sha256:{digest}"})], stored=False)

    def _put(self, path: str, chunks: Iterator[bytes] | list[bytes], stored: bool, expected_bytes: int = 0) -> tuple[str, int]:
        """`expected_bytes` decides whether the member gets ZIP64 fields. They must not be there without need: ReplayWeb.page takes
        the length of the local header from the central one, and then reads 20 bytes too early (seen in 2.5.3)."""
        entry = zipfile.ZipInfo(path, max(self._at, datetime(1980, 1, 1, tzinfo=UTC)).timetuple()[:6])
        entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        entry.file_size = expected_bytes
        digest, size_bytes = hashlib.sha256(), 0
        with self._wacz.open(entry, "w") as member:
            for chunk in chunks:
                digest.update(chunk)
                size_bytes += len(chunk)
                member.write(chunk)
        return digest.hexdigest(), size_bytes


def _page_list(pages: Sequence[Page]) -> bytes:
    """JSON lines (WACZ 1.1.1, "pages.jsonl"); the ids are made of what they name, so that they stay the same."""
    lines: list[dict[str, str | bool]] = [
        {"format": "json-pages-1.0", "id": "pages", "title": "Pages", "hasText": any(p.text for p in pages)}
    ]
    for page in pages:
        ts = warc_date(page.at)
        identity = hashlib.sha256(f"{ts} {page.url}".encode()).hexdigest()[:22]
        line: dict[str, str | bool] = {"id": identity, "url": page.url, "ts": ts, "title": page.title or page.url}
        lines.append({**line, "text": page.text} if page.text else line)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode("utf-8", "replace")


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_COPY_BYTES):
        yield chunk


def _file_chunks(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    with file:
        yield from _chunks(file)
