"""Where the one picture lies in the frame of the other, in pixels of the files, and what surrounds it there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from archiver.model import Picture, Transform
from archiver.picture.compare_place import Laid, Matrix, Placement, scale_of
from archiver.picture.features import Bytes, Features, Floats
from archiver.picture.windows import Box

SAME_EXTENT = 0.02
CENTRED_WITHIN = 0.012
SEAM_LEVELS, SEAM_RATIO, SEAM_SHARE = 10.0, 1.8, 0.55
"""A side is a seam where the level jumps by so much, so much more than beside it, and does so along this share of the side."""
SIDE_ON_PAGE = 0.25
"""A side is open when so much of it runs over the larger picture: of what was cut to fit a collage, long sides reach beyond it."""
DEPTH_PX = 40
"""How far inside the smaller picture the plain line is sought that parts it from the next one on a page."""
ENDS_PX, BESIDE_PX, MOSTLY = 4, 8, 0.75
"""Least depth of what lies beyond that line, pixels looked at before it, and how many of the lines must (dis)agree there."""
LEVEL_ALIKE, ROW_AGREES = 12.0, 0.7
"""Grey levels by which plain lines, and correlation from which on others, are taken to agree."""
GUTTER_STD = 5.0
"""Grey levels along a line that encoders leave on plain ground."""


@dataclass(frozen=True)
class Frame:
    """The geometry of one placement; shares are 0..1, lengths in pixels of the files."""

    cover_a: float
    cover_b: float
    """Share of each picture that the other shows too."""
    content_a: float
    content_b: float
    """The same for what lies inside a uniform border."""
    scale: float
    """Size of b's content on a, in file pixels."""
    angle_deg: float
    """Clockwise rotation of b's content on a; in (-180, 180]."""
    stretch: float
    """Ratio of the scales along the two axes, at least 1."""
    mirrored: bool
    seams: int
    """Sides of the smaller picture that run as an edge through the larger one: it was pasted there."""
    gutters: int
    """Other sides of it along which nothing is to be seen: nothing goes on there from the one into the other."""
    grounds: int
    """Those of the gutters along which the smaller picture is as plain: one ground may go on there."""
    open_sides: int
    """Sides of the smaller picture that run through the larger one at all."""
    outside: float
    """Detail (standard deviation, grey levels) of the larger picture around the smaller one."""
    outside_plain: float
    """Share of those surroundings that has their commonest grey level (of 16); 1 when there are none."""
    centred: bool
    """Whether the smaller lies in the middle of the larger, as in a frame or between bars."""
    border_a: bool
    border_b: bool
    """Whether each has a uniform border that the other has not."""


def frame(a: Picture, fa: Features, b: Picture, fb: Features, place: Placement, laid: Laid) -> Frame:
    """Measure `place`; `laid` is its overlap."""
    look_a, look_b = fa.looks[place.view_a], fb.looks[place.view_b]
    scale_a, scale_b = a.width_px / look_a.shape[1], b.width_px / look_b.shape[1]
    linear = place.matrix[:, :2] * (scale_a / scale_b)
    upright = linear @ np.diag([-1.0, 1.0]) if place.mirrored else linear
    stretches = np.linalg.svd(upright, compute_uv=False)
    angle = math.degrees(math.atan2(upright[1, 0] - upright[0, 1], upright[0, 0] + upright[1, 1]))
    overlap = laid.inside_px * scale_of(laid.to_a) ** 2
    area_b = overlap / scale_of(place.matrix) ** 2
    cover_a, cover_b = _share(overlap, look_a.shape), _share(area_b, look_b.shape)
    larger, smaller, onto = (
        (look_a, look_b, place.matrix) if cover_a <= cover_b else (look_b, look_a, cv2.invertAffineTransform(place.matrix))
    )
    around = surroundings(larger, smaller, onto)
    box_a, box_b = content(fa, place.view_a), content(fb, place.view_b)
    return Frame(
        cover_a,
        cover_b,
        min(1.0, cover_a / box_a),
        min(1.0, cover_b / box_b),
        float(np.sqrt(stretches[0] * stretches[1])),
        angle,
        float(stretches[0] / max(1e-6, stretches[1])),
        place.mirrored,
        *around,
        is_centred(larger.shape, smaller.shape, onto),
        box_a < 0.97 and cover_a < 0.5 * (1 + box_a),
        box_b < 0.97 and cover_b < 0.5 * (1 + box_b),
    )


def content(features: Features, view: int) -> float:
    """Share of the picture inside its uniform border."""
    left, top, right, bottom = features.boxes[view]
    width, height = (int(side) for side in features.sketch.sizes[view])
    return max(0.01, (right - left) * (bottom - top) / (width * height))


