"""What is seen when one picture lies on the other: where they agree, where not, and what the disagreement looks like.

Agreement is normalised cross-correlation in small windows (Lewis, "Fast normalized cross-correlation", 1995) after a tone map, so that
brightness, contrast and gamma do not count. Where both are flat there is nothing to agree on, and only the level counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from archiver.picture.compare_marks import Strip, colour_codes, correlate, letters, marks, one_sign, plain, strip, through
from archiver.picture.compare_place import Laid
from archiver.picture.compare_tone import AGREES, Mask, count, give_tones, median, quantile, share_above
from archiver.picture.compare_written import Written, written
from archiver.picture.features import Floats

REGIONS_MAX = 4
COARSE_FROM, COARSE_BELOW, COARSE_BIG = 0.75, 0.97, 0.03
"""Between these shares of agreement, and with no larger region apart, half the size is looked at too."""
SHARPER_FROM = 0.6
"""The share of agreement from which on it is asked which picture is the sharper one."""
WRITTEN_BELOW = 0.975
"""The share of agreement below which rows of letters are looked for."""
STROKES_FROM, STROKE_LEVELS = 0.93, 16.0
"""The share of agreement from which on small strokes are looked at, and grey levels by which they differ."""
CAPTION_HIGH = 0.26
"""Share of the height within which words stand that are written over the upper or lower end of a picture."""
BEARER_LEVELS, BEARER_PX = 14.0, 20
"""Grey levels and pixels from which on something lies on one of the two."""
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
    scattered: float
    """Share of the overlap that disagrees outside the boxes of all `regions`."""
    parts: int
    """Disagreeing regions of visible size."""
    regions: tuple[Region, ...]
    """The largest of them, at most REGIONS_MAX, largest first."""
    strip: Strip | None
    """The run of rows in which most of the disagreement lies."""
    one_sign: float
    """How one-sided the disagreement is: 1 where one is only brighter (an overlay), .5 where it is as often darker (a moved limb)."""
    rest: float
    """As `good`, outside the boxes of the disagreeing regions."""
    spread: float
    """Longest side of the box around all disagreeing regions, as a share of the overlap."""
    through: float
    """Correlation of the two on the very pixels that are brighter (or darker), a mark's: high where the picture shows through it."""
    marks: float
    """Share of the overlap, edges left out, that is brighter (or darker) in one of the two, when hardly anything is the other way."""
    marks_even: float
    """How many of those pixels lie on even ground of either, relative to how many of all do: low for what follows the edges."""
    written: Written | None
    """What differs as rows of letters; None where there are none or it was not looked at."""
    edges: float
    """By how many doublings the edges around what disagrees are stronger in the one than in the other; 0 where it is not only above and
    below."""
    letters: int
    """Letters or words side by side in one row, when all that stands apart is such a row; else 0."""
    coarse: float
    """As `good`, at half the size, where the finest detail no longer counts; 0 where it was not looked at."""
    coarse_big: float
    """As `big`, there."""
    strokes: float
    """Share of the overlap that differs at half the size by more than STROKE_LEVELS, its edges left out; 0 where nothing else agrees."""
    strokes_most: float
    """Grey levels by which the most different two hundredth of it differ."""
    strokes_both: float
    """How much of that is the other way: 0 where one is only brighter, .5 at most."""
    noise: float
    """Median difference in grey levels; 0 where no strokes differ."""
    sharper: float
    """How much stronger the finest detail of the sharper picture is, as a ratio of at least 1; 1 where little agrees."""
    plain_a: float
    plain_b: float
    """Share of the disagreeing box that has the two commonest colours in either picture: high for boxes, captions and logos."""
    ground: float
    """Share of the overlap that has the two commonest colours, in the plainer picture: high for drawings on plain ground."""
    difference: float
    """Mean absolute difference in grey levels after the tone map."""
    tone: float
    """Mean change in grey levels that the tone map makes."""
    tone_most: float
    """The same of the twentieth that changes most."""
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

    @property
    def ends(self) -> tuple[float, float]:
        """How wide what disagrees is in the upper and in the lower half, as a share; 0 where nothing does."""
        halves = [each for each in self.regions if each.box[1] < 0.5], [each for each in self.regions if each.box[1] >= 0.5]
        above, below = (max(each.box[2] for each in half) - min(each.box[0] for each in half) if half else 0.0 for half in halves)
        return above, below


