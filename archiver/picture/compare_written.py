"""Rows of letters that one of two pictures bears, as watermarks and addresses are laid over pictures.

Letters may be white with a dark rim or half transparent, so that they are brighter here and darker there; what tells them is that all that
differs is fine, lies in a few low rows, and adds detail to one picture where the other has less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archiver.picture.compare_tone import AGREES, Mask, Toned, count, quantile, share_above
from archiver.picture.features import Floats

INK_LEVELS = 9.0
"""Grey levels from which on a pixel may belong to a letter."""
ROW_INKED, ROW_GAP_PX, ROW_LEAST_PX = 0.05, 2, 3
"""Share of a line of pixels that holds ink, and of how many lines a row is made."""
AROUND_PX = 5


@dataclass(frozen=True)
class Written:
    """What differs, seen as rows of letters; shares are 0..1, averages are weighed by ink."""

    strokes: float
    """Strokes that a line of pixels crosses, on average over the denser half of each row."""
    dense: float
    """The same for each 100 pixels of a row's width."""
    high: float
    """Height of the highest row."""
    wide: float
    """Width of the widest row."""
    taken: float
    """Share of the overlap that rows and their surroundings take."""
    within: float
    """Share of all ink that lies in them."""
    unequal: float
    """How much more detail the one picture has in the rows, as a ratio of at least 1."""
    strength: float
    """Grey levels that 95 of 100 pixels of ink stay below."""
    rest: float
    """Share of the detail around the rows that correlates above AGREES."""
    rest_px: int
    stray: float
    """Share of the overlap that disagrees around the rows."""


def written(toned: Toned, mask: Mask) -> Written | None:
    """Measure the rows; None when there are none."""
    rest = np.where(mask, toned.a - toned.b, 0.0)
    ink = np.abs(rest) > INK_LEVELS
    rows = [row for row in _rows(ink.sum(axis=1) / np.maximum(1, mask.sum(axis=1))) if ink[row].any()]
    if not rows:
        return None
    near = np.zeros_like(mask)
    for row in rows:
        near[max(0, row.start - AROUND_PX) : row.stop + AROUND_PX] = True
    measured = np.array([_row(ink[row], toned.a[row], toned.b[row]) for row in rows])
    strokes, wide, weight, detail_a, detail_b = measured.T
    beyond = toned.correlation[toned.detail & ~near]
    return Written(
        strokes=float((strokes * weight).sum() / weight.sum()),
        dense=float((100.0 * strokes / wide * weight).sum() / weight.sum()),
        high=max(row.stop - row.start for row in rows) / mask.shape[0],
        wide=float(wide.max()) / mask.shape[1],
        taken=float(near.mean()),
        within=count(ink[near]) / count(ink),
        unequal=float(max(detail_a.sum(), detail_b.sum()) / max(1.0, min(detail_a.sum(), detail_b.sum()))),
        strength=quantile(np.abs(rest[ink]), 0.95),
        rest=share_above(beyond, AGREES) if len(beyond) else 0.0,
        rest_px=len(beyond),
        stray=count(toned.apart & ~near) / count(mask),
    )


def _rows(share: Floats) -> list[slice]:
    """Runs of lines with ink; `share`: how much of each line holds some."""
    inked = np.flatnonzero(share > ROW_INKED)
    if not len(inked):
        return []
    runs = np.split(inked, np.flatnonzero(np.diff(inked) > ROW_GAP_PX) + 1)
    return [slice(int(run[0]), int(run[-1]) + 1) for run in runs if len(run) >= ROW_LEAST_PX]


def _row(ink: Mask, one: Floats, other: Floats) -> tuple[float, float, float, float, float]:
    """Of one row: strokes, width in pixels, ink, and the detail of either picture from its first to its last stroke."""
    columns = np.flatnonzero(ink.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    starts = np.sort((ink[:, 1:] & ~ink[:, :-1]).sum(axis=1))
    detail_one, detail_other = (float(np.abs(np.diff(grey[:, left:right], axis=1)).sum()) for grey in (one, other))
    strokes = float(starts[-max(1, len(starts) // 2) :].mean())
    return strokes, float(max(8, right - left)), float(count(ink)), detail_one, detail_other
