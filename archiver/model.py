"""The values that flow through the house, in the order in which they are born.

    document -> Post -> Links -> Targets -> Outcomes -> WARC records -> Pictures -> Pairs -> Clusters -> Report <- Decisions

Identity is many-to-one at every step: link -> target -> payload -> cluster. Everything known about a picture is keyed by
the SHA-256 of its payload, so a decision survives re-runs, renamed files and other thresholds.

Standard library only; every value is frozen. Times are aware datetimes in UTC, units stand in the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO, Literal

# --- the post -------------------------------------------------------------------------------------------------------


class Role(StrEnum):
    """How a document points at a picture."""

    IMAGE = "image"
    """Shown in place: Markdown image, `<img src>`, a shortcode, CSS background, video poster."""
    HREF = "href"
    """The target of a link that is itself a picture (thumbnail -> full size)."""
    SRCSET = "srcset"
    """One candidate of a responsive picture."""
    FRONT_MATTER = "front-matter"
    """Named in the front matter of the document."""
    OG = "og"
    """Named for previews: og:image, twitter:image, JSON-LD, link rel=image_src / icon."""
    ORIGINAL = "original"
    """Not in the document: where the full-size original of a picture in it probably is."""


@dataclass(frozen=True, slots=True)
class Post:
    """A document as its author wrote it."""

    source: str
    """What the user named: a path, `-`, or a URL. Shown to people, never written into a WARC when it is a local path."""
    kind: Literal["markdown", "html"]
    url: str
    """The http(s) address under which the page stands in the archive; links are resolved against it when it is real."""
    title: str
    author: str
    published: str
    """As written in the document (ISO 8601 where it could be read as a date), or empty."""
    text: str
    """The decoded document, front matter included; line 1 is its first line."""
    raw: bytes = field(default=b"", repr=False)
    """The bytes of the document as they were read."""


@dataclass(frozen=True, slots=True)
class Link:
    """One place in the document that points at a picture."""

    url: str
    """Byte for byte as the author wrote it, after resolution against the base; fragment dropped."""
    role: Role
    line: int
    """1-based line of the document."""
    caption: str
    alt: str


@dataclass(frozen=True, slots=True)
class Target:
    """One URL, fetched once however often the post links it."""

    url: str
    links: tuple[Link, ...]


# --- capture --------------------------------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why a target is not an archived picture. With `ok` these are the `status` words of report.json."""

    HTTP_ERROR = "http_error"
    NOT_IMAGE = "not_image"
    CORRUPT = "corrupt"
    UNSUPPORTED = "unsupported"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    BLOCKED = "blocked"
    REDIRECT_ERROR = "redirect_error"
    DNS_ERROR = "dns_error"
    TLS_ERROR = "tls_error"
    TIMEOUT = "timeout"
    NETWORK_ERROR = "network_error"


BY_BYTES = (Reason.UNSUPPORTED, Reason.CORRUPT)
"""What is there and was not decoded, as SVG: it is compared by its bytes alone."""


Truncation = Literal["", "disconnect", "length", "time"]
"""Values of `WARC-Truncated` (WARC 1.1 section 5.13) that a crawl can produce; empty when the body is whole."""


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where one record stands."""

    file: str
    """Bare name of the WARC file (its final name, also while it is still written as `.open`)."""
    offset: int
    length: int
    """Byte range of the record's gzip member (of the record itself in an uncompressed WARC)."""
    record_id: str
    """`urn:uuid:...`, without angle brackets."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and its response exactly as they crossed the wire (one hop, one attempt)."""

    url: str
    """The URL requested, without fragment and userinfo."""
    at: datetime
    """When the request was sent."""
    ip: str
    """The peer's address, without port; empty when unknown (through a proxy)."""
    request: bytes
    """The request head as sent."""
    response: BinaryIO
    """Seekable; interim responses (1xx) removed and userinfo in a `Location` blanked, otherwise every byte of head, framing and body.
    The consumer closes it."""
    status: int
    truncated: Truncation
    protocol: str
    """`http/1.1`, or `http/1.1; tls/1.3`-like for warcinfo and logs."""
    notes: tuple[str, ...] = ()
    """Things the archive should say of this exchange (certificate not verified, through a proxy, ...)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the writer made of one Exchange."""

    ref: RecordRef
    payload_sha256: str
    """Hex SHA-256 of the payload after content-decoding: the identity of a picture. Empty when there is no payload."""
    size_bytes: int
    """Length of that decoded payload."""
    payload_ref: RecordRef
    """The record that holds the payload: `ref` itself, or the original when `ref` is a revisit."""
    revisit: bool


