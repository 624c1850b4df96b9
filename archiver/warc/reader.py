"""Records -> what the rest of the house wants to know: captures, failures, payloads.

`responses` streams: memory grows with the number of captures, not with their size. Broken records come out as `Broken` in
between and never end the reading.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from archiver.errors import InputError
from archiver.model import Archived, ArchivedMiss, Reason, RecordRef
from archiver.warc.http import MAX_DECODED_BYTES, MAX_HEAD_BYTES, Decoder, HttpBody
from archiver.warc.records import MISSED_URN, NOT_MODIFIED, WARC_FIELDS, KnownPayload, bare_id, parse_date, parse_fields, second_of
from archiver.warc.scan import Scan, encoded, scan_http, scan_plain
from archiver.warc.sources import OPEN_SUFFIX, Source, open_archive, sources_of
from archiver.warc.stream import Broken, Record, read_records
from archiver.warc.tail import known_payload, settled_bytes

__all__ = ["Broken", "Payload", "PayloadReader", "Record", "Source", "known", "missed", "open_archive", "payload", "records", "responses"]

MAX_PAYLOAD_BYTES = MAX_DECODED_BYTES
MAX_FIELDS_BYTES = 1024 * 1024

_REASONS = frozenset(reason.value for reason in Reason)


def records(path: Path | Source) -> Iterator[Record | Broken]:
    """Every record of a WARC, a WACZ or a folder. Raises InputError when `path` is nothing of the kind."""
    for source in sources_of([path]):
        with source.open() as file:
            yield from read_records(file, source.name)


# --- captures -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Originals:
    """The payloads seen so far, under every name by which a revisit may refer to them."""

    by_id: dict[str, Archived] = field(default_factory=dict)
    by_moment: dict[tuple[str, str], Archived] = field(default_factory=dict)
    by_digest: dict[str, Archived] = field(default_factory=dict)
    by_url: dict[str, Archived] = field(default_factory=dict)

    def add(self, record_id: str, date: str, digest: str, archived: Archived) -> None:
        self.by_id.setdefault(record_id, archived)
        self.by_moment.setdefault((archived.url, second_of(date)), archived)
        self.by_url[archived.url] = archived
        if digest:
            self.by_digest.setdefault(digest, archived)

    def find(self, revisit: _Revisit) -> Archived | None:
        told = self.by_id.get(revisit.refers_to) or self.by_moment.get(revisit.moment) or self.by_digest.get(revisit.digest)
        return told or (self.by_url.get(revisit.archived.url) if revisit.unmodified else None)


@dataclass(frozen=True, slots=True)
class _Revisit:
    archived: Archived
    refers_to: str
    moment: tuple[str, str]
    digest: str
    unmodified: bool
    """Of what was captured last under its own URL, when it says no more."""


def responses(paths: Iterable[Path | Source]) -> Iterator[Archived | Broken]:
    """Every response, revisit and resource in these archives, in file order.

    A revisit carries the identity of its original's payload; one that stands before its original comes last. A revisit whose
    original is in none of the archives is `Broken`.
    """
    originals = _Originals()
    waiting: list[_Revisit] = []
    for source in sources_of(paths):
        for record in _settled(source):
            if isinstance(record, Broken):
                yield record
            elif record.type == "revisit":
                revisit = _read_revisit(record, source)
                if revisit is not None:
                    resolved = _resolve(revisit, originals)
                    yield from [resolved] if resolved else []
                    waiting += [] if resolved else [revisit]
            elif record.type in ("response", "resource"):
                yield from _read_original(record, source, originals)
    for revisit in waiting:
        yield _resolve(revisit, originals) or Broken(
            revisit.archived.ref.file,
            revisit.archived.ref.offset,
            f"the revisit of {revisit.moment[0] or revisit.archived.url} refers to a record that is not here",
            revisit.archived.ref.record_id,
        )


def _settled(source: Source) -> Iterator[Record | Broken]:
    """The records of a source; of a file that is still open only those that will stay."""
    with source.open() as file:
        unfinished, empty = source.path.name.endswith(OPEN_SUFFIX), True
        end_bytes = settled_bytes(file, source.name) if unfinished else sys.maxsize
        for record in read_records(file, source.name):
            empty = False
            if isinstance(record, Broken) or record.offset < end_bytes:
                yield record
        if empty:
            yield Broken(source.name, 0, "the file holds no record")


def _read_original(record: Record, source: Source, originals: _Originals) -> Iterator[Archived]:
    scan = scan_http(record.pieces()) if _is_http(record) else scan_plain(record.pieces())
    archived = _archived(record, scan, source)
    if archived is not None:
        originals.add(record.id, record.fields.get("WARC-Date"), record.fields.get("WARC-Payload-Digest"), archived)
        yield archived


def _is_http(record: Record) -> bool:
    """Whether the block is an HTTP message around the payload; that of a resource is the payload, whatever it is called."""
    called_so = record.fields.get("Content-Type").lower().startswith("application/http")
    return record.type == "response" and (called_so or record.url.startswith(("http:", "https:")))


def _read_revisit(record: Record, source: Source) -> _Revisit | None:
    archived = _archived(record, scan_http(record.pieces()), source)
    fields = record.fields
    if archived is None:
        return None
    url = bare_id(fields.get("WARC-Refers-To-Target-URI")) or archived.url
    moment = (url, second_of(fields.get("WARC-Refers-To-Date")))
    unmodified = bare_id(fields.get("WARC-Profile")).endswith(NOT_MODIFIED)
    return _Revisit(archived, bare_id(fields.get("WARC-Refers-To")), moment, fields.get("WARC-Payload-Digest"), unmodified)


def _resolve(revisit: _Revisit, originals: _Originals) -> Archived | None:
    original = originals.find(revisit)
    if original is None:
        return None
    return replace(
        revisit.archived,
        status=revisit.archived.status or original.status,
        content_type=revisit.archived.content_type or original.content_type,
        complete=original.complete,
        payload_sha256=original.payload_sha256,
        size_bytes=original.size_bytes,
        payload_ref=original.payload_ref,
        payload_source=original.payload_source,
    )


def _archived(record: Record, scan: Scan, source: Source) -> Archived | None:
    """None when the record's bytes are broken; the iteration tells of that itself."""
    ref = record.finish()
    if isinstance(ref, Broken):
        return None
    head = scan.head
    kind = record.type
    assert kind in ("response", "revisit", "resource")
    truncated = record.fields.get("WARC-Truncated")
    fields = head.fields if head else None
    return Archived(
        url=record.url,
        at=parse_date(record.fields.get("WARC-Date")),
        kind=kind,  # type: ignore[arg-type]  # asserted above
        status=head.status if head else 0,
        location=fields.get("Location") if fields else "",
        content_type=fields.get("Content-Type") if fields else record.fields.get("Content-Type"),
        last_modified=fields.get("Last-Modified") if fields else "",
        truncated=truncated,
        complete=_not_cut(scan) and not truncated and not record.fields.get("WARC-Segment-Number"),
        payload_sha256=scan.sha256,
        size_bytes=scan.size_bytes,
        ref=ref,
        payload_ref=ref,
        source=str(source.path),
        payload_source=str(source.path),
    )


