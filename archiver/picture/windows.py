"""Parts of a frame that copies are commonly made of: the middle cut to a usual ratio, and what a banner leaves of it above or below.

Their hashes find copies that have hardly any corners, as pictures of the sky and drawings of a few lines, where the frame's own hash
is another.
"""

from __future__ import annotations

RATIOS = (1.0, 4 / 3, 3 / 2, 16 / 9, 3 / 4)
"""Width to height of the cuts that content systems and social networks make."""
HALF = 0.58
"""Height, as a share, that stays free of a banner in the lower or in the upper third."""
RATIO_WITHIN = 0.03
"""Two ratios that differ by less are one; encoders round sides to whole pixels."""

Box = tuple[float, float, float, float]


def cuts(width: float, height: float) -> tuple[Box | None, ...]:
    """Per ratio the largest box (left, top, right, bottom in pixels) about the middle; None where that is the frame itself."""
    return tuple(None if alike(width / height, ratio) else _middle(width, height, ratio) for ratio in RATIOS)


def halves(width: float, height: float) -> tuple[Box, Box]:
    """The upper and the lower part that a banner leaves."""
    return (0.0, 0.0, width, HALF * height), (0.0, (1.0 - HALF) * height, width, height)


def alike(one: float, other: float) -> bool:
    """Whether two ratios of width to height are the same but for rounding."""
    return abs(one / other - 1.0) < RATIO_WITHIN


def _middle(width: float, height: float, ratio: float) -> Box:
    inner_width, inner_height = min(width, height * ratio), min(height, width / ratio)
    left, top = (width - inner_width) / 2.0, (height - inner_height) / 2.0
    return left, top, left + inner_width, top + inner_height
