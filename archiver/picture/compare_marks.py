"""What disagrees between two pictures, as marks: one-sided, plain, lettered, in one strip from side to side.

An overlay shifts grey levels one way, is of few colours and has the shape of what people lay over pictures; a moved limb is none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from archiver.picture.compare_tone import AGREES, Mask, count, quantile, share_above
from archiver.picture.features import Bytes, Floats

MARK_LEVELS = 10.0
"""Grey levels from which on a pixel belongs to a mark."""
MARKS_SIGN = 0.985
EVEN_LEVELS = 12.0
"""Span of grey levels around a pixel of even ground: encoders, sharpening and gamma change edges, a mark lies where it was laid."""
LETTER_LEVELS, LETTER_PX, LETTER_WIDE = 16.0, 4, 0.32
"""Grey levels and pixels from which on a mark may be a letter, and how much of the width a word may take."""
LETTER_CORE = 0.4
"""Of the strongest: what is weaker is the seam between two letters."""
ROW_LOW, ROW_HIGH, ROW_WIDE, ROW_FILLED = 0.03, 0.16, 0.35, 0.6
"""A row of letters: its height at least and at most, its width at least, and the share of its columns that hold ink."""
STRUCK, STRUCK_LEAST = 0.12, 0.02
"""Share of a row that disagrees for the row to belong to a strip, and for its rim."""
STRIP_GAP = 0.05
"""Rows, as a share of the height, over which a strip goes on where what it covers happens to look like it."""
AROUND_PX = 4


@dataclass(frozen=True)
class Strip:
    """The run of rows in which most of the disagreement lies, whatever parts it falls into; shares are 0..1."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the overlap's frame."""
    wide: float
    """Its width as a share of what the two share there."""
    fill: float
    """How much of the box disagrees."""
    step: float
    """How much of its upper and lower edge, the weaker of the two, begins to disagree within two pixels."""
    one_sign: float
    """As for the whole, over all rows of the strip."""
    plain: float
    """Share of the strip that has its two commonest colours, in the plainer picture."""
    rest: float
    """Share of the detail above and below it that correlates above AGREES."""
    stray: float
    """Share of the overlap that disagrees above and below it."""

    @property
    def high(self) -> float:
        return self.box[3] - self.box[1]


