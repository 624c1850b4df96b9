"""Outcomes -> records: the only place that writes WARC files.

Rules of this module
1. Every file starts with `warcinfo`; every other record names it in `WARC-Warcinfo-ID`.
2. The block of a response is the exact bytes of the wire. The digests are taken in a first pass, the copy is the second.
3. A record is one gzip member, and a group of records (response with its request) is written whole or not at all: when the
   disk is full the file is cut back to the last whole group. A killed process leaves at most one torn group at the end.
4. A file is called `.open` until it is complete; nothing that stands under a final name is ever changed.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from archiver.errors import OutputError
from archiver.model import Exchange, Missed, RecordRef, Stored
from archiver.warc import records as rec
from archiver.warc.blanking import SECRET_HEADERS, blank_secrets, without_userinfo
from archiver.warc.members import LEVEL_TEXT, level_for, write_member
from archiver.warc.records import KnownPayload, WarcInfo
from archiver.warc.scan import Scan, read_pieces, scan_http
from archiver.warc.sink import Sink
from archiver.warc.tail import Tail, read_tail

OPEN_SUFFIX = ".open"


_HEADS_BYTES = 4096
"""Allowance for the record heads and gzip framing of one group, when it is decided whether the group still fits."""


class WarcWriter:
    """Writes the WARC files of one capture, `<prefix>-<serial>.warc.gz`. Not for several threads at once.

    Every method raises OutputError when the folder cannot be written; what was written before stays whole.
    """

    def __init__(
        self,
        folder: Path,
        prefix: str,
        info: WarcInfo,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        max_size_bytes: int = 0,
        serial: int = 0,
        known: Iterable[KnownPayload] = (),
        keep_secrets: bool = False,
        secret_headers: Collection[str] = SECRET_HEADERS,
    ) -> None:
        """`max_size_bytes` 0: one file. A record larger than it gets a file of its own. The first file is made by the first write."""
        self._folder = folder
        self._prefix = prefix
        self._info = info
        self._now = now
        self._new_id = new_id
        self._max_size_bytes = max_size_bytes
        self._serial = serial
        self._known = {(payload.digest, payload.framing): payload for payload in reversed(list(known))}
        self._secret_headers = () if keep_secrets else tuple(name.lower() for name in secret_headers)
        self._sink: Sink | None = None
        self._warcinfo_id = ""
        self._moments: set[tuple[str, str]] = set()
        self._files: list[str] = []
        self._holds_captures = False

    @classmethod
    def resume(
        cls,
        open_file: Path,
        info: WarcInfo,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        max_size_bytes: int = 0,
        known: Iterable[KnownPayload] = (),
        keep_secrets: bool = False,
        secret_headers: Collection[str] = SECRET_HEADERS,
    ) -> WarcWriter:
        """Goes on in a file that a killed run left behind: trims a torn end and learns which payloads it holds.

        A response whose request was not written any more counts as torn. `known`: payloads in the other files of the folder.
        Raises OutputError when the name is none of ours or the file cannot be changed.
        """
        match = re.fullmatch(r"(.+)-(\d{5,})\.warc\.gz" + re.escape(OPEN_SUFFIX), open_file.name)
        if match is None:
            raise OutputError(f"{open_file.name} is no unfinished archive file")
        try:
            with open_file.open("rb") as file:
                tail: Tail = read_tail(file, open_file.name.removesuffix(OPEN_SUFFIX))
            writer = cls(
                open_file.parent,
                match[1],
                info,
                now=now,
                new_id=new_id,
                max_size_bytes=max_size_bytes,
                serial=int(match[2]),
                known=[*known, *tail.known],
                keep_secrets=keep_secrets,
                secret_headers=secret_headers,
            )
            writer._sink = Sink(open_file, tail.whole_bytes)
        except OSError as error:
            raise OutputError(f"cannot go on with {open_file}: {error.strerror or error}") from error
        writer._warcinfo_id = tail.warcinfo_id
        writer._moments.update(tail.moments)
        writer._holds_captures = bool(tail.warcinfo_id)
        if not tail.warcinfo_id:
            with writer._group(0):
                writer._write_warcinfo()
        return writer

    def write_exchange(self, exchange: Exchange) -> Stored:
        """One `response` with its `request`; a `revisit` instead where the same payload already stands in the archive.

        The response file is read twice from its start and left open.
        """
        exchange.response.seek(0)
        scan = scan_http(read_pieces(exchange.response.read))
        url = rec.target_uri(exchange.url)
        framing = (scan.dechunked, ",".join(scan.head.codings) if scan.head else "")
        whole = _may_stand_for_others(exchange, scan)
        original = self._original(scan.payload_digest, framing) if whole else None
        with self._group(scan.block_bytes + len(exchange.request)):
            date = self._moment(url, exchange.at)
            if original is None:
                ref = self._write_response(exchange, scan, url, date)
            else:
                ref = self._write_revisit(exchange, scan, url, date, original)
            self._write_request(exchange, url, date, ref.record_id)
        if whole and original is None:
            self._known[scan.payload_digest, framing] = KnownPayload(
                scan.payload_digest, url, date, ref, scan.sha256, scan.size_bytes, framing
            )
        return Stored(ref, scan.sha256, scan.size_bytes, original.ref if original else ref, original is not None)

    def write_resource(self, url: str, content_type: str, data: bytes, *, at: datetime | None = None) -> RecordRef:
        """Something that was not fetched by HTTP, under the URL at which viewers shall show it."""
        uri = rec.target_uri(url)
        digest = rec.digest_of(data)
        with self._group(len(data)):
            fields = [
                ("WARC-Date", self._moment(uri, at or self._now())),
                ("WARC-Target-URI", uri),
                ("WARC-Payload-Digest", digest),
                ("WARC-Block-Digest", digest),
                ("Content-Type", content_type),
            ]
            return self._write("resource", fields, data)

    def write_metadata(
        self, target_uri: str, content_type: str, data: bytes, *, refers_to: RecordRef | None, at: datetime | None = None
    ) -> RecordRef:
        """Facts about another record. Raises ValueError when the target is no `urn:`: viewers would serve the facts instead of what
        they are about."""
        if not target_uri.startswith("urn:"):
            raise ValueError(f"metadata must not stand under {target_uri}")
        with self._group(len(data)):
            return self._write_metadata(target_uri, content_type, data, refers_to, at or self._now())

    def write_missed(self, missed: Missed) -> RecordRef:
        """Why a target could not be had: `application/warc-fields` under `urn:missed:<url>`; any answer stands in records of its own."""
        last = missed.hops[-1].stored if missed.hops else None
        url = without_userinfo(missed.target.url)
        fields = [
            ("url", url),
            ("outcome", missed.reason.value),
            ("detail", missed.detail),
            ("attempts", str(missed.attempts)),
            *(("via", f"{hop.status} {hop.url}") for hop in missed.hops),
        ]
        block = rec.field_lines(fields)
        uri = rec.MISSED_URN + rec.target_uri(url)
        with self._group(len(block)):
            return self._write_metadata(uri, rec.WARC_FIELDS, block, last.ref if last else None, missed.at)

    def settle(self) -> Callable[[], None]:
        """What brings all records written by now to the disk, so that they outlast the machine and not only the process; for a thread.
        Calling it raises OutputError when the disk fails."""
        if self._sink is None:
            return lambda: None
        bring, path = self._sink.settle(), self._sink.path

        def settled() -> None:
            try:
                bring()
            except OSError as error:
                raise OutputError(f"cannot write {path}: {error.strerror or error}") from error

        return settled

    def close(self) -> tuple[str, ...]:
        """Completes the open file and gives it its final name; the names of all files made. A second call does nothing more."""
        if self._sink is not None:
            self._finish_file()
        return tuple(self._files)

    def _original(self, digest: str, framing: tuple[bool, str]) -> KnownPayload | None:
        """Viewers put the revisit's head before the original's body. A chunked head before a plain body they get over; chunks
        after a plain head reach the reader as they are (seen in pywb 2.10), and so would another content coding."""
        chunked, coding = framing
        return self._known.get((digest, framing)) or (self._known.get((digest, (False, coding))) if chunked else None)

    # --- records ----------------------------------------------------------------------------------------------------

    def _write_response(self, exchange: Exchange, scan: Scan, url: str, date: str) -> RecordRef:
        fields = [
            *self._exchange_fields(exchange, url, date),
            ("WARC-Payload-Digest", scan.payload_digest),
            ("WARC-Block-Digest", scan.block_digest),
            ("WARC-Truncated", exchange.truncated),
            *((rec.NOTE, note) for note in exchange.notes),
            (rec.NOTE, rec.AS_SENT + scan.contradiction if scan.contradiction and not exchange.truncated else ""),
            ("Content-Type", rec.HTTP_RESPONSE),
        ]
        exchange.response.seek(0)
        return self._write("response", fields, exchange.response, scan.block_bytes, level_for(scan.sample))

    def _write_revisit(self, exchange: Exchange, scan: Scan, url: str, date: str, original: KnownPayload) -> RecordRef:
        fields = [
            *self._exchange_fields(exchange, url, date),
            ("WARC-Profile", rec.REVISIT_PROFILE),
            ("WARC-Refers-To", f"<{original.ref.record_id}>"),
            ("WARC-Refers-To-Target-URI", original.url),
            ("WARC-Refers-To-Date", original.date),
            ("WARC-Payload-Digest", scan.payload_digest),
            ("WARC-Block-Digest", rec.digest_of(scan.head_raw)),
            *((rec.NOTE, note) for note in exchange.notes),
            ("Content-Type", rec.HTTP_RESPONSE),
        ]
        return self._write("revisit", fields, scan.head_raw)

    def _write_request(self, exchange: Exchange, url: str, date: str, concurrent_to: str) -> None:
        request, blanked = blank_secrets(exchange.request, self._secret_headers)
        fields = [
            *self._exchange_fields(exchange, url, date),
            ("WARC-Concurrent-To", f"<{concurrent_to}>"),
            ("WARC-Block-Digest", rec.digest_of(request)),
            (rec.NOTE, f"values blanked: {', '.join(blanked)}" if blanked else ""),
            ("Content-Type", rec.HTTP_REQUEST),
        ]
        self._write("request", fields, request)

    def _exchange_fields(self, exchange: Exchange, url: str, date: str) -> list[tuple[str, str]]:
        protocols = [part.strip() for part in exchange.protocol.split(";")]
        return [
            ("WARC-Date", date),
            ("WARC-Target-URI", url),
            ("WARC-IP-Address", exchange.ip),
            *(("WARC-Protocol", name) for name in protocols),
        ]

    def _write_metadata(self, uri: str, content_type: str, data: bytes, refers_to: RecordRef | None, at: datetime) -> RecordRef:
        digest = rec.digest_of(data)
        fields = [
            ("WARC-Date", self._moment(uri, at)),
            ("WARC-Target-URI", uri),
            ("WARC-Refers-To", f"<{refers_to.record_id}>" if refers_to else ""),
            ("WARC-Payload-Digest", digest),
            ("WARC-Block-Digest", digest),
            ("Content-Type", content_type),
        ]
        return self._write("metadata", fields, data)

    def _write_warcinfo(self) -> None:
        block = rec.warcinfo_block(self._info)
        fields = [
            ("WARC-Date", rec.warc_date(self._now())),
            ("WARC-Filename", self._name),
            ("WARC-Block-Digest", rec.digest_of(block)),
            ("Content-Type", rec.WARC_FIELDS),
        ]
        self._warcinfo_id = ""
        self._warcinfo_id = self._write("warcinfo", fields, block).record_id

    def _write(
        self, record_type: str, fields: list[tuple[str, str]], block: bytes | BinaryIO, block_bytes: int = 0, level: int | None = None
    ) -> RecordRef:
        assert self._sink is not None
        sink, offset = self._sink, self._sink.offset
        record_id = self._new_id()
        record_id = record_id if record_id.startswith("urn:") else f"urn:uuid:{record_id}"
        if self._warcinfo_id:
            fields = [*fields, ("WARC-Warcinfo-ID", f"<{self._warcinfo_id}>")]
        if isinstance(block, bytes):
            block_bytes, level = len(block), level_for(block) if record_type == "resource" else LEVEL_TEXT
            body: Iterable[bytes] = [block]
        else:
            body = read_pieces(block.read)
        head = rec.record_head(record_type, record_id, fields, block_bytes)
        write_member(sink.write, _joined(head, body), LEVEL_TEXT if level is None else level)
        return RecordRef(self._name, offset, sink.offset - offset, record_id)

    # --- files ------------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return f"{self._prefix}-{self._serial:05d}.warc.gz"

    def _moment(self, url: str, at: datetime) -> str:
        """`WARC-Date` in whole seconds, moved on to the next second that this URL has not used: indexes keep one capture per second."""
        while (url, date := rec.warc_date(at)) in self._moments:
            at += timedelta(seconds=1)
        self._moments.add((url, date))
        return date

    @contextlib.contextmanager
    def _group(self, size_bytes: int) -> Iterator[None]:
        """Records that are written whole or not at all."""
        start = -1
        try:
            self._roll(size_bytes)
            assert self._sink is not None
            start = self._sink.offset
            yield
            self._sink.flush()
            self._holds_captures = True
        except BaseException as error:
            if self._sink is not None and start >= 0:
                self._sink.cut(start)
            if isinstance(error, OSError):
                raise OutputError(f"cannot write {self._folder / self._name}: {error.strerror or error}") from error
            raise

    def _roll(self, size_bytes: int) -> None:
        """Opens a file where none is open; begins the next one when the coming group could pass the limit."""
        if self._sink is not None and self._max_size_bytes and self._holds_captures:
            if self._sink.offset + size_bytes + _HEADS_BYTES <= self._max_size_bytes:
                return
            self._finish_file()
        if self._sink is None:
            self._begin_file()

    def _begin_file(self) -> None:
        path = self._folder / self._name
        self._folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise FileExistsError(errno.EEXIST, "a complete file of that name exists")
        self._sink = Sink(path.with_name(path.name + OPEN_SUFFIX), None)
        self._holds_captures = False
        try:
            self._write_warcinfo()
            self._sink.flush()
        except BaseException:
            self._sink.discard()
            self._sink = None
            raise

    def _finish_file(self) -> None:
        assert self._sink is not None
        name = self._name
        try:
            self._sink.close(self._folder / name)
        except OSError as error:
            self._sink.abandon()
            raise OutputError(f"cannot complete {self._folder / name}: {error.strerror or error}") from error
        self._sink = None
        self._files.append(name)
        self._serial += 1


def _may_stand_for_others(exchange: Exchange, scan: Scan) -> bool:
    """Only a whole answer with a body can be the original of a revisit, or be one; a part of a resource (206) is not its payload."""
    return bool(200 <= exchange.status < 300 and exchange.status != 206 and not exchange.truncated and scan.complete and scan.payload_bytes)


def _joined(head: bytes, body: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from body
    yield rec.RECORD_END
