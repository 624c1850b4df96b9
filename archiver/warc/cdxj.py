"""The index of an archive: one CDXJ line per capture, `<key> <timestamp> <json>`, sorted by bytes.

The lines are those that cdxj-indexer makes of the same WARC, so that viewers and other tools take either.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archiver.model import RecordRef
from archiver.warc.http import MAX_HEAD_BYTES, HttpHead, head_end, parse_head
from archiver.warc.records import WARC_FIELDS, parse_date
from archiver.warc.sources import Source, sources_of
from archiver.warc.stream import Broken, Record, read_records
from archiver.warc.surt import surt

INDEXED_TYPES = ("response", "revisit", "resource", "metadata")
BLOCK_LINES = 300
"""Lines in one gzip member of a compressed index (WACZ 1.1.1, "ZipNum")."""

_MIME_END = re.compile(r"[;\s]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One capture in an index."""

    key: str
    timestamp: str
    """Fourteen digits, UTC."""
    fields: dict[str, str]

    @property
    def line(self) -> str:
        return f"{self.key} {self.timestamp} {json.dumps(self.fields)}\n"


def index(paths: Iterable[Path | Source]) -> list[str]:
    """The sorted lines of these archives, each with its line feed. Broken records are passed over. Raises InputError."""
    lines: set[str] = set()
    for source in sources_of(paths):
        with source.open() as file:
            for record in read_records(file, source.name):
                if isinstance(record, Record) and (entry := read_entry(record)):
                    lines.add(entry.line)
    return sorted(lines)


def read_entry(record: Record) -> Entry | None:
    """The index entry of a record; None when it has none (requests, warcinfo, notes in warc-fields) or is broken."""
    fields = record.fields
    kind = record.type
    if kind not in INDEXED_TYPES:
        return None
    if kind in ("resource", "metadata") and fields.get("Content-Type") == WARC_FIELDS:
        return None
    at = parse_date(fields.get("WARC-Date"))
    head, digest = _look(record)
    ref = record.finish()
    if isinstance(ref, Broken) or at is None:
        return None
    url = record.url.replace(" ", "%20")  # some writers leave spaces in; the tools read them so
    return Entry(surt(url), at.strftime("%Y%m%d%H%M%S"), _fields(record, url, ref, head, digest))


def _fields(record: Record, url: str, ref: RecordRef, head: HttpHead | None, digest: str) -> dict[str, str]:
    http = head.fields if head else None
    mime: str | None = None
    if record.type == "revisit":
        mime = "warc/revisit"
    else:
        source, name = (http, "Content-Type") if record.type == "response" else (record.fields, "Content-Type")
        values = source.all(name) if source else ()
        mime = _MIME_END.split(values[0], maxsplit=1)[0].strip() if values else None
    told: dict[str, str | None] = {
        "url": url,
        "mime": mime,
        "status": f"{head.status:03d}" if head else None,
        "digest": digest,
        "length": str(ref.length - (len(record.trailer) if record.plain else 0)),
        "offset": str(ref.offset),
        "filename": ref.file,
    }
    return {name: value for name, value in told.items() if value is not None}


def _look(record: Record) -> tuple[HttpHead | None, str]:
    """The HTTP head, and the payload digest: the one that stands in the record, else SHA-1 over what follows the head."""
    has_head = record.type in ("response", "revisit") and record.url.startswith(("http:", "https:"))
    told = record.fields.get("WARC-Payload-Digest")
    start, head = b"", None
    pieces = record.pieces()
    if has_head:
        start, end = _read_head(pieces)
        head = parse_head(start[:end]) if end > 0 else None
        start = start[end:] if end > 0 else start
    if told:
        return head, told
    sha1 = hashlib.sha1(start, usedforsecurity=False)
    for piece in pieces:
        sha1.update(piece)
    return head, f"sha1:{base64.b32encode(sha1.digest()).decode('ascii')}"


def _read_head(pieces: Iterator[bytes]) -> tuple[bytes, int]:
    start, end = b"", -1
    for piece in pieces:
        start += piece
        end = head_end(start)
        if end > 0 or len(start) > MAX_HEAD_BYTES:
            break
    return start, end


def compress(lines: Sequence[str], filename: str) -> tuple[bytes, str]:
    """(index.cdx.gz, index.idx): blocks of lines as gzip members, and a list of where each block starts."""
    data = b""
    meta = json.dumps({"format": "cdxj-gzip-1.0", "filename": filename})
    places = [f"!meta 0 {meta}\n"]
    for start in range(0, len(lines), BLOCK_LINES):
        block = "".join(lines[start : start + BLOCK_LINES]).encode("utf-8")
        member = zlib.compress(block, wbits=31)
        prefix = lines[start].split("{", 1)[0].strip()
        places.append(f"{prefix} {json.dumps({'offset': len(data), 'length': len(member)})}\n")
        data += member
    return data, "".join(places)
