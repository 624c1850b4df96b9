"""What a killed run left behind: how far an unfinished file is whole, and what it holds."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import BinaryIO

from archiver.model import RecordRef
from archiver.warc.records import KnownPayload, bare_id
from archiver.warc.scan import scan_http
from archiver.warc.stream import Broken, Record, read_records


@dataclass(frozen=True, slots=True)
class Tail:
    """The sound beginning of an unfinished file."""

    whole_bytes: int
    """Everything behind this offset is torn."""
    warcinfo_id: str
    """Empty when not even the first record is whole."""
    known: tuple[KnownPayload, ...]
    moments: frozenset[tuple[str, str]]
    """(url, WARC-Date) of every record that an index would list."""


def read_tail(file: BinaryIO, name: str) -> Tail:
    """Reads an unfinished file from the start up to the first byte that is not sound.

    A response at the very end without its request was torn between the two and counts as torn.
    """
    whole_bytes, warcinfo_id = 0, ""
    known: list[KnownPayload] = []
    moments: set[tuple[str, str]] = set()
    waiting: KnownPayload | None = None
    held_bytes = 0
    for record in read_records(file, name):
        if isinstance(record, Broken):
            break
        date = record.fields.get("WARC-Date")
        payload = known_payload(record) if record.type == "response" else None
        end = record.finish()
        if isinstance(end, Broken):
            break
        held_bytes = end.offset + end.length
        moments.add((record.url, date))
        if record.type == "warcinfo":
            warcinfo_id = record.id
        if record.type in ("response", "revisit"):
            waiting = payload
            continue
        if waiting is not None:
            known.append(waiting)
            waiting = None
        whole_bytes = held_bytes
    return Tail(whole_bytes if warcinfo_id else 0, warcinfo_id, tuple(known), frozenset(moments))


def settled_bytes(file: BinaryIO, name: str) -> int:
    """How far the captures in an unfinished file count: a last response whose request was not written any more does not, because
    whoever goes on with the file takes it out. In a file that holds no requests at all every response counts."""
    asked, waiting_offset = False, -1
    for record in read_records(file, name):
        if isinstance(record, Broken) or isinstance(record.finish(), Broken):
            break
        asked = asked or record.type == "request"
        waiting_offset = record.offset if record.type in ("response", "revisit") else -1
    return waiting_offset if asked and waiting_offset >= 0 else sys.maxsize


def known_payload(record: Record) -> KnownPayload | None:
    """The payload of a `response`, when it may be the original of a revisit. Reads the block to its end."""
    scan = scan_http(record.pieces())
    end = record.finish()
    if isinstance(end, Broken) or scan.head is None or record.fields.get("WARC-Truncated"):
        return None
    sound = 200 <= scan.head.status < 300 and scan.head.status != 206 and scan.complete and scan.payload_bytes
    if not sound:
        return None
    framing = (scan.dechunked, ",".join(scan.head.codings))
    ref = RecordRef(end.file, end.offset, end.length, bare_id(record.fields.get("WARC-Record-ID")))
    date = record.fields.get("WARC-Date")
    return KnownPayload(scan.payload_digest, record.url, date, ref, scan.sha256, scan.size_bytes, framing)
