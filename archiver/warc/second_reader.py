"""A second opinion: the same archive read by warcio, whose code shares nothing with ours.

What both readers see alike is what other tools will see too. The only door to warcio.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from archiver.warc.findings import Finding
from archiver.warc.records import bare_id
from archiver.warc.sources import Source, open_archive
from archiver.warc.stream import Broken, Record, read_records

READ_BYTES = 1024 * 1024


def disagreements(path: Path) -> Iterator[Finding]:
    """Where warcio reads other records than we do, or finds a digest wrong. Raises InputError when there is nothing to read."""
    for source in open_archive(path):
        yield from _disagreements(source)


def _disagreements(source: Source) -> Iterator[Finding]:
    ours = dict(_ours(source))
    theirs: set[str] = set()
    with source.open() as file, contextlib.redirect_stderr(io.StringIO()):  # warcio prints what it stumbles over
        try:
            for record_id, finding in _theirs(file, source.name):
                theirs.add(record_id)
                yield from [finding] if finding else []
        except Exception as error:  # damaged record heads make it raise whatever comes
            yield Finding("error", "second-reader", source.name, None, "", f"warcio cannot read on: {error!r}")
    missing = sorted((ours[record_id], record_id) for record_id in ours.keys() - theirs)
    if missing:
        detail = f"warcio reads {len(ours) - len(missing)} of {len(ours)} records; this is the first that it misses"
        yield Finding("error", "second-reader", source.name, missing[0][0], missing[0][1], detail)
    for record_id in sorted(theirs - ours.keys()):
        yield Finding("error", "second-reader", source.name, None, record_id, "only warcio takes this record for sound")


def _ours(source: Source) -> Iterator[tuple[str, int]]:
    with source.open() as file:
        for record in read_records(file, source.name):
            if isinstance(record, Record) and not isinstance(end := record.finish(), Broken):
                yield record.id, end.offset


def _theirs(file: Any, name: str) -> Iterator[tuple[str, Finding | None]]:
    records = ArchiveIterator(file, check_digests=True)
    for record in records:
        stream = record.content_stream()
        while stream.read(READ_BYTES):
            pass
        record_id = bare_id(record.rec_headers.get_header("WARC-Record-ID") or "")
        yield record_id, _digest_finding(record, name, records.get_record_offset(), record_id)


def _digest_finding(record: Any, name: str, offset: int, record_id: str) -> Finding | None:
    """warcio takes the payload digest over the chunk framing: of chunked bodies its complaint is only worth a warning."""
    if record.digest_checker.passed is not False:
        return None
    headers = record.http_headers
    chunked = headers is not None and "chunked" in (headers.get_header("Transfer-Encoding") or "").lower()
    problems = "; ".join(str(problem) for problem in record.digest_checker.problems)
    only_payload = "block digest" not in problems
    return Finding("warning" if chunked and only_payload else "error", "second-reader", name, offset, record_id, f"warcio: {problems}")
