"""What can be said of the records of an archive together: unique ids, and references that lead somewhere."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from archiver.warc.findings import Facts, Finding
from archiver.warc.records import NOT_MODIFIED, WARC_FIELDS, attests, parse_date, parse_digest, second_of

_PROFILE = re.compile(
    r"http://netpreserve\.org/warc/(?:0\.1[78]|1\.[01])/revisit/(?:identical-payload-digest|server-not-modified|uri-agnostic-identical-payload-digest)"
)
"""Section 6.7, the same in the drafts, and an older name under which Heritrix wrote the first."""
VERSIONS_BEFORE_REFERS_TO = ("0.17", "0.18", "1.0")
"""They have no WARC-Refers-To-Target-URI and -Date; many writers leave them out."""
CLOCK_TWICE = timedelta(minutes=1)
"""Some writers look at the clock for each record of an event."""


class Ledger:
    """All records of one archive."""

    def __init__(self) -> None:
        self.records: list[Facts] = []
        self._by_id: dict[str, Facts] = {}
        self._damaged: set[str] = set()

    def add_damaged(self, record_id: str) -> None:
        """A record of which no more can be said than that it is there."""
        self._damaged.add(record_id)

    def _state(self, record_id: str) -> str:
        return "damaged" if record_id in self._damaged else "not here"

    def add(self, facts: Facts) -> Iterator[Finding]:
        first = self._by_id.setdefault(facts.id, facts)
        if first is not facts and facts.id:
            yield facts.error("record-id", f"the record id stands already in {first.file} at {first.offset}")
        self.records.append(facts)

    def get(self, record_id: str) -> Facts | None:
        return self._by_id.get(record_id)

    def check(self) -> Iterator[Finding]:
        """Everything that can only be said when all records are known."""
        files: dict[str, list[Facts]] = defaultdict(list)
        for facts in self.records:
            files[facts.file].append(facts)
        for records in files.values():
            yield from _check_warcinfo(records)
            yield from _check_digests(records)
            yield from self._check_requests(records)
        yield from self._check_concurrent()
        yield from self._check_refers_to()
        yield from self._check_revisits()
        yield from _check_shadows(self.records)

    def _check_requests(self, records: Iterable[Facts]) -> Iterator[Finding]:
        requests = {facts.id: facts for facts in records if facts.type == "request"}
        answered = {name for facts in requests.values() for name in facts.concurrent_to}
        answers = [facts for facts in records if facts.http and facts.type in ("response", "revisit")]
        if answers and not requests:
            yield answers[0].warning("request", "the file holds no requests, only what was answered to them")
            return
        for facts in answers:
            if facts.id not in answered and not any(name in requests for name in facts.concurrent_to):
                yield facts.error("request", "no request belongs to this response")

    def _check_concurrent(self) -> Iterator[Finding]:
        for facts in self.records:
            for name in facts.concurrent_to:
                other = self._by_id.get(name)
                if other is None:
                    yield facts.error("concurrent-to", f"WARC-Concurrent-To names {name}, which is {self._state(name)}")
                elif facts.http and other.http:
                    yield from _check_event(facts, other)

    def _check_refers_to(self) -> Iterator[Finding]:
        for facts in self.records:
            if facts.refers_to and facts.refers_to not in self._by_id:
                yield facts.error("refers-to", f"WARC-Refers-To names {facts.refers_to}, which is {self._state(facts.refers_to)}")

    def _check_revisits(self) -> Iterator[Finding]:
        captures = _Captures(self.records, self._by_id)
        for facts in self.records:
            if facts.type == "revisit":
                yield from _check_revisit(facts, captures)


def _check_event(facts: Facts, other: Facts) -> Iterator[Finding]:
    """What was asked and what was answered are one capture event: one URL (section 5.7), one date (section 5.4), one server."""
    if facts.url != other.url:
        yield facts.error("concurrent-to", f"the record is of {facts.url}; what it is concurrent to is of {other.url}")
    if facts.ip and other.ip and facts.ip != other.ip:
        yield facts.error("concurrent-to", f"the record is from {facts.ip}; what it is concurrent to is from {other.ip}")
    here, there = parse_date(facts.date), parse_date(other.date)
    if here and there and here != there:
        told = facts.error if abs(here - there) > CLOCK_TWICE else facts.warning
        yield told("concurrent-to", f"the record is dated {facts.date}; what it is concurrent to is dated {other.date}")


class _Captures:
    """What revisits may refer to, under every name by which they do."""

    def __init__(self, records: Iterable[Facts], by_id: Mapping[str, Facts]) -> None:
        self._by_id = by_id
        self._by_moment: dict[tuple[str, str], list[Facts]] = defaultdict(list)
        self._by_digest: dict[tuple[str, bytes], Facts] = {}
        self._by_url: dict[str, list[Facts]] = defaultdict(list)
        for facts in records:
            if facts.type in ("response", "resource", "revisit"):
                self._by_moment[facts.url, second_of(facts.date)].append(facts)
            if facts.type in ("response", "resource"):
                self._by_url[facts.url].append(facts)
                if digest := parse_digest(facts.payload_digest):
                    self._by_digest.setdefault(digest, facts)

    def at(self, facts: Facts) -> list[Facts]:
        """Those that WARC-Refers-To-Target-URI and -Date name."""
        named = self._by_moment.get((facts.refers_to_url, second_of(facts.refers_to_date)), ())
        return [original for original in named if original is not facts]

    def otherwise(self, facts: Facts) -> list[Facts]:
        """Those that a revisit without those two means: by id, by digest, or the earlier ones of its URL that the server held to be
        unchanged."""
        digest = parse_digest(facts.payload_digest)
        found = [self._by_id.get(facts.refers_to), self._by_digest.get(digest) if digest else None]
        if facts.profile.endswith(NOT_MODIFIED):
            found += [earlier for earlier in self._by_url.get(facts.url, ()) if earlier.date <= facts.date]
        return [original for original in found if original is not None]


def _check_revisit(facts: Facts, captures: _Captures) -> Iterator[Finding]:
    digest = parse_digest(facts.payload_digest)
    found = captures.at(facts)
    if not _PROFILE.fullmatch(facts.profile):
        yield facts.error("revisit", f"WARC-Profile names no profile of the standard (section 6.7): {facts.profile!r}")
    by_moment = bool(facts.refers_to_url and facts.refers_to_date)
    if not by_moment:
        told = facts.warning if facts.version in VERSIONS_BEFORE_REFERS_TO else facts.error
        yield told("revisit", "the revisit lacks WARC-Refers-To-Target-URI or -Date, which viewers need")
        found = captures.otherwise(facts)
    if not found:
        yield facts.error("revisit", f"the original of the revisit is not here: {facts.refers_to_url or facts.refers_to}")
        return
    originals = [original for original in found if original.type != "revisit"]
    if not originals:
        yield facts.error("revisit", "the revisit refers to another revisit")
        return
    if digest and all(parse_digest(original.payload_digest) not in (digest, None) for original in originals):
        yield facts.error("revisit", "the payload of the original has another digest than the revisit says")
    if not facts.payload_digest and not facts.profile.endswith(NOT_MODIFIED):
        told = facts.warning if facts.version in VERSIONS_BEFORE_REFERS_TO else facts.error
        yield told("revisit", "the revisit has no WARC-Payload-Digest (section 6.7.2)")
    if by_moment and facts.refers_to and all(original.id != facts.refers_to for original in found):
        yield facts.error("revisit", "WARC-Refers-To names another record than WARC-Refers-To-Target-URI and -Date")
    if all(original.file == facts.file and original.offset > facts.offset for original in originals):
        yield facts.warning("revisit", "the original stands behind its revisit in the file: the records were put in another order")


def _check_digests(records: list[Facts]) -> Iterator[Finding]:
    """Digests are optional (sections 5.8 and 5.9), but who writes them writes them for every record of a kind: where one lacks it,
    nothing tells any more whether its bytes are the ones captured. A warcinfo begins the records of another writer."""
    writer, kinds = 0, defaultdict[tuple[int, str], list[Facts]](list)
    for facts in records:
        writer += facts.type == "warcinfo"
        kinds[writer, facts.type].append(facts)
    for (_, kind), alike in kinds.items():
        yield from _lacking(alike, "WARC-Block-Digest", lambda facts: attests(facts.block_digest))
        if kind == "response":
            whole = [facts for facts in alike if facts.status and not facts.truncated]
            yield from _lacking(whole, "WARC-Payload-Digest", lambda facts: attests(facts.payload_digest))


def _lacking(alike: list[Facts], name: str, attested: Callable[[Facts], bool]) -> Iterator[Finding]:
    if any(attested(facts) for facts in alike):
        for facts in alike:
            if not attested(facts):
                yield facts.error("digest-missing", f"the record has no {name} of a known kind, others of its type have one")


def _check_warcinfo(records: list[Facts]) -> Iterator[Finding]:
    """Every file should begin with a warcinfo (section 6.2), and what names one must find it in its file."""
    here = {facts.id for facts in records if facts.type == "warcinfo"}
    first = records[0]
    named = [facts for facts in records if facts.warcinfo_id]
    lost = [facts for facts in named if facts.warcinfo_id not in here]
    if lost:
        yield lost[0].error("warcinfo", f"{len(lost)} records name the warcinfo {lost[0].warcinfo_id}, which is not in this file")
    elif first.type != "warcinfo":
        told = first.error if here or named else first.warning
        yield told("warcinfo", "the file does not begin with a warcinfo record")


def _check_shadows(records: list[Facts]) -> Iterator[Finding]:
    """pywb serves a metadata record instead of the capture at the same URL."""
    captured = {facts.url for facts in records if facts.type in ("response", "revisit", "resource")}
    for facts in records:
        if facts.type == "metadata" and facts.url in captured and facts.content_type != WARC_FIELDS:
            yield facts.warning("shadow", "this metadata record stands under the URL of a capture; some viewers show it instead")
