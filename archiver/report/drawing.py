"""The drawing on the fullest copy of a picture: what every other copy shows of it, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archiver.report.registration import Frame, Placed

OVERHANG = 0.06
"""How far an outline may stand over the edge of the drawing, as a fraction of its longer side."""
WHOLE = 0.985
"""A copy that covers more than this of the fullest one needs no outline."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What one copy shows, drawn on the fullest one: the points of a polygon, and where its letter stands."""

    letter: str
    points: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Canvas:
    """The drawing on the fullest copy, in its pixels."""

    letter: str
    width: int
    height: int
    outlines: tuple[Outline, ...]
    regions: tuple[tuple[float, float, float, float], ...]
    """Where a copy differs: x, y, width, height."""
    text_px: float


def canvas(laid: Frame, letters: Mapping[str, str]) -> Canvas | None:
    """The drawing for a frame; None when every copy shows the whole picture and none differs anywhere."""
    width, height = laid.width_px, laid.height_px
    over = OVERHANG * max(width, height)
    text_px = round(max(width, height) / 26, 1)
    drawn: list[Outline] = []
    for payload, tie in laid.placed.items():
        if payload == laid.reference or _covers(tie, width * height):
            continue
        points = [(_clamp(x, -over, width + over), _clamp(y, -over, height + over)) for x, y in tie.corners]
        x, y = min(x for x, _ in points), min(y for _, y in points)
        while any(abs(other.x - x) < 1.8 * text_px and abs(other.y - y) < 1.8 * text_px for other in drawn):
            x += text_px / 2
        drawn.append(Outline(letters[payload], " ".join(f"{px:.1f},{py:.1f}" for px, py in points), round(x, 1), round(y, 1)))
    regions = tuple(region for tie in laid.placed.values() if (region := _region(tie, laid)))
    if not drawn and not regions:
        return None
    return Canvas(letters[laid.reference], width, height, tuple(drawn), regions, text_px)


def _covers(tie: Placed, whole: float) -> bool:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = tie.corners
    return abs((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2 >= WHOLE * whole


def _region(tie: Placed, laid: Frame) -> tuple[float, float, float, float] | None:
    """The differing region, when it is known in the pixels of the frame's reference."""
    transform = tie.pair.transform if tie.pair else None
    if tie.pair is None or transform is None or transform.region is None:
        return None
    fuller = tie.pair.a if transform.fuller == "a" else tie.pair.b
    if fuller != laid.reference:
        return None
    left, top, right, bottom = transform.region
    return round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1)


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
