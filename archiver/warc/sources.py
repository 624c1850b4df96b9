"""Where WARC bytes come from: a file, a folder of files, or the members of a WACZ, read in place when they are stored."""

from __future__ import annotations

import io
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from archiver.errors import InputError

OPEN_SUFFIX = ".open"
WARC_SUFFIXES = (".warc", ".warc.gz", ".warc" + OPEN_SUFFIX, ".warc.gz" + OPEN_SUFFIX)
WACZ_SUFFIX = ".wacz"
ARCHIVE_FOLDER = "archive/"
ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, IndexError, NotImplementedError, RuntimeError)
"""All that zipfile raises for damaged or unusual files (encrypted, of an unknown method, cut)."""


class _Window(io.RawIOBase):
    """A byte range of a file."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length, self._at = file, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed asks for any writable buffer
        wanted = min(len(buffer), max(0, self._length - self._at))
        self._file.seek(self._start + self._at)
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Source:
    """One WARC, wherever it lies."""

    name: str
    """Bare name, without `.open`."""
    path: Path
    """The file that the user knows: the WARC itself or the WACZ around it."""
    start: int = 0
    length_bytes: int = -1
    """Byte range within `path`; -1: the whole file."""
    spool: BinaryIO | None = field(default=None, compare=False, repr=False)
    """An inflated copy, when the WACZ holds the WARC deflated; it lives as long as this value."""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes of the WARC, seekable. Raises InputError when the file is gone or unreadable."""
        if self.spool is not None:
            self.spool.seek(0)
            yield self.spool
            return
        with _opened(self.path) as file:
            yield file if self.length_bytes < 0 else io.BufferedReader(_Window(file, self.start, self.length_bytes))


def open_archive(path: Path) -> list[Source]:
    """The WARCs in a WARC file, a WACZ, or a folder (searched through, in the order of the names).

    In a folder a WACZ counts only when it holds a WARC that does not lie beside it as well.
    Raises InputError when there is nothing at `path`, or nothing that is an archive.
    """
    if path.is_dir():
        return _folder(path)
    if path.exists():
        return _file(path)
    unfinished = path.with_name(path.name + OPEN_SUFFIX)
    if not unfinished.exists() and not path.exists():  # it may get its final name between two looks
        raise InputError(f"{path} does not exist")
    return _file(unfinished)


def sources_of(paths: Iterable[Path | Source]) -> Iterator[Source]:
    for path in paths:
        if isinstance(path, Source):
            yield path
        else:
            yield from open_archive(path)


def _file(path: Path) -> list[Source]:
    try:
        with _opened(path) as file:
            start = file.read(5)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if start.startswith(b"PK\x03\x04"):
        return _wacz(path)
    named = path.name.endswith(WARC_SUFFIXES)
    if start == b"WARC/" or start.startswith(b"\x1f\x8b") or named:
        return [Source(path.name.removesuffix(OPEN_SUFFIX), path)]
    raise InputError(f"{path} is neither a WARC nor a WACZ")


def _opened(path: Path) -> BinaryIO:
    """A file that a capture may complete, and so rename, since it was found. Raises InputError."""
    complete = path.with_name(path.name.removesuffix(OPEN_SUFFIX))
    try:
        try:
            return path.open("rb")
        except FileNotFoundError:
            return complete.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _folder(folder: Path) -> list[Source]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = [Source(path.name.removesuffix(OPEN_SUFFIX), path) for path in files if path.name.endswith(WARC_SUFFIXES)]
    beside = {(source.name, source.path.stat().st_size) for source in found}
    for path in files:
        if path.name.endswith(WACZ_SUFFIX) and not wacz_members(path) <= beside:
            found += _wacz(path)
    return found


def wacz_members(path: Path) -> set[tuple[str, int]]:
    """(bare name, size in bytes) of the WARCs in a WACZ; empty when it is none."""
    try:
        with zipfile.ZipFile(path) as wacz:
            return {(Path(info.filename).name, info.file_size) for info in wacz.infolist() if _is_warc(info)}
    except ZIP_FAULTS:
        return set()


def _is_warc(info: zipfile.ZipInfo) -> bool:
    return info.filename.startswith(ARCHIVE_FOLDER) and info.filename.endswith(WARC_SUFFIXES)


def _wacz(path: Path) -> list[Source]:
    try:
        with zipfile.ZipFile(path) as wacz:
            return [_member(path, wacz, info) for info in wacz.infolist() if _is_warc(info)]
    except ZIP_FAULTS as error:
        raise InputError(f"{path} is no readable WACZ: {error}") from error


def _member(path: Path, wacz: zipfile.ZipFile, info: zipfile.ZipInfo) -> Source:
    name = Path(info.filename).name
    if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
        return Source(name, path, local_header(path, info).data_offset, info.file_size)
    spool = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the Source; without a name there is nothing to leave behind
    with wacz.open(info) as member:
        shutil.copyfileobj(member, spool, 1024 * 1024)
    return Source(name, path, spool=spool)


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """What stands before the bytes of a member (APPNOTE 4.3.7); the directory at the end of the zip repeats it."""

    data_offset: int
    method: int
    crc: int | None
    """None, like the sizes, where a descriptor behind the data or a zip64 field tells it."""
    sizes: tuple[int, int] | None
    """Compressed and uncompressed, in bytes."""


def local_header(path: Path, info: zipfile.ZipInfo) -> LocalHeader:
    """Raises BadZipFile when it is not where the directory says."""
    at = max(0, info.header_offset)  # damage can make it point before the file
    with path.open("rb") as file:
        file.seek(at)
        header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04") or at != info.header_offset:
        raise zipfile.BadZipFile(f"{info.filename} is not where the directory of the zip says")
    flags, method, _, crc, packed, size, name_bytes, extra_bytes = struct.unpack_from("<HHIIIIHH", header, 6)
    later = bool(flags & 0x08)
    sizes = None if later or 0xFFFFFFFF in (packed, size) else (packed, size)
    return LocalHeader(at + 30 + name_bytes + extra_bytes, method, None if later else crc, sizes)