def look(laid: Laid) -> Look | None:
    """Measure a pair of laid pictures; None when there is too little of them."""
    mask = cv2.erode(laid.mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    if count(mask) < 100:
        return None
    toned = give_tones(laid.a, laid.b, mask)
    grey_a, grey_b, apart = toned.a, toned.b, toned.apart
    parts, labels, regions = _regions(apart, mask)
    area = float(count(mask))
    chroma, ratio, colour, shift = _chroma(toned.one, toned.other, mask & ~_around(apart, regions))
    rest = grey_a - grey_b
    detail, correlation = toned.detail, toned.correlation
    values = correlation[detail]
    good, big = share_above(values, AGREES) if len(values) else 0.0, regions[0].area if regions else 0.0
    codes = colour_codes(laid.a), colour_codes(laid.b)
    one_way, even = marks(grey_a, grey_b, mask)
    fine = _strokes(rest, mask) if good > STROKES_FROM else (0.0, 0.0, 0.0, 0.0)
    soft = _softened(laid) if COARSE_FROM < good < COARSE_BELOW and big < COARSE_BIG else (0.0, 0.0)
    return Look(
        detail=len(values) / area,
        detail_px=len(values),
        good=good,
        median=median(values) if len(values) else 0.0,
        whole=correlate(grey_a[mask], grey_b[mask]),
        bad=count(apart) / area,
        big=big,
        scattered=_stray(apart, regions, area),
        parts=parts,
        regions=regions,
        strip=strip(apart, mask, (grey_a, grey_b), (correlation, detail), codes),
        one_sign=one_sign(rest, labels),
        rest=_rest(correlation, detail, labels),
        spread=_spread(labels),
        through=through(grey_a, grey_b, mask),
        marks=one_way,
        marks_even=even,
        written=written(toned, mask) if good < WRITTEN_BELOW else None,
        edges=abs(_edges(grey_a, grey_b, apart, mask)) if regions and all(map(is_above_or_below, regions)) else 0.0,
        letters=letters(np.where(mask, rest, 0.0)),
        coarse=soft[0],
        coarse_big=soft[1],
        strokes=fine[0],
        strokes_most=fine[1],
        strokes_both=fine[2],
        noise=fine[3],
        sharper=_sharper(grey_a, grey_b, mask) if good > SHARPER_FROM or one_way else 1.0,
        plain_a=plain(codes[0][labels]),
        plain_b=plain(codes[1][labels]),
        ground=max(plain(code[::2, ::2][mask[::2, ::2]]) for code in codes),
        difference=float(np.abs(rest[mask]).mean()),
        tone=toned.change[0],
        tone_most=toned.change[1],
        chroma=chroma,
        chroma_ratio=ratio,
        colour_difference=colour,
        colour_shift=shift,
    )


def _regions(apart: Mask, mask: Mask) -> tuple[int, Mask, tuple[Region, ...]]:
    """Visible disagreeing regions: their number, the pixels of them all, and the largest of them, largest first."""
    area = float(count(mask))
    number, labels, stats, _ = cv2.connectedComponentsWithStats(apart.astype(np.uint8), connectivity=8)
    if number < 2:
        return 0, np.zeros_like(apart), ()
    sizes = stats[1:, cv2.CC_STAT_AREA]
    visible = np.flatnonzero(sizes >= max(12.0, 0.15 * sizes.max())) + 1
    largest = np.argsort(-sizes, kind="stable")[:REGIONS_MAX] + 1
    regions = tuple(_region(labels.shape, stats[each], area) for each in largest if each in visible or each == largest[0])
    chosen = np.zeros(number, bool)
    chosen[visible] = True
    return len(visible), chosen[labels], regions


def _region(shape: tuple[int, ...], stats: NDArray[np.int32], area: float) -> Region:
    left, top, wide, high, size = (int(value) for value in stats)
    height, width = shape
    return Region(
        size / area,
        (left / width, top / height, (left + wide) / width, (top + high) / height),
        size / (wide * high),
    )


def _stray(apart: Mask, regions: tuple[Region, ...], area: float) -> float:
    return count(apart & ~_boxes(apart.shape, regions)) / area if regions else 0.0


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


def _softened(laid: Laid) -> tuple[float, float]:
    """Agreement and largest disagreeing region at half the size."""
    size = (max(4, laid.mask.shape[1] // 2), max(4, laid.mask.shape[0] // 2))
    inner = cv2.erode(laid.mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    mask = cv2.resize(inner, size, interpolation=cv2.INTER_NEAREST) > 0
    if count(mask) < 100:
        return 0.0, 0.0
    one, other = (cv2.resize(look, size, interpolation=cv2.INTER_AREA) for look in (laid.a, laid.b))
    toned = give_tones(one, other, mask)
    values = toned.correlation[toned.detail]
    if not len(values):
        return 0.0, 0.0
    _, _, regions = _regions(toned.apart, mask)
    return share_above(values, AGREES), regions[0].area if regions else 0.0


def bearer(laid: Laid) -> float:
    """On which of the two lies what differs: by how many doublings b has the stronger edges around it, negative when a has.

    What is laid over a picture has rims of its own; the picture under it does not know where they run.
    """
    mask = cv2.erode(laid.mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    toned = give_tones(laid.a, laid.b, mask)
    apart = mask & (np.abs(toned.a - toned.b) > BEARER_LEVELS)
    if count(apart) < BEARER_PX:
        return 0.0
    return _edges(toned.a, toned.b, apart, mask)


def _edges(one: Floats, other: Floats, apart: Mask, mask: Mask) -> float:
    """By how many doublings the edges of the other are stronger, on and around what disagrees."""
    around = mask & (cv2.dilate(apart.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    edges = [np.hypot(*(cv2.Sobel(grey, cv2.CV_32F, *way) for way in ((1, 0), (0, 1))))[around].mean() for grey in (one, other)]
    return float(np.log2((edges[1] + 4.0) / (edges[0] + 4.0)))


def is_above_or_below(region: Region) -> bool:
    """Where captions stand: within the upper or the lower quarter."""
    return region.box[3] <= CAPTION_HIGH or region.box[1] >= 1.0 - CAPTION_HIGH


def _strokes(rest: Floats, mask: Mask) -> tuple[float, float, float, float]:
    """What differs at half the size, where other edges no longer do: its share, how strongly, how much of it is the other way; and by how
    much half of all pixels differ."""
    size = (max(4, mask.shape[1] // 2), max(4, mask.shape[0] // 2))
    inner = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=0)
    values = cv2.resize(rest, size, interpolation=cv2.INTER_AREA)[cv2.resize(inner, size, interpolation=cv2.INTER_NEAREST) > 0]
    strong = values[np.abs(values) > STROKE_LEVELS]
    if not len(strong):
        return 0.0, 0.0, 0.0, 0.0
    noise = median(np.abs(rest[mask]))
    up, down = float(strong[strong > 0].sum()), float(-strong[strong < 0].sum())
    return len(strong) / len(values), quantile(np.abs(values), 0.995), min(up, down) / (up + down), noise


def _sharper(one: Floats, other: Floats, mask: Mask) -> float:
    """The ratio of what the two have of the finest detail, the tones being equal."""
    fine = [float(cv2.Laplacian(grey, cv2.CV_32F)[mask].std()) + 0.5 for grey in (one, other)]
    return max(fine) / min(fine)


def _chroma(one: Floats, other: Floats, mask: Mask) -> tuple[float, float, float, float]:
    """Of what agrees in shape: correlation of colours, colourfulness of b against a, mean difference, and that where there is colour."""
    chosen = mask[::2, ::2]
    if count(chosen) < 25:
        return 1.0, 1.0, 0.0, 0.0
    a, b = one[::2, ::2, 1:][chosen] - 128.0, other[::2, ::2, 1:][chosen] - 128.0
    strong_a, strong_b = float(np.sqrt((a * a).mean())), float(np.sqrt((b * b).mean()))
    apart = np.abs(a - b).mean(axis=1)
    difference = float(apart.mean())
    coloured = np.maximum(np.abs(a).max(axis=1), np.abs(b).max(axis=1)) > COLOURED
    shift = float(apart[coloured].mean()) if count(coloured) > COLOURED_LEAST * len(coloured) else difference
    if strong_a < 2.5 or strong_b < 2.5:
        ratio = 1.0 if max(strong_a, strong_b) < 4.0 else (strong_b + 0.5) / (strong_a + 0.5)
        return 1.0, ratio, difference, shift
    return float((a * b).mean()) / (strong_a * strong_b), strong_b / strong_a, difference, shift


def _rest(correlation: Floats, detail: Mask, chosen: Mask) -> float:
    around = cv2.dilate(chosen.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    values = correlation[detail & ~around]
    return share_above(values, AGREES) if len(values) >= 50 else 0.0


def _spread(chosen: Mask) -> float:
    rows, columns = np.flatnonzero(chosen.any(axis=1)).tolist(), np.flatnonzero(chosen.any(axis=0)).tolist()
    if not rows:
        return 0.0
    height, width = (int(side) for side in chosen.shape)
    return max((rows[-1] - rows[0] + 1) / height, (columns[-1] - columns[0] + 1) / width)
