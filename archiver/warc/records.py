"""The words of a WARC record: named fields, dates, digests, and the head that carries them (WARC 1.1, ISO 28500:2017).

Pure: nothing here reads or writes a file.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from archiver.model import RecordRef

VERSION = "WARC/1.1"
FORMAT = "WARC File Format 1.1"
CONFORMS_TO = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
REVISIT_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "server-not-modified"
"""Ends the name of the other profile (section 6.7.3): the server said that nothing has changed at this URL."""
WARC_FIELDS = "application/warc-fields"
HTTP_RESPONSE = "application/http;msgtype=response"
HTTP_REQUEST = "application/http;msgtype=request"
IMAGE_URN = "urn:archiver:image:"
"""Target of the record that says what is known of the picture at the URL behind it."""
MISSED_URN = "urn:missed:"
"""Target of the record that says why a URL could not be had. A `urn:` never stands in the way of the URL's own replay."""
NOTE = "Archiver-Note"
"""Field of our own, repeatable: what a reader should know of this record. Others ignore unknown fields (section 4)."""
AS_SENT = "kept as the server sent it: "
"""Begins the note on a response that contradicts itself, so that `verify` can tell a lying server from a lying archive."""
RECORD_END = b"\r\n\r\n"
DIGEST_ALGORITHM = "sha256"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_NOT_IN_URI = re.compile(r"[\x00-\x20\x7f]")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_NO_DIGIT = re.compile(r"[^0-9]")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")


@dataclass(frozen=True, slots=True)
class Fields:
    """Named fields in the order of the record; names compare without regard to case (section 4)."""

    items: tuple[tuple[str, str], ...]

    def get(self, name: str, default: str = "") -> str:
        wanted = name.lower()
        return next((value for key, value in self.items if key.lower() == wanted), default)

    def all(self, name: str) -> tuple[str, ...]:
        wanted = name.lower()
        return tuple(value for key, value in self.items if key.lower() == wanted)


@dataclass(frozen=True, slots=True)
class WarcInfo:
    """Who captured what with which means: the body of every `warcinfo` record (section 6.2)."""

    software: str
    operator: str = ""
    description: str = ""
    user_agent: str = ""
    robots: str = ""
    is_part_of: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further fields: settings, versions. Written in this order, without empty values."""


@dataclass(frozen=True, slots=True)
class KnownPayload:
    """A payload that already stands whole in the archive, so that the same bytes can be written as a revisit of it."""

    digest: str
    """As in `WARC-Payload-Digest`: over the de-chunked, still content-encoded body."""
    url: str
    date: str
    """`WARC-Date` of the original, character for character."""
    ref: RecordRef
    payload_sha256: str
    size_bytes: int
    framing: tuple[bool, str]
    """(chunked, content-encoding): decides which revisits a viewer can replay."""


def warc_date(at: datetime) -> str:
    """`WARC-Date` in whole seconds, the precision every index keeps.

    >>> warc_date(datetime(2026, 11, 22, 17, 41, 0, 987654, UTC))
    '2026-11-22T17:41:00Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_date(text: str) -> datetime | None:
    """The instant of a `WARC-Date` (section 5.4), None when it is none. Fractions beyond microseconds are cut."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    microsecond = int((match[7] or "0")[:6].ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except ValueError:
        return None


def second_of(date: str) -> str:
    """The fourteen digits of a `WARC-Date` by which every index knows a capture; fractions of a second are nowhere looked up."""
    return _NO_DIGIT.sub("", date)[:14]


def digest_label(digest: bytes) -> str:
    """A SHA-256 as WARC writes it: algorithm, colon, base32 (section 5.8)."""
    return f"{DIGEST_ALGORITHM}:{base64.b32encode(digest).decode('ascii')}"


def digest_of(data: bytes) -> str:
    return digest_label(hashlib.sha256(data).digest())


def parse_digest(text: str) -> tuple[str, bytes] | None:
    """(algorithm, raw digest) of a labelled digest in base32 or hex, None when it cannot be read."""
    algorithm, colon, value = text.strip().partition(":")
    algorithm = algorithm.lower().replace("-", "")
    try:
        size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    except (ValueError, TypeError):
        return None
    if not colon or not size:
        return None
    try:
        if _HEX.fullmatch(value) and len(value) == size * 2:
            return algorithm, bytes.fromhex(value)
        raw = base64.b32decode(value.rstrip("=").upper() + "=" * (-len(value.rstrip("=")) % 8))
    except ValueError:
        return None
    return (algorithm, raw) if len(raw) == size else None


def attests(declared: str) -> bool:
    """Whether a labelled digest is of an algorithm that is known here, readable or not."""
    return declared.partition(":")[0].strip().lower().replace("-", "") in hashlib.algorithms_guaranteed


def target_uri(url: str) -> str:
    """The URL without its fragment; otherwise byte for byte, save that spaces and control characters, which no URI has, are escaped."""
    return _NOT_IN_URI.sub(lambda match: f"%{ord(match[0]):02X}", url.partition("#")[0])


def one_line(text: str) -> str:
    return _CONTROL.sub(" ", text)


def record_head(record_type: str, record_id: str, fields: Iterable[tuple[str, str]], block_bytes: int) -> bytes:
    """The bytes before the block: version, type and id first, Content-Length last; fields with an empty value are left out."""
    lines = [VERSION, f"WARC-Type: {record_type}", f"WARC-Record-ID: <{record_id}>"]
    lines += [f"{name}: {one_line(value)}" for name, value in fields if value]
    lines += [f"Content-Length: {block_bytes}", "", ""]
    return "\r\n".join(lines).encode("utf-8", "replace")


def field_lines(fields: Iterable[tuple[str, str]]) -> bytes:
    """An `application/warc-fields` block; empty values are left out."""
    return "".join(f"{name}: {one_line(value)}\r\n" for name, value in fields if value).encode("utf-8", "replace")


def parse_fields(raw: bytes) -> Fields:
    """Reads the named fields of a record head or of an `application/warc-fields` block."""
    return Fields(read_fields(decode_text(raw).split("\n")))


def read_fields(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Reads `name: value` lines, folded ones included (RFC 822 section 3.2); lines without a colon are passed over."""
    items: list[tuple[str, list[str]]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and items:
            items[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        if colon:
            items.append((name.strip(), [value.strip()]))
    return tuple((name, " ".join(filter(None, parts))) for name, parts in items)


def decode_text(raw: bytes) -> str:
    """UTF-8 as the standard says (section 4), latin-1 where an old writer knew better."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def bare_id(value: str) -> str:
    """`<urn:uuid:...>` -> `urn:uuid:...`; the same for the URIs that some writers put in angle brackets."""
    return value[1:-1] if value.startswith("<") and value.endswith(">") else value


def warcinfo_block(info: WarcInfo) -> bytes:
    named = [
        ("software", info.software),
        ("format", FORMAT),
        ("conformsTo", CONFORMS_TO),
        ("operator", info.operator),
        ("robots", info.robots),
        ("http-header-user-agent", info.user_agent),
        ("isPartOf", info.is_part_of),
        ("description", info.description),
    ]
    return field_lines([*named, *info.extra.items()])