def is_centred(larger: tuple[int, ...], smaller: tuple[int, ...], onto: Matrix) -> bool:
    """Are the margins on opposite sides alike?"""
    middle = onto @ np.array([(smaller[1] - 1) / 2, (smaller[0] - 1) / 2, 1.0])
    off = np.abs(middle - [(larger[1] - 1) / 2, (larger[0] - 1) / 2]) / [larger[1], larger[0]]
    return bool(off.max() < CENTRED_WITHIN)


def _share(pixels: float, shape: tuple[int, ...]) -> float:
    return min(1.0, pixels / (shape[0] * shape[1]))


def surroundings(larger: Bytes, smaller: Bytes, onto: Matrix) -> tuple[int, int, int, int, float, float]:
    """Of `smaller` laid by `onto` on `larger`: seams, gutters, grounds and open sides; detail and plainness of what is around it."""
    height, width = smaller.shape[:2]
    grey, own = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float32) for each in (larger, smaller))
    scale = scale_of(onto)
    seams = gutters = grounds = open_sides = 0
    for side in range(4):
        lines = _across(grey, own, onto, side, scale)
        if lines is not None:
            open_sides += 1
            seam = is_seam(lines[0])
            gutter = not seam and (is_gutter(*lines) or ends_inside(*lines))
            seams += seam
            gutters += gutter
            grounds += gutter and goes_on(*lines)
    quad = onto @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], float)
    covered = cv2.fillConvexPoly(np.zeros(grey.shape, np.uint8), np.round(quad.T).astype(np.int32), 1)
    covered = cv2.dilate(covered, np.ones((5, 5), np.uint8))
    around = grey[covered == 0]
    if len(around) < 50:
        return seams, gutters, grounds, open_sides, 0.0, 1.0
    levels = np.bincount((around / 16).astype(int), minlength=17)
    return seams, gutters, grounds, open_sides, float(around.std()), float((levels[:-1] + levels[1:]).max()) / len(around)


def is_seam(across: Floats) -> bool:
    """Does an edge run just where the smaller picture ends? `across`: (9 + DEPTH_PX, 48) grey levels, row 8 on its outermost pixels.

    Content goes on across the side of a crop; where a picture was pasted, the level jumps there and not beside it.
    """
    across = across[:17]
    jumps = np.abs(across[2:] - across[:-2])  # row 7 is the jump over the outermost pixels
    here = jumps[5:10]
    strongest = int(here.mean(axis=1).argmax())
    beside = max(float(jumps[:3].mean(axis=1).max()), float(jumps[-3:].mean(axis=1).max()))
    level = float(here[strongest].mean())
    return level > SEAM_LEVELS and level > SEAM_RATIO * beside and float((here[strongest] > SEAM_LEVELS / 2).mean()) > SEAM_SHARE


def is_gutter(across: Floats, own: Floats) -> bool:
    """Does a plain line run just outside where the smaller picture ends, or just inside, where the smaller itself is not plain?

    What is fitted to a collage loses a little at its sides: there its own side lies beyond the gutter. `across` as for a seam, `own`
    the smaller picture's levels at the same places.
    """
    plain = across.std(axis=1) < GUTTER_STD
    return bool(plain[4:9].any() or (plain[9:15] & (own[9:15].std(axis=1) > 2 * GUTTER_STD)).any())


def goes_on(across: Floats, own: Floats) -> bool:
    """Are both plain just inside the side of the smaller, as where one ground goes on? Rows as for a gutter."""
    return bool((across[4:9].std(axis=1) < GUTTER_STD).any() and (own[9:13].std(axis=1) < GUTTER_STD).any())


def ends_inside(across: Floats, own: Floats) -> bool:
    """Do the two agree only as far as a plain line of the larger, well inside the smaller, beyond which it shows something else?

    What was cut to fit a collage goes on in the smaller picture; on the page the next picture stands there. Rows as for a gutter.
    """
    plain, own_plain = across.std(axis=1) < GUTTER_STD, own.std(axis=1) < GUTTER_STD
    one, other = across - across.mean(axis=1, keepdims=True), own - own.mean(axis=1, keepdims=True)
    norm = np.sqrt((one * one).mean(axis=1) * (other * other).mean(axis=1)) + 1e-6
    level = np.abs(across.mean(axis=1) - own.mean(axis=1)) < LEVEL_ALIKE
    agree = (plain & own_plain & level) | (~plain & ~own_plain & ((one * other).mean(axis=1) > ROW_AGREES * norm))
    return any(
        agree[line + 1 : line + 1 + BESIDE_PX].mean() >= MOSTLY and agree[8:line].mean() <= 1 - MOSTLY and (~plain[8:line]).mean() > 0.5
        for line in np.flatnonzero(plain[:-BESIDE_PX]).tolist()
        if line >= 8 + ENDS_PX
    )


