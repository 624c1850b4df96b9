"""How two pictures might lie on each other: a few hypotheses, best supported first, and their refinement on the pixels.

Matches of ORB descriptors give a similarity by RANSAC (Fischler and Bolles 1981); near frame hashes give frame upon frame, which
needs no corners. A hypothesis is then refined by Gauss-Newton steps on the grey levels (Lucas and Kanade 1981).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from archiver.picture.compare_tone import count, median
from archiver.picture.features import Bytes, Features, Floats
from archiver.picture.windows import alike, cuts

Matrix = NDArray[Any]
"""2x3, pixels of look b -> pixels of look a."""

MATCH_MAX_BITS = 60
MATCHES_MIN = 8
INLIERS_MIN = 7
RANSAC_PX = 4.0
"""In pixels of the view."""
FRAME_HASH_MAX_BITS = 12
WINDOW_HASH_MAX_BITS = 8
GLANCE_PX = 80
GLANCE_AGREES = 0.6
GLANCE_FRAMES, GLANCE_SURE, GLANCE_CORNERS, GLANCE_MIRRORED = 0.5, 0.46, 0.58, 0.7
"""Share of the detail that must agree at a glance: of frames upon each other, where SURE_INLIERS or fewer corners lead, of mirrored ones.
Of 380 placements of copies that were accepted in the end the least agreed by .53, .75, .59 and .76."""
GLANCE_HALF = 0.3
"""The same where a half of the frame is known to look alike: a banner may cover most of the detail."""
SURE_INLIERS = 60
"""So many corners in one place deserve a look even where a banner covers much of what they share."""
REFINE_PX = 128
REFINE_STEPS = 3
MOVE_MAX_PX = 12.0
DRIFT_SHARE_MAX = 0.12
ROBUST_LEVELS = 12.0
"""Grey levels at which a pixel's say in the refinement is halved: overlays and moved limbs do not steer it."""
AVERAGED_KEPT = 24
"""Averaged pictures kept at hand, at most 9 MB with what they were made of."""
CLIP_LEVELS = 40.0
"""A difference beyond this many grey levels counts as this much."""


@dataclass(frozen=True)
class Placement:
    """One way of laying look b on look a."""

    view_a: int
    view_b: int
    mirrored: bool
    """Look b is mirrored (left and right swapped) before `matrix` is applied; the matrix holds that already."""
    matrix: Matrix
    inliers: int
    """Matched corners that agree; 0 for frame upon frame."""
    matches: int
    half: bool = False
    """Only the upper or the lower halves of the frames are known to look alike."""


def placements(a: Features, b: Features) -> Iterator[Placement]:
    """Hypotheses, found only as they are asked for: near frames upon each other, then by corners, parts of frames, mirrored frames."""
    yield from _by_frames(a, b, False)
    by_corners = [place for va, vb in _view_pairs(a, b) if (place := _by_corners(a, va, b, vb)) is not None]
    yield from sorted(by_corners, key=lambda place: -place.inliers)
    yield from _by_windows(a, b)
    yield from _by_frames(a, b, True)


def _view_pairs(a: Features, b: Features) -> list[tuple[int, int]]:
    return [(0, 0), *((view, 0) for view in range(1, len(a.packed))), *((0, view) for view in range(1, len(b.packed)))]


def _by_corners(a: Features, va: int, b: Features, vb: int) -> Placement | None:
    in_a, in_b = a.sketch.view == va, b.sketch.view == vb
    left, right = match(a.sketch.descriptors[in_a], b.sketch.descriptors[in_b])
    if len(left) < MATCHES_MIN:
        return None
    onto = a.sketch.points[in_a][left, :2]
    from_ = b.sketch.points[in_b][right, :2]
    matrix, inliers = cv2.estimateAffinePartial2D(
        from_, onto, method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PX, maxIters=600, refineIters=5
    )
    if matrix is None or count(inliers) < INLIERS_MIN:
        return None
    matrix = rescaled(matrix, _to_look(a, va), 1.0 / _to_look(b, vb))
    return Placement(va, vb, False, matrix, count(inliers), len(left))


def _to_look(features: Features, view: int) -> float:
    return float(features.looks[view].shape[1]) / float(features.sketch.sizes[view][0])