@dataclass(frozen=True, slots=True)
class Archived:
    """One capture as an archive holds it, ours or another crawler's."""

    url: str
    at: datetime | None
    """None when the record has no readable date."""
    kind: Literal["response", "revisit", "resource"]
    status: int
    """HTTP status; 0 for a resource and for a response without readable head."""
    location: str
    """`Location` header as sent, or empty."""
    content_type: str
    last_modified: str
    truncated: str
    """`WARC-Truncated` as it stands in the record."""
    complete: bool
    """The body ends where its own framing says, and nothing says that it was truncated. Its content coding may be damaged."""
    payload_sha256: str
    """Hex SHA-256 of the decoded payload; empty when there is none."""
    size_bytes: int
    ref: RecordRef
    payload_ref: RecordRef
    """The record that holds the payload: `ref` itself, or the original of a revisit."""
    source: str
    """Path of the WARC or WACZ that holds `ref`."""
    payload_source: str
    """Path of the WARC or WACZ that holds `payload_ref`."""


@dataclass(frozen=True, slots=True)
class ArchivedMiss:
    """A failure as an archive of ours holds it."""

    url: str
    reason: Reason
    detail: str
    attempts: int
    at: datetime | None
    ref: RecordRef


@dataclass(frozen=True, slots=True)
class Hop:
    """One step on the way from a target to its answer."""

    url: str
    status: int
    """HTTP status; 0 when there was no answer."""
    at: datetime
    ip: str = ""
    content_type: str = ""
    last_modified: str = ""
    truncated: Truncation = ""
    stored: Stored | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """A target whose last hop is a complete, successful response."""

    target: Target
    hops: tuple[Hop, ...]
    at: datetime
    payload_sha256: str
    size_bytes: int
    record: RecordRef
    payload_ref: RecordRef
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Missed:
    """A target that could not be had, with the reason. Bytes that did arrive are in the WARC (see the last hop)."""

    target: Target
    hops: tuple[Hop, ...]
    at: datetime
    reason: Reason
    detail: str
    """One readable sentence, without secrets."""
    attempts: int = 1


Outcome = Captured | Missed


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """How politely, how long, how much, and where a fetch may go."""

    per_host: int = 4
    concurrency: int = 24
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 30.0
    total_timeout_s: float = 120.0
    min_speed_bytes_s: int = 512
    """A body slower than this over `min_speed_window_s` ends with `timeout`."""
    min_speed_window_s: float = 20.0
    max_body_bytes: int = 64 * 1024 * 1024
    max_redirects: int = 10
    retries: int = 2
    """Further attempts after the first."""
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 20.0
    retry_after_cap_s: float = 60.0
    delay_s: float = 0.0
    """Pause between two requests to one host."""
    limit_rate_bytes_s: int = 0
    """0: no limit."""
    user_agent: str = ""
    """Empty: the program's own honest one."""
    contact_url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Extra request headers, sent only to the origin of each target, never after a redirect to another origin."""
    host_headers: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Host -> extra request headers for every request to it; they replace those of the same name in `headers`."""
    cookies_file: str = ""
    netrc: bool = False
    proxy: str = ""
    allow_addresses: tuple[str, ...] = ()
    """CIDR ranges opened beside the public internet."""
    connect_to: tuple[str, ...] = ()
    """curl's --connect-to: HOST1:PORT1:HOST2:PORT2, empty fields match anything / keep the original."""
    resolve: tuple[str, ...] = ()
    """curl's --resolve: HOST:PORT:ADDR[,ADDR]."""
    ca_file: str = ""
    insecure_hosts: tuple[str, ...] = ()
    ip_version: Literal[0, 4, 6] = 0
    robots: Literal["ignore", "obey"] = "ignore"
    keep_secrets: bool = False
    """Keep secret header values in what is recorded of a request, and userinfo in a redirect; otherwise they are blanked there."""
    host_failures_max: int = 5
    """Circuit breaker: after so many links in a row that failed a host is given up; 0: never."""
    host_cookies: Mapping[str, str] = field(default_factory=dict)
    """Host -> a cookies file whose cookies go to that host only."""
    host_connections: Mapping[str, int] = field(default_factory=dict)
    """Host -> connections to it at a time, instead of `per_host`."""
    host_delay_s: Mapping[str, float] = field(default_factory=dict)
    """Host -> pause between two requests to it, instead of `delay_s`."""


