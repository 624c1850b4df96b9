"""Which pictures share corners: descriptors of one bucket are matched, and the matches vote for a scale, an angle and a place.

ORB descriptors that fall into one bucket of a locality-sensitive hash (Indyk and Motwani 1998) are compared; cost grows nearly linearly
with the number of pictures, for crowded buckets, which say nothing, are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class WithCorners(Protocol):
    """The part of a picture's features that corners are matched by."""

    @property
    def points(self) -> NDArray[np.float32]: ...
    @property
    def descriptors(self) -> NDArray[np.uint8]: ...


TABLES = 8
KEY_BITS = 16
BUCKET_MEAN = 4.5
"""Descriptors a bucket holds by chance, on average: beyond that keys grow with the number of pictures, and cost stays nearly linear."""
CHUNK_PAIRS = 1_000_000
"""Descriptor pairs looked at together, about 100 bytes each, so that memory does not grow with the number of pairs."""
BUCKET_MAX = 64
"""Descriptors in a bucket beyond which it is a commonplace."""
MATCH_MAX_BITS = 40
"""Hamming distance of two descriptors (of 256) that still match."""
VOTES_MIN = 5
"""Matches that agree on scale and angle; three gave three times as many pairs and hardly a further copy."""
FEW_POINTS, VOTES_OF_FEW = 60, 3
"""A picture with so few corners has not six to spare; there three votes do, and they cost few pairs."""
SPARSE_POINTS, SPARSE_TABLES, SPARSE_BITS = 200, 8, 4
"""A picture with at most so many corners is looked up in further tables, whose keys are longer by so many bits: its matches are few, and
the corners of drawings lie in crowded buckets, which longer keys divide. On six sets 10 of 65 copies meet so that met none before."""
PLACE_PX = 64.0
"""Side of the squares, in pixels of the view, within which matches agree on a place."""
_ANGLE_BINS = 24
_SCALE_STEP = 0.5  # octaves

Ints = NDArray[np.int64]


def by_points(sketches: Sequence[WithCorners]) -> set[tuple[int, int]]:
    """Pictures whose local features match and agree on how one lies on the other."""
    counts = [len(sketch.descriptors) for sketch in sketches]
    total = sum(counts)
    if total == 0:
        return set()
    owner = np.repeat(np.arange(len(sketches)), counts)
    sparse = (np.array(counts) <= SPARSE_POINTS)[owner]
    codes = _near(np.concatenate([sketch.descriptors for sketch in sketches]), owner, sparse)
    points = np.concatenate([sketch.points for sketch in sketches])
    few = np.array(counts) <= FEW_POINTS
    found: set[tuple[int, int]] = set()
    for chunk in _by_owner(codes, np.cumsum(counts) * total):
        left, right = chunk // total, chunk % total
        scarce = few[owner[left]] | few[owner[right]]
        found |= _vote(left, right, owner, points, len(sketches), VOTES_MIN)
        found |= _vote(left[scarce], right[scarce], owner, points, len(sketches), VOTES_OF_FEW)
    return found


def _by_owner(codes: Ints, beyond: Ints) -> Iterator[Ints]:
    """Matches a chunk at a time, those of one left picture together: its votes are counted within the chunk.

    `beyond`: per picture the first code that is of a later one.
    """
    ends = np.unique(np.searchsorted(codes, beyond))
    start = 0
    while start < len(codes):
        next_end = int(np.searchsorted(ends, start, side="right"))
        reached = int(np.searchsorted(ends, start + CHUNK_PAIRS, side="right")) - 1
        end = int(ends[max(reached, next_end)])
        yield codes[start:end]
        start = end


