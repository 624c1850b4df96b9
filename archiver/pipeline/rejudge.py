"""The second half alone: an archive folder, other programs' archives, or folders of pictures -> a report. No network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from archiver.errors import InputError
from archiver.model import Archived, Captured, Event, Hop, Link, Missed, Outcome, Reason, RecordRef, Role, Stored, Target, Truncation
from archiver.pipeline import assemble, document, embedded, folder, publish, reopening, surveying
from archiver.pipeline.archive import Means, undecided, wanted
from archiver.pipeline.judge import Judge
from archiver.pipeline.publish import Material
from archiver.pipeline.runs import Run
from archiver.pipeline.settings import Settings
from archiver.pipeline.tasks import Source
from archiver.warc import reader

PICTURE_NAMES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".bmp", ".tif", ".tiff", ".svg", ".ico", ".jxl", ".jp2")
UNTOLD = ("", "application/octet-stream", "binary/octet-stream", "application/binary", "unknown/unknown")
"""Content types that say nothing."""


def report(where: Path, settings: Settings, means: Means) -> Run:
    """Judge and render an archive folder again, from its WARC files. Raises ArchiverError."""
    with folder.locked(where):
        found = surveying.again(where, surveying.survey(where, "report", means.now()))
        files = found.files
        held = reopening.hold(files)
        read = reopening.reading(files)
        raw, row = reopening.raw_document(read, held)
        how = replace(settings, base_url=read.base_url, srcset=read.srcset, local_images=read.local_images, page_url=read.page)
        post = document.parse(raw, read.source, how, content_type=row.content_type)
        targets = wanted(post)
        found_again: list[Outcome] = [*embedded.outcomes(post, held, means.now(), None)]
        found_again += [reopening.outcome(target, held) or _never(target, means.now()) for target in targets]
        outcomes = assemble.in_order({outcome.target.url: outcome for outcome in found_again}, targets)
        with Judge(where / folder.CACHE, settings, means.on_event, expected=len(outcomes)) as judge:
            for outcome in outcomes:
                if isinstance(outcome, Captured):
                    judge.submit(Source(outcome.payload_sha256, str(where), outcome.payload_ref))
            material = Material(
                where, post.post, outcomes, folder.read_decisions(where), means.now(), held.broken, undecided=undecided(post)
            )
            made = publish.judged(material, judge, settings, means.now())
            wacz = str((found.report or {}).get("wacz") or "")
            made = replace(made, warcs=tuple(path.name for path in files if not path.name.endswith(".open")), wacz=wacz)
            at = row.at or means.now()
            names = publish.into_folder(made, judge, where, publish.pages(post.post, at, means.now()))
    return Run(read.source, where, made, names)


def _never(target: Target, at: datetime) -> Missed:
    return Missed(target, (), at, Reason.NETWORK_ERROR, "the run ended before it was fetched", 0)


def dedup(paths: Sequence[Path], where: Path, settings: Settings, means: Means) -> Run:
    """Find the same pictures in WARCs, WACZs and folders of pictures. Raises ArchiverError."""
    for path in paths:
        if not path.exists():
            raise InputError(f"cannot read {path}: no such file or folder")
    folder.prepare(where)
    started = means.now()
    with folder.locked(where):
        decisions = folder.read_decisions(where)
        with Judge(where / folder.CACHE, settings, means.on_event, expected=_expected(paths)) as judge:
            means.on_event(Event("stage", detail="Reading"))
            outcomes: dict[str, Outcome] = {}
            skipped: list[str] = []
            for path in paths:
                for outcome, source in _inputs(path, len(paths) > 1, skipped):
                    outcomes[outcome.target.url] = outcome
                    if source is not None:
                        judge.submit(source)
            material = Material(where, None, tuple(outcomes.values()), decisions, started, tuple(skipped))
            made = publish.judged(material, judge, settings, means.now())
            means.on_event(Event("stage", detail="Writing the report"))
            names = publish.into_folder(made, judge, where)
    return Run(", ".join(str(path) for path in paths), where, made, names)


def _expected(paths: Sequence[Path]) -> int:
    """How many pictures there may be, to choose the number of workers; any archive may hold many."""
    return sum(sum(len(files) for _, _, files in os.walk(path)) if path.is_dir() else 1000 for path in paths)


def _inputs(path: Path, several: bool, skipped: list[str]) -> Iterator[tuple[Outcome, Source | None]]:
    if path.is_dir() and not reader.open_archive(path):
        yield from _files(path, f"{path.name}/" if several else "", skipped)
    elif path.is_dir() or _is_archive(path):
        yield from _captures(path, skipped)
    else:
        yield from _file(path, path.name, skipped)


def _is_archive(path: Path) -> bool:
    if path.suffix.lower() in PICTURE_NAMES:
        return False
    return bool(reader.open_archive(path))


# --- folders of pictures ---------------------------------------------------------------------------------------------


def _files(root: Path, prefix: str, skipped: list[str]) -> Iterator[tuple[Outcome, Source | None]]:
    """Every file below `root`, named relative to it; hidden ones are passed over."""
    for at, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                path = Path(at) / name
                yield from _file(path, prefix + path.relative_to(root).as_posix(), skipped)


def _file(path: Path, name: str, skipped: list[str]) -> Iterator[tuple[Outcome, Source | None]]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size, modified = file.tell(), os.fstat(file.fileno()).st_mtime
    except OSError as error:
        skipped.append(f"{name}: {error.strerror or error}")
        return
    at = datetime.fromtimestamp(modified, UTC)
    target = Target(name, (Link(name, Role.IMAGE, 0, "", ""),))
    nowhere = RecordRef("", 0, 0, "")
    yield Captured(target, (), at, digest, size, nowhere, nowhere), Source(digest, str(path.absolute()), None)


# --- archives ---------------------------------------------------------------------------------------------------------


def _captures(path: Path, skipped: list[str]) -> Iterator[tuple[Outcome, Source | None]]:
    for row in reader.responses([path]):
        if not isinstance(row, Archived):
            skipped.append(f"{row.file} at byte {row.offset}: {row.detail}")
        elif _may_be_picture(row):
            yield _outcome(row), _source(row)


def _may_be_picture(row: Archived) -> bool:
    if row.kind != "resource" and not 200 <= row.status < 300:
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
    return Source(row.payload_sha256, row.payload_source, row.payload_ref) if row.complete and row.size_bytes else None
