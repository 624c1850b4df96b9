"""Facts about a file that help to choose the best of several copies, from plain values: numpy in, numbers out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

# Luminance table of ITU-T T.81 (JPEG) Annex K.1, in zigzag-free row order; a table's quality is measured against it.
_ANNEX_K = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)

_LOSSLESS = frozenset({"png", "gif", "bmp", "tiff", "ico", "pnm"})

GREY_TOLERANCE = 8
"""Levels between the channels of a pixel without colour; chroma of JPEG and WebP wavers by 2 to 5."""

BORDER_TOLERANCE = 12
"""Grey levels between the extremes of a row or column that still count as one colour (JPEG ringing included)."""
_LINES_AT_ONCE = 8

BORDER_MIN_SHARE = 0.012
"""A border narrower than this share of the side is taken for an edge effect."""
BORDER_MAX_SHARE = 0.45
"""On each side; a wider one leaves too little of a picture to be called its frame."""

_TAKEN = re.compile(r"(\d{4})[:\-](\d\d)[:\-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


@lru_cache(maxsize=1)
def _sums() -> tuple[int, ...]:
    """For each quality from 1 to 100 the sum of the table that libjpeg makes of Annex K's (jcparam.c: jpeg_quality_scaling)."""
    percents = (5000 // quality if quality < 50 else 200 - 2 * quality for quality in range(1, 101))
    return tuple(sum(min(255, max(1, (value * percent + 50) // 100)) for value in _ANNEX_K) for percent in percents)


def quality_from_tables(tables: Mapping[int, Sequence[int]]) -> int | None:
    """The quality (1-100) at which libjpeg's luminance table is as coarse as the first of `tables`; None without tables.

    Sums are compared, so that the order of coefficients does not matter and tables of other makers get the nearest number.
    """
    first = tables.get(0)
    if not first:
        return None
    found = sum(first)
    return 1 + min(range(100), key=lambda at: abs(_sums()[at] - found))


def is_lossless(data: bytes, kind: str) -> bool:
    """Is nothing lost between the pixels that were encoded and those that are decoded? Of a WebP its first picture tells."""
    if kind != "webp":
        return kind in _LOSSLESS
    at = 12
    while at + 8 <= len(data):
        name = data[at : at + 4]
        if name in {b"VP8 ", b"VP8L"}:
            return name == b"VP8L"
        inside = name == b"ANMF"  # a frame: 16 bytes of its own before the chunks in it (RFC 9649 section 2.7.1.1)
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 24 if inside else 8 + size + (size & 1)
    return False


def exif_text(value: Any, longest: int = 200) -> str:
    """A text field of EXIF as one printable line."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:longest]


def taken_at(value: Any) -> str:
    """EXIF DateTimeOriginal (`2014:03:02 11:22:33`, EXIF 2.32 section 4.6.6) as ISO 8601 without zone; empty when unset or nonsense."""
    match = _TAKEN.match(exif_text(value))
    if match is None:
        return ""
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    possible = year >= 1800 and 1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 60
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}" if possible else ""


def is_grey(view: np.ndarray) -> bool:
    """Are the three channels of `view` (H, W, 3; uint8) the same but for what encoders leave?"""
    few = view[::3, ::3].astype(np.int16)
    return bool((few.max(axis=2) - few.min(axis=2)).max() <= GREY_TOLERANCE)


def border_box(view: np.ndarray) -> tuple[float, float, float, float] | None:
    """Content inside a uniform frame of `view` (H, W, 3; uint8) as fractions (left, top, right, bottom); None when there is none.

    Rows and columns whose extremes lie within BORDER_TOLERANCE of each other and of the side's outermost line belong to the frame.
    """
    height, width = view.shape[:2]
    if min(height, width) < 16:
        return None
    top, bottom = _run(view), _run(view[::-1])
    if top + bottom >= height:
        return None
    columns = view[top : height - bottom].transpose(1, 0, 2)
    left, right = _run(columns), _run(columns[::-1])
    sides = [_share(left, width), _share(top, height), _share(right, width), _share(bottom, height)]
    if max(sides) == 0.0 or max(sides) > BORDER_MAX_SHARE:
        return None
    return sides[0], sides[1], 1.0 - sides[2], 1.0 - sides[3]


def _share(lines: int, side: int) -> float:
    share = lines / side
    return share if share >= BORDER_MIN_SHARE else 0.0


def _run(lines: np.ndarray) -> int:
    """How many of the first `lines` (N, M, 3) are of one colour; most pictures end the search in their first few."""
    low = high = lines[0, 0].astype(np.int16)
    for start in range(0, len(lines), _LINES_AT_ONCE):
        block = lines[start : start + _LINES_AT_ONCE]
        lows = np.minimum.accumulate(np.vstack([low, block.min(axis=1)]), axis=0)[1:]
        highs = np.maximum.accumulate(np.vstack([high, block.max(axis=1)]), axis=0)[1:]
        broken = ((highs - lows) > BORDER_TOLERANCE).any(axis=1)
        if broken.any():
            return start + int(broken.argmax())
        low, high = lows[-1], highs[-1]
    return len(lines)


# --- upscaling ------------------------------------------------------------------------------------------------------

DETAIL_LINES = 48
"""Rows, and columns, that are looked at."""
_WINDOW = 256
"""Pixels whose spectrum is taken; pictures smaller than this are not judged."""
_GAP, _BAND = 4, 18
"""Bins (of 128 up to the Nyquist frequency) left out, and reached, on both sides of a presumed edge of the spectrum."""

CLIFF_DB = 5.0
"""How much steeper than in nature the spectrum must fall, along rows and along columns. Of 330 pictures as taken or drawn, and their JPEG
copies of quality 60 to 95, none came over 3.7; of those enlarged twice or more and saved at 80 or 92, 56 to 88 of 100 did."""
SPECTRUM_BANDS = 32
_CLIFF_WIDTH = 0.06
"""From the steepest place to the end of the detail: interpolation fades before it ends. Rather too much than too little."""


def detail_share(rows: np.ndarray, columns: np.ndarray) -> float:
    """What share of its size a picture's detail really fills: 1.0 unless it was plainly enlarged.

    `rows` and `columns` are lines of grey, shape (DETAIL_LINES, length). The power spectrum of natural pictures falls like a power of the
    frequency (Field 1987: about f^-2.5 along a line); that of an enlarged one breaks off where the smaller picture had no more.
    """
    found = [_cliff(_power(lines)) for lines in (rows, columns) if lines.shape[1] >= _WINDOW]
    if len(found) < 2 or min(drop for drop, _ in found) < CLIFF_DB:
        return 1.0
    return min(1.0, max(place for _, place in found) + _CLIFF_WIDTH)


def spectrum_db(rows: np.ndarray, columns: np.ndarray, share: float) -> tuple[int, ...]:
    """The mean power in each band of a 32nd of the picture's Nyquist frequency; empty where rows and columns are shorter than a window.

    `share`: the size at which the lines were taken against the picture's own; a quarter of it tells the lower quarter of the bands.
    """
    found = [_power(lines) for lines in (rows, columns) if lines.shape[1] >= _WINDOW]
    bands = round(SPECTRUM_BANDS * share)
    if not found or not bands:
        return ()
    edges = np.linspace(0, _WINDOW // 2, bands + 1).round().astype(int)
    power = np.mean(found, axis=0)
    return tuple(round(10.0 * math.log10(float(power[low:high].mean()) + 1e-3)) for low, high in pairwise(edges))


def _power(lines: np.ndarray) -> np.ndarray:
    """(129,): the mean power spectrum of the first and the last window of each line."""
    pieces = np.concatenate([lines[:, :_WINDOW], lines[:, -_WINDOW:]]).astype(np.float32)
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * np.hanning(_WINDOW).astype(np.float32)
    power: np.ndarray = np.square(np.abs(np.fft.rfft(pieces, axis=1))).mean(axis=0)
    return power


def _cliff(power: np.ndarray) -> tuple[float, float]:
    """The steepest fall of a spectrum: by how many dB more than expected, and at what share of the Nyquist frequency."""
    level = np.concatenate([[0.0], np.cumsum(10.0 * np.log10(power + 1e-3))])
    width, middle = _BAND - _GAP, (_BAND + _GAP) / 2
    edges = np.arange(2 * _BAND, _WINDOW // 2 - _BAND)
    below = level[edges - _GAP] - level[edges - _BAND]
    above = level[edges + _BAND + 1] - level[edges + _GAP + 1]
    drops = (below - above) / width - 25.0 * np.log10((edges + middle) / (edges - middle))
    steepest = int(drops.argmax())
    return float(drops[steepest]), float(edges[steepest] / (_WINDOW / 2))
