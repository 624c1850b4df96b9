"""The tones of one picture given to the other, and where the two then agree.

Agreement is normalised cross-correlation in small windows (Lewis, "Fast normalized cross-correlation", 1995), so that brightness and
contrast do not count. Where both are flat there is nothing to agree on, and only the level counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from archiver.picture.features import Bytes, Floats

Mask = NDArray[Any]

WINDOW_PX = 9
LEVEL_PX = 5
TONE_SAMPLE = 800
SHIFTED = 0.97
"""Where a mere shift explains so many pixels, fitting begins there only."""
TONE_STEPS = 8
"""Per grey level, of the table that tones are mapped by."""
NOISE_VARIANCE = 12.0
"""Grey levels squared: encoders leave about this much, and it must not correlate."""
DETAIL_VARIANCE = 40.0
"""A window with more than this in either picture has something to agree on."""
LEVEL_APART = 28.0
"""Mean grey levels by which two windows differ visibly after the tone map."""
AGREES, DISAGREES = 0.7, 0.5
LEVELS_LEFT = 0.005
"""Share of the overlap apart by level alone from which on the tones are mapped the other way too."""
UNLIKE = 0.1
"""Share of the detail whose shape differs, from which on no change of tones explains the pair."""
CLIPPED_FROM = 121.5
"""Grey levels from the middle one at which a tone is white or black."""
CLIPPED = 0.5
"""Another way must leave so much less apart."""
GAIN_RANGE = (0.4, 2.5)
"""Contrast, and powers, beyond which nobody exposes a picture anew."""


@dataclass(frozen=True)
class Toned:
    """Two pictures after the one was given the tones of the other, and where they agree."""

    one: Floats
    other: Floats
    """(H, W, 3): brightness and two colour differences."""
    a: Floats
    b: Floats
    """(H, W): brightness, one of the two mapped."""
    correlation: Floats
    detail: Mask
    apart: Mask
    change: tuple[float, float]
    """Mean change in grey levels, and the least of the strongest twentieth: of a drawing on white most stays as it is."""


def give_tones(a: Bytes, b: Bytes, mask: Mask) -> Toned:
    """Map the tones of b to those of a; where that leaves levels apart of shapes that agree, try what else may have been done.

    A change that clips (brightened until the sky is white) can be told in one direction only: white may have been any light tone.
    And one made to each of red, green and blue is none of the brightness alone: strong colours clip sooner.
    """
    one, other = channels(a), channels(b)
    mapped = tone_map(one[..., 0], other[..., 0], mask)
    plain = _agreement(one, other, (one[..., 0], mapped), mask, _change(mapped, other, mask))
    uncorrelated = count(plain.detail & (plain.correlation < DISAGREES))
    by_level = count(plain.apart) - uncorrelated
    unlike = uncorrelated - _clipped_away(one[..., 0][mask], other[..., 0][mask])
    if by_level < LEVELS_LEFT * count(mask) or unlike > UNLIKE * count(plain.detail):
        return plain
    other_way = _other_way(a, b, one, other, mask)
    return other_way if count(other_way.apart) < CLIPPED * count(plain.apart) else plain


def _clipped_away(one: Floats, other: Floats) -> int:
    """Pixels by which one of the two has more of pure white or black: what was there before cannot correlate."""
    clipped = [count(np.abs(grey - 127.5) > CLIPPED_FROM) for grey in (one, other)]
    return abs(clipped[0] - clipped[1])


def channels(look: Bytes) -> Floats:
    """(H, W, 3) float32: brightness and two colour differences, without the finest grain."""
    return cv2.GaussianBlur(cv2.cvtColor(look, cv2.COLOR_RGB2YCrCb).astype(np.float32), (0, 0), 0.7)


def _other_way(a: Bytes, b: Bytes, one: Floats, other: Floats, mask: Mask) -> Toned:
    """The tones of a mapped to those of b, or one of them exposed like the other, each colour channel for itself: what leaves least."""
    some = _some(mask)
    ways: list[tuple[float, Bytes | None, bool]] = []
    for exposure in (brightness, line, gamma):
        for onto, colours, is_b in ((a[some], b[some], True), (b[some], a[some], False)):
            table = exposure(onto.ravel().astype(np.float32), colours.ravel().astype(np.float32))
            left = np.abs(onto - table[colours].astype(np.float32)).mean(axis=1)
            ways.append((share_above(left, LEVEL_APART), table, is_b))
    back = tone_map(other[..., 0], one[..., 0], mask)
    ways.append((float((np.abs(back[some] - other[..., 0][some]) > LEVEL_APART).mean()), None, False))
    _, chosen, is_b = min(ways, key=lambda way: way[0])
    if chosen is None:
        return _agreement(one, other, (back, other[..., 0]), mask, _change(back, one, mask))
    if is_b:
        exposed = channels(chosen[b])
        mapped = tone_map(one[..., 0], exposed[..., 0], mask)
        return _agreement(one, exposed, (one[..., 0], mapped), mask, _change(mapped, other, mask))
    exposed = channels(chosen[a])
    mapped = tone_map(exposed[..., 0], other[..., 0], mask)
    return _agreement(exposed, other, (exposed[..., 0], mapped), mask, _change(exposed[..., 0], one, mask))


def _some(mask: Mask) -> Mask:
    """Every third row and column of it: enough to fit a tone by."""
    some = np.zeros_like(mask)
    some[::3, ::3] = mask[::3, ::3]
    return some


def _change(after: Floats, before: Floats, mask: Mask) -> tuple[float, float]:
    changes = np.abs(after[mask] - before[..., 0][mask])
    return float(changes.mean()), quantile(changes[::4], 0.95)


def brightness(onto: Floats, colours: Floats) -> Bytes:
    """A table of 256 levels: the brightness that makes `onto` of `colours` ((N,) levels), by what neither clips."""
    x, y = _unclipped(onto, colours)
    factor = float(np.clip(median(y / x), *GAIN_RANGE)) if len(x) >= 20 else 1.0
    table: Bytes = np.clip(np.rint(np.arange(256) * factor), 0, 255).astype(np.uint8)
    return table


def line(onto: Floats, colours: Floats) -> Bytes:
    """The same for brightness and contrast.

    Begun from all of it, and from what a gain alone explains: edges beside clipped ground can lead the first astray.
    """
    x, y = _unclipped(onto, colours)
    gain, offset = 1.0, 0.0
    if len(x) >= 20:
        off = np.abs(y - median(y / x) * x)
        fits = [_trimmed_line(x, y, start) for start in (np.ones(len(x), bool), off <= max(6.0, 2.0 * median(off)))]
        _, gain, offset = min(fits, key=lambda fit: fit[0])
    table: Bytes = np.clip(np.rint(np.arange(256) * gain + offset), 0, 255).astype(np.uint8)
    return table


def _trimmed_line(x: Floats, y: Floats, keep: Mask) -> tuple[float, float, float]:
    """Median distance of a line, its gain and offset, each round fitted without what lay furthest off."""
    gain, offset, left = 1.0, 0.0, np.inf
    for _ in range(3):
        of_x, of_y = x[keep], y[keep]
        if len(of_x) < 20 or of_x.std() < 2.0:
            break
        gain = float(np.clip(np.polyfit(of_x, of_y, 1)[0], *GAIN_RANGE))
        offset = median(of_y - gain * of_x)
        rest = np.abs(y - gain * x - offset)
        left = median(rest)
        keep = rest <= max(6.0, 2.0 * left)
    return left, gain, offset


def gamma(onto: Floats, colours: Floats) -> Bytes:
    """The same for a power of the level."""
    x, y = _unclipped(onto, colours)
    power = float(np.clip(median(np.log(y / 255.0) / np.log(x / 255.0)), *GAIN_RANGE)) if len(x) >= 20 else 1.0
    table: Bytes = np.rint(255.0 * (np.arange(256) / 255.0) ** power).astype(np.uint8)
    return table


def _unclipped(onto: Floats, colours: Floats) -> tuple[Floats, Floats]:
    chosen = (np.minimum(onto, colours) > 6.0) & (np.maximum(onto, colours) < 249.0)
    return colours[chosen], onto[chosen]


def _agreement(one: Floats, other: Floats, greys: tuple[Floats, Floats], mask: Mask, change: tuple[float, float]) -> Toned:
    correlation, detail, level = windows(*greys, mask)
    detail &= mask
    apart = mask & ((detail & (correlation < DISAGREES)) | (np.abs(level) > LEVEL_APART))
    return Toned(one, other, *greys, correlation, detail, apart, change)


def tone_map(onto: Floats, grey: Floats, mask: Mask) -> Floats:
    """`grey` with the tones of `onto`: a cubic fitted inside the mask, each round without what lay furthest off.

    It is begun twice, from all pixels and from those that a mere shift explains, for a banner can lead the first astray; the fit that
    is nearer for half of the pixels is taken (least median of squares, Rousseeuw 1984).
    """
    x, y = grey[mask].astype(np.float64) / 255.0, onto[mask].astype(np.float64)
    if len(x) > TONE_SAMPLE:
        x, y = x[:: len(x) // TONE_SAMPLE + 1], y[:: len(y) // TONE_SAMPLE + 1]
    shift = y - 255.0 * x
    off = np.abs(shift - median(shift))
    near = off <= max(6.0, 1.5 * median(off))
    starts = (near,) if count(near) > SHIFTED * len(x) else (np.ones(len(x), bool), near)
    basis = np.stack([np.ones_like(x), x, x * x, x * x * x], axis=1)
    _, factors = min((_fit(basis, y, start) for start in starts), key=lambda fit: fit[0])
    curve = np.maximum.accumulate(np.clip(_CUBICS @ factors, 0, 255))
    mapped: Floats = curve.astype(np.float32)[np.clip(np.rint(grey * TONE_STEPS), 0, 255 * TONE_STEPS).astype(np.int16)]
    return mapped


_CUBICS = (np.arange(255 * TONE_STEPS + 1)[:, None] / (255.0 * TONE_STEPS)) ** np.arange(4)
"""Powers 0 to 3 of every level of the table that tones are mapped by."""


def count(mask: Mask) -> int:
    """How many pixels it has; ten times as fast as their sum."""
    return int(np.count_nonzero(mask))


def share_above(values: Floats, level: float) -> float:
    """How many of the values (not none) are above `level`."""
    return count(values > level) / len(values)


def quantile(values: Floats, share: float) -> float:
    """The one of the values (not none) below which about this share of them lies; a tenth of what numpy's own takes on a thousand."""
    place = min(len(values) - 1, round(share * len(values)))
    return float(np.partition(values, place)[place])


def median(values: Floats) -> float:
    """The middle one of the values (not none), the upper of two."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])


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
        keep = rest <= max(6.0, 2.5 * median(rest))
    return median(rest), factors


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
