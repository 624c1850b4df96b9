"""Is this archive what it says? For any WARC, WACZ or archive folder, ours or another's.

Reads every byte once, in constant memory but for a line of facts per record. Findings come in the order of the file; what can
only be said when all records are known comes last.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from archiver.errors import InputError
from archiver.warc.check_links import Ledger
from archiver.warc.check_record import check_record
from archiver.warc.check_report import REPORT, check_copy, check_report, missing_files
from archiver.warc.check_wacz import WaczCheck
from archiver.warc.findings import Finding
from archiver.warc.members import MEMBER_HEADER
from archiver.warc.package import Package
from archiver.warc.sources import ARCHIVE_FOLDER, OPEN_SUFFIX, WACZ_SUFFIX, WARC_SUFFIXES, ZIP_FAULTS, Source, open_archive
from archiver.warc.stream import Broken, Record, read_records

__all__ = ["Finding", "verify"]

_TIME = slice(4, 8)
"""MTIME in a gzip header (RFC 1952 section 2.3.1); behind it XFL and OS, which differ between programs."""


def verify(path: Path, *, now: datetime | None = None) -> Iterator[Finding]:
    """Everything that is wrong with the archive, or worth knowing; nothing when it is sound.

    `now` (aware): the moment after which a record is dated in the future. Raises InputError when there is nothing to verify.
    """
    moment = now or datetime.now(UTC)
    if path.is_dir():
        yield from _verify_folder(path, moment)
    elif path.name.endswith(WACZ_SUFFIX) or _is_zip(path):
        yield from _verify_wacz(path, moment)
    else:
        ledger = Ledger()
        for source in open_archive(path):
            yield from _unfinished(source.path)
            yield from _verify_warc(source, source.name, ledger, moment)
        yield from ledger.check()


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _unfinished(path: Path) -> Iterator[Finding]:
    if path.name.endswith(OPEN_SUFFIX):
        yield Finding("warning", "unfinished", path.name, None, "", "the file is not complete: a capture is running or was broken off")


def _verify_warc(source: Source, label: str, ledger: Ledger, now: datetime) -> Iterator[Finding]:
    shared, seen = 0, 0
    headers: dict[bytes, list[int]] = {}
    with source.open() as file:
        plain = not file.read(2).startswith(b"\x1f\x8b")
        for record in read_records(file, source.name):
            if isinstance(record, Broken):
                ledger.add_damaged(record.record_id)
                yield Finding("error", "damaged", label, record.offset, record.record_id, record.detail)
                continue
            seen += 1
            if record.opens_member and not plain:
                headers.setdefault(record.member_header, []).append(record.offset)
            facts, findings = check_record(record, label, now)
            yield from findings
            if facts is not None:
                shared += 0 if plain or _own_member(record) else 1
                yield from ledger.add(facts)
    yield from _odd_headers(headers, label)
    if shared:
        detail = f"{shared} records do not have a gzip member of their own; viewers cannot read them in place (annex D.2)"
        yield Finding("error", "member", label, 0, "", detail)
    if not seen:
        yield Finding("error", "empty", label, None, "", "the file holds no record")


_SAME_CHANGE_MAX = 3
"""As many members with one and the same odd header were written so: files may be put together by laying one behind the other."""


def _odd_headers(headers: dict[bytes, list[int]], label: str) -> Iterator[Finding]:
    """A gzip header has fields that no checksum covers and no reader needs (RFC 1952 section 2.3.1): one program fills them alike."""
    usual = max(headers, key=lambda header: len(headers[header]), default=b"")
    odd = {header: offsets for header, offsets in headers.items() if header != usual}
    if sum(map(len, odd.values())) * 3 > len(headers.get(usual, ())):
        return  # a program that fills them as it goes, or a file put together
    for header, offsets in odd.items():
        timeless = usual[_TIME] == bytes(4) and header[_TIME.stop :] == usual[_TIME.stop :]
        changed = usual == MEMBER_HEADER or timeless  # the first is ours; the second gives no member a time, and did not give this one
        changed = changed and len(offsets) < _SAME_CHANGE_MAX
        why = "it was changed" if changed else "another program wrote it, or it was changed"
        for offset in offsets:
            detail = f"the gzip header of this member is unlike all others: {why}"
            yield Finding("error" if changed else "warning", "member-header", label, offset, "", detail)


def _own_member(record: Record) -> bool:
    return record.opens_member and record.closes_member


# --- WACZ -----------------------------------------------------------------------------------------------------------


def _verify_wacz(path: Path, now: datetime) -> Iterator[Finding]:
    try:
        sources = open_archive(path)
        wacz = zipfile.ZipFile(path)
    except (InputError, *ZIP_FAULTS) as error:
        yield Finding("error", "wacz", path.name, None, "", str(error))
        return
    ledger = Ledger()
    with wacz:
        for source in sources:
            yield from _verify_warc(source, f"{path.name}/{ARCHIVE_FOLDER}{source.name}", ledger, now)
        yield from ledger.check()
        yield from WaczCheck(Package(path, path.name, wacz)).check(ledger.records)


# --- folders --------------------------------------------------------------------------------------------------------


def _verify_folder(folder: Path, now: datetime) -> Iterator[Finding]:
    """Each folder that holds archive files is one archive: its WARCs together, each WACZ by itself, and the report over them."""
    found = False
    for place in sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())}):
        files = sorted(path for path in place.iterdir() if path.is_file())
        warcs = [path for path in files if path.name.endswith(WARC_SUFFIXES)]
        waczs = [path for path in files if path.name.endswith(WACZ_SUFFIX)]
        found = found or bool(warcs or waczs)
        yield from _verify_warcs(warcs, now)
        yield from missing_files(place / REPORT, {path.name.removesuffix(OPEN_SUFFIX) for path in files})
        for path in waczs:
            yield from _verify_wacz(path, now)
            yield from _compare_with_wacz(path, warcs)
            yield from check_copy(place / REPORT, path, path.name)
    if not found:
        raise InputError(f"{folder} holds no WARC and no WACZ")


def _verify_warcs(warcs: list[Path], now: datetime) -> Iterator[Finding]:
    ledger = Ledger()
    for path in warcs:
        name = path.name.removesuffix(OPEN_SUFFIX)
        yield from _unfinished(path)
        yield from _verify_warc(Source(name, path), name, ledger, now)
    yield from ledger.check()
    if warcs and (report := warcs[0].with_name(REPORT)).is_file():
        yield from check_report(report, ledger)


def _compare_with_wacz(path: Path, warcs: list[Path]) -> Iterator[Finding]:
    """A WARC in the WACZ must be the file of the same name beside it, and a WACZ of some of them should be of all."""
    beside = {warc.name: warc for warc in warcs if not warc.name.endswith(OPEN_SUFFIX)}
    held: set[str] = set()
    try:
        with zipfile.ZipFile(path) as wacz:
            for info in wacz.infolist():
                warc = beside.get(Path(info.filename).name) if info.filename.startswith(ARCHIVE_FOLDER) else None
                if warc is None:
                    continue
                held.add(warc.name)
                if warc.stat().st_size != info.file_size or _crc32(warc) != info.CRC:
                    detail = "the WARC differs from the one beside the WACZ"
                    yield Finding("error", "swapped", f"{path.name}/{info.filename}", None, "", detail)
    except ZIP_FAULTS:
        return
    if held and (lacking := sorted(beside.keys() - held)):
        yield Finding("warning", "behind", path.name, None, "", f"the WACZ lacks {', '.join(lacking)}, which lies beside it")


def _crc32(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            crc = zlib.crc32(chunk, crc)
    return crc
