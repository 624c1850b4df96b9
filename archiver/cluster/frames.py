"""Which pictures share a frame: DCT hashes of the frame, of the frame without its border and of parts commonly cut out, a few bits apart.

They find smooth pictures and drawings of a few lines, which have hardly any corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class WithFrames(Protocol):
    """The part of a picture's features that frames are matched by; see `picture.features.Sketch`."""

    @property
    def hashes(self) -> NDArray[np.uint64]: ...
    @property
    def windows(self) -> NDArray[np.uint64]: ...
    @property
    def cut_to(self) -> NDArray[np.int64]: ...


HASH_MAX_BITS = 8
"""Distance of two frame hashes (of 64)."""
WINDOW_MAX_BITS, WINDOW_NEAREST = 6, 8
"""The same for parts of frames: they are the very part, so they differ by less."""
NEAREST_MAX = 24
"""Pictures with a near frame hash that one picture is compared with; copies of copies still meet in one cluster."""

Ints = NDArray[np.int64]


def by_frame(sketches: Sequence[WithFrames]) -> set[tuple[int, int]]:
    """Pictures of which one hash (plain or mirrored) lies near a plain one of the other; of a crowd each picture's NEAREST_MAX nearest.

    Hundreds of drawings of one series have one frame hash; all pairs of them would be a matter of hours, and copies lie nearest.
    """
    plain, mirrored, owners = _frames(sketches)
    if not len(plain):
        return set()
    starts = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1])))
    present = owners[starts]
    found: set[tuple[int, int]] = set()
    for number, owner in enumerate(present):
        mine = plain[starts[number] : starts[number + 1] if number + 1 < len(starts) else None]
        distances = [np.minimum.reduceat(np.bitwise_count(other ^ one), starts) for one in mine for other in (plain, mirrored)]
        nearest = np.minimum.reduce(distances)
        nearest[number] = HASH_MAX_BITS + 1
        near = np.flatnonzero(nearest <= HASH_MAX_BITS)
        near = near[np.argsort(nearest[near], kind="stable")[:NEAREST_MAX]]
        found.update((int(min(owner, other)), int(max(owner, other))) for other in present[near])
    return found


def _frames(sketches: Sequence[WithFrames]) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Ints]:
    """Hashes of frames with and without border, the same mirrored, and whose they are, in order."""
    plain, mirrored, owners = [], [], []
    for owner, sketch in enumerate(sketches):
        for frame, frame_mirrored, inner, inner_mirrored in sketch.hashes:
            for value, value_mirrored in {int(frame): int(frame_mirrored), int(inner): int(inner_mirrored)}.items():
                if value:
                    plain.append(value)
                    mirrored.append(value_mirrored)
                    owners.append(owner)
    return np.array(plain, np.uint64), np.array(mirrored, np.uint64), np.array(owners, np.int64)


def by_window(sketches: Sequence[WithFrames]) -> set[tuple[int, int]]:
    """Pictures of which a part commonly cut out has the hash of the other's frame, or which look alike above or below a banner."""
    owner = np.repeat(np.arange(len(sketches)), [len(sketch.hashes) for sketch in sketches])
    if not len(owner):
        return set()
    frames = np.concatenate([sketch.hashes[:, 0] for sketch in sketches])
    windows = np.concatenate([sketch.windows for sketch in sketches])
    cut_to = np.concatenate([sketch.cut_to for sketch in sketches])
    found: set[tuple[int, int]] = set()
    for number in range(windows.shape[1] - 2):
        is_cut = cut_to == number
        found |= _nearest(windows[:, number], owner, frames[is_cut], owner[is_cut])
    for number in (-2, -1):
        found |= _nearest(windows[:, number], owner, windows[:, number], owner)
    return found


def _nearest(some: NDArray[np.uint64], owners: Ints, others: NDArray[np.uint64], owners_others: Ints) -> set[tuple[int, int]]:
    """Pairs of owners of near hashes, of each hash the WINDOW_NEAREST nearest; hashes of 0 are none."""
    some, owners = some[some != 0], owners[some != 0]
    others, owners_others = others[others != 0], owners_others[others != 0]
    found: set[tuple[int, int]] = set()
    for value, owner in zip(some, owners, strict=True):
        distance = np.bitwise_count(others ^ value)
        near = np.flatnonzero((distance <= WINDOW_MAX_BITS) & (owners_others != owner))
        if len(near):
            near = near[np.argsort(distance[near], kind="stable")[:WINDOW_NEAREST]]
            found.update((int(min(owner, other)), int(max(owner, other))) for other in owners_others[near])
    return found