# --- pictures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bits:
    """A binary fingerprint that knows what made it; two kinds cannot be compared.

    >>> Bits("phash", 0b1010, 4).distance_bits(Bits("phash", 0b0011, 4))
    2
    """

    kind: str
    value: int
    length_bits: int

    def distance_bits(self, other: Bits) -> int:
        """Hamming distance in bits. Raises ValueError when the two are not of one kind and length."""
        if (self.kind, self.length_bits) != (other.kind, other.length_bits):
            raise ValueError(f"cannot compare {self.kind}/{self.length_bits} with {other.kind}/{other.length_bits}")
        return (self.value ^ other.value).bit_count()

    @property
    def hex(self) -> str:
        return f"{self.value:0{(self.length_bits + 3) // 4}x}"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What two pictures are first compared by."""

    pixels_sha256: str
    """Hex SHA-256 over the normalised pixels (size included): equal means identical pixels."""
    hashes: tuple[Bits, ...]
    informative: bool
    """False for blank and low-information pictures, which are never compared by look."""


@dataclass(frozen=True, slots=True)
class PictureEvidence:
    """Facts about a file that help to choose the best copy and to date it."""

    jpeg_quality: int | None = None
    """Estimated from the quantisation tables, 1-100; None when the format has none."""
    lossless: bool = False
    has_exif: bool = False
    has_icc: bool = False
    exif_taken: str = ""
    """EXIF DateTimeOriginal as ISO 8601, or empty."""
    copyright: str = ""
    camera: str = ""
    border_box: tuple[float, float, float, float] | None = None
    """Content inside a uniform border as fractions (left, top, right, bottom); None without border."""
    effective_width_px: int | None = None
    """Width that the detail in the picture really fills (less than `width_px` when it was upscaled)."""
    spectrum_db: tuple[int, ...] = ()
    """Mean power of rows and columns in each 32nd of the Nyquist frequency, as far as was measured; empty for small pictures."""
    grey: bool = False
    """There is no colour in the picture, whatever its format could hold."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A payload that could be decoded."""

    payload: str
    """Hex SHA-256 of the payload."""
    format: str
    """By content, lower case: jpeg, png, gif, webp, avif, ..."""
    width_px: int
    height_px: int
    """As shown, EXIF orientation applied."""
    frames: int
    fingerprint: Fingerprint
    evidence: PictureEvidence


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A payload that is no decodable picture, with the reason (one of not_image, corrupt, unsupported, empty, ...)."""

    payload: str
    reason: Reason
    detail: str
    format: str = ""
    """What the content looks like (`svg`, `html`, `heic`), or empty."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All that one look at a payload yields; `features` is opaque outside the picture room and versioned by it."""

    picture: Picture
    features: bytes = field(repr=False)
    preview: bytes = field(repr=False)
    """JPEG, longest side at most 480 px, over white: for the compare tools."""
    thumbnail: bytes = field(repr=False)
    """JPEG, longest side at most 200 px."""


# --- pairs and clusters ---------------------------------------------------------------------------------------------


class Verdict(StrEnum):
    SAME = "same"
    UNSURE = "unsure"
    DIFFERENT = "different"


