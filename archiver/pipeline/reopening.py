"""What an archive already holds: outcomes read back from its records, so that a run can go on where another was cut off.

Nothing but standard records is needed: responses and revisits by URL, redirects followed through them, and the failure
records of what had no answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from archiver.capture import urls
from archiver.capture.policy import REDIRECTS, Refusal
from archiver.capture.urls import Place
from archiver.errors import InputError
from archiver.model import Archived, ArchivedMiss, Captured, Hop, Missed, Outcome, Reason, Stored, Target, Truncation
from archiver.pipeline import document, folder
from archiver.pipeline.settings import Settings
from archiver.post.read import Document
from archiver.warc import reader

HOPS_MAX = 30
POST_URN = "urn:archiver:post"
ROBOTS_HOLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Held:
    """What a set of WARC files holds, by URL; of several captures of one URL the last counts."""

    responses: Mapping[str, Archived]
    missed: Mapping[str, ArchivedMiss]
    broken: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Begun:
    """A chain of redirects that the archive holds the beginning of."""

    hops: tuple[Hop, ...] = ()
    onward: Place | None = None
    """Where the last of them leads to; None without any."""


def hold(paths: Sequence[Path], originals: Sequence[Path] = ()) -> Held:
    """Read the WARC files, in the order given. `originals`: files of earlier captures that their revisits may refer to."""
    responses: dict[str, Archived] = {}
    broken: list[str] = []
    sources, names = {str(path) for path in paths}, {folder.final_name(path) for path in paths}
    for row in reader.responses([*(originals if paths else ()), *paths]):
        if isinstance(row, Archived) and row.source in sources:
            responses[wire(row.url)] = row
        elif not isinstance(row, Archived) and row.file in names:
            broken.append(f"{row.file}: {row.detail} (at byte {row.offset})")
    return Held(responses, {wire(row.url): row for row in reader.missed(paths)}, tuple(broken))


def wire(url: str) -> str:
    """The form under which a URL goes over the wire and into the archive."""
    place = urls.parse(url)
    return url if isinstance(place, Refusal) else place.url


@dataclass(frozen=True, slots=True)
class Memory:
    """What a run need not ask for."""

    held: Held
    """What the files hold that it builds on."""
    anew: frozenset[str] = frozenset()
    """URLs of targets that are fetched again in spite of it ..."""
    since: Held | None = None
    """... unless this very run did so before it was cut off."""

    def outcome(self, target: Target) -> Outcome | None:
        held = self._of(target)
        return outcome(target, held) if held else None

    def begun(self, target: Target) -> Begun:
        held = self._of(target)
        return begun(target, held) if held else Begun()

    def robots(self, url: str, where: Path, now: datetime) -> tuple[int, bytes] | None:
        """Status and body of a robots.txt that the capture which goes on here got not long ago (RFC 9309 section 2.4)."""
        held = self.since if self.anew else self.held
        hops = [hop for hop, _ in _chain(url, held)] if held else []
        last = hops[-1] if hops else None
        if last is None or last.stored is None or last.truncated or now - last.at > ROBOTS_HOLD or last.status // 100 not in (2, 4):
            return None
        told = last.status < 300 and last.stored.size_bytes
        return last.status, reader.payload(where, last.stored.payload_ref) if told else b""

    def _of(self, target: Target) -> Held | None:
        return self.since if target.url in self.anew else self.held


def outcome(target: Target, held: Held) -> Outcome | None:
    """What came of a target, as far as the archive tells; None when it has to be fetched."""
    hops = tuple(hop for hop, _ in _chain(target.url, held))
    failure = held.missed.get(wire(target.url))
    if failure is not None and failure.at is not None and not (hops and _complete(hops[-1]) and hops[-1].at > failure.at):
        return Missed(target, hops, failure.at, failure.reason, failure.detail, failure.attempts)
    last = hops[-1] if hops else None
    if last is None or last.stored is None or not _complete(last):
        return None
    stored = last.stored
    return Captured(target, hops, last.at, stored.payload_sha256, stored.size_bytes, stored.ref, stored.payload_ref)


def _complete(hop: Hop) -> bool:
    return 200 <= hop.status < 300 and not hop.truncated and hop.stored is not None and hop.stored.size_bytes > 0


def begun(target: Target, held: Held) -> Begun:
    """How far the redirects of a target without an outcome were followed."""
    hops: list[Hop] = []
    for hop, onward in _chain(target.url, held):
        if onward is None or hop.truncated or hop.url in {earlier.url for earlier in hops}:
            break
        hops.append(hop)
        reached = onward
    return Begun(tuple(hops), reached) if hops else Begun()


def _chain(url: str, held: Held) -> Iterator[tuple[Hop, Place | None]]:
    """The hops from `url` on, following redirects as the client does, each with the place that it leads on to."""
    place = urls.parse(url)
    for _ in range(HOPS_MAX):
        if isinstance(place, Refusal) or (row := held.responses.get(place.url)) is None or row.at is None:
            return
        redirects = row.status in REDIRECTS and bool(row.location)
        place = urls.follow(place, row.location.encode("latin-1", "replace")) if redirects else _NOWHERE
        yield _hop(row, row.at), None if isinstance(place, Refusal) else place


_NOWHERE = Refusal(Reason.REDIRECT_ERROR, "the answer is no redirect")


def _hop(row: Archived, at: datetime) -> Hop:
    stored = Stored(row.ref, row.payload_sha256, row.size_bytes, row.payload_ref, row.ref != row.payload_ref)
    truncated: Truncation = "" if row.complete else _TRUNCATIONS.get(row.truncated, "disconnect")
    return Hop(row.url, row.status, at, "", row.content_type, row.last_modified, truncated, stored)


_TRUNCATIONS: Mapping[str, Truncation] = {"length": "length", "time": "time"}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the post of an archive was read, as its archive tells."""

    source: str
    page: str
    document: str
    """The URL under which the document's own bytes stand in the archive."""
    base_url: str
    srcset: Literal["all", "largest"]
    local_images: bool
    originals: bool = False
    page_url: str = ""
    """`--page-url` as given; relative links of a post without any address of its own resolve against nothing."""


