"""What can be said of one record by itself: its place in the file, its head, its digests, its HTTP framing (WARC 1.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import PurePath

from archiver.warc import records as rec
from archiver.warc.check_http import check_event
from archiver.warc.findings import Facts, Finding
from archiver.warc.http import parse_head, parse_request_head
from archiver.warc.records import DIGEST_ALGORITHM, bare_id, parse_date, parse_digest
from archiver.warc.scan import Observer, Scan, scan_http, scan_plain
from archiver.warc.stream import Broken, Record

KNOWN_TYPES = ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation")
KNOWN_VERSIONS = ("1.0", "1.1")
DRAFT_VERSIONS = ("0.17", "0.18")
"""Drafts of the standard that archives were written by for years."""
FUTURE_ALLOWANCE = timedelta(days=1)
"""A clock may be off; an archive of next year is a mistake."""
FIRST_YEAR = 1990
TRUNCATED = ("length", "time", "disconnect", "unspecified", "head")
"""Those of the standard, and what Heritrix writes of a response whose head it cut."""

_RECORD_ID = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:[^<>\s]+>")
_ONCE = (
    "WARC-Type",
    "WARC-Record-ID",
    "WARC-Date",
    "WARC-Target-URI",
    "WARC-Block-Digest",
    "WARC-Payload-Digest",
    "WARC-Refers-To",
    "WARC-Refers-To-Target-URI",
    "WARC-Refers-To-Date",
    "WARC-Warcinfo-ID",
    "WARC-Truncated",
    "Content-Type",
    "Content-Length",
)
_OF_FILES = ("resource", "conversion", "metadata")
"""Some programs give them the dates of the files that they were made of."""
_NEEDS_URL = ("response", "resource", "request", "revisit", "conversion", "continuation")


class DigestCheck:
    """A digest in whatever algorithm a record declares. SHA-256 is taken by the scan anyway."""

    def __init__(self, declared: str) -> None:
        self.declared = declared
        parsed = parse_digest(declared) if declared else None
        self.unreadable = bool(declared) and parsed is None
        self._algorithm, self._expected = parsed or ("", b"")
        self._hash = hashlib.new(self._algorithm, usedforsecurity=False) if parsed else None
        self._framed = self._hash.copy() if self._hash else None
        self.of_nothing = bool(parsed) and hashlib.new(self._algorithm, usedforsecurity=False).digest() == self._expected
        """wget writes such a one for every revisit."""

    @property
    def observer(self) -> Observer | None:
        return self._hash.update if self._hash and self._algorithm != DIGEST_ALGORITHM else None

    @property
    def framed_observer(self) -> Observer | None:
        """For the same bytes with their chunk framing, over which several writers take the payload digest."""
        return self._framed.update if self._framed else None

    def agrees(self, sha256_label: str) -> bool:
        if self._hash is None:
            return True
        if self._algorithm == DIGEST_ALGORITHM:
            return parse_digest(sha256_label) == (self._algorithm, self._expected)
        return self._hash.digest() == self._expected

    def agrees_framed(self) -> bool:
        return self._framed is not None and self._framed.digest() == self._expected


def check_record(record: Record, label: str, now: datetime) -> tuple[Facts | None, list[Finding]]:
    """Reads the record to its end. No facts when its bytes are broken: the iteration itself tells of that."""
    block = DigestCheck(record.fields.get("WARC-Block-Digest"))
    payload = DigestCheck(record.fields.get("WARC-Payload-Digest"))
    http = is_http(record)
    if http:
        scan = scan_http(
            record.pieces(),
            on_block=block.observer,
            on_framed=payload.framed_observer,
            on_payload=payload.observer,
            parse=parse_request_head if record.type == "request" else parse_head,
        )
    else:
        scan = scan_plain(_observed(record.pieces(), block, payload))
    end = record.finish()
    if isinstance(end, Broken):
        return None, []
    facts = _facts(record, label, end.length, scan, http)
    findings = [
        *_check_lines(record, facts),
        *_check_head(record, facts, now),
        *_check_target(record, facts),
        *_check_digests(record, facts, scan, block, payload),
        *(check_event(record, facts, scan) if http else ()),
    ]
    return facts, findings


def is_http(record: Record) -> bool:
    return record.type in ("response", "request", "revisit") and (
        record.fields.get("Content-Type").lower().startswith("application/http") or record.url.startswith(("http:", "https:"))
    )


def _observed(pieces: Iterator[bytes], block: DigestCheck, payload: DigestCheck) -> Iterator[bytes]:
    observers = [check.observer for check in (block, payload) if check.observer]
    for piece in pieces:
        for observe in observers:
            observe(piece)
        yield piece


def _facts(record: Record, label: str, length: int, scan: Scan, http: bool) -> Facts:
    fields = record.fields
    return Facts(
        file=label,
        warc=record.file,
        offset=record.offset,
        length=length,
        id=record.id,
        type=record.type,
        url=record.url,
        date=fields.get("WARC-Date"),
        version=record.version,
        block_digest=fields.get("WARC-Block-Digest"),
        payload_digest=fields.get("WARC-Payload-Digest"),
        payload_sha256=scan.sha256,
        size_bytes=scan.size_bytes,
        status=scan.head.status if scan.head else 0,
        truncated=bool(fields.get("WARC-Truncated") or fields.get("WARC-Segment-Number")),
        content_type=fields.get("Content-Type"),
        mime=scan.head.fields.get("Content-Type") if http and scan.head else fields.get("Content-Type"),
        http=http,
        ip=fields.get("WARC-IP-Address"),
        concurrent_to=tuple(map(bare_id, fields.all("WARC-Concurrent-To"))),
        warcinfo_id=bare_id(fields.get("WARC-Warcinfo-ID")),
        refers_to=bare_id(fields.get("WARC-Refers-To")),
        refers_to_url=bare_id(fields.get("WARC-Refers-To-Target-URI")),
        refers_to_date=fields.get("WARC-Refers-To-Date"),
        profile=bare_id(fields.get("WARC-Profile")),
    )


def _check_lines(record: Record, facts: Facts) -> Iterator[Finding]:
    if record.trailer != rec.RECORD_END:
        yield facts.error("record-end", "the record does not end in exactly two line ends (section 3)")
    if not record.strict_lines:
        yield facts.error("head", "lines of the record's head do not end in CR and LF (section 4)")
    for name in _ONCE:
        if len(record.fields.all(name)) > 1:
            yield facts.error("head", f"{name} stands there more than once (section 4)")


def _check_head(record: Record, facts: Facts, now: datetime) -> Iterator[Finding]:
    if record.version not in KNOWN_VERSIONS:
        told = facts.warning if record.version in DRAFT_VERSIONS else facts.error
        yield told("version", f"WARC/{record.version} is no version of the standard")
    if not record.type:
        yield facts.error("type", "the record has no WARC-Type (section 5.5)")
    elif record.type not in KNOWN_TYPES:
        yield facts.warning("type", f"the type {record.type} is not in the standard")
    if not _RECORD_ID.fullmatch(record.fields.get("WARC-Record-ID")):
        yield facts.error("record-id", "the record has no WARC-Record-ID in angle brackets (section 5.2)")
    at = parse_date(facts.date)
    if at is None:
        yield facts.error("date", f"{facts.date!r} is no WARC-Date (section 5.4)")
    elif at > now + FUTURE_ALLOWANCE:
        yield facts.error("date", f"the record is dated in the future: {facts.date}")
    elif at.year < FIRST_YEAR:
        told = facts.warning if record.type in _OF_FILES else facts.error
        yield told("date", f"the record is dated before there was a web: {facts.date}")


def _check_target(record: Record, facts: Facts) -> Iterator[Finding]:
    if not record.url and record.type in _NEEDS_URL:
        yield facts.error("target", "the record has no WARC-Target-URI (section 5.12)")
    if record.version == "1.1" and record.fields.get("WARC-Target-URI").startswith("<"):
        yield facts.warning("target", "WARC-Target-URI stands in angle brackets, which WARC/1.1 does not know")
    if record.type in _NEEDS_URL and "#" in record.url:
        yield facts.warning("target", "WARC-Target-URI has a fragment; viewers look for the address without it")
    if facts.ip and not _is_address(facts.ip):
        yield facts.error("ip", f"WARC-IP-Address is no address: {facts.ip} (section 5.10)")
    named = record.fields.get("WARC-Filename").strip('"')
    if record.type == "warcinfo" and named and PurePath(named).name != record.file:
        yield facts.warning("warcinfo", f"WARC-Filename says {named}: the file was renamed, or is another one")
    cut = record.fields.get("WARC-Truncated")
    if cut and cut not in TRUNCATED:
        yield facts.warning("truncated", f"WARC-Truncated gives a reason that is not in the standard: {cut}")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _check_digests(record: Record, facts: Facts, scan: Scan, block: DigestCheck, payload: DigestCheck) -> Iterator[Finding]:
    for name, check in (("WARC-Block-Digest", block), ("WARC-Payload-Digest", payload)):
        if check.unreadable:
            told = facts.error if rec.attests(check.declared) else facts.warning
            yield told("digest", f"{name} cannot be read: {check.declared}")
    if not block.agrees(scan.block_digest):
        if record.type == "revisit" and block.of_nothing:
            yield facts.warning("block-digest-empty", "WARC-Block-Digest was taken over no bytes at all, so it attests nothing")
        else:
            yield facts.error("block-digest", "the block is not the one that WARC-Block-Digest names")
    skipped = record.type == "revisit" or "WARC-Segment-Number" in {name for name, _ in record.fields.items}
    if skipped or payload.agrees(scan.payload_digest or scan.block_digest):
        return
    if facts.http and scan.head is not None and payload.agrees_framed():
        yield facts.warning("payload-digest-framed", "WARC-Payload-Digest was taken over the chunk framing, not over the payload")
    else:
        yield facts.error("payload-digest", "the payload is not the one that WARC-Payload-Digest names")