class Relation(StrEnum):
    """How one picture became the other; a pair may carry several, the main one first."""

    IDENTICAL_BYTES = "identical-bytes"
    IDENTICAL_PIXELS = "identical-pixels"
    RE_ENCODED = "re-encoded"
    RESIZED = "resized"
    CROPPED = "cropped"
    BORDERED = "bordered"
    OVERLAID = "overlaid"
    RECOLOURED = "recoloured"
    MIRRORED = "mirrored"
    ROTATED = "rotated"
    CONTAINS = "contains"
    UNSURE = "unsure"
    SAME_SERIES = "same-series"


@dataclass(frozen=True, slots=True)
class Transform:
    """How picture `a` lies on picture `b`."""

    fuller: Literal["a", "b"]
    """Which of the two shows more of the scene."""
    crop: tuple[float, float, float, float]
    """What the other one shows, in pixels of the fuller picture: left, top, right, bottom."""
    scale: float
    """Size of the other picture's content relative to the fuller one's (0.5: half as large)."""
    angle_deg: float
    """Clockwise rotation of the other picture relative to the fuller one."""
    mirrored: bool
    matrix: tuple[float, float, float, float, float, float]
    """Row-major 2x3: pixel coordinates of the other picture -> those of the fuller one."""
    region: tuple[float, float, float, float] | None = None
    """Where the two disagree (logo, caption strip), in pixels of the fuller picture; None when nowhere."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The verdict on two payloads, a < b."""

    a: str
    b: str
    verdict: Verdict
    relations: tuple[Relation, ...]
    score: float
    """0..1, how sure the program is that the two are the same picture."""
    because: str
    """In words a reader understands."""
    transform: Transform | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    marked: Literal["", "a", "b"] = ""
    """Of two that differ by a logo, words or a mark, the one that bears it; empty where that is not clear."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Payloads held to be one picture: a connected component of `same` pairs."""

    keeper: str
    members: tuple[str, ...]
    """The keeper first, the rest from best to worst."""
    because: str
    pairs: tuple[Pair, ...]
    keeper_scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Per member: what counted for and against it as the best copy."""
    keeper_because: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about two payloads, a < b except for `better`; outranks every Pair."""

    a: str
    b: str
    verdict: Literal["same", "different", "related", "better"]
    """`better`: a is to be kept rather than b; says nothing on sameness."""
    note: str
    at: datetime


# --- the report -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Image:
    """One target in the report: what came of it and where it stands."""

    target: Target
    status: str
    """`ok` or a Reason."""
    error: str
    hops: tuple[Hop, ...]
    at: datetime | None
    payload: str
    """Hex SHA-256, or empty."""
    size_bytes: int
    picture: Picture | None
    format: str
    record: RecordRef | None
    revisit: bool
    cluster: str
    """Cluster id (`c1`, ...), or empty."""
    keeper: bool
    change: str = ""
    """Against the capture before: unchanged, new, different-bytes, different-picture, gone; empty on a first capture."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the renderers need."""

    tool: Mapping[str, str]
    post: Post | None
    settings: Mapping[str, Any]
    started: datetime
    finished: datetime
    images: tuple[Image, ...]
    clusters: tuple[Cluster, ...]
    """In the order of the post; the n-th one has the id `c<n>`."""
    unsure: tuple[Pair, ...]
    decisions: tuple[Decision, ...]
    warcs: tuple[str, ...]
    """Bare file names."""
    wacz: str
    """Bare file name, or empty."""
    skipped: tuple[str, ...] = ()
    """Input that was reported and passed over (broken records, unreadable files)."""
    held_apart: tuple[Pair, ...] = ()
    """Pairs that look alike and were judged different (one series, one part of the other): worth a look, in no cluster."""
    removed: tuple[str, ...] = ()
    """URLs of pictures that the capture before had and that the post does not link any more."""
    unfinished: tuple[str, ...] = ()
    """Names of those WARC files whose capture was cut off and waits to be gone on with."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person may want to follow: progress, log lines."""

    name: str
    """`fetch`, `retry`, `redirect`, `captured`, `missed`, `measured`, `compared`, `stage`, ..."""
    url: str = ""
    detail: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