def reading(paths: Sequence[Path]) -> Reading:
    """The latest note on the post in these files. Raises InputError when there is none: they were not written by `archiver archive`."""
    found = noted(paths)
    if found is None:
        raise InputError("no post stands in this archive; `archiver dedup` reads archives of other programs")
    return found


def noted(paths: Sequence[Path]) -> Reading | None:
    """The same, or None: a run may have been cut off before it could say how it read the post."""
    found: Reading | None = None
    for path in paths:
        for record in reader.records(path):
            if isinstance(record, reader.Record) and record.type == "metadata" and record.url == POST_URN:
                found = _reading(b"".join(bytes(piece) for piece in record.pieces())) or found
    return found


def note(read: Reading) -> bytes:
    """The note that `reading` finds again."""
    return json.dumps(asdict(read), ensure_ascii=False).encode()


def _reading(body: bytes) -> Reading | None:
    try:
        return Reading(**json.loads(body))
    except (ValueError, TypeError):
        return None


def reread(read: Reading, held: Held, settings: Settings) -> Document:
    """The post as it was read when it was archived. Raises InputError."""
    raw, row = raw_document(read, held)
    how = replace(
        settings,
        base_url=read.base_url,
        srcset=read.srcset,
        local_images=read.local_images,
        originals=read.originals,
        page_url=read.page_url,
    )
    return document.parse(raw, read.source, how, url=read.page if document.is_url(read.source) else "", content_type=row.content_type)


def raw_document(read: Reading, held: Held) -> tuple[bytes, Archived]:
    """The document's own bytes and the record they stand in. Raises InputError."""
    row = held.responses.get(wire(read.document))
    if row is None:
        raise InputError(f"the post {read.document} is not in the archive")
    return reader.payload(Path(row.payload_source), row.payload_ref), row