def _near(descriptors: NDArray[np.uint8], owner: Ints, sparse: NDArray[np.bool_]) -> Ints:
    """Matching descriptors of different owners, each pair once, sorted: the number of the smaller times the count of all plus the other.

    `sparse`: which of them belong to pictures that have few.
    """
    words = np.ascontiguousarray(np.ascontiguousarray(descriptors).view("<u8").T)
    seen = np.zeros(0, np.int64)
    keys = _keys(descriptors, max(KEY_BITS, math.ceil(math.log2(len(descriptors) / BUCKET_MEAN))))
    del descriptors  # a tenth of a gigabyte for 3.5 million corners
    for number, columns in enumerate(keys):
        pending: list[Ints] = []
        for left, right in _pairs(_take_bits(words, columns), sparse if number >= TABLES else None):
            pending.append(_matching(words, owner, left, right))
            if sum(map(len, pending)) > CHUNK_PAIRS:
                seen, pending = _merged(seen, pending), []
        seen = _merged(seen, pending)
    return seen


def _pairs(keys: NDArray[np.uint32], sparse: NDArray[np.bool_] | None) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of rows with one key; where `sparse` is given, those of which at least one is."""
    if sparse is None:
        yield from _bucket_pairs(keys)
        return
    rows = np.flatnonzero(np.isin(keys, keys[sparse]))
    for one, other in _bucket_pairs(keys[rows]):
        left, right = rows[one], rows[other]
        keep = sparse[left] | sparse[right]
        yield left[keep], right[keep]


def _merged(seen: Ints, pending: list[Ints]) -> Ints:
    merged = np.concatenate([seen, *pending])
    merged.sort()
    return merged[np.concatenate(([True], merged[1:] != merged[:-1]))] if len(merged) else merged


def _matching(words: NDArray[np.uint64], owner: Ints, left: Ints, right: Ints) -> Ints:
    """Of some pairs of descriptors those of two owners that are near, as one number each: the smaller times their count plus the other."""
    keep = owner[left] != owner[right]
    left, right = left[keep], right[keep]
    distance = np.zeros(len(left), np.uint16)
    for word in words:
        distance += np.bitwise_count(word[left] ^ word[right])
    near = distance <= MATCH_MAX_BITS
    left, right = left[near], right[near]
    codes: Ints = np.minimum(left, right) * words.shape[1] + np.maximum(left, right)
    return codes


def _keys(descriptors: NDArray[np.uint8], key_bits: int) -> list[Ints]:
    """Per table the bits of its key, drawn from the most balanced of all bits; those for all corners first, then those for the few of
    sparse pictures. Fixed seed: every run draws the same."""
    share = np.unpackbits(descriptors, axis=1).mean(axis=0) if len(descriptors) < 50_000 else _share(descriptors)
    balanced = np.argsort(np.abs(share - 0.5), kind="stable")[:160]
    rng = np.random.default_rng(20)
    sizes = [key_bits] * TABLES + [key_bits + SPARSE_BITS] * SPARSE_TABLES
    return [rng.choice(balanced, size, replace=False) for size in sizes]


def _share(descriptors: NDArray[np.uint8]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.unpackbits(descriptors[:: len(descriptors) // 25_000], axis=1).mean(axis=0)
    return mean


def _take_bits(words: NDArray[np.uint64], columns: Ints) -> NDArray[np.uint32]:
    keys = np.zeros(words.shape[1], np.uint32)
    for place, column in enumerate(columns):
        word, bit = divmod(int(column), 64)
        keys |= ((words[word] >> np.uint64(bit ^ 7)) & np.uint64(1)).astype(np.uint32) << np.uint32(place)
    return keys


def _bucket_pairs(keys: NDArray[np.uint32]) -> Iterator[tuple[Ints, Ints]]:
    """All pairs of rows with one key, crowded buckets left out, some at a time."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.concatenate(([True], np.diff(keys[order]) != 0)))
    sizes = np.diff(np.append(starts, len(keys)))
    for size in range(2, BUCKET_MAX + 1):
        rows = starts[sizes == size]
        a, b = np.triu_indices(size, 1)
        step = max(1, CHUNK_PAIRS // len(a))
        for first in range(0, len(rows), step):
            chunk = rows[first : first + step, None]
            yield order[(chunk + a).ravel()], order[(chunk + b).ravel()]


def _vote(left: Ints, right: Ints, owner: Ints, points: NDArray[np.float32], pictures: int, least: int) -> set[tuple[int, int]]:
    """Pairs of pictures of which `least` matches agree on scale and angle, and on where the one then lies on the other."""
    if not len(left):
        return set()
    scale = np.log2(points[left, 2] / points[right, 2]) / _SCALE_STEP
    angle = (points[left, 3] - points[right, 3]) % 360.0 / 360.0 * _ANGLE_BINS
    pair = owner[left] * pictures + owner[right]
    found: list[Ints] = []
    for shift_scale in (32.0, 32.5):
        for shift_angle in (0.0, 0.5):
            turn, step = angle + shift_angle, scale + shift_scale
            bins = step.astype(np.int64) * _ANGLE_BINS + turn.astype(np.int64) % _ANGLE_BINS
            kept, group = _crowds(pair * 4096 + bins, left, least)
            if not len(kept):
                continue
            sizes = 2.0 ** (_mean(step[kept], group) * _SCALE_STEP - shift_scale * _SCALE_STEP)
            turns = np.radians((_mean(turn[kept], group) - shift_angle) * 360.0 / _ANGLE_BINS)
            places = _places(points[left[kept], :2], points[right[kept], :2], group, sizes, turns)
            found += [pair[kept[chosen]] for chosen in _gathered(places, left[kept], group, least)]
    return {(int(code // pictures), int(code % pictures)) for code in np.unique(np.concatenate(found))} if found else set()


def _mean(values: NDArray[np.floating], group: Ints) -> NDArray[np.floating]:
    """Per element the mean of its group; groups are numbered from 0."""
    means: NDArray[np.floating] = (np.bincount(group, values) / np.bincount(group))[group]
    return means


def _places(
    onto: NDArray[np.float32], source: NDArray[np.float32], group: Ints, sizes: NDArray[np.floating], turns: NDArray[np.floating]
) -> NDArray[np.floating]:
    """(N, 2): where each match says that the middle of its group's points lies, as multiples of how exactly it can tell."""
    x, y = (source[:, axis] - _mean(source[:, axis], group) for axis in (0, 1))
    across, down = sizes * np.cos(turns), sizes * np.sin(turns)
    at = np.stack([onto[:, 0] - (across * x - down * y), onto[:, 1] - (down * x + across * y)], axis=1)
    unit: NDArray[np.floating] = (PLACE_PX * np.maximum(1.0, sizes))[:, None]
    placed: NDArray[np.floating] = at / unit
    return placed


def _gathered(places: NDArray[np.floating], left: Ints, group: Ints, least: int) -> Iterator[Ints]:
    """Indices of matches whose places fall into one square with enough others of their group, for four grids."""
    for shift_x in (0.0, 0.5):
        for shift_y in (0.0, 0.5):
            x, y = np.floor(places + np.array([shift_x, shift_y])).astype(np.int64).clip(-500, 500).T + 512
            yield _crowds((group * 1024 + x) * 1024 + y, left, least)[0]


def _crowds(code: Ints, left: Ints, least: int) -> tuple[Ints, Ints]:
    """Indices of those whose code `least` different points share (a repeated pattern votes once a point), and their groups from 0 on."""
    order = np.argsort(code, kind="stable")  # `left` came sorted within a code
    code, left = code[order], left[order]
    first = np.concatenate(([True], (code[1:] != code[:-1]) | (left[1:] != left[:-1])))
    order, code = order[first], code[first]
    group = np.cumsum(np.concatenate(([0], code[1:] != code[:-1])))
    many = np.bincount(group) >= least
    chosen = many[group]
    return order[chosen], (np.cumsum(many) - 1)[group[chosen]]
