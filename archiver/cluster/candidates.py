"""Which pairs of pictures are worth a look.

Two independent ways, so that what one is blind to the other finds:

- local: ORB descriptors that fall into one bucket of a locality-sensitive hash (Indyk and Motwani 1998) are matched, and the matches
  vote for a scale and an angle; several matches of one opinion make a candidate. Finds crops, borders, collages.
- whole: DCT hashes of the frame, and of the frame without its border, a few bits apart, mirrored too. Finds smooth pictures.

Cost grows nearly linearly with the number of pictures: crowded buckets, which say nothing, are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from archiver.model import Picture


class SketchLike(Protocol):
    """The part of a picture's features that candidates are found by."""

    @property
    def points(self) -> NDArray[np.float32]: ...
    @property
    def descriptors(self) -> NDArray[np.uint8]: ...
    @property
    def hashes(self) -> NDArray[np.uint64]: ...


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
VOTES_MIN = 6
"""Matches that agree on scale and angle; three gave three times as many pairs and hardly a further copy."""
FEW_POINTS, VOTES_OF_FEW = 60, 3
"""A picture with so few corners has not six to spare; there three votes do, and they cost few pairs."""
HASH_MAX_BITS = 8
"""Distance of two frame hashes (of 64)."""

_ANGLE_BINS = 24
_SCALE_STEP = 0.5  # octaves

Ints = NDArray[np.int64]


def candidates(pictures: Sequence[Picture], sketches: Sequence[SketchLike]) -> list[tuple[int, int]]:
    """Pairs of indices (i < j), sorted; the same pairs of pictures whatever the order of the input.

    Pictures without enough information are left out, whatever they look like.
    """
    usable = sorted((i for i, picture in enumerate(pictures) if picture.fingerprint.informative), key=lambda i: pictures[i].payload)
    chosen = [sketches[i] for i in usable]
    found = by_points(chosen) | by_frame(chosen) | by_pixels([pictures[i] for i in usable])
    return sorted((min(usable[a], usable[b]), max(usable[a], usable[b])) for a, b in found)


def by_pixels(pictures: Sequence[Picture]) -> set[tuple[int, int]]:
    """Pictures whose normalised pixels are equal."""
    first: dict[str, int] = {}
    return {(known, i) for i, picture in enumerate(pictures) if (known := first.setdefault(picture.fingerprint.pixels_sha256, i)) != i}


def by_frame(sketches: Sequence[SketchLike]) -> set[tuple[int, int]]:
    """Pictures of which one hash (plain or mirrored) lies near a plain one of the other."""
    plain, mirrored, owner_of_plain, owner_of_mirrored = [], [], [], []
    for owner, sketch in enumerate(sketches):
        for frame, frame_mirrored, inner, inner_mirrored in sketch.hashes:
            known = {int(frame): int(frame_mirrored), int(inner): int(inner_mirrored)}
            plain += [value for value in known if value]
            mirrored += [value for key, value in known.items() if key]
            owner_of_plain += [owner] * sum(1 for value in known if value)
    owner_of_mirrored = owner_of_plain
    if not plain:
        return set()
    here, there = np.array(plain, np.uint64), np.array(mirrored, np.uint64)
    owners = np.array(owner_of_plain), np.array(owner_of_mirrored)
    found: set[tuple[int, int]] = set()
    for start in range(0, len(here)):
        for other in (here, there):
            near = np.flatnonzero(np.bitwise_count(other ^ here[start]) <= HASH_MAX_BITS)
            found.update((int(min(owners[0][start], o)), int(max(owners[0][start], o))) for o in owners[1][near] if o != owners[0][start])
    return found


def by_points(sketches: Sequence[SketchLike]) -> set[tuple[int, int]]:
    """Pictures whose local features match and agree on how one lies on the other."""
    counts = [len(sketch.descriptors) for sketch in sketches]
    if sum(counts) == 0:
        return set()
    owner = np.repeat(np.arange(len(sketches)), counts)
    points = np.concatenate([sketch.points for sketch in sketches])
    descriptors = np.concatenate([sketch.descriptors for sketch in sketches])
    left, right = _near(descriptors, owner, max(KEY_BITS, math.ceil(math.log2(len(descriptors) / BUCKET_MEAN))))
    few = np.array(counts) <= FEW_POINTS
    sparse = few[owner[left]] | few[owner[right]]
    return _vote(left, right, owner, points, len(sketches), VOTES_MIN) | _vote(
        left[sparse], right[sparse], owner, points, len(sketches), VOTES_OF_FEW
    )


def _near(descriptors: NDArray[np.uint8], owner: Ints, key_bits: int) -> tuple[Ints, Ints]:
    """Matching descriptors of different owners, left < right, each pair once."""
    words = np.ascontiguousarray(np.ascontiguousarray(descriptors).view(np.uint64).T)
    total = len(descriptors)
    seen = np.zeros(0, np.int64)
    for columns in _keys(descriptors, key_bits):
        chunks = _bucket_pairs(_take_bits(descriptors, columns))
        seen = np.sort(np.concatenate([seen, *(_matching(words, owner, left, right) for left, right in chunks)]))
        seen = seen[np.concatenate(([True], seen[1:] != seen[:-1]))] if len(seen) else seen
    return seen // total, seen % total


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
    """Per table the bits of its key, drawn from the half of all bits that is most balanced. Fixed seed: every run draws the same."""
    share = np.unpackbits(descriptors, axis=1).mean(axis=0) if len(descriptors) < 50_000 else _share(descriptors)
    balanced = np.argsort(np.abs(share - 0.5), kind="stable")[:160]
    rng = np.random.default_rng(20)
    return [rng.choice(balanced, key_bits, replace=False) for _ in range(TABLES)]


def _share(descriptors: NDArray[np.uint8]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.unpackbits(descriptors[:: len(descriptors) // 25_000], axis=1).mean(axis=0)
    return mean


def _take_bits(descriptors: NDArray[np.uint8], columns: Ints) -> NDArray[np.uint32]:
    keys = np.zeros(len(descriptors), np.uint32)
    for place, column in enumerate(columns):
        keys |= ((descriptors[:, column // 8] >> (7 - column % 8)) & 1).astype(np.uint32) << np.uint32(place)
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
    if not len(left):
        return set()
    scale = np.log2(points[left, 2] / points[right, 2]) / _SCALE_STEP
    angle = (points[left, 3] - points[right, 3]) % 360.0 / 360.0 * _ANGLE_BINS
    pair = owner[left] * pictures + owner[right]
    votes = []
    for shift_scale in (32.0, 32.5):
        for shift_angle in (0.0, 0.5):
            bins = (scale + shift_scale).astype(np.int64) * _ANGLE_BINS + (angle + shift_angle).astype(np.int64) % _ANGLE_BINS
            votes.append(_many(pair * 4096 + bins, left, least))
    return {(int(code // pictures), int(code % pictures)) for code in np.unique(np.concatenate(votes))}


def _many(code: Ints, left: Ints, least: int) -> Ints:
    """Pairs (the code without its bin) that have `least` different points in one bin: a repeated pattern votes once a point."""
    order = np.argsort(code, kind="stable")
    code, left = code[order], left[order]  # `left` came sorted
    first = np.concatenate(([True], (code[1:] != code[:-1]) | (left[1:] != left[:-1])))
    code = code[first]
    enough = code[least - 1 :][code[least - 1 :] == code[: len(code) - least + 1]] if len(code) >= least else code[:0]
    return np.unique(enough) // 4096
