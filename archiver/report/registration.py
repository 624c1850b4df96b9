"""How the copies of one picture lie on each other: all of them in the pixels of the fullest copy.

Every pair knows only its own transform. Along a spanning tree of pairs, the surest first, these compose into one frame,
so that copies that were never compared directly can still be laid on one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from archiver.model import Pair, Picture

Affine = tuple[float, float, float, float, float, float]
"""Row-major 2x3: (x, y) -> (a x + b y + c, d x + e y + f)."""
Point = tuple[float, float]

IDENTITY: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Placed:
    """One picture in the frame."""

    payload: str
    matrix: Affine
    """Its own pixels -> pixels of the frame's reference."""
    corners: tuple[Point, ...]
    """Its four corners there, clockwise from its upper left."""
    towards: str
    """The payload through which it is tied to the keeper; empty for the keeper itself and for what no pair ties."""
    pair: Pair | None
    """The pair that ties it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Pictures laid on the one that shows most."""

    reference: str
    width_px: int
    height_px: int
    placed: Mapping[str, Placed]


def frame(members: Sequence[str], pairs: Iterable[Pair], pictures: Mapping[str, Picture]) -> Frame | None:
    """The common frame of `members`, best first; None when none of them could be decoded."""
    known = [payload for payload in members if payload in pictures]
    if not known:
        return None
    ties = _ties(known, pairs)
    to_keeper: dict[str, Affine] = {known[0]: IDENTITY}
    for payload, (towards, pair) in ties.items():
        step = _step(payload, towards, pair, pictures)
        to_keeper[payload] = compose(to_keeper[towards], step)
    for payload in known:
        to_keeper.setdefault(payload, _full(pictures[payload], pictures[known[0]]))
    areas = {payload: round(_area(payload, to_keeper[payload], pictures), 3) for payload in known}
    reference = max(known, key=lambda payload: areas[payload])
    back = inverse(to_keeper[reference]) or IDENTITY
    placed = {}
    for payload in known:
        matrix = IDENTITY if payload == reference else compose(back, to_keeper[payload])
        towards, pair = ties.get(payload, ("", None))
        placed[payload] = Placed(payload, matrix, corners(matrix, pictures[payload]), towards, pair)
    whole = pictures[reference]
    return Frame(reference, whole.width_px, whole.height_px, placed)


def _ties(known: Sequence[str], pairs: Iterable[Pair]) -> dict[str, tuple[str, Pair | None]]:
    """Payload -> (payload nearer to the keeper, the pair between them), in the order in which the tree grows.

    What was compared with the keeper itself is tied to it; the rest hangs on by its surest pair (Prim's algorithm).
    """
    keeper = known[0]
    wanted = set(known)
    listed = [pair for pair in pairs if pair.a in wanted and pair.b in wanted and pair.a != pair.b]
    around: dict[str, list[tuple[float, str, str, int]]] = {payload: [] for payload in known}
    for number, pair in enumerate(listed):
        for old, new in ((pair.a, pair.b), (pair.b, pair.a)):
            around[old].append((-1.0 if old == keeper else 1.0 - pair.score, new, old, number))
    ties: dict[str, tuple[str, Pair | None]] = {}
    edge = sorted(around[keeper])
    while edge:
        _, new, old, number = heappop(edge)
        if new == keeper or new in ties:
            continue
        ties[new] = (old, listed[number])
        for step in around[new]:
            heappush(edge, step)
    return ties


def _step(payload: str, towards: str, pair: Pair | None, pictures: Mapping[str, Picture]) -> Affine:
    """Pixels of `payload` -> pixels of `towards`."""
    transform = pair.transform if pair else None
    if pair is None or transform is None:
        return _full(pictures[payload], pictures[towards])
    fuller = pair.a if transform.fuller == "a" else pair.b
    if fuller == towards:
        return transform.matrix if inverse(transform.matrix) else _full(pictures[payload], pictures[towards])
    return inverse(transform.matrix) or _full(pictures[payload], pictures[towards])


def _full(picture: Picture, onto: Picture) -> Affine:
    """Whole picture on whole picture."""
    return (onto.width_px / max(1, picture.width_px), 0.0, 0.0, 0.0, onto.height_px / max(1, picture.height_px), 0.0)


def _area(payload: str, matrix: Affine, pictures: Mapping[str, Picture]) -> float:
    picture = pictures[payload]
    return abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]) * picture.width_px * picture.height_px


def compose(outer: Affine, inner: Affine) -> Affine:
    """First `inner`, then `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f)


def inverse(matrix: Affine) -> Affine | None:
    """The way back; None when there is none (a degenerate matrix).

    >>> inverse((2.0, 0.0, 10.0, 0.0, 2.0, 20.0)) == (0.5, 0.0, -5.0, 0.0, 0.5, -10.0)
    True
    """
    a, b, c, d, e, f = matrix
    det = a * e - b * d
    if abs(det) < 1e-12:
        return None
    return (e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det)


def corners(matrix: Affine, picture: Picture) -> tuple[Point, ...]:
    """The four corners of a picture under a matrix."""
    a, b, c, d, e, f = matrix
    w, h = picture.width_px, picture.height_px
    return tuple((a * x + b * y + c, d * x + e * y + f) for x, y in ((0, 0), (w, 0), (w, h), (0, h)))
