"""Draws the pictures of docs/detection.md from fixtures/images: python docs/make_detection.py

Each row: two pictures as one lies on the other, their difference after the tone map (grey: none), and where they agree (green), where
they do not (red) and where there is nothing to agree on (pale).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from archiver.model import Measured
from archiver.picture.compare import LOOK_AT_PX, find
from archiver.picture.compare_place import lay
from archiver.picture.compare_tone import AGREES, DISAGREES, tone_map, windows
from archiver.picture.features import Features
from archiver.picture.measure import measure

DOCS = Path(__file__).parent
IMAGES = DOCS.parent / "fixtures" / "images"
PAIRS = {"detection-copy.png": (14, 21), "detection-pose.png": (13, 61)}
"""File to draw -> two positions in the sample post: one photograph with two badges, and two poses of one series."""
WIDE_PX = 300


def measured(position: int) -> tuple[Measured, Features]:
    data = next(IMAGES.glob(f"{position:02d}-*")).read_bytes()
    found = measure(f"{position:064d}", data)
    if not isinstance(found, Measured):
        raise SystemExit(f"picture {position} cannot be read: {found.detail}")
    return found, Features.from_bytes(found.features)


def row(one: int, other: int) -> NDArray[np.uint8]:
    (a, fa), (b, fb) = measured(one), measured(other)
    found = find(a.picture, fa, b.picture, fb)
    laid = lay(fa.looks[found.place.view_a], fb.looks[found.place.view_b], found.place.matrix, LOOK_AT_PX) if found else None
    if laid is None:
        raise SystemExit(f"pictures {one} and {other} do not lie on each other")
    grey_a, raw_b = (cv2.cvtColor(look, cv2.COLOR_RGB2GRAY).astype(np.float32) for look in (laid.a, laid.b))
    grey_b = tone_map(grey_a, raw_b, laid.mask)
    correlation, detail, _ = windows(grey_a, grey_b, laid.mask)
    difference = np.clip(128 + grey_a - grey_b, 0, 255).astype(np.uint8)
    map_ = (laid.a // 3 + 160).astype(np.uint8)
    map_[detail & (correlation > AGREES)] = (90, 170, 100)
    map_[detail & (correlation < DISAGREES)] = (205, 60, 50)
    panels = [laid.a, laid.b, cv2.cvtColor(difference, cv2.COLOR_GRAY2RGB), map_]
    high = round(WIDE_PX * laid.a.shape[0] / laid.a.shape[1])
    return np.hstack([cv2.resize(panel, (WIDE_PX, high), interpolation=cv2.INTER_CUBIC) for panel in panels]).astype(np.uint8)


def main() -> None:
    for name, pair in PAIRS.items():
        cv2.imwrite(str(DOCS / name), cv2.cvtColor(row(*pair), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
