"""The index of a WACZ against its records: every capture in it, and nothing else (WACZ 1.1.1, CDXJ)."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from archiver.warc.findings import Facts, Finding
from archiver.warc.package import Package
from archiver.warc.records import RECORD_END, parse_digest, second_of
from archiver.warc.surt import surt
from archiver.warc.wacz import INDEX_DATA, INDEX_PLACES

REVISIT = "warc/revisit"
UNTOLD = "unk"
"""What some indexes say where no kind is known."""
_MIME_END = re.compile(r"[;\s]")


class IndexCheck:
    """Checks the index of one WACZ."""

    def __init__(self, package: Package, records: Iterable[Facts]) -> None:
        self._package = package
        self._places = {(facts.warc, facts.offset): facts for facts in records}
        self._covered: set[tuple[str, int]] = set()

    def check(self) -> Iterator[Finding]:
        names = [name for name in self._package.names if name.startswith("indexes/") and name.endswith((".cdx.gz", ".cdx", ".cdxj"))]
        if not names:
            yield self._package.error("index", "indexes/", "the WACZ holds no index")
            return
        for name in names:
            yield from self._check_lines(name)
        for place, facts in self._places.items():
            if facts.type in ("response", "revisit", "resource") and facts.http | (facts.type == "resource") and place not in self._covered:
                yield facts.error("index", "the record is not in the index")
        if INDEX_PLACES in self._package.names:
            yield from self._check_places()
        elif INDEX_DATA in self._package.names:
            yield self._package.note(
                "index", INDEX_PLACES, "nothing tells where the blocks of the index begin; viewers must read all of it"
            )

    def _check_lines(self, name: str) -> Iterator[Finding]:
        lines, finding = self._lines(name)
        if finding:
            yield finding
        if lines != sorted(lines):
            yield self._package.error("index", name, "the index is not sorted")
        for line in lines:
            yield from self._check_line(name, line)
        if len(set(lines)) < len(lines):
            yield self._package.note("index", name, f"{len(lines) - len(set(lines))} lines of the index stand there twice")

    def _lines(self, name: str) -> tuple[list[bytes], Finding | None]:
        raw = self._package.text(name)
        try:
            if raw is None:
                raise ValueError
            text = gzip.decompress(raw) if name.endswith(".gz") else raw
        except (OSError, EOFError, ValueError, zlib.error):
            return [], self._package.error("index", name, "the index cannot be read")
        return [line for line in text.split(b"\n") if line and not line.startswith((b"!", b" CDX"))], None

    def _check_line(self, name: str, line: bytes) -> Iterator[Finding]:
        try:
            fields = json.loads(line.split(b" ", 2)[2])
            place = (Path(fields["filename"]).name, int(fields["offset"]))
            length, url = int(fields["length"]), str(fields["url"])
        except (IndexError, ValueError, KeyError, TypeError, RecursionError):
            yield self._package.error("index", name, f"an index line cannot be read: {line[:100]!r}")
            return
        facts = self._places.get(place)
        if facts is None:
            yield self._package.error(
                "index", name, f"the index says that {url} stands in {place[0]} at {place[1]}; no record starts there"
            )
            return
        self._covered.add(place)
        if facts.url.replace(" ", "%20") != url and fields.get("method", "GET") == "GET":
            yield self._package.error(
                "index", name, f"the index says {url} for {place[0]} at {place[1]}; the record there is of {facts.url}"
            )
        elif facts.length and length not in _lengths(facts):
            yield self._package.error("index", name, f"the index says {length} bytes for {url}; the record has {facts.length}")
        elif self._package.ours and line.split(b" ", 1)[0] != surt(url).encode():
            yield self._package.error("index", name, f"the index has {url} under a key by which nobody finds it")
        elif detail := _other_capture(line, fields, facts):
            yield self._package.error("index", name, f"the index says {detail} for {url}; the record does not")

    def _check_places(self) -> Iterator[Finding]:
        """Each line of index.idx must lead to a gzip member that begins with the line it names, and together to all of them."""
        places = self._package.text(INDEX_PLACES) or b""
        data = self._package.text(INDEX_DATA) or b""
        led_bytes = 0
        for line in places.decode("utf-8", "replace").split("\n"):
            if not line or line.startswith("!"):
                continue
            prefix, _, told = line.partition("{")
            try:
                at = json.loads("{" + told)
                block = zlib.decompress(data[at["offset"] : at["offset"] + at["length"]], wbits=31)
            except (ValueError, KeyError, TypeError, RecursionError, zlib.error):
                yield self._package.error("index", INDEX_PLACES, f"a block of the index cannot be found: {line[:100]}")
                return
            led_bytes += at["length"]
            if not block.startswith(prefix.strip().encode()):
                yield self._package.error("index", INDEX_PLACES, f"a block of the index begins with another line: {line[:100]}")
        if led_bytes != len(data):
            yield self._package.error("index", INDEX_PLACES, f"it leads to {led_bytes} of {len(data)} bytes of the index")


def _other_capture(line: bytes, fields: dict[str, Any], facts: Facts) -> str:
    """Where an index line tells another time, status, payload or kind than its record, in words."""
    moment = line.split(b" ", 2)[1].decode("ascii", "replace")
    if not second_of(facts.date).startswith(moment[:14]):
        return moment
    if _other_digest(str(fields.get("digest", "")), facts.payload_digest):
        return str(fields["digest"])
    status = str(fields.get("status", ""))
    if facts.status and status.isdigit() and int(status) != facts.status:
        return f"status {status}"
    told = str(fields.get("mime") or UNTOLD)
    kind = REVISIT if facts.type == "revisit" else _MIME_END.split(facts.mime, maxsplit=1)[0]
    return "" if UNTOLD in (told, kind or UNTOLD) or told.lower() == kind.lower() else told


def _other_digest(told: str, declared: str) -> bool:
    """Some indexes leave the name of the algorithm out."""
    algorithm, colon, _ = declared.partition(":")
    if told and colon and ":" not in told:
        told = f"{algorithm}:{told}"
    one, other = parse_digest(told), parse_digest(declared)
    return one is not None and other is not None and one[0] == other[0] and one != other


def _lengths(facts: Facts) -> tuple[int, int]:
    """In an uncompressed WARC the tools leave the line ends behind the block out of the length."""
    return facts.length, facts.length - (0 if facts.warc.endswith(".gz") else len(RECORD_END))