def _not_cut(scan: Scan) -> bool:
    """Whether nothing of the body is missing. Many programs store it decoded under the head as it came, whose Content-Length counts the
    coded bytes: that is no proof then, nor where there is more than it says."""
    if scan.framed or scan.head is None or scan.fault or scan.dechunked:
        return scan.framed
    return bool(scan.contradiction) or scan.body_bytes > (scan.head.content_length or 0)


def known(paths: Iterable[Path | Source]) -> Iterator[KnownPayload]:
    """The payloads in these archives that further captures into the same folder may be revisits of."""
    for source in sources_of(paths):
        for record in _settled(source):
            if isinstance(record, Record) and record.type == "response" and (found := known_payload(record)):
                yield found


def missed(paths: Iterable[Path | Source]) -> Iterator[ArchivedMiss]:
    """The failures that the writer noted, in file order."""
    for source in sources_of(paths):
        for record in _settled(source):
            if isinstance(record, Record) and record.type == "metadata" and (miss := _read_missed(record)):
                yield miss


def _read_missed(record: Record) -> ArchivedMiss | None:
    fields = record.fields
    ours = record.url.startswith(MISSED_URN) and fields.get("Content-Type") == WARC_FIELDS
    if not ours or record.block_bytes > MAX_FIELDS_BYTES:
        return None
    told = parse_fields(b"".join(record.pieces()))
    ref = record.finish()
    reason, attempts = told.get("outcome"), told.get("attempts", "1")
    if isinstance(ref, Broken) or reason not in _REASONS or not attempts.isdigit():
        return None
    return ArchivedMiss(told.get("url"), Reason(reason), told.get("detail"), int(attempts), parse_date(fields.get("WARC-Date")), ref)


# --- payloads -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Payload:
    """What a record holds for its URL."""

    data: bytes = field(repr=False)
    """Content-decoded, or the body as it was sent where that cannot be done."""
    undecoded: str = ""
    """Why it could not be done, or empty."""
    reason: Reason = Reason.CORRUPT
    """What such a payload is called when it is no picture as it was sent."""


