"""What can be said of one request or response by itself: does it say what its record says, and hold what its head promises?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from archiver.warc import records as rec
from archiver.warc.findings import Facts, Finding
from archiver.warc.scan import Scan
from archiver.warc.stream import Record

_KIND = re.compile(r"application/http\s*(?:;(?P<told>.*))?", re.IGNORECASE | re.DOTALL)
_ROLE = re.compile(r"msgtype\s*=\s*\"?(\w+)", re.IGNORECASE)
_ORIGIN = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


def check_event(record: Record, facts: Facts, scan: Scan) -> Iterator[Finding]:
    """What is asked and answered over HTTP (sections 6.3.2, 6.5.2: its kind should be told, and not wrongly)."""
    role = "request" if record.type == "request" else "response"
    kind = _KIND.fullmatch(facts.content_type)
    told = _ROLE.search(kind["told"] or "") if kind else None
    if (kind is None and scan.block_bytes) or (told and told[1].lower() != role):
        says = facts.error if kind else facts.warning
        yield says("content-type", f"Content-Type of the record is {facts.content_type!r}, not application/http;msgtype={role}")
    if record.type == "response":
        yield from _check_body(record, facts, scan)
    elif record.type == "request" and (asked := _asked_else(scan.head_raw, facts.url)):
        yield facts.warning("request", f"the request asks for {asked}, not for what WARC-Target-URI names")


def _asked_else(head: bytes, url: str) -> str:
    """The target of the request line, where it is none of the URL's: however both are escaped, and with a proxy's full form."""
    method, _, rest = head.partition(b"\n")[0].partition(b" ")
    asked = rest.rpartition(b" ")[0].strip()
    wanted = url.partition("#")[0].encode("utf-8", "replace")
    alike = method == b"CONNECT" or asked in (b"", b"*") or _path(asked) == _path(wanted)
    return "" if alike else asked.decode("utf-8", "replace")


def _path(target: bytes) -> bytes:
    origin = _ORIGIN.match(target)  # at its start only: the path may hold another address
    path = unquote_to_bytes(target[origin.end() :] if origin else target)
    return path if path.startswith(b"/") else b"/" + path


def _check_body(record: Record, facts: Facts, scan: Scan) -> Iterator[Finding]:
    """A cut body may break off anywhere when it is marked; a server that lies is no fault of an archive that says so."""
    if record.fields.get("WARC-Truncated") or record.fields.get("WARC-Segment-Number"):
        if scan.head is not None and scan.complete and scan.ends_by_framing and record.fields.get("WARC-Truncated"):
            yield facts.warning("truncated", "WARC-Truncated says that the body was cut; it ends where its head says")
        return
    attested = any(note.startswith(rec.AS_SENT) for note in record.fields.all(rec.NOTE))
    told = facts.warning if attested else facts.error
    if scan.contradiction:
        yield told("http", scan.contradiction)
    elif scan.head is not None and scan.body_bytes and not scan.complete and not scan.undecoded:
        length = scan.head.content_length
        if scan.dechunked or length is None:
            yield told("http-cut", "the body ends before its framing or coding does, and no WARC-Truncated says so")
        elif length > scan.body_bytes:
            yield told("http-cut", f"the body has {scan.body_bytes} of {length} bytes, and no WARC-Truncated says so")
        else:
            yield facts.warning("http-length", f"the body has {scan.body_bytes} bytes, Content-Length says {length}")
