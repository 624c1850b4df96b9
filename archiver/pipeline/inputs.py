"""Other programs' archives and folders of pictures as outcomes: what `dedup` judges. Nothing in them is changed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from archiver.errors import InputError
from archiver.model import Archived, Captured, Hop, Link, Missed, Outcome, Reason, RecordRef, Role, Stored, Target, Truncation
from archiver.pipeline import folder
from archiver.pipeline.tasks import Source
from archiver.warc import reader

PICTURE_NAMES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".bmp", ".tif", ".tiff", ".svg", ".ico", ".jxl", ".jp2")
UNTOLD = ("", "application/octet-stream", "binary/octet-stream", "application/binary", "unknown/unknown")
"""Content types that say nothing."""
_NOTE = re.compile(r"urn:[^:/]+:https?://", re.IGNORECASE)
"""A `urn:` around the address of a page names what a crawler made of that page, its screenshot or thumbnail: no picture of the web."""


@dataclass(slots=True)
class Told:
    """What came of the reading, beside the pictures."""

    sound: int = 0
    """Captures and files that could be read, pictures or not."""
    skipped: list[str] = field(default_factory=list)
    """Where nothing could be read, and why."""


def expected(paths: Sequence[Path]) -> int:
    """How many pictures there may be, to choose the number of workers; any archive may hold many."""
    return sum(sum(len(files) for _, _, files in os.walk(path)) if path.is_dir() else 1000 for path in paths)


def read(path: Path, several: bool, told: Told) -> Iterator[tuple[Outcome, Source | None]]:
    """What one input holds, with the place of each payload. `several`: names get the input's own name in front.

    An input that cannot be opened, or not read on, is one more thing that was skipped.
    """
    try:
        yield from _read(path, several, told)
    except InputError as error:
        told.skipped.append(str(error))


def _read(path: Path, several: bool, told: Told) -> Iterator[tuple[Outcome, Source | None]]:
    if path.is_dir() and not reader.open_archive(path):
        yield from _files(path, f"{path.name}/" if several else "", told)
    elif path.is_dir() or _is_archive(path):
        yield from _captures(path, told)
    else:
        yield from _file(path, path.name, told)


def _is_archive(path: Path) -> bool:
    if path.suffix.lower() in PICTURE_NAMES:
        return False
    return bool(reader.open_archive(path))


# --- folders of pictures ---------------------------------------------------------------------------------------------


def _files(root: Path, prefix: str, told: Told) -> Iterator[tuple[Outcome, Source | None]]:
    """Every file below `root`, named relative to it. Hidden ones are passed over, and so is what this program made, as an earlier report
    that stands among the pictures."""
    hidden: list[str] = []
    for at, folders, names in os.walk(root):
        below = prefix + Path(at).relative_to(root).as_posix() + "/" if at != str(root) else prefix
        hidden += (below + name for name in (*folders, *names) if name.startswith("."))
        own = sorted(name for name in folders if (Path(at) / name / folder.CACHE).exists())
        told.skipped += (f"{below}{name}: a folder of this program; to have it read, name it by itself" for name in own)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in own)
        for name in sorted(names):
            if not name.startswith("."):
                yield from _file(Path(at) / name, below + name, told)
    if hidden:
        more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
        told.skipped.append(f"{min(hidden)}{more}: hidden, as a name that begins with a dot says")


def _file(path: Path, name: str, told: Told) -> Iterator[tuple[Outcome, Source | None]]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size, modified = file.tell(), os.fstat(file.fileno()).st_mtime
    except OSError as error:
        told.skipped.append(f"{name}: {error.strerror or error}")
        return
    told.sound += 1
    at = datetime.fromtimestamp(modified, UTC)
    target = Target(name, (Link(name, Role.IMAGE, 0, "", ""),))
    nowhere = RecordRef("", 0, 0, "")
    yield Captured(target, (), at, digest, size, nowhere, nowhere), Source(digest, str(path.absolute()), None, size)


# --- archives ---------------------------------------------------------------------------------------------------------


def _captures(path: Path, told: Told) -> Iterator[tuple[Outcome, Source | None]]:
    for row in reader.responses([path]):
        if not isinstance(row, Archived):
            told.skipped.append(f"{row.file} at byte {row.offset}: {row.detail}")
            continue
        told.sound += 1
        if _may_be_picture(row):
            yield _outcome(row), _source(row)


def _may_be_picture(row: Archived) -> bool:
    answered = 200 <= row.status < 300 or (row.status == 0 and row.content_type)  # a crawler in a browser may not know the status
    if _NOTE.match(row.url) or (row.kind != "resource" and not answered):
        return False
    kind = row.content_type.partition(";")[0].strip().lower()
    named = urlsplit(row.url).path.lower().endswith(PICTURE_NAMES)
    return kind.startswith("image/") or named or (kind in UNTOLD and row.kind != "resource")


def _outcome(row: Archived) -> Outcome:
    target = Target(row.url, (Link(row.url, Role.IMAGE, 0, "", ""),))
    at = row.at or datetime.fromtimestamp(0, UTC)
    stored = Stored(row.ref, row.payload_sha256, row.size_bytes, row.payload_ref, row.ref != row.payload_ref)
    cut: Truncation = "" if row.complete else "length" if row.truncated == "length" else "disconnect"
    hops: Iterable[Hop] = (Hop(row.url, row.status, at, "", row.content_type, row.last_modified, cut, stored),)
    if not row.complete:
        return Missed(target, tuple(hops), at, Reason.TRUNCATED, "the archive holds only part of it", 1)
    if not row.size_bytes:
        return Missed(target, tuple(hops), at, Reason.EMPTY, "the archive holds no body", 1)
    return Captured(target, tuple(hops), at, row.payload_sha256, row.size_bytes, row.ref, row.payload_ref)


def _source(row: Archived) -> Source | None:
    if not row.complete or not row.size_bytes:
        return None
    return Source(row.payload_sha256, row.payload_source, row.payload_ref, row.size_bytes)