class PayloadReader:
    """Reads payloads at random out of a few archives and keeps what it needs for the next one open. A context manager.

    Many payloads out of one archive are read fastest in file order: in a WARC that is one single gzip member every step back
    starts again at the beginning.
    """

    def __init__(self) -> None:
        self._sources: dict[Path, list[Source]] = {}
        self._walks: dict[tuple[Path, str], tuple[ExitStack, Iterator[Record | Broken]]] = {}

    def __enter__(self) -> PayloadReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for stack, _ in self._walks.values():
            stack.close()
        self._walks.clear()
        self._sources.clear()

    def payload(self, path: Path, ref: RecordRef, *, limit_bytes: int = MAX_PAYLOAD_BYTES) -> bytes:
        """The decoded payload of a response or resource. `path`: the WARC, the WACZ or the folder that holds `ref.file`.

        Raises InputError when it is not there, is broken, or is larger than `limit_bytes`.
        """
        found = self.read(path, ref, limit_bytes=limit_bytes)
        if found.reason is Reason.TOO_LARGE and limit_bytes < MAX_PAYLOAD_BYTES:
            raise InputError(f"the payload in {ref.file} at {ref.offset} is larger than {limit_bytes} bytes")
        return found.data

    def read(self, path: Path, ref: RecordRef, *, limit_bytes: int = MAX_PAYLOAD_BYTES) -> Payload:
        """The same, with what hindered its decoding; what decodes to more than `limit_bytes` is left as it was sent."""
        source = self._find(path, ref.file)
        if ref.length:
            with source.open() as file:
                return _read_payload(next(read_records(file, source.name, ref.offset), None), ref, limit_bytes)
        return _read_payload(self._walk(source, ref), ref, limit_bytes)

    def _find(self, path: Path, name: str) -> Source:
        for _ in range(2):
            for source in self._sources.get(path, ()):
                if source.name == name and source.path.exists():
                    return source
            self._sources[path] = open_archive(path)  # also when a file was renamed from `.open` since the last look
        for source in self._sources[path]:
            if source.name == name:
                return source
        raise InputError(f"there is no {name} in {path}")

    def _walk(self, source: Source, ref: RecordRef) -> Record | None:
        """A record without a member of its own: walks on from the last one, once around at most."""
        key = (source.path, source.name)
        for _ in range(2):
            if key not in self._walks:
                stack = ExitStack()
                file = stack.enter_context(source.open())
                self._walks[key] = stack, read_records(file, source.name, ref.offset)
            stack, walk = self._walks[key]
            for record in walk:
                if isinstance(record, Record) and record.id == ref.record_id:
                    return record
            stack.close()
            del self._walks[key]
        return None


def payload(path: Path, ref: RecordRef, *, limit_bytes: int = MAX_PAYLOAD_BYTES) -> bytes:
    """One payload; see `PayloadReader.payload`."""
    with PayloadReader() as reader:
        return reader.payload(path, ref, limit_bytes=limit_bytes)


def _read_payload(record: Record | Broken | None, ref: RecordRef, limit_bytes: int) -> Payload:
    place = f"{ref.file} at {ref.offset}"
    if not isinstance(record, Record) or (ref.record_id and record.id != ref.record_id):
        raise InputError(f"the record {ref.record_id} is not in {place}")
    if record.block_bytes > limit_bytes + MAX_HEAD_BYTES:
        raise InputError(f"the record in {place} is larger than {limit_bytes} bytes")
    if record.type == "revisit":
        raise InputError(f"the record in {place} is a revisit: its payload stands elsewhere")
    found = _decode(record.pieces(), place, limit_bytes) if _is_http(record) else Payload(_joined(record.pieces()))
    end = record.finish()
    if isinstance(end, Broken):
        raise InputError(f"the record in {place} is broken: {end.detail}")
    return found


def _decode(pieces: Iterable[bytes], place: str, limit_bytes: int) -> Payload:
    """In one pass, and no byte is held twice: pictures may be large. What is content-coded is kept as it was sent until it is decoded."""
    body = HttpBody()
    decoder: Decoder | None = None
    as_sent: list[bytes] = []
    out = io.BytesIO()
    for part in encoded(pieces, body):
        if decoder is None:
            assert body.head is not None
            decoder = Decoder(body.head.codings)
        if decoder.identity:
            out.write(part)
            continue
        as_sent.append(bytes(part))
        for piece in decoder.feed(part) if out.tell() <= limit_bytes else ():
            out.write(piece)
            if out.tell() > limit_bytes:
                break
    too_large = out.tell() > limit_bytes
    if decoder is not None and (decoder.fault or (too_large and not decoder.identity)):
        out = io.BytesIO()
        why = decoder.fault or f"the body decodes to more than {limit_bytes} bytes"
        return Payload(_joined(as_sent), why, decoder.reason if decoder.fault else Reason.TOO_LARGE)
    if too_large:
        raise InputError(f"the payload in {place} is larger than {limit_bytes} bytes")
    return Payload(out.getvalue())


def _joined(pieces: Iterable[bytes]) -> bytes:
    out = io.BytesIO()  # hands its buffer over, where joining a list would hold everything twice
    for piece in pieces:
        out.write(piece)
    return out.getvalue()
