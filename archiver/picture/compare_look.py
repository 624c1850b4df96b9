"""What is seen when one picture lies on the other: where they agree, where not, and what the disagreement looks like.

Agreement is normalised cross-correlation in small windows (Lewis, "Fast normalized cross-correlation", 1995) after a tone map, so that
brightness, contrast and gamma do not count. Where both are flat there is nothing to agree on, and only the level counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from archiver.picture.compare_place import Laid
from archiver.picture.features import Bytes, Floats

Mask = NDArray[Any]

WINDOW_PX = 9
LEVEL_PX = 5
TONE_SAMPLE = 1500
TONE_STEPS = 8
"""Per grey level, of the table that tones are mapped by."""
NOISE_VARIANCE = 12.0
"""Grey levels squared: encoders leave about this much, and it must not correlate."""
DETAIL_VARIANCE = 40.0
"""A window with more than this in either picture has something to agree on."""
LEVEL_APART = 28.0
"""Mean grey levels by which two windows differ visibly after the tone map."""
AGREES, DISAGREES = 0.7, 0.5
REGIONS_MAX = 4
COLOURED, COLOURED_LEAST = 14.0, 0.004
"""Distance from grey at which a pixel has colour, and the share of the overlap that must have some."""


@dataclass(frozen=True)
class Region:
    """One connected part of the overlap that disagrees."""

    area: float
    """Share of the overlap."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the overlap's frame."""
    fill: float
    """How much of its box it covers."""
    step: float
    """How abruptly it begins and ends along its shorter way: 1 where a straight edge runs all along it."""

    @property
    def wide(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def high(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def to_corner(self) -> float:
        """Distance to the nearest corner of the overlap, the larger of the two gaps."""
        return max(min(self.box[0], 1.0 - self.box[2]), min(self.box[1], 1.0 - self.box[3]))


@dataclass(frozen=True)
class Look:
    """Measurements on the overlap of two pictures; shares are 0..1."""

    detail: float
    """Share of the overlap with something to agree on."""
    detail_px: int
    good: float
    """Share of the detail that correlates above AGREES."""
    median: float
    """Median correlation over the detail."""
    whole: float
    """Correlation of the two overlaps as wholes, after the tone map."""
    bad: float
    """Share of the overlap that disagrees."""
    big: float
    """Share of the overlap in the largest connected region that disagrees."""
    stray: float
    """Share of the overlap that disagrees outside the box of the largest region."""
    scattered: float
    """The same outside the boxes of all `regions`."""
    parts: int
    """Disagreeing regions of visible size."""
    regions: tuple[Region, ...]
    """The largest of them, at most REGIONS_MAX, largest first."""
    one_sign: float
    """How one-sided the disagreement is: 1 where one is only brighter (an overlay), .5 where it is as often darker (a moved limb)."""
    rest: float
    """As `good`, outside the boxes of the disagreeing regions."""
    spread: float
    """Longest side of the box around all disagreeing regions, as a share of the overlap."""
    inside: float
    """Correlation of the two within the disagreeing regions: high under a watermark, low where the content is another."""
    plain_a: float
    plain_b: float
    """Share of the disagreeing box that has the two commonest colours in either picture: high for boxes, captions and logos."""
    ground: float
    """Share of the overlap that has the two commonest colours, in the plainer picture: high for drawings on plain ground."""
    difference: float
    """Mean absolute difference in grey levels after the tone map."""
    tone: float
    """Mean change in grey levels that the tone map makes."""
    chroma: float
    """Correlation of the colours (1 when both are grey)."""
    chroma_ratio: float
    """Colourfulness of b relative to a (0: b is grey)."""
    colour_difference: float
    """Mean absolute difference of the two colour channels."""
    colour_shift: float
    """The same where one of the two has colour: ground without colour does not dilute it."""

    @property
    def region(self) -> Region | None:
        return self.regions[0] if self.regions else None


def look(laid: Laid) -> Look | None:
    """Measure a pair of laid pictures; None when there is too little of them."""
    if laid.mask.sum() < 100:
        return None
    one, other = _smooth(laid.a), _smooth(laid.b)
    mask = laid.mask
    grey_a, raw_b = one[..., 0], other[..., 0]
    grey_b = tone_map(grey_a, raw_b, mask)
    correlation, detail, level = windows(grey_a, grey_b, mask)
    detail &= mask
    apart = mask & ((detail & (correlation < DISAGREES)) | (np.abs(level) > LEVEL_APART))
    parts, labels, regions = _regions(apart, mask)
    area = float(mask.sum())
    chroma, ratio, colour, shift = _chroma(one, other, mask & ~_around(apart, regions))
    rest = grey_a - grey_b
    values = correlation[detail]
    return Look(
        detail=float(detail.sum()) / area,
        detail_px=int(detail.sum()),
        good=float((values > AGREES).mean()) if len(values) else 0.0,
        median=float(np.median(values)) if len(values) else 0.0,
        whole=_correlation(grey_a[mask], grey_b[mask]),
        bad=float(apart.sum()) / area,
        big=regions[0].area if regions else 0.0,
        stray=_stray(apart, regions[:1], area),
        scattered=_stray(apart, regions, area),
        parts=parts,
        regions=regions,
        one_sign=_one_sign(rest, labels),
        rest=_rest(correlation, detail, labels),
        spread=_spread(labels),
        inside=_correlation(grey_a[labels], grey_b[labels]) if labels.sum() > 20 else 0.0,
        plain_a=_plain(laid.a, labels),
        plain_b=_plain(laid.b, labels),
        ground=max(_plain(laid.a[::2, ::2], mask[::2, ::2]), _plain(laid.b[::2, ::2], mask[::2, ::2])),
        difference=float(np.abs(rest[mask]).mean()),
        tone=float(np.abs(grey_b[mask] - raw_b[mask]).mean()),
        chroma=chroma,
        chroma_ratio=ratio,
        colour_difference=colour,
        colour_shift=shift,
    )


def _smooth(look: Bytes) -> Floats:
    """(H, W, 3) float32: brightness and two colour differences, without the finest grain."""
    return cv2.GaussianBlur(cv2.cvtColor(look, cv2.COLOR_RGB2YCrCb).astype(np.float32), (0, 0), 0.7)


def tone_map(onto: Floats, grey: Floats, mask: Mask) -> Floats:
    """`grey` with the tones of `onto`: a cubic fitted inside the mask, each round without what lay furthest off.

    It is begun twice, from all pixels and from those that a mere shift explains, for a banner can lead the first astray; the fit that
    is nearer for half of the pixels is taken (least median of squares, Rousseeuw 1984).
    """
    x, y = grey[mask].astype(np.float64) / 255.0, onto[mask].astype(np.float64)
    if len(x) > TONE_SAMPLE:
        x, y = x[:: len(x) // TONE_SAMPLE + 1], y[:: len(y) // TONE_SAMPLE + 1]
    shift = y - 255.0 * x
    off = np.abs(shift - np.median(shift))
    starts = (np.ones(len(x), bool), off <= max(6.0, 1.5 * float(np.median(off))))
    basis = np.stack([np.ones_like(x), x, x * x, x * x * x], axis=1)
    _, factors = min((_fit(basis, y, start) for start in starts), key=lambda fit: fit[0])
    steps = np.arange(255 * TONE_STEPS + 1) / (255.0 * TONE_STEPS)
    curve = np.maximum.accumulate(np.clip(np.stack([np.ones_like(steps), steps, steps**2, steps**3], axis=1) @ factors, 0, 255))
    mapped: Floats = curve.astype(np.float32)[np.clip(np.rint(grey * TONE_STEPS), 0, 255 * TONE_STEPS).astype(np.int16)]
    return mapped


def _fit(basis: Floats, y: Floats, keep: Mask) -> tuple[float, Floats]:
    """Median distance of the trimmed cubic, and its factors; pulled gently towards leaving the tones as they are."""
    ridge = np.diag([0.0, 0.01, 0.3, 0.3])
    factors, rest = np.array([0.0, 255.0, 0.0, 0.0]), np.abs(y)
    for _ in range(3):
        chosen = basis[keep]
        target = y[keep] - 255.0 * chosen[:, 1]
        factors = np.linalg.solve(chosen.T @ chosen + ridge * len(chosen) * 0.02 + np.eye(4) * 1e-6, chosen.T @ target)
        factors[1] += 255.0
        rest = np.abs(y - basis @ factors)
        keep = rest <= max(6.0, 2.5 * float(np.median(rest)))
    return float(np.median(rest)), factors


def windows(one: Floats, other: Floats, mask: Mask) -> tuple[Floats, Mask, Floats]:
    """Per pixel, of what the mask leaves of the window around it: correlation, whether there is detail, mean difference."""
    inside = mask.astype(np.float32)
    weight = 1.0 / np.maximum(_box(inside, WINDOW_PX), 1e-3)
    one, other = one * inside, other * inside
    mean_one, mean_other = _box(one, WINDOW_PX) * weight, _box(other, WINDOW_PX) * weight
    var_one = np.maximum(_box(one * one, WINDOW_PX) * weight - mean_one * mean_one, 0)
    var_other = np.maximum(_box(other * other, WINDOW_PX) * weight - mean_other * mean_other, 0)
    both = _box(one * other, WINDOW_PX) * weight - mean_one * mean_other
    correlation = both / np.sqrt((var_one + NOISE_VARIANCE) * (var_other + NOISE_VARIANCE))
    detail = np.maximum(var_one, var_other) > DETAIL_VARIANCE
    return correlation, detail, _box(one - other, LEVEL_PX) / np.maximum(_box(inside, LEVEL_PX), 1e-3)


def _box(values: Floats, side: int) -> Floats:
    summed: Floats = cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_CONSTANT)
    return summed


def _regions(apart: Mask, mask: Mask) -> tuple[int, Mask, tuple[Region, ...]]:
    """Visible disagreeing regions: their number, the pixels of them all, and the largest of them, largest first."""
    area = float(mask.sum())
    count, labels, stats, _ = cv2.connectedComponentsWithStats(apart.astype(np.uint8), connectivity=8)
    if count < 2:
        return 0, np.zeros_like(apart), ()
    sizes = stats[1:, cv2.CC_STAT_AREA]
    visible = np.flatnonzero(sizes >= max(12.0, 0.15 * sizes.max())) + 1
    largest = np.argsort(-sizes, kind="stable")[:REGIONS_MAX] + 1
    regions = tuple(_region(labels, stats[number], int(number), area) for number in largest if number in visible or number == largest[0])
    return len(visible), np.isin(labels, visible), regions


def _region(labels: Mask, stats: NDArray[np.int32], number: int, area: float) -> Region:
    left, top, wide, high, size = (int(value) for value in stats)
    height, width = labels.shape
    return Region(
        size / area,
        (left / width, top / height, (left + wide) / width, (top + high) / height),
        size / (wide * high),
        _step(labels[top : top + high, left : left + wide] == number),
    )


def _step(region: Mask) -> float:
    """The weaker of the two long edges: how much of it is filled within two pixels of the box."""
    along = region if region.shape[1] >= region.shape[0] else region.T
    depth = min(3, along.shape[0])
    return min(float(along[:depth].any(axis=0).mean()), float(along[-depth:].any(axis=0).mean()))


def _stray(apart: Mask, regions: tuple[Region, ...], area: float) -> float:
    return float((apart & ~_boxes(apart.shape, regions)).sum()) / area if regions else 0.0


def _around(apart: Mask, regions: tuple[Region, ...]) -> Mask:
    """What disagrees and its near surroundings: a banner's colours say nothing on those of the picture."""
    near: Mask = cv2.dilate(apart.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return near | _boxes(apart.shape, regions)


def _boxes(shape: tuple[int, ...], regions: tuple[Region, ...]) -> Mask:
    height, width = shape
    inside = np.zeros(shape, bool)
    for region in regions:
        left, top, right, bottom = (round(side * full) for side, full in zip(region.box, (width, height, width, height), strict=True))
        inside[max(0, top - 4) : bottom + 4, max(0, left - 4) : right + 4] = True
    return inside


def _one_sign(rest: Floats, chosen: Mask) -> float:
    values = rest[chosen]
    strong = values[np.abs(values) > 10.0]
    if len(strong) < 10:
        return 0.0
    up, down = float(strong[strong > 0].sum()), float(-strong[strong < 0].sum())
    return max(up, down) / (up + down)


def _plain(look: Bytes, chosen: Mask) -> float:
    """Share of the chosen pixels that have one of the two commonest colours (of 4096)."""
    pixels = look[chosen]
    if len(pixels) < 10:
        return 0.0
    code = (pixels[:, 0] >> 4).astype(np.int16) * 256 + (pixels[:, 1] >> 4).astype(np.int16) * 16 + (pixels[:, 2] >> 4)
    counts = np.partition(np.bincount(code, minlength=4096), -2)
    return float(counts[-2:].sum()) / len(pixels)


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    norm = math.sqrt(float((one * one).mean()) * float((other * other).mean()))
    return float((one * other).mean()) / norm if norm > 4.0 else 0.0


def _chroma(one: Floats, other: Floats, mask: Mask) -> tuple[float, float, float, float]:
    """Of what agrees in shape: correlation of colours, colourfulness of b against a, mean difference, and that where there is colour."""
    chosen = mask[::2, ::2]
    if chosen.sum() < 25:
        return 1.0, 1.0, 0.0, 0.0
    a, b = one[::2, ::2, 1:][chosen] - 128.0, other[::2, ::2, 1:][chosen] - 128.0
    strong_a, strong_b = float(np.sqrt((a * a).mean())), float(np.sqrt((b * b).mean()))
    apart = np.abs(a - b).mean(axis=1)
    difference = float(apart.mean())
    coloured = np.maximum(np.abs(a).max(axis=1), np.abs(b).max(axis=1)) > COLOURED
    shift = float(apart[coloured].mean()) if coloured.mean() > COLOURED_LEAST else difference
    if strong_a < 2.5 or strong_b < 2.5:
        ratio = 1.0 if max(strong_a, strong_b) < 4.0 else (strong_b + 0.5) / (strong_a + 0.5)
        return 1.0, ratio, difference, shift
    return float((a * b).mean()) / (strong_a * strong_b), strong_b / strong_a, difference, shift


def _rest(correlation: Floats, detail: Mask, chosen: Mask) -> float:
    around = cv2.dilate(chosen.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    values = correlation[detail & ~around]
    return float((values > AGREES).mean()) if len(values) >= 50 else 0.0


def _spread(chosen: Mask) -> float:
    rows, columns = np.flatnonzero(chosen.any(axis=1)).tolist(), np.flatnonzero(chosen.any(axis=0)).tolist()
    if not rows:
        return 0.0
    height, width = (int(side) for side in chosen.shape)
    return max((rows[-1] - rows[0] + 1) / height, (columns[-1] - columns[0] + 1) / width)