def match(one: Bytes, other: Bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mutually best matches of ORB descriptors within MATCH_MAX_BITS, as two arrays of indices."""
    if len(one) < MATCHES_MIN or len(other) < MATCHES_MIN:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    distances = _hamming(one, other)
    nearest = distances.argmin(axis=1)
    distance = distances[np.arange(len(one)), nearest]
    order = np.lexsort((np.arange(len(one)), distance))
    order = order[distance[order] <= MATCH_MAX_BITS]
    _, first = np.unique(nearest[order], return_index=True)
    rows = np.sort(order[first])
    return rows, nearest[rows]


def _hamming(one: Bytes, other: Bytes) -> Bytes:
    """(N, M) uint8: differing bits of 32-byte descriptors, at most 255. Half the time of OpenCV's, which counts a pair at a call."""
    left, right = (np.ascontiguousarray(np.ascontiguousarray(each).view(np.uint64).T) for each in (one, other))
    differ = np.empty((len(one), len(other)), np.uint64)
    total = np.zeros(differ.shape, np.uint8)
    for word_left, word_right in zip(left, right, strict=True):
        np.bitwise_xor(word_left[:, None], word_right[None, :], out=differ)
        cv2.add(total, np.bitwise_count(differ), dst=total)  # saturates
    return total


def _by_frames(a: Features, b: Features, mirrored: bool) -> Iterator[Placement]:
    """Frame (or content inside the border) upon frame, where the hashes are near."""
    tried: list[tuple[int, int, tuple[float, ...], tuple[float, ...]]] = []
    for va, vb in _view_pairs(a, b):
        for inner_a, inner_b in ((False, False), (False, True), (True, False), (True, True)):
            one = int(a.sketch.hashes[va][2 * inner_a])
            other = int(b.sketch.hashes[vb][2 * inner_b + mirrored])
            key = (va, vb, _box(a, va, inner_a), _box(b, vb, inner_b))
            if one and other and (one ^ other).bit_count() <= FRAME_HASH_MAX_BITS and key not in tried:
                tried.append(key)
                yield Placement(va, vb, mirrored, _upon(key[3], key[2], mirrored), 0, 0)


def _by_windows(a: Features, b: Features) -> Iterator[Placement]:
    """A frame upon the middle of the other that was cut to its ratio; and frame upon frame where the upper or lower halves are near."""
    for va, vb in _view_pairs(a, b):
        frame_a, frame_b = _box(a, va, False), _box(b, vb, False)
        for onto, source in _cut_places(a, va, b, vb):
            yield Placement(va, vb, False, _upon(source, onto, False), 0, 0)
        if alike(frame_a[2] / frame_a[3], frame_b[2] / frame_b[3]) and any(
            _near_hash(int(one), int(other)) for one, other in zip(a.sketch.windows[va][-2:], b.sketch.windows[vb][-2:], strict=True)
        ):
            yield Placement(va, vb, False, _upon(frame_b, frame_a, False), 0, 0, half=True)


def _cut_places(a: Features, va: int, b: Features, vb: int) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Box of a, box of b where the middle of the one, cut to a usual ratio, has the hash of the other."""
    frame_a, frame_b = _box(a, va, False), _box(b, vb, False)
    whole_a, whole_b = int(a.sketch.hashes[va][0]), int(b.sketch.hashes[vb][0])
    for cut_a, cut_b, part_a, part_b in zip(
        cuts(*frame_a[2:]), cuts(*frame_b[2:]), a.sketch.windows[va][:-2], b.sketch.windows[vb][:-2], strict=True
    ):
        if cut_a is not None and cut_b is None and _near_hash(int(part_a), whole_b):
            yield cut_a, frame_b
        if cut_b is not None and cut_a is None and _near_hash(whole_a, int(part_b)):
            yield frame_a, cut_b


def _near_hash(one: int, other: int) -> bool:
    return bool(one and other) and (one ^ other).bit_count() <= WINDOW_HASH_MAX_BITS


def rescaled(matrix: Matrix, onto: float, source: float) -> Matrix:
    """`matrix` for pictures resized: its target by `onto`, and its source by 1 / `source` (pixel centres at integers)."""
    after = np.array([[onto, 0, (onto - 1) / 2], [0, onto, (onto - 1) / 2], [0, 0, 1]])
    before = np.array([[source, 0, (source - 1) / 2], [0, source, (source - 1) / 2], [0, 0, 1]])
    product: Matrix = (after @ np.vstack((matrix, [0, 0, 1])) @ before)[:2]
    return product


def _box(features: Features, view: int, inner: bool) -> tuple[float, ...]:
    height, width = features.looks[view].shape[:2]
    if not inner:
        return (0.0, 0.0, float(width), float(height))
    scale = _to_look(features, view)
    return tuple(side * scale for side in features.boxes[view])


def _upon(source: tuple[float, ...], onto: tuple[float, ...], mirrored: bool) -> Matrix:
    """The matrix that lays box `source` on box `onto` (pixel centres at integers)."""
    x = (onto[2] - onto[0]) / max(1.0, source[2] - source[0])
    y = (onto[3] - onto[1]) / max(1.0, source[3] - source[1])
    across = [-x, 0.0, onto[2] - 0.5 + x * (source[0] - 0.5)] if mirrored else [x, 0.0, onto[0] - 0.5 - x * (source[0] - 0.5)]
    return np.array([across, [0.0, y, onto[1] - 0.5 - y * (source[1] - 0.5)]])


def scale_of(matrix: Matrix) -> float:
    """By how much a length grows, in the geometric mean of all directions."""
    (a, b), (c, d) = matrix[:, :2].tolist()
    return math.sqrt(abs(a * d - b * c))


@dataclass(frozen=True)
class Laid:
    """Two looks in one frame, ready to be compared pixel by pixel."""

    a: Bytes
    b: Bytes
    """(H, W, 3) uint8, or (H, W) float32 for greys."""
    mask: NDArray[np.bool_]
    """Where both have content, one pixel in from the edges."""
    inside_px: int
    """Pixels where both have content, edges included."""
    to_a: Matrix
    """Pixels of this frame -> pixels of look a."""


def lay(a: Bytes, b: Bytes, matrix: Matrix, longest_px: int) -> Laid | None:
    """Bring the overlap of two looks into one frame at the resolution of the coarser one; None when they hardly overlap."""
    scale = scale_of(matrix)
    if not 0.05 < scale < 20.0:
        return None
    height_b, width_b = b.shape[:2]
    corners = matrix @ np.array([[0, width_b - 1, width_b - 1, 0], [0, 0, height_b - 1, height_b - 1], [1, 1, 1, 1]], float)
    left, top = np.maximum(np.floor(corners.min(axis=1)), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=1)) + 1, (a.shape[1], a.shape[0]))
    if right - left < 4 or bottom - top < 4:
        return None
    step = max(1.0, scale, max(right - left, bottom - top) / longest_px)  # pixels of look a per pixel of the frame
    size = (max(4, round((right - left) / step)), max(4, round((bottom - top) / step)))
    to_a = np.array([[step, 0.0, left + (step - 1) / 2], [0.0, step, top + (step - 1) / 2]])
    to_b = cv2.invertAffineTransform(matrix) @ np.vstack((to_a, [0, 0, 1]))
    laid_b = _take(b, to_b, size)
    inside = cv2.warpAffine(np.full(b.shape[:2], 255, np.uint8), to_b, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    mask = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=0) > 0
    return Laid(_take(a, to_a, size), laid_b, mask, cv2.countNonZero(inside), to_a)


def _take(look: Bytes, to_look: Matrix, size: tuple[int, int]) -> Bytes:
    """Sample `look` through a matrix (frame -> look), averaged first where the frame is coarser."""
    step = scale_of(to_look)
    if step > 1.3:
        width, height = max(1, round(look.shape[1] / step)), max(1, round(look.shape[0] / step))
        across, down = width / look.shape[1], height / look.shape[0]
        look = _averaged(look, width, height)
        to_look = np.array([[across], [down]]) * to_look
        to_look[:, 2] += ((across - 1) / 2, (down - 1) / 2)
    taken: Bytes = cv2.warpAffine(look, to_look, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    return taken


_AVERAGED: OrderedDict[tuple[int, int, int], tuple[Bytes, Bytes]] = OrderedDict()
"""What was averaged last, with what it was made of: the steps of a refinement ask for the same again, and so do the pairs of a picture."""


def _averaged(look: Bytes, width: int, height: int) -> Bytes:
    key = (id(look), width, height)
    known = _AVERAGED.get(key)
    if known is not None and known[0] is look:
        _AVERAGED.move_to_end(key)
        return known[1]
    small = cv2.resize(look, (width, height), interpolation=cv2.INTER_AREA)
    _AVERAGED[key] = look, small
    if len(_AVERAGED) > AVERAGED_KEPT:
        _AVERAGED.popitem(last=False)
    return small


def glance(a: Features, b: Features, place: Placement) -> float:
    """Share of what has detail that agrees already, roughly laid and small; 1 where there is hardly any detail, 0 without an overlap."""
    one, other = a.glimpses[place.view_a], b.glimpses[place.view_b]
    down, up = one.shape[1] / a.looks[place.view_a].shape[1], b.looks[place.view_b].shape[1] / other.shape[1]
    laid = lay(one, other, rescaled(place.matrix, down, up), GLANCE_PX)
    if laid is None or count(laid.mask) < 64:
        return 0.0
    one, other, mask = laid.a, laid.b, laid.mask
    size = (7, 7)
    mean_one, mean_other = cv2.boxFilter(one, -1, size), cv2.boxFilter(other, -1, size)
    var_one = cv2.boxFilter(one * one, -1, size) - mean_one * mean_one
    var_other = cv2.boxFilter(other * other, -1, size) - mean_other * mean_other
    both = cv2.boxFilter(one * other, -1, size) - mean_one * mean_other
    mask = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0  # no window looks over the edge
    detail = mask & (np.maximum(var_one, var_other) > 40.0)
    agree = detail & (both > 0.0) & (both * both > GLANCE_AGREES**2 * (var_one + 8.0) * (var_other + 8.0))
    seen = count(detail)
    return 1.0 if seen <= 0.1 * count(mask) else count(agree) / seen


def is_worth_a_look(share: float, place: Placement) -> bool:
    """Does enough agree at a glance, for the kind of placement it is?"""
    if place.mirrored:
        return share >= GLANCE_MIRRORED
    if not place.inliers:
        return share >= (GLANCE_HALF if place.half else GLANCE_FRAMES)
    return share >= (GLANCE_SURE if place.inliers >= SURE_INLIERS else GLANCE_CORNERS)


def refine(a: Features, b: Features, place: Placement) -> Placement:
    """A few Gauss-Newton steps towards equal grey levels; the best seen, measured by the clipped difference."""
    matrix, best, least = place.matrix, place.matrix, np.inf
    for _ in range(REFINE_STEPS + 1):
        laid = lay(a.greys[place.view_a], b.greys[place.view_b], matrix, REFINE_PX)
        if laid is None or count(laid.mask) < 64:
            break
        shift, moved, rest = _newton(laid)
        if rest < least:
            best, least = matrix, rest
        if shift is None or moved < 0.12 or rest > least * 1.02:
            break
        full = laid.to_a @ np.vstack((shift, [0, 0, 1])) @ np.linalg.inv(np.vstack((laid.to_a, [0, 0, 1])))
        matrix = np.vstack((full, [0, 0, 1]))[:2] @ np.vstack((matrix, [0, 0, 1]))
    return replace(place, matrix=best) if _near(best, place.matrix, b.looks[place.view_b]) else place


def _near(new: Matrix, old: Matrix, b: Bytes) -> bool:
    return drift_px(new, old, b) < DRIFT_SHARE_MAX * scale_of(old) * float(max(b.shape[:2]))


def drift_px(new: Matrix, old: Matrix, b: Bytes) -> float:
    """How far two placements of look b carry one of its corners apart, in pixels of look a."""
    height, width = b.shape[:2]
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], float)
    return float(np.abs(new @ corners - old @ corners).max())


def _newton(laid: Laid) -> tuple[Matrix | None, float, float]:
    """The affine (frame of b -> corrected frame) that best explains the difference, how far it moves a corner in pixels,
    and the mean clipped difference before it."""
    one, other = cv2.GaussianBlur(laid.a, (5, 5), 1.0), cv2.GaussianBlur(laid.b, (5, 5), 1.0)
    mask = cv2.erode(laid.mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    if count(mask) < 50:
        return None, 0.0, np.inf
    rest = (one - _same_tone(one, other, mask))[mask]
    error = float(np.minimum(np.abs(rest), CLIP_LEVELS).mean())
    across = cv2.Sobel(one, cv2.CV_32F, 1, 0, scale=0.125)[mask]
    down = cv2.Sobel(one, cv2.CV_32F, 0, 1, scale=0.125)[mask]
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    x, y = ((columns - width / 2) / width).astype(np.float32), ((rows - height / 2) / height).astype(np.float32)
    weight = 1.0 / (1.0 + np.square(rest / ROBUST_LEVELS))
    basis = np.stack([across, down, across * x, across * y, down * x, down * y])
    weighted = basis * weight
    normal = weighted @ basis.T + np.eye(6, dtype=np.float32) * weight.sum() * 0.02
    solved = np.linalg.solve(normal.astype(float), (weighted @ rest).astype(float))
    moved = float(np.abs(solved).max())
    if moved > MOVE_MAX_PX:
        return None, 0.0, error
    p = -solved  # the content of b must move against the measured shift
    linear = np.array([[1 + p[2] / width, p[3] / height], [p[4] / width, 1 + p[5] / height]])
    centre = np.array([width / 2, height / 2])
    return np.column_stack((linear, centre - linear @ centre + p[:2])), moved, error


def _same_tone(one: Floats, other: Floats, mask: NDArray[np.bool_]) -> Floats:
    """`other` with the brightness and contrast of `one`: a line fitted inside the mask, twice, the second time without what is far off."""
    x, y = other[::3, ::3][mask[::3, ::3]], one[::3, ::3][mask[::3, ::3]]
    keep = np.ones(len(x), bool)
    gain, offset = 1.0, 0.0
    for _ in range(2):
        of_x, of_y = x[keep], y[keep]
        deviation = of_x.std() if len(of_x) else 0.0
        if deviation < 1.0:
            break
        covariance = float(((of_x - of_x.mean()) * (of_y - of_y.mean())).mean())
        gain = min(3.0, max(0.3, covariance / float(deviation) ** 2))
        offset = median(of_y - gain * of_x)
        rest = np.abs(y - gain * x - offset)
        keep = rest <= max(8.0, 2.0 * median(rest))
    toned: Floats = other * gain + offset
    return toned
