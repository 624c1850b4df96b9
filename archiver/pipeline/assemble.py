"""Outcomes and the judgement -> the Report. Pure: one pass over values, no clock, no files."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from archiver.model import BY_BYTES, Captured, Cluster, Image, Link, Missed, Outcome, Pair, Picture, Reason, Role, Target, Unreadable


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judging half found out about a set of payloads."""

    pictures: Mapping[str, Picture]
    unreadable: Mapping[str, Unreadable]
    clusters: tuple[Cluster, ...]
    """Of two payloads or more, in no particular order."""
    unsure: tuple[Pair, ...]
    held_apart: tuple[Pair, ...] = ()
    """Pairs that look alike and are not joined."""


def images(outcomes: Sequence[Outcome], judgement: Judgement) -> tuple[Image, ...]:
    """One Image per outcome, in the order given, clusters not yet filled in."""
    return tuple(_image(outcome, judgement) for outcome in outcomes)


def _image(outcome: Outcome, judgement: Judgement) -> Image:
    picture: Picture | None = None
    look: Unreadable | None = None
    payload, size, record, revisit = "", 0, None, False
    last = outcome.hops[-1].stored if outcome.hops else None
    if isinstance(outcome, Captured):
        payload, size = outcome.payload_sha256, outcome.size_bytes
        record = outcome.record if outcome.record.file else None  # a file of its own has no record
        revisit = outcome.record != outcome.payload_ref
        picture = judgement.pictures.get(payload)
        look = judgement.unreadable.get(payload)
    elif last is not None:
        payload, size, record, revisit = last.payload_sha256, last.size_bytes, last.ref, last.revisit
    status, error = _status(outcome, picture, look)
    return Image(
        target=outcome.target,
        status=status,
        error=error,
        hops=outcome.hops,
        at=outcome.at,
        payload=payload,
        size_bytes=size,
        picture=picture,
        format=picture.format if picture else look.format if look else "",
        record=record,
        revisit=revisit,
        cluster="",
        keeper=False,
    )


def _status(outcome: Outcome, picture: Picture | None, look: Unreadable | None) -> tuple[str, str]:
    if isinstance(outcome, Missed):
        return outcome.reason.value, outcome.detail
    if picture is not None:
        return "ok", ""
    if look is not None:
        return _named(outcome, look)
    return "corrupt", "the picture was archived but never measured"


def _named(outcome: Captured, look: Unreadable) -> tuple[str, str]:
    """What cannot be made out at all is damage where the server calls it a picture."""
    called = outcome.hops[-1].content_type.lower() if outcome.hops else ""
    if look.reason is Reason.NOT_IMAGE and not look.format and called.startswith("image/"):
        return Reason.CORRUPT.value, f"called {called.partition(';')[0]}, but no picture: {look.detail}"
    return look.reason.value, look.detail


def in_post_order(rows: Sequence[Image], clusters: Sequence[Cluster]) -> tuple[tuple[Image, ...], tuple[Cluster, ...]]:
    """Number the clusters by their first appearance in the post and mark each image with its cluster and the keeper.

    A payload that stands under several URLs is a cluster too, even when no other payload joins it: exact copies are
    duplicates, of what cannot be decoded too. Clusters with no image among `rows` are left out.
    """
    urls_of: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.payload and (row.picture is not None or row.status in BY_BYTES):
            urls_of[row.payload].append(index)
    joined = {payload for cluster in clusters for payload in cluster.members}
    alone = [_exact_copies(payload, len(found)) for payload, found in urls_of.items() if len(found) > 1 and payload not in joined]
    present = [cluster for cluster in (*clusters, *alone) if sum(len(urls_of.get(payload, ())) for payload in cluster.members) > 1]
    ordered = sorted(present, key=lambda cluster: min(urls_of[payload][0] for payload in cluster.members if payload in urls_of))
    marked = list(rows)
    for number, cluster in enumerate(ordered, 1):
        for payload in cluster.members:
            for place, index in enumerate(urls_of.get(payload, ())):
                best = payload == cluster.keeper and place == 0
                marked[index] = replace(marked[index], cluster=f"c{number}", keeper=best)
    return tuple(marked), tuple(ordered)


def _exact_copies(payload: str, count: int) -> Cluster:
    return Cluster(
        keeper=payload,
        members=(payload,),
        because=f"the same bytes stand under {count} addresses",
        pairs=(),
        keeper_because="all copies are the same bytes; the one the post names first is shown",
    )


def change(before: str | None, row: Image, same: Callable[[str, str], bool]) -> str:
    """What became of one URL since the capture before, when `before` was its payload (None: it was no archived picture).

    `same` says whether two payloads are the same picture: other bytes need not be another picture.
    """
    if row.status != "ok":
        return "gone" if before else ""
    if before is None:
        return "new"
    if before == row.payload:
        return "unchanged"
    return "different-bytes" if same(before, row.payload) else "different-picture"


def by_line(links: Sequence[Link], more: Sequence[Link]) -> list[Link]:
    """`more` put among `links` behind those of the same line; the order of each stays as it is."""
    merged: list[Link] = []
    waiting = deque(more)
    for link in links:
        while waiting and waiting[0].line < link.line:
            merged.append(waiting.popleft())
        merged.append(link)
    return [*merged, *waiting]


def in_order(outcomes: Mapping[str, Outcome], targets: Sequence[Target]) -> tuple[Outcome, ...]:
    """In the order of the post: the fetched ones as planned, the others where their line falls among them."""
    places: dict[str, tuple[int, int]] = {}
    line = 0
    for number, target in enumerate(targets):
        line = max(line, target.links[0].line)
        places[target.url] = (line, number)
    late = len(targets)
    return tuple(sorted(outcomes.values(), key=lambda outcome: places.get(outcome.target.url, (outcome.target.links[0].line, late))))


def without_false_originals(rows: Sequence[Image], clusters: Sequence[Cluster]) -> tuple[Image, ...]:
    """Leave out what was tried as an original and is none: another picture, no picture, or no larger than what the post shows.

    It stays in the archive all the same.
    """
    cluster_of = {payload: number for number, cluster in enumerate(clusters) for payload in cluster.members}
    shown: dict[int, int] = {}
    for row in rows:
        if row.picture is not None and not _only_original(row) and row.payload in cluster_of:
            number = cluster_of[row.payload]
            shown[number] = max(shown.get(number, 0), row.picture.width_px * row.picture.height_px)

    def counts(row: Image) -> bool:
        if not _only_original(row):
            return True
        largest = shown.get(cluster_of.get(row.payload, -1))
        return row.picture is not None and largest is not None and row.picture.width_px * row.picture.height_px > largest

    return tuple(row for row in rows if counts(row))


def _only_original(row: Image) -> bool:
    return all(link.role is Role.ORIGINAL for link in row.target.links)
