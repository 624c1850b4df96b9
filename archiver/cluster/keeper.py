"""Which copy of one picture to keep, by evidence.

Every kind of evidence gives a number of at most 0, in doublings: -1 is as bad as half the width and height. The sum decides.

    extent       what share of the scene it shows; a crop of half the area counts -2, for what is cut off can never come back
    resolution   source pixels for the same piece of the scene, upscaling undone: what the file itself shows of it, and what a smaller
                 copy shows that has as much detail
    compression  JPEG quality, or what the format lets us expect
    overlay      it is the odd one out: logo, caption, watermark, changed colours, mirrored, turned
    colour       it is grey where others have colour
    border       a frame that others do not have
    metadata     EXIF, date, camera, copyright, colour profile that others have
    host         only had from a resizing proxy

A person's `better` outranks all of it.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from archiver.cluster.proxies import is_resized
from archiver.cluster.upscaling import is_blown_up
from archiver.model import Decision, Pair, Picture, Relation

EXTENT_WEIGHT = 2.0
OVERLAY_WEIGHT = 1.0
COLOUR_WEIGHT = 1.0
BORDER_WEIGHT = 0.3
HOST_WEIGHT = 0.4
METADATA_WEIGHT = 0.3

QUALITY_FULL = 95
"""From this JPEG quality on nothing visible is lost."""
QUALITY_PER_DOUBLING = 40
_EXPECTED_QUALITY = {"gif": 60, "webp": 75, "avif": 80, "heic": 85, "jpeg": 75, "jpeg2000": 85}
"""Taken for lossy pictures that do not tell theirs; a GIF's 256 colours weigh like a low quality."""

_ALTERED = frozenset({Relation.OVERLAID, Relation.RECOLOURED, Relation.MIRRORED, Relation.ROTATED})
_ADDING = frozenset({Relation.OVERLAID, Relation.BORDERED})
"""What can make a copy larger than the scene: a strip below it, a frame around it."""
ADDED_FROM = 1.03
"""A copy that covers this much more than the other is the one to which something was added."""

RESAMPLED = 1.1
"""What was blown up is a copy of a copy: interpolated and encoded once more, it is a little worse than what it was made from."""

Affine = tuple[float, float, float, float, float, float]
"""Row-major 2x3."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The copies of one picture from best to worst."""

    order: tuple[str, ...]
    scores: Mapping[str, Mapping[str, float]]
    """Per payload: the evidence, its sum as `total`, and what people can check: `source_pixels`, `shown_share`, `jpeg_quality`."""
    because: str


def rank(
    members: Sequence[Picture], pairs: Sequence[Pair], hosts: Mapping[str, Sequence[str]], decisions: Iterable[Decision] = ()
) -> Ranking:
    """Order `members` of one cluster by evidence, the same whatever the order of the arguments.

    `pairs` are the accepted ones among them, `hosts` the URLs at which each payload was had. Raises ValueError without members.
    """
    if not members:
        raise ValueError("a cluster has members")
    pictures = {picture.payload: picture for picture in sorted(members, key=lambda picture: picture.payload)}
    known = sorted((p for p in pairs if p.a in pictures and p.b in pictures), key=lambda p: (-p.score, p.a, p.b))
    scores = _scores(pictures, known, hosts)
    best_first = sorted(pictures, key=lambda p: (-round(scores[p]["total"], 6), -pictures[p].width_px * pictures[p].height_px, p))
    order = _obey(best_first, decisions)
    return Ranking(order, scores, _because(order, best_first, scores, pictures))


# --- evidence -------------------------------------------------------------------------------------------------------