def strip(apart: Mask, mask: Mask, greys: tuple[Floats, Floats], agreement: tuple[Floats, Mask], codes: tuple[Mask, Mask]) -> Strip | None:
    """Measure the strip; `agreement`: correlation per pixel, and where there is detail. None where nothing disagrees along a row."""
    rows = _run(apart.sum(axis=1) / np.maximum(1, mask.sum(axis=1)))
    if rows is None:
        return None
    top, bottom = rows
    columns = np.flatnonzero(apart[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    inside, around = np.zeros_like(mask), np.zeros_like(mask)
    inside[top:bottom] = mask[top:bottom]
    around[max(0, top - AROUND_PX) : bottom + AROUND_PX] = True
    correlation, detail = agreement
    beyond = correlation[detail & ~around]
    height, width = mask.shape
    return Strip(
        box=(left / width, top / height, right / width, bottom / height),
        wide=(right - left) / max(1, int(inside.any(axis=0).sum())),
        fill=count(apart[top:bottom]) / max(1, count(inside[:, left:right])),
        step=step(apart[top:bottom, left:right]),
        one_sign=one_sign(greys[0] - greys[1], inside),
        plain=max(plain(code[inside]) for code in codes),
        rest=share_above(beyond, AGREES) if len(beyond) >= 50 else 0.0,
        stray=count(apart & ~around) / count(mask),
    )


def _run(share: Floats) -> tuple[int, int] | None:
    """Of the runs of struck rows (`share`: how much of each row disagrees) the one in which most disagrees, with its rim."""
    struck = np.flatnonzero(share > STRUCK)
    if not len(struck):
        return None
    gap = max(2, round(STRIP_GAP * len(share)))
    runs = np.split(struck, np.flatnonzero(np.diff(struck) > gap) + 1)
    run = max(runs, key=lambda rows: float(share[rows[0] : rows[-1] + 1].sum()))
    top, bottom = int(run[0]), int(run[-1]) + 1
    while top > 0 and share[top - 1] > STRUCK_LEAST:
        top -= 1
    while bottom < len(share) and share[bottom] > STRUCK_LEAST:
        bottom += 1
    return top, bottom


def step(region: Mask) -> float:
    """The weaker of the two long edges: how much of it is filled within two pixels of the box."""
    along = region if region.shape[1] >= region.shape[0] else region.T
    depth = min(3, along.shape[0])
    return min(float(along[:depth].any(axis=0).mean()), float(along[-depth:].any(axis=0).mean()))


def one_sign(rest: Floats, chosen: Mask) -> float:
    values = rest[chosen]
    strong = values[np.abs(values) > 10.0]
    if len(strong) < 10:
        return 0.0
    up, down = float(strong[strong > 0].sum()), float(-strong[strong < 0].sum())
    return max(up, down) / (up + down)


def through(one: Floats, other: Floats, mask: Mask) -> float:
    rest = one - other
    strong = mask & (np.abs(rest) > MARK_LEVELS)
    if count(strong) < 30:
        return 0.0
    strong &= rest * float(np.sign(rest[strong].sum())) > MARK_LEVELS
    return correlate(one[strong], other[strong]) if count(strong) >= 30 else 0.0


def marks(one: Floats, other: Floats, mask: Mask) -> tuple[float, float]:
    """Share of the overlap, and how many of these pixels lie on even ground, as a ratio to how many of all do."""
    rest = one - other
    inner = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=0) > 0
    strong = inner & (np.abs(rest) > MARK_LEVELS + 2.0)
    if count(strong) < 30:
        return 0.0, 0.0
    values = rest[strong]
    up, down = float(values[values > 0].sum()), float(-values[values < 0].sum())
    if max(up, down) <= MARKS_SIGN * (up + down):
        return 0.0, 0.0
    even = inner & (np.minimum(_range(one), _range(other)) < EVEN_LEVELS)
    return count(strong) / count(inner), count(strong & even) * count(inner) / max(1, count(strong) * count(even))


def _range(grey: Floats) -> Floats:
    """The span of grey levels around each pixel."""
    around = np.ones((3, 3), np.uint8)
    span: Floats = cv2.dilate(grey, around) - cv2.erode(grey, around)
    return span


def letters(rest: Floats) -> int:
    """How many small marks of a row; `rest`: differences in grey levels."""
    strength = np.abs(rest)
    strong = strength[strength > LETTER_LEVELS]
    if len(strong) < LETTER_PX:
        return 0
    marks = (strength > max(LETTER_LEVELS, LETTER_CORE * quantile(strong, 0.9))).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    boxes = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= LETTER_PX]
    if len(boxes) < 2:
        return 0
    height, width = marks.shape
    left, top = boxes[:, 0].min(), boxes[:, 1].min()
    right, bottom = (boxes[:, 0] + boxes[:, 2]).max(), (boxes[:, 1] + boxes[:, 3]).max()
    row = marks[top:bottom, left:right]
    is_row = (
        ROW_LOW * height <= bottom - top <= ROW_HIGH * height and right - left >= ROW_WIDE * width and row.any(axis=0).mean() >= ROW_FILLED
    )
    return len(boxes) if is_row and boxes[:, 2].max() <= LETTER_WIDE * width else 0


def colour_codes(look: Bytes) -> Mask:
    """(H, W) int16: the colour of each pixel, one of 4096."""
    coarse = (look >> 4).astype(np.int16)
    codes: Mask = (coarse[..., 0] << 8) | (coarse[..., 1] << 4) | coarse[..., 2]
    return codes


def plain(codes: Mask) -> float:
    """Share of some pixels that have one of their two commonest colours."""
    if len(codes) < 10:
        return 0.0
    counts = np.bincount(codes, minlength=2)
    commonest = int(counts.argmax())
    most, counts[commonest] = int(counts[commonest]), 0
    return (most + int(counts.max())) / len(codes)


def correlate(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    norm = math.sqrt(float((one * one).mean()) * float((other * other).mean()))
    return float((one * other).mean()) / norm if norm > 4.0 else 0.0
