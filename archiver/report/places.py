"""Where every payload of a report stands: the look-ups all renderers share.

A report's clusters speak of payloads (SHA-256), its readers of URLs. One payload may stand under several URLs; its
places are kept in the order of the post.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from archiver.model import BY_BYTES, Cluster, Image, Pair, Relation, Report


@dataclass(frozen=True)
class Places:
    """The images of a report by payload and by cluster."""

    report: Report

    @cached_property
    def by_payload(self) -> Mapping[str, tuple[Image, ...]]:
        """Payload -> its images in post order; images without payload are left out."""
        found: dict[str, list[Image]] = {}
        for image in self.report.images:
            if image.payload:
                found.setdefault(image.payload, []).append(image)
        return {payload: tuple(images) for payload, images in found.items()}

    @cached_property
    def cluster_ids(self) -> Mapping[str, str]:
        """Payload -> cluster id."""
        return {payload: f"c{n}" for n, cluster in enumerate(self.report.clusters, 1) for payload in cluster.members}

    def images(self, payload: str) -> tuple[Image, ...]:
        return self.by_payload.get(payload, ())

    def url(self, payload: str) -> str:
        """The URL by which a payload is spoken of: the one marked as keeper, else its first in the post."""
        images = self.images(payload)
        kept = [image for image in images if image.keeper]
        chosen = kept or list(images)
        return chosen[0].target.url if chosen else ""

    def members(self, cluster: Cluster) -> tuple[Image, ...]:
        """Every image of a cluster: the keeper's place first, then payload by payload, each in post order."""
        first = self.url(cluster.keeper)
        everyone = [image for payload in cluster.members for image in self.images(payload)]
        return tuple(sorted(everyone, key=lambda image: image.target.url != first or image.payload != cluster.keeper))


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers at the head of a report."""

    targets: int
    links: int
    archived: int
    failed: int
    by_bytes: int
    """Of those that failed: they are there, were not decoded, and were compared with the others by their bytes."""
    by_status: Mapping[str, int]
    hosts: int
    payloads: int
    """Different files among the archived pictures."""
    pictures: int
    """Different pictures: every cluster counts once."""
    clusters: int
    duplicates: int
    """Archived images whose picture is already there under another URL."""
    unsure: int
    """Pairs that a person is asked about, without those of a page and its parts."""
    held_apart: int
    size_bytes: int
    """Sum over all archived images as fetched."""
    saved_bytes: int
    """Payload bytes not stored again: a revisit record stands for them, or several addresses lead to one record."""


def is_page(pair: Pair) -> bool:
    """Does one of the two show the other as a part of its page? Nobody is asked whether they are the same picture."""
    return pair.relations[:1] == (Relation.CONTAINS,)


def totals(report: Report) -> Totals:
    """Count what the report holds; no judgement, only sums."""
    archived = [image for image in report.images if image.status == "ok"]
    payloads = {image.payload for image in archived if image.payload}
    grouped = {payload for cluster in report.clusters for payload in cluster.members}
    anonymous = sum(1 for image in archived if not image.payload)
    by_status: dict[str, int] = {}
    for image in report.images:
        by_status[image.status] = by_status.get(image.status, 0) + 1
    stored = {image.record or number: image.size_bytes for number, image in enumerate(archived) if not image.revisit}
    alone = sum(1 for payload in payloads if payload not in grouped)
    together = sum(1 for cluster in report.clusters if any(payload in payloads for payload in cluster.members))
    pictures = alone + together + anonymous
    return Totals(
        targets=len(report.images),
        links=sum(len(image.target.links) for image in report.images),
        archived=len(archived),
        failed=len(report.images) - len(archived),
        by_bytes=sum(1 for image in report.images if image.payload and image.status in BY_BYTES),
        by_status=dict(sorted(by_status.items(), key=lambda item: (item[0] != "ok", -item[1], item[0]))),
        hosts=len({host(image.target.url) for image in report.images} - {""}),
        payloads=len(payloads),
        pictures=pictures,
        clusters=len(report.clusters),
        duplicates=len(archived) - pictures,
        unsure=sum(not is_page(pair) for pair in report.unsure),
        held_apart=len(report.held_apart),
        size_bytes=sum(image.size_bytes for image in archived),
        saved_bytes=sum(image.size_bytes for image in archived) - sum(stored.values()),
    )


def host(url: str) -> str:
    """The host of a URL without port and userinfo; empty when there is none (a file name, a broken URL).

    >>> host("https://user@Example.com:8443/a.jpg")
    'example.com'
    """
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


NAME_CHARS_MAX = 56


def file_name(url: str) -> str:
    """The last part of a URL's path (the URL itself when it has none), cut in the middle when it is long."""
    try:
        name = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1] or url
    except ValueError:
        name = url
    return short(name)


def short(name: str) -> str:
    """
    >>> short("a.jpg"), len(short("long" * 50))
    ('a.jpg', 57)
    """
    half = NAME_CHARS_MAX // 2
    return name if len(name) <= NAME_CHARS_MAX else f"{name[:half]}…{name[-half:]}"


def site(url: str) -> tuple[str, str]:
    """(host, name) by which a place is shown: a file of a folder has no host, and its path as its name.

    >>> site("https://example.com/2020/a.jpg"), site("2020/a.jpg")
    (('example.com', 'a.jpg'), ('', '2020/a.jpg'))
    """
    found = host(url)
    return found, file_name(url) if found else short(url)


def caption(images: Sequence[Image]) -> str:
    """The first words the author gave to any of these places."""
    for image in images:
        for link in image.target.links:
            words = link.caption or link.alt
            if words.strip():
                return " ".join(words.split())
    return ""


def title(images: Sequence[Image]) -> str:
    """What a picture is called by: its caption, or the name of its file."""
    return caption(images) or (site(images[0].target.url)[1] if images else "")


def report_title(report: Report) -> str:
    """What a report is about: its post, or the folders and files that it was made from."""
    if report.post is not None:
        return report.post.title or report.post.source
    inputs = report.settings.get("input_names")
    names = [str(name) for name in inputs] if isinstance(inputs, list) else []
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"Pictures in {', '.join(names[:2])}{more}" if names else "Pictures"