def _scores(pictures: Mapping[str, Picture], pairs: Sequence[Pair], hosts: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    if not any(Relation.BORDERED in pair.relations for pair in pairs):
        pictures = {payload: _unframed(picture) for payload, picture in pictures.items()}
    covered, upscaling = _on_one_canvas(pictures, pairs)
    grains = {payload: covered[payload] / _area(picture) * upscaling[payload] ** 2 for payload, picture in pictures.items()}
    areas = _without_additions(covered, pairs)
    widest, finest = max(areas.values()), min(grains.values())
    altered, bordered, facts = _odd(covered, pairs, _ALTERED), _bordered(pictures, covered, pairs), _metadata(pictures)
    coloured = any(not picture.evidence.grey for picture in pictures.values())
    scores: dict[str, dict[str, float]] = {}
    for payload, picture in pictures.items():
        urls = hosts.get(payload, ())
        evidence = {
            "extent": EXTENT_WEIGHT * math.log2(areas[payload] / widest),
            "resolution": -0.5 * math.log2(grains[payload] / finest),
            "compression": _compression(picture),
            "overlay": -OVERLAY_WEIGHT * (altered[payload] - min(altered.values())),
            "colour": -COLOUR_WEIGHT * float(coloured and picture.evidence.grey),
            "border": -BORDER_WEIGHT * (bordered[payload] - min(bordered.values())),
            "metadata": METADATA_WEIGHT * (facts[payload] - max(facts.values())),
            "host": -HOST_WEIGHT if urls and all(map(is_resized, urls)) else 0.0,
        }
        scores[payload] = {
            "total": sum(evidence.values()),
            **evidence,
            "source_pixels": _area(picture) / upscaling[payload] ** 2,
            "shown_share": areas[payload] / widest,
        }
        if picture.evidence.jpeg_quality is not None:
            scores[payload]["jpeg_quality"] = float(picture.evidence.jpeg_quality)
    return scores


def _compression(picture: Picture) -> float:
    if picture.evidence.lossless and picture.format != "gif":
        return 0.0
    quality = picture.evidence.jpeg_quality or _EXPECTED_QUALITY.get(picture.format, QUALITY_FULL)
    return min(0.0, (quality - QUALITY_FULL) / QUALITY_PER_DOUBLING)


def _metadata(pictures: Mapping[str, Picture]) -> dict[str, float]:
    """What share of the things a file can tell about itself each one tells."""
    told = {}
    for payload, picture in pictures.items():
        facts = picture.evidence
        told[payload] = sum(map(bool, (facts.has_exif, facts.exif_taken, facts.copyright, facts.camera, facts.has_icc))) / 5
    return told


def _bordered(pictures: Mapping[str, Picture], covered: Mapping[str, float], pairs: Sequence[Pair]) -> dict[str, float]:
    """1 for a uniform border seen in the file itself, or where a border was found to be its own."""
    odd = _odd(covered, pairs, frozenset({Relation.BORDERED}))
    return {payload: 1.0 if picture.evidence.border_box is not None else odd[payload] for payload, picture in pictures.items()}


def _odd(covered: Mapping[str, float], pairs: Sequence[Pair], what: frozenset[Relation]) -> dict[str, float]:
    """1 for copies outside the largest set of copies between which nothing of `what` was seen, or to which it was seen added; else 0.

    Not by the share of a copy's own pairs: the original matches the altered copies too, while a worse copy may match it alone.
    """
    parent = {payload: payload for payload in covered}

    def root(payload: str) -> str:
        while parent[payload] != payload:
            payload = parent[payload]
        return payload

    for pair in pairs:
        if what.isdisjoint(pair.relations):
            first, second = sorted((root(pair.a), root(pair.b)))
            parent[second] = first
    sizes = Counter(root(payload) for payload in covered)
    if Relation.OVERLAID in what:
        sizes.subtract(_bearers(pairs, {payload: root(payload) for payload in covered}, sizes))
    odd = {payload: float(sizes[root(payload)] < max(sizes.values())) for payload in covered}
    for pair in pairs:
        larger, smaller = sorted((pair.a, pair.b), key=lambda payload: (-covered[payload], payload))
        if not what.isdisjoint(pair.relations) and _has_addition(pair, covered[larger], covered[smaller]):
            odd[larger] = 1.0
    return odd


def _bearers(pairs: Sequence[Pair], roots: Mapping[str, str], sizes: Mapping[str, int]) -> set[str]:
    """Of sets of copies of the same size, those that bear a mark that copies of another one do not."""
    found = set()
    for pair in pairs:
        marked, clean = (roots[pair.a], roots[pair.b]) if pair.marked == "a" else (roots[pair.b], roots[pair.a])
        if pair.marked and marked != clean and sizes[marked] == sizes[clean]:
            found.add(marked)
    return found


def _has_addition(pair: Pair, larger: float, smaller: float) -> bool:
    """Does the larger one cover more because of a strip or a frame, and not because the smaller one was cropped?"""
    return not _ADDING.isdisjoint(pair.relations) and Relation.CROPPED not in pair.relations and larger > ADDED_FROM * smaller


def _without_additions(covered: Mapping[str, float], pairs: Sequence[Pair]) -> dict[str, float]:
    """The area of the scene that each copy shows: a caption strip or a frame is none of it."""
    areas = dict(covered)
    for pair in pairs:
        larger, smaller = sorted((pair.a, pair.b), key=lambda payload: (-covered[payload], payload))
        if _has_addition(pair, covered[larger], covered[smaller]):
            areas[larger] = min(areas[larger], covered[smaller])
    return areas


def _content_size(picture: Picture) -> tuple[float, float]:
    """Width and height inside the border, in the file's own pixels."""
    left, top, right, bottom = picture.evidence.border_box or (0.0, 0.0, 1.0, 1.0)
    return picture.width_px * (right - left), picture.height_px * (bottom - top)


def _upscaling(picture: Picture) -> float:
    """By how much the width was blown up, at least 1."""
    real = picture.evidence.effective_width_px
    return max(1.0, picture.width_px / real) if real else 1.0


def _unframed(picture: Picture) -> Picture:
    """Plain ground around a drawing is no border where no copy is without it."""
    return replace(picture, evidence=replace(picture.evidence, border_box=None))


# --- geometry -------------------------------------------------------------------------------------------------------


def _on_one_canvas(pictures: Mapping[str, Picture], pairs: Sequence[Pair]) -> tuple[dict[str, float], dict[str, float]]:
    """For each copy the area of the scene that it shows, on one canvas, and by how much its width was blown up.

    The surest pairs lead from the largest copy to all others (a spanning tree by score). A copy that no transform reaches is taken to
    show all of what the largest shows.
    """
    root = max(pictures, key=lambda payload: (pictures[payload].width_px * pictures[payload].height_px, payload))
    scales = _area_scales(root, pictures, pairs)
    whole = _area(pictures[root])
    sizes = {payload: scales.get(payload, whole / _area(picture)) for payload, picture in pictures.items()}
    areas = {payload: _area(picture) * sizes[payload] for payload, picture in pictures.items()}
    return areas, _blown_up(pictures, pairs, sizes)


def _blown_up(pictures: Mapping[str, Picture], pairs: Sequence[Pair], sizes: Mapping[str, float]) -> dict[str, float]:
    """By how much the width of each copy was blown up, at least 1: as its own spectrum tells, and beside each coarser copy it was compared
    with, the coarsest first. `sizes`: area of one pixel of each on the canvas."""
    found = {payload: _upscaling(picture) for payload, picture in pictures.items()}
    ordered = (sorted((pair.a, pair.b), key=lambda payload: (-sizes[payload], payload)) for pair in pairs)
    for small, large in sorted(map(tuple, ordered), key=lambda both: (-sizes[both[0]], both)):
        scale = math.sqrt(sizes[small] / sizes[large])
        if is_blown_up(pictures[large].evidence.spectrum_db, pictures[small].evidence.spectrum_db, scale):
            found[large] = max(found[large], RESAMPLED * scale * found[small])
    return found


def _area(picture: Picture) -> float:
    width, height = _content_size(picture)
    return max(1.0, width * height)


def _area_scales(root: str, pictures: Mapping[str, Picture], pairs: Sequence[Pair]) -> dict[str, float]:
    """How many square pixels of the root one square pixel of each reached copy covers: determinants multiply along the tree."""
    ways: dict[str, list[tuple[float, str, float]]] = {payload: [] for payload in pictures}
    for pair in pairs:
        scale = _area_scale(pair)
        if scale > 0.0:
            ways[pair.a].append((-pair.score, pair.b, scale))
            ways[pair.b].append((-pair.score, pair.a, 1.0 / scale))
    scales: dict[str, float] = {}
    open_ways = [(-math.inf, root, 1.0)]
    while open_ways:
        _, payload, scale = heapq.heappop(open_ways)
        if payload not in scales:
            scales[payload] = scale
            for cost, other, step in ways[payload]:
                if other not in scales:
                    heapq.heappush(open_ways, (cost, other, scale * step))
    return scales


def _area_scale(pair: Pair) -> float:
    """Square pixels of a for one of b; 0 when it cannot be told."""
    if pair.transform is None:
        if Relation.IDENTICAL_PIXELS in pair.relations or Relation.IDENTICAL_BYTES in pair.relations:
            return 1.0
        return 0.0
    a, b, _, c, d, _ = pair.transform.matrix
    determinant = abs(a * d - b * c)
    if not (1e-9 < determinant < 1e9):
        return 0.0
    return determinant if pair.transform.fuller == "a" else 1.0 / determinant


# --- decisions and words --------------------------------------------------------------------------------------------


def _obey(best_first: Sequence[str], decisions: Iterable[Decision]) -> tuple[str, ...]:
    """The nearest order to `best_first` in which nobody stands before what a person called better.

    The last word on two copies counts; where decisions go in a circle the evidence opens it.
    """
    words: dict[frozenset[str], Decision] = {}
    for decision in sorted((d for d in decisions if d.verdict == "better"), key=lambda d: (d.at, d.a, d.b)):
        words[frozenset((decision.a, decision.b))] = decision
    before: dict[str, set[str]] = {payload: set() for payload in best_first}
    for decision in words.values():
        if decision.a in before and decision.b in before and decision.a != decision.b:
            before[decision.b].add(decision.a)
    order: list[str] = []
    left = list(best_first)
    while left:
        chosen = next((payload for payload in left if before[payload].isdisjoint(left)), left[0])
        left.remove(chosen)
        order.append(chosen)
    return tuple(order)


_WORDS = {
    "extent": "it shows more of the picture",
    "resolution": "it has more source pixels",
    "compression": "it is less compressed",
    "overlay": "it carries no logo, caption or change that others have",
    "colour": "it has colour",
    "border": "it has no border",
    "metadata": "it keeps more metadata",
    "host": "it comes from a site itself, not from a resizing proxy",
}


def _because(
    order: Sequence[str], best_first: Sequence[str], scores: Mapping[str, Mapping[str, float]], pictures: Mapping[str, Picture]
) -> str:
    """Why the first is the first: where it beats the second, the weightiest point first."""
    best = pictures[order[0]]
    size = f"{best.width_px} × {best.height_px} pixels"
    if len(order) == 1:
        return f"the only copy, {size}"
    if order[0] != best_first[0]:
        return f"chosen by a person, {size}"
    first, second = scores[order[0]], scores[order[1]]
    gains = sorted(((first[name] - second[name], name) for name in _WORDS), reverse=True)
    points = [_WORDS[name] for gain, name in gains if gain > 0.05][:3]
    if not points:
        return f"{size}; the next copy is as good in all that was measured"
    return f"{size}; beside the next copy " + " and ".join(filter(None, (", ".join(points[:-1]), points[-1])))
