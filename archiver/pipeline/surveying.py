"""What a folder holds before a run, and the writer that goes on from there.

fresh      no WARC: a new capture begins
cut off    WARC files that report.json does not list, or lists as unfinished, one perhaps still `.open`: that capture goes on
finished   every WARC is listed: a new capture begins beside the old ones, whose payloads it may refer to
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.capture.headers import user_agent
from archiver.errors import UsageError
from archiver.model import Post, RecordRef
from archiver.pipeline import document, folder
from archiver.pipeline.discretion import bare
from archiver.pipeline.reopening import POST_URN, Held, Reading, note, wire
from archiver.pipeline.settings import Settings
from archiver.version import __version__
from archiver.warc import reader
from archiver.warc.records import WarcInfo
from archiver.warc.writer import WarcWriter

if TYPE_CHECKING:
    from archiver.pipeline.means import Means

SOURCE_NAMES = {"markdown": ("source.md", "text/markdown; charset=utf-8"), "html": ("source.html", "text/html; charset=utf-8")}


@dataclass(frozen=True, slots=True)
class Survey:
    """The WARC files of a folder, and where the next one begins."""

    prefix: str
    """Of the capture that this run writes."""
    serial: int
    """Of its next file."""
    current: tuple[Path, ...]
    """Files of that capture that an earlier run left."""
    before: tuple[Path, ...]
    """Files of finished captures."""
    report: Mapping[str, Any] | None
    """report.json of the last finished capture."""
    adds: bool = False
    """This run completes that capture (`retry`) rather than making another one."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files whose captures this run builds on."""
        return (*self.before, *self.current) if self.adds else self.current


def survey(where: Path, slug: str, now: datetime) -> Survey:
    """Look at the folder; raises nothing that a new run could not overcome."""
    files = folder.warcs(where)
    report = folder.read_report(where)
    listed = set(report.get("warcs", ())) - set(report.get("unfinished", ())) if report else set()
    if report and report.get("unfinished") and not listed:
        report = None
    current = tuple(path for path in files if folder.final_name(path) not in listed)
    before = tuple(path for path in files if folder.final_name(path) in listed)
    if current:
        prefix = _parts(current[-1])[0]
        return Survey(prefix, _next_serial(files, prefix), current, before, report)
    taken = {_parts(path)[0] for path in files}
    while (prefix := f"{slug}-{now:%Y%m%d%H%M%S}") in taken:
        now += timedelta(seconds=1)
    return Survey(prefix, 0, (), before, report)


def refuse_other_post(found: Survey, where: Path, slug: str) -> None:
    """One folder holds one post: another one's pictures, revisits and WACZ would lie between the first one's. Raises UsageError."""
    slugs = {_parts(path)[0][: -len("-YYYYmmddHHMMSS")] for path in (*found.before, *found.current)}
    if slugs and slug not in slugs:
        raise UsageError(f"{where} holds the archive of {', '.join(sorted(slugs))}; name another folder for {slug} with -o")


def again(found: Survey) -> Survey:
    """The survey for adding to the last finished capture instead of beginning a new one.

    A newer capture that was cut off is not looked at: it is gone on with by the command that began it.
    """
    if not found.before:
        return replace(found, adds=True)
    prefix = _parts(found.before[-1])[0]
    current = tuple(path for path in found.current if _parts(path)[0] == prefix)
    return Survey(prefix, _next_serial((*found.before, *found.current), prefix), current, found.before, found.report, adds=True)


def _parts(path: Path) -> tuple[str, int]:
    match = folder.WARC_NAME.fullmatch(folder.final_name(path))
    assert match is not None
    return match["prefix"], int(match["serial"])


def _next_serial(files: Sequence[Path], prefix: str) -> int:
    return max((serial + 1 for found, serial in map(_parts, files) if found == prefix), default=0)


def open_writer(found: Survey, where: Path, source: str, settings: Settings, means: Means) -> WarcWriter:
    """The writer of this run; goes on in a file that was left open."""
    left = [path for path in found.current if path.name.endswith(".open")]
    known = list(reader.known([path for path in (*found.before, *found.current) if path not in left]))
    info = warcinfo(source, settings)
    how: dict[str, Any] = {
        "now": means.now,
        "new_id": means.new_id,
        "max_size_bytes": settings.warc_max_size_bytes,
        "known": known,
        "keep_secrets": settings.keep_secrets,
    }
    if left:
        return WarcWriter.resume(left[-1], info, **how)
    return WarcWriter(where, found.prefix, info, serial=found.serial, **how)


def warcinfo(source: str, settings: Settings) -> WarcInfo:
    """Who captures what, and how (WARC 1.1 section 6.2)."""
    return WarcInfo(
        software=f"archiver/{__version__} Python/{platform.python_version()} aiohttp/{metadata.version('aiohttp')}",
        operator=settings.operator or "not named",
        description=f"The pictures of {shown_source(source)}",
        user_agent=user_agent(settings.fetch),
        robots=settings.fetch.robots,
        is_part_of=document.slug_of(source),
        extra={"settings": json.dumps(settings.shown(), sort_keys=True)},
    )


def shown_source(source: str) -> str:
    """A source as it may stand in an archive: a URL as it is, of a local path the file name only."""
    return bare(source) if document.is_url(source) else Path(source).name


def write_source(writer: WarcWriter, held: Held, noted: bool, post: Post, settings: Settings) -> None:
    """The document as its author wrote it, and how to read it again; once for each capture, unless it was edited before that one was
    gone on with. `noted`: the second of the two stands there already."""
    name, content_type = SOURCE_NAMES[post.kind]
    url = folder.below(post.url, name)
    there = held.responses.get(wire(url))
    if there is None or there.payload_sha256 != sha256(post.raw).hexdigest():
        note_reading(writer, post, url, settings, writer.write_resource(url, content_type, post.raw))
    elif not noted:
        note_reading(writer, post, url, settings, there.ref)


def note_reading(writer: WarcWriter, post: Post, url: str, settings: Settings, ref: RecordRef) -> None:
    """Say in the archive which record the post was read from, and how."""
    reading = Reading(
        shown_source(post.source), post.url, url, settings.base_url, settings.srcset, settings.local_images, settings.originals
    )
    writer.write_metadata(POST_URN, "application/json", note(reading), refers_to=ref)
