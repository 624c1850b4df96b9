"""What a verification has to say, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_SHOWN_MAX = 1000
"""Characters of a detail in its line: what it cites of a head is a stranger's, and may be endless."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing, about an archive."""

    severity: Literal["error", "warning"]
    """An error means that the archive is not what it says; a warning is something that a curator should know."""
    kind: str
    """One word for programs: `damaged`, `block-digest`, `revisit`, ..."""
    file: str
    """The WARC, `<wacz>/archive/<warc>` inside a WACZ, or the other file that it is about."""
    offset: int | None
    """Of the record's gzip member, in bytes; None when it is not about a record."""
    record_id: str
    detail: str

    @property
    def line(self) -> str:
        place = self.file if self.offset is None else f"{self.file} at {self.offset}"
        named = f" {self.record_id}" if self.record_id else ""
        detail = self.detail if len(self.detail) <= _SHOWN_MAX else f"{self.detail[:_SHOWN_MAX]}…"
        return f"{self.severity}: {place}{named}: {detail} [{self.kind}]"


@dataclass(frozen=True, slots=True)
class Facts:
    """What cross-checks need to know of a record after it is gone by."""

    file: str
    """As in Finding."""
    warc: str
    """Bare name of the WARC."""
    offset: int
    length: int
    id: str
    type: str
    url: str
    date: str
    version: str
    block_digest: str
    """As declared, like the next."""
    payload_digest: str
    payload_sha256: str
    """Of the decoded payload, as computed; empty when there is none."""
    size_bytes: int
    """Of the decoded payload."""
    status: int
    """Of the HTTP head; 0 without one."""
    truncated: bool
    content_type: str
    mime: str
    """What the HTTP head of a response calls its payload; the record's own kind of content for all others."""
    http: bool
    ip: str
    concurrent_to: tuple[str, ...]
    warcinfo_id: str
    refers_to: str
    refers_to_url: str
    refers_to_date: str
    profile: str

    def error(self, kind: str, detail: str) -> Finding:
        return Finding("error", kind, self.file, self.offset, self.id, detail)

    def warning(self, kind: str, detail: str) -> Finding:
        return Finding("warning", kind, self.file, self.offset, self.id, detail)