def _across(grey: Floats, own: Floats, onto: Matrix, side: int, scale: float) -> tuple[Floats, Floats] | None:
    """Levels of the larger and of the smaller picture along one side of the smaller; None where that is the larger's own edge too.

    On lines from 8 pixels of the larger outside the smaller to DEPTH_PX inside.
    """
    height, width = own.shape
    depth = (np.arange(9 + DEPTH_PX) - 8) / scale
    along = _on_page(grey.shape, onto, side, float(depth[4]), width, height)
    if along is None:
        return None
    places, depths = np.broadcast_arrays(along[None, :], depth[:, None])
    at = _beside(side, places, depths, width, height)
    page = tuple(row[0] * at[0] + row[1] * at[1] + row[2] for row in onto)
    return _levels(grey, *page), _levels(own, *at)


def _levels(grey: Floats, at_x: Floats, at_y: Floats) -> Floats:
    return cv2.remap(grey, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _on_page(page: tuple[int, ...], onto: Matrix, side: int, depth: float, width: int, height: int) -> Floats | None:
    """48 places along the part of a side that runs over the page, corners left out; None when too little of it does."""
    steps = np.linspace(0.08, 0.92, 48)
    x, y = _beside(side, steps, np.full(48, depth), width, height)
    at_x, at_y = (row[0] * x + row[1] * y + row[2] for row in onto)
    inside = steps[(at_x >= 0) & (at_y >= 0) & (at_x <= page[1] - 1) & (at_y <= page[0] - 1)]
    if len(inside) < SIDE_ON_PAGE * len(steps):
        return None
    return np.linspace(inside[0], inside[-1], 48)


def _beside(side: int, along: Floats, depth: Floats, width: int, height: int) -> tuple[Floats, Floats]:
    """x and y, in a picture of this size, at shares `along` one of its sides (top, bottom, left, right) and `depth` pixels inside it."""
    if side < 2:
        return along * (width - 1), depth if side == 0 else height - 1 - depth
    return depth if side == 2 else width - 1 - depth, along * (height - 1)


def transform(
    a: Picture, fa: Features, b: Picture, fb: Features, place: Placement, seen: Frame, marked: Box | None, laid: Laid
) -> Transform:
    """The placement in pixels of the two files; `marked`: what disagrees, as shares of the overlap's frame."""
    look_a, look_b = fa.looks[place.view_a], fb.looks[place.view_b]
    up_a = np.array([a.width_px / look_a.shape[1], a.height_px / look_a.shape[0]])
    down_b = np.array([look_b.shape[1] / b.width_px, look_b.shape[0] / b.height_px])
    matrix = place.matrix.copy()
    matrix[:, :2] = matrix[:, :2] * down_b
    matrix = matrix * up_a[:, None]
    disagree = _region_in_a(marked, laid, up_a) if marked else None
    fuller = _fuller(a, b, seen)
    if fuller == "b":
        inverse = cv2.invertAffineTransform(matrix)
        disagree = _bounds(inverse, disagree, (b.width_px, b.height_px)) if disagree else None
        matrix, full, other = inverse, (b.width_px, b.height_px), (a.width_px, a.height_px)
    else:
        full, other = (a.width_px, a.height_px), (b.width_px, b.height_px)
    scale = seen.scale if fuller == "b" else 1.0 / max(1e-6, seen.scale)
    return Transform(
        fuller="a" if fuller == "a" else "b",
        crop=_bounds(matrix, (0.0, 0.0, float(other[0]), float(other[1])), full),
        scale=round(scale, 4),
        angle_deg=round(-seen.angle_deg if fuller == "a" and not seen.mirrored else seen.angle_deg, 2) + 0.0,  # mirrored, then turned
        mirrored=seen.mirrored,
        matrix=tuple(round(float(value), 5) for value in matrix.ravel()),  # type: ignore[arg-type]  # six values
        region=disagree,
    )


def _fuller(a: Picture, b: Picture, seen: Frame) -> str:
    """Which shows more; the one with more pixels when they show the same."""
    if abs(seen.content_a - seen.content_b) > SAME_EXTENT:
        return "a" if seen.content_a < seen.content_b else "b"
    return "a" if a.width_px * a.height_px >= b.width_px * b.height_px else "b"


def _region_in_a(marked: Box, laid: Laid, up_a: np.ndarray) -> Box:
    height, width = laid.mask.shape
    left, top = laid.to_a @ np.array([marked[0] * width, marked[1] * height, 1.0]) * up_a
    right, bottom = laid.to_a @ np.array([marked[2] * width, marked[3] * height, 1.0]) * up_a
    return round(float(left), 1), round(float(top), 1), round(float(right), 1), round(float(bottom), 1)


def _bounds(matrix: Matrix, box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    at = matrix @ np.array([[left, right, right, left], [top, top, bottom, bottom], [1, 1, 1, 1]])
    low, high = np.maximum(at.min(axis=1), 0), np.minimum(at.max(axis=1), size)
    return round(float(low[0]), 1), round(float(low[1]), 1), round(float(high[0]), 1), round(float(high[1]), 1)
