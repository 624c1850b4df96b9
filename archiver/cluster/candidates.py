"""Which pairs of pictures are worth a look.

Independent ways, so that what one is blind to another finds: corners (corners.py) find crops, borders, collages; frames and parts of
frames (frames.py) find smooth pictures and bare drawings; equal pixels are always a pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from archiver.cluster.corners import WithCorners, by_points
from archiver.cluster.frames import WithFrames, by_frame, by_window
from archiver.model import Picture


class SketchLike(WithCorners, WithFrames, Protocol):
    """The part of a picture's features that candidates are found by."""


def candidates(pictures: Sequence[Picture], sketches: Sequence[SketchLike]) -> list[tuple[int, int]]:
    """Pairs of indices (i < j), sorted; the same pairs of pictures whatever the order of the input.

    Pictures without enough information are never found by their look, only by equal pixels.
    """
    everyone = sorted(range(len(pictures)), key=lambda i: pictures[i].payload)
    usable = [i for i in everyone if pictures[i].fingerprint.informative]
    chosen = [sketches[i] for i in usable]
    alike = {(usable[a], usable[b]) for a, b in by_points(chosen) | by_frame(chosen) | by_window(chosen)}
    equal = {(everyone[a], everyone[b]) for a, b in by_pixels([pictures[i] for i in everyone])}
    return sorted({(min(a, b), max(a, b)) for a, b in alike | equal})


def by_pixels(pictures: Sequence[Picture]) -> set[tuple[int, int]]:
    """Pictures whose normalised pixels are equal."""
    first: dict[str, int] = {}
    return {(known, i) for i, picture in enumerate(pictures) if (known := first.setdefault(picture.fingerprint.pixels_sha256, i)) != i}
